//! The coder of quantised coefficients, band after band, each from what its neighbours, its parents (the same place
//! and direction, one scale coarser) and its siblings (the same place and scale, other directions) were.

use super::bands::{Band, LEAST};
use super::block::{Block, NOTHING, Rows};
use super::contexts::{Contexts, Decisions, Near, coarsely};
use super::magnitudes::{BLOCK, CAP, Magnitudes};
use crate::codec::range_coder::Coder;

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
pub fn code<D: Decisions, C: Coder>(
    coder: &mut C,
    v: &mut [f32],
    dims: [usize; 3],
    bands: &[Band],
    quantiser: Quantiser,
    decisions: D,
) {
    let mut known: Vec<Magnitudes> = bands.iter().map(|b| Magnitudes::new(b.len)).collect();
    let mut contexts = Contexts::new(decisions);
    let mut rows = Rows::default();
    let zeros = vec![0.0; dims[2]];
    let mut indices = vec![0; dims[2]];
    code_lowest(coder, v, dims, &bands[0], quantiser, &mut known[0], &mut contexts);
    for (i, band) in bands.iter().enumerate().skip(1) {
        let kind = kind(band, dims);
        for z in 0..band.len[0] {
            for y in 0..band.len[1] {
                rows.find(&known, bands, i, [z, y]);
                let from = ((band.start[0] + z) * dims[1] + band.start[1] + y) * dims[2] + band.start[2];
                let (before, values) = v.split_at_mut(from);
                let n = band.len[2];
                let earlier = |distance: usize, exists| match exists {
                    true => &before[from - distance..][..n],
                    false => &zeros[..n],
                };
                let (above, back) = (earlier(dims[2], y > 0), earlier(dims[1] * dims[2], z > 0));
                let row =
                    Row { values: &mut values[..n], indices: &mut indices[..n], above, back, rows: &rows };
                code_row(coder, row, &known, kind, quantiser, &mut contexts);
                let at = known[i].at(z, y);
                known[i].note(at, &indices[..n]);
            }
        }
    }
}

/// A band's direction and scale, as contexts tell them apart.
fn kind(band: &Band, dims: [usize; 3]) -> usize {
    let axes = (0..3).filter(|&a| dims[a] >= LEAST);
    let (sum, count) = axes.fold((0, 0), |(sum, count), a| {
        (sum + band.scale[a] as usize - (band.high >> a & 1) as usize, count + 1)
    });
    let scale = (2 * sum + count).checked_div(2 * count).unwrap_or(0).min(3);
    scale * 8 + band.high as usize
}

/// A row being coded, and the values of those a row up and a plane back.
struct Row<'a> {
    values: &'a mut [f32],
    /// Where their indices go.
    indices: &'a mut [i32],
    above: &'a [f32],
    back: &'a [f32],
    rows: &'a Rows,
}

#[inline(always)]
fn code_row<C: Coder, D: Decisions>(
    coder: &mut C,
    row: Row,
    known: &[Magnitudes],
    kind: usize,
    quantiser: Quantiser,
    contexts: &mut Contexts<D>,
) {
    let Row { values, indices, above, back, rows } = row;
    if C::ENCODE {
        for (k, &x) in indices.iter_mut().zip(&*values) {
            *k = quantiser.index(x);
        }
    }
    // Without a step all values are zero, and have no sign.
    let has_sign = (quantiser.step > 0.0) as usize;
    let (mut west, mut west2, mut sign) = (0u16, 0u16, 0);
    let mut block = Block::QUIET;
    for start in (0..values.len()).step_by(BLOCK) {
        let n = BLOCK.min(values.len() - start);
        block.see(known, rows, start, n);
        let indices = &mut indices[start..start + n];
        if west | west2 == 0 {
            let mut any = 0;
            for k in &*indices {
                any |= k;
            }
            let empty = C::ENCODE && any == 0;
            if contexts.empty(coder, empty, &block, kind) == Some(true) {
                indices.fill(0);
                sign = 0;
                continue;
            }
        }
        if block.silent {
            block = Block::QUIET;
        }
        let (above, back) = (&above[start..start + n], &back[start..start + n]);
        for i in 0..n {
            let mut features = block.features[i];
            features[0] += west as f32;
            features[2] += west2 as f32;
            let nearest = coarsely(west) * 64 + block.nearest[i];
            let near = Near { features, nearest, both: block.both[i] };
            let k = contexts.code(coder, indices[i], &near, kind, || {
                (sign * 3 + sign_of(above[i])) * 3 + sign_of(back[i])
            });
            indices[i] = k;
            sign = has_sign * ((k > 0) as usize + 2 * (k < 0) as usize);
            (west2, west) = (west, k.unsigned_abs().min(CAP) as u16);
        }
    }
    for (x, &k) in values.iter_mut().zip(&*indices) {
        *x = quantiser.point(k);
    }
}

/// 0 for none, 1 for plus, 2 for minus.
#[inline(always)]
fn sign_of(x: f32) -> usize {
    2 * (x < 0.0) as usize + (x > 0.0) as usize
}

/// The lowest band: smooth, so the differences from what its neighbours foretell are coded.
#[inline(always)]
fn code_lowest<C: Coder, D: Decisions>(
    coder: &mut C,
    v: &mut [f32],
    dims: [usize; 3],
    band: &Band,
    quantiser: Quantiser,
    magnitudes: &mut Magnitudes,
    contexts: &mut Contexts<D>,
) {
    let [nz, ny, nx] = band.len;
    let mut indices = vec![0i32; nz * ny * nx];
    let mut last = 0u16;
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
                let mut features = NOTHING;
                features[0] = last as f32;
                let near = Near { features, nearest: 0, both: 0 };
                let k = contexts.code(coder, k, &near, 0, || 0);
                last = k.unsigned_abs().min(CAP) as u16 * 6;
                indices[here] = k.wrapping_add(foretold);
                v[at] = quantiser.point(indices[here]);
            }
            magnitudes.note(magnitudes.at(z, y), &indices[(z * ny + y) * nx..][..nx]);
        }
    }
}
