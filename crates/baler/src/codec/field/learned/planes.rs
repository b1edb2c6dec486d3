//! What has been seen of the last planes, padded, so that every tap finds a number.

use super::super::domain::Real;
use super::super::taps::{TAPS, Tap};

/// Columns of padding on both sides of a row, and rows on both sides of a plane: as far as the taps reach.
const SIDE: usize = 4;
const ROWS: usize = 3;

/// The last four planes of numbers and the last two of magnitudes.
pub struct Planes<W> {
    /// What later predictions see.
    pub seen: Vec<W>,
    /// Magnitudes of indices, capped.
    pub magnitudes: Vec<u16>,
    /// From row to row.
    pub stride: usize,
    size: usize,
    kept: [usize; 2],
}

/// Where a row lies.
#[derive(Clone, Copy)]
pub struct Place {
    /// Its first value.
    pub row: usize,
    /// Its first magnitude, and that of the same row a plane back.
    pub magnitudes: [usize; 2],
    /// For each tap, what it sees of the first value.
    pub taps: [usize; TAPS.len()],
}

impl<W: Real> Planes<W> {
    /// All zero.
    pub fn new([nz, ny, nx]: [usize; 3]) -> Self {
        let stride = nx + 2 * SIDE;
        let size = (ny + 2 * ROWS) * stride;
        let kept = if nz == 1 { [1, 1] } else { [4, 2] };
        Planes {
            seen: vec![W::default(); kept[0] * size],
            magnitudes: vec![0; kept[1] * size],
            stride,
            size,
            kept,
        }
    }

    /// Where row `y` (from -[`ROWS`]) of plane `z` starts behind its padding, of so many planes.
    fn row(&self, kept: usize, z: usize, y: isize) -> usize {
        z % kept * self.size + (y + ROWS as isize) as usize * self.stride + SIDE
    }

    /// Rows above plane `z`: the first one of the plane before, or zero; no magnitudes.
    pub fn open_plane(&mut self, z: usize) {
        for y in 1..=ROWS as isize {
            let to = self.row(self.kept[0], z, -y) - SIDE;
            if z > 0 {
                let from = self.row(self.kept[0], z - 1, 0) - SIDE;
                self.seen.copy_within(from..from + self.stride, to);
            }
            let to = self.row(self.kept[1], z, -y) - SIDE;
            self.magnitudes[to..to + self.stride].fill(0);
        }
    }

    /// Rows below plane `z`: its last one again; no magnitudes.
    pub fn close_plane(&mut self, z: usize, ny: usize) {
        for y in 0..ROWS {
            let from = self.row(self.kept[0], z, ny as isize - 1) - SIDE;
            let to = self.row(self.kept[0], z, (ny + y) as isize) - SIDE;
            self.seen.copy_within(from..from + self.stride, to);
            let to = self.row(self.kept[1], z, (ny + y) as isize) - SIDE;
            self.magnitudes[to..to + self.stride].fill(0);
        }
    }

    /// Row `y` of plane `z`, its padding on the left made: the first value of the row above, no magnitudes.
    pub fn open_row(&mut self, z: usize, y: usize) -> Place {
        let row = self.row(self.kept[0], z, y as isize);
        let magnitudes = [z, z + 1].map(|z| self.row(self.kept[1], z, y as isize)); // of two planes the other one
        let first = self.seen[row - self.stride];
        self.seen[row - SIDE..row].fill(first);
        self.magnitudes[magnitudes[0] - SIDE..magnitudes[0]].fill(0);
        let see = |(dz, dy, dx): Tap| match dz {
            0 => self.row(self.kept[0], z, y as isize + dy).wrapping_add_signed(dx),
            _ if z == 0 => row - 1,
            _ => {
                let back = z.saturating_sub(dz.unsigned_abs());
                self.row(self.kept[0], back, y as isize + dy).wrapping_add_signed(dx)
            }
        };
        Place { row, magnitudes, taps: TAPS.map(see) }
    }

    /// The padding of a row of `nx` on its right: its last value and magnitude.
    pub fn close_row(&mut self, place: &Place, nx: usize) {
        let (end, magnitudes) = (place.row + nx, place.magnitudes[0] + nx);
        let (seen, magnitude) = (self.seen[end - 1], self.magnitudes[magnitudes - 1]);
        self.seen[end..end + SIDE].fill(seen);
        self.magnitudes[magnitudes..magnitudes + SIDE].fill(magnitude);
    }
}
