//! Range asymmetric numeral systems (Duda, 2013): a 32-bit state a lane, words of 16 bits.
//!
//! States of 64 bits with probabilities of 2^20 were tried: they lose nothing to rounding, but their 31 bits of start
//! a lane are a tenth of a column of some thousand rows, and no AVX2 product takes them. States of 32 bits above
//! probabilities of 2^16 lose some 0.005 bits a symbol.

use super::distribution::{BITS, ONE};
use super::kernel::{Intervals, LANES};

/// The intervals of a column in the order in which they are decoded: lane after lane, step after step.
#[derive(Default)]
pub struct Script {
    /// Start, size and lane.
    codes: Vec<(u32, u32, u8)>,
}

impl Script {
    /// Appends a step's.
    pub fn push(&mut self, step: &Intervals, active: usize) {
        let code = |s: usize| (step.start.0[s] as u32, step.size.0[s] as u32, s as u8);
        self.codes.extend((0..active).map(code));
    }

    /// The first states of `lanes` lanes, and the words that they draw.
    pub fn encode(&self, lanes: usize) -> (Vec<u32>, Vec<u16>) {
        let mut states = [ONE; LANES];
        let mut words = vec![];
        for &(start, size, lane) in self.codes.iter().rev() {
            let x = &mut states[lane as usize];
            if *x as u64 >= (size as u64) << BITS {
                words.push(*x as u16);
                *x >>= BITS;
            }
            *x = ((*x / size) << BITS) + *x % size + start;
        }
        words.reverse();
        (states[..lanes].to_vec(), words)
    }
}
