//! Prediction and reconstruction of eight rows at a time, one a vector lane.
//!
//! A value waits for the one before it on its row; eight rows, each [`LAG`] columns behind the one above, wait together.
//! Rows are cut into blocks of eight times, transposed on the way in and out. What planes before say of a block is
//! summed up row by row before that.

use super::super::domain::{Domain, Index, LANES, Real};
use super::super::padded::Padded;
use super::taps::{BACK, Weights};
use super::vectors::{Block, Vectors};

/// Columns between a row and the one above: a tap reaches one ahead, and two steps hide the way to the next lane.
const LAG: usize = 3;
/// Columns of padding on both sides of a row, so that every lane may run through all times.
pub const PAD: usize = 32;
/// Rows of padding above and below a plane.
const ROWS: usize = 2;
/// Planes kept.
const KEPT: usize = 3;

/// An ordinary place.
pub const REGULAR: u8 = 0;
/// A place that is passed over.
pub const PASSED: u8 = 1;
/// A place whose value is coded exactly.
pub const EXACT: u8 = 2;

/// Indices, reconstructions and what later predictions see of them, by lane.
type Step<D> = ([<D as Domain>::Index; LANES], [<D as Domain>::Value; LANES], [<D as Domain>::Work; LANES]);

/// What lies at time `t` of eight rows, padded by [`PAD`], and in the seven times behind.
#[inline(always)]
fn block<T: Copy>(rows: &[Vec<T>; LANES], t: usize, block: &mut Block<T>) {
    for lane in 0..LANES {
        block[lane].copy_from_slice(&rows[lane][PAD + t - LAG * lane..][..LANES]);
    }
}

/// The inverse of [`block`].
#[inline(always)]
fn set_block<T: Copy>(rows: &mut [Vec<T>; LANES], t: usize, block: &Block<T>) {
    for lane in 0..LANES {
        rows[lane][PAD + t - LAG * lane..][..LANES].copy_from_slice(&block[lane]);
    }
}

/// A chunk on its way, in groups of eight rows.
pub struct Wave<D: Domain, V: Vectors> {
    vectors: V,
    domain: D,
    dims: [usize; 3],
    weights: Weights<D::Work>,
    /// The last planes of reconstructions, padded.
    planes: Padded<D::Work, KEPT, PAD, ROWS>,
    /// The group's indices by lane, padded by [`PAD`].
    pub indices: [Vec<D::Index>; LANES],
    /// The group's values by lane, padded likewise.
    staged: [Vec<D::Value>; LANES],
    /// What kind of place each is, padded likewise.
    pub kinds: [Vec<u8>; LANES],
    /// The same as masks: 0 where a place is passed over.
    masks: [Vec<D::Index>; LANES],
    /// How many places of each of the group's rows are passed over.
    pub passed: [usize; LANES],
    /// Whether any place of the group is coded exactly.
    pub odd: bool,
}

impl<D: Domain, V: Vectors> Wave<D, V> {
    /// For a chunk of `dims`.
    pub fn new(vectors: V, domain: D, dims: [usize; 3], weights: &[i16]) -> Self {
        let stride = dims[2] + 2 * PAD;
        Wave {
            vectors,
            domain,
            dims,
            weights: Weights::new(weights),
            planes: Padded::new(dims),
            indices: std::array::from_fn(|_| vec![D::Index::default(); stride]),
            staged: std::array::from_fn(|_| vec![D::from_bits(0); stride]),
            kinds: std::array::from_fn(|_| vec![REGULAR; stride]),
            masks: std::array::from_fn(|_| vec![D::Index::ONES; stride]),
            passed: [0; LANES],
            odd: false,
        }
    }

    /// Begins plane `z`.
    pub fn open_plane(&mut self, z: usize) {
        self.planes.open_plane(z);
    }

    /// Ends plane `z`.
    pub fn close_plane(&mut self, z: usize) {
        self.planes.close_plane(z, self.dims[1]);
    }

    /// Where the rows start that the planes before have near row `y` of plane `z`: that of the same place two planes
    /// before, and the columns before three of the plane before.
    fn near(&self, z: usize, y: usize) -> [usize; 4] {
        let before = |back: usize, dy: isize| self.planes.row(z + KEPT - back, y as isize + dy);
        [before(2, 0), before(1, -1) - 1, before(1, 0) - 1, before(1, 1) - 1]
    }

    /// Marks the places of the group from row `y` that are passed over: those with a nonzero `special`.
    #[inline(always)]
    pub fn open_group(&mut self, z: usize, y: usize, special: &[u8]) {
        let [_, ny, nx] = self.dims;
        if self.odd || self.passed != [0; LANES] {
            self.kinds.iter_mut().for_each(|k| k.fill(REGULAR));
            self.masks.iter_mut().for_each(|m| m.fill(D::Index::ONES));
            (self.odd, self.passed) = (false, [0; LANES]);
        }
        if special.is_empty() {
            return;
        }
        for lane in 0..LANES.min(ny - y) {
            let row = &special[(z * ny + y + lane) * nx..][..nx];
            if row.iter().fold(0, |any, &s| any | s) == 0 {
                continue;
            }
            let (kinds, masks) = (&mut self.kinds[lane][PAD..], &mut self.masks[lane][PAD..]);
            let mut passed = 0;
            for x in 0..nx {
                passed += (row[x] != 0) as usize;
                kinds[x] = if row[x] != 0 { PASSED } else { REGULAR };
                masks[x] = if row[x] != 0 { D::Index::default() } else { D::Index::ONES };
            }
            self.passed[lane] = passed;
        }
    }

