//! Integers by adaptive histograms of their leading bits: sign, length, then eight bits below the first.
//!
//! What is left below those is nearly uniform and goes raw. Lengths are coded given the length before: magnitudes
//! cluster.

use crate::codec::adaptive::{Bit, Symbols};
use crate::codec::range_coder::Coder;

/// Magnitudes stay below 2^62, so that no difference of two values overflows.
pub const MOST: u64 = 1 << 62;

/// The adaptive state of one column.
pub struct Numeric {
    zero: [Bit; 64],
    high: [Symbols; 64],
    low: Vec<Symbols>,
    sign: [Bit; 192],
    lead: [Symbols; 64],
    next: Vec<Symbols>,
    length_before: usize,
    sign_before: usize,
}

impl Default for Numeric {
    /// Nothing learned yet.
    fn default() -> Self {
        Numeric {
            zero: [Bit::NEW; 64],
            high: [Symbols::FLAT; 64],
            low: vec![Symbols::FLAT; 64 * 16],
            sign: [Bit::NEW; 192],
            lead: [Symbols::FLAT; 64],
            next: vec![Symbols::FLAT; 64 * 16],
            length_before: 0,
            sign_before: 0,
        }
    }
}

impl Numeric {
    /// Codes one value, |value| < [`MOST`].
    pub fn code<C: Coder>(&mut self, coder: &mut C, value: i64) -> i64 {
        let before = self.length_before;
        let magnitude = value.unsigned_abs();
        if !self.zero[before].code(coder, magnitude != 0) {
            (self.length_before, self.sign_before) = (0, 0);
            return 0;
        }
        // The length less one: the place of the leading bit, 0 to 61.
        let place = (magnitude.max(1).ilog2() as usize).min(61);
        let high = self.high[before].code(coder, place / 4);
        let low = self.low[before * 16 + high].code(coder, place % 4) & 3;
        let place = (high * 4 + low).min(61);
        let negative = self.sign[self.sign_before * 64 + place].code(coder, value < 0);
        let mut bits = 1u64;
        let mut left = place;
        let mut symbol = |table: &mut Symbols, left: &mut usize, bits: &mut u64| {
            let take = (*left).min(4);
            *left -= take;
            let part = (magnitude >> *left) as usize & ((1 << take) - 1);
            let part = table.code(coder, part) & ((1 << take) - 1);
            *bits = *bits << take | part as u64;
            part
        };
        if left > 0 {
            let lead = symbol(&mut self.lead[place], &mut left, &mut bits);
            if left > 0 {
                symbol(&mut self.next[place * 16 + lead], &mut left, &mut bits);
            }
        }
        while left > 0 {
            let take = left.min(32);
            left -= take;
            bits = bits << take | coder.raw(magnitude >> left & ((1 << take) - 1), take as u32);
        }
        self.length_before = place + 1;
        self.sign_before = 1 + negative as usize;
        if negative { -(bits as i64) } else { bits as i64 }
    }
}
