//! Stage 2 itself: one walk over a chunk that predicts, codes and rebuilds each value from those before it.
//!
//! Written once for both directions, see [`Coder`]. Sums over the rows and planes before run over blocks of
//! sixteen values, which compilers turn into vector code; only what depends on the value just before is serial.

use super::context::{CAP, Model, Neighbours};
use super::domain::{Domain, Real};
use super::taps::TAPS;
use crate::codec::range_coder::Coder;

/// Columns of padding on both sides of a row, and rows on both sides of a plane: as far as the taps reach.
const SIDE: usize = 4;
const ROWS: usize = 3;
/// Values predicted at a time.
const BLOCK: usize = 16;

/// The last four planes of reconstructions and the last two of magnitudes, padded.
struct Planes<W> {
    values: Vec<W>,
    magnitudes: Vec<u16>,
    stride: usize,
    size: usize,
    kept: usize,
    kept_magnitudes: usize,
}

impl<W: Real> Planes<W> {
    fn new([nz, ny, nx]: [usize; 3]) -> Self {
        let stride = nx + 2 * SIDE;
        let size = (ny + 2 * ROWS) * stride;
        let (kept, kept_magnitudes) = if nz == 1 { (1, 1) } else { (4, 2) };
        Planes {
            values: vec![W::default(); kept * size + BLOCK],
            magnitudes: vec![0; kept_magnitudes * size + BLOCK],
            stride,
            size,
            kept,
            kept_magnitudes,
        }
    }

    /// Where row `y` (from -ROWS) of plane `z` starts: its first value, behind the padding.
    fn row(&self, z: usize, y: isize) -> usize {
        (z % self.kept) * self.size + (y + ROWS as isize) as usize * self.stride + SIDE
    }

    fn magnitude_row(&self, z: usize, y: isize) -> usize {
        (z % self.kept_magnitudes) * self.size + (y + ROWS as isize) as usize * self.stride + SIDE
    }

    /// Rows above plane `z`: those of the plane before, or zero; no magnitudes.
    fn open_plane(&mut self, z: usize) {
        for y in 1..=ROWS as isize {
            let to = self.row(z, -y) - SIDE;
            if z > 0 {
                let from = self.row(z - 1, 0) - SIDE;
                self.values.copy_within(from..from + self.stride, to);
            }
            let to = self.magnitude_row(z, -y) - SIDE;
            self.magnitudes[to..to + self.stride].fill(0);
        }
    }

    /// Rows below plane `z`: its last one again; no magnitudes.
    fn close_plane(&mut self, z: usize, ny: usize) {
        for y in 0..ROWS {
            let from = self.row(z, ny as isize - 1) - SIDE;
            let to = self.row(z, (ny + y) as isize) - SIDE;
            self.values.copy_within(from..from + self.stride, to);
            let to = self.magnitude_row(z, (ny + y) as isize) - SIDE;
            self.magnitudes[to..to + self.stride].fill(0);
        }
    }
}

/// How many rows are coded at a time, each with a coder of its own.
///
/// A value waits for the one before it on its row, through prediction, quantisation and the coder: some hundred
/// cycles in which a processor could do twice the work. So two rows advance together, the second [`LAG`] blocks
/// behind the first, as far as the taps reach ahead. One row at a time ran at 60 % of the speed.
pub const LANES: usize = 2;
const LAG: usize = 2;

/// A row on its way.
struct Lane<W> {
    /// Where it starts: in the chunk, in the planes, among the magnitudes, and those a plane back.
    at: usize,
    row: usize,
    magnitudes: usize,
    back: usize,
    /// Where each tap's values for the row's first value lie.
    taps: [usize; TAPS.len()],
    /// The three values before, newest first, and the magnitudes of two.
    before: [W; 3],
    west: u16,
    west2: u16,
    /// Of the current block: its first column, its length, what the rows and planes before say of its values.
    start: usize,
    len: usize,
    sums: [W; BLOCK],
    around: [u16; BLOCK],
    nearest: [u16; BLOCK],
}

/// One chunk being coded.
struct Walk<'a, D: Domain, M> {
    domain: D,
    dims: [usize; 3],
    planes: Planes<D::Work>,
    weights: [D::Work; TAPS.len()],
    taps: usize,
    model: M,
    special: &'a [u8],
    base: &'a [D::Work],
}

