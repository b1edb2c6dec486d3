//! Generalised divisive normalisation and its inverse: squares through a dense layer, then a root.

use super::super::block::{Block, set, value};
use super::super::frozen::FrozenDense;
use super::super::kernel::Kernel;
use super::elementwise::clamp;
use super::root::root;
use crate::error::{Error, Result};

/// y = x / sqrt(n) or x sqrt(n), where n is what a layer without negative numbers makes of the squares of all channels
/// at the same position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gdn {
    inverse: bool,
    squares: FrozenDense,
    shift: u32,
    multipliers: Vec<i16>,
}

/// Bits by which squares of 26 bits are dropped to those of an activation.
pub const SQUARE_SHIFT: u32 = 13;

impl Gdn {
    /// Shifts of the two ways.
    pub fn shifts(inverse: bool) -> std::ops::RangeInclusive<u32> {
        if inverse { 1..=47 } else { 16..=62 }
    }

    /// A step over as many channels as `squares` has outputs. Errors where a number is negative that must not be.
    pub fn new(inverse: bool, squares: FrozenDense, shift: u32, multipliers: Vec<i16>) -> Result<Gdn> {
        let channels = squares.outputs();
        if squares.inputs() != channels || multipliers.len() != channels || squares.requantise().is_some() {
            return Err(Error::corrupt("the squares' layer is not of all channels"));
        }
        let negative = |numbers: &[i16]| numbers.iter().any(|&n| n < 0);
        if negative(squares.weights()) || negative(&multipliers) || squares.bias().iter().any(|&b| b < 0) {
            return Err(Error::corrupt("a negative weight, bias or multiplier"));
        }
        match Self::shifts(inverse).contains(&shift) {
            true => Ok(Gdn { inverse, squares, shift, multipliers }),
            false => Err(Error::corrupt(format!("shift {shift} is not in {:?}", Self::shifts(inverse)))),
        }
    }

    /// Whether it multiplies.
    pub fn inverse(&self) -> bool {
        self.inverse
    }

    /// The layer of the squares.
    pub fn squares(&self) -> &FrozenDense {
        &self.squares
    }

    /// Bits dropped behind the product.
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// One a channel.
    pub fn multipliers(&self) -> &[i16] {
        &self.multipliers
    }

    /// y of a value of channel `c` where the layer gives `n`: |x| 2^16 2^15 is below 2^44, half of the shift 2^61.
    fn at(&self, c: usize, x: i32, n: i32) -> i32 {
        let (root, m) = (root(n.max(1) as u64), self.multipliers[c] as i64);
        let (factor, shift) = match self.inverse {
            false => (root.reciprocal, self.shift as i32 - root.half),
            true => (root.direct(), self.shift as i32 + root.half),
        };
        clamp((x as i64 * factor * m + (1 << (shift - 1))) >> shift)
    }

    /// Runs on `count` values of a block.
    pub fn run(&self, kernel: Kernel, count: usize, block: &mut Block) {
        let channels = self.squares.outputs();
        for first in (0..count).step_by(channels) {
            for c in 0..channels {
                let squares = value(&block.x, first + c).map(|x| (x * x + (1 << 12)) >> SQUARE_SHIFT);
                set(&mut block.columns, c, squares);
            }
            kernel.run(&self.squares, &block.columns, &mut block.sums);
            for c in 0..channels {
                let mut y = value(&block.x, first + c);
                for (y, n) in y.iter_mut().zip(block.sums[c].0) {
                    *y = self.at(c, *y, n);
                }
                set(&mut block.y, first + c, y);
            }
        }
        block.swap();
    }
}