    /// What the planes before say of a block: a row a lane, row `lane` from column `t` - [`LAG`] x `lane`.
    #[inline(always)]
    fn backs(
        &self,
        weights: &[D::Work; BACK.len()],
        near: &[[usize; 4]; LANES],
        t: usize,
        sums: &mut Block<D::Work>,
    ) {
        for lane in 0..LANES {
            let [far, rows @ ..] = near[lane].map(|start| start + t - LAG * lane);
            let far: &[D::Work; LANES] = self.planes.data[far..].first_chunk().expect("padded");
            let mut sum = [D::Work::default(); LANES];
            for i in 0..LANES {
                sum[i] = sum[i].plus_product(weights[0], far[i]);
            }
            for (row, w) in rows.into_iter().zip(weights[1..].as_chunks::<3>().0) {
                let row: &[D::Work; LANES + 2] = self.planes.data[row..].first_chunk().expect("padded");
                for i in 0..LANES {
                    let west = sum[i].plus_product(w[0], row[i]);
                    sum[i] = west.plus_product(w[1], row[i + 1]).plus_product(w[2], row[i + 2]);
                }
            }
            sums[lane] = sum;
        }
    }

    /// Sets the originals of a group's rows by lane, their ends again in the padding.
    fn stage(&mut self, rows: &[D::Value]) {
        let nx = self.dims[2];
        let mut rows = rows.chunks_exact(nx);
        let mut last: &[D::Value] = &[];
        for to in &mut self.staged {
            last = rows.next().unwrap_or(last);
            let (before, rest) = to.split_at_mut(PAD);
            let (row, behind) = rest.split_at_mut(nx);
            before.fill(last[0]);
            row.copy_from_slice(last);
            behind.fill(last[nx - 1]);
        }
    }

    /// Codes or rebuilds rows `y` ... `y` + 7 of plane `z`, as many as there are.
    ///
    /// The encoder finds originals in `values` and leaves indices; the decoder finds indices. Both leave
    /// reconstructions in `values`, where exact values already are.
    #[inline(always)]
    pub fn group<const ENCODE: bool>(&mut self, z: usize, y: usize, values: &mut [D::Value]) {
        match self.passed == [0; LANES] {
            true => self.group_of::<ENCODE, false>(z, y, values),
            false => self.group_of::<ENCODE, true>(z, y, values),
        }
    }

