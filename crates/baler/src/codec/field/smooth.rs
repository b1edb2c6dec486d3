//! What the encoder takes special places for: smooth land under smooth sea, so that a wavelet sees no coast.
//!
//! Decoders pass over these places, so anything may stand there. Plane by plane, means of what is known are taken at
//! coarser and coarser scales, and unknown places are filled from the scale above (Gortler, Grzeszczuk, Szeliski and
//! Cohen, "The Lumigraph", 1996), then relaxed a little. Cost: some twenty operations a value.

use super::Level;
use super::coding::Choice;
use super::domain::Real;

/// Times that filled places are drawn toward their neighbours, at each scale.
const SWEEPS: usize = 2;

/// Values as work numbers, special places filled: as well as bases and networks need it, or as the fast walk does.
pub fn filled<T: Copy, F: Real>(
    values: &[T],
    special: &[u8],
    dims: [usize; 3],
    choice: Choice,
    as_work: impl Fn(T) -> F,
) -> Vec<F> {
    match choice {
        Choice::Level(Level::Fast) => drawn_over(values, special, dims[2], as_work),
        _ => smooth_over(values, special, dims, as_work),
    }
}

/// `values` as work numbers, those at nonzero places of `special` filled smoothly; a plane without a known value is
/// filled as the one before it.
fn smooth_over<T: Copy, F: Real>(
    values: &[T],
    special: &[u8],
    [nz, ny, nx]: [usize; 3],
    as_work: impl Fn(T) -> F,
) -> Vec<F> {
    let mut out: Vec<F> = values.iter().map(|&x| as_work(x)).collect();
    let first = special.iter().position(|&s| s == 0).map_or(F::default(), |i| out[i]);
    let size = ny * nx;
    for (z, special) in special.chunks(size).enumerate().take(nz) {
        let here = z * size;
        if special.iter().all(|&s| s == 0) {
            continue;
        }
        if special.iter().all(|&s| s != 0) {
            match z {
                0 => out[..size].fill(first),
                _ => out.copy_within(here - size..here, here),
            }
            continue;
        }
        let plane = &mut out[here..][..size];
        let known = |(&x, &s): (&F, &u8)| (s == 0).then(|| x.to_f64());
        let finest = Scale { rows: ny, columns: nx, values: plane.iter().zip(special).map(known).collect() };
        let filled = finest.fill();
        for ((x, filled), _) in plane.iter_mut().zip(filled).zip(special).filter(|(_, s)| **s != 0) {
            *x = F::from_f64(filled);
        }
    }
    out
}

/// The same at a glance: places of `special` in rows of `width` lie on a line between what is known on both sides, or hold
/// what is known on one; a row without a known value is filled as the one before it.
fn drawn_over<T: Copy, F: Real>(
    values: &[T],
    special: &[u8],
    width: usize,
    as_work: impl Fn(T) -> F,
) -> Vec<F> {
    let mut out: Vec<F> = values.iter().map(|&x| as_work(x)).collect();
    let first = special.iter().position(|&s| s == 0).map_or(F::default(), |i| out[i]);
    for (y, special) in special.chunks(width).enumerate() {
        let (before, row) = out.split_at_mut(y * width);
        let row = &mut row[..special.len()];
        let (mut known, mut x) = (None, 0);
        while let Some(start) = special[x..].iter().position(|&s| s != 0).map(|n| x + n) {
            let end = special[start..].iter().position(|&s| s == 0).map_or(row.len(), |n| start + n);
            known = if start > x { Some(row[start - 1]) } else { known };
            let next = (end < row.len()).then(|| row[end]);
            match (known, next) {
                (None, None) => match before.len().checked_sub(width) {
                    Some(last) => row.copy_from_slice(&before[last..]),
                    None => row.fill(first),
                },
                (Some(level), None) | (None, Some(level)) => row[start..end].fill(level),
                (Some(from), Some(to)) => {
                    let (from, to) = (from.to_f64(), to.to_f64());
                    let share = 1.0 / (end - start + 1) as f64;
                    for (i, x) in row[start..end].iter_mut().enumerate() {
                        let along = (i + 1) as f64 * share;
                        *x = F::from_f64(from * (1.0 - along) + to * along);
                    }
                }
            }
            x = end;
        }
    }
    out
}

/// A plane at one scale; `None` where nothing is known.
struct Scale {
    rows: usize,
    columns: usize,
    values: Vec<Option<f64>>,
}

impl Scale {
    /// Half as many rows and columns, each the mean of what is known of four.
    fn coarser(&self) -> Scale {
        let (rows, columns) = (self.rows.div_ceil(2), self.columns.div_ceil(2));
        let mean = |i: usize| {
            let (y, x) = (i / columns * 2, i % columns * 2);
            let mut four = [None; 4];
            for (k, value) in four.iter_mut().enumerate() {
                let (y, x) = (y + k / 2, x + k % 2);
                if y < self.rows && x < self.columns {
                    *value = self.values[y * self.columns + x];
                }
            }
            let count = four.iter().flatten().count();
            let share = 1.0 / count as f64; // first, lest a sum overflow
            (count > 0).then(|| four.iter().flatten().map(|v| v * share).sum())
        };
        Scale { rows, columns, values: (0..rows * columns).map(mean).collect() }
    }

