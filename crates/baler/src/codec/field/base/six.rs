//! Decisions of bases of coding 0, which are decoded for ever and written no more.
//!
//! They mix six contexts, where three tell as much: to leave the others out costs less than 0.2 % of a base.

use super::block::Block;
use super::contexts::{COARSE, Decisions, Expectation, KINDS, MIXED, Near, SLOTS, coarse};
use crate::codec::adaptive::{Bit, Counter, Mixer};
use crate::codec::range_coder::Coder;

/// Six contexts a decision.
pub struct Six {
    empty: [Bit; KINDS],
    counters: [Vec<[Counter; MIXED]>; 6],
    mixers: [[Mixer<6>; MIXED]; KINDS],
}

impl Six {
    /// Knows nothing yet.
    pub fn new() -> Self {
        let counters = std::array::from_fn(|_| vec![[Counter::NEW; MIXED]; SLOTS]);
        Six { empty: [Bit::NEW; KINDS], counters, mixers: [[Mixer::NEW; MIXED]; KINDS] }
    }
}

impl Decisions for Six {
    #[inline(always)]
    fn empty<C: Coder>(
        &mut self,
        coder: &mut C,
        empty: bool,
        block: &Block,
        _: &Expectation,
        kind: usize,
    ) -> Option<bool> {
        block.silent.then(|| self.empty[kind].code(coder, empty))
    }

    #[inline(always)]
    fn above<C: Coder>(
        &mut self,
        coder: &mut C,
        above: bool,
        floor: usize,
        near: &Near,
        (class, kind): (usize, usize),
    ) -> bool {
        let f = &near.features;
        let before = coarse((f[0] + 0.5 * f[1] + 0.35 * f[2]) * 0.145) as usize;
        let [parents, siblings] = [near.both as usize / COARSE, near.both as usize % COARSE];
        let slots = [
            class.min(COARSE - 1) * KINDS + kind,
            near.nearest as usize,
            parents * COARSE + before,
            siblings * COARSE + before,
            coarse(f[1] / 6.0) as usize * COARSE + coarse(f[0] / 3.0) as usize,
            near.both as usize,
        ];
        let mut slots = slots.iter();
        let inputs = self.counters.each_mut().map(|c| &mut c[*slots.next().expect("six")][floor]);
        self.mixers[kind][floor].code(coder, above, inputs)
    }
}
