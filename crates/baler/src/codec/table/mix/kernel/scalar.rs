//! The definition of a decision's arithmetic.

use super::{HASHED, INPUTS, Kernel, MOST_COUNT, MOST_WEIGHT, Memory, PACE, SEEN};
use crate::codec::adaptive::{ODDS, STRETCH};

/// Runs everywhere.
#[derive(Clone, Copy)]
pub struct Scalar;

impl Kernel for Scalar {
    /// Indices of states.
    type Place = [u32; INPUTS];
    /// States, and the predictors' inputs.
    type Held = ([u32; INPUTS], [i32; INPUTS]);

    #[inline(always)]
    fn place(self, slots: &[u32; INPUTS], local: u32, near: [u32; 2]) -> [u32; INPUTS] {
        std::array::from_fn(|i| if i < HASHED { slots[i] + local } else { near[i - HASHED] })
    }

    #[inline(always)]
    fn predict(self, memory: &Memory, place: Self::Place, depth: usize) -> (i32, i32, usize, Self::Held) {
        let s = place.map(|at| memory.states[at as usize]);
        let x = s.map(|s| {
            let trust = (PACE[(s & 255) as usize] & 0xffff) as i32;
            (STRETCH[(s >> 20) as usize] as i32 * trust) >> 8
        });
        let list = (1..HASHED).map(|i| (((s[i] & 255) as i32 > SEEN[i]) as usize) << (i - 1)).sum();
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
        place: Self::Place,
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
        for (at, s) in place.into_iter().zip(s) {
            let (p, n) = ((s >> 10) as i32, s & 1023);
            let p = p + ((((target - p) >> 3) * (PACE[(n & 255) as usize] >> 16) as i32) >> 9);
            memory.states[at as usize] = (p as u32) << 10 | (n + 1).min(MOST_COUNT);
        }
    }
}
