//! The dense layer in plain integer arithmetic: the definition that every other kernel must match bit for bit.

use super::{FrozenDense, LANES, Lanes};

/// Accumulators of output `o` for a block: bias + sum of weight x activation.
fn accumulate(layer: &FrozenDense, o: usize, x: &[Lanes]) -> [i32; LANES] {
    let weights = &layer.weights()[o * layer.inputs()..][..layer.inputs()];
    let mut acc = [layer.bias()[o]; LANES];
    for (w, pair) in weights.chunks(2).zip(x) {
        let (w0, w1) = (w[0] as i32, w.get(1).copied().unwrap_or(0) as i32);
        for (a, &v) in acc.iter_mut().zip(&pair.0) {
            *a += w0 * (v as i16 as i32) + w1 * (v >> 16);
        }
    }
    acc
}

/// Raw accumulators, one [`Lanes`] an output.
pub fn raw(layer: &FrozenDense, x: &[Lanes], y: &mut [Lanes]) {
    for (o, y) in y.iter_mut().enumerate().take(layer.outputs()) {
        y.0 = accumulate(layer, o, x);
    }
}

/// The next layer's activations, in pairs.
pub fn activations(layer: &FrozenDense, x: &[Lanes], y: &mut [Lanes]) {
    for (p, y) in y.iter_mut().enumerate().take(layer.outputs().div_ceil(2)) {
        let low = requantise(layer, 2 * p, x);
        let high = if 2 * p + 1 < layer.outputs() { requantise(layer, 2 * p + 1, x) } else { [0; LANES] };
        for ((y, low), high) in y.0.iter_mut().zip(low).zip(high) {
            *y = (low & 0xffff) | (high << 16);
        }
    }
}

fn requantise(layer: &FrozenDense, o: usize, x: &[Lanes]) -> [i32; LANES] {
    let requantise = layer.requantise().expect("a layer that gives activations");
    accumulate(layer, o, x).map(|acc| requantise.apply(o, acc))
}
