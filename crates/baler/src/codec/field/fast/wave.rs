//! Prediction and reconstruction of eight rows at a time, one a vector lane.
//!
//! A value waits for the one before it on its row; eight rows, each [`LAG`] columns behind the one above, wait together.
//! Rows are cut into blocks of eight times, transposed on the way in and out. What planes before say of a block is
//! summed up row by row before that.

use super::super::domain::{Domain, Index, LANES, Real};
use super::taps::{BACK, Weights};
use super::vectors::{Block, Vectors};

/// Columns between a row and the one above: a tap reaches one ahead, and two steps hide the way to the next lane.
const LAG: usize = 3;
/// Columns of padding on both sides of a row, so that every lane may run through all times.
pub const PAD: usize = 32;
/// Rows of padding above a plane; one lies below.
const ABOVE: usize = 2;
/// Planes kept.
const KEPT: usize = 3;

/// An ordinary place.
pub const REGULAR: u8 = 0;
/// A place that is passed over.
pub const PASSED: u8 = 1;
/// A place whose value is coded exactly.
pub const EXACT: u8 = 2;

/// The lanes moved up by one, `first` in the first.
#[inline(always)]
fn shifted<T: Copy>(v: [T; LANES], first: T) -> [T; LANES] {
    [first, v[0], v[1], v[2], v[3], v[4], v[5], v[6]]
}

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
    planes: Vec<D::Work>,
    stride: usize,
    size: usize,
    kept: usize,
    /// The group's indices by lane, padded by [`PAD`].
    pub indices: [Vec<D::Index>; LANES],
    /// The group's values by lane, padded likewise.
    staged: [Vec<D::Value>; LANES],
    /// What kind of place each is, padded likewise.
    pub kinds: [Vec<u8>; LANES],
    /// Whether any place of the group is not regular.
    pub odd: bool,
}

impl<D: Domain, V: Vectors> Wave<D, V> {
    /// For a chunk of `dims`.
    pub fn new(vectors: V, domain: D, dims: [usize; 3], weights: &[i16]) -> Self {
        let [nz, ny, nx] = dims;
        let stride = nx + 2 * PAD;
        let size = (ny + ABOVE + 1) * stride;
        let kept = if nz == 1 { 1 } else { KEPT };
        Wave {
            vectors,
            domain,
            dims,
            weights: Weights::new(weights),
            planes: vec![D::Work::default(); kept * size],
            stride,
            size,
            kept,
            indices: std::array::from_fn(|_| vec![D::Index::default(); stride]),
            staged: std::array::from_fn(|_| vec![D::from_bits(0); stride]),
            kinds: std::array::from_fn(|_| vec![REGULAR; stride]),
            odd: false,
        }
    }

    /// Where row `y` (from -[`ABOVE`]) of plane `z` starts, behind the padding.
    fn row(&self, z: usize, y: isize) -> usize {
        z % self.kept * self.size + (y + ABOVE as isize) as usize * self.stride + PAD
    }

    /// Rows above plane `z`: the first one of the plane before.
    pub fn open_plane(&mut self, z: usize) {
        if z > 0 {
            let from = self.row(z - 1, 0) - PAD;
            for y in 1..=ABOVE as isize {
                let to = self.row(z, -y) - PAD;
                self.planes.copy_within(from..from + self.stride, to);
            }
        }
    }

    /// The row below plane `z`: its last one again.
    pub fn close_plane(&mut self, z: usize) {
        let ny = self.dims[1];
        let from = self.row(z, ny as isize - 1) - PAD;
        let to = self.row(z, ny as isize) - PAD;
        self.planes.copy_within(from..from + self.stride, to);
    }

