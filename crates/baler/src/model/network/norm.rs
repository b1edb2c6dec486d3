//! Layer norm (Ba, Kiros and Hinton, 2016): each row to mean 0 and variance 1, then scaled and shifted.

use super::super::block::{Block, set, value};
use super::super::frozen::MAX_ACTIVATION;
use super::super::kernel::LANES;
use super::elementwise::clamp;
use super::root::root;
use crate::error::{Error, Result};

/// The epsilon is below this, so that it and 2^20 squares of 18 bits stay below what a root takes.
pub const MOST_EPSILON: u64 = 1 << 56;

/// A layer norm over all of a row's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Norm {
    epsilon: u64,
    shift: u32,
    multipliers: Vec<i16>,
    offsets: Vec<i16>,
}

impl Norm {
    /// Shifts that keep every sum within 64 bits.
    pub const SHIFTS: std::ops::RangeInclusive<u32> = 16..=47;

    /// A norm of as many values as `multipliers` and `offsets`; `epsilon` is added to the sum of squares, whose values
    /// count sixteenths of an activation's step.
    pub fn new(epsilon: u64, shift: u32, multipliers: Vec<i16>, offsets: Vec<i16>) -> Result<Norm> {
        let sizes = !multipliers.is_empty() && multipliers.len() == offsets.len();
        match sizes && epsilon <= MOST_EPSILON && Self::SHIFTS.contains(&shift) {
            true => Ok(Norm { epsilon, shift, multipliers, offsets }),
            false => Err(Error::corrupt("a norm's epsilon, shift or sizes are out of range")),
        }
    }

    /// What is added to the sum of squares.
    pub fn epsilon(&self) -> u64 {
        self.epsilon
    }

    /// Bits dropped behind the product.
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// One a value, of any sign.
    pub fn multipliers(&self) -> &[i16] {
        &self.multipliers
    }

    /// One a value, added at the end.
    pub fn offsets(&self) -> &[i16] {
        &self.offsets
    }

    /// Runs on one block. The product of 18, 17 and 16 bits, and half of a shift of at most 62: nothing overflows.
    pub fn run(&self, block: &mut Block) {
        let count = self.multipliers.len();
        let mut sums = [0i64; LANES];
        for i in 0..count {
            sums.iter_mut().zip(value(&block.x, i)).for_each(|(sum, x)| *sum += x as i64);
        }
        let d = count as i64;
        let means = sums.map(|sum| (16 * sum + d / 2).div_euclid(d));
        let mut squares = [self.epsilon; LANES];
        for i in 0..count {
            for ((square, x), mean) in squares.iter_mut().zip(value(&block.x, i)).zip(means) {
                *square += (16 * x as i64 - mean).pow(2) as u64;
            }
        }
        let roots = squares.map(|n| root(n.max(1)));
        for (i, (&m, &offset)) in self.multipliers.iter().zip(&self.offsets).enumerate() {
            let mut y = value(&block.x, i);
            for ((y, mean), root) in y.iter_mut().zip(means).zip(roots) {
                let shift = self.shift as i32 - root.half;
                let product = (16 * *y as i64 - mean) * root.reciprocal * m as i64;
                *y = clamp(((product + (1 << (shift - 1))) >> shift) + offset as i64);
            }
            set(&mut block.y, i, y);
        }
        block.swap();
    }
}

/// Offsets are activations.
pub fn offset(v: f64) -> i16 {
    v.round().clamp(-(MAX_ACTIVATION as f64), MAX_ACTIVATION as f64) as i16
}
