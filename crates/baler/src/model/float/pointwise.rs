//! Layers that look at one value, or at the channels of one pixel, at a time.

use std::f32::consts::{FRAC_1_SQRT_2, PI};

use crate::model::kernel::gemm::{View, product};

/// Added to a variance before its root.
pub const EPSILON: f32 = 1e-5;
/// What beta of a [`Layer::Gdn`](crate::model::layers::Layer::Gdn) is at least.
pub const LEAST_BETA: f32 = 1e-6;

/// x Phi(x), by the error function.
pub fn gelu(x: f32) -> f32 {
    x * normal(x)
}

/// The derivative of [`gelu`].
pub fn gelu_slope(x: f32) -> f32 {
    normal(x) + x * (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

fn normal(x: f32) -> f32 {
    0.5 * (1.0 + libm::erff(x * FRAC_1_SQRT_2))
}

/// y = `slope` y where it is negative.
pub fn bend(y: &mut [f32], slope: f32) {
    y.iter_mut().for_each(|y| *y = if *y > 0.0 { *y } else { slope * *y });
}

/// y = (x - mean) / sqrt(var + epsilon) x weight + bias, by channel.
pub fn batch_norm(x: &[f32], [weight, bias, mean, var]: [&[f32]; 4], y: &mut [f32]) {
    let scale: Vec<f32> = weight.iter().zip(var).map(|(w, v)| w / (v + EPSILON).sqrt()).collect();
    let shift: Vec<f32> = bias.iter().zip(mean).zip(&scale).map(|((b, m), s)| b - m * s).collect();
    for (x, y) in x.chunks_exact(scale.len()).zip(y.chunks_exact_mut(scale.len())) {
        for (((y, x), scale), shift) in y.iter_mut().zip(x).zip(&scale).zip(&shift) {
            *y = x * scale + shift;
        }
    }
}

/// What GDN divides by, squared: beta_i + sum_j gamma_ij x_j^2, into `norms`.
pub fn gdn_norms(x: &[f32], beta: &[f32], gamma: &[f32], norms: &mut [f32]) {
    let c = beta.len();
    let squares: Vec<f32> = x.iter().map(|x| x * x).collect();
    product(norms, View::rows(&squares, c), View::rows(gamma, c).transposed(), (x.len() / c, c, c));
    for row in norms.chunks_exact_mut(c) {
        row.iter_mut().zip(beta).for_each(|(n, b)| *n += b);
    }
}

/// x / sqrt(norm), or for the inverse x sqrt(norm).
pub fn gdn(x: &[f32], norms: &[f32], inverse: bool, y: &mut [f32]) {
    for ((y, x), n) in y.iter_mut().zip(x).zip(norms) {
        *y = if inverse { x * n.sqrt() } else { x / n.sqrt() };
    }
}
