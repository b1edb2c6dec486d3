//! What the surroundings of a block of coefficients tell before its first one is coded.
//!
//! All that does not depend on the values just before is done here, in vectors of the whole block. What is left to do one
//! by one waits for what it has just learned, and sets the speed.

use super::bands::Band;
use super::contexts::{COARSE, coarse, coarsely};
use super::magnitudes::{BLOCK, Magnitudes};

/// Another band's row beside the one being coded: of a parent or a sibling.
struct Beside {
    band: usize,
    /// Where it starts.
    at: usize,
    /// How much coarser its columns are, in halvings.
    shift: u8,
}

/// The rows that tell of a row.
#[derive(Default)]
pub struct Rows {
    /// Of the band itself: where its own starts.
    at: usize,
    here: usize,
    parents: Vec<Beside>,
    siblings: Vec<Beside>,
    /// Whether all of them are zero.
    silent: bool,
}

impl Rows {
    /// Finds those of row [z, y] of band `here`.
    pub fn find(&mut self, known: &[Magnitudes], bands: &[Band], here: usize, [z, y]: [usize; 2]) {
        let beside = |&band: &usize| {
            let shift: [u8; 3] = std::array::from_fn(|a| bands[band].scale[a] - bands[here].scale[a]);
            let place = |a: usize, i: usize| (i >> shift[a]).min(bands[band].len[a] - 1);
            Beside { band, at: known[band].at(place(0, z), place(1, y)), shift: shift[2] }
        };
        self.parents.clear();
        self.parents.extend(bands[here].parents.iter().map(beside));
        self.siblings.clear();
        self.siblings.extend(bands[here].siblings.iter().map(beside));
        (self.here, self.at) = (here, known[here].at(z, y));
        let quiet = |b: &Beside| known[b.band].silent_around(b.at);
        self.silent = known[here].silent_before(self.at)
            && self.parents.iter().all(quiet)
            && self.siblings.iter().all(quiet);
    }
}

/// Sums of magnitudes that are weighed together: of the nearest, of those aside, of those farther off; means over parents
/// at the place and around it, over siblings likewise; and a constant.
pub type Features = [f32; 8];
/// Those of a place with nothing around it.
pub const NOTHING: Features = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1];

/// What is known of a block.
pub struct Block {
    /// Whether all around it is zero.
    pub silent: bool,
    /// The sums of its values' features.
    pub total: Features,
    /// The features of each value, those of the two before it in the row left aside.
    pub features: [Features; BLOCK],
    /// Classes of parents and siblings together, and of the magnitudes a row and a plane before.
    pub both: [u16; BLOCK],
    /// See `both`.
    pub nearest: [u16; BLOCK],
}

impl Block {
    /// One with nothing around it.
    pub const QUIET: Block = Block {
        silent: true,
        total: NOTHING,
        features: [NOTHING; BLOCK],
        both: [0; BLOCK],
        nearest: [0; BLOCK],
    };

    /// Sees what is known of the `n` values from column `x` of a row; only [`Block::total`] of it where that is nothing.
    #[inline(always)]
    pub fn see(&mut self, known: &[Magnitudes], rows: &Rows, x: usize, n: usize) {
        self.total = NOTHING;
        self.total[7] *= n as f32;
        self.silent = true;
        if rows.silent {
            return;
        }
        let m = &known[rows.here];
        let at = rows.at + x;
        let (north, up) = (m.block(at - m.row), m.block(at - m.plane));
        let (nw, ne, nn) = (m.block(at - m.row - 1), m.block(at - m.row + 1), m.block(at - 2 * m.row));
        let (uw, ue, uu) = (m.block(at - m.plane - 1), m.block(at - m.plane + 1), m.block(at - 2 * m.plane));
        let (un, us) = (m.block(at - m.plane - m.row), m.block(at - m.plane + m.row));
        let mut sums = [[0u16; BLOCK]; 7];
        for i in 0..BLOCK {
            sums[0][i] = north[i] + up[i];
            sums[1][i] = nw[i] + ne[i] + uw[i] + ue[i] + un[i] + us[i];
            sums[2][i] = nn[i] + uu[i];
        }
        [sums[3], sums[4]] = add(known, &rows.parents, x);
        [sums[5], sums[6]] = add(known, &rows.siblings, x);
        let mut any = 0;
        let mut totals = [0u32; 7];
        for (total, sums) in totals.iter_mut().zip(&mut sums) {
            for i in 0..BLOCK {
                sums[i] = if i < n { sums[i] } else { 0 };
                *total += sums[i] as u32;
            }
            any |= *total;
        }
        self.silent = any == 0;
        if self.silent {
            return;
        }

        let share = |rows: &[Beside]| if rows.len() > 1 { 1.0 / rows.len() as f32 } else { 1.0 };
        let (parents, siblings) = (share(&rows.parents), share(&rows.siblings));
        let shares = [1.0, 1.0, 1.0, parents, parents, siblings, siblings];
        let mut features = [[NOTHING[7]; BLOCK]; 8];
        for j in 0..7 {
            self.total[j] = totals[j] as f32 * shares[j];
            for i in 0..BLOCK {
                features[j][i] = sums[j][i] as f32 * shares[j];
            }
        }
        for i in 0..BLOCK {
            let parents = coarse(0.5 * features[3][i] + features[4][i] * (0.5 / 6.0)) as u16;
            let siblings = coarse(0.5 * features[5][i] + features[6][i] * (0.5 / 6.0)) as u16;
            self.both[i] = parents * COARSE as u16 + siblings;
            self.nearest[i] = coarsely(north[i]) * 8 + coarsely(up[i]);
        }
        for i in 0..BLOCK {
            for j in 0..8 {
                self.features[i][j] = features[j][i];
            }
        }
    }
}

/// Sums over the bands `beside` a block from column `x`: at the places themselves, and of their six neighbours.
#[inline(always)]
fn add(known: &[Magnitudes], beside: &[Beside], x: usize) -> [[u16; BLOCK]; 2] {
    let mut sums = [[0; BLOCK]; 2];
    for b in beside {
        let m = &known[b.band];
        let at = b.at + (x >> b.shift);
        let own = m.block(at);
        let (w, e) = (m.block(at - 1), m.block(at + 1));
        let (n, s) = (m.block(at - m.row), m.block(at + m.row));
        let (u, d) = (m.block(at - m.plane), m.block(at + m.plane));
        let mut around = [0; BLOCK];
        for i in 0..BLOCK {
            around[i] = w[i] + e[i] + n[i] + s[i] + u[i] + d[i];
        }
        // Shifts that are known make shuffles of these loops.
        match b.shift {
            0 => spread(&mut sums, own, &around, 0),
            1 => spread(&mut sums, own, &around, 1),
            shift => spread(&mut sums, own, &around, shift),
        }
    }
    sums
}

#[inline(always)]
fn spread(sums: &mut [[u16; BLOCK]; 2], own: &[u16; BLOCK], around: &[u16; BLOCK], shift: u8) {
    for i in 0..BLOCK {
        sums[0][i] += own[i >> shift];
        sums[1][i] += around[i >> shift];
    }
}
