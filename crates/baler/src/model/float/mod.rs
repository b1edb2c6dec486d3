//! The float network: what training fits, and the reference for the frozen one. Never used to decode.

pub(crate) mod affine;
pub(crate) mod layout;
pub(crate) mod pointwise;
mod real;
pub(crate) mod transformer;
pub(crate) mod windows;

pub use affine::{DenseStage, forward_stage};
pub use real::{Precision, Real};

use super::layers::{Architecture, Layer};
use crate::error::{Error, Result};
use windows::Windows;

/// Values of a layer's output that are computed at once, about.
const BATCH: usize = 1 << 22;

/// A layer and its tensors.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatLayer {
    /// What it does.
    pub layer: Layer,
    /// The shape of a row that goes in.
    pub input: Vec<usize>,
    /// The shape of a row that comes out.
    pub output: Vec<usize>,
    /// In the order, and in PyTorch's order of axes, of [`Layer::tensors`].
    pub tensors: Vec<Vec<f32>>,
}

/// Both halves of an autoencoder in float, on normalised values.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatModel {
    /// From features to latents.
    pub encoder: Vec<FloatLayer>,
    /// From latents to features.
    pub decoder: Vec<FloatLayer>,
}

impl FloatModel {
    /// The layers of `architecture`, the tensors of each given by `tensors(half, layer's number in it, layer)`.
    ///
    /// Errors where the architecture is not valid, a tensor has another length than it must, and where `tensors` does.
    pub fn new(
        architecture: &Architecture,
        mut tensors: impl FnMut(&str, usize, &FloatLayer) -> Result<Vec<Vec<f32>>>,
    ) -> Result<FloatModel> {
        let [encoder, decoder] = architecture.shapes()?;
        let mut half = |name: &str, layers: &[Layer], shapes: &[Vec<usize>]| -> Result<Vec<FloatLayer>> {
            let make = |(i, (layer, shapes)): (usize, (&Layer, &[Vec<usize>]))| {
                let [input, output] = [0, 1].map(|s| shapes[s].clone());
                let mut made = FloatLayer { layer: layer.clone(), input, output, tensors: vec![] };
                made.tensors = tensors(name, i, &made)?;
                let lengths = made.tensors.iter().map(Vec::len);
                match lengths.eq(layer.tensors(&made.input).iter().map(|spec| spec.len())) {
                    true => Ok(made),
                    false => Err(Error::invalid(format!("{name}.{i}: tensors of another length"))),
                }
            };
            layers.iter().zip(shapes.windows(2)).enumerate().map(make).collect()
        };
        Ok(FloatModel {
            encoder: half("encoder", &architecture.encoder, &encoder)?,
            decoder: half("decoder", &architecture.decoder, &decoder)?,
        })
    }

    /// All layers, first to last.
    pub fn layers(&self) -> impl Iterator<Item = &FloatLayer> {
        self.encoder.iter().chain(&self.decoder)
    }
}

/// Runs whole rows through `layers` as they are after training: batch norm by its running statistics, no dropout.
/// Where a layer joins rows, each `sequence` consecutive ones see each other; the last sequence may be shorter.
pub fn forward<'a>(
    layers: impl IntoIterator<Item = &'a FloatLayer>,
    sequence: usize,
    rows: &[f32],
) -> Vec<f32> {
    let layers: Vec<_> = layers.into_iter().collect();
    let mut out = vec![];
    let last = layers.len().wrapping_sub(1);
    forward_each(layers, sequence, rows, |layer, y| {
        if layer == last {
            out.extend_from_slice(y);
        }
    });
    out
}

/// As [`forward`], batch by batch of its own size; calls `see(layer, what it gives for the batch)` for each layer of each
/// batch, rows x the layer's output, channels first.
pub fn forward_each<'a>(
    layers: impl IntoIterator<Item = &'a FloatLayer>,
    sequence: usize,
    rows: &[f32],
    mut see: impl FnMut(usize, &[f32]),
) {
    let layers: Vec<Ready> = layers.into_iter().map(Ready::new).collect();
    let Some(first) = layers.first() else { return };
    let features = first.of.input.iter().product::<usize>();
    let widest = layers.iter().map(|l| l.width().max(features)).max().unwrap_or(1);
    let batch = (BATCH / widest).clamp(1, 512).next_multiple_of(sequence.max(1));
    let mut shown = vec![];
    for rows in rows.chunks(batch * features) {
        let n = rows.len() / features;
        let mut x = vec![0.0; rows.len()];
        layout::to_last(&first.of.input, rows, &mut x);
        for (i, layer) in layers.iter().enumerate() {
            let mut y = vec![0.0; n * layer.width()];
            layer.forward(sequence, &x, n, &mut y);
            x = y;
            if layout::is_same(&layer.of.output) {
                see(i, &x);
            } else {
                shown.resize(x.len(), 0.0);
                layout::to_first(&layer.of.output, &x, &mut shown);
                see(i, &shown);
            }
        }
    }
}