/// A chunk to be coded.
pub struct Chunk<'a, V, W> {
    /// Planes, rows, columns.
    pub dims: [usize; 3],
    /// A weight for each tap that serves chunks of these dimensions.
    pub weights: &'a [i16],
    /// Where not empty: places with a nonzero entry are passed over. Their neighbours see what was predicted there.
    pub special: &'a [u8],
    /// What is known of each value beforehand, in work numbers; empty where there is nothing.
    pub base: &'a [W],
    /// The encoder finds originals here and leaves reconstructions; the decoder finds anything and leaves the same.
    pub values: &'a mut [V],
}

/// Codes a chunk in `domain`, row by row in [`LANES`] lanes, its indices by a fresh `M`.
#[inline(always)]
pub fn walk<D: Domain, C: Coder, M: Model>(
    domain: D,
    coders: &mut [C; LANES],
    chunk: Chunk<D::Value, D::Work>,
) {
    let Chunk { dims, weights, special, base, values } = chunk;
    let [nz, ny, nx] = dims;
    let mut w = [D::Work::default(); TAPS.len()];
    w.iter_mut().zip(weights).for_each(|(w, &i)| *w = D::Work::weight(i));
    let planes = Planes::new(dims);
    let model = M::new(nz == 1);
    let mut walk = Walk { domain, dims, planes, weights: w, taps: weights.len(), model, special, base };
    let blocks = nx.div_ceil(BLOCK);
    // Row y starts when the row above is LAG blocks ahead and its own lane is free.
    let begins = |y: usize| match blocks {
        0..=3 => y * LAG,
        _ => y / LANES * blocks + y % LANES * LAG,
    };
    for z in 0..nz {
        walk.planes.open_plane(z);
        let mut lanes = [Lane::default(), Lane::default()];
        let mut next = 0;
        for time in 0..begins(ny - 1) + blocks {
            for lane in &mut lanes {
                walk.close_block(lane);
            }
            if next < ny && begins(next) == time {
                lanes[next % LANES] = walk.open_row(z, next);
                next += 1;
            }
            for lane in &mut lanes {
                walk.open_block(lane);
            }
            let [first, second] = &mut lanes;
            let [coder, coder2] = &mut *coders;
            for i in 0..BLOCK {
                if i < first.len {
                    walk.step(coder, first, i, values);
                }
                if i < second.len {
                    walk.step(coder2, second, i, values);
                }
            }
        }
        for lane in &mut lanes {
            walk.close_block(lane);
        }
        walk.planes.close_plane(z, ny);
    }
}

impl<W: Real> Default for Lane<W> {
    fn default() -> Self {
        Lane {
            at: 0,
            row: 0,
            magnitudes: 0,
            back: 0,
            taps: [0; TAPS.len()],
            before: [W::default(); 3],
            west: 0,
            west2: 0,
            start: 0,
            len: 0,
            sums: [W::default(); BLOCK],
            around: [0; BLOCK],
            nearest: [0; BLOCK],
        }
    }
}

