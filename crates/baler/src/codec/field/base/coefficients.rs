//! The coder of quantised coefficients, band after band, each from what its neighbours, its parents (the same place
//! and direction, one scale coarser) and its siblings (the same place and scale, other directions) were.

use super::bands::Band;
use crate::codec::adaptive::{Bit, Counter, Mixer, Symbols};
use crate::codec::range_coder::Coder;

/// Values whose surroundings are summed up at a time.
const BLOCK: usize = 16;
/// Magnitudes are capped at this where they serve as context, so that sums of them fit 16 bits.
const CAP: u32 = 1023;
/// Padding around a band's magnitudes.
const PAD: usize = 2;

/// The magnitudes of one band, padded with zeros.
struct Magnitudes {
    values: Vec<u16>,
    row: usize,
    plane: usize,
}

impl Magnitudes {
    fn new([nz, ny, nx]: [usize; 3]) -> Self {
        let row = nx + 2 * PAD;
        let plane = (ny + 2 * PAD) * row;
        Magnitudes { values: vec![0; (nz + 2 * PAD) * plane + BLOCK], row, plane }
    }

    /// Where a row starts.
    fn at(&self, z: usize, y: usize) -> usize {
        (z + PAD) * self.plane + (y + PAD) * self.row + PAD
    }

    fn block(&self, at: usize) -> &[u16; BLOCK] {
        self.values[at..].first_chunk().expect("padded")
    }
}

/// What the surroundings of a row's values come to, as numbers to be weighed.
struct Surroundings {
    /// In the same band, the row before and the plane before: their sum, and each.
    near: Vec<f32>,
    north: Vec<u16>,
    up: Vec<u16>,
    /// In the same band, those a row or a plane before and one aside; those two before.
    aside: Vec<f32>,
    far: Vec<f32>,
    /// Means over the parents and over the siblings: at the place itself, and of its six neighbours' sums.
    parents: Means,
    siblings: Means,
}

#[derive(Default)]
struct Means {
    own: Vec<f32>,
    around: Vec<f32>,
}

impl Means {
    fn new(room: usize) -> Self {
        Means { own: vec![0.0; room], around: vec![0.0; room] }
    }

    /// The means over `references` around the places of row [z, y] of band `here`.
    #[inline(always)]
    fn see(
        &mut self,
        known: &[Magnitudes],
        bands: &[Band],
        here: usize,
        [z, y]: [usize; 2],
        references: &[usize],
    ) {
        let nx = bands[here].len[2];
        self.own[..nx].fill(0.0);
        self.around[..nx].fill(0.0);
        for &r in references {
            let (m, band) = (&known[r], &bands[r]);
            let shift: [u8; 3] = std::array::from_fn(|a| band.scale[a] - bands[here].scale[a]);
            let place = |a: usize, i: usize| (i >> shift[a]).min(band.len[a] - 1);
            let at = m.at(place(0, z), place(1, y));
            let shift = shift[2];
            for x in (0..nx).step_by(BLOCK << shift) {
                let at = at + (x >> shift);
                let own = m.block(at);
                let (w, e) = (m.block(at - 1), m.block(at + 1));
                let (n, s) = (m.block(at - m.row), m.block(at + m.row));
                let (u, d) = (m.block(at - m.plane), m.block(at + m.plane));
                let around: [u16; BLOCK] = std::array::from_fn(|i| w[i] + e[i] + n[i] + s[i] + u[i] + d[i]);
                if shift == 0 {
                    for i in 0..BLOCK {
                        self.own[x + i] += own[i] as f32;
                        self.around[x + i] += around[i] as f32;
                    }
                } else {
                    for i in 0..(BLOCK << shift).min(nx - x) {
                        self.own[x + i] += own[i >> shift] as f32;
                        self.around[x + i] += around[i >> shift] as f32;
                    }
                }
            }
        }
        if references.len() > 1 {
            let share = 1.0 / references.len() as f32;
            self.own[..nx].iter_mut().for_each(|o| *o *= share);
            self.around[..nx].iter_mut().for_each(|o| *o *= share);
        }
    }
}

impl Surroundings {
    fn new(nx: usize) -> Self {
        let room = nx + BLOCK;
        Surroundings {
            near: vec![0.0; room],
            north: vec![0; room],
            up: vec![0; room],
            aside: vec![0.0; room],
            far: vec![0.0; room],
            parents: Means::new(room),
            siblings: Means::new(room),
        }
    }