    /// What the planes before say of a block: a row a lane, row `lane` from column `t` - [`LAG`] x `lane`.
    #[inline(always)]
    fn backs(&self, taps: &[[usize; BACK.len()]; LANES], t: usize, sums: &mut Block<D::Work>) {
        for lane in 0..LANES {
            let mut sum = [D::Work::default(); LANES];
            for (&w, &tap) in self.weights.back.iter().zip(&taps[lane]) {
                let near: &[D::Work; LANES] =
                    self.planes[tap + t - LAG * lane..].first_chunk().expect("padded");
                for i in 0..LANES {
                    sum[i] = sum[i].plus_product(w, near[i]);
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
        let [_, ny, nx] = self.dims;
        let rows = (ny - y).min(LANES);
        let values = &mut values[(z * ny + y) * nx..][..rows * nx];
        if ENCODE {
            self.stage(values);
        }
        let starts: [usize; LANES] = std::array::from_fn(|l| self.row(z, (y + l).min(ny - 1) as isize));
        let flat = self.weights.back.is_empty();
        let mut taps = [[0; BACK.len()]; LANES];
        for (l, taps) in taps.iter_mut().enumerate().filter(|_| !flat) {
            let row = (y + l).min(ny - 1) as isize;
            for (tap, (dz, dy, dx)) in taps.iter_mut().zip(BACK) {
                *tap = self.row(z + KEPT - dz.unsigned_abs(), row + dy).wrapping_add_signed(dx);
            }
        }
        let above = self.row(z, y as isize - 1);
        let above2 = self.row(z, y as isize - 2);
        let w = self.weights.row;

        let first = self.planes[above];
        let mut west = [first; LANES];
        let mut west2 = [first; LANES];
        let lane0 =
            |i: isize| shifted([D::Work::default(); LANES], self.planes[above.wrapping_add_signed(i)]);
        // North-east, and what it was one to four steps ago: north, north-west, ...
        let mut north = [0, -1, -2, -3, -4].map(lane0);
        // By row, and by time.
        let mut works = [[D::Work::default(); LANES]; LANES];
        let mut numbers = [[D::Index::default(); LANES]; LANES];
        let mut found = [[D::from_bits(0); LANES]; LANES];
        let (mut backs, mut seen) = (works, works);
        let mut indices = numbers;
        let (mut originals, mut rebuilt) = (found, found);
        for t in (0..nx + LAG * (rows - 1)).step_by(LANES) {
            if !flat {
                self.backs(&taps, t, &mut works);
                self.vectors.transpose(&works, &mut backs);
            }
            if ENCODE {
                block(&self.staged, t, &mut found);
                self.vectors.transpose(&found, &mut originals);
            } else {
                block(&self.indices, t, &mut numbers);
                self.vectors.transpose(&numbers, &mut indices);
            }
            let ramp = t < LAG * LANES || t + LANES > nx;
            let ahead: &[D::Work; LANES] = self.planes[above + t + 1..].first_chunk().expect("padded");
            let ahead = *ahead;
            let ahead2: &[D::Work; LANES] = self.planes[above2 + t..].first_chunk().expect("padded");
            let ahead2 = *ahead2;
            for i in 0..LANES {
                let t = t + i;
                north = [shifted(west2, ahead[i]), north[0], north[1], north[2], north[3]];
                let north2 = shifted(north[4], ahead2[i]);
                let mut p = backs[i];
                for j in 0..LANES {
                    let sum = p[j].plus_product(w[0], north2[j]).plus_product(w[1], north[2][j]);
                    let sum = sum.plus_product(w[2], north[1][j]).plus_product(w[3], north[0][j]);
                    p[j] = sum.plus_product(w[4], west2[j]).plus_product(w[5], west[j]);
                }
                let mut failed = false;
                if ENCODE {
                    let holds;
                    (indices[i], holds) = self.domain.quantise_lanes(&originals[i], &p);
                    failed = !holds;
                }
                for j in 0..LANES {
                    (rebuilt[i][j], seen[i][j]) = self.domain.rebuild(indices[i][j].to_i64(), p[j]);
                }
                if failed || self.odd {
                    for lane in 0..rows {
                        let x = t.wrapping_sub(LAG * lane);
                        if x < nx {
                            let original = if ENCODE { originals[i][lane] } else { values[lane * nx + x] };
                            let place = (lane, PAD + x);
                            let found = (&mut indices[i][lane], &mut rebuilt[i][lane], &mut seen[i][lane]);
                            self.single::<ENCODE>(place, original, p[lane], found);
                        }
                    }
                }
                if ramp {
                    // Before its first column a row is the first value above; behind its last, that one.
                    for lane in 0..LANES {
                        let x = t as isize - (LAG * lane) as isize;
                        if lane > 0 && x == -(LAG as isize) {
                            seen[i][lane] = seen[i][lane - 1];
                        } else if x < 0 || x >= nx as isize {
                            seen[i][lane] = west[lane];
                        }
                    }
                }
                west2 = west;
                west = seen[i];
            }
            self.vectors.transpose(&seen, &mut works);
            for lane in 0..rows {
                let to = starts[lane] + t - LAG * lane;
                self.planes[to..to + LANES].copy_from_slice(&works[lane]);
            }
            self.vectors.transpose(&rebuilt, &mut found);
            set_block(&mut self.staged, t, &found);
            if ENCODE {
                self.vectors.transpose(&indices, &mut numbers);
                set_block(&mut self.indices, t, &numbers);
            }
        }
        for (row, staged) in values.chunks_exact_mut(nx).zip(&self.staged) {
            row.copy_from_slice(&staged[PAD..PAD + nx]);
        }
        for &start in &starts[..rows] {
            let (first, last) = (self.planes[start - self.stride], self.planes[start + nx - 1]);
            self.planes[start - PAD..start].fill(first);
            self.planes[start + nx..start + nx + PAD].fill(last);
        }
    }

    /// One value that may be anything but regular.
    #[cold]
    #[inline(never)]
    fn single<const ENCODE: bool>(
        &mut self,
        (lane, x): (usize, usize),
        original: D::Value,
        p: D::Work,
        (index, rebuilt, seen): (&mut D::Index, &mut D::Value, &mut D::Work),
    ) {
        if ENCODE && self.kinds[lane][x] == REGULAR {
            match self.domain.quantise(original, p).and_then(D::Index::from_i64) {
                Some(k) => {
                    *index = k;
                    (*rebuilt, *seen) = self.domain.rebuild(k.to_i64(), p);
                    return;
                }
                None => {
                    self.kinds[lane][x] = EXACT;
                    self.odd = true;
                }
            }
        }
        match self.kinds[lane][x] {
            PASSED => (*index, *rebuilt, *seen) = (D::Index::default(), original, p),
            EXACT => {
                (*index, *rebuilt, *seen) = (D::Index::default(), original, self.domain.exact(original, p))
            }
            _ => {}
        }
    }
}
