//! A network as training sees it: nodes, each a layer with the activation behind it, and blocks of parameters.
//!
//! Activations are channels-last (see [`windows`](crate::model::float::windows)). A block holds parameters that one
//! thread updates: a part of a dense layer's outputs (their weights, then their biases), or all of another layer's.

use std::ops::Range;

use super::adam::Adam;
use super::rng::Random;
use crate::error::Result;
use crate::model::float::pointwise::LEAST_BETA;
use crate::model::float::windows::Windows;
use crate::model::float::{FloatLayer, FloatModel, Real, layout};
use crate::model::layers::{Architecture, Layer, TensorSpec};

/// Weights in a block of a dense layer, about; with fewer than [`LEAST_OUTPUTS`] a product is slow.
const BLOCK: usize = 1 << 20;
const LEAST_OUTPUTS: usize = 128;
/// Multiplications of a slice at least, so that its work outweighs the wait for the others. A batch of 512 of the model
/// `AE` makes four.
const LEAST_WORK: usize = 4 << 20;

/// What a node does before its activation.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A matrix product and a bias.
    Dense,
    /// From the large to the small image.
    Conv(Windows),
    /// From the small to the large image.
    ConvTransposed(Windows),
    /// By the statistics of this number in [`Network::norms`].
    BatchNorm(usize),
    /// With this rate.
    Dropout(f32),
    /// Only the activation of straight lines.
    Bend,
    /// By the error function.
    Gelu,
    /// Whether the inverse.
    Gdn(bool),
    /// Another shape.
    Reshape,
    /// The layer itself tells.
    Transformer,
}

/// A layer, with the LeakyReLU or ReLU behind it.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it does.
    pub kind: Kind,
    /// The layer it is made from.
    pub layer: Layer,
    /// Shape of a row that goes in.
    pub input: Vec<usize>,
    /// Shape of a row that comes out.
    pub output: Vec<usize>,
    /// Gradient of the activation for negative values; 1 where there is none. As it was written: 0.01, not the single next
    /// to it.
    pub slope: f64,
    /// Its parameters, in [`Network::blocks`].
    pub blocks: Range<usize>,
}

impl Node {
    /// Values in a row that goes in.
    pub fn inputs(&self) -> usize {
        self.input.iter().product()
    }

    /// Values in a row that comes out.
    pub fn outputs(&self) -> usize {
        self.output.iter().product()
    }

    /// Its tensors that training fits.
    pub fn trained(&self) -> impl Iterator<Item = TensorSpec> {
        self.layer.tensors(&self.input).into_iter().filter(|spec| spec.trained)
    }

    /// Multiplications of a row.
    fn work(&self) -> usize {
        match &self.kind {
            Kind::Conv(w) => w.positions() * w.patch() * self.output[0],
            Kind::ConvTransposed(w) => w.positions() * w.patch() * self.input[0],
            _ => self.trained().map(|spec| spec.len()).sum(),
        }
    }
}

/// Where a block's parameters belong.
#[derive(Debug, Clone)]
pub struct BlockSpec {
    /// Which node's.
    pub node: usize,
    /// Of a dense layer: these outputs.
    pub outputs: Range<usize>,
    /// How many.
    pub len: usize,
}

/// Parameters and their optimiser.
#[derive(Debug, Clone, PartialEq)]
pub struct Block<R> {
    /// As [`layout`] orders them.
    pub values: Vec<R>,
    /// Their moments.
    pub adam: Adam<R>,
    /// The values of the best epoch, unless they are the present ones.
    pub kept: Vec<R>,
    /// Whether the present values are the best epoch's; the next step keeps them first, while they are in cache.
    pub keep: bool,
}

impl<R: Real> Block<R> {
    /// With values of the best epoch, if there was one.
    pub fn new(values: Vec<R>, adam: Adam<R>, kept: Vec<R>) -> Block<R> {
        Block { values, adam, kept, keep: false }
    }

    /// The values of the best epoch.
    pub fn best(&self) -> &[R] {
        if self.keep { &self.values } else { &self.kept }
    }

    /// As [`Block::best`], without the rest.
    pub fn into_best(self) -> Vec<R> {
        if self.keep { self.values } else { self.kept }
    }