    /// Sums up what is known before row (z, y) of a band is coded.
    #[inline(always)]
    fn see(&mut self, known: &[Magnitudes], bands: &[Band], here: usize, z: usize, y: usize) {
        let (m, band) = (&known[here], &bands[here]);
        let at = m.at(z, y);
        for x in (0..band.len[2]).step_by(BLOCK) {
            let at = at + x;
            let (n, u) = (m.block(at - m.row), m.block(at - m.plane));
            let (nw, ne, nn) = (m.block(at - m.row - 1), m.block(at - m.row + 1), m.block(at - 2 * m.row));
            let (uw, ue, uu) =
                (m.block(at - m.plane - 1), m.block(at - m.plane + 1), m.block(at - 2 * m.plane));
            let (un, us) = (m.block(at - m.plane - m.row), m.block(at - m.plane + m.row));
            for i in 0..BLOCK {
                self.near[x + i] = (n[i] + u[i]) as f32;
                self.aside[x + i] = (nw[i] + ne[i] + uw[i] + ue[i] + un[i] + us[i]) as f32;
                self.far[x + i] = (nn[i] + uu[i]) as f32;
                (self.north[x + i], self.up[x + i]) = (n[i], u[i]);
            }
        }
        self.parents.see(known, bands, here, [z, y], &band.parents);
        self.siblings.see(known, bands, here, [z, y], &band.siblings);
    }
}

/// Classes of expected magnitude.
const CLASSES: usize = 60;
/// Classes told apart where several contexts are combined.
const COARSE: usize = 32;
/// Decisions that are mixed from several contexts: zero, one, two or more.
const MIXED: usize = 3;
/// Contexts mixed.
const INPUTS: usize = 6;
/// Kinds of bands: by how many axes are high, and by scale.
const KINDS: usize = 16;

/// The class of an expected magnitude in sixteenths: linear below 4, then four to an octave.
#[inline(always)]
fn class(expected: u32) -> usize {
    if expected < 4 {
        return expected as usize;
    }
    let octave = 31 - expected.leading_zeros();
    ((octave - 2) * 4 + ((expected >> (octave - 2)) & 3) + 4) as usize
}

/// A magnitude's class, in eight.
static COARSELY: [u8; 17] = [0, 1, 2, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 6];

/// Weights that turn [`Near`]'s features into an expected magnitude; they learn.
#[derive(Clone, Copy)]
struct Expectation([f32; 8]);

impl Expectation {
    const NEW: Expectation = Expectation([0.14, 0.08, 0.04, 0.1, 0.025, 0.12, 0.03, 0.1]);

    #[inline(always)]
    fn of(&self, f: &[f32; 8]) -> f32 {
        let p: [f32; 8] = std::array::from_fn(|i| self.0[i] * f[i]);
        ((p[0] + p[4]) + (p[1] + p[5])) + ((p[2] + p[6]) + (p[3] + p[7]))
    }

    /// One step of normalised least mean squares; no weight falls below zero.
    #[inline(always)]
    fn learn(&mut self, f: &[f32; 8], error: f32) {
        let q: [f32; 8] = std::array::from_fn(|i| f[i] * f[i]);
        let norm = 1.0 + (((q[0] + q[4]) + (q[1] + q[5])) + ((q[2] + q[6]) + (q[3] + q[7])));
        let gain = 0.002 * error / norm;
        for (w, f) in self.0.iter_mut().zip(f) {
            let moved = *w + gain * f;
            *w = if moved < 0.0 { 0.0 } else { moved };
        }
    }
}

/// The adaptive state.
struct Contexts {
    /// Whether a block whose surroundings are all zero is zero too, by kind.
    empty: [Bit; KINDS],
    expectations: [Expectation; KINDS],
    counters: Vec<[Counter; MIXED]>,
    mixers: Vec<[Mixer<INPUTS>; MIXED]>,
    symbols: [Symbols; CLASSES],
    lengths: Symbols,
}

/// Counters of one input.
const SLOTS: usize = 1024;

impl Contexts {
    fn new() -> Self {
        Contexts {
            empty: [Bit::NEW; KINDS],
            expectations: [Expectation::NEW; KINDS],
            counters: vec![[Counter::NEW; MIXED]; SLOTS * INPUTS],
            mixers: vec![[Mixer::NEW; MIXED]; KINDS],
            symbols: [Symbols::NEW; CLASSES],
            lengths: Symbols::NEW,
        }
    }
}

