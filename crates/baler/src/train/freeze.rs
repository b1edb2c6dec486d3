//! Small dense layers in integers, whose weights keep to few bits.

use crate::error::Result;
use crate::model::frozen::{FrozenDense, MAX_ACTIVATION, Requantise};

/// What a unit could reach in the worst case is at most so many steps of its activation, near eight times what it is clamped
/// to: products with multipliers have 31 bits. (Multipliers cut to what fits made other networks of those trained, and units
/// that are never above zero, with steps next to none, took all digits from the multipliers of their layer: 0.5 to 0.8 of
/// 27 bits a row of `cms_pfcands`.)
const MOST_REACH: f64 = 60_000.0;

/// What sums should have at most once they have lost the layer's shift: just what 16 bits hold.
const MOST_T: f64 = 32_760.0;

/// Steps of activations, from inputs of `steps`, for units that reach `most` on a sample and may reach a quarter more.
pub fn goals(weights: &[f32], bias: &[f32], steps: &[f64], most: &[f32]) -> Vec<f64> {
    let goal = |((w, &b), &most): ((&[f32], &f32), &f32)| {
        let sum = w.iter().zip(steps).map(|(w, s)| w.abs() as f64 * s).sum::<f64>();
        let reach = b.abs() as f64 + sum * MAX_ACTIVATION as f64;
        (most.max(1e-6) as f64 * 1.25 / MAX_ACTIVATION as f64).max(reach / MOST_REACH)
    };
    weights.chunks_exact(steps.len()).zip(bias).zip(most).map(goal).collect()
}

/// The weights and bias of one unit in integers.
struct Unit {
    weights: Vec<i16>,
    bias: i32,
    /// What 1 of its sums is.
    unit: f64,
    /// What its sums may reach.
    reach: f64,
}

impl Unit {
    fn new(weights: &[f64], bias: f64, unit: f64) -> Unit {
        let weights: Vec<i16> = weights.iter().map(|w| (w / unit).round() as i16).collect();
        let bias = (bias / unit).round() as i32;
        let sum: f64 = weights.iter().map(|w| w.abs() as f64).sum();
        Unit { weights, bias, unit, reach: bias.abs() as f64 + sum * MAX_ACTIVATION as f64 }
    }
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
    let scaled: Vec<f64> =
        weights.chunks_exact(inputs).flat_map(|w| w.iter().zip(steps).map(|(&w, s)| w as f64 * s)).collect();
    let rows = || scaled.chunks_exact(inputs).zip(bias.iter().map(|&b| b as f64));
    let mut units: Vec<Unit> = rows()
        .map(|(w, b)| {
            let largest = w.iter().fold(0.0, |a: f64, w| a.max(w.abs()));
            Unit::new(w, b, (largest / most_weight).max(b.abs() / (1u64 << 28) as f64).max(1e-30))
        })
        .collect();
    // The finest shift with which the sums keep 15 bits and no multiplier leaves 15.
    let reach = units.iter().map(|u| u.reach).fold(0.0, f64::max);
    let largest = units.iter().zip(goals).map(|(u, goal)| u.unit / goal).fold(0.0, f64::max);
    let multiplier = |ratio: f64, shift: u32| ratio * (1u64 << (15 + shift)) as f64;
    let wanted = ((reach / MOST_T).max(1.0).log2().ceil() as u32).max(1);
    let shift = (1..=wanted).rev().find(|&s| multiplier(largest, s) <= 32767.0).unwrap_or(1);
    let mut positive = vec![];
    for ((unit, row), goal) in units.iter_mut().zip(rows()).zip(goals) {
        // Sums beyond that need a multiplier that clamps them (`Requantise`), at the cost of digits of weights.
        let coarser = |u: &Unit| {
            let beyond = u.reach / (1u64 << shift) as f64 / MOST_T;
            beyond.min(8200.0 / multiplier(u.unit / goal, shift))
        };
        while coarser(unit) > 1.0 {
            *unit = Unit::new(row.0, row.1, unit.unit * coarser(unit).max(1.001));
        }
        let t = unit.reach / (1u64 << shift) as f64 + 1.0;
        let most = ((((1u64 << 31) - (1 << 15)) as f64 / t) as i64).min(i16::MAX as i64);
        positive.push(multiplier(unit.unit / goal, shift).round().min(most as f64) as i16);
    }
    let negative = if last { positive.clone() } else { vec![0; positive.len()] };
    let biases = units.iter().map(|u| u.bias).collect();
    let weights = units.into_iter().flat_map(|u| u.weights).collect();
    FrozenDense::new(inputs, goals.len(), weights, biases, Some(Requantise { shift, positive, negative }))
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
        assert!(requantise.positive[0] > 1 << 13 && layer.narrow(), "{requantise:?}");
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