    /// A step down the gradient that `each` tells, piece by piece (place in the block, gradient from there on).
    pub fn step(&mut self, learning_rate: f64, each: impl FnOnce(&mut dyn FnMut(usize, &[R]))) {
        let pace = self.adam.begin(learning_rate);
        let Block { values, adam, kept, keep } = self;
        let keep = std::mem::take(keep);
        if keep {
            kept.resize(values.len(), R::ZERO);
        }
        each(&mut |at, gradient| {
            if keep {
                let part = at..at + gradient.len();
                kept[part.clone()].copy_from_slice(&values[part]);
            }
            adam.update(values, at, gradient, pace);
        });
    }
}

/// What batch norm of a node knows: running mean and variance, and the batch at hand.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Norm<R> {
    /// Mean and variance that outlive training.
    pub running: [Vec<R>; 2],
    /// Mean of the batch, and the reciprocal of its deviation.
    pub batch: [Vec<R>; 2],
    /// Mean of the gradient, and of its product with the normalised values.
    pub gradient: [Vec<R>; 2],
    /// Mean and variance of the best epoch.
    pub best: [Vec<R>; 2],
}

/// The nodes of an architecture, end to end.
#[derive(Debug, Clone)]
pub struct Network {
    /// Encoder, then decoder.
    pub nodes: Vec<Node>,
    /// How many of them are the encoder.
    pub encoder: usize,
    /// All parameters.
    pub blocks: Vec<BlockSpec>,
    /// Nodes of batch norm.
    pub norms: Vec<usize>,
    /// Consecutive rows that stay together in batches: a sequence where some layer joins them, else 1.
    pub sequence: usize,
    /// Multiplications of a row, once through.
    pub work: usize,
    /// Multiplications of a slice of a batch at least; tests have less to cut.
    pub least_work: usize,
}

impl Network {
    /// The nodes of `architecture`.
    pub fn new(architecture: &Architecture) -> Result<Network> {
        let [encoder, decoder] = architecture.shapes()?;
        let layers = || architecture.encoder.iter().chain(&architecture.decoder);
        let sequence = if layers().any(Layer::joins_rows) { architecture.sequence } else { 1 };
        let (nodes, blocks, norms) = (vec![], vec![], vec![]);
        let mut network =
            Network { nodes, encoder: 0, blocks, norms, sequence, work: 0, least_work: LEAST_WORK };
        network.extend(&architecture.encoder, &encoder);
        network.encoder = network.nodes.len();
        network.extend(&architecture.decoder, &decoder);
        network.work = network.nodes.iter().map(Node::work).sum();
        Ok(network)
    }

    fn extend(&mut self, layers: &[Layer], shapes: &[Vec<usize>]) {
        let first = self.nodes.len();
        for (layer, shapes) in layers.iter().zip(shapes.windows(2)) {
            let [input, output] = [0, 1].map(|i| shapes[i].clone());
            let slope = match *layer {
                Layer::Relu => 0.0,
                Layer::LeakyRelu { slope } => slope.to_string().parse().expect("digits"),
                _ => 1.0,
            };
            let affine = |k: &Kind| matches!(k, Kind::Dense | Kind::Conv(_) | Kind::ConvTransposed(_));
            match self.nodes[first..].last_mut() {
                Some(before) if slope != 1.0 && before.slope == 1.0 && affine(&before.kind) => {
                    before.slope = slope;
                    continue;
                }
                _ => {}
            }
            let windows = Windows::of(layer, &input, &output);
            let kind = match layer {
                Layer::Dense { .. } => Kind::Dense,
                Layer::Conv { .. } => Kind::Conv(windows.expect("a convolution")),
                Layer::ConvTransposed { .. } => Kind::ConvTransposed(windows.expect("a convolution")),
                Layer::BatchNorm => {
                    self.norms.push(self.nodes.len());
                    Kind::BatchNorm(self.norms.len() - 1)
                }
                Layer::Dropout { rate } => Kind::Dropout(*rate),
                Layer::Relu | Layer::LeakyRelu { .. } => Kind::Bend,
                Layer::Gelu => Kind::Gelu,
                Layer::Gdn { inverse } => Kind::Gdn(*inverse),
                Layer::Flatten | Layer::Reshape { .. } => Kind::Reshape,
                Layer::Transformer { .. } => Kind::Transformer,
            };
            let blocks = self.blocks.len()..self.blocks.len();
            let mut node = Node { kind, layer: layer.clone(), input, output, slope, blocks };
            self.add_blocks(&mut node);
            self.nodes.push(node);
        }
    }

