//! The derivative of a transformer encoder layer.

use super::network::Node;
use crate::model::float::Real;
use crate::model::float::pointwise::gelu_slope;
use crate::model::float::transformer::{Kept, Weights};
use crate::model::kernel::gemm::{View, multiply, product};

/// From `dy` to `dx`, and to the gradient of all tensors in their order.
pub fn backward<R: Real>(
    node: &Node,
    tensors: &[&[R]],
    sequence: usize,
    kept: &Kept<R>,
    dy: &[R],
    gradient: &mut [R],
    dx: &mut [R],
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
fn dense<R: Real>(weight: &[R], x: &[R], dy: &[R], [d_weight, d_bias]: [&mut [R]; 2]) -> Vec<R> {
    let outputs = d_bias.len();
    let (inputs, rows) = (weight.len() / outputs, dy.len() / outputs);
    d_bias.fill(R::ZERO);
    for row in dy.chunks_exact(outputs) {
        d_bias.iter_mut().zip(row).for_each(|(b, &d)| *b += d);
    }
    let dy = View::rows(dy, outputs);
    product(d_weight, dy.transposed(), View::rows(x, inputs), (outputs, inputs, rows));
    let mut dx = vec![R::ZERO; rows * inputs];
    product(&mut dx, dy, View::rows(weight, inputs), (rows, inputs, outputs));
    dx
}

fn feed_forward<R: Real>(
    w: &Weights<R>,
    kept: &Kept<R>,
    dy: &[R],
    up: [&mut [R]; 2],
    down: [&mut [R]; 2],
) -> Vec<R> {
    let [before, behind] = &kept.raised;
    let mut raised = dense(w.down[0], behind, dy, down);
    raised.iter_mut().zip(before).for_each(|(d, &x)| *d *= gelu_slope(x));
    dense(w.up[0], &kept.middle, &raised, up)
}

fn attention<R: Real>(
    w: &Weights<R>,
    sequence: usize,
    kept: &Kept<R>,
    dy: &[R],
    input: [&mut [R]; 2],
    output: [&mut [R]; 2],
) -> Vec<R> {
    let width = w.width;
    let attended = dense(w.output[0], &kept.attended, dy, output);
    let mut projected = vec![R::ZERO; kept.projected.len()];
    let scale = R::ONE / R::of(width as f64).sqrt();
    let mut shares = &kept.shares[..];
    let parts = kept.projected.chunks(3 * sequence * width).zip(projected.chunks_mut(3 * sequence * width));
    for ((all, d_all), d_out) in parts.zip(attended.chunks(sequence * width)) {
        let n = d_out.len() / width;
        let own = shares.split_off(..n * n).expect("shares of each sequence");
        let part = |i: usize| View::strided(&all[i * width..], 3 * width);
        let (own_view, d_out) = (View::rows(own, n), View::rows(d_out, width));
        multiply(&mut d_all[2 * width..], 3 * width, false, own_view.transposed(), d_out, (n, width, n));
        let mut scores = vec![R::ZERO; n * n];
        product(&mut scores, d_out, part(2).transposed(), (n, n, width));
        for (row, own) in scores.chunks_exact_mut(n).zip(own.chunks_exact(n)) {
            let mean: R = row.iter().zip(own).map(|(&d, &s)| d * s).sum();
            row.iter_mut().zip(own).for_each(|(d, &s)| *d = (*d - mean) * s * scale);
        }
        let scores = View::rows(&scores, n);
        multiply(d_all, 3 * width, false, scores, part(1), (n, width, n));
        multiply(&mut d_all[width..], 3 * width, false, scores.transposed(), part(0), (n, width, n));
    }
    dense(w.input[0], &kept.seen, &projected, input)
}

/// From the derivative by a layer norm's output to that by its input and by its weight and bias.
fn norm<R: Real>(
    dy: &[R],
    (normal, reciprocals): &(Vec<R>, Vec<R>),
    weight: &[R],
    [d_weight, d_bias]: [&mut [R]; 2],
) -> Vec<R> {
    let n = weight.len();
    d_weight.fill(R::ZERO);
    d_bias.fill(R::ZERO);
    let mut dx = Vec::with_capacity(dy.len());
    for ((dy, normal), &reciprocal) in dy.chunks_exact(n).zip(normal.chunks_exact(n)).zip(reciprocals) {
        let (mut mean, mut product) = (R::ZERO, R::ZERO);
        for i in 0..n {
            d_weight[i] += dy[i] * normal[i];
            d_bias[i] += dy[i];
            mean += dy[i] * weight[i];
            product += dy[i] * weight[i] * normal[i];
        }
        (mean, product) = (mean / R::of(n as f64), product / R::of(n as f64));
        dx.extend((0..n).map(|i| reciprocal * (dy[i] * weight[i] - mean - normal[i] * product)));
    }
    dx
}

fn add<R: Real>(y: &mut [R], x: &[R]) {
    y.iter_mut().zip(x).for_each(|(y, &x)| *y += x);
}
