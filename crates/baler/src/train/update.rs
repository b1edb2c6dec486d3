//! The gradient of a block's parameters over all slices of a batch, and the step that it makes.
//!
//! A dense layer's gradient is made piece by piece, each taken by the optimiser while it is in cache: a gradient as long as
//! the parameters would cost more to write and read than to compute where a layer has millions of them.

use std::sync::RwLock;

use super::network::Kind;
use super::slice::{Pass, Slice, read};
use crate::model::float::Real;
use crate::model::kernel::gemm::{View, multiply};

/// Columns of a piece at most, and values of one, about.
const COLUMNS: usize = 512;
const PIECE: usize = 1 << 15;

/// Steps the parameters of a block.
pub fn step<R: Real>(pass: &Pass<R>, slices: &[RwLock<Slice<R>>], block: usize, learning_rate: f64) {
    let mut locked = pass.blocks[block].write().expect("no thread panics");
    locked.step(learning_rate, |see| each_piece(pass, slices, block, see));
    pass.network.constrain(block, &mut locked.values);
}

/// Calls `see(place in the block, gradient from there on)` until all of the block's gradient is told.
pub fn each_piece<R: Real>(
    pass: &Pass<R>,
    slices: &[RwLock<Slice<R>>],
    block: usize,
    mut see: impl FnMut(usize, &[R]),
) {
    let spec = &pass.network.blocks[block];
    let node = &pass.network.nodes[spec.node];
    let slices: Vec<_> = slices.iter().map(read).collect();
    if node.kind != Kind::Dense {
        let mut sum = slices[0].gradients[block].clone();
        for more in &slices[1..] {
            sum.iter_mut().zip(&more.gradients[block]).for_each(|(s, &g)| *s += g);
        }
        return see(0, &sum);
    }
    let (inputs, outputs) = (node.inputs(), node.outputs());
    let (rows, columns) = (spec.outputs.len(), inputs.min(COLUMNS));
    let step = (PIECE / columns).max(1);
    let mut piece = vec![];
    for row in (0..rows).step_by(step) {
        let height = step.min(rows - row);
        for column in (0..inputs).step_by(columns) {
            let width = columns.min(inputs - column);
            piece.resize(height * width, R::ZERO);
            for (i, slice) in slices.iter().enumerate() {
                let dy = View::strided(&slice.cells[spec.node].dy[spec.outputs.start + row..], outputs);
                let x = View::strided(&slice.input(spec.node)[column..], inputs);
                multiply(&mut piece, width, i > 0, dy.transposed(), x, (height, width, slice.rows));
            }
            if width == inputs {
                see(row * inputs, &piece);
            } else {
                for (i, part) in piece.chunks_exact(width).enumerate() {
                    see((row + i) * inputs + column, part);
                }
            }
        }
    }
    let mut bias = vec![R::ZERO; rows];
    for slice in &slices {
        for dy in slice.cells[spec.node].dy.chunks_exact(outputs) {
            bias.iter_mut().zip(&dy[spec.outputs.clone()]).for_each(|(b, &d)| *b += d);
        }
    }
    see(rows * inputs, &bias);
}
