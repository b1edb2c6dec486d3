//! What compilers do not turn into vector code by themselves: written plainly, and once more for processors with AVX2.

#[cfg(target_arch = "x86_64")]
pub mod avx2;

use super::super::domain::LANES;

/// Eight rows of eight.
pub type Block<T> = [[T; LANES]; LANES];

/// The same steps, by one kind of instructions or another.
pub trait Vectors: Copy {
    /// Columns become rows.
    fn transpose<T: Copy>(self, from: &Block<T>, to: &mut Block<T>);
}

/// For any processor.
#[derive(Clone, Copy)]
pub struct Portable;

impl Vectors for Portable {
    #[inline(always)]
    fn transpose<T: Copy>(self, from: &Block<T>, to: &mut Block<T>) {
        for i in 0..LANES {
            for j in 0..LANES {
                to[i][j] = from[j][i];
            }
        }
    }
}
