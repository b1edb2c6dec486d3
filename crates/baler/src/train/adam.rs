//! Adam (Kingma and Ba, 2015), with PyTorch's defaults and order of operations.

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;
/// Parameters updated at once, so that the sum of the gradients stays in cache.
const CHUNK: usize = 1024;

/// Running moments of the gradient.
#[derive(Debug, Clone)]
pub struct Adam {
    mean: Vec<f32>,
    variance: Vec<f32>,
    steps: i32,
}

impl Adam {
    /// For `n` parameters.
    pub fn new(n: usize) -> Adam {
        Adam { mean: vec![0.0; n], variance: vec![0.0; n], steps: 0 }
    }

    /// One step of `learning_rate` down the sum of `gradients`, added up in their order.
    pub fn step(&mut self, parameters: &mut [f32], gradients: &[&[f32]], learning_rate: f64) {
        self.steps = self.steps.saturating_add(1);
        let rate = (learning_rate / (1.0 - (BETA1 as f64).powi(self.steps))) as f32;
        let correction = (1.0 / (1.0 - (BETA2 as f64).powi(self.steps)).sqrt()) as f32;
        let mut sum = [0.0; CHUNK];
        let chunks = parameters.chunks_mut(CHUNK).zip(self.mean.chunks_mut(CHUNK));
        for (i, ((p, m), v)) in chunks.zip(self.variance.chunks_mut(CHUNK)).enumerate() {
            let sum = &mut sum[..p.len()];
            sum.copy_from_slice(&gradients[0][i * CHUNK..][..p.len()]);
            for more in &gradients[1..] {
                sum.iter_mut().zip(&more[i * CHUNK..]).for_each(|(s, g)| *s += g);
            }
            for (((p, m), v), &g) in p.iter_mut().zip(m).zip(v).zip(&*sum) {
                *m = BETA1 * *m + (1.0 - BETA1) * g;
                *v = BETA2 * *v + (1.0 - BETA2) * g * g;
                *p -= rate * *m / (v.sqrt() * correction + EPSILON);
            }
        }
    }
}
