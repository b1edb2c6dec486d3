//! The CDF 9/7 wavelet by lifting (Cohen, Daubechies, Feauveau 1992; Daubechies and Sweldens 1998), along any axes of
//! a box, whole-sample symmetric at its ends. f32, one IEEE operation at a time in a written order.
//!
//! A line is split into its even and its odd samples, and every lifting step is one loop over neighbours in memory:
//! along rows a line is a row, along other axes as many columns as fit [`ROOM`] are taken together. So compilers make vector code of
//! it, and every width of vectors gives the same bits.

use super::bands::Split;

/// Values lifted together, which stay in the second-level cache: the more columns, the longer the stretches that are read.
const ROOM: usize = 1 << 14;
/// Values of rows lifted together, which stay in the first-level cache.
const ROWS: usize = 1 << 11;
/// Columns lifted together at least: a line of the cache.
const LEAST: usize = 16;

/// The lifting steps of the 9/7 pair, and the gain that makes it nearly orthonormal.
const STEPS: [f32; 4] = [-1.586_134_3, -0.052_980_12, 0.882_911_1, 0.443_506_85];
const GAIN: f32 = 1.230_174_1;
const INVERSE_GAIN: f32 = 0.812_893_1;

/// `to[j] += c * (from[j] + from[j + w])`, in the middle; at the ends, where one is missing, the other counts twice.
///
/// `from` begins a sample before `to` where `lead`, else with it.
#[inline(always)]
fn lift(to: &mut [f32], from: &[f32], w: usize, lead: bool, c: f32) {
    let mut done = 0;
    if !lead {
        // The first of `to` has no neighbour before it.
        for j in 0..w {
            to[j] += c * (from[j] + from[j]);
        }
        done = w;
    }
    let both = (to.len() - done).min(from.len() - w);
    // By index: adapters of iterators are not always inlined where the caller is compiled for wider vectors.
    let (middle, before, after) = (&mut to[done..done + both], &from[..both], &from[w..w + both]);
    for j in 0..both {
        middle[j] += c * (before[j] + after[j]);
    }
    for j in done + both..to.len() {
        let a = from[j - done];
        to[j] += c * (a + a);
    }
}

/// The steps of [`lift`], one loop over all of `runs` after another: what a step has written has left the processor's store
/// buffer when the next one reads it, shifted.
#[inline(always)]
fn lift_all(to: &mut [f32], from: &[f32], runs: [usize; 2], w: usize, lead: bool, c: f32) {
    for (to, from) in to.chunks_exact_mut(runs[0]).zip(from.chunks_exact(runs[1])) {
        lift(to, from, w, lead, c);
    }
}

/// Even and odd samples of lines `w` abreast, to low and high ones; of one run of them or several, `low` even samples long and
/// `high` odd ones.
#[inline(always)]
fn forward(even: &mut [f32], odd: &mut [f32], [low, high]: [usize; 2], w: usize) {
    lift_all(odd, even, [high, low], w, true, STEPS[0]);
    lift_all(even, odd, [low, high], w, false, STEPS[1]);
    lift_all(odd, even, [high, low], w, true, STEPS[2]);
    lift_all(even, odd, [low, high], w, false, STEPS[3]);
    scale(even, GAIN);
    scale(odd, INVERSE_GAIN);
}

#[inline(always)]
fn scale(samples: &mut [f32], gain: f32) {
    for x in samples {
        *x *= gain;
    }
}

/// The inverse of [`forward`], but for rounding.
#[inline(always)]
fn inverse(even: &mut [f32], odd: &mut [f32], [low, high]: [usize; 2], w: usize) {
    scale(even, INVERSE_GAIN);
    scale(odd, GAIN);
    lift_all(even, odd, [low, high], w, false, -STEPS[3]);
    lift_all(odd, even, [high, low], w, true, -STEPS[2]);
    lift_all(even, odd, [low, high], w, false, -STEPS[1]);
    lift_all(odd, even, [high, low], w, true, -STEPS[0]);
}

/// Room for the even and odd samples of some lines.
struct Lines {
    even: Vec<f32>,
    odd: Vec<f32>,
}