    fn add_blocks(&mut self, node: &mut Node) {
        let len: usize = node.trained().map(|spec| spec.len()).sum();
        let (inputs, outputs) = (node.inputs(), node.outputs());
        if node.kind == Kind::Dense {
            let parts = outputs.div_ceil((BLOCK / inputs).max(LEAST_OUTPUTS));
            let cut = |i: usize| outputs * i / parts;
            self.blocks.extend((0..parts).map(|i| {
                let outputs = cut(i)..cut(i + 1);
                BlockSpec { node: self.nodes.len(), len: outputs.len() * (inputs + 1), outputs }
            }));
        } else if len > 0 {
            self.blocks.push(BlockSpec { node: self.nodes.len(), outputs: 0..0, len });
        }
        node.blocks.end = self.blocks.len();
    }

    /// Values in a row.
    pub fn features(&self) -> usize {
        self.nodes[0].inputs()
    }

    /// First parameters, as PyTorch begins: uniform within 1 / sqrt(inputs of an output) for dense layers and
    /// convolutions (of a transposed one: channels that come out x its window), Xavier's for attention's input, norms
    /// that do nothing; GDN: beta 1, gamma 0.1 on the diagonal.
    pub fn initialise<R: Real>(&self, random: &mut Random) -> (Vec<Block<R>>, Vec<Norm<R>>) {
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for node in &self.nodes {
            let tensors: Vec<Vec<f32>> =
                node.trained().map(|spec| first_values(node, &spec, random)).collect();
            self.pack(node, &tensors, &mut blocks);
        }
        let norm = |&node: &usize| {
            let channels = self.nodes[node].input[0];
            Norm { running: [vec![R::ZERO; channels], vec![R::ONE; channels]], ..Norm::default() }
        };
        (blocks, self.norms.iter().map(norm).collect())
    }

    /// A node's trained tensors (PyTorch's order of axes) as blocks.
    fn pack<R: Real>(&self, node: &Node, tensors: &[Vec<f32>], blocks: &mut Vec<Block<R>>) {
        let inputs = node.inputs();
        for spec in &self.blocks[node.blocks.clone()] {
            let values = match node.kind {
                Kind::Dense => {
                    let weights = &tensors[0][spec.outputs.start * inputs..spec.outputs.end * inputs];
                    let biases = &tensors[1][spec.outputs.clone()];
                    weights.iter().chain(biases).map(|&x| R::of(x as f64)).collect()
                }
                _ => {
                    let tensors = node.trained().zip(tensors);
                    let last = |(s, t): (TensorSpec, &Vec<f32>)| {
                        converted(&layout::tensor_to_last(&node.layer, s.name, &s.shape, t))
                    };
                    tensors.flat_map(last).collect::<Vec<R>>()
                }
            };
            let adam = Adam::new(values.len());
            blocks.push(Block::new(values, adam, vec![]));
        }
    }

    /// The inverse of [`Network::pack`].
    fn unpack<R: Real>(&self, node: &Node, values: &[&[R]]) -> Vec<Vec<f32>> {
        let inputs = node.inputs();
        if node.kind == Kind::Dense {
            let split = |b: &&[R], end: bool| {
                let at = b.len() / (inputs + 1) * inputs;
                converted::<R, f32>(if end { &b[at..] } else { &b[..at] })
            };
            return [false, true].map(|end| values.iter().flat_map(|b| split(b, end)).collect()).into();
        }
        let mut at = 0;
        let first = |s: TensorSpec| {
            at += s.len();
            converted(&layout::tensor_to_first(&node.layer, s.name, &s.shape, &values[0][at - s.len()..at]))
        };
        node.trained().map(first).collect()
    }

