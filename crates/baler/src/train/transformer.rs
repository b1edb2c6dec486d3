//! The derivative of a transformer encoder layer.

use super::network::Node;
use crate::model::float::pointwise::gelu_slope;
use crate::model::float::transformer::{Kept, Weights};
use crate::model::kernel::gemm::{View, multiply, product};

/// From `dy` to `dx`, and to the gradient of all tensors in their order.
pub fn backward(
    node: &Node,
    tensors: &[&[f32]],
    sequence: usize,
    kept: &Kept,
    dy: &[f32],
    gradient: &mut [f32],
    dx: &mut [f32],
) {
    let w = Weights::new(&node.layer, node.input[0], tensors);
    let (mut rest, mut lengths) = (gradient, tensors.iter().map(|t| t.len()));
    let mut take = || lengths.next().and_then(|n| rest.split_off_mut(..n)).expect("as long as the tensors");
    let mut pair = || [take(), take()];
    let (input, output, up, down, norm1, norm2) = (pair(), pair(), pair(), pair(), pair(), pair());
    if w.norm_first {
        let middle = feed_forward(&w, kept, dy, up, down);
        let mut sum = norm(&middle, &kept.norms[1], w.norm2[0], norm2);
        add(&mut sum, dy);
        let seen = attention(&w, sequence, kept, &sum, input, output);
        dx.copy_from_slice(&norm(&seen, &kept.norms[0], w.norm1[0], norm1));
        add(dx, &sum);
    } else {
        let behind = norm(dy, &kept.norms[1], w.norm2[0], norm2);
        let mut middle = feed_forward(&w, kept, &behind, up, down);
        add(&mut middle, &behind);
        let sum = norm(&middle, &kept.norms[0], w.norm1[0], norm1);
        dx.copy_from_slice(&attention(&w, sequence, kept, &sum, input, output));
        add(dx, &sum);
    }
}

/// From the derivative by a dense layer's output to that by its input and by its weight and bias.
fn dense(weight: &[f32], x: &[f32], dy: &[f32], [d_weight, d_bias]: [&mut [f32]; 2]) -> Vec<f32> {
    let outputs = d_bias.len();
    let (inputs, rows) = (weight.len() / outputs, dy.len() / outputs);
    d_bias.fill(0.0);
    for row in dy.chunks_exact(outputs) {
        d_bias.iter_mut().zip(row).for_each(|(b, d)| *b += d);
    }
    let dy = View::rows(dy, outputs);
    product(d_weight, dy.transposed(), View::rows(x, inputs), (outputs, inputs, rows));
    let mut dx = vec![0.0; rows * inputs];
    product(&mut dx, dy, View::rows(weight, inputs), (rows, inputs, outputs));
    dx
}

fn feed_forward(
    w: &Weights,
    kept: &Kept,
    dy: &[f32],
    up: [&mut [f32]; 2],
    down: [&mut [f32]; 2],
) -> Vec<f32> {
    let [before, behind] = &kept.raised;
    let mut raised = dense(w.down[0], behind, dy, down);
    raised.iter_mut().zip(before).for_each(|(d, &x)| *d *= gelu_slope(x));
    dense(w.up[0], &kept.middle, &raised, up)
}

fn attention(
    w: &Weights,
    sequence: usize,
    kept: &Kept,
    dy: &[f32],
    input: [&mut [f32]; 2],
    output: [&mut [f32]; 2],
) -> Vec<f32> {
    let width = w.width;
    let attended = dense(w.output[0], &kept.attended, dy, output);
    let mut projected = vec![0.0; kept.projected.len()];
    let scale = 1.0 / (width as f32).sqrt();
    let mut shares = &kept.shares[..];
    let parts = kept.projected.chunks(3 * sequence * width).zip(projected.chunks_mut(3 * sequence * width));
    for ((all, d_all), d_out) in parts.zip(attended.chunks(sequence * width)) {
        let n = d_out.len() / width;
        let own = shares.split_off(..n * n).expect("shares of each sequence");
        let part = |i: usize| View::strided(&all[i * width..], 3 * width);
        let (own_view, d_out) = (View::rows(own, n), View::rows(d_out, width));
        multiply(&mut d_all[2 * width..], 3 * width, false, own_view.transposed(), d_out, (n, width, n));
        let mut scores = vec![0.0; n * n];
        product(&mut scores, d_out, part(2).transposed(), (n, n, width));
        for (row, own) in scores.chunks_exact_mut(n).zip(own.chunks_exact(n)) {
            let mean: f32 = row.iter().zip(own).map(|(d, s)| d * s).sum();
            row.iter_mut().zip(own).for_each(|(d, s)| *d = (*d - mean) * s * scale);
        }
        let scores = View::rows(&scores, n);
        multiply(d_all, 3 * width, false, scores, part(1), (n, width, n));
        multiply(&mut d_all[width..], 3 * width, false, scores.transposed(), part(0), (n, width, n));
    }
    dense(w.input[0], &kept.seen, &projected, input)
}

/// From the derivative by a layer norm's output to that by its input and by its weight and bias.
fn norm(
    dy: &[f32],
    (normal, reciprocals): &(Vec<f32>, Vec<f32>),
    weight: &[f32],
    [d_weight, d_bias]: [&mut [f32]; 2],
) -> Vec<f32> {
    let n = weight.len();
    d_weight.fill(0.0);
    d_bias.fill(0.0);
    let mut dx = Vec::with_capacity(dy.len());
    for ((dy, normal), reciprocal) in dy.chunks_exact(n).zip(normal.chunks_exact(n)).zip(reciprocals) {
        let (mut mean, mut product) = (0.0, 0.0);
        for i in 0..n {
            d_weight[i] += dy[i] * normal[i];
            d_bias[i] += dy[i];
            mean += dy[i] * weight[i];
            product += dy[i] * weight[i] * normal[i];
        }
        (mean, product) = (mean / n as f32, product / n as f32);
        dx.extend((0..n).map(|i| reciprocal * (dy[i] * weight[i] - mean - normal[i] * product)));
    }
    dx
}

fn add(y: &mut [f32], x: &[f32]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
}
