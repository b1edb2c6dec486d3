//! How large an index is to be expected: classes from the magnitudes in the row above and the plane before.
//!
//! Not from the value just before, which says a little more: so a whole row has its classes before its first token
//! is decoded, and they are computed in vectors.

use super::super::context::CAP;
use super::super::domain::Index;
use super::super::padded::{BEHIND, Padded};
use super::wave::EXACT;

/// Columns of a block, and of the padding on both sides of a row; rows of that on both sides of a plane. All of it is zero.
const SIDE: usize = BEHIND;
const ROWS: usize = 2;

/// Magnitudes of the last two planes.
pub struct Magnitudes {
    planes: Padded<u16, 2, SIDE, ROWS>,
    planar: bool,
}

impl Magnitudes {
    /// For a chunk of `dims`.
    pub fn new([nz, ny, nx]: [usize; 3]) -> Self {
        // Rows that begin at whole blocks decode a tenth faster: no vector of theirs lies across two lines of the cache.
        Magnitudes { planes: Padded::new([nz, ny, nx.next_multiple_of(SIDE)]), planar: nz == 1 }
    }

    /// The classes of row `y` of plane `z`; `classes` has room for [`SIDE`] more.
    #[inline(always)]
    pub fn classes(&self, z: usize, y: usize, nx: usize, classes: &mut [u8]) {
        let Padded { data, stride, .. } = &self.planes;
        let [here, back] = [z, z + 1].map(|z| self.planes.row(z, y as isize)); // of two planes the other one
        for (x, classes) in classes.as_chunks_mut::<SIDE>().0.iter_mut().enumerate().take(nx.div_ceil(SIDE)) {
            let block =
                |row: usize| -> &[u16; SIDE] { data[row + x * SIDE..].first_chunk().expect("padded") };
            let north = here - stride;
            let (n, nw, ne, nn) = (block(north), block(north - 1), block(north + 1), block(north - stride));
            let mut sum = [0u16; SIDE];
            if self.planar {
                for i in 0..SIDE {
                    sum[i] = 6 * n[i] + 3 * (nw[i] + ne[i]) + 4 * nn[i];
                }
            } else {
                let (u, uw, ue) = (block(back), block(back - 1), block(back + 1));
                let (un, us) = (block(back - stride), block(back + stride));
                for i in 0..SIDE {
                    sum[i] =
                        3 * n[i] + nw[i] + ne[i] + nn[i] + 4 * u[i] + uw[i] + ue[i] + 2 * (un[i] + us[i]);
                }
            }
            for i in 0..SIDE {
                // The exponent of a float and the bit below: two classes an octave, and no loop over bits.
                classes[i] = ((sum[i] as f32).to_bits() >> 22).saturating_sub(253) as u8;
            }
        }
    }

    /// Notes what the indices of a row turned out to be; where `kinds` says so, as of values coded exactly.
    #[inline(always)]
    pub fn note<I: Index>(&mut self, z: usize, y: usize, indices: &[I], kinds: Option<&[u8]>) {
        let at = self.planes.row(z, y as isize);
        let row = &mut self.planes.data[at..at + indices.len()];
        row.iter_mut().zip(indices).for_each(|(to, index)| *to = index.magnitude());
        for (to, _) in row.iter_mut().zip(kinds.unwrap_or(&[])).filter(|&(_, &kind)| kind == EXACT) {
            *to = CAP as u16;
        }
    }
}
