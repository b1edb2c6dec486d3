//! Adam (Kingma and Ba, 2015), with PyTorch's defaults and order of operations.

use crate::model::float::Real;
use crate::model::kernel::wide::wide;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
/// Parameters updated at once, so that the sum of the gradients stays in cache.
const CHUNK: usize = 1024;

/// Running moments of the gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct Adam<R> {
    /// Of the gradient.
    pub mean: Vec<R>,
    /// Of its square.
    pub variance: Vec<R>,
    /// Steps taken.
    pub steps: i32,
}

/// What a step multiplies with, alike for all parameters.
#[derive(Clone, Copy)]
pub struct Pace<R> {
    rate: R,
    correction: R,
}

impl<R: Real> Adam<R> {
    /// For `n` parameters.
    pub fn new(n: usize) -> Adam<R> {
        Adam { mean: vec![R::ZERO; n], variance: vec![R::ZERO; n], steps: 0 }
    }

    /// One step of `learning_rate` down the sum of `gradients`, added up in their order.
    pub fn step(&mut self, parameters: &mut [R], gradients: &[&[R]], learning_rate: f64) {
        let pace = self.begin(learning_rate);
        let mut sum = [R::ZERO; CHUNK];
        for at in (0..parameters.len()).step_by(CHUNK) {
            let sum = &mut sum[..CHUNK.min(parameters.len() - at)];
            sum.copy_from_slice(&gradients[0][at..][..sum.len()]);
            for more in &gradients[1..] {
                sum.iter_mut().zip(&more[at..]).for_each(|(s, &g)| *s += g);
            }
            self.update(parameters, at, sum, pace);
        }
    }

    /// Begins a step, whose parts [`Adam::update`] takes.
    pub fn begin(&mut self, learning_rate: f64) -> Pace<R> {
        self.steps = self.steps.saturating_add(1);
        Pace {
            rate: R::of(learning_rate / (1.0 - BETA1.powi(self.steps))),
            correction: R::of(1.0 / (1.0 - BETA2.powi(self.steps)).sqrt()),
        }
    }

    /// The parameters from `at` on, as many as `gradient` is long.
    pub fn update(&mut self, parameters: &mut [R], at: usize, gradient: &[R], pace: Pace<R>) {
        let n = gradient.len();
        let parameters = &mut parameters[at..at + n];
        let (means, variances) = (&mut self.mean[at..at + n], &mut self.variance[at..at + n]);
        wide(
            #[inline(always)]
            move || step(parameters, means, variances, gradient, pace),
        );
    }
}

#[inline(always)]
fn step<R: Real>(parameters: &mut [R], means: &mut [R], variances: &mut [R], gradient: &[R], pace: Pace<R>) {
    // In singles 1 - 0.999 would be 0.001 but for 1.3e-5 of it, and training soon another.
    let [beta1, beta2, fresh1, fresh2, epsilon] =
        [BETA1, BETA2, 1.0 - BETA1, 1.0 - BETA2, EPSILON].map(R::of);
    for (((p, m), v), &g) in parameters.iter_mut().zip(means).zip(variances).zip(gradient) {
        *m = beta1 * *m + fresh1 * g;
        *v = beta2 * *v + fresh2 * g * g;
        *p -= pace.rate * *m / (v.sqrt() * pace.correction + epsilon);
    }
}
