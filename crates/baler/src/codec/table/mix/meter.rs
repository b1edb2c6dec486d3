//! What a mixed column would take, level by level: one run tells how many levels pay.

use super::MOST_LEVELS;
use crate::codec::range_coder::{BIT_BITS, Coder};

/// A shallower tree is faster: it may be larger by a thousandth times this.
const PATIENCE: f64 = 3.0;

/// After so many values, and again each time they have doubled, levels are given up that lie more than [`BEYOND`] levels
/// beyond those that would be chosen: most columns want none or two, of a dozen that are possible.
const FIRST_LOOK: u32 = 1024;
/// See [`FIRST_LOOK`]. What has been learned later may make more of them pay.
const BEYOND: u8 = 3;

/// Adds up costs in bits and writes nothing.
pub struct Meter {
    part: usize,
    /// Values so far, and how many there will have been when levels are looked at next.
    values: u32,
    look: u32,
    /// Levels that are still tried.
    tried: u8,
    /// Of the tree, then of each level below its leaves: bits, and decisions.
    parts: [(f32, u32); 1 + MOST_LEVELS as usize],
    /// Bits of what is left as it is.
    rest: f64,
}

impl Default for Meter {
    fn default() -> Meter {
        let parts = [(0.0, 0); 1 + MOST_LEVELS as usize];
        Meter { part: 0, values: 0, look: FIRST_LOOK, tried: MOST_LEVELS, parts, rest: 0.0 }
    }
}

impl Meter {
    /// The fewest levels of at most `most` by which the values take little more than by the best, and the bits that they
    /// take by these. A level left out takes a bit for each of its decisions; that the levels above learn a little
    /// from those below is not seen. Levels that were given up are none of these.
    pub fn levels(&self, most: u8) -> (u8, f64) {
        let below = &self.parts[1..1 + most as usize];
        let bits = |levels: usize| {
            let coded: f64 = below[..levels].iter().map(|p| p.0 as f64).sum();
            let raw: f64 = below[levels..].iter().map(|p| p.1 as f64).sum();
            self.parts[0].0 as f64 + coded + raw + self.rest
        };
        let tried = most.min(self.tried) as usize;
        let best = (0..=tried).map(bits).fold(f64::INFINITY, f64::min);
        let enough = |&levels: &usize| bits(levels) * 1000.0 <= best * (1000.0 + PATIENCE);
        let levels = (0..=tried).find(enough).unwrap_or(tried);
        (levels as u8, bits(levels))
    }
}

impl Coder for Meter {
    const ENCODE: bool = true;

    #[inline(always)]
    fn bit(&mut self, bit: bool, p1: u32) -> bool {
        let one = 1u32 << BIT_BITS;
        let p = if bit { p1 } else { one - p1 };
        let part = &mut self.parts[self.part];
        part.0 += BIT_BITS as f32 - (p as f32).log2();
        part.1 += 1;
        bit
    }

    fn symbol(&mut self, symbol: usize, _: &[i16; 16]) -> usize {
        symbol
    }

    #[inline(always)]
    fn uniform(&mut self, value: u32, n: u32) -> u32 {
        self.rest += (n as f64).log2();
        value
    }

    #[inline(always)]
    fn raw(&mut self, value: u64, n: u32) -> u64 {
        self.rest += n as f64;
        value
    }

    #[inline(always)]
    fn part(&mut self, n: usize) {
        self.part = n;
    }

    #[inline(always)]
    fn parts(&mut self, most: u8) -> u8 {
        if self.values == self.look {
            self.look *= 2;
            self.tried = self.tried.min(self.levels(most).0 + BEYOND);
        }
        self.values += 1;
        most.min(self.tried)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_that_do_not_pay_are_given_up_and_those_that_do_are_not() {
        for (paying, chosen) in [(0, 0), (2, 2), (10, 10)] {
            let mut meter = Meter::default();
            let mut asked = 0u64;
            for _ in 0..8 * FIRST_LOOK {
                let levels = meter.parts(12);
                asked += levels as u64;
                for level in 0..levels {
                    meter.part(1 + level as usize);
                    // Half a bit where it pays, a little more than one where not.
                    meter.bit(true, if level < paying { 46341 } else { 32000 });
                }
                meter.raw(0, 12 - levels as u32);
            }
            let (levels, bits) = meter.levels(12);
            assert_eq!(levels, chosen);
            let each = 12.0 - 0.5 * paying as f64;
            assert!((bits / (8 * FIRST_LOOK) as f64 - each).abs() < 0.01, "{bits}");
            let least = 12.min(chosen + BEYOND) as u64;
            let looked = FIRST_LOOK as u64;
            assert_eq!(asked, looked * 12 + 7 * looked * least);
        }
    }
}
