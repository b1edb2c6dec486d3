//! Models of other programs, as far as they are chains of the layers that are known here.

use std::collections::HashMap;

use prost::Message;

use super::proto::{Attribute, DOUBLE, Extent, FLOAT, Graph, INT64, Model, Node, Tensor};
use crate::error::{Error, Result};
use crate::model::float::FloatModel;
use crate::model::layers::{Architecture, Layer, MOST_VALUES};

/// What an ONNX file, or a pair of them, describes.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The layers.
    pub architecture: Architecture,
    /// Their tensors.
    pub float: FloatModel,
    /// Offset and scale of each feature, or one for all, where the graph begins with (x - offset) / scale.
    pub normalisation: Option<(Vec<f64>, Vec<f64>)>,
}

/// A layer with its tensors.
type Made = (Layer, Vec<Vec<f32>>);

/// One graph as a chain.
#[derive(Default)]
struct Chain {
    /// The shape of a row that goes in, where the graph tells it.
    input: Option<Vec<usize>>,
    layers: Vec<Made>,
    normalise: [Option<Vec<f64>>; 2],
    restore: [Option<Vec<f64>>; 2],
    /// After how many layers each named value is there.
    reached: Vec<(String, usize)>,
}

/// An autoencoder in one file, its latents the value `latents` or else the first of its two outputs; or the encoder of a
/// pair.
///
/// Errors name the node that is no layer known here, or does not follow on the one before.
pub fn read(encoder: &[u8], decoder: Option<&[u8]>, latents: Option<&str>) -> Result<Imported> {
    let (first, outputs) = chain(encoder)?;
    let (head, tail) = match decoder {
        Some(bytes) => (first, chain(bytes).map_err(|e| e.at("decoder"))?.0),
        None => split(first, &outputs, latents)?,
    };
    let input = input_of(&head)?;
    let layers = |chain: &Chain| chain.layers.iter().map(|(l, _)| l.clone()).collect::<Vec<_>>();
    let architecture = Architecture {
        name: "ONNX".into(),
        input,
        sequence: 1,
        encoder: layers(&head),
        decoder: layers(&tail),
    };
    let float = FloatModel::new(&architecture, |half, i, _| {
        Ok(if half == "encoder" { &head } else { &tail }.layers[i].1.clone())
    })?;
    let normalisation = match head.normalise {
        [None, None] => None,
        [offset, scale] => Some((offset.unwrap_or_else(|| vec![0.0]), scale.unwrap_or_else(|| vec![1.0]))),
    };
    let back = normalisation.clone().unwrap_or((vec![0.0], vec![1.0]));
    let [offset, scale] = tail.restore;
    let restores = (offset.unwrap_or_else(|| vec![0.0]), scale.unwrap_or_else(|| vec![1.0]));
    if restores != back {
        return Err(Error::unsupported(
            "what the decoder's values are multiplied with and added to at its end is not what the encoder divides by and \
             takes off at its start",
        ));
    }
    Ok(Imported { architecture, float, normalisation })
}

/// The shape of a row: what the graph says, or the first layer's width.
fn input_of(chain: &Chain) -> Result<Vec<usize>> {
    let dense = chain.layers.iter().find_map(|(layer, tensors)| match layer {
        Layer::Dense { outputs } => Some(vec![tensors[0].len() / outputs.max(&1)]),
        _ => None,
    });
    let told = chain.input.clone().or(dense);
    told.ok_or_else(|| {
        Error::invalid("the graph's input has no fixed shape; export it with one but for the batch")
    })
}

/// One chain in two.
fn split(mut all: Chain, outputs: &[String], latents: Option<&str>) -> Result<(Chain, Chain)> {
    let name = match (latents, outputs) {
        (Some(name), _) => name,
        (None, [first, _]) => first,
        _ => {
            return Err(Error::invalid(
                "where do the latents stand? Give two files, encoder and decoder, or the name of the value in this one",
            ));
        }
    };
    let at = all.reached.iter().rev().find(|(n, _)| n == name).map(|r| r.1);
    let at = at
        .filter(|&at| at > 0 && at < all.layers.len())
        .ok_or_else(|| Error::invalid(format!("'{name}' is no value between two layers of the graph")))?;
    let tail = Chain {
        layers: all.layers.split_off(at),
        restore: std::mem::take(&mut all.restore),
        ..Chain::default()
    };
    Ok((all, tail))
}