    /// The parameters of a model's layers, in the order of [`Network::blocks`], and the statistics of batch norm.
    pub fn import<R: Real>(&self, model: &FloatModel) -> (Vec<Block<R>>, Vec<Norm<R>>) {
        let (mut blocks, mut norms) = (vec![], vec![]);
        let layers = model.layers().filter(|l| !l.tensors.is_empty());
        let nodes = self.nodes.iter().filter(|n| n.trained().next().is_some());
        for (node, layer) in nodes.zip(layers) {
            self.pack(node, &layer.tensors, &mut blocks);
            if let Kind::BatchNorm(_) = node.kind {
                let running = [2, 3].map(|i| converted(&layer.tensors[i]));
                norms.push(Norm { running, ..Norm::default() });
            }
        }
        (blocks, norms)
    }

    /// The inverse of [`Network::import`]: values of all blocks, and running statistics, as layers, in singles.
    pub fn export<R: Real>(
        &self,
        architecture: &Architecture,
        blocks: &[&[R]],
        running: &[[Vec<R>; 2]],
    ) -> Result<FloatModel> {
        let mut nodes = self.nodes.iter().filter(|n| n.trained().next().is_some());
        FloatModel::new(architecture, |_, _, layer: &FloatLayer| {
            if layer.layer.tensors(&layer.input).is_empty() {
                return Ok(vec![]);
            }
            let node = nodes.next().expect("a node for each layer with tensors");
            let mut tensors = self.unpack(node, &blocks[node.blocks.clone()]);
            if let Kind::BatchNorm(n) = node.kind {
                tensors.extend(running[n].iter().map(|r| converted(r)));
            }
            Ok(tensors)
        })
    }

    /// What must hold of a node's parameters after each step: those of GDN stay at least [`LEAST_BETA`] and 0, so that
    /// roots are real. (Balle et al. train their roots instead; clamping reaches the same and keeps plain values.)
    pub fn constrain<R: Real>(&self, block: usize, values: &mut [R]) {
        let node = &self.nodes[self.blocks[block].node];
        if let Kind::Gdn(_) = node.kind {
            let (beta, gamma) = values.split_at_mut(node.input[0]);
            beta.iter_mut().for_each(|b| *b = b.max(R::of(LEAST_BETA)));
            gamma.iter_mut().for_each(|g| *g = g.max(R::ZERO));
        }
    }
}

fn converted<A: Real, B: Real>(values: &[A]) -> Vec<B> {
    values.iter().map(|x| B::of(x.f64())).collect()
}

/// The first values of a tensor.
fn first_values(node: &Node, spec: &TensorSpec, random: &mut Random) -> Vec<f32> {
    let n = spec.len();
    // Values that go into one output: all axes of a weight but its first.
    let fan = |shape: &[usize]| shape[1..].iter().product::<usize>() as f32;
    let weights = node.layer.tensors(&node.input)[0].shape.clone();
    let mut uniform = |limit: f32| (0..n).map(|_| random.signed_unit() * limit).collect();
    match (&node.layer, spec.name) {
        (Layer::Gdn { .. }, "beta") => vec![1.0; n],
        (Layer::Gdn { .. }, _) => {
            let channels = spec.shape[0];
            (0..n).map(|i| if i / channels == i % channels { 0.1 } else { 0.0 }).collect()
        }
        (Layer::BatchNorm, "weight") | (_, "norm1.weight" | "norm2.weight") => vec![1.0; n],
        (Layer::BatchNorm, _) | (_, "norm1.bias" | "norm2.bias") => vec![0.0; n],
        (_, "self_attn.in_proj_bias" | "self_attn.out_proj.bias") => vec![0.0; n],
        (_, "self_attn.in_proj_weight") => uniform((6.0 / (spec.shape[0] + spec.shape[1]) as f32).sqrt()),
        (Layer::Transformer { feed_forward, .. }, "linear2.bias") => {
            uniform(1.0 / (*feed_forward as f32).sqrt())
        }
        (Layer::Transformer { .. }, "linear1.bias") => uniform(1.0 / (node.input[0] as f32).sqrt()),
        (_, "bias") => uniform(1.0 / fan(&weights).sqrt()),
        _ => uniform(1.0 / fan(&spec.shape).sqrt()),
    }
}
