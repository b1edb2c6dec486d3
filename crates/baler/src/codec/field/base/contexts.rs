//! What is learned of coefficients while they are coded.

use super::block::{Block, Features};
use super::magnitudes::CAP;
use crate::codec::adaptive::{Bit, Mixer, Symbols};
use crate::codec::range_coder::Coder;

/// Classes of expected magnitude.
pub const CLASSES: usize = 60;
/// Classes told apart where several contexts are combined.
pub const COARSE: usize = 32;
/// Below this class zero, one and two are told apart by mixed decisions; above it they are too rare to matter.
const FLAGGED: usize = 24;
/// Those decisions.
pub const MIXED: usize = 3;
/// Kinds of bands: by how many axes are high, and by scale.
pub const KINDS: usize = 32;
/// Contexts of one input to a mixed decision.
pub const SLOTS: usize = 1024;

/// The class of an expected magnitude, counted in sixty-fourths: linear below 4, then four to an octave.
///
/// Those four are a float's exponent and two more bits; so no loop over bits, and vectors of it.
#[inline(always)]
pub fn class(expected: f32) -> u32 {
    // Quarters of an octave from one sixty-fourth, the first of which is 1.
    let quarters = (expected.to_bits() >> 21).saturating_sub(4 * (127 - 6) - 1);
    let few = (quarters > 0) as u32 + (quarters > 4) as u32 + (quarters > 6) as u32;
    quarters.saturating_sub(5).max(few)
}

/// The class where several are combined.
#[inline(always)]
pub fn coarse(expected: f32) -> u32 {
    class(expected).min(COARSE as u32 - 1)
}

/// A magnitude's class, in seven.
#[inline(always)]
pub fn coarsely(m: u16) -> u16 {
    let mut class = 0;
    for least in [0, 1, 2, 4, 8, 15] {
        class += (m > least) as u16;
    }
    class
}

/// Weights that turn [`Features`] into an expected magnitude; they learn.
#[derive(Clone, Copy)]
pub struct Expectation([f32; 8]);

impl Expectation {
    const NEW: Expectation = Expectation([0.14, 0.08, 0.04, 0.1, 0.025, 0.12, 0.03, 0.1]);

    /// The magnitude expected.
    #[inline(always)]
    pub fn of(&self, f: &Features) -> f32 {
        let mut p = [0.0; 8];
        for i in 0..8 {
            p[i] = self.0[i] * f[i];
        }
        ((p[0] + p[4]) + (p[1] + p[5])) + ((p[2] + p[6]) + (p[3] + p[7]))
    }

    /// One step of normalised least mean squares; no weight falls below zero.
    #[inline(always)]
    fn learn(&mut self, f: &Features, error: f32) {
        let mut q = [0.0; 8];
        for i in 0..8 {
            q[i] = f[i] * f[i];
        }
        let norm = 1.0 + (((q[0] + q[4]) + (q[1] + q[5])) + ((q[2] + q[6]) + (q[3] + q[7])));
        let gain = 0.002 * error / norm;
        for (w, f) in self.0.iter_mut().zip(f) {
            let moved = *w + gain * f;
            *w = if moved < 0.0 { 0.0 } else { moved };
        }
    }
}

/// The surroundings of one coefficient.
pub struct Near {
    /// All of them.
    pub features: Features,
    /// Classes of the three nearest.
    pub nearest: u16,
    /// Classes of parents and siblings together.
    pub both: u16,
}

/// How the most frequent decisions are coded: the part of the model that has changed over time.
pub trait Decisions {
    /// Codes whether a block is all zero, where nothing came before it in its row; `None` where that is not asked.
    fn empty<C: Coder>(
        &mut self,
        coder: &mut C,
        empty: bool,
        block: &Block,
        expectation: &Expectation,
        kind: usize,
    ) -> Option<bool>;

    /// Codes whether a magnitude of some class and kind is above `floor` < [`MIXED`].
    fn above<C: Coder>(
        &mut self,
        coder: &mut C,
        above: bool,
        floor: usize,
        near: &Near,
        of: (usize, usize),
    ) -> bool;
}

/// Three contexts a decision.
pub struct Three {
    most: usize,
    empty: Empty,
    /// By expected class and kind, by the three nearest, by parents and siblings.
    bits: [[[Bit; MIXED]; SLOTS]; 3],
    mixers: [[Mixer<3>; MIXED]; KINDS],
}

/// Of whether a block is empty, all by its class of expected magnitude or the levels of its sums.
struct Empty {
    by_kind: [[Bit; CLASSES]; KINDS],
    by_own: [[Bit; CLASSES]; 2 * LEVELS],
    by_others: [[Bit; LEVELS]; LEVELS],
    mixers: [Mixer<3>; KINDS],
}

/// Classes of a block's sums: two to an octave.
const LEVELS: usize = 16;

/// The level of a sum over a block.
#[inline(always)]
fn level(sum: f32) -> usize {
    (class(sum * 0.125) as usize).div_ceil(2).min(LEVELS - 1)
}