/// The graph of a file, and the names of its outputs in the order in which they are computed.
fn chain(bytes: &[u8]) -> Result<(Chain, Vec<String>)> {
    let model = Model::decode(bytes).map_err(|e| Error::corrupt(format!("not ONNX, or damaged: {e}")))?;
    let graph = model.graph.ok_or_else(|| Error::corrupt("not ONNX, or damaged: it holds no graph"))?;
    let mut walk = Walk::new(&graph)?;
    for node in &graph.node {
        let name = if node.name.is_empty() { node.output.first() } else { Some(&node.name) };
        let place = format!("node '{}' ({})", name.map_or("", String::as_str), node.op_type);
        walk.step(node).map_err(|e| e.at(place))?;
    }
    let mut outputs: Vec<(usize, String)> = vec![];
    for output in &graph.output {
        let at = walk.chain.reached.iter().position(|(n, _)| *n == output.name);
        let at = at
            .ok_or_else(|| Error::unsupported(format!("the output '{}' is not on the chain", output.name)))?;
        outputs.push((at, output.name.clone()));
    }
    outputs.sort();
    Ok((walk.chain, outputs.into_iter().map(|o| o.1).collect()))
}

/// Numbers of the graph that do not depend on its input.
enum Constant {
    Reals { shape: Vec<usize>, values: Vec<f64> },
    Wholes(Vec<i64>),
}

/// A walk along the nodes.
struct Walk {
    constants: HashMap<String, Constant>,
    /// The names of the value that the chain has come to.
    at: Vec<String>,
    /// The shape of a row there.
    shape: Option<Vec<usize>>,
    /// The last layer is a product that its bias may follow.
    bare: bool,
    chain: Chain,
}