    /// [`Wave::group`], where `PASSING` says whether any place is passed over.
    #[inline(always)]
    fn group_of<const ENCODE: bool, const PASSING: bool>(
        &mut self,
        z: usize,
        y: usize,
        values: &mut [D::Value],
    ) {
        let [_, ny, nx] = self.dims;
        let rows = (ny - y).min(LANES);
        let values = &mut values[(z * ny + y) * nx..][..rows * nx];
        let originals_matter = ENCODE || self.odd;
        if originals_matter {
            self.stage(values);
        }
        let starts: [usize; LANES] =
            std::array::from_fn(|l| self.planes.row(z, (y + l).min(ny - 1) as isize));
        let back = self.weights.back;
        let mut near = [[0; 4]; LANES];
        if back.is_some() {
            for (lane, near) in near.iter_mut().enumerate() {
                *near = self.near(z, (y + lane).min(ny - 1));
            }
        }
        let above = self.planes.row(z, y as isize - 1);
        let above2 = self.planes.row(z, y as isize - 2);
        let w = self.weights.row;

        let first = self.planes.data[above];
        let mut west = [first; LANES];
        let mut west2 = [first; LANES];
        let lane0 = |i: isize| {
            self.vectors.shift([D::Work::default(); LANES], self.planes.data[above.wrapping_add_signed(i)])
        };
        // North-east, and what it was one to four steps ago: north, north-west, ...
        let mut north = [0, -1, -2, -3, -4].map(lane0);
        // By row, and by time.
        let mut works = [[D::Work::default(); LANES]; LANES];
        let mut numbers = [[D::Index::default(); LANES]; LANES];
        let mut found = [[D::from_bits(0); LANES]; LANES];
        let (mut backs, mut seen) = (works, works);
        let mut indices = numbers;
        let (mut originals, mut rebuilt) = (found, found);
        let mut masks = [[D::Index::ONES; LANES]; LANES];
        for t in (0..nx + LAG * (rows - 1)).step_by(LANES) {
            if let Some(weights) = &back {
                self.backs(weights, &near, t, &mut works);
                self.vectors.transpose(&works, &mut backs);
            }
            if originals_matter {
                block(&self.staged, t, &mut found);
                self.vectors.transpose(&found, &mut originals);
            }
            if PASSING {
                block(&self.masks, t, &mut numbers);
                self.vectors.transpose(&numbers, &mut masks);
            }
            if !ENCODE {
                block(&self.indices, t, &mut numbers);
                self.vectors.transpose(&numbers, &mut indices);
            }
            let ramp = t < LAG * LANES || t + LANES > nx;
            let ahead: &[D::Work; LANES] = self.planes.data[above + t + 1..].first_chunk().expect("padded");
            let ahead = *ahead;
            let ahead2: &[D::Work; LANES] = self.planes.data[above2 + t..].first_chunk().expect("padded");
            let ahead2 = *ahead2;
            for i in 0..LANES {
                let t = t + i;
                north = [self.vectors.shift(west2, ahead[i]), north[0], north[1], north[2], north[3]];
                let north2 = self.vectors.shift(north[4], ahead2[i]);
                let mut p = backs[i];
                for j in 0..LANES {
                    let sum = p[j].plus_product(w[0], north2[j]).plus_product(w[1], north[2][j]);
                    let sum = sum.plus_product(w[2], north[1][j]).plus_product(w[3], north[0][j]);
                    p[j] = sum.plus_product(w[4], west2[j]).plus_product(w[5], west[j]);
                }
                let mut failed = false;
                if ENCODE {
                    let holds;
                    let mask = if PASSING { masks[i] } else { [D::Index::ONES; LANES] };
                    (indices[i], holds) = self.domain.quantise_lanes(&originals[i], &p, &mask);
                    failed = !holds;
                }
                let mut here = p;
                for j in 0..LANES {
                    (rebuilt[i][j], here[j]) = self.domain.rebuild(indices[i][j].to_i64(), p[j]);
                }
                if PASSING {
                    for j in 0..LANES {
                        here[j] = if masks[i][j] == D::Index::default() { p[j] } else { here[j] };
                    }
                }
                if failed || self.odd {
                    let mut step = (indices[i], rebuilt[i], here);
                    self.singles::<ENCODE>(t, rows, &originals[i], &p, &mut step);
                    (indices[i], rebuilt[i], here) = step;
                }
                if ramp {
                    // Before its first column a row is the first value above; behind its last, that one.
                    let above = self.vectors.shift(here, here[0]);
                    for j in 0..LANES {
                        let x = t as i32 - (LAG * j) as i32;
                        let outside = (x < 0) | (x >= nx as i32);
                        let edge = if x == -(LAG as i32) { above[j] } else { west[j] };
                        here[j] = if outside { edge } else { here[j] };
                    }
                }
                seen[i] = here;
                west2 = west;
                west = here;
            }
            self.vectors.transpose(&seen, &mut works);
            for lane in 0..rows {
                let to = starts[lane] + t - LAG * lane;
                self.planes.data[to..to + LANES].copy_from_slice(&works[lane]);
            }
            self.vectors.transpose(&rebuilt, &mut found);
            set_block(&mut self.staged, t, &found);
            if ENCODE {
                self.vectors.transpose(&indices, &mut numbers);
                set_block(&mut self.indices, t, &numbers);
            }
        }
        for (lane, row) in values.chunks_exact_mut(nx).enumerate() {
            let staged = &self.staged[lane][PAD..PAD + nx];
            if !PASSING || self.passed[lane] == 0 {
                row.copy_from_slice(staged);
                continue;
            }
            for ((x, &rebuilt), &kind) in row.iter_mut().zip(staged).zip(&self.kinds[lane][PAD..]) {
                *x = if kind == PASSED { *x } else { rebuilt };
            }
        }
        for &start in &starts[..rows] {
            self.planes.open_row(start);
            self.planes.close_row(start, nx);
        }
    }

    /// The values of time `t`, any of which may be anything but regular: indices, reconstructions and what is seen.
    #[cold]
    #[inline(never)]
    fn singles<const ENCODE: bool>(
        &mut self,
        t: usize,
        rows: usize,
        originals: &[D::Value; LANES],
        p: &[D::Work; LANES],
        (indices, rebuilt, seen): &mut Step<D>,
    ) {
        for lane in 0..rows {
            let x = t.wrapping_sub(LAG * lane);
            if x >= self.dims[2] {
                continue;
            }
            let (original, p) = (originals[lane], p[lane]);
            let kind = &mut self.kinds[lane][PAD + x];
            if ENCODE && *kind == REGULAR {
                if let Some(k) = self.domain.quantise(original, p).and_then(D::Index::from_i64) {
                    indices[lane] = k;
                    (rebuilt[lane], seen[lane]) = self.domain.rebuild(k.to_i64(), p);
                    continue;
                }
                *kind = EXACT;
                self.odd = true;
            }
            if *kind != REGULAR {
                indices[lane] = D::Index::default();
                rebuilt[lane] = original;
                seen[lane] = if *kind == EXACT { self.domain.exact(original, p) } else { p };
            }
        }
    }
}
