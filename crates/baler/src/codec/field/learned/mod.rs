//! The learned walk (format.md, section 5.8): a small integer network sees the neighbours of a value, corrects the linear
//! prediction, and says how far off it may be.
//!
//! Rows advance together, one a lane, each [`LAG`] columns behind the one above: so a network sees up to [`LANES`] places at
//! once, and its time is that of its products. Indices are coded place by place behind it.

mod index;
mod inputs;
mod network;
mod observe;

pub use inputs::inputs;
pub use network::Network;
pub use observe::{Observed, observe};

use super::context::{CAP, Neighbours};
use super::domain::{Domain, Real};
use super::kernel::exactly;
use super::padded::{Place, Seen};
use super::taps::{TAPS, Tap};
use crate::codec::range_coder::Coder;
use crate::model::kernel::LANES;
use index::Indices;
use inputs::{Each, Told};

/// Columns between a row and the one above: a tap reaches two ahead.
const LAG: usize = 3;

/// The tap a column ahead of tap `k`, or so many as there are.
const fn ahead(k: usize) -> usize {
    let (z, y, x) = TAPS[k];
    let mut i = 0;
    while i < TAPS.len() && !(TAPS[i].0 == z && TAPS[i].1 == y && TAPS[i].2 == x + 1) {
        i += 1;
    }
    i
}

/// Taps that have another a column ahead of them in so many rows.
const FOLLOWERS: usize = 18;
/// They, and those ahead of them; none before one that it is ahead of.
const FOLLOW: [(usize, usize); FOLLOWERS] = {
    let mut follow = [(0, 0); FOLLOWERS];
    let (mut n, mut column) = (0, -3);
    while column <= 2 {
        let mut k = 0;
        while k < TAPS.len() {
            if TAPS[k].2 == column && ahead(k) < TAPS.len() {
                follow[n] = (k, ahead(k));
                n += 1;
            }
            k += 1;
        }
        column += 1;
    }
    assert!(n == FOLLOWERS);
    follow
};
/// The others, the first of their rows.
static LEAD: [usize; TAPS.len() - FOLLOWERS] = {
    let mut lead = [0; TAPS.len() - FOLLOWERS];
    let (mut n, mut k) = (0, 0);
    while k < TAPS.len() {
        if ahead(k) == TAPS.len() {
            lead[n] = k;
            n += 1;
        }
        k += 1;
    }
    lead
};

/// Every tap, for a lane at the start of its row, which has nothing to slide.
static ALL: [usize; TAPS.len()] = {
    let mut all = [0; TAPS.len()];
    let mut k = 0;
    while k < TAPS.len() {
        all[k] = k;
        k += 1;
    }
    all
};

/// A chunk to be coded.
pub struct Chunk<'a, V> {
    /// Planes, rows, columns.
    pub dims: [usize; 3],
    /// Weights of the linear predictor.
    pub weights: &'a [i16],
    /// Where not empty: places with a nonzero entry are passed over. Their neighbours see what was predicted there.
    pub special: &'a [u8],
    /// The encoder finds originals here and leaves reconstructions; the decoder finds anything and leaves the same.
    pub values: &'a mut [V],
}

/// What predicts the places of a step.
pub trait Predictor {
    /// Takes what is told of all places; gives for each a correction of the linear prediction, in steps, and the class of
    /// its index's magnitude.
    fn predict<W: Real>(&mut self, told: &Told<W>, corrections: &mut Each<f32>, classes: &mut Each<i32>);
    /// Sees where the place `lane` lies in the chunk, if its value is regular. Encoder only.
    #[inline(always)]
    fn see(&mut self, _lane: usize, _at: usize) {}
}

/// A row on its way.
#[derive(Clone, Copy)]
struct Lane {
    place: Place,
    /// For each tap, what it sees of the row's first value.
    taps: [usize; TAPS.len()],
    /// Its first value in the chunk.
    at: usize,
    /// The column at hand; none once it is beyond the row.
    x: usize,
    /// The magnitudes of the two values before.
    west: [u16; 2],
}

/// A row begins when the one above is [`LAG`] ahead and its own lane is free: row `y` of a plane of rows of `nx`.
fn begins(y: usize, nx: usize) -> usize {
    y / LANES * nx.max(LAG * LANES) + LAG * (y % LANES)
}

/// Whether a chunk of (planes, rows, columns) keeps enough lanes at work: at a step the network runs for all of them, so
/// that thin planes, which only a hostile file would have coded so, would take it a hundred times as long.
pub fn serves([nz, ny, nx]: [usize; 3]) -> bool {
    const FEW: usize = 1 << 18;
    let steps = |ny: usize| nz * (begins(ny, nx) + nx);
    ny.checked_sub(1).is_some_and(|last| steps(last) <= FEW.max(nz * ny * nx / 4))
}

