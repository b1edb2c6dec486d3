//! The derivative of each node, by its parameters and by what it sees.

use super::network::{Kind, Node};
use super::slice::{Cell, Pass, Slice, read, split};
use super::transformer;
use crate::model::float::Real;
use crate::model::float::windows::Windows;
use crate::model::float::{layout, pointwise};
use crate::model::kernel::gemm::{View, add_product, multiply, product};

/// `delta[0]` is the derivative by what node `i` gives before its activation, and becomes that by what it sees. The
/// gradient of a dense layer's parameters is left to [`update`](super::update): only their factors are kept.
pub fn node<R: Real>(slice: &mut Slice<R>, pass: &Pass<R>, i: usize) {
    let node = &pass.network.nodes[i];
    let Slice { rows, x, cells, delta: [delta, below], gradients, gathered, .. } = slice;
    let (before, cells) = cells.split_at_mut(i);
    let (x, dy_before) = match before.last_mut() {
        Some(cell) => (&cell.y, Some(&mut cell.dy)),
        None => (&*x, None),
    };
    let Cell { y: _, dy, aux, kept } = &mut cells[0];
    let values = || read(&pass.blocks[node.blocks.start]);
    match &node.kind {
        Kind::Dense => {
            std::mem::swap(dy, delta);
            if let Some(dy_before) = dy_before {
                // Where it is of a dense layer, it has the length already, and will be in its place again.
                if !dy_before.is_empty() {
                    std::mem::swap(delta, dy_before);
                }
                delta.resize(*rows * node.inputs(), R::ZERO);
                dense_input(pass, node, dy, *rows, delta);
            }
            return;
        }
        Kind::Conv(windows) => {
            below.clear();
            below.resize(if i > 0 { x.len() } else { 0 }, R::ZERO);
            let gradient = &mut gradients[node.blocks.start];
            convolution(windows, node, &values().values, x, delta, gradient, below, gathered);
        }
        Kind::ConvTransposed(windows) => {
            below.resize(if i > 0 { x.len() } else { 0 }, R::ZERO);
            let gradient = &mut gradients[node.blocks.start];
            transposed(windows, node, &values().values, x, delta, gradient, below, &mut gathered[0]);
        }
        Kind::BatchNorm(n) => {
            let (block, norm) = (values(), read(&pass.norms[*n]));
            let c = node.input[0];
            let ([mean, product], reciprocal) = (&norm.gradient, &norm.batch[1]);
            for (d, normal) in delta.chunks_exact_mut(c).zip(aux.chunks_exact(c)) {
                for i in 0..c {
                    d[i] = block.values[i] * reciprocal[i] * (d[i] - mean[i] - normal[i] * product[i]);
                }
            }
            return;
        }
        Kind::Dropout(_) => return delta.iter_mut().zip(&*aux).for_each(|(d, &f)| *d *= f),
        Kind::Bend => return,
        Kind::Gelu => return delta.iter_mut().zip(x).for_each(|(d, &x)| *d *= pointwise::gelu_slope(x)),
        Kind::Gdn(inverse) => {
            below.resize(x.len(), R::ZERO);
            let (beta, gamma) = gradients[node.blocks.start].split_at_mut(node.input[0]);
            gdn(&values().values[node.input[0]..], *inverse, x, aux, delta, [beta, gamma], below);
        }
        Kind::Reshape => {
            below.resize(x.len(), R::ZERO);
            layout::to_first(&node.output, delta, aux);
            layout::to_last(&node.input, aux, below);
        }
        Kind::Transformer => {
            below.resize(x.len(), R::ZERO);
            let block = values();
            let tensors = split(node, &block.values);
            let gradient = &mut gradients[node.blocks.start];
            transformer::backward(node, &tensors, pass.network.sequence, kept, delta, gradient, below);
        }
    }
    std::mem::swap(delta, below);
}

/// Sums of the derivative behind batch norm `i`, and of its products with the normalised values: the gradients of its
/// bias and weight.
pub fn norm_sums<R: Real>(slice: &mut Slice<R>, node: &Node, i: usize) {
    let c = node.input[0];
    for sums in &mut slice.sums {
        sums.clear();
        sums.resize(c, 0.0);
    }
    let [bias, weight] = &mut slice.sums;
    for (d, normal) in slice.delta[0].chunks_exact(c).zip(slice.cells[i].aux.chunks_exact(c)) {
        for i in 0..c {
            bias[i] += d[i].f64();
            weight[i] += d[i].f64() * normal[i].f64();
        }
    }
    let sums = weight.iter().chain(&*bias);
    slice.gradients[node.blocks.start].iter_mut().zip(sums).for_each(|(g, &s)| *g = R::of(s));
}