impl Lines {
    /// Transforms the rows of `n` samples at the starts of `rows`, `stride` long.
    #[inline(always)]
    fn transform_rows(&mut self, rows: &mut [f32], n: usize, stride: usize, ahead: bool) {
        let (low, high) = (n.div_ceil(2), n / 2);
        let count = rows.len().div_ceil(stride);
        let (even, odd) = (&mut self.even[..count * low], &mut self.odd[..count * high]);
        let halves = even.chunks_exact_mut(low).zip(odd.chunks_exact_mut(high));
        for (row, (even, odd)) in rows.chunks(stride).zip(halves) {
            let (pairs, last) = row[..n].as_chunks::<2>();
            if !ahead {
                even.copy_from_slice(&row[..low]);
                odd.copy_from_slice(&row[low..n]);
                continue;
            }
            for ((e, o), p) in even.iter_mut().zip(odd.iter_mut()).zip(pairs) {
                (*e, *o) = (p[0], p[1]);
            }
            if let [x] = last {
                even[low - 1] = *x;
            }
        }
        if ahead {
            forward(even, odd, [low, high], 1)
        } else {
            inverse(even, odd, [low, high], 1)
        }
        let halves = even.chunks_exact(low).zip(odd.chunks_exact(high));
        for (row, (even, odd)) in rows.chunks_mut(stride).zip(halves) {
            if ahead {
                row[..low].copy_from_slice(even);
                row[low..n].copy_from_slice(odd);
                continue;
            }
            let (pairs, last) = row[..n].as_chunks_mut::<2>();
            for ((e, o), p) in even.iter().zip(odd).zip(pairs) {
                *p = [*e, *o];
            }
            if let [x] = last {
                *x = even[low - 1];
            }
        }
    }

    /// Transforms the `w` lines of `n` samples that start at `v[at]`, `stride` apart.
    #[inline(always)]
    fn transform(&mut self, v: &mut [f32], at: usize, n: usize, stride: usize, w: usize, ahead: bool) {
        let low = n.div_ceil(2);
        let (even, odd) = (&mut self.even[..low * w], &mut self.odd[..(n - low) * w]);
        let place = |i: usize| at + i * stride;
        // Samples lie alternating in space, low ones before high ones among coefficients.
        let spread = |half: usize, i: usize| if half == 0 { 2 * i } else { 2 * i + 1 };
        let gathered = |half: usize, i: usize| if half == 0 { i } else { low + i };
        for (half, part) in [(0, &mut *even), (1, &mut *odd)] {
            for (i, line) in part.chunks_exact_mut(w).enumerate() {
                let from = place(if ahead { spread(half, i) } else { gathered(half, i) });
                line.copy_from_slice(&v[from..from + w]);
            }
        }
        let all = [even.len(), odd.len()];
        if ahead {
            forward(even, odd, all, w)
        } else {
            inverse(even, odd, all, w)
        }
        for (half, part) in [(0, &*even), (1, &*odd)] {
            for (i, line) in part.chunks_exact(w).enumerate() {
                let to = place(if ahead { gathered(half, i) } else { spread(half, i) });
                v[to..to + w].copy_from_slice(line);
            }
        }
    }
}

/// Transforms the first `size` of `v`, of `dims`, along `axis`.
#[inline(always)]
fn along(v: &mut [f32], dims: [usize; 3], size: [usize; 3], axis: usize, ahead: bool, lines: &mut Lines) {
    let strides = [dims[1] * dims[2], dims[2], 1];
    let n = size[axis];
    // The other axis that is not the rows' own.
    let outer = if axis == 0 { 1 } else { 0 };
    for i in 0..size[outer] {
        let at = i * strides[outer];
        if axis == 2 {
            let rows = (ROWS / n).max(1);
            for y in (0..size[1]).step_by(rows) {
                let (first, last) = (at + y * strides[1], at + (size[1].min(y + rows) - 1) * strides[1]);
                lines.transform_rows(&mut v[first..last + n], n, strides[1], ahead);
            }
            continue;
        }
        let wide = (ROOM / n).max(LEAST);
        for x in (0..size[2]).step_by(wide) {
            lines.transform(v, at + x, n, strides[axis], wide.min(size[2] - x), ahead);
        }
    }
}

/// Values of `dims` to coefficients (`ahead`), or back, by `splits` in their order, or against it.
#[inline(always)]
pub fn transform(v: &mut [f32], dims: [usize; 3], splits: &[Split], ahead: bool) {
    let longest = dims.into_iter().max().unwrap_or(0);
    let room = ROOM.min(v.len()) / 2 + longest * LEAST;
    let mut lines = Lines { even: vec![0.0; room], odd: vec![0.0; room] };
    for i in 0..splits.len() {
        let s = splits[if ahead { i } else { splits.len() - 1 - i }];
        along(v, dims, s.size, s.axis, ahead, &mut lines);
    }
}
