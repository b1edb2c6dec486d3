//! One slice of a batch: its rows forward through nodes, and the derivative of the loss back.

use std::ops::Range;
use std::sync::RwLock;

use super::backward;
use super::loss::Objective;
use super::network::{Block, Kind, Network, Node, Norm};
use super::rng::Random;
use crate::model::float::Real;
use crate::model::float::affine::{convolve, convolve_transposed};
use crate::model::float::transformer::{self, Kept, Weights};
use crate::model::float::{layout, pointwise};
use crate::model::kernel::gemm::{View, affine};
use crate::model::kernel::wide::wide;

/// What all slices of a batch share.
#[derive(Clone, Copy)]
pub struct Pass<'a, R> {
    /// The nodes.
    pub network: &'a Network,
    /// Their parameters.
    pub blocks: &'a [RwLock<Block<R>>],
    /// What batch norms know.
    pub norms: &'a [RwLock<Norm<R>>],
    /// Whether batch norm takes the batch's statistics, and dropout drops.
    pub training: bool,
    /// Seed and number of the step: what dropout draws by.
    pub key: [u64; 2],
    /// Rows of the batch.
    pub batch: usize,
    /// What is made small.
    pub objective: Objective,
}

/// What a node leaves for the way back.
#[derive(Default)]
pub struct Cell<R> {
    /// What it gives.
    pub y: Vec<R>,
    /// The derivative by what a dense layer gives before its activation.
    pub dy: Vec<R>,
    /// Factors of dropout, normalised values of batch norm, squared divisors of GDN.
    pub aux: Vec<R>,
    /// Of a transformer.
    pub kept: Kept<R>,
}

/// Room for one slice. It grows with the first rows.
pub struct Slice<R> {
    /// Rows that are in it.
    pub rows: usize,
    /// The number of its first row in the batch.
    pub first: usize,
    /// The input.
    pub x: Vec<R>,
    /// What the output should be, where it has another layout than the input.
    target: Option<Vec<R>>,
    /// A cell a node.
    pub cells: Vec<Cell<R>>,
    /// The derivative by the output of the node at hand, and by its input.
    pub delta: [Vec<R>; 2],
    /// The derivative by the parameters of each block that is not of a dense layer.
    pub gradients: Vec<Vec<R>>,
    /// Sums over a batch norm's channels.
    pub sums: [Vec<f64>; 2],
    /// The slice's part of the loss.
    pub loss: f64,
    /// The derivative of what the latents lose by themselves.
    pub latent_gradient: Vec<R>,
    pub(super) gathered: [Vec<R>; 2],
}

impl<R: Real> Slice<R> {
    /// No room yet.
    pub fn new(network: &Network) -> Slice<R> {
        let dense = |node: usize| network.nodes[node].kind == Kind::Dense;
        let gradients = network.blocks.iter().map(|b| if dense(b.node) { 0 } else { b.len });
        let last = &network.nodes[network.nodes.len() - 1].output;
        let alike = *last == network.nodes[0].input
            || layout::is_same(last) && layout::is_same(&network.nodes[0].input);
        Slice {
            rows: 0,
            first: 0,
            x: vec![],
            target: (!alike).then(Vec::new),
            cells: network.nodes.iter().map(|_| Cell::default()).collect(),
            delta: Default::default(),
            gradients: gradients.map(|n| vec![R::ZERO; n]).collect(),
            sums: Default::default(),
            loss: 0.0,
            latent_gradient: vec![],
            gathered: Default::default(),
        }
    }

    /// Takes these rows of `data`, the first of which is the batch's `first`.
    pub fn load(&mut self, network: &Network, data: &[R], rows: &[u32], first: usize) {
        let features = network.features();
        (self.rows, self.first, self.loss) = (rows.len(), first, 0.0);
        let fill = |shape: &[usize], to: &mut Vec<R>| {
            to.resize(rows.len() * features, R::ZERO);
            for (x, &row) in to.chunks_exact_mut(features).zip(rows) {
                layout::to_last(shape, &data[row as usize * features..][..features], x);
            }
        };
        fill(&network.nodes[0].input, &mut self.x);
        if let Some(target) = &mut self.target {
            fill(&network.nodes[network.nodes.len() - 1].output, target);
        }
    }

