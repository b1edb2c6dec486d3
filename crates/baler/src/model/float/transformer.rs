//! The transformer encoder layer of PyTorch, of one head and without dropout. Rows are the sequence.

use super::affine::{DenseStage, forward_stage};
use super::pointwise::{EPSILON, gelu};
use super::real::Real;
use crate::model::kernel::gemm::{View, product};
use crate::model::layers::Layer;

/// The layer's tensors, in the order of [`Layer::tensors`].
#[derive(Clone, Copy)]
pub struct Weights<'a, R> {
    /// Values in a row.
    pub width: usize,
    /// Whether the layer norms stand before attention and feed-forward.
    pub norm_first: bool,
    /// Queries, keys and values: weight and bias.
    pub input: [&'a [R]; 2],
    /// Behind attention.
    pub output: [&'a [R]; 2],
    /// Width to wide.
    pub up: [&'a [R]; 2],
    /// Wide to width.
    pub down: [&'a [R]; 2],
    /// Weight and bias of the first layer norm.
    pub norm1: [&'a [R]; 2],
    /// Of the second.
    pub norm2: [&'a [R]; 2],
}

impl<'a, R> Weights<'a, R> {
    /// Of a transformer layer, with its twelve tensors.
    pub fn new(layer: &Layer, width: usize, tensors: &[&'a [R]]) -> Weights<'a, R> {
        let &Layer::Transformer { norm_first, .. } = layer else {
            unreachable!("{} is no transformer", layer.kind())
        };
        let pair = |i: usize| [tensors[2 * i], tensors[2 * i + 1]];
        let (norm1, norm2) = (pair(4), pair(5));
        let (input, output, up, down) = (pair(0), pair(1), pair(2), pair(3));
        Weights { width, norm_first, input, output, up, down, norm1, norm2 }
    }
}

/// What a forward pass leaves for the backward one; all of it rows of the batch.
#[derive(Default)]
pub struct Kept<R> {
    /// What each layer norm gives before its weight and bias, and the reciprocal of its deviation.
    pub norms: [(Vec<R>, Vec<R>); 2],
    /// What attention sees.
    pub seen: Vec<R>,
    /// Queries, keys and values, side by side.
    pub projected: Vec<R>,
    /// Shares of attention: rows x rows of each sequence, one behind the other.
    pub shares: Vec<R>,
    /// The mean of the values by their shares.
    pub attended: Vec<R>,
    /// What the feed-forward sees.
    pub middle: Vec<R>,
    /// Wide, before GELU and behind it.
    pub raised: [Vec<R>; 2],
}

/// y for the rows `x`, of which each `sequence` see each other.
pub fn forward<R: Real>(w: &Weights<R>, sequence: usize, x: &[R], y: &mut [R], kept: &mut Kept<R>) {
    let rows = x.len() / w.width;
    let dense = |[weight, bias]: [&[R]; 2], x: &[R], y: &mut Vec<R>| {
        let (inputs, outputs) = (weight.len() / bias.len(), bias.len());
        y.resize(rows * outputs, R::ZERO);
        forward_stage(DenseStage { inputs, outputs, slope: 1.0 }, weight, bias, x, rows, y);
    };
    let mut sum = vec![];
    match w.norm_first {
        true => norm(x, w.norm1, &mut kept.norms[0], &mut kept.seen),
        false => x.clone_into(&mut kept.seen),
    }
    dense(w.input, &kept.seen, &mut kept.projected);
    attend(w.width, sequence, &kept.projected, &mut kept.shares, &mut kept.attended);
    dense(w.output, &kept.attended, &mut sum);
    add(&mut sum, x);
    match w.norm_first {
        true => {
            norm(&sum, w.norm2, &mut kept.norms[1], &mut kept.middle);
            y.copy_from_slice(&sum);
        }
        false => {
            norm(&sum, w.norm1, &mut kept.norms[0], &mut kept.middle);
            y.copy_from_slice(&kept.middle);
        }
    }
    let [before, behind] = &mut kept.raised;
    dense(w.up, &kept.middle, before);
    behind.clear();
    behind.extend(before.iter().map(|&x| gelu(x)));
    dense(w.down, behind, &mut sum);
    add(y, &sum);
    if !w.norm_first {
        let before = y.to_vec();
        norm(&before, w.norm2, &mut kept.norms[1], &mut sum);
        y.copy_from_slice(&sum);
    }
}

/// Scaled dot-product attention of each sequence.
fn attend<R: Real>(
    width: usize,
    sequence: usize,
    projected: &[R],
    shares: &mut Vec<R>,
    attended: &mut Vec<R>,
) {
    shares.clear();
    attended.resize(projected.len() / 3, R::ZERO);
    let scale = R::ONE / R::of(width as f64).sqrt();
    for (all, out) in projected.chunks(3 * sequence * width).zip(attended.chunks_mut(sequence * width)) {
        let n = out.len() / width;
        let part = |i: usize| View::strided(&all[i * width..], 3 * width);
        let from = shares.len();
        shares.resize(from + n * n, R::ZERO);
        let shares = &mut shares[from..];
        product(shares, part(0), part(1).transposed(), (n, n, width));
        for row in shares.chunks_exact_mut(n) {
            let most = row.iter().copied().fold(R::of(f64::NEG_INFINITY), R::max);
            row.iter_mut().for_each(|s| *s = ((*s - most) * scale).exp());
            let whole: R = row.iter().copied().sum();
            row.iter_mut().for_each(|s| *s /= whole);
        }
        product(out, View::rows(shares, n), part(2), (n, width, n));
    }
}

/// Each row to mean 0 and variance 1, then scaled and shifted.
fn norm<R: Real>(x: &[R], [weight, bias]: [&[R]; 2], kept: &mut (Vec<R>, Vec<R>), y: &mut Vec<R>) {
    let (normal, reciprocals) = kept;
    normal.clear();
    reciprocals.clear();
    y.clear();
    let n = R::of(weight.len() as f64);
    for row in x.chunks_exact(weight.len()) {
        let mean = row.iter().copied().sum::<R>() / n;
        let variance = row.iter().map(|&x| (x - mean) * (x - mean)).sum::<R>() / n;
        let reciprocal = R::ONE / (variance + R::of(EPSILON)).sqrt();
        reciprocals.push(reciprocal);
        normal.extend(row.iter().map(|&x| (x - mean) * reciprocal));
    }
    for row in normal.chunks_exact(weight.len()) {
        y.extend(row.iter().zip(weight).zip(bias).map(|((&x, &w), &b)| x * w + b));
    }
}

fn add<R: Real>(y: &mut [R], x: &[R]) {
    y.iter_mut().zip(x).for_each(|(y, &x)| *y += x);
}
