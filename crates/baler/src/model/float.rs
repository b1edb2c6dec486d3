//! The float network: what training fits, and the reference for the frozen one. Never used to decode.

use super::kernel::gemm::{View, product};
use super::layers::DenseStage;

/// A dense layer with its activation, in float.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// Sizes and activation.
    pub stage: DenseStage,
    /// Outputs x inputs, row-major.
    pub weights: Vec<f32>,
    /// One an output.
    pub bias: Vec<f32>,
}

/// Both halves of an autoencoder in float, on normalised values.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatModel {
    /// From features to latents.
    pub encoder: Vec<Dense>,
    /// From latents to features.
    pub decoder: Vec<Dense>,
}

impl FloatModel {
    /// All layers, first to last.
    pub fn layers(&self) -> impl Iterator<Item = &Dense> {
        self.encoder.iter().chain(&self.decoder)
    }
}

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
    for row in y.chunks_exact_mut(stage.outputs) {
        if stage.slope == 1.0 {
            row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
        } else {
            for (y, b) in row.iter_mut().zip(bias) {
                let t = *y + b;
                *y = if t > 0.0 { t } else { stage.slope * t };
            }
        }
    }
}

/// Runs whole rows through `layers`.
pub fn forward<'a>(layers: impl IntoIterator<Item = &'a Dense>, rows: &[f32]) -> Vec<f32> {
    let mut x = rows.to_vec();
    for layer in layers {
        let n = x.len() / layer.stage.inputs;
        let mut y = vec![0.0; n * layer.stage.outputs];
        if n > 0 {
            forward_stage(layer.stage, &layer.weights, &layer.bias, &x, n, &mut y);
        }
        x = y;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_by_hand() {
        let stage = DenseStage { inputs: 2, outputs: 3, slope: 0.5 };
        let layer = Dense { stage, weights: vec![1.0, 2.0, -3.0, 0.0, 0.0, 1.0], bias: vec![0.0, 1.0, -9.0] };
        assert_eq!(forward([&layer], &[1.0, 2.0, -1.0, 4.0]), [5.0, -1.0, -3.5, 7.0, 4.0, -2.5]);
        assert!(forward([&layer], &[]).is_empty());
    }
}
