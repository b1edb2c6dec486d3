//! The arithmetic of one decision, eight predictors at a time: a plain definition, and AVX2 that equals it bit for bit.

#[cfg(target_arch = "x86_64")]
pub mod avx2;
pub mod scalar;

use crate::codec::adaptive::{ODDS, SQUASH};
use crate::codec::range_coder::Coder;

/// Predictors of a decision, and those of them that look up hashed slots.
pub const INPUTS: usize = 8;
/// See [`INPUTS`].
pub const HASHED: usize = 6;
/// Slots a hashed predictor, as a power of two.
pub const SLOT_BITS: u32 = 13;
/// States a slot: its tag, then those of up to seven nodes.
pub const SLOT: usize = 8;
/// Numbers of columns that fit between a tag's 19 bits of hash and its top bit.
const COLUMNS: u32 = 1 << 12;
/// Where the states by distance begin.
pub const NEAR: usize = (HASHED << SLOT_BITS) * SLOT;
/// Distances and widths by which they are found.
const DISTANCES: usize = 256;
const WIDTHS: usize = 32;
/// All states.
const STATES: usize = NEAR + (INPUTS - HASHED) * DISTANCES * WIDTHS;

/// A state: 22 bits of probability of a one, 10 bits of count. Even odds, nothing seen.
///
/// To keep beside each what it makes a predictor's input takes the logarithms out of the way of a decision that was
/// guessed wrong, but slots are twice as large then: a tenth slower.
pub const NEW: u32 = 1 << 31;
/// Counts stay here, and states go on moving by 1/256.
pub const MOST_COUNT: u32 = 255;
/// Weights stay within +-8.
pub const MOST_WEIGHT: i32 = 1 << 19;

/// 2^12 / (n + 1.6), for each count n: how far a state moves.
pub static MOVE: [i32; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        table[n] = 40960 / (10 * n as i32 + 16);
        n += 1;
    }
    table
};

/// About 2^8 sqrt(n / (n + 1.5)), for each count up to 15 and more: how far a state's odds are believed.
pub static TRUST: [u8; 16] = [0, 161, 193, 209, 218, 224, 228, 232, 234, 236, 238, 240, 241, 242, 243, 248];

/// Weights of the predictors.
pub type Weights = [i32; INPUTS];

/// States of a cache line: two slots.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line([u32; LINE]);
const LINE: usize = 16;

/// What a column's model has learned.
pub struct Memory {
    states: Box<[Line; STATES / LINE]>,
    weights: [[Weights; 32]; 2],
    /// Part of all tags: slots of the columns before are of no column.
    column: u32,
}

impl Default for Memory {
    fn default() -> Memory {
        let states = vec![Line([0; LINE]); STATES / LINE].into_boxed_slice();
        let states = states.try_into().expect("as many as were made");
        let mut memory = Memory { states, weights: [[[0; INPUTS]; 32]; 2], column: 0 };
        memory.forget();
        memory
    }
}

impl Memory {
    /// Makes it as new. New pages, or zeros all over the old ones, took two fifths of the time of decoding columns of
    /// 18 000 rows.
    pub fn forget(&mut self) {
        self.column += 1;
        if self.column == COLUMNS {
            self.states[..NEAR / LINE].fill(Line([0; LINE]));
            self.column = 1;
        }
        self.states[NEAR / LINE..].fill(Line([NEW; LINE]));
        self.weights = [[[1 << 14; INPUTS]; 32]; 2];
    }
}

/// The contexts of a row, and nothing in the last two places.
#[derive(Clone, Copy, Default)]
#[repr(align(32))]
pub struct Contexts(pub [u32; INPUTS]);

/// The slots of a group of nodes: indices of their first states, and their tags; the last two places mean nothing.
#[derive(Clone, Copy, Default)]
#[repr(align(32))]
pub struct Slots {
    at: [u32; INPUTS],
    tags: [u32; INPUTS],
}

