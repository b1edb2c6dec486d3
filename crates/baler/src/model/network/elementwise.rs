//! Steps that look at one value at a time.

use super::super::block::{Block, set, value};
use super::super::frozen::{FrozenDense, MAX_ACTIVATION, Requantise};
use crate::error::{Error, Result};

/// A value to +-[`MAX_ACTIVATION`].
pub fn clamp(v: i64) -> i32 {
    v.clamp(-(MAX_ACTIVATION as i64), MAX_ACTIVATION as i64) as i32
}

/// Each channel times a number plus another, requantised: a batch norm that cannot be folded, a change of scale, an
/// activation that stands alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale(FrozenDense);

impl Scale {
    /// A layer of one input whose outputs are the channels. It must requantise.
    pub fn new(channels: FrozenDense) -> Result<Scale> {
        match channels.inputs() == 1 && channels.requantise().is_some() {
            true => Ok(Scale(channels)),
            false => Err(Error::corrupt("a scale is of one value, and has multipliers")),
        }
    }

    /// The layer of one input.
    pub fn channels(&self) -> &FrozenDense {
        &self.0
    }

    fn requantise(&self) -> &Requantise {
        self.0.requantise().expect("checked when made")
    }

    /// Runs on `count` values of a block.
    pub fn run(&self, count: usize, block: &mut Block) {
        let channels = self.0.outputs();
        for i in 0..count {
            let c = i % channels;
            let (w, b) = (self.0.weights()[c] as i32, self.0.bias()[c]);
            let y = value(&block.x, i).map(|x| self.requantise().apply(c, w * x + b));
            set(&mut block.y, i, y);
        }
        block.swap();
    }
}

/// Any function of a value: straight lines between 1025 points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table(Vec<i16>);

impl Table {
    /// Points of a table: one every 16 from -8192 to 8192.
    pub const POINTS: usize = 1025;

    /// The table of these points, all within +-[`MAX_ACTIVATION`].
    pub fn new(points: Vec<i16>) -> Result<Table> {
        let within = points.iter().all(|&p| (p as i32).abs() <= MAX_ACTIVATION);
        match points.len() == Self::POINTS && within {
            true => Ok(Table(points)),
            false => Err(Error::corrupt("a table is not of 1025 points within +-8191")),
        }
    }

    /// The points.
    pub fn points(&self) -> &[i16] {
        &self.0
    }

    fn at(&self, x: i32) -> i32 {
        let (i, f) = ((x + 8192) >> 4, (x + 8192) & 15);
        let (a, b) = (self.0[i as usize] as i32, self.0[i as usize + 1] as i32);
        (a * (16 - f) + b * f + 8) >> 4
    }

    /// Runs on `count` values of a block.
    pub fn run(&self, count: usize, block: &mut Block) {
        for i in 0..count {
            set(&mut block.y, i, value(&block.x, i).map(|x| self.at(x)));
        }
        block.swap();
    }
}

/// The sum of what was kept and of what came since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Add {
    /// Bits dropped, 1 to 30.
    pub shift: u32,
    /// Multiplier of what was kept, never negative.
    pub kept: i16,
    /// Multiplier of what came since, never negative.
    pub since: i16,
}

impl Add {
    /// Itself, if its numbers are in range.
    pub fn checked(self) -> Result<Add> {
        match (1..=30).contains(&self.shift) && self.kept >= 0 && self.since >= 0 {
            true => Ok(self),
            false => Err(Error::corrupt("a sum's shift is not in 1 to 30, or a multiplier is negative")),
        }
    }

    /// Runs on `count` values of a block. Two products of 28 bits and half a step: nothing overflows.
    pub fn run(&self, count: usize, block: &mut Block) {
        let (a, b, half) = (self.kept as i32, self.since as i32, 1 << (self.shift - 1));
        for i in 0..count {
            let (kept, mut y) = (value(&block.kept, i), value(&block.x, i));
            for (y, kept) in y.iter_mut().zip(kept) {
                *y = ((kept * a + *y * b + half) >> self.shift).clamp(-MAX_ACTIVATION, MAX_ACTIVATION);
            }
            set(&mut block.y, i, y);
        }
        block.swap();
    }
}

/// Values as `rows` of `columns` become `columns` of `rows`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transpose {
    /// Rows before.
    pub rows: usize,
    /// Columns before.
    pub columns: usize,
}

impl Transpose {
    /// Runs on a block.
    pub fn run(&self, block: &mut Block) {
        for r in 0..self.rows {
            for c in 0..self.columns {
                set(&mut block.y, c * self.rows + r, value(&block.x, r * self.columns + c));
            }
        }
        block.swap();
    }
}
