//! Small dense layers in integers, whose weights keep to few bits.

use crate::error::Result;
use crate::model::frozen::{FrozenDense, MAX_ACTIVATION, Requantise};

/// What a unit could reach in the worst case is at most so many steps of its activation, near eight times what it is clamped
/// to: products with multipliers have 31 bits. (Multipliers cut to what fits made other networks of those trained, and units
/// that are never above zero, with steps next to none, took all digits from the multipliers of their layer: 0.5 to 0.8 of
/// 27 bits a row of `cms_pfcands`.)
const MOST_REACH: f64 = 60_000.0;

/// Steps of activations, from inputs of `steps`, for units that reach `most` on a sample and may reach a quarter more.
pub fn goals(weights: &[f32], bias: &[f32], steps: &[f64], most: &[f32]) -> Vec<f64> {
    let goal = |((w, &b), &most): ((&[f32], &f32), &f32)| {
        let sum = w.iter().zip(steps).map(|(w, s)| w.abs() as f64 * s).sum::<f64>();
        let reach = b.abs() as f64 + sum * MAX_ACTIVATION as f64;
        (most.max(1e-6) as f64 * 1.25 / MAX_ACTIVATION as f64).max(reach / MOST_REACH)
    };
    weights.chunks_exact(steps.len()).zip(bias).zip(most).map(goal).collect()
}

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

#[cfg(test)]
mod tests {
    use super::*;

    /// The second unit is never above zero; the third is far below what its weights could make of it.
    #[test]
    fn units_out_of_use_leave_the_others_their_digits() {
        let weights = [0.3, -0.2, 0.1, -0.4, -0.1, -0.2, 30.0, -30.0, 0.0];
        let bias = [0.05, -0.5, 0.01];
        let (step, inputs) = (1.0 / 4096.0, [[4000, 3990, 90], [700, 697, 8000], [3100, 3090, 2]]);
        let float = |x: &[i32; 3], o: usize| {
            let sum: f32 = x.iter().zip(&weights[3 * o..]).map(|(&x, w)| x as f32 * step as f32 * w).sum();
            (sum + bias[o]).max(0.0)
        };
        let most = [0, 1, 2].map(|o| inputs.iter().fold(0.0, |m: f32, x| m.max(float(x, o))));
        let goals = goals(&weights, &bias, &[step; 3], &most);
        let layer = freeze(&weights, &bias, &[step; 3], &goals, false, 127.0).unwrap();
        let requantise = layer.requantise().unwrap();
        assert!(requantise.positive[0] > 1 << 13, "{requantise:?}");
        for x in &inputs {
            for o in 0..3 {
                let sum: i32 = x.iter().zip(&layer.weights()[3 * o..]).map(|(x, &w)| x * w as i32).sum();
                let t = (sum + layer.bias()[o]) >> requantise.shift;
                let y = (t.max(0) * requantise.positive[o] as i32) >> 15;
                let (got, want) = (y as f64 * goals[o], float(x, o) as f64);
                assert!(
                    (got - want).abs() <= 2.0 * goals[o] + 0.01 * most[o] as f64,
                    "unit {o}: {got} for {want}"
                );
            }
        }
    }
}