impl Memory {
    /// Finds the slots of a group of nodes, made anew where another's are in their place.
    ///
    /// To send for those of both sides of a node that ends a group was tried: in columns of 2^16 rows of many values a tenth
    /// faster where other programs crowd the caches, as much slower where none do.
    #[inline(always)]
    pub fn enter<K: Kernel>(&mut self, kernel: K, contexts: &Contexts, group: u32) -> Slots {
        let slots = kernel.find(contexts, group, self.column);
        kernel.claim(self, &slots);
        slots
    }
}

/// The states that a decision looks at: indices below [`STATES`].
#[derive(Clone, Copy)]
pub struct Place([u32; INPUTS]);

impl Place {
    /// Node `local` (1 to 7) of the slots entered; by distance (below 256) from two known codes, states for a node so
    /// `wide` (below 32).
    #[inline(always)]
    pub fn new(slots: Slots, local: u32, wide: usize, distances: [usize; 2]) -> Place {
        let mut at = [0; INPUTS];
        for i in 0..HASHED {
            at[i] = slots.at[i] + (local & 7);
        }
        for i in 0..2 {
            at[HASHED + i] = (NEAR + (i * WIDTHS + (wide & 31)) * DISTANCES + (distances[i] & 255)) as u32;
        }
        Place(at)
    }
}

/// How often the state of each predictor has to have been seen more than, to count for the second list's number.
const SEEN: [i32; INPUTS] = [i32::MAX, 1, 0, 0, 0, 0, i32::MAX, i32::MAX];

/// A way to compute decisions.
pub trait Kernel: Copy {
    /// What is kept of a prediction until the outcome is known.
    type Held: Copy;
    /// The slots of a group of nodes in the memory of column number `column`.
    fn find(self, contexts: &Contexts, group: u32, column: u32) -> Slots;
    /// Makes the slots anew whose tags are others.
    fn claim(self, memory: &mut Memory, slots: &Slots);
    /// The log-odds by the first list of weights, number `depth` (below 32), and by the second, the latter's number (the
    /// states seen more often than [`SEEN`], as bits), and what is to be kept.
    fn predict(self, memory: &Memory, place: &Place, depth: usize) -> (i32, i32, usize, Self::Held);
    /// Lets weights (of these numbers, by these errors) and states learn.
    fn learn(
        self,
        memory: &mut Memory,
        place: &Place,
        held: Self::Held,
        lists: [usize; 2],
        errors: [i32; 2],
        bit: bool,
    );
}

/// Codes one decision; errors teach by `rate` / 2^18.
#[inline(always)]
pub fn decide<K: Kernel, C: Coder>(
    kernel: K,
    coder: &mut C,
    memory: &mut Memory,
    place: &Place,
    depth: usize,
    rate: i32,
    bit: bool,
) -> bool {
    let (a, b, list, held) = kernel.predict(memory, place, depth);
    let bit = coder.bit(bit, chance((a + b) >> 1) as u32);
    let one = (bit as i32) << 16;
    let errors = [a, b].map(|odds| ((one - chance(odds)) * rate) >> 4);
    kernel.learn(memory, place, held, [depth, list], errors, bit);
    bit
}

/// [`SQUASH`] from -2048 on, so that a mask takes any index into it.
static CHANCE: [u16; 4096] = {
    let mut table = [0; 4096];
    let mut i = 0;
    while i < 4096 {
        let odds = i as i32 - 2048;
        let odds = if odds < -ODDS {
            -ODDS
        } else if odds > ODDS {
            ODDS
        } else {
            odds
        };
        table[i] = SQUASH[(odds + ODDS) as usize];
        i += 1;
    }
    table
};

/// The 16-bit probability of log-odds within +-[`ODDS`].
#[inline(always)]
fn chance(odds: i32) -> i32 {
    CHANCE[(odds + 2048) as usize & 4095] as i32
}
