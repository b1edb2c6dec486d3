//! What compilers do not turn into vector code by themselves: written plainly, and once more for processors with AVX2.

#[cfg(target_arch = "x86_64")]
mod avx2;

use super::super::domain::LANES;
use super::token::{DIRECT, RawReader, RawWriter, join_direct, shift};
use crate::cpu::Portable;

/// Eight rows of eight.
pub type Block<T> = [[T; LANES]; LANES];

/// Places whose tokens are split and joined together.
pub const PLACES: usize = 16;

/// The same steps, by one kind of instructions or another.
pub trait Vectors: Copy {
    /// Columns become rows.
    fn transpose<T: Copy>(self, from: &Block<T>, to: &mut Block<T>);
    /// The lanes moved up by one, `first` in the first.
    fn shift<T: Copy>(self, lanes: [T; LANES], first: T) -> [T; LANES];
    /// The tokens of places with indices that were `folded` (by [`Index::folded`]); their raw bits follow. `None`, and
    /// nothing follows, where not every index has a token below [`DIRECT`].
    ///
    /// [`Index::folded`]: super::super::domain::Index::folded
    fn split(
        self,
        folded: &[u16; PLACES],
        classes: &[u8; PLACES],
        raw: &mut RawWriter,
    ) -> Option<[u8; PLACES]>;
    /// The inverse of [`Vectors::split`].
    fn join(self, tokens: &[u8; PLACES], classes: &[u8; PLACES], raw: &mut RawReader) -> [i16; PLACES];
}

impl Vectors for Portable {
    #[inline(always)]
    fn transpose<T: Copy>(self, from: &Block<T>, to: &mut Block<T>) {
        for i in 0..LANES {
            for j in 0..LANES {
                to[i][j] = from[j][i];
            }
        }
    }

    #[inline(always)]
    fn shift<T: Copy>(self, v: [T; LANES], first: T) -> [T; LANES] {
        [first, v[0], v[1], v[2], v[3], v[4], v[5], v[6]]
    }

    #[inline(always)]
    fn split(
        self,
        folded: &[u16; PLACES],
        classes: &[u8; PLACES],
        raw: &mut RawWriter,
    ) -> Option<[u8; PLACES]> {
        let mut tokens = [0; PLACES];
        let mut direct = true;
        for i in 0..PLACES {
            let token = folded[i] >> shift(classes[i]);
            direct &= (token as u64) < DIRECT && folded[i] < u16::MAX;
            tokens[i] = token as u8;
        }
        if !direct {
            return None;
        }
        for (&folded, &class) in folded.iter().zip(classes) {
            let shift = shift(class);
            raw.put(folded as u64 & ((1 << shift) - 1), shift);
        }
        Some(tokens)
    }

    #[inline(always)]
    fn join(self, tokens: &[u8; PLACES], classes: &[u8; PLACES], raw: &mut RawReader) -> [i16; PLACES] {
        let mut indices = [0; PLACES];
        for ((index, &token), &class) in indices.iter_mut().zip(tokens).zip(classes) {
            *index = join_direct(token, class, raw) as i16;
        }
        indices
    }
}
