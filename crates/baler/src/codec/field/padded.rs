//! What has been seen of the last planes of a chunk, padded, so that every neighbour that a walk looks at is there.

use super::domain::Real;

/// Numbers behind the last plane, so that a block of as many can be read wherever one begins.
pub const BEHIND: usize = 16;

/// The last `KEPT` planes of one kind of number, a ring, with `SIDE` columns of padding on both sides of a row and `ROWS` rows
/// on both sides of a plane; all zero at first.
pub struct Padded<T, const KEPT: usize, const SIDE: usize, const ROWS: usize> {
    /// Row after row, plane after plane.
    pub data: Vec<T>,
    /// From row to row.
    pub stride: usize,
    size: usize,
    planar: bool,
}

impl<T: Copy + Default, const KEPT: usize, const SIDE: usize, const ROWS: usize> Padded<T, KEPT, SIDE, ROWS> {
    /// For a chunk of (planes, rows, columns); of its only plane where it has but one.
    pub fn new([nz, ny, nx]: [usize; 3]) -> Self {
        let stride = nx + 2 * SIDE;
        let size = (ny + 2 * ROWS) * stride;
        let planar = nz == 1;
        let kept = if planar { 1 } else { KEPT };
        Padded { data: vec![T::default(); kept * size + BEHIND], stride, size, planar }
    }

    /// Where row `y` (from -`ROWS`) of plane `z` starts, behind its padding.
    #[inline(always)]
    pub fn row(&self, z: usize, y: isize) -> usize {
        let plane = if self.planar { 0 } else { z % KEPT };
        plane * self.size + (y + ROWS as isize) as usize * self.stride + SIDE
    }

    fn copy_row(&mut self, from: usize, to: usize) {
        self.data.copy_within(from - SIDE..from - SIDE + self.stride, to - SIDE);
    }

    /// Rows above plane `z`: the first one of the plane before. Above the first plane they stay zero.
    pub fn open_plane(&mut self, z: usize) {
        for y in (1..=ROWS as isize).filter(|_| z > 0) {
            self.copy_row(self.row(z - 1, 0), self.row(z, -y));
        }
    }

    /// Rows below plane `z`, of `ny` rows: its last one again.
    pub fn close_plane(&mut self, z: usize, ny: usize) {
        for y in 0..ROWS {
            self.copy_row(self.row(z, ny as isize - 1), self.row(z, (ny + y) as isize));
        }
    }

    /// The padding on the left of the row that starts at `row`: the first value of the row above, which is returned.
    #[inline(always)]
    pub fn open_row(&mut self, row: usize) -> T {
        let first = self.data[row - self.stride];
        self.data[row - SIDE..row].fill(first);
        first
    }

    /// The padding on the right of the row of `nx` that starts at `row`: its last value.
    #[inline(always)]
    pub fn close_row(&mut self, row: usize, nx: usize) {
        let last = self.data[row + nx - 1];
        self.data[row + nx..row + nx + SIDE].fill(last);
    }
}

/// As far as the taps of `taps.rs` reach.
const SIDE: usize = 4;
const ROWS: usize = 3;

/// What the plain and the learned walk see of a chunk.
pub struct Seen<W> {
    /// The last four planes of what later predictions see of values.
    pub values: Padded<W, 4, SIDE, ROWS>,
    /// The last two of magnitudes of indices, capped; none in the padding but on the right of a row.
    pub magnitudes: Padded<u16, 2, SIDE, ROWS>,
}

/// Where a row lies.
#[derive(Clone, Copy, Default)]
pub struct Place {
    /// Its first value.
    pub values: usize,
    /// Its first magnitude, and that of the same row a plane back.
    pub magnitudes: [usize; 2],
}

impl<W: Real> Seen<W> {
    /// Nothing yet of a chunk of `dims`.
    pub fn new(dims: [usize; 3]) -> Self {
        Seen { values: Padded::new(dims), magnitudes: Padded::new(dims) }
    }

    /// Goes on to row `y` of plane `z`; also the first value of the row above.
    #[inline(always)]
    pub fn open_row(&mut self, z: usize, y: usize) -> (Place, W) {
        let values = self.values.row(z, y as isize);
        let magnitudes = [z, z + 1].map(|z| self.magnitudes.row(z, y as isize)); // of two planes the other one
        (Place { values, magnitudes }, self.values.open_row(values))
    }

    /// A row of `nx` has ended.
    #[inline(always)]
    pub fn close_row(&mut self, place: &Place, nx: usize) {
        self.values.close_row(place.values, nx);
        self.magnitudes.close_row(place.magnitudes[0], nx);
    }
}