impl<D: Domain, M: Model> Walk<'_, D, M> {
    #[inline(always)]
    fn open_row(&mut self, z: usize, y: usize) -> Lane<D::Work> {
        let planes = &mut self.planes;
        let row = planes.row(z, y as isize);
        let magnitudes = planes.magnitude_row(z, y as isize);
        let first = planes.values[row - planes.stride];
        planes.values[row - SIDE..row].fill(first);
        planes.magnitudes[magnitudes - SIDE..magnitudes].fill(0);
        let mut taps = [0; TAPS.len()];
        for (t, &(dz, dy, dx)) in taps.iter_mut().zip(&TAPS).take(self.taps).skip(3) {
            *t = planes.row(z + 4 - dz.unsigned_abs(), y as isize + dy).wrapping_add_signed(dx);
        }
        let back = planes.magnitude_row(z + 1, y as isize); // of two planes the other one
        let at = (z * self.dims[1] + y) * self.dims[2];
        Lane { at, row, magnitudes, back, taps, before: [first; 3], ..Lane::default() }
    }

    /// Sums up what the rows and planes before say of the next block, if the row has one.
    #[inline(always)]
    fn open_block(&mut self, lane: &mut Lane<D::Work>) {
        lane.len = BLOCK.min(self.dims[2] - lane.start) * (lane.row != 0) as usize;
        if lane.len == 0 {
            return;
        }
        let mut sums = [D::Work::default(); BLOCK];
        for (&w, &tap) in self.weights[..self.taps].iter().zip(&lane.taps).skip(3) {
            let near: &[D::Work; BLOCK] =
                self.planes.values[tap + lane.start..].first_chunk().expect("padded");
            for (s, &n) in sums.iter_mut().zip(near) {
                *s = s.plus_product(w, n);
            }
        }
        lane.sums = sums;
        let block = |row: usize| -> &[u16; BLOCK] {
            self.planes.magnitudes[row + lane.start..].first_chunk().expect("padded")
        };
        let stride = self.planes.stride;
        let row = lane.magnitudes - stride;
        let (north, north_east) = (block(row), block(row + 1));
        let (north_west, north2) = (block(row - 1), block(row - stride));
        for i in 0..BLOCK {
            lane.around[i] = north[i] * 2 + north_east[i] + north_west[i] + north2[i];
            lane.nearest[i] = north[i].min(3) * 16 + north_east[i].min(1) * 2;
        }
        if self.taps == TAPS.len() {
            let (back, back_east, back_west) = (block(lane.back), block(lane.back + 1), block(lane.back - 1));
            let (back_north, back_south) = (block(lane.back - stride), block(lane.back + stride));
            for i in 0..BLOCK {
                lane.around[i] += back[i] * 2 + back_east[i] + back_west[i] + back_north[i] + back_south[i];
                lane.nearest[i] += back[i].min(3) * 4;
            }
        }
    }

    /// Moves on to the next block; behind the last one, pads the row's end.
    #[inline(always)]
    fn close_block(&mut self, lane: &mut Lane<D::Work>) {
        lane.start += lane.len;
        lane.len = 0;
        let nx = self.dims[2];
        if lane.row != 0 && lane.start == nx {
            self.planes.values[lane.row + nx..][..SIDE].fill(lane.before[0]);
            self.planes.magnitudes[lane.magnitudes + nx..][..SIDE].fill(lane.west);
            lane.row = 0;
        }
    }

    /// Codes the value `i` of the lane's block.
    #[inline(always)]
    fn step<C: Coder>(&mut self, coder: &mut C, lane: &mut Lane<D::Work>, i: usize, values: &mut [D::Value]) {
        let x = lane.start + i;
        let [a, b, c] = lane.before;
        let w = &self.weights;
        let mut p = lane.sums[i].plus(w[0].product(a).plus(w[1].product(b).plus(w[2].product(c))));
        let base = self.base.get(lane.at + x).copied();
        if let Some(base) = base {
            p = p.plus(base);
        }
        let value = &mut values[lane.at + x];
        let (magnitude, seen);
        if !self.special.is_empty() && self.special[lane.at + x] != 0 {
            (magnitude, seen) = (0, p);
        } else {
            let near = Neighbours {
                around: lane.around[i],
                nearest: lane.nearest[i],
                west: lane.west,
                west2: lane.west2,
            };
            let settled = if C::ENCODE { self.domain.settle(*value, p) } else { None };
            match self.model.code(coder, settled.map(|(index, ..)| index), near) {
                Some(index) => {
                    let (rebuilt, work) = match settled {
                        Some((_, rebuilt, work)) => (rebuilt, work),
                        None => self.domain.rebuild(index, p),
                    };
                    *value = rebuilt;
                    (magnitude, seen) = (index.unsigned_abs().min(CAP) as u16, work);
                }
                None => {
                    *value = exactly::<D, C>(coder, *value);
                    (magnitude, seen) = (CAP as u16, self.domain.exact(*value, p));
                }
            }
        }
        let seen = base.map_or(seen, |base| seen.minus(base));
        lane.before = [seen, a, b];
        (lane.west2, lane.west) = (lane.west, magnitude);
        self.planes.values[lane.row + x] = seen;
        self.planes.magnitudes[lane.magnitudes + x] = magnitude;
    }
}

/// A value's own bits.
#[cold]
pub fn exactly<D: Domain, C: Coder>(coder: &mut C, x: D::Value) -> D::Value {
    let bits = D::to_bits(x);
    let mut out = coder.raw(bits & 0xffff_ffff, 32);
    if D::BITS > 32 {
        out |= coder.raw(bits >> 32, 32) << 32;
    }
    D::from_bits(out)
}
