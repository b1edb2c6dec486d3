//! Layers that look at one value, or at the channels of one pixel, at a time.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::real::Real;
use crate::model::kernel::gemm::{View, product};

/// Added to a variance before its root.
pub const EPSILON: f64 = 1e-5;
/// What beta of a [`Layer::Gdn`](crate::model::layers::Layer::Gdn) is at least.
pub const LEAST_BETA: f64 = 1e-6;

/// x Phi(x), by the error function.
pub fn gelu<R: Real>(x: R) -> R {
    x * normal(x)
}

/// The derivative of [`gelu`].
pub fn gelu_slope<R: Real>(x: R) -> R {
    normal(x) + x * (R::of(-0.5) * x * x).exp() / R::of(2.0 * PI).sqrt()
}

fn normal<R: Real>(x: R) -> R {
    R::of(0.5) * (R::ONE + (x * R::of(FRAC_1_SQRT_2)).erf())
}

/// y = `slope` y where it is negative.
pub fn bend<R: Real>(y: &mut [R], slope: R) {
    y.iter_mut().for_each(|y| *y = if *y > R::ZERO { *y } else { slope * *y });
}

/// y = (x - mean) / sqrt(var + epsilon) x weight + bias, by channel.
pub fn batch_norm<R: Real>(x: &[R], [weight, bias, mean, var]: [&[R]; 4], y: &mut [R]) {
    let scale: Vec<R> = weight.iter().zip(var).map(|(&w, &v)| w / (v + R::of(EPSILON)).sqrt()).collect();
    let shift: Vec<R> = bias.iter().zip(mean).zip(&scale).map(|((&b, &m), &s)| b - m * s).collect();
    for (x, y) in x.chunks_exact(scale.len()).zip(y.chunks_exact_mut(scale.len())) {
        for (((y, &x), &scale), &shift) in y.iter_mut().zip(x).zip(&scale).zip(&shift) {
            *y = x * scale + shift;
        }
    }
}

/// What GDN divides by, squared: beta_i + sum_j gamma_ij x_j^2, into `norms`.
pub fn gdn_norms<R: Real>(x: &[R], beta: &[R], gamma: &[R], norms: &mut [R]) {
    let c = beta.len();
    let squares: Vec<R> = x.iter().map(|&x| x * x).collect();
    product(norms, View::rows(&squares, c), View::rows(gamma, c).transposed(), (x.len() / c, c, c));
    for row in norms.chunks_exact_mut(c) {
        row.iter_mut().zip(beta).for_each(|(n, &b)| *n += b);
    }
}

/// x / sqrt(norm), or for the inverse x sqrt(norm).
pub fn gdn<R: Real>(x: &[R], norms: &[R], inverse: bool, y: &mut [R]) {
    for ((y, &x), n) in y.iter_mut().zip(x).zip(norms) {
        *y = if inverse { x * n.sqrt() } else { x / n.sqrt() };
    }
}