/// A layer ready to run: its windows, and its weights in the order in which they are computed with.
struct Ready<'a> {
    of: &'a FloatLayer,
    windows: Option<Windows>,
    reordered: Vec<f32>,
}

impl<'a> Ready<'a> {
    fn new(of: &'a FloatLayer) -> Ready<'a> {
        let windows = Windows::of(&of.layer, &of.input, &of.output);
        let reordered = match windows {
            None => vec![],
            Some(_) => {
                let weight = &of.layer.tensors(&of.input)[0];
                layout::tensor_to_last(&of.layer, weight.name, &weight.shape, &of.tensors[0])
            }
        };
        Ready { of, windows, reordered }
    }

    fn width(&self) -> usize {
        self.of.output.iter().product()
    }

    fn forward(&self, sequence: usize, x: &[f32], rows: usize, y: &mut [f32]) {
        let FloatLayer { layer, input, output, tensors } = self.of;
        let t: Vec<&[f32]> = tensors.iter().map(|t| &t[..]).collect();
        match layer {
            Layer::Dense { outputs } => {
                let stage = DenseStage { inputs: input[0], outputs: *outputs, slope: 1.0 };
                affine::forward_stage(stage, t[0], t[1], x, rows, y);
            }
            Layer::Conv { .. } => {
                affine::convolve(self.windows(), &self.reordered, t[1], 1.0, x, rows, y);
            }
            Layer::ConvTransposed { .. } => {
                affine::convolve_transposed(self.windows(), &self.reordered, t[1], 1.0, x, rows, y);
            }
            Layer::BatchNorm => pointwise::batch_norm(x, [t[0], t[1], t[2], t[3]], y),
            Layer::Dropout { .. } => y.copy_from_slice(x),
            Layer::Relu => {
                y.copy_from_slice(x);
                pointwise::bend(y, 0.0);
            }
            Layer::LeakyRelu { slope } => {
                y.copy_from_slice(x);
                pointwise::bend(y, *slope);
            }
            Layer::Gelu => y.iter_mut().zip(x).for_each(|(y, &x)| *y = pointwise::gelu(x)),
            Layer::Gdn { inverse } => {
                let mut norms = vec![0.0; x.len()];
                pointwise::gdn_norms(x, t[0], t[1], &mut norms);
                pointwise::gdn(x, &norms, *inverse, y);
            }
            Layer::Flatten | Layer::Reshape { .. } => {
                let mut first = vec![0.0; x.len()];
                layout::to_first(input, x, &mut first);
                layout::to_last(output, &first, y);
            }
            Layer::Transformer { .. } => {
                let weights = transformer::Weights::new(layer, input[0], &t);
                transformer::forward(&weights, sequence, x, y, &mut Default::default());
            }
        }
    }

    fn windows(&self) -> &Windows {
        self.windows.as_ref().expect("a convolution")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_by_hand() {
        let dense = FloatLayer {
            layer: Layer::Dense { outputs: 3 },
            input: vec![2],
            output: vec![3],
            tensors: vec![vec![1.0, 2.0, -3.0, 0.0, 0.0, 1.0], vec![0.0, 1.0, -9.0]],
        };
        let slope = Layer::LeakyRelu { slope: 0.5 };
        let bent = FloatLayer { layer: slope, input: vec![3], output: vec![3], tensors: vec![] };
        assert_eq!(forward([&dense, &bent], 1, &[1.0, 2.0, -1.0, 4.0]), [5.0, -1.0, -3.5, 7.0, 4.0, -2.5]);
        assert!(forward([&dense], 1, &[]).is_empty());
    }
}
