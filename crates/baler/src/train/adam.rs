//! Adam (Kingma and Ba, 2015), with PyTorch's defaults and order of operations.

use crate::model::kernel::wide::wide;

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;
/// Parameters updated at once, so that the sum of the gradients stays in cache.
const CHUNK: usize = 1024;

/// Running moments of the gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct Adam {
    /// Of the gradient.
    pub mean: Vec<f32>,
    /// Of its square.
    pub variance: Vec<f32>,
    /// Steps taken.
    pub steps: i32,
}

/// What a step multiplies with, alike for all parameters.
#[derive(Clone, Copy)]
pub struct Pace {
    rate: f32,
    correction: f32,
}

impl Adam {
    /// For `n` parameters.
    pub fn new(n: usize) -> Adam {
        Adam { mean: vec![0.0; n], variance: vec![0.0; n], steps: 0 }
    }

    /// One step of `learning_rate` down the sum of `gradients`, added up in their order.
    pub fn step(&mut self, parameters: &mut [f32], gradients: &[&[f32]], learning_rate: f64) {
        let pace = self.begin(learning_rate);
        let mut sum = [0.0; CHUNK];
        for at in (0..parameters.len()).step_by(CHUNK) {
            let sum = &mut sum[..CHUNK.min(parameters.len() - at)];
            sum.copy_from_slice(&gradients[0][at..][..sum.len()]);
            for more in &gradients[1..] {
                sum.iter_mut().zip(&more[at..]).for_each(|(s, g)| *s += g);
            }
            self.update(parameters, at, sum, pace);
        }
    }

    /// Begins a step, whose parts [`Adam::update`] takes.
    pub fn begin(&mut self, learning_rate: f64) -> Pace {
        self.steps = self.steps.saturating_add(1);
        Pace {
            rate: (learning_rate / (1.0 - (BETA1 as f64).powi(self.steps))) as f32,
            correction: (1.0 / (1.0 - (BETA2 as f64).powi(self.steps)).sqrt()) as f32,
        }
    }

    /// The parameters from `at` on, as many as `gradient` is long.
    pub fn update(&mut self, parameters: &mut [f32], at: usize, gradient: &[f32], pace: Pace) {
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
fn step(parameters: &mut [f32], means: &mut [f32], variances: &mut [f32], gradient: &[f32], pace: Pace) {
    for (((p, m), v), &g) in parameters.iter_mut().zip(means).zip(variances).zip(gradient) {
        *m = BETA1 * *m + (1.0 - BETA1) * g;
        *v = BETA2 * *v + (1.0 - BETA2) * g * g;
        *p -= pace.rate * *m / (v.sqrt() * pace.correction + EPSILON);
    }
}