/// The quantiser of coefficients: a dead zone a little wider than a step, and points a little toward zero, since
/// small coefficients are more frequent than large ones.
#[derive(Debug, Clone, Copy)]
pub struct Quantiser {
    /// Distance between points.
    pub step: f32,
}

impl Quantiser {
    #[inline(always)]
    fn index(self, x: f32) -> i32 {
        let a = x.abs() / self.step;
        let k = if a < 8.0 { (a + 0.4) as i32 } else { (a + 0.5) as i32 };
        if x < 0.0 { -k } else { k }
    }

    #[inline(always)]
    fn point(self, k: i32) -> f32 {
        let a = match k.unsigned_abs() {
            0 => 0.0,
            1 => 0.95,
            2 => 1.97,
            a => a as f32,
        };
        let x = a * self.step;
        if k < 0 { -x } else { x }
    }
}

/// Codes the coefficients of `bands` in `v`, of `dims`: an encoder finds them there, both leave what a decoder knows.
#[inline(always)]
pub fn code<C: Coder>(coder: &mut C, v: &mut [f32], dims: [usize; 3], bands: &[Band], quantiser: Quantiser) {
    let mut known: Vec<Magnitudes> = bands.iter().map(|b| Magnitudes::new(b.len)).collect();
    let mut contexts = Contexts::new();
    let mut around = Surroundings::new(dims[2]);
    code_lowest(coder, v, dims, &bands[0], quantiser, &mut known[0], &mut contexts);
    for (i, band) in bands.iter().enumerate().skip(1) {
        let finest = band.scale.iter().min().copied().unwrap_or(0).min(3) as usize;
        let kind = (band.high.count_ones() as usize).min(3) * 4 + finest;
        for z in 0..band.len[0] {
            for y in 0..band.len[1] {
                around.see(&known, bands, i, z, y);
                let from = ((band.start[0] + z) * dims[1] + band.start[1] + y) * dims[2] + band.start[2];
                let row = &mut v[from..from + band.len[2]];
                let at = known[i].at(z, y);
                code_row(
                    coder,
                    row,
                    &around,
                    &mut known[i].values[at - PAD..],
                    kind,
                    quantiser,
                    &mut contexts,
                );
            }
        }
    }
}

/// Codes one row; `magnitudes` start [`PAD`] before it.
#[inline(always)]
fn code_row<C: Coder>(
    coder: &mut C,
    row: &mut [f32],
    around: &Surroundings,
    magnitudes: &mut [u16],
    kind: usize,
    quantiser: Quantiser,
    contexts: &mut Contexts,
) {
    let (mut w, mut ww) = (0u16, 0u16);
    for start in (0..row.len()).step_by(BLOCK) {
        let end = (start + BLOCK).min(row.len());
        let none = |part: &[f32]| part[start..start + BLOCK].iter().fold(0.0, |a, &b| a + b) == 0.0;
        let quiet = w | ww == 0
            && none(&around.near)
            && none(&around.aside)
            && none(&around.far)
            && none(&around.parents.own)
            && none(&around.parents.around)
            && none(&around.siblings.own)
            && none(&around.siblings.around);
        if quiet {
            let zero = C::ENCODE && row[start..end].iter().all(|&x| quantiser.index(x) == 0);
            if contexts.empty[kind].code(coder, zero) {
                row[start..end].fill(0.0);
                continue;
            }
        }
        for x in start..end {
            let near = Near {
                features: [
                    around.near[x] + w as f32,
                    around.aside[x],
                    around.far[x] + ww as f32,
                    around.parents.own[x],
                    around.parents.around[x],
                    around.siblings.own[x],
                    around.siblings.around[x],
                    0.1,
                ],
                nearest: [w, around.north[x], around.up[x]],
            };
            let k = contexts.code(coder, if C::ENCODE { quantiser.index(row[x]) } else { 0 }, &near, kind);
            row[x] = quantiser.point(k);
            let m = k.unsigned_abs().min(CAP) as u16;
            (ww, w) = (w, m);
            magnitudes[PAD + x] = m;
        }
    }
}

/// The surroundings of one coefficient.
struct Near {
    features: [f32; 8],
    nearest: [u16; 3],
}

