//! The definition of a decision's arithmetic.

use super::{
    Contexts, HASHED, INPUTS, Kernel, LINE, MOST_COUNT, MOST_WEIGHT, MOVE, Memory, NEW, Place, SEEN, SLOT,
    SLOT_BITS, Slots, TRUST,
};
use crate::codec::adaptive::ODDS;

/// Runs everywhere.
#[derive(Clone, Copy)]
pub struct Scalar;

/// 2^15 log2(v) for 0 < v < 2^24, the fraction by a parabola: off by up to 0.009 octaves.
fn log2(v: u32) -> i32 {
    let octave = v.ilog2();
    let f = ((v << (23 - octave)) as i32 & 0x7f_ffff) >> 8;
    let bow = (f * (32767 - f)) >> 15;
    ((octave as i32) << 15) + f + ((11 * bow) >> 5)
}

/// Log-odds of a probability of 22 bits, in units of 1/128.
pub fn stretch(p: u32) -> i32 {
    let octaves = log2(2 * p + 1) - log2((1 << 23) - 1 - 2 * p);
    ((octaves >> 4) * 1420) >> 15
}

impl Kernel for Scalar {
    /// States, and the predictors' inputs.
    type Held = ([u32; INPUTS], [i32; INPUTS]);

    #[inline(always)]
    fn find(self, contexts: &Contexts, group: u32, column: u32) -> Slots {
        let key = group.wrapping_mul(0x9E37_79B1);
        let mut slots = Slots::default();
        for i in 0..HASHED {
            let h = (contexts.0[i] ^ key).wrapping_mul(0x2C1B_3C6D);
            let h = h ^ h >> 15;
            slots.at[i] = ((i as u32) << SLOT_BITS | h & ((1 << SLOT_BITS) - 1)) * SLOT as u32;
            slots.tags[i] = h >> SLOT_BITS | column << (32 - SLOT_BITS) | 1 << 31;
        }
        slots
    }

    #[inline(always)]
    fn claim(self, memory: &mut Memory, slots: &Slots) {
        for (at, tag) in slots.at.into_iter().zip(slots.tags).take(HASHED) {
            let at = at as usize;
            let slot = &mut memory.states[at / LINE].0[at % LINE..][..SLOT];
            if slot[0] != tag {
                slot.fill(NEW);
                slot[0] = tag;
            }
        }
    }

    #[inline(always)]
    fn predict(self, memory: &Memory, place: &Place, depth: usize) -> (i32, i32, usize, Self::Held) {
        let s = place.0.map(|at| memory.states[at as usize / LINE].0[at as usize % LINE]);
        let x = s.map(|s| (stretch(s >> 10) * TRUST[(s & 1023).min(15) as usize] as i32) >> 8);
        let list = (1..HASHED).map(|i| (((s[i] & 1023) as i32 > SEEN[i]) as usize) << (i - 1)).sum();
        let odds = |weights: &[i32; INPUTS]| {
            let sum: i32 = (0..INPUTS).map(|i| (weights[i] * x[i]) >> 8).sum();
            (sum >> 8).clamp(-ODDS, ODDS)
        };
        (odds(&memory.weights[0][depth]), odds(&memory.weights[1][list]), list, (s, x))
    }

    #[inline(always)]
    fn learn(
        self,
        memory: &mut Memory,
        place: &Place,
        (s, x): Self::Held,
        lists: [usize; 2],
        errors: [i32; 2],
        bit: bool,
    ) {
        for (i, (list, error)) in lists.into_iter().zip(errors).enumerate() {
            for (w, x) in memory.weights[i][list].iter_mut().zip(x) {
                *w = (*w + ((x * error + (1 << 13)) >> 14)).clamp(-MOST_WEIGHT, MOST_WEIGHT);
            }
        }
        let target = ((bit as i32) << 22) - bit as i32;
        for (at, s) in place.0.into_iter().zip(s) {
            let (p, n) = ((s >> 10) as i32, s & 1023);
            let p = p + ((((target - p) >> 3) * MOVE[(n & 255) as usize]) >> 9);
            memory.states[at as usize / LINE].0[at as usize % LINE] =
                (p as u32) << 10 | (n + 1).min(MOST_COUNT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::adaptive::STRETCH;

    #[test]
    fn odds_are_near_the_logarithm_and_rise() {
        let mut before = i32::MIN;
        for p in (0..1 << 22).step_by(37) {
            let x = stretch(p);
            assert!(x >= before.saturating_sub(1) && x.abs() <= 2048, "{p}");
            before = before.max(x);
            let clear = (1 << 14..(1 << 22) - (1 << 14)).contains(&p);
            assert!(!clear || (x - STRETCH[p as usize >> 10] as i32).abs() < 16, "{p}: {x}");
        }
    }
}
