//! The coder of indices that recur: counts that were scaled, transforms' multiples, images that were packed before.
//!
//! Such data differ by a few amounts only, tens or hundreds apart. A coder that knows no more of an index than its
//! magnitude leaves its low bits raw; here every bit of it is adaptive, known by the bits above it.

use super::context::{CLASSES, Model, Neighbours};
use crate::codec::adaptive::{Bit, Counter, Mixer, Symbols};
use crate::codec::range_coder::Coder;

/// Larger magnitudes are rare and coded as values.
const LENGTHS: usize = 15;
const MAGNITUDES: usize = 1 << (LENGTHS - 1);
/// Classes of expected magnitude that share counters: two octaves.
const GROUP: usize = 8;
const GROUPS: usize = CLASSES.div_ceil(GROUP);

/// The adaptive state of one chunk.
pub struct Recurring {
    planar: bool,
    lengths: [Symbols; CLASSES],
    signs: [Bit; LENGTHS],
    /// Of the bits below the first, by the middle of the magnitudes that are still possible: ...
    alone: Vec<Counter>,
    /// ... and by the class of what is expected.
    expecting: Vec<Counter>,
    mixers: [[Mixer<2>; LENGTHS]; GROUPS],
}

impl Model for Recurring {
    fn new(planar: bool) -> Self {
        Recurring {
            planar,
            lengths: [Symbols::FLAT; CLASSES],
            signs: [Bit::NEW; LENGTHS],
            alone: vec![Counter::NEW; MAGNITUDES],
            expecting: vec![Counter::NEW; MAGNITUDES * GROUPS],
            mixers: [[Mixer::NEW; LENGTHS]; GROUPS],
        }
    }

    #[inline(always)]
    fn code<C: Coder>(&mut self, coder: &mut C, index: Option<i64>, near: Neighbours) -> Option<i64> {
        let class = near.class(self.planar);
        let magnitude = index.map_or(u64::MAX, i64::unsigned_abs);
        let length = (64 - magnitude.leading_zeros() as usize).min(LENGTHS);
        let length = self.lengths[class].code(coder, length);
        if length == 0 {
            return Some(0);
        }
        if length >= LENGTHS {
            return None;
        }
        let negative = self.signs[length].code(coder, index.is_some_and(|k| k < 0));
        let group = class / GROUP;
        let mut known = 1;
        for left in (0..length - 1).rev() {
            let middle = (2 * known + 1) << left;
            let counters = [&mut self.alone[middle], &mut self.expecting[group * MAGNITUDES + middle]];
            let bit = self.mixers[group][left].code(coder, magnitude >> left & 1 == 1, counters);
            known = 2 * known + bit as usize;
        }
        let magnitude = known as i64;
        Some(if negative { -magnitude } else { magnitude })
    }
}

/// How many residuals [`likely`] looks at, at most.
const SAMPLE: usize = 1 << 16;
/// What recurring differences must save a value before it is worth a try, in bits.
const SAVED: f64 = 0.5;
/// What learning one more residual costs, in bits.
const LEARNED: f64 = 12.0;

/// Whether a sample of the differences of `integers`, in rows of `nx`, shows that they recur: whether their entropy is
/// less than that of their lengths, with all else raw.
pub fn likely(integers: &[i64], nx: usize) -> bool {
    let along = |row: &[i64]| row.windows(2).map(|w| w[1].wrapping_sub(w[0])).collect::<Vec<_>>();
    let rows = (integers.len() / nx).saturating_sub(1);
    let every = (integers.len() / SAMPLE).max(1);
    let mut some = if rows == 0 { along(&integers[..integers.len().min(SAMPLE)]) } else { vec![] };
    for row in (0..rows).step_by(every) {
        let [above, here] = [row, row + 1].map(|row| along(&integers[row * nx..][..nx]));
        some.extend(here.iter().zip(&above).map(|(h, a)| h.wrapping_sub(*a)));
    }
    if some.is_empty() {
        return false;
    }
    some.sort_unstable();
    let mut lengths = [0usize; 65];
    some.iter().for_each(|d| lengths[64 - d.unsigned_abs().leading_zeros() as usize] += 1);
    let count = some.len() as f64;
    let bits = |n: usize| if n == 0 { 0.0 } else { n as f64 * (count / n as f64).log2() };
    let raw: f64 = lengths.iter().enumerate().map(|(length, &n)| bits(n) + (n * length) as f64).sum();
    let told: f64 = some.chunk_by(|a, b| a == b).map(|alike| bits(alike.len()) + LEARNED).sum();
    told + SAVED * count < raw
}