/// Codes a chunk in `domain`, its rows in [`LANES`] lanes, those of even numbers by the first coder.
#[inline(always)]
pub fn walk<D: Domain, C: Coder, P: Predictor>(
    domain: D,
    coders: &mut [C; 2],
    chunk: Chunk<D::Value>,
    predictor: &mut P,
) {
    let Chunk { dims, weights, special, values } = chunk;
    let [nz, ny, nx] = dims;
    let taps = weights.len();
    let mut w = [D::Work::default(); TAPS.len()];
    w.iter_mut().zip(weights).for_each(|(w, &i)| *w = D::Work::weight(i));
    let inverse = D::Work::from_f64(1.0 / domain.step());
    let mut before = Seen::<D::Work>::new(dims);
    let mut indices = Indices::new(nz == 1);
    let mut told = Told::default();
    let mut near = [[D::Work::default(); LANES]; TAPS.len()];
    let lead = &LEAD[..LEAD.iter().take_while(|&&k| k < taps).count()];
    let (mut corrections, mut classes) = ([0.0; LANES], [0; LANES]);
    for z in 0..nz {
        before.values.open_plane(z);
        let mut lanes: [Option<Lane>; LANES] = [None; LANES];
        let mut next = 0;
        for time in 0..begins(ny - 1, nx) + nx {
            if next < ny && begins(next, nx) == time {
                let (place, _) = before.open_row(z, next);
                let taps = TAPS.map(|tap| looked_at(&before, (z, next), &place, tap));
                lanes[next % LANES] =
                    Some(Lane { place, taps, at: (z * ny + next) * nx, x: 0, west: [0; 2] });
                next += 1;
            }
            // What a tap sees, the tap a column behind it sees next.
            for (k, ahead) in FOLLOW {
                near[k] = near[ahead];
            }
            for (j, lane) in lanes.iter().enumerate() {
                let Some(lane) = lane else { continue };
                // Planes before the first are all its value before.
                let whole = lane.x == 0 || z == 0 && nz > 1;
                for &k in if whole { &ALL[..taps] } else { lead } {
                    near[k][j] = before.values.data[lane.taps[k] + lane.x];
                }
            }
            let seen = |lane: &Lane, k: usize| before.values.data[lane.taps[k] + lane.x].to_f64().to_bits();
            let slid = |(j, lane): (usize, &Option<Lane>)| {
                lane.is_none_or(|l| (0..taps).all(|k| near[k][j].to_f64().to_bits() == seen(&l, k)))
            };
            debug_assert!(lanes.iter().enumerate().all(slid), "a neighbour is not what is there");
            told.tell(&near[..taps], &w[..taps], inverse);
            predictor.predict(&told, &mut corrections, &mut classes);
            for (j, slot) in lanes.iter_mut().enumerate() {
                let Some(lane) = slot else { continue };
                let at = lane.at + lane.x;
                let p = told.linear[j].plus(domain.distance(corrections[j]));
                let (magnitude, seen);
                if !special.is_empty() && special[at] != 0 {
                    (magnitude, seen) = (0, p);
                } else {
                    let value = &mut values[at];
                    if C::ENCODE {
                        predictor.see(j, at);
                    }
                    let around = around(&before, lane, taps);
                    let index = if C::ENCODE { domain.quantise(*value, p) } else { None };
                    let coder = &mut coders[j % 2];
                    match indices.code(coder, index, around, classes[j] as usize) {
                        Some(index) => {
                            let (rebuilt, work) = domain.rebuild(index, p);
                            *value = rebuilt;
                            (magnitude, seen) = (index.unsigned_abs().min(CAP) as u16, work);
                        }
                        None => {
                            *value = exactly::<D, C>(coder, *value);
                            (magnitude, seen) = (CAP as u16, domain.exact(*value, p));
                        }
                    }
                }
                before.values.data[lane.place.values + lane.x] = seen;
                before.magnitudes.data[lane.place.magnitudes[0] + lane.x] = magnitude;
                lane.west = [magnitude, lane.west[0]];
                lane.x += 1;
                if lane.x == nx {
                    before.close_row(&lane.place, nx);
                    *slot = None;
                }
            }
        }
        before.values.close_plane(z, ny);
    }
}

/// What a tap sees of the first value of row `y` of plane `z`: before the first plane the value before, and no other plane.
fn looked_at<W: Real>(before: &Seen<W>, (z, y): (usize, usize), place: &Place, (dz, dy, dx): Tap) -> usize {
    if z == 0 && dz != 0 {
        return place.values - 1;
    }
    let back = z.saturating_sub(dz.unsigned_abs());
    before.values.row(back, y as isize + dy).wrapping_add_signed(dx)
}

/// The magnitudes around the value at hand.
#[inline(always)]
fn around<W: Real>(before: &Seen<W>, lane: &Lane, taps: usize) -> Neighbours {
    let magnitudes = &before.magnitudes.data;
    let three = |at: usize| -> &[u16; 3] { magnitudes[at - 1..].first_chunk().expect("padded") };
    let (here, back) = (lane.place.magnitudes[0] + lane.x, lane.place.magnitudes[1] + lane.x);
    let stride = before.magnitudes.stride;
    let [nw, n, ne] = *three(here - stride);
    let mut around = n * 2 + ne + nw + magnitudes[here - 2 * stride];
    let mut nearest = n.min(3) * 16 + ne.min(1) * 2;
    if taps == TAPS.len() {
        let [w, m, e] = *three(back);
        around += m * 2 + e + w + magnitudes[back - stride] + magnitudes[back + stride];
        nearest += m.min(3) * 4;
    }
    Neighbours { around, nearest, west: lane.west[0], west2: lane.west[1] }
}