    /// All of it, at least one value of which is known.
    fn fill(&self) -> Vec<f64> {
        if self.values.iter().all(Option::is_some) {
            return self.values.iter().flatten().copied().collect();
        }
        let coarser = self.coarser();
        let above = coarser.fill();
        let (rows, columns) = (self.rows, self.columns);
        // The nearer of two places of the scale above counts three times.
        let two = |i: usize, count: usize| {
            let other =
                if i.is_multiple_of(2) { (i / 2).saturating_sub(1) } else { (i / 2 + 1).min(count - 1) };
            [i / 2, other]
        };
        let mut out = Vec::with_capacity(rows * columns);
        let mut unknown = vec![];
        for y in 0..rows {
            let [near, far] = two(y, coarser.rows).map(|y| &above[y * coarser.columns..][..coarser.columns]);
            for x in 0..columns {
                out.push(self.values[y * columns + x].unwrap_or_else(|| {
                    unknown.push((y, x));
                    let [a, b] = two(x, coarser.columns);
                    let of = |row: &[f64]| 0.75 * row[a] + 0.25 * row[b];
                    0.75 * of(near) + 0.25 * of(far)
                }));
            }
        }
        for _ in 0..SWEEPS {
            for &(y, x) in &unknown {
                let at = |y: usize, x: usize| 0.25 * out[y * columns + x];
                let [up, down] = [y.saturating_sub(1), (y + 1).min(rows - 1)];
                let [left, right] = [x.saturating_sub(1), (x + 1).min(columns - 1)];
                out[y * columns + x] = (at(up, x) + at(down, x)) + (at(y, left) + at(y, right));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_stays_and_what_is_not_lies_between() {
        for dims in [[1, 1, 1], [1, 1, 90], [3, 1, 7], [2, 17, 40], [4, 33, 5]] {
            let n: usize = dims.iter().product();
            let values: Vec<f32> = (0..n).map(|i| (i * i % 101) as f32 - 20.0).collect();
            for every in [1, 2, 3, 50] {
                let special: Vec<u8> = (0..n).map(|i| (i % every != every / 2) as u8).collect();
                let smooth = smooth_over(&values, &special, dims, |x| x);
                let known = || values.iter().zip(&special).filter(|(_, s)| **s == 0).map(|(x, _)| *x);
                let (least, most) = known().fold((0.0f32, 0.0f32), |(a, b), x| (a.min(x), b.max(x)));
                for ((x, s), smooth) in values.iter().zip(&special).zip(smooth) {
                    assert!(if *s == 0 { smooth == *x } else { smooth >= least && smooth <= most });
                }
            }
        }
    }

    #[test]
    fn lines_are_drawn_over_holes_in_rows() {
        let drawn = |special: &[u8], values: &[f64]| drawn_over(values, special, 4, |x| x);
        assert_eq!(drawn(&[], &[1.0, 2.0]), [1.0, 2.0]);
        // Between, at either end, a whole row, and first rows of nothing.
        assert_eq!(drawn(&[0, 1, 1, 0], &[1.0, f64::NAN, 1e30, 4.0]), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(drawn(&[1, 0, 0, 1], &[9.0, 2.0, 5.0, 9.0]), [2.0, 2.0, 5.0, 5.0]);
        let rows = [9.0, 9.0, 9.0, 9.0, 1.0, 9.0, 7.0, 3.0, 9.0, 9.0, 9.0, 9.0];
        let special = [1, 1, 1, 1, 0, 1, 0, 0, 1, 1, 1, 1];
        assert_eq!(drawn(&special, &rows), [1.0, 1.0, 1.0, 1.0, 1.0, 4.0, 7.0, 3.0, 1.0, 4.0, 7.0, 3.0]);
        assert_eq!(drawn(&[1; 4], &[9.0; 4]), [0.0; 4]);
    }

    #[test]
    fn a_hole_in_a_slope_is_filled_smoothly() {
        let (ny, nx) = (40, 60);
        let slope: Vec<f32> = (0..ny * nx).map(|i| (i % nx) as f32 + 2.0 * (i / nx) as f32).collect();
        let hole = |i: usize| (15..25).contains(&(i / nx)) && (20..40).contains(&(i % nx));
        let special: Vec<u8> = (0..ny * nx).map(|i| hole(i) as u8).collect();
        let holed: Vec<f32> =
            slope.iter().enumerate().map(|(i, &x)| if hole(i) { 1e30 } else { x }).collect();
        let smooth = smooth_over(&holed, &special, [1, ny, nx], |x| x);
        assert!(smooth.iter().zip(&slope).all(|(a, b)| (a - b).abs() < 12.0));
    }
}