impl Three {
    /// Knows nothing yet. Blocks up to the class `most` of expected magnitude are asked whether they are empty.
    pub fn new(most: u8) -> Self {
        let empty = Empty {
            by_kind: [[Bit::NEW; CLASSES]; KINDS],
            by_own: [[Bit::NEW; CLASSES]; 2 * LEVELS],
            by_others: [[Bit::NEW; LEVELS]; LEVELS],
            mixers: [Mixer::NEW; KINDS],
        };
        let bits = [[[Bit::NEW; MIXED]; SLOTS]; 3];
        Three { most: most as usize, empty, bits, mixers: [[Mixer::NEW; MIXED]; KINDS] }
    }
}

impl Decisions for Three {
    #[inline(always)]
    fn empty<C: Coder>(
        &mut self,
        coder: &mut C,
        empty: bool,
        block: &Block,
        expectation: &Expectation,
        kind: usize,
    ) -> Option<bool> {
        let t = &block.total;
        let class = (class(expectation.of(t)) as usize).min(CLASSES - 1);
        if !block.silent && class > self.most {
            return None;
        }
        let own = level(t[0] + 0.5 * t[1] + 0.35 * t[2]);
        let (parents, siblings) = (level(t[3] + t[4] * (1.0 / 6.0)), level(t[5] + t[6] * (1.0 / 6.0)));
        let Empty { by_kind, by_own, by_others, mixers } = &mut self.empty;
        let inputs = [
            &mut by_kind[kind % KINDS][class],
            &mut by_own[2 * own + (parents > 0) as usize][class],
            &mut by_others[parents][siblings],
        ];
        Some(mixers[kind % KINDS].code(coder, empty, inputs))
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
        let [a, b, c] = &mut self.bits;
        let inputs = [
            &mut a[class.min(COARSE - 1) * KINDS + kind % KINDS][floor],
            &mut b[near.nearest as usize % SLOTS][floor],
            &mut c[near.both as usize % SLOTS][floor],
        ];
        self.mixers[kind % KINDS][floor].code(coder, above, inputs)
    }
}

/// The adaptive state.
pub struct Contexts<D> {
    expectations: [Expectation; KINDS],
    decisions: D,
    signs: [Bit; 27 * KINDS],
    symbols: [Symbols; CLASSES],
    lengths: Symbols,
}

impl<D: Decisions> Contexts<D> {
    /// Knows nothing yet.
    pub fn new(decisions: D) -> Self {
        Contexts {
            expectations: [Expectation::NEW; KINDS],
            decisions,
            signs: [Bit::NEW; 27 * KINDS],
            symbols: [Symbols::NEW; CLASSES],
            lengths: Symbols::NEW,
        }
    }

    /// See [`Decisions::empty`].
    #[inline(always)]
    pub fn empty<C: Coder>(
        &mut self,
        coder: &mut C,
        empty: bool,
        block: &Block,
        kind: usize,
    ) -> Option<bool> {
        self.decisions.empty(coder, empty, block, &self.expectations[kind % KINDS], kind)
    }

    /// Codes an index in a kind of band; `signs` are those around, in base three.
    #[inline(always)]
    pub fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        k: i32,
        near: &Near,
        kind: usize,
        signs: impl FnOnce() -> usize,
    ) -> i32 {
        let expectation = &mut self.expectations[kind % KINDS];
        let expected = expectation.of(&near.features);
        let class = (class(expected) as usize).min(CLASSES - 1);
        let mut magnitude = k.unsigned_abs();
        let mut floor = 0;
        if class < FLAGGED {
            let mut above = |floor: usize| {
                self.decisions.above(coder, magnitude > floor as u32, floor, near, (class, kind))
            };
            while floor < MIXED && above(floor) {
                floor += 1;
            }
            if floor == 0 {
                // The bulk of them.
                expectation.learn(&near.features, -expected);
                return 0;
            }
        }
        if class < FLAGGED && floor < MIXED {
            magnitude = floor as u32;
        } else {
            let shift = (class as u32).saturating_sub(24) / 4;
            let rest = magnitude.wrapping_sub(floor as u32);
            let context = if class < FLAGGED { class / 4 } else { class / 2 };
            let mut high = self.symbols[context].code(coder, (rest >> shift).min(15) as usize) as u32;
            if high == 15 {
                high = code_large(coder, &mut self.lengths, (rest >> shift).wrapping_sub(15));
            }
            let low = coder.raw(rest as u64 & ((1 << shift) - 1), shift) as u32;
            magnitude = (high << shift | low).wrapping_add(floor as u32);
        }
        expectation.learn(&near.features, magnitude.min(CAP) as f32 - expected);
        if magnitude == 0 {
            return 0;
        }
        let negative = self.signs[signs() * KINDS + kind % KINDS].code(coder, k < 0) as i32;
        // Two's complement by hand: a branch would be a coin toss.
        (magnitude as i32 ^ -negative).wrapping_add(negative)
    }
}

/// 15 and `number`, by its length and its bits.
#[cold]
fn code_large<C: Coder>(coder: &mut C, lengths: &mut Symbols, number: u32) -> u32 {
    let number = number as u64 + 1;
    let length = lengths.code(coder, (number.ilog2() as usize).min(15));
    let length = match length {
        15 => 15 + coder.raw(number.ilog2().wrapping_sub(15) as u64 & 15, 4) as u32,
        l => l as u32,
    };
    let bits = coder.raw(number & ((1 << length) - 1), length);
    (bits | 1 << length).wrapping_add(14) as u32
}
