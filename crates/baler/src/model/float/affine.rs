//! Layers that are a matrix product and a bias: dense, and both convolutions over gathered windows. An activation of
//! two straight lines may follow in the same pass.

use super::windows::Windows;
use crate::model::kernel::gemm::{View, product};
use crate::model::layers::DenseStage;

/// y = activation(W x + b) for `rows` rows. `y` must have room for them.
pub fn forward_stage(
    stage: DenseStage,
    weights: &[f32],
    bias: &[f32],
    x: &[f32],
    rows: usize,
    y: &mut [f32],
) {
    let y = &mut y[..rows * stage.outputs];
    let weights = View::rows(weights, stage.inputs).transposed();
    product(y, View::rows(x, stage.inputs), weights, (rows, stage.outputs, stage.inputs));
    add_bias(y, bias, stage.slope);
}

/// y = activation(y + b), the activation being `slope` y for y < 0.
pub fn add_bias(y: &mut [f32], bias: &[f32], slope: f32) {
    for row in y.chunks_exact_mut(bias.len()) {
        if slope == 1.0 {
            row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
        } else {
            for (y, b) in row.iter_mut().zip(bias) {
                let t = *y + b;
                *y = if t > 0.0 { t } else { slope * t };
            }
        }
    }
}

/// A convolution of `rows` rows: `weights` are channels that come out x values under a window.
pub fn convolve(
    windows: &Windows,
    weights: &[f32],
    bias: &[f32],
    slope: f32,
    x: &[f32],
    rows: usize,
    y: &mut [f32],
) {
    let (patch, channels) = (windows.patch(), bias.len());
    let mut gathered = vec![];
    for portion in windows.portions(rows) {
        windows.gather(x, portion.clone(), &mut gathered);
        let y = &mut y[portion.start * channels..portion.end * channels];
        let weights = View::rows(weights, patch).transposed();
        product(y, View::rows(&gathered, patch), weights, (portion.len(), channels, patch));
        add_bias(y, bias, slope);
    }
}

/// A transposed convolution of `rows` rows: `weights` are channels that go in x values under a window.
pub fn convolve_transposed(
    windows: &Windows,
    weights: &[f32],
    bias: &[f32],
    slope: f32,
    x: &[f32],
    rows: usize,
    y: &mut [f32],
) {
    let (patch, channels) = (windows.patch(), weights.len() / windows.patch());
    let y = &mut y[..rows * windows.large_len()];
    y.fill(0.0);
    let mut gathered = vec![];
    for portion in windows.portions(rows) {
        gathered.resize(portion.len() * patch, 0.0);
        let x = View::rows(&x[portion.start * channels..], channels);
        product(&mut gathered, x, View::rows(weights, patch), (portion.len(), patch, channels));
        windows.scatter(&gathered, portion, y);
    }
    add_bias(y, bias, slope);
}