    /// What a node sees.
    pub fn input(&self, node: usize) -> &[R] {
        node.checked_sub(1).map_or(&self.x, |before| &self.cells[before].y)
    }

    /// Runs `nodes`.
    pub fn forward(&mut self, pass: &Pass<R>, nodes: Range<usize>) {
        for i in nodes {
            let node = &pass.network.nodes[i];
            let slope = R::of(node.slope);
            let (before, cells) = self.cells.split_at_mut(i);
            let x = before.last().map_or(&self.x, |cell| &cell.y);
            let Cell { y, aux, kept, .. } = &mut cells[0];
            y.resize(self.rows * node.outputs(), R::ZERO);
            match &node.kind {
                Kind::Dense => forward_dense(pass, node, x, self.rows, y),
                Kind::Conv(windows) | Kind::ConvTransposed(windows) => {
                    let block = read(&pass.blocks[node.blocks.start]);
                    let channels = node.output[0];
                    let (weights, bias) = block.values.split_at(block.values.len() - channels);
                    let run = match node.kind {
                        Kind::Conv(_) => convolve,
                        _ => convolve_transposed,
                    };
                    run(windows, weights, bias, slope, x, self.rows, y);
                }
                Kind::BatchNorm(n) => {
                    let block = read(&pass.blocks[node.blocks.start]);
                    let (weight, bias) = block.values.split_at(node.input[0]);
                    let norm = read(&pass.norms[*n]);
                    match pass.training {
                        false => {
                            let [mean, variance] = &norm.running;
                            pointwise::batch_norm(x, [weight, bias, mean, variance], y);
                        }
                        true => {
                            aux.resize(x.len(), R::ZERO);
                            normalise(x, &norm.batch, [weight, bias], aux, y);
                        }
                    }
                }
                Kind::Dropout(rate) => match pass.training {
                    false => y.copy_from_slice(x),
                    true => {
                        let random = Random::keyed(&[pass.key[0], pass.key[1], i as u64]);
                        draw_factors(&random, *rate, (self.first * node.outputs()) as u64, y.len(), aux);
                        y.iter_mut().zip(x).zip(&*aux).for_each(|((y, &x), &f)| *y = x * f);
                    }
                },
                Kind::Bend => {
                    y.copy_from_slice(x);
                    pointwise::bend(y, slope);
                }
                Kind::Gelu => y.iter_mut().zip(x).for_each(|(y, &x)| *y = pointwise::gelu(x)),
                Kind::Gdn(inverse) => {
                    let block = read(&pass.blocks[node.blocks.start]);
                    let (beta, gamma) = block.values.split_at(node.input[0]);
                    aux.resize(x.len(), R::ZERO);
                    pointwise::gdn_norms(x, beta, gamma, aux);
                    pointwise::gdn(x, aux, *inverse, y);
                }
                Kind::Reshape => {
                    aux.resize(x.len(), R::ZERO);
                    layout::to_first(&node.input, x, aux);
                    layout::to_last(&node.output, aux, y);
                }
                Kind::Transformer => {
                    let block = read(&pass.blocks[node.blocks.start]);
                    let tensors = split(node, &block.values);
                    let weights = Weights::new(&node.layer, node.input[0], &tensors);
                    transformer::forward(&weights, pass.network.sequence, x, y, kept);
                }
            }
        }
    }

    /// Sums of what a batch norm sees, and of its squares.
    pub fn measure(&mut self, network: &Network, node: usize) {
        let channels = network.nodes[node].input[0];
        let mut sums = std::mem::take(&mut self.sums);
        for sums in &mut sums {
            sums.clear();
            sums.resize(channels, 0.0);
        }
        let [sum, squares] = &mut sums;
        for pixel in self.input(node).chunks_exact(channels) {
            for ((s, q), &x) in sum.iter_mut().zip(&mut *squares).zip(pixel) {
                let x = x.f64();
                *s += x;
                *q += x * x;
            }
        }
        self.sums = sums;
    }

    /// The loss of the output, and its derivative in `delta[0]`.
    pub fn evaluate(&mut self, pass: &Pass<R>) {
        let features = pass.network.features();
        let nodes = pass.network.nodes.len();
        let y = &self.cells[nodes - 1].y;
        let target = self.target.as_ref().unwrap_or(&self.x);
        self.delta[0].resize(y.len(), R::ZERO);
        self.loss = pass.objective.loss.evaluate(y, target, (pass.batch, features), &mut self.delta[0]);
        if pass.objective.sparsity != 0.0 {
            for (node, cell) in pass.network.nodes.iter().zip(&self.cells).take(nodes - 1) {
                if is_layer(node) {
                    self.loss += pass.objective.sparsity(&cell.y, pass.batch, node.outputs());
                }
            }
        }
    }

