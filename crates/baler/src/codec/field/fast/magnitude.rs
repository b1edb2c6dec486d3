//! How large an index is to be expected: classes from the magnitudes in the row above and the plane before.
//!
//! Not from the value just before, which says a little more: so a whole row has its classes before its first token
//! is decoded, and they are computed in vectors.

use super::super::context::CAP;
use super::super::domain::Index;
use super::wave::EXACT;

/// Columns of padding on both sides of a row, all zero.
const SIDE: usize = 16;
/// Rows of padding above a plane, and one below.
const ABOVE: usize = 2;

/// Magnitudes of the last two planes.
pub struct Magnitudes {
    data: Vec<u16>,
    stride: usize,
    size: usize,
    planar: bool,
}

impl Magnitudes {
    /// For a chunk of `dims`.
    pub fn new([nz, ny, nx]: [usize; 3]) -> Self {
        let stride = nx.next_multiple_of(SIDE) + 2 * SIDE;
        let size = (ny + ABOVE + 1) * stride;
        let planar = nz == 1;
        Magnitudes { data: vec![0; if planar { size } else { 2 * size }], stride, size, planar }
    }

    fn at(&self, z: usize, y: usize) -> usize {
        let plane = if self.planar { 0 } else { z % 2 };
        plane * self.size + (y + ABOVE) * self.stride + SIDE
    }

    /// The classes of row `y` of plane `z`; `classes` has room for [`SIDE`] more.
    #[inline(always)]
    pub fn classes(&self, z: usize, y: usize, nx: usize, classes: &mut [u8]) {
        let here = self.at(z, y);
        let back = self.at(z + 1, y);
        for (x, classes) in classes.as_chunks_mut::<SIDE>().0.iter_mut().enumerate().take(nx.div_ceil(SIDE)) {
            let block =
                |row: usize| -> &[u16; SIDE] { self.data[row + x * SIDE..].first_chunk().expect("padded") };
            let north = here - self.stride;
            let (n, nw, ne, nn) =
                (block(north), block(north - 1), block(north + 1), block(north - self.stride));
            let mut sum = [0u16; SIDE];
            if self.planar {
                for i in 0..SIDE {
                    sum[i] = 6 * n[i] + 3 * (nw[i] + ne[i]) + 4 * nn[i];
                }
            } else {
                let (u, uw, ue) = (block(back), block(back - 1), block(back + 1));
                let (un, us) = (block(back - self.stride), block(back + self.stride));
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
        let at = self.at(z, y);
        let row = &mut self.data[at..at + indices.len()];
        row.iter_mut().zip(indices).for_each(|(to, index)| *to = index.magnitude());
        for (to, _) in row.iter_mut().zip(kinds.unwrap_or(&[])).filter(|&(_, &kind)| kind == EXACT) {
            *to = CAP as u16;
        }
    }
}
