//! Baler's dense autoencoders in double precision: what its `.pt` files hold, and what its latents are decoded with.
//!
//! The library's float networks are of single precision. Baler's `AE` is of double: to decode as Baler does, to
//! some 1e-14 of a column's range, takes the same.

use std::collections::BTreeMap;

use baler::data::{Array, DType};
use baler::error::{Error, Result};
use baler::model::Model;
use baler::model::float::{FloatLayer, FloatModel};
use baler::model::layers::{Architecture, Layer};
use baler::model::zoo;

/// One fully connected layer and the activation behind it.
#[derive(Debug, Clone, PartialEq)]
struct Full {
    inputs: usize,
    outputs: usize,
    /// Outputs x inputs, as files have them.
    weights: Vec<f64>,
    bias: Vec<f64>,
    /// Gradient of the activation for negative values; 1 for none.
    slope: f64,
}

/// A dense autoencoder on normalised values.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Its layers.
    pub architecture: Architecture,
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
        let single = tensors.values().all(|t| t.values.dtype() == DType::F32);
        let mut encoder = take_layers(&mut tensors, "en")?;
        let mut decoder = take_layers(&mut tensors, "de")?;
        if let Some(name) = tensors.keys().next() {
            return Err(Error::unsupported(format!(
                "the tensor '{}' is of no dense autoencoder, whose are en1.weight, en1.bias, ... and de1.weight, \
                 ...; others cannot be imported: train the model anew with `baler train`",
                name.escape_debug()
            )));
        }
        let (Some(first), Some(bottom)) = (encoder.first(), encoder.last()) else {
            return Err(Error::unsupported("holds no tensors en1.weight, en1.bias, ...: it has no encoder"));
        };
        let (features, latents) = (first.inputs, bottom.outputs);
        let name = match (name, encoder.len(), decoder.len()) {
            (Some(name), ..) => name,
            (None, 4, 4) if single => "CFD_dense_AE",
            (None, 4, 4) => "AE",
            (None, 3, 3) => "FPGA_prototype_model",
            (None, a, b) => {
                return Err(Error::invalid(format!(
                    "{a} layers to the latents and {b} back are no model of Baler's; say with --model whose \
                     activation it has, such as AE"
                )));
            }
        };
        check_chain(&encoder, &decoder)?;
        let activation = activation_of(name, features, latents)?;
        let slope = slope_of(&activation).unwrap_or(1.0);
        for layers in [&mut encoder, &mut decoder] {
            let hidden = layers.len() - 1;
            layers[..hidden].iter_mut().for_each(|l| l.slope = slope);
        }
        let architecture = Architecture {
            name: name.into(),
            input: vec![features],
            sequence: 1,
            encoder: zoo::dense_chain(&widths(&encoder), &activation),
            decoder: zoo::dense_chain(&widths(&decoder), &activation),
        };
        architecture.validate()?;
        Ok(Network { architecture, encoder, decoder })
    }

    /// The float network of a model. Errors where it has other layers than dense ones and their activations.
    pub fn of_model(model: &Model) -> Result<Network> {
        let half = |layers: &[FloatLayer]| -> Result<Vec<Full>> {
            let mut made: Vec<Full> = vec![];
            for l in layers {
                match (&l.layer, slope_of(&l.layer), made.last_mut()) {
                    (Layer::Dense { outputs }, ..) => made.push(Full {
                        inputs: l.input[0],
                        outputs: *outputs,
                        weights: l.tensors[0].iter().map(|&w| w.into()).collect(),
                        bias: l.tensors[1].iter().map(|&b| b.into()).collect(),
                        slope: 1.0,
                    }),
                    (_, Some(slope), Some(before)) => before.slope = slope,
                    _ => {
                        return Err(Error::unsupported(format!(
                            "the model has a layer {}, and latents of Baler's Python prototype are decoded by dense \
                             layers alone",
                            l.layer.kind()
                        )));
                    }
                }
            }
            Ok(made)
        };
        let (encoder, decoder) = (half(&model.float.encoder)?, half(&model.float.decoder)?);
        check_chain(&encoder, &decoder)?;
        Ok(Network { architecture: model.architecture.clone(), encoder, decoder })
    }

    /// In single precision, as the library has it.
    pub fn to_float(&self) -> Result<FloatModel> {
        let mut next = self.encoder.iter().chain(&self.decoder);
        let single = |t: &Vec<f64>| t.iter().map(|&x| x as f32).collect();
        FloatModel::new(&self.architecture, |_, _, made| {
            Ok(match made.layer {
                Layer::Dense { .. } => {
                    next.next().map_or(vec![], |full| vec![single(&full.weights), single(&full.bias)])
                }
                _ => vec![],
            })
        })
    }

    /// Values in a row.
    pub fn features(&self) -> usize {
        self.encoder[0].inputs
    }

    /// Latents in a row.
    pub fn latents(&self) -> usize {
        self.decoder[0].inputs
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
        let &Full { inputs, outputs, slope, .. } = self;
        let mut turned = vec![0.0; self.weights.len()];
        for (o, row) in self.weights.chunks_exact(inputs).enumerate() {
            row.iter().enumerate().for_each(|(i, &w)| turned[i * outputs + o] = w);
        }
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
        if biases != outputs || weight.shape.contains(&0) {
            return Err(at(Error::corrupt(format!("weights {outputs} x {inputs} and {biases} biases"))));
        }
        let floats = |array: &Array| {
            let floats = array.values.to_f64().filter(|_| array.values.dtype().is_float());
            let floats = floats.ok_or_else(|| at(Error::unsupported("its weights are no floats")))?;
            match floats.iter().all(|x| x.abs() < f32::MAX.into()) {
                true => Ok(floats),
                false => Err(at(Error::invalid("has weights that are not finite: its training failed"))),
            }
        };
        layers.push(Full { inputs, outputs, weights: floats(&weight)?, bias: floats(&bias)?, slope: 1.0 });
    }
    Ok(layers)
}

