//! Stage 2 itself: one walk over a chunk that predicts, codes and rebuilds each value from those before it.
//!
//! Written once for both directions, see [`Coder`]. Sums over the rows and planes before run over blocks of
//! sixteen values, which compilers turn into vector code; only what depends on the value just before is serial.

use super::context::{CAP, Model, Neighbours};
use super::domain::{Domain, Real};
use super::padded::{BEHIND, Place, Seen};
use super::taps::TAPS;
use crate::codec::range_coder::Coder;

/// Values predicted at a time.
const BLOCK: usize = BEHIND;

/// How many rows are coded at a time, each with a coder of its own.
///
/// A value waits for the one before it on its row, through prediction, quantisation and the coder: some hundred
/// cycles in which a processor could do twice the work. So two rows advance together, the second [`LAG`] blocks
/// behind the first, as far as the taps reach ahead. One row at a time ran at 60 % of the speed.
pub const LANES: usize = 2;
const LAG: usize = 2;

/// A row on its way.
struct Lane<W> {
    /// Whether there is one.
    open: bool,
    /// Where it starts: in the chunk, and in what has been seen.
    at: usize,
    place: Place,
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
    seen: Seen<D::Work>,
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
    let seen = Seen::new(dims);
    let model = M::new(nz == 1);
    let mut walk = Walk { domain, dims, seen, weights: w, taps: weights.len(), model, special, base };
    let blocks = nx.div_ceil(BLOCK);
    // Row y starts when the row above is LAG blocks ahead and its own lane is free.
    let begins = |y: usize| match blocks {
        0..=3 => y * LAG,
        _ => y / LANES * blocks + y % LANES * LAG,
    };
    for z in 0..nz {
        walk.seen.values.open_plane(z);
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
        walk.seen.values.close_plane(z, ny);
    }
}

impl<W: Real> Default for Lane<W> {
    fn default() -> Self {
        Lane {
            open: false,
            at: 0,
            place: Place::default(),
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
        let (place, first) = self.seen.open_row(z, y);
        let mut taps = [0; TAPS.len()];
        for (t, &(dz, dy, dx)) in taps.iter_mut().zip(&TAPS).take(self.taps).skip(3) {
            // (Before the first plane everything is zero.)
            *t = self.seen.values.row(z + 4 - dz.unsigned_abs(), y as isize + dy).wrapping_add_signed(dx);
        }
        let at = (z * self.dims[1] + y) * self.dims[2];
        Lane { open: true, at, place, taps, before: [first; 3], ..Lane::default() }
    }

    /// Sums up what the rows and planes before say of the next block, if the row has one.
    #[inline(always)]
    fn open_block(&mut self, lane: &mut Lane<D::Work>) {
        if !lane.open {
            return;
        }
        lane.len = BLOCK.min(self.dims[2] - lane.start);
        let mut sums = [D::Work::default(); BLOCK];
        for (&w, &tap) in self.weights[..self.taps].iter().zip(&lane.taps).skip(3) {
            let near: &[D::Work; BLOCK] =
                self.seen.values.data[tap + lane.start..].first_chunk().expect("padded");
            for (s, &n) in sums.iter_mut().zip(near) {
                *s = s.plus_product(w, n);
            }
        }
        lane.sums = sums;
        let block = |row: usize| -> &[u16; BLOCK] {
            self.seen.magnitudes.data[row + lane.start..].first_chunk().expect("padded")
        };
        let stride = self.seen.magnitudes.stride;
        let [here, back] = lane.place.magnitudes;
        let row = here - stride;
        let (north, north_east) = (block(row), block(row + 1));
        let (north_west, north2) = (block(row - 1), block(row - stride));
        for i in 0..BLOCK {
            lane.around[i] = north[i] * 2 + north_east[i] + north_west[i] + north2[i];
            lane.nearest[i] = north[i].min(3) * 16 + north_east[i].min(1) * 2;
        }
        if self.taps == TAPS.len() {
            let (back_north, back_south) = (block(back - stride), block(back + stride));
            let (back, back_east, back_west) = (block(back), block(back + 1), block(back - 1));
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
        if lane.open && lane.start == nx {
            self.seen.close_row(&lane.place, nx);
            lane.open = false;
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
        self.seen.values.data[lane.place.values + x] = seen;
        self.seen.magnitudes.data[lane.place.magnitudes[0] + x] = magnitude;
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
