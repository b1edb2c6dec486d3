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
/// Where the states by distance begin.
pub const NEAR: usize = (HASHED << SLOT_BITS) * SLOT;
/// Distances and widths by which they are found.
const DISTANCES: usize = 256;
const WIDTHS: usize = 32;
/// All states.
const STATES: usize = NEAR + (INPUTS - HASHED) * DISTANCES * WIDTHS;

/// A state: 22 bits of probability of a one, 10 bits of count. Even odds, nothing seen.
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

/// What a column's model has learned.
pub struct Memory {
    states: Box<[u32; STATES]>,
    weights: [[Weights; 32]; 2],
}

impl Default for Memory {
    fn default() -> Memory {
        let mut states = vec![0; STATES].into_boxed_slice();
        states[NEAR..].fill(NEW);
        Memory {
            states: states.try_into().expect("as many as were made"),
            weights: [[[1 << 14; INPUTS]; 32]; 2],
        }
    }
}

/// The slots of a group of nodes, as [`Memory::enter`] found them: indices of their first states.
#[derive(Clone, Copy, Default)]
pub struct Slots([u32; HASHED]);

impl Memory {
    /// Finds the slots of a group of nodes, made anew where another's are in their place.
    #[inline(always)]
    pub fn enter(&mut self, contexts: &[u32; HASHED], group: u32) -> Slots {
        let key = group.wrapping_mul(0x9E37_79B1);
        let mut at = [0; HASHED];
        let mut tags = [0; HASHED];
        for i in 0..HASHED {
            let h = (contexts[i] ^ key).wrapping_mul(0x2C1B_3C6D);
            let h = h ^ h >> 15;
            at[i] = ((i as u32) << SLOT_BITS | h & ((1 << SLOT_BITS) - 1)) * SLOT as u32;
            tags[i] = h >> SLOT_BITS | 1 << 31;
        }
        let (slots, _) = self.states[..NEAR].as_chunks_mut::<SLOT>();
        for i in 0..HASHED {
            // Always written, so that nothing hangs on a branch that is hard to foresee.
            let slot = &mut slots[at[i] as usize / SLOT];
            let fresh = [tags[i], NEW, NEW, NEW, NEW, NEW, NEW, NEW];
            let keep = 0u32.wrapping_sub((slot[0] == tags[i]) as u32);
            for (s, f) in slot.iter_mut().zip(fresh) {
                *s = *s & keep | f & !keep;
            }
        }
        Slots(at)
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
            at[i] = slots.0[i] + (local & 7);
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
    let squash = |odds: i32| SQUASH[(odds.clamp(-ODDS, ODDS) + ODDS) as usize] as i32;
    let bit = coder.bit(bit, squash((a + b) >> 1) as u32);
    let one = (bit as i32) << 16;
    let errors = [a, b].map(|odds| ((one - squash(odds)) * rate) >> 4);
    kernel.learn(memory, place, held, [depth, list], errors, bit);
    bit
}
