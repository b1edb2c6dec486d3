//! What has been seen of the last planes, padded, so that every tap finds a number.

use super::index::Around;

/// Columns of padding on both sides of a row, and rows on both sides of a plane: as far as taps reach.
pub const SIDE: usize = 20;
const ROWS: usize = 3;
/// Planes kept.
const KEPT: usize = 4;

/// The last four planes.
pub struct Planes {
    /// What was seen of each value, less the base.
    pub seen: Vec<f64>,
    /// Indices, capped.
    pub indices: Vec<i32>,
    /// By how many steps the global and the local prediction missed.
    pub missed: Vec<[f64; 2]>,
    stride: usize,
    size: usize,
    kept: usize,
}

/// What is within a row and a plane of a value.
#[derive(Clone, Copy)]
pub struct Place {
    /// Where the value is kept.
    pub at: usize,
    /// Where the same place of the plane before and of the one before that is; of the first plane, none.
    back: Option<(usize, usize)>,
}

impl Planes {
    /// All zero.
    pub fn new([nz, ny, nx]: [usize; 3]) -> Self {
        let stride = nx + 2 * SIDE;
        let size = (ny + 2 * ROWS) * stride;
        let kept = if nz == 1 { 1 } else { KEPT };
        Planes {
            seen: vec![0.0; kept * size],
            indices: vec![0; kept * size],
            missed: vec![[0.0; 2]; kept * size],
            stride,
            size,
            kept,
        }
    }

    /// Where row `y` (from -ROWS) of plane `z` starts: its first value, behind the padding.
    fn row(&self, z: usize, y: isize) -> usize {
        z % self.kept * self.size + (y + ROWS as isize) as usize * self.stride + SIDE
    }

    /// Rows above plane `z`: the first of the plane before, or zero.
    pub fn open_plane(&mut self, z: usize) {
        for y in 1..=ROWS as isize {
            let to = self.row(z, -y) - SIDE;
            if z > 0 {
                let from = self.row(z - 1, 0) - SIDE;
                self.seen.copy_within(from..from + self.stride, to);
            }
        }
    }

    /// The places of row `y` of plane `z`, and its padding on the left: the first value of the row above.
    pub fn open_row(&mut self, z: usize, y: usize) -> Place {
        let at = self.row(z, y as isize);
        let first = self.seen[at - self.stride];
        self.seen[at - SIDE..at].fill(first);
        let back = |back: usize| self.row(z.saturating_sub(back), y as isize);
        Place { at, back: (z > 0).then(|| (back(1), back(2))) }
    }

    /// The padding of a row of `nx` on its right: its last value.
    pub fn close_row(&mut self, place: Place, nx: usize) {
        let end = place.at + nx;
        let (seen, index, missed) = (self.seen[end - 1], self.indices[end - 1], self.missed[end - 1]);
        self.seen[end..end + SIDE].fill(seen);
        self.indices[end..end + SIDE].fill(index);
        self.missed[end..end + SIDE].fill(missed);
    }

    /// Rows below plane `z`: its last one.
    pub fn close_plane(&mut self, z: usize, ny: usize) {
        for y in 0..ROWS {
            let from = self.row(z, ny as isize - 1) - SIDE;
            let to = self.row(z, (ny + y) as isize) - SIDE;
            self.seen.copy_within(from..from + self.stride, to);
        }
    }

    /// Where a tap of row `y`'s first value lies, `z` back; before the first plane is the first plane.
    pub fn tap(&self, z: usize, y: usize, (dz, dy, dx): (isize, isize, isize)) -> usize {
        let z = z.saturating_sub(dz.unsigned_abs());
        self.row(z, y as isize + dy).wrapping_add_signed(dx)
    }

    /// The indices around column `x`.
    #[inline(always)]
    pub fn around(&self, place: Place, x: usize) -> Around {
        let k = &self.indices;
        let at = place.at + x;
        let north = at - self.stride;
        let (w, ww, n, nn) = (k[at - 1], k[at - 2], k[north], k[north - self.stride]);
        let (nw, ne) = (k[north - 1], k[north + 1]);
        let Some((u, uu)) = place.back else {
            return Around { w, ww, n, nn, nw, ne, u: ne, uu: nw, us: nw, un: ne, ue: n, uw: w };
        };
        let (u, uu) = (u + x, uu + x);
        let (us, un) = (k[u + self.stride], k[u - self.stride]);
        Around { w, ww, n, nn, nw, ne, u: k[u], uu: k[uu], us, un, ue: k[u + 1], uw: k[u - 1] }
    }

    /// How much the global and the local prediction missed around column `x`.
    #[inline(always)]
    pub fn missed_around(&self, place: Place, x: usize) -> [f64; 2] {
        let m = &self.missed;
        let at = place.at + x;
        let north = at - self.stride;
        let (w, ww, n, nw, ne) = (m[at - 1], m[at - 2], m[north], m[north - 1], m[north + 1]);
        let plane = |i: usize| ((2.0 * w[i] + ww[i]) + (2.0 * n[i] + nw[i])) + ne[i];
        let Some((u, _)) = place.back else {
            return [plane(0), plane(1)];
        };
        let u = u + x;
        let (here, east, west) = (m[u], m[u + 1], m[u - 1]);
        let (south, north) = (m[u + self.stride], m[u - self.stride]);
        let back = |i: usize| ((2.0 * here[i] + east[i]) + (west[i] + south[i])) + north[i];
        [plane(0) + back(0), plane(1) + back(1)]
    }
}
