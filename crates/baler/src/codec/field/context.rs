//! The coder of one index, given what its neighbours' indices were.
//!
//! The expected magnitude of an index, an average of its neighbours', picks a class, about four to an octave. Where
//! zero is likely, a flag says so first, mixed from two contexts; then come a symbol of sixteen, the low bits and
//! the sign.

use crate::codec::adaptive::{Bit, Mixer, Symbols};
use crate::codec::range_coder::Coder;

/// Magnitudes are capped at this where they serve as context, so that sums of them fit 16 bits.
pub const CAP: u64 = 4095;
/// Classes of expected magnitude.
pub const CLASSES: usize = 60;
/// The first class whose indices are too large for a flag to say that they are zero.
pub const FLAGGED: usize = 19;
/// Contexts of the flag: see [`Neighbours::flag_contexts`].
pub const BY_AROUND: usize = FLAGGED * 8;
/// As before.
pub const BY_DETAIL: usize = 256 * 5;
/// Marks a value coded exactly, in place of a length that no index needs.
const ESCAPE: u64 = 63;

/// What the coder of one index knows of its neighbourhood.
#[derive(Clone, Copy)]
pub struct Neighbours {
    /// Weighted sum of the magnitudes in the rows and planes before.
    pub around: u16,
    /// The nearest of them, coarsely: 16 x (one row back, up to 3) + 4 x (one plane back, up to 3)
    /// + 2 where the one a row back and a column ahead is not zero.
    pub nearest: u16,
    /// The magnitude of the value before, and of the one before that.
    pub west: u16,
    /// See `west`.
    pub west2: u16,
}

impl Neighbours {
    /// The class of the expected magnitude; `planar` where there is no plane before.
    #[inline(always)]
    pub fn class(&self, planar: bool) -> usize {
        let sum = self.around as u32 + self.west as u32 * 3 + self.west2 as u32;
        // 2^20 / total weight of the neighbours: turns their sum into 16 times the expected magnitude, times 2^16.
        let scale: u64 = (1 << 20) / if planar { 9 } else { 15 };
        class(((sum as u64 * scale) >> 16) as u32)
    }

    /// What the flag of an index of `class` is conditioned on: the sum of what is around, and the nearest one by one.
    #[inline(always)]
    pub fn flag_contexts(&self, class: usize) -> [usize; 2] {
        let detail = self.west.min(3) as usize * 64 + self.nearest as usize + self.west2.min(1) as usize;
        [class * 8 + self.around.min(7) as usize, (detail & 255) * 5 + class / 4]
    }
}

/// Codes the indices of one chunk, and learns from them.
pub trait Model {
    /// Knows nothing yet; `planar` where there is no plane before.
    fn new(planar: bool) -> Self;
    /// Codes an index; `None` stands for a value that is to be coded exactly.
    fn code<C: Coder>(&mut self, coder: &mut C, index: Option<i64>, near: Neighbours) -> Option<i64>;
}

/// The adaptive state of one chunk.
pub struct Contexts {
    planar: bool,
    by_around: [Bit; BY_AROUND],
    by_detail: [Bit; BY_DETAIL],
    mixers: [Mixer<2>; FLAGGED],
    symbols: [Symbols; CLASSES],
    lengths: Symbols,
}

/// The class of an expected magnitude in sixteenths: linear below 4, then four to an octave.
#[inline(always)]
fn class(expected: u32) -> usize {
    if expected < 4 {
        return expected as usize;
    }
    let octave = 31 - expected.leading_zeros();
    ((octave - 2) * 4 + ((expected >> (octave - 2)) & 3) + 4) as usize
}

impl Model for Contexts {
    fn new(planar: bool) -> Self {
        Contexts {
            planar,
            by_around: [Bit::NEW; BY_AROUND],
            by_detail: [Bit::NEW; BY_DETAIL],
            mixers: [Mixer::NEW; FLAGGED],
            symbols: [Symbols::NEW; CLASSES],
            lengths: Symbols::NEW,
        }
    }

    #[inline(always)]
    fn code<C: Coder>(&mut self, coder: &mut C, index: Option<i64>, near: Neighbours) -> Option<i64> {
        let class = near.class(self.planar);
        if class < FLAGGED {
            let [a, b] = near.flag_contexts(class);
            let contexts = [&mut self.by_around[a], &mut self.by_detail[b]];
            if !self.mixers[class].code(coder, index != Some(0), contexts) {
                return Some(0);
            }
        }
        code_rest(coder, index, class, &mut self.symbols[class], &mut self.lengths)
    }
}

/// An index of an expected class, which is not zero where a flag has told that: its symbol, low bits and sign.
#[inline(always)]
pub fn code_rest<C: Coder>(
    coder: &mut C,
    index: Option<i64>,
    class: usize,
    symbols: &mut Symbols,
    lengths: &mut Symbols,
) -> Option<i64> {
    let (floor, shift) = if class < FLAGGED { (1, 0) } else { (0, (class as u32 - 15) / 4) };
    let above = index.map_or(u64::MAX, i64::unsigned_abs).wrapping_sub(floor);
    let high = above >> shift;
    let high = match symbols.code(coder, high.min(15) as usize) {
        15 => code_large(coder, lengths, high, index.is_none())?,
        s => s as u64,
    };
    let negative = index.is_some_and(|k| k < 0) as u64;
    let low = coder.raw((above & ((1 << shift) - 1)) << 1 | negative, shift + 1);
    let magnitude = ((high << shift | low >> 1) + floor) as i64;
    Some(if low & 1 == 1 { magnitude.wrapping_neg() } else { magnitude })
}

/// 15 or more, by the length of the excess and its bits; `None` for an escape.
#[cold]
pub fn code_large<C: Coder>(coder: &mut C, lengths: &mut Symbols, high: u64, escape: bool) -> Option<u64> {
    let excess = high.wrapping_sub(14); // 1 or more
    let length = if escape { ESCAPE } else { excess.max(1).ilog2() as u64 };
    let class = lengths.code(coder, length.min(15) as usize);
    let length = if class < 15 { class as u64 } else { 15 + coder.raw(length.wrapping_sub(15) & 63, 6) };
    if length >= ESCAPE {
        return None;
    }
    let length = length as u32;
    let mut bits = coder.raw(excess & ((1 << length.min(32)) - 1), length.min(32));
    if length > 32 {
        bits |= coder.raw(excess >> 32 & ((1 << (length - 32)) - 1), length - 32) << 32;
    }
    Some((bits | 1 << length).wrapping_add(14))
}