fn dense_input<R: Real>(pass: &Pass<R>, node: &Node, dy: &[R], rows: usize, dx: &mut [R]) {
    let (inputs, outputs) = (node.inputs(), node.outputs());
    for block in node.blocks.clone() {
        let part = &pass.network.blocks[block].outputs;
        let weights = read(&pass.blocks[block]);
        let dy = View::strided(&dy[part.start..], outputs);
        let weights = View::rows(&weights.values, inputs);
        multiply(dx, inputs, part.start > 0, dy, weights, (rows, inputs, part.len()));
    }
}

/// Adds the rows of `dy` up.
fn sum_rows<R: Real>(dy: &[R], sums: &mut [R]) {
    for row in dy.chunks_exact(sums.len()) {
        sums.iter_mut().zip(row).for_each(|(s, &d)| *s += d);
    }
}

#[allow(clippy::too_many_arguments)] // one derivative, by all that it depends on
fn convolution<R: Real>(
    windows: &Windows,
    node: &Node,
    values: &[R],
    x: &[R],
    dy: &[R],
    gradient: &mut [R],
    dx: &mut [R],
    [gathered, spread]: &mut [Vec<R>; 2],
) {
    let (channels, patch) = (node.output[0], windows.patch());
    gradient.fill(R::ZERO);
    let (weights, bias) = gradient.split_at_mut(channels * patch);
    sum_rows(dy, bias);
    for portion in windows.portions(dy.len() / channels / windows.positions()) {
        let n = portion.len();
        let dy = View::rows(&dy[portion.start * channels..], channels);
        windows.gather(x, portion.clone(), gathered);
        add_product(weights, dy.transposed(), View::rows(gathered, patch), (channels, patch, n));
        if !dx.is_empty() {
            spread.resize(n * patch, R::ZERO);
            product(spread, dy, View::rows(values, patch), (n, patch, channels));
            windows.scatter(spread, portion, dx);
        }
    }
}

#[allow(clippy::too_many_arguments)] // as above
fn transposed<R: Real>(
    windows: &Windows,
    node: &Node,
    values: &[R],
    x: &[R],
    dy: &[R],
    gradient: &mut [R],
    dx: &mut [R],
    gathered: &mut Vec<R>,
) {
    let (channels, patch) = (node.input[0], windows.patch());
    gradient.fill(R::ZERO);
    let (weights, bias) = gradient.split_at_mut(channels * patch);
    sum_rows(dy, bias);
    for portion in windows.portions(x.len() / channels / windows.positions()) {
        let n = portion.len();
        let x = View::rows(&x[portion.start * channels..], channels);
        windows.gather(dy, portion.clone(), gathered);
        let under = View::rows(gathered, patch);
        add_product(weights, x.transposed(), under, (channels, patch, n));
        if !dx.is_empty() {
            let dx = &mut dx[portion.start * channels..portion.end * channels];
            product(dx, under, View::rows(values, patch).transposed(), (n, channels, patch));
        }
    }
}

/// With n the squared divisor: y = x n^(-1/2), so dx = dy n^(-1/2) + 2 x (q gamma) where q = dL/dn = -1/2 dy x n^(-3/2);
/// the inverse has y = x n^(1/2) and q = 1/2 dy x n^(-1/2).
fn gdn<R: Real>(
    gamma: &[R],
    inverse: bool,
    x: &[R],
    norms: &[R],
    dy: &[R],
    [d_beta, d_gamma]: [&mut [R]; 2],
    dx: &mut [R],
) {
    let c = d_beta.len();
    let rows = x.len() / c;
    let q = dy.iter().zip(x).zip(norms).map(|((&d, &x), &n)| match inverse {
        false => R::of(-0.5) * d * x / (n * n.sqrt()),
        true => R::of(0.5) * d * x / n.sqrt(),
    });
    let q: Vec<R> = q.collect();
    let squares: Vec<R> = x.iter().map(|&x| x * x).collect();
    d_beta.fill(R::ZERO);
    sum_rows(&q, d_beta);
    product(d_gamma, View::rows(&q, c).transposed(), View::rows(&squares, c), (c, c, rows));
    product(dx, View::rows(&q, c), View::rows(gamma, c), (rows, c, c));
    for (((dx, &d), &x), n) in dx.iter_mut().zip(dy).zip(x).zip(norms) {
        *dx = R::of(2.0) * x * *dx + if inverse { d * n.sqrt() } else { d / n.sqrt() };
    }
}
