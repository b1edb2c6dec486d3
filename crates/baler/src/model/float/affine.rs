//! Layers that are a matrix product and a bias: dense, and both convolutions over gathered windows. An activation of
//! two straight lines may follow in the same pass.

use super::real::Real;
use super::windows::Windows;
use crate::model::kernel::gemm::{View, add_bias, affine, product};

/// A dense layer and the activation behind it, the unit in which dense networks run: the activation is two straight
/// lines through the origin, so one number says which: the `slope` for negative values (1 for none at all, 0 for ReLU).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DenseStage {
    /// Values in a row that go in.
    pub inputs: usize,
    /// Values in a row that come out.
    pub outputs: usize,
    /// Gradient of the activation for negative values.
    pub slope: f32,
}

/// y = activation(W x + b) for `rows` rows. `y` must have room for them.
pub fn forward_stage<R: Real>(
    stage: DenseStage,
    weights: &[R],
    bias: &[R],
    x: &[R],
    rows: usize,
    y: &mut [R],
) {
    let y = &mut y[..rows * stage.outputs];
    let weights = View::rows(weights, stage.inputs).transposed();
    let shape = (rows, stage.outputs, stage.inputs);
    affine(y, stage.outputs, View::rows(x, stage.inputs), weights, (bias, R::of(stage.slope as f64)), shape);
}

/// A convolution of `rows` rows: `weights` are channels that come out x values under a window.
pub fn convolve<R: Real>(
    windows: &Windows,
    weights: &[R],
    bias: &[R],
    slope: R,
    x: &[R],
    rows: usize,
    y: &mut [R],
) {
    let (patch, channels) = (windows.patch(), bias.len());
    let mut gathered = vec![];
    for portion in windows.portions(rows) {
        windows.gather(x, portion.clone(), &mut gathered);
        let y = &mut y[portion.start * channels..portion.end * channels];
        let weights = View::rows(weights, patch).transposed();
        let (x, shape) = (View::rows(&gathered, patch), (portion.len(), channels, patch));
        affine(y, channels, x, weights, (bias, slope), shape);
    }
}

/// A transposed convolution of `rows` rows: `weights` are channels that go in x values under a window.
pub fn convolve_transposed<R: Real>(
    windows: &Windows,
    weights: &[R],
    bias: &[R],
    slope: R,
    x: &[R],
    rows: usize,
    y: &mut [R],
) {
    let (patch, channels) = (windows.patch(), weights.len() / windows.patch());
    let y = &mut y[..rows * windows.large_len()];
    y.fill(R::ZERO);
    let mut gathered = vec![];
    for portion in windows.portions(rows) {
        gathered.resize(portion.len() * patch, R::ZERO);
        let x = View::rows(&x[portion.start * channels..], channels);
        product(&mut gathered, x, View::rows(weights, patch), (portion.len(), patch, channels));
        windows.scatter(&gathered, portion, y);
    }
    add_bias(y, bias, slope);
}
