//! What has been seen of the last planes, padded, so that every tap finds a number.

use super::super::padded::Padded;
use super::super::taps::Tap;
use super::index::Around;

/// Columns of padding on both sides of a row, and rows on both sides of a plane: as far as taps reach.
pub const SIDE: usize = 20;
const ROWS: usize = 3;
/// Planes kept.
const KEPT: usize = 4;

/// The last four planes.
pub struct Planes {
    /// What was seen of each value, less the base.
    pub seen: Padded<f64, KEPT, SIDE, ROWS>,
    /// Indices, capped.
    pub indices: Padded<i32, KEPT, SIDE, ROWS>,
    /// By how many steps the global and the local prediction missed.
    pub missed: Padded<[f64; 2], KEPT, SIDE, ROWS>,
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
    pub fn new(dims: [usize; 3]) -> Self {
        Planes { seen: Padded::new(dims), indices: Padded::new(dims), missed: Padded::new(dims) }
    }

    /// The places of row `y` of plane `z`, which begins.
    pub fn open_row(&mut self, z: usize, y: usize) -> Place {
        let at = self.seen.row(z, y as isize);
        self.seen.open_row(at);
        let back = |back: usize| self.seen.row(z.saturating_sub(back), y as isize);
        Place { at, back: (z > 0).then(|| (back(1), back(2))) }
    }

    /// A row of `nx` has ended.
    pub fn close_row(&mut self, place: Place, nx: usize) {
        self.seen.close_row(place.at, nx);
        self.indices.close_row(place.at, nx);
        self.missed.close_row(place.at, nx);
    }

    /// Where a tap of row `y`'s first value lies, `z` back; before the first plane is the first plane.
    pub fn tap(&self, z: usize, y: usize, (dz, dy, dx): Tap) -> usize {
        let z = z.saturating_sub(dz.unsigned_abs());
        self.seen.row(z, y as isize + dy).wrapping_add_signed(dx)
    }

    /// The indices around column `x`.
    #[inline(always)]
    pub fn around(&self, place: Place, x: usize) -> Around {
        let (k, stride) = (&self.indices.data, self.indices.stride);
        let at = place.at + x;
        let north = at - stride;
        let (w, ww, n, nn) = (k[at - 1], k[at - 2], k[north], k[north - stride]);
        let (nw, ne) = (k[north - 1], k[north + 1]);
        let Some((u, uu)) = place.back else {
            return Around { w, ww, n, nn, nw, ne, u: ne, uu: nw, us: nw, un: ne, ue: n, uw: w };
        };
        let (u, uu) = (u + x, uu + x);
        let (us, un) = (k[u + stride], k[u - stride]);
        Around { w, ww, n, nn, nw, ne, u: k[u], uu: k[uu], us, un, ue: k[u + 1], uw: k[u - 1] }
    }

    /// How much the global and the local prediction missed around column `x`.
    #[inline(always)]
    pub fn missed_around(&self, place: Place, x: usize) -> [f64; 2] {
        let (m, stride) = (&self.missed.data, self.missed.stride);
        let at = place.at + x;
        let north = at - stride;
        let (w, ww, n, nw, ne) = (m[at - 1], m[at - 2], m[north], m[north - 1], m[north + 1]);
        let plane = |i: usize| ((2.0 * w[i] + ww[i]) + (2.0 * n[i] + nw[i])) + ne[i];
        let Some((u, _)) = place.back else {
            return [plane(0), plane(1)];
        };
        let u = u + x;
        let (here, east, west) = (m[u], m[u + 1], m[u - 1]);
        let (south, north) = (m[u + stride], m[u - stride]);
        let back = |i: usize| ((2.0 * here[i] + east[i]) + (west[i] + south[i])) + north[i];
        [plane(0) + back(0), plane(1) + back(1)]
    }
}