    /// The derivative of the loss by the parameters of `nodes` but for dense layers, and by what the first of them sees
    /// (not where it is the network's first); `delta[0]` is the derivative by what the last gives, and then that.
    pub fn backward(&mut self, pass: &Pass<R>, nodes: Range<usize>) {
        for i in nodes.rev() {
            let node = &pass.network.nodes[i];
            if pass.objective.sparsity != 0.0 && i + 1 < pass.network.nodes.len() && is_layer(node) {
                let y = &self.cells[i].y;
                pass.objective.add_sparsity_gradient(y, pass.batch, node.outputs(), &mut self.delta[0]);
            }
            if node.slope != 1.0 {
                let (delta, y) = (&mut self.delta[0], &self.cells[i].y);
                let slope = R::of(node.slope);
                wide(
                    #[inline(always)]
                    move || bend_back(delta, y, slope),
                );
            }
            backward::node(self, pass, i);
            if i == pass.network.encoder && !self.latent_gradient.is_empty() {
                self.delta[0].iter_mut().zip(&self.latent_gradient).for_each(|(d, &l)| *d += l);
            }
        }
    }
}

/// Whether the activations of a node count for sparsity: those of layers that weigh their inputs.
fn is_layer(node: &Node) -> bool {
    matches!(node.kind, Kind::Dense | Kind::Conv(_) | Kind::ConvTransposed(_) | Kind::Transformer)
}

/// Reads what no thread writes in this phase.
pub fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().expect("no thread panics")
}

/// A block that is not of a dense layer, as its tensors.
pub fn split<'v, R>(node: &Node, mut values: &'v [R]) -> Vec<&'v [R]> {
    let take =
        |spec: crate::model::layers::TensorSpec| values.split_off(..spec.len()).expect("as long as they");
    node.trained().map(take).collect()
}

fn forward_dense<R: Real>(pass: &Pass<R>, node: &Node, x: &[R], rows: usize, y: &mut [R]) {
    let (inputs, outputs) = (node.inputs(), node.outputs());
    for block in node.blocks.clone() {
        let part = &pass.network.blocks[block].outputs;
        let block = read(&pass.blocks[block]);
        let (weights, bias) = block.values.split_at(part.len() * inputs);
        let shape = (rows, part.len(), inputs);
        let weights = View::rows(weights, inputs).transposed();
        affine(
            &mut y[part.start..],
            outputs,
            View::rows(x, inputs),
            weights,
            (bias, R::of(node.slope)),
            shape,
        );
    }
}

/// The derivative by what an activation that gave `y` has seen. (A factor for all: stores under a mask are slow.)
#[inline(always)]
fn bend_back<R: Real>(delta: &mut [R], y: &[R], slope: R) {
    for (d, &y) in delta.iter_mut().zip(y) {
        *d *= if y > R::ZERO { R::ONE } else { slope };
    }
}

fn normalise<R: Real>(
    x: &[R],
    batch: &[Vec<R>; 2],
    [weight, bias]: [&[R]; 2],
    normal: &mut [R],
    y: &mut [R],
) {
    let c = weight.len();
    for ((x, normal), y) in x.chunks_exact(c).zip(normal.chunks_exact_mut(c)).zip(y.chunks_exact_mut(c)) {
        for i in 0..c {
            normal[i] = (x[i] - batch[0][i]) * batch[1][i];
            y[i] = normal[i] * weight[i] + bias[i];
        }
    }
}

/// What dropout multiplies `len` values with, the first of which has the number `from` in its batch.
fn draw_factors<R: Real>(random: &Random, rate: f32, from: u64, len: usize, factors: &mut Vec<R>) {
    let kept = R::ONE / (R::ONE - R::of(rate as f64));
    let below = (rate as f64 * (1u64 << 32) as f64) as u64;
    factors.clear();
    factors
        .extend((from..from + len as u64).map(|i| if random.nth(i) >> 32 < below { R::ZERO } else { kept }));
}
