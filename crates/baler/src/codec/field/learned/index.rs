//! The coder of one index, given what its neighbours' indices were and what the network expects.

use super::super::context::{CLASSES, Neighbours, code_large};
use crate::codec::adaptive::{Bit, Mixer, Symbols};
use crate::codec::range_coder::Coder;

/// The first class whose indices are too large for a flag to say that they are zero.
const FLAGGED: usize = 19;
/// Classes of neighbours' magnitudes that the flag tells apart beside the network's.
const FEW: usize = 32;
/// How far apart the two expectations are, in five.
const APART: usize = 5;

/// The adaptive state of one chunk.
pub struct Indices {
    planar: bool,
    by_around: [Bit; FLAGGED * 8],
    by_detail: [Bit; 256 * 5],
    by_both: [Bit; CLASSES * FEW],
    mixers: [Mixer<3>; FLAGGED],
    symbols: [[Symbols; APART]; CLASSES],
    lengths: Symbols,
}

impl Indices {
    /// Knows nothing yet; `planar` where there is no plane before.
    pub fn new(planar: bool) -> Box<Self> {
        Box::new(Indices {
            planar,
            by_around: [Bit::NEW; FLAGGED * 8],
            by_detail: [Bit::NEW; 256 * 5],
            by_both: [Bit::NEW; CLASSES * FEW],
            mixers: [Mixer::NEW; FLAGGED],
            symbols: [[Symbols::NEW; APART]; CLASSES],
            lengths: Symbols::NEW,
        })
    }

    /// Codes an index whose magnitude the network expects in class `told`; `None` stands for a value that is to be coded
    /// exactly.
    #[inline(always)]
    pub fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        index: Option<i64>,
        near: Neighbours,
        told: usize,
    ) -> Option<i64> {
        let seen = near.class(self.planar);
        let class = (seen + told).div_ceil(2);
        let apart = match told as isize - seen as isize {
            ..-6 => 0,
            -6..-2 => 1,
            -2..=2 => 2,
            3..=6 => 3,
            _ => 4,
        };
        let magnitude = index.map_or(u64::MAX, i64::unsigned_abs);
        let mut shift = 0;
        let mut floor = 0;
        if class < FLAGGED {
            let detail = near.west.min(3) as usize * 64 + near.nearest as usize + near.west2.min(1) as usize;
            let a = &mut self.by_around[class * 8 + near.around.min(7) as usize];
            let b = &mut self.by_detail[(detail & 255) * 5 + class / 4];
            let c = &mut self.by_both[told * FEW + seen.min(FEW - 1)];
            if !self.mixers[class].code(coder, magnitude != 0, [a, b, c]) {
                return Some(0);
            }
            floor = 1;
        } else {
            shift = (class as u32 - 15) / 4;
        }
        let high = magnitude.wrapping_sub(floor) >> shift;
        let symbol = self.symbols[class][apart].code(coder, high.min(15) as usize);
        let high = match symbol {
            15 => code_large(coder, &mut self.lengths, high, index.is_none())?,
            s => s as u64,
        };
        let negative = index.is_some_and(|k| k < 0) as u64;
        let low = coder.raw((magnitude.wrapping_sub(floor) & ((1 << shift) - 1)) << 1 | negative, shift + 1);
        let magnitude = ((high << shift | low >> 1) + floor) as i64;
        Some(if low & 1 == 1 { magnitude.wrapping_neg() } else { magnitude })
    }
}