/// Each layer must take what the one before gives, and the last give what the first takes.
fn check_chain(encoder: &[Full], decoder: &[Full]) -> Result<()> {
    let (Some(first), Some(last)) = (encoder.first(), decoder.last()) else {
        return Err(Error::corrupt("lacks its encoder or its decoder"));
    };
    let chain: Vec<&Full> = encoder.iter().chain(decoder).collect();
    let misfit = chain.windows(2).map(|pair| (pair[0].outputs, pair[1].inputs));
    match misfit.chain([(last.outputs, first.inputs)]).find(|(gives, takes)| gives != takes) {
        Some((gives, takes)) => {
            Err(Error::corrupt(format!("{takes} values are wanted where a layer gives {gives}")))
        }
        None => Ok(()),
    }
}

/// The gradient for negative values of an activation of two straight lines. It is the number that was written where a
/// single was read: 0.01 in double precision, as Python has it.
fn slope_of(activation: &Layer) -> Option<f64> {
    match activation {
        Layer::Relu => Some(0.0),
        Layer::LeakyRelu { slope } => Some(slope.to_string().parse().expect("digits")),
        _ => None,
    }
}

/// How many values each layer gives.
fn widths(layers: &[Full]) -> Vec<usize> {
    layers.iter().map(|l| l.outputs).collect()
}

/// What stands between the layers of the zoo's dense model of that name.
fn activation_of(name: &str, features: usize, latents: usize) -> Result<Layer> {
    let made = zoo::by_name(name, &[features], latents)?;
    let mut others = made.encoder.iter().chain(&made.decoder).filter(|l| !matches!(l, Layer::Dense { .. }));
    match others.next() {
        Some(activation) if slope_of(activation).is_some() && others.all(|l| l == activation) => {
            Ok(activation.clone())
        }
        _ => Err(Error::unsupported(format!(
            "{name} is no model of dense layers alone, which can be imported; train it anew with `baler train`"
        ))),
    }
}
