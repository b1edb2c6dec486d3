//! Baler's dense autoencoders in double precision: what its `.pt` files hold, and what its latents are decoded with.
//!
//! The library's float networks are of single precision. Baler's `AE` is of double: to decode as Baler does, to
//! some 1e-14 of a column's range, takes the same.

use std::collections::BTreeMap;

use baler::data::{Array, DType};
use baler::error::{Error, Result};
use baler::model::Model;
use baler::model::float::{FloatLayer, FloatModel};
use baler::model::layers::{Architecture, DenseStage, Layer};
use baler::model::zoo;

/// One fully connected layer and the activation behind it.
#[derive(Debug, Clone, PartialEq)]
struct Full {
    stage: DenseStage,
    /// Outputs x inputs, as files have them.
    weights: Vec<f64>,
    bias: Vec<f64>,
}

/// A dense autoencoder on normalised values.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Its layers.
    pub architecture: Architecture,
    /// Whether its weights are of single precision, in which it was then trained.
    pub single: bool,
    encoder: Vec<Full>,
    decoder: Vec<Full>,
}

impl Network {
    /// A network of the tensors `en1.weight`, `en1.bias`, ... and `de1.weight`, ..., as Baler names them.
    ///
    /// Its widths are those of the tensors. Names and shapes do not tell the activation: `name`, of the zoo, does,
    /// or else the number of layers: four each way are `AE` (`CFD_dense_AE` in single precision), three
    /// `FPGA_prototype_model`.
    pub fn from_tensors(tensors: Vec<(String, Array)>, name: Option<&str>) -> Result<Network> {
        let mut tensors: BTreeMap<String, Array> = tensors.into_iter().collect();
        let mut types = tensors.values().map(|t| t.values.dtype());
        let single = types.all(|t| t == DType::F32);
        let encoder = take_layers(&mut tensors, "en")?;
        let decoder = take_layers(&mut tensors, "de")?;
        if let Some(name) = tensors.keys().next() {
            return Err(Error::unsupported(format!(
                "the tensor '{}' is of no dense autoencoder, whose are en1.weight, en1.bias, ... and de1.weight, ...; \
                 others cannot be imported: train the model anew with `baler train`",
                name.escape_debug()
            )));
        }
        let (Some(first), Some(last)) = (encoder.first(), encoder.last()) else {
            return Err(Error::unsupported("holds no tensors en1.weight, en1.bias, ...: it has no encoder"));
        };
        let name = match (name, encoder.len(), decoder.len()) {
            (Some(name), ..) => name,
            (None, 4, 4) if single => "CFD_dense_AE",
            (None, 4, 4) => "AE",
            (None, 3, 3) => "FPGA_prototype_model",
            (None, a, b) => {
                return Err(Error::invalid(format!(
                    "{a} layers to the latents and {b} back are no model of Baler's; say with --model whose \
                     activation it has: {}",
                    zoo::NAMES.join(", ")
                )));
            }
        };
        let activation = activation_of(name, first.stage.inputs, last.stage.outputs)?;
        let architecture = Architecture {
            name: name.into(),
            input: vec![first.stage.inputs],
            sequence: 1,
            encoder: zoo::dense_chain(&outputs(&encoder), &activation),
            decoder: zoo::dense_chain(&outputs(&decoder), &activation),
        };
        architecture.validate()?;
        let finite =
            |l: &Full| l.weights.iter().chain(&l.bias).all(|x| x.is_finite() && x.abs() < f32::MAX as f64);
        if !encoder.iter().chain(&decoder).all(finite) {
            return Err(Error::invalid("has weights that are not finite: its training failed"));
        }
        let stages = (architecture.encoder_stages()?, architecture.decoder_stages()?);
        let staged = |layers: Vec<Full>, stages: Vec<DenseStage>| {
            layers.into_iter().zip(stages).map(|(layer, stage)| Full { stage, ..layer }).collect()
        };
        let (encoder, decoder) = (staged(encoder, stages.0), staged(decoder, stages.1));
        Ok(Network { architecture, single, encoder, decoder })
    }

    /// The float network of a model, which must be dense.
    pub fn of_model(model: &Model) -> Result<Network> {
        let double = |v: &[f32]| v.iter().map(|&x| x.into()).collect();
        let full = |layers: &[FloatLayer], stages: Vec<DenseStage>| {
            let dense = layers.iter().filter(|l| matches!(l.layer, Layer::Dense { .. })).zip(stages);
            dense
                .map(|(l, stage)| Full { stage, weights: double(&l.tensors[0]), bias: double(&l.tensors[1]) })
                .collect()
        };
        let architecture = model.architecture.clone();
        let (encoder, decoder) = (architecture.encoder_stages()?, architecture.decoder_stages()?);
        Ok(Network {
            single: false,
            encoder: full(&model.float.encoder, encoder),
            decoder: full(&model.float.decoder, decoder),
            architecture,
        })
    }

