//! What a network is told of a place: how its neighbours differ from the value before, by the scale of these differences.
//!
//! Nothing in it has a unit, so that one network serves every bound and every quantity that behaves alike.

use super::super::domain::Real;
use super::super::taps::TAPS;
use crate::model::kernel::{LANES, Lanes};

/// A number of each place that is looked at.
pub type Each<T> = [T; LANES];

/// The taps whose differences make the scale: the nearest in the plane, then those of planes before.
const NEAR: [usize; 10] = [1, 4, 5, 6, 9, 13, 14, 15, 18, 21];
/// How many of them lie in the plane.
const NEAR_IN_PLANE: usize = 5;
/// An octave of the scale in the network's integers.
const OCTAVE: i32 = 512;
/// Beyond this, scales are alike.
const LARGEST: f32 = (1u64 << 60) as f32;
const MOST: f32 = 8191.0;

/// Values that go into a network for a place with so many taps.
pub const fn inputs(taps: usize) -> usize {
    taps + 1
}

/// Of all places of a step.
pub struct Told<W> {
    /// Inputs in pairs.
    pub inputs: [Lanes; TAPS.len().div_ceil(2)],
    /// What the linear predictor says.
    pub linear: Each<W>,
    /// The logarithm of the scale, to base 2, in steps.
    pub log: Each<i32>,
}

/// `x` within +-[`MOST`] without its fraction, and 0 for NaN: what `as i32` gives of it, but that is one value at a time.
#[inline(always)]
pub fn whole_of(x: f32) -> i32 {
    const UNIT: f32 = (1 << 23) as f32; // from here on floats have no fraction, and their last bits count units
    let m = x.abs();
    let m = if m > MOST { MOST } else { m };
    let m = if m >= 0.0 { m } else { 0.0 };
    let nearest = m + UNIT;
    let up = if nearest - UNIT > m { 1 } else { 0 };
    let m = (nearest.to_bits() & 0x7f_ffff) as i32 - up;
    let sign = x.to_bits() as i32 >> 31;
    (m ^ sign) - sign
}

impl<W: Real> Default for Told<W> {
    fn default() -> Self {
        let inputs = [Lanes::ZERO; TAPS.len().div_ceil(2)];
        Told { inputs, linear: [W::default(); LANES], log: [0; LANES] }
    }
}

impl<W: Real> Told<W> {
    /// Tells of places whose neighbours are `near`, the first so many taps; by the linear predictor's `weights`, and the
    /// `inverse` of a step.
    #[inline(always)]
    pub fn tell(&mut self, near: &[Each<W>], weights: &[W], inverse: W) {
        let n = near.len();
        let (near_by, least, shift) = match n == TAPS.len() {
            true => (&NEAR[..], 2, 3),
            false => (&NEAR[..NEAR_IN_PLANE], 1, 2),
        };
        let a = &near[0];
        let mut sums = [W::default(); LANES];
        for k in 3..n {
            for j in 0..LANES {
                sums[j] = sums[j].plus_product(weights[k], near[k][j]);
            }
        }
        for j in 0..LANES {
            let row = weights[1].product(near[1][j]).plus(weights[2].product(near[2][j]));
            self.linear[j] = sums[j].plus(weights[0].product(a[j]).plus(row));
        }
        let mut apart = [[0.0f32; LANES]; TAPS.len() + 1];
        for k in 1..n {
            for j in 0..LANES {
                apart[k][j] = near[k][j].minus(a[j]).product(inverse).to_f64() as f32;
            }
        }
        for j in 0..LANES {
            apart[n][j] = self.linear[j].minus(a[j]).product(inverse).to_f64() as f32;
        }
        let mut scale = [0.0f32; LANES];
        for &k in near_by {
            for j in 0..LANES {
                scale[j] += apart[k][j].abs();
            }
        }
        let mut units = [0.0f32; LANES];
        let mut octaves = [0; LANES];
        for j in 0..LANES {
            let smallest = (1 << least) as f32;
            let sum = if scale[j] >= smallest { scale[j] } else { smallest };
            let sum = if sum > LARGEST { LARGEST } else { sum };
            let e = (sum.to_bits() >> 23) as i32 - 127;
            self.log[j] = e - shift;
            units[j] = f32::from_bits(((127 + 10 + shift - e) as u32) << 23); // 1024 / scale
            let octave = (e - least) * OCTAVE;
            octaves[j] = if octave > MOST as i32 { MOST as i32 } else { octave };
        }
        // Plain loops over all lanes: a branch or a closure within would keep them from being vectors.
        let mut whole = [[0; LANES]; TAPS.len() + 2];
        for k in 1..=n {
            for j in 0..LANES {
                whole[k][j] = whole_of(apart[k][j] * units[j]);
            }
        }
        whole[n + 1] = octaves;
        for p in 0..self.inputs.len() {
            for j in 0..LANES {
                self.inputs[p].0[j] = whole[2 * p + 1][j] & 0xffff | whole[2 * p + 2][j] << 16;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_those_of_a_cast() {
        let check = |x: f32| {
            let clamped = if x.is_nan() { x } else { x.clamp(-MOST, MOST) };
            assert_eq!(whole_of(x), clamped as i32, "{x}");
        };
        [f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0].into_iter().for_each(check);
        (0..1 << 16).for_each(|i| check(f32::from_bits(i << 16 | i)));
        for i in -8200..=8200 {
            for x in [i as f32, i as f32 + 0.5] {
                [x.next_down(), x, x.next_up()].into_iter().for_each(check);
            }
        }
    }
}