impl Walk {
    fn new(graph: &Graph) -> Result<Walk> {
        let mut constants = HashMap::new();
        for tensor in &graph.initializer {
            let made = constant(tensor).map_err(|e| e.at(format!("tensor '{}'", tensor.name)))?;
            constants.insert(tensor.name.clone(), made);
        }
        let mut inputs = graph.input.iter().filter(|i| !constants.contains_key(&i.name));
        let (Some(input), None) = (inputs.next(), inputs.next()) else {
            return Err(Error::unsupported("a graph with one input is wanted"));
        };
        let shape = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref()?.shape.as_ref());
        let row = shape.and_then(|s| {
            let extent = |d: &super::proto::Dimension| match d.value {
                Some(Extent::Value(n)) => usize::try_from(n).ok().filter(|&n| n > 0),
                _ => None,
            };
            s.dim.get(1..)?.iter().map(extent).collect::<Option<Vec<usize>>>()
        });
        let chain = Chain { input: row.clone(), reached: vec![(input.name.clone(), 0)], ..Chain::default() };
        Ok(Walk { constants, at: vec![input.name.clone()], shape: row, bare: false, chain })
    }

    /// Takes one node: a layer, part of one, or something that changes nothing.
    fn step(&mut self, node: &Node) -> Result<()> {
        if node.op_type == "Constant" {
            let value = node.attribute.iter().find(|a| a.name == "value").and_then(|a| a.t.as_ref());
            let value =
                value.ok_or_else(|| Error::unsupported("a constant of another kind than a tensor"))?;
            self.constants.insert(output(node)?, constant(value)?);
            return Ok(());
        }
        let data = node.input.iter().position(|i| self.at.contains(i));
        let data = data
            .ok_or_else(|| Error::unsupported("does not follow on the node before: only chains are read"))?;
        let layer = match node.op_type.as_str() {
            "Identity" | "Dropout" | "Cast" => None,
            "Sub" | "Div" | "Mul" | "Add" => self.arithmetic(node, data)?,
            "Gemm" | "MatMul" => Some(self.dense(node)?),
            "Conv" | "ConvTranspose" => Some(self.windows(node)?),
            "BatchNormalization" => Some(self.batch_norm(node)?),
            "Relu" => Some((Layer::Relu, vec![])),
            "LeakyRelu" => Some((Layer::LeakyRelu { slope: real(node, "alpha", 0.01) }, vec![])),
            "Gelu" if attribute(node, "approximate").is_none_or(|a| a.s != b"tanh") => {
                Some((Layer::Gelu, vec![]))
            }
            "Flatten" if whole(node, "axis", 1) == 1 => Some((Layer::Flatten, vec![])),
            "Reshape" => Some(self.reshape(node)?),
            _ => {
                return Err(Error::unsupported(
                    "is no layer known here; there are Gemm, MatMul, Conv, ConvTranspose, BatchNormalization, Relu, \
                     LeakyRelu, Gelu, Flatten, Reshape and Dropout",
                ));
            }
        };
        self.bare = node.op_type == "MatMul" || self.bare && layer.is_none() && node.op_type != "Add";
        if let Some((layer, tensors)) = layer {
            self.shape = self.shape.take().map(|shape| layer.output(&shape)).transpose()?;
            self.chain.layers.push((layer, tensors));
        }
        if !matches!(node.op_type.as_str(), "Identity" | "Dropout" | "Cast") {
            self.at.clear();
        }
        self.at.push(output(node)?);
        self.chain.reached.push((output(node)?, self.chain.layers.len()));
        Ok(())
    }

    fn reals(&self, node: &Node, input: usize) -> Result<(&[usize], &[f64])> {
        match node.input.get(input).and_then(|name| self.constants.get(name)) {
            Some(Constant::Reals { shape, values }) => Ok((shape, values)),
            _ => Err(Error::unsupported(format!("its input {input} is no constant"))),
        }
    }

    /// The values of a constant input in single precision; zeros where it is left out.
    fn tensor(&self, node: &Node, input: usize, len: usize) -> Result<Vec<f32>> {
        if node.input.get(input).is_none_or(|name| name.is_empty()) {
            return Ok(vec![0.0; len]);
        }
        let (_, values) = self.reals(node, input)?;
        match values.len() == len {
            true => Ok(values.iter().map(|&v| v as f32).collect()),
            false => Err(Error::corrupt(format!("its input {input} has {} values, not {len}", values.len()))),
        }
    }

    /// A bias behind its product; or normalisation before all layers, and its inverse behind them.
    fn arithmetic(&mut self, node: &Node, data: usize) -> Result<Option<Made>> {
        let values = self.reals(node, 1 - data.min(1))?.1.to_vec();
        let op = node.op_type.as_str();
        let empty = self.chain.layers.is_empty();
        if op == "Add" && self.bare {
            let (_, tensors) = self.chain.layers.last_mut().expect("is bare");
            if values.len() != tensors[1].len() {
                return Err(Error::unsupported("adds no bias, one value an output"));
            }
            tensors[1] = values.iter().map(|&v| v as f32).collect();
            return Ok(None);
        }
        let slots = if empty { &mut self.chain.normalise } else { &mut self.chain.restore };
        let slot = match (op, empty, data) {
            ("Sub", true, 0) if slots[1].is_none() => 0,
            ("Div", true, 0) => 1,
            ("Mul", false, _) if slots[0].is_none() => 1,
            ("Add", false, _) => 0,
            _ => return Err(Error::unsupported("is neither a bias nor (x - offset) / scale or its inverse")),
        };
        match slots[slot].replace(values) {
            None => Ok(None),
            Some(_) => Err(Error::unsupported("normalises a second time")),
        }
    }

    fn dense(&self, node: &Node) -> Result<Made> {
        let (shape, values) = self.reals(node, 1)?;
        let &[rows, columns] = shape else {
            return Err(Error::unsupported(format!("weights of shape {shape:?} are of no dense layer")));
        };
        let gemm = node.op_type == "Gemm";
        if gemm
            && (real(node, "alpha", 1.0) != 1.0
                || real(node, "beta", 1.0) != 1.0
                || whole(node, "transA", 0) != 0)
        {
            return Err(Error::unsupported("alpha, beta and transA other than 1, 1 and 0"));
        }
        let turned = gemm && whole(node, "transB", 0) != 0;
        let (inputs, outputs) = if turned { (columns, rows) } else { (rows, columns) };
        let at = |o: usize, i: usize| if turned { o * inputs + i } else { i * outputs + o };
        let weights = (0..outputs).flat_map(|o| (0..inputs).map(move |i| values[at(o, i)] as f32)).collect();
        let bias = if gemm { self.tensor(node, 2, outputs)? } else { vec![0.0; outputs] };
        Ok((Layer::Dense { outputs }, vec![weights, bias]))
    }

    fn windows(&self, node: &Node) -> Result<Made> {
        let (shape, values) = self.reals(node, 1)?;
        let axes = shape.len().saturating_sub(2);
        let transposed = node.op_type == "ConvTranspose";
        if axes == 0 || whole(node, "group", 1) != 1 || list(node, "dilations")?.iter().any(|&d| d != 1) {
            return Err(Error::unsupported("groups and dilations, and windows of no axes"));
        }
        if attribute(node, "auto_pad").is_some_and(|a| a.s != b"NOTSET")
            || attribute(node, "output_shape").is_some()
        {
            return Err(Error::unsupported("padding that is not written down (auto_pad, output_shape)"));
        }
        let pads = list(node, "pads")?;
        let (before, behind) = pads.split_at(pads.len() / 2);
        if before != behind {
            return Err(Error::unsupported(format!("pads {pads:?}, more on one side than on the other")));
        }
        let (kernel, stride, padding) = (shape[2..].to_vec(), list(node, "strides")?, before.to_vec());
        let channels = shape[transposed as usize];
        let layer = match transposed {
            false => Layer::Conv { channels, kernel, stride, padding },
            true => {
                let output_padding = list(node, "output_padding")?;
                Layer::ConvTransposed { channels, kernel, stride, padding, output_padding }
            }
        };
        let bias = self.tensor(node, 2, channels)?;
        Ok((layer, vec![values.iter().map(|&v| v as f32).collect(), bias]))
    }

    fn batch_norm(&self, node: &Node) -> Result<Made> {
        if (real(node, "epsilon", 1e-5) - 1e-5).abs() > 1e-9 || whole(node, "training_mode", 0) != 0 {
            return Err(Error::unsupported("an epsilon other than 1e-5, or training mode"));
        }
        let len = self.reals(node, 1)?.1.len();
        Ok((Layer::BatchNorm, (1..5).map(|i| self.tensor(node, i, len)).collect::<Result<_>>()?))
    }

    fn reshape(&self, node: &Node) -> Result<Made> {
        let Some(Constant::Wholes(to)) = node.input.get(1).and_then(|name| self.constants.get(name)) else {
            return Err(Error::unsupported("its shape is no constant"));
        };
        let row: Option<Vec<usize>> = to
            .get(1..)
            .and_then(|row| row.iter().map(|&n| usize::try_from(n).ok().filter(|&n| n > 0)).collect());
        match (row, to.len()) {
            (Some(shape), 2) => Ok((Layer::Reshape { shape }, vec![])),
            (None, 2) if to[1] == -1 => Ok((Layer::Flatten, vec![])),
            (Some(shape), 3..) => Ok((Layer::Reshape { shape }, vec![])),
            _ => Err(Error::unsupported(format!("to {to:?}: all but the first axis must be known"))),
        }
    }
}

