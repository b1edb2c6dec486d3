//! Channels first, as shapes, files and PyTorch have them, and channels last, as the float layers compute.

use crate::model::layers::Layer;

/// Channels and pixels of a row of this shape.
fn planes(shape: &[usize]) -> (usize, usize) {
    (shape[0], shape[1..].iter().product())
}

/// Whether a row of this shape reads the same both ways.
pub fn is_same(shape: &[usize]) -> bool {
    let (channels, pixels) = planes(shape);
    channels == 1 || pixels == 1
}

/// Rows of this shape from channels first to channels last.
pub fn to_last<R: Copy>(shape: &[usize], first: &[R], last: &mut [R]) {
    let (channels, pixels) = planes(shape);
    transpose(first, last, channels, pixels);
}

/// The inverse of [`to_last`].
pub fn to_first<R: Copy>(shape: &[usize], last: &[R], first: &mut [R]) {
    let (channels, pixels) = planes(shape);
    transpose(last, first, pixels, channels);
}

/// Every matrix of `rows` x `columns` in `from`, transposed.
fn transpose<R: Copy>(from: &[R], to: &mut [R], rows: usize, columns: usize) {
    if rows == 1 || columns == 1 {
        return to.copy_from_slice(from);
    }
    for (from, to) in from.chunks_exact(rows * columns).zip(to.chunks_exact_mut(rows * columns)) {
        for (c, to) in to.chunks_exact_mut(rows).enumerate() {
            for (r, to) in to.iter_mut().enumerate() {
                *to = from[r * columns + c];
            }
        }
    }
}

/// A tensor of `layer` as it is computed with: the weights of convolutions get their input's (transposed: output's)
/// channels behind the window's axes; all others stay.
pub fn tensor_to_last<R: Copy>(layer: &Layer, name: &str, shape: &[usize], values: &[R]) -> Vec<R> {
    let mut out = values.to_vec();
    if is_windowed(layer, name) {
        to_last(&shape[1..], values, &mut out);
    }
    out
}

/// The inverse of [`tensor_to_last`].
pub fn tensor_to_first<R: Copy>(layer: &Layer, name: &str, shape: &[usize], values: &[R]) -> Vec<R> {
    let mut out = values.to_vec();
    if is_windowed(layer, name) {
        to_first(&shape[1..], values, &mut out);
    }
    out
}

fn is_windowed(layer: &Layer, tensor: &str) -> bool {
    matches!(layer, Layer::Conv { .. } | Layer::ConvTransposed { .. }) && tensor == "weight"
}