    /// In single precision, as the library has it.
    pub fn to_float(&self) -> Result<FloatModel> {
        let single = |v: &[f64]| v.iter().map(|&x| x as f32).collect();
        let halves = [&self.encoder, &self.decoder].map(|layers| {
            layers.iter().map(|l| vec![single(&l.weights), single(&l.bias)]).collect::<Vec<Vec<Vec<f32>>>>()
        });
        let [mut encoder, mut decoder] = halves.map(Vec::into_iter);
        FloatModel::new(&self.architecture, |half, _, layer| match (half, &layer.layer) {
            (_, l) if !matches!(l, Layer::Dense { .. }) => Ok(vec![]),
            ("encoder", _) => Ok(encoder.next().expect("a dense layer each")),
            _ => Ok(decoder.next().expect("a dense layer each")),
        })
    }

    /// Values in a row.
    pub fn features(&self) -> usize {
        self.encoder[0].stage.inputs
    }

    /// Latents in a row.
    pub fn latents(&self) -> usize {
        self.decoder[0].stage.inputs
    }

    /// Latents (rows x latents) to normalised values (rows x features).
    pub fn decode(&self, latents: &[f64]) -> Vec<f64> {
        self.decoder.iter().fold(latents.to_vec(), |x, layer| layer.forward(&x))
    }
}

impl Full {
    /// activation(W x + b) for each row of `x`. Weights are turned once, so that the inner loop runs along outputs:
    /// sums of products in this order keep their bits and still fill vectors.
    fn forward(&self, x: &[f64]) -> Vec<f64> {
        let DenseStage { inputs, outputs, slope } = self.stage;
        let mut turned = vec![0.0; self.weights.len()];
        for (o, row) in self.weights.chunks_exact(inputs).enumerate() {
            row.iter().enumerate().for_each(|(i, &w)| turned[i * outputs + o] = w);
        }
        let slope = decimal(slope);
        let mut y = Vec::with_capacity(x.len() / inputs * outputs);
        for row in x.chunks_exact(inputs) {
            let start = y.len();
            y.extend_from_slice(&self.bias);
            for (x, weights) in row.iter().zip(turned.chunks_exact(outputs)) {
                y[start..].iter_mut().zip(weights).for_each(|(y, w)| *y += x * w);
            }
            y[start..].iter_mut().filter(|y| **y < 0.0).for_each(|y| *y *= slope);
        }
        y
    }
}

/// The tensors `{half}1.weight`, `{half}1.bias`, ... taken out, as layers without activation.
fn take_layers(tensors: &mut BTreeMap<String, Array>, half: &str) -> Result<Vec<Full>> {
    let mut layers = vec![];
    for i in 1.. {
        let Some(weight) = tensors.remove(&format!("{half}{i}.weight")) else { break };
        let at = |e: Error| e.at(format!("layer {half}{i}"));
        let bias = tensors.remove(&format!("{half}{i}.bias"));
        let bias = bias.ok_or_else(|| at(Error::corrupt("has weights and no bias")))?;
        let (&[outputs, inputs], &[biases]) = (&weight.shape[..], &bias.shape[..]) else {
            return Err(at(Error::unsupported(format!(
                "weights of shape {:?} are of no fully connected layer",
                weight.shape
            ))));
        };
        if biases != outputs {
            return Err(at(Error::corrupt(format!("{outputs} outputs and {biases} biases"))));
        }
        let floats = |array: &Array| {
            array.values.to_f64().filter(|_| array.values.dtype().is_float()).ok_or_else(|| {
                at(Error::unsupported(format!("weights of type {} are not read", array.values.dtype())))
            })
        };
        let stage = DenseStage { inputs, outputs, slope: 1.0 };
        layers.push(Full { stage, weights: floats(&weight)?, bias: floats(&bias)? });
    }
    Ok(layers)
}

/// The number that was written where this was read: 0.01 in double precision, as Python has it.
fn decimal(slope: f32) -> f64 {
    slope.to_string().parse().expect("digits")
}

fn outputs(layers: &[Full]) -> Vec<usize> {
    layers.iter().map(|l| l.stage.outputs).collect()
}

/// What stands between the layers of the zoo's model of that name.
fn activation_of(name: &str, features: usize, latents: usize) -> Result<Layer> {
    let layers = zoo::by_name(name, &[features], latents)?.encoder;
    layers.into_iter().find(|l| !matches!(l, Layer::Dense { .. })).ok_or_else(|| {
        Error::unsupported(format!("{name} is no dense autoencoder; train it anew with `baler train`"))
    })
}
