//! Layers that are sums of weighed values, as integers: weights as fine as the proof of no overflow allows.

use super::super::frozen::{MAX_ACTIVATION, Requantise, bound};
use super::super::network::Linear;

/// Sums must stay below this: 2^31 less the largest 2^shift that a layer may be given here.
const SUM_LIMIT: i64 = (1 << 31) - (1 << MAX_SHIFT);
const MAX_SHIFT: u32 = 20;
/// Multipliers end up at most here: twice as large would round twice at the same place (t as coarse as y).
const MULTIPLIER_GOAL: f64 = (1 << 14) as f64;
/// The product t M must stay below 2^31, so a sum as large as the proof allows for may reach no more than
/// this as an activation before it is clamped: eight times the clamp, less what rounding adds.
const HEADROOM: f64 = 65000.0;

/// A layer on integers, in real numbers: weights are times the step of their input.
pub struct Real {
    /// Outputs x inputs.
    pub weights: Vec<f64>,
    /// One an output.
    pub bias: Vec<f64>,
    /// To which sum each input belongs; sums of different numbers are never added. Empty where there is one.
    pub phases: Vec<usize>,
}

impl Real {
    /// Inputs.
    fn inputs(&self) -> usize {
        self.weights.len() / self.bias.len()
    }

    fn row(&self, o: usize) -> &[f64] {
        &self.weights[o * self.inputs()..][..self.inputs()]
    }

    /// How far from 0 output `o` can come.
    pub fn reach(&self, o: usize) -> f64 {
        let row = self.row(o);
        let sum = |phase| -> f64 {
            let of = |i: usize| self.phases.is_empty() || self.phases[i] == phase;
            row.iter().enumerate().filter(|(i, _)| of(*i)).map(|(_, w)| w.abs()).sum()
        };
        let phases = self.phases.iter().max().map_or(0, |&most| most);
        self.bias[o].abs() + MAX_ACTIVATION as f64 * (0..=phases).map(sum).fold(0.0, f64::max)
    }

    /// The smallest unit with which the weights of output `o` fit 16 bits and its sums [`SUM_LIMIT`].
    fn unit(&self, o: usize) -> f64 {
        let largest = self.row(o).iter().fold(0.0, |a: f64, w| a.max(w.abs()));
        let unit = f64::max(largest / i16::MAX as f64, self.reach(o) / SUM_LIMIT as f64);
        if unit.is_normal() { unit } else { f64::MIN_POSITIVE } // nothing comes in: all zeros
    }

    /// Weights and bias of output `o` in this unit, or in one a little larger where rounding went the wrong way; `grow`
    /// makes it larger.
    fn integers(&self, o: usize, mut unit: f64, grow: impl Fn(f64) -> f64) -> (Vec<i16>, i32, f64) {
        let phases = self.phases.iter().max().map_or(0, |&most| most);
        loop {
            let round = |w: &f64| (w / unit).round().clamp(-32767.0, 32767.0) as i16;
            let weights: Vec<i16> = self.row(o).iter().map(round).collect();
            let bias = (self.bias[o] / unit).round() as i32;
            let of = |phase| -> Vec<i16> {
                let inside = |i: usize| self.phases.is_empty() || self.phases[i] == phase;
                weights.iter().enumerate().filter(|(i, _)| inside(*i)).map(|(_, &w)| w).collect()
            };
            if (0..=phases).all(|p| bound(&of(p), bias) < SUM_LIMIT) {
                return (weights, bias, unit);
            }
            unit = grow(unit);
        }
    }

    /// Sums as they are, and the unit of each.
    pub fn raw(&self) -> (Linear, Vec<f64>) {
        let mut made = Linear { weights: vec![], bias: vec![], requantise: None };
        let units = (0..self.bias.len()).map(|o| {
            let (weights, bias, unit) = self.integers(o, self.unit(o), |unit| unit * 1.001);
            made.weights.extend(weights);
            made.bias.push(bias);
            unit
        });
        let units = units.collect();
        (made, units)
    }

    /// The smallest step of activations that output `o` can be brought to.
    pub fn least_step(&self, o: usize) -> f64 {
        self.reach(o) / HEADROOM
    }

    /// Activations of exactly these `steps`, each at least [`Real::least_step`]; for t < 0 times `slope`. The units of
    /// sums are made to fit whole multipliers, so that outputs of one step agree to the last bit of it.
    pub fn requantised(&self, steps: &[f64], slope: f64) -> Linear {
        let least: Vec<f64> = (0..steps.len()).map(|o| self.unit(o)).collect();
        let largest = least.iter().zip(steps).map(|(unit, step)| unit / step).fold(0.0, f64::max);
        let scale = |shift: u32| (1u64 << (15 + shift)) as f64;
        let shift = (1..=MAX_SHIFT).rev().find(|&s| largest * scale(s) <= MULTIPLIER_GOAL).unwrap_or(1);
        let mut made = Linear { weights: vec![], bias: vec![], requantise: None };
        let (mut positive, mut negative) = (vec![], vec![]);
        for (o, (least, step)) in least.into_iter().zip(steps).enumerate() {
            let one = step / scale(shift);
            let m = best_multiplier((least / one).ceil().clamp(1.0, 31_000.0) as i32, slope);
            let (weights, bias, unit) = self.integers(o, m as f64 * one, |unit| unit + one);
            let m = (unit / one).round().min(i16::MAX as f64);
            made.weights.extend(weights);
            made.bias.push(bias);
            positive.push(m as i16);
            negative.push((m * slope).round() as i16);
        }
        made.requantise = Some(Requantise { shift, positive, negative });
        made
    }
}

/// The integer at or up to 3 % above `m` whose product with `slope` is nearest to an integer (0.01 x 8200 = 82), so
/// that both sides of the activation keep their proportion.
fn best_multiplier(m: i32, slope: f64) -> i32 {
    let miss = |m: &i32| ((*m as f64 * slope).round() / *m as f64 - slope).abs();
    (m..=m + m / 32).min_by(|a, b| miss(a).total_cmp(&miss(b))).expect("m at least")
}

/// Multipliers of `factors` times 2^`shift`, for the largest shift in `shifts` at which all fit 15 bits; factors too
/// large for any shift come out as near as they can.
pub fn shifted(factors: &[f64], shifts: std::ops::RangeInclusive<u32>, bias: i32) -> (u32, Vec<i16>) {
    let largest = factors.iter().fold(0.0, |a: f64, f| a.max(f.abs()));
    let times = |shift: u32| 2f64.powi(shift as i32 - bias);
    let fits = |shift: &u32| largest * times(*shift) <= 32767.0;
    let shift = shifts.clone().rev().find(fits).unwrap_or(*shifts.start());
    let round = |f: &f64| (f * times(shift)).round().clamp(-32767.0, 32767.0) as i16;
    (shift, factors.iter().map(round).collect())
}
