//! Small dense layers in integers, whose weights keep to few bits.

use crate::error::Result;
use crate::model::frozen::{FrozenDense, MAX_ACTIVATION, Requantise};

/// One layer in integers, from inputs of `steps` to outputs of `goals`, with weights up to `most_weight`; ReLU follows but in
/// the `last`.
pub fn freeze(
    weights: &[f32],
    bias: &[f32],
    steps: &[f64],
    goals: &[f64],
    last: bool,
    most_weight: f64,
) -> Result<FrozenDense> {
    let inputs = steps.len();
    let (mut integers, mut biases, mut ratios, mut reaches) = (vec![], vec![], vec![], vec![]);
    for ((w, &b), &goal) in weights.chunks_exact(inputs).zip(bias).zip(goals) {
        let scaled: Vec<f64> = w.iter().zip(steps).map(|(&w, s)| w as f64 * s).collect();
        let largest = scaled.iter().fold(0.0, |a: f64, w| a.max(w.abs()));
        let unit = (largest / most_weight).max(b.abs() as f64 / (1u64 << 28) as f64).max(1e-30);
        let row: Vec<i16> = scaled.iter().map(|w| (w / unit).round() as i16).collect();
        let bias = (b as f64 / unit).round() as i32;
        let sum: f64 = row.iter().map(|w| w.abs() as f64).sum();
        reaches.push(bias.abs() as f64 + sum * MAX_ACTIVATION as f64);
        integers.extend(row);
        biases.push(bias);
        ratios.push(unit / goal);
    }
    // The finest shift with which the sums keep 16 bits and no multiplier leaves 15.
    let reach = reaches.iter().copied().fold(0.0, f64::max);
    let largest = ratios.iter().copied().fold(0.0, f64::max);
    let multiplier = |ratio: f64, shift: u32| ratio * (1u64 << (15 + shift)) as f64;
    let wanted = ((reach / 65536.0).max(1.0).log2().ceil() as u32).max(1);
    let shift = (1..=wanted).rev().find(|&s| multiplier(largest, s) <= 32767.0).unwrap_or(1);
    let most = |reach: f64| {
        let t = reach / (1u64 << shift) as f64 + 1.0;
        ((((1u64 << 31) - (1 << 15)) as f64 / t) as i64).min(i16::MAX as i64) as f64
    };
    let fitting = |(&ratio, &reach): (&f64, &f64)| multiplier(ratio, shift).round().min(most(reach)) as i16;
    let positive: Vec<i16> = ratios.iter().zip(&reaches).map(fitting).collect();
    let negative = if last { positive.clone() } else { vec![0; positive.len()] };
    FrozenDense::new(inputs, biases.len(), integers, biases, Some(Requantise { shift, positive, negative }))
}