impl Contexts {
    #[inline(always)]
    fn code<C: Coder>(&mut self, coder: &mut C, k: i32, near: &Near, kind: usize) -> i32 {
        let f = &near.features;
        let expected = self.expectations[kind].of(f);
        let fine = |e: f32| class((e * 64.0) as u32);
        let class = fine(expected).min(CLASSES - 1);
        let causal = fine((f[0] + 0.5 * f[1] + 0.35 * f[2]) * 0.145).min(COARSE - 1);
        let parents = fine(0.5 * f[3] + f[4] * (0.5 / 6.0)).min(COARSE - 1);
        let siblings = fine(0.5 * f[5] + f[6] * (0.5 / 6.0)).min(COARSE - 1);
        let nearest = near.nearest.map(|m| COARSELY[m.min(16) as usize] as usize);
        let slots = [
            class * 16 + kind,
            (nearest[0] * 8 + nearest[1]) * 8 + nearest[2],
            parents * COARSE + causal,
            siblings * COARSE + causal,
            fine(f[1] / 6.0).min(COARSE - 1) * COARSE + fine(f[0] / 3.0).min(COARSE - 1),
            parents * COARSE + siblings,
        ];
        let magnitude = k.unsigned_abs() as u64;
        let mut floor = 0;
        while floor < MIXED as u64 {
            let d = floor as usize;
            let mut sets = self.counters.chunks_exact_mut(SLOTS);
            let inputs = slots.map(|s| &mut sets.next().expect("a set an input")[s][d]);
            if !self.mixers[kind][d].code(coder, magnitude > floor, inputs) {
                break;
            }
            floor += 1;
        }
        let magnitude = if floor < MIXED as u64 {
            floor
        } else {
            let shift = (class as u32).saturating_sub(24) / 4;
            let rest = magnitude.wrapping_sub(floor);
            let high = self.symbols[class].code(coder, (rest >> shift).min(15) as usize) as u64;
            let high =
                if high == 15 { 15 + self.code_large(coder, (rest >> shift).wrapping_sub(15)) } else { high };
            let low = coder.raw(rest & ((1 << shift) - 1), shift);
            (high << shift | low) + floor
        };
        self.expectations[kind].learn(f, magnitude.min(CAP as u64) as f32 - expected);
        if magnitude == 0 {
            return 0;
        }
        let negative = coder.raw((k < 0) as u64, 1) == 1;
        let k = magnitude as i32;
        if negative { k.wrapping_neg() } else { k }
    }

    /// A number by its length and its bits.
    #[cold]
    fn code_large<C: Coder>(&mut self, coder: &mut C, number: u64) -> u64 {
        let number = number.wrapping_add(1);
        let length = self.lengths.code(coder, (number.max(1).ilog2() as usize).min(15));
        let length = if length < 15 {
            length as u32
        } else {
            15 + coder.raw((number.max(1).ilog2() as u64).wrapping_sub(15) & 15, 4) as u32
        };
        let bits = coder.raw(number & ((1 << length) - 1), length);
        (bits | 1 << length) - 1
    }
}

/// The lowest band: smooth, so the differences from what its neighbours foretell are coded.
#[inline(always)]
fn code_lowest<C: Coder>(
    coder: &mut C,
    v: &mut [f32],
    dims: [usize; 3],
    band: &Band,
    quantiser: Quantiser,
    magnitudes: &mut Magnitudes,
    contexts: &mut Contexts,
) {
    let [nz, ny, nx] = band.len;
    let mut indices = vec![0i32; nz * ny * nx];
    let mut last = 0.0;
    for z in 0..nz {
        for y in 0..ny {
            for x in 0..nx {
                let here = (z * ny + y) * nx + x;
                let foretold = if x > 0 && y > 0 {
                    indices[here - 1].wrapping_add(indices[here - nx]).wrapping_sub(indices[here - nx - 1])
                } else if x > 0 {
                    indices[here - 1]
                } else if y > 0 {
                    indices[here - nx]
                } else if z > 0 {
                    indices[here - nx * ny]
                } else {
                    0
                };
                let at = (z * dims[1] + y) * dims[2] + x;
                let k = if C::ENCODE { quantiser.index(v[at]).wrapping_sub(foretold) } else { 0 };
                let near = Near { features: [last, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1], nearest: [0; 3] };
                let k = contexts.code(coder, k, &near, 0);
                last = k.unsigned_abs().min(CAP) as f32 * 6.0;
                indices[here] = k.wrapping_add(foretold);
                v[at] = quantiser.point(indices[here]);
                let place = magnitudes.at(z, y) + x;
                magnitudes.values[place] = indices[here].unsigned_abs().min(CAP) as u16;
            }
        }
    }
}