fn output(node: &Node) -> Result<String> {
    node.output.first().cloned().ok_or_else(|| Error::corrupt("has no output"))
}

fn attribute<'a>(node: &'a Node, name: &str) -> Option<&'a Attribute> {
    node.attribute.iter().find(|a| a.name == name)
}

fn real(node: &Node, name: &str, default: f32) -> f32 {
    attribute(node, name).map_or(default, |a| a.f)
}

fn whole(node: &Node, name: &str, default: i64) -> i64 {
    attribute(node, name).map_or(default, |a| a.i)
}

fn list(node: &Node, name: &str) -> Result<Vec<usize>> {
    let values = attribute(node, name).map_or(&[][..], |a| &a.ints);
    let size = |&v: &i64| usize::try_from(v).ok().filter(|&v| v <= MOST_VALUES);
    let sizes = values.iter().map(size).collect::<Option<Vec<usize>>>();
    sizes.ok_or_else(|| Error::unsupported(format!("{name} of {values:?}")))
}

fn constant(tensor: &Tensor) -> Result<Constant> {
    if tensor.data_location != 0 {
        return Err(Error::unsupported("is kept in another file; save the model as one file"));
    }
    let size = |&n: &i64| usize::try_from(n).ok();
    let shape = tensor.dims.iter().map(size).collect::<Option<Vec<usize>>>();
    let count = shape.as_ref().and_then(|s| s.iter().try_fold(1usize, |n, &x| n.checked_mul(x)));
    let (Some(shape), Some(count)) = (shape, count) else {
        return Err(Error::corrupt(format!("shape {:?}", tensor.dims)));
    };
    let raw = &tensor.raw_data;
    let made = match tensor.data_type {
        FLOAT if raw.is_empty() => {
            Constant::Reals { shape, values: tensor.float_data.iter().map(|&v| v.into()).collect() }
        }
        FLOAT => {
            let values = raw.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b).into()).collect();
            Constant::Reals { shape, values }
        }
        DOUBLE if raw.is_empty() => Constant::Reals { shape, values: tensor.double_data.clone() },
        DOUBLE => {
            let values = raw.as_chunks::<8>().0.iter().map(|&b| f64::from_le_bytes(b)).collect();
            Constant::Reals { shape, values }
        }
        INT64 if raw.is_empty() => Constant::Wholes(tensor.int64_data.clone()),
        INT64 => Constant::Wholes(raw.as_chunks::<8>().0.iter().map(|&b| i64::from_le_bytes(b)).collect()),
        other => {
            return Err(Error::unsupported(format!(
                "is of type {other}; floats, doubles and 64-bit integers are read"
            )));
        }
    };
    let (found, finite) = match &made {
        Constant::Reals { values, .. } => (values.len(), values.iter().all(|v| v.is_finite())),
        Constant::Wholes(values) => (values.len(), true),
    };
    match found == count && finite {
        true => Ok(made),
        false => Err(Error::corrupt(format!("{found} finite values where its shape has {count}"))),
    }
}
