//! The coder of one index, given what its neighbours' indices were and what the network expects.

use super::super::context::{BY_AROUND, BY_DETAIL, CLASSES, FLAGGED, Neighbours, code_rest};
use crate::codec::adaptive::{Bit, Mixer, Symbols};
use crate::codec::range_coder::Coder;

/// Classes of neighbours' magnitudes that the flag tells apart beside the network's.
const FEW: usize = 32;
/// How far apart the two expectations are, in five.
const APART: usize = 5;

/// The adaptive state of one chunk.
pub struct Indices {
    planar: bool,
    by_around: [Bit; BY_AROUND],
    by_detail: [Bit; BY_DETAIL],
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
            by_around: [Bit::NEW; BY_AROUND],
            by_detail: [Bit::NEW; BY_DETAIL],
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
        if class < FLAGGED {
            let [a, b] = near.flag_contexts(class);
            let both = told * FEW + seen.min(FEW - 1);
            let contexts = [&mut self.by_around[a], &mut self.by_detail[b], &mut self.by_both[both]];
            if !self.mixers[class].code(coder, index != Some(0), contexts) {
                return Some(0);
            }
        }
        code_rest(coder, index, class, &mut self.symbols[class][apart], &mut self.lengths)
    }
}
