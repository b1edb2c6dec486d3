//! A value foreseen as a weighted sum of those in the two rows before and of the parents', in integers; fitted by least
//! squares.

use crate::codec::bytes::{Reader, put_zigzag};
use crate::error::Result;

/// Weights are in units of 2^-16.
const ONE: f64 = 65536.0;
/// Weights and constants beyond this are not fitted.
const MOST: f64 = 1e15;

/// Weights of the value before, of the one before that and of each parent's, then a constant.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear(Vec<i64>);

impl Linear {
    /// What is foreseen in `row`, given the column's values before it and the parents' whole columns.
    #[inline(always)]
    pub fn predict(&self, before: [i64; 2], parents: &[(&[i64], &[u8])], row: usize) -> i64 {
        let mut sum = self.0[self.0.len() - 1];
        for (w, x) in self.0.iter().zip(before) {
            sum = sum.wrapping_add(w.wrapping_mul(x));
        }
        for (w, p) in self.0[2..].iter().zip(parents) {
            sum = sum.wrapping_add(w.wrapping_mul(p.0[row]));
        }
        sum >> 16
    }

    /// Appends the weights.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|&w| put_zigzag(out, w));
    }

    /// The inverse of [`Linear::write`], for so many parents.
    pub fn read(r: &mut Reader, parents: usize) -> Result<Linear> {
        Ok(Linear((0..parents + 3).map(|_| r.zigzag("weight")).collect::<Result<_>>()?))
    }

    /// Fitted to `values`, where it halves the spread of differences from the value before and of those from the mean.
    ///
    /// Least squares, repeated with the rows weighted by what they missed: so a few far off do not spoil a sum that
    /// holds for most.
    pub fn fit(values: &[i64], parents: &[(&[i64], &[u8])]) -> Option<Linear> {
        let rows = values.len();
        if rows < 64 {
            return None;
        }
        let n = parents.len() + 3;
        let term = |row: usize, i: usize| -> f64 {
            match i {
                0 | 1 => values[row - 1 - i] as f64,
                _ if i + 1 == n => 1.0,
                _ => parents[i - 2].0[row] as f64,
            }
        };
        // Centred and scaled by their spread, terms are fit for normal equations.
        let spread: Vec<(f64, f64)> = (0..n)
            .map(|i| {
                let mean = (2..rows).map(|r| term(r, i)).sum::<f64>() / (rows - 2) as f64;
                let square = (2..rows).map(|r| (term(r, i) - mean).powi(2)).sum::<f64>();
                (mean, (square / (rows - 2) as f64).sqrt())
            })
            .collect();
        let mean = values[2..].iter().map(|&v| v as f64).sum::<f64>() / (rows - 2) as f64;
        let scaled = |row: usize, i: usize| {
            if spread[i].1 > 0.0 { (term(row, i) - spread[i].0) / spread[i].1 } else { 0.0 }
        };
        let missed = |w: &[f64], row: usize| {
            values[row] as f64 - mean - (0..n - 1).map(|i| w[i] * scaled(row, i)).sum::<f64>() - w[n - 1]
        };
        let mut w = vec![0.0; n];
        let mut typical = f64::INFINITY;
        for round in 0..8 {
            let mut normal = vec![vec![0.0; n + 1]; n];
            for row in 2..rows {
                let weight = if round == 0 { 1.0 } else { 1.0 / (missed(&w, row).abs() + typical + 1.0) };
                let x: Vec<f64> = (0..n).map(|i| if i + 1 == n { 1.0 } else { scaled(row, i) }).collect();
                for i in 0..n {
                    (0..n).for_each(|j| normal[i][j] += weight * x[i] * x[j]);
                    normal[i][n] += weight * x[i] * (values[row] as f64 - mean);
                }
            }
            w = solve(normal)?;
            typical = median((2..rows).map(|row| missed(&w, row).abs()));
        }
        let naive = median((2..rows).map(|row| (values[row] as f64 - mean).abs()))
            .min(median((2..rows).map(|row| (values[row] as f64 - values[row - 1] as f64).abs())));
        if !(typical * 2.0 < naive) {
            return None;
        }
        let mut constant = mean + w[n - 1] + 0.5;
        let mut weights = vec![];
        for i in 0..n - 1 {
            let factor = if spread[i].1 > 0.0 { w[i] / spread[i].1 } else { 0.0 };
            constant -= factor * spread[i].0;
            weights.push(factor * ONE);
        }
        weights.push(constant * ONE);
        weights
            .iter()
            .all(|w| w.abs() < MOST)
            .then(|| Linear(weights.iter().map(|w| w.round() as i64).collect()))
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut v: Vec<f64> = values.collect();
    let middle = v.len() / 2;
    *v.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Gaussian elimination of rows [A | b], with a little added to the diagonal.
fn solve(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let n = rows.len();
    for i in 0..n {
        rows[i][i] *= 1.0 + 1e-9;
        rows[i][i] += 1e-12;
    }
    for i in 0..n {
        let best = (i..n).max_by(|&a, &b| rows[a][i].abs().total_cmp(&rows[b][i].abs()))?;
        rows.swap(i, best);
        for j in i + 1..n {
            let factor = rows[j][i] / rows[i][i];
            for k in i..=n {
                rows[j][k] -= factor * rows[i][k];
            }
        }
    }
    let mut x = vec![0.0; n];
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| rows[i][k] * x[k]).sum();
        x[i] = (rows[i][n] - known) / rows[i][i];
    }
    x.iter().all(|x| x.is_finite()).then_some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_found_through_outliers() {
        let mut state = 1u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((state >> 33) % below) as i64
        };
        let a: Vec<i64> = (0..3000).map(|_| random(1000)).collect();
        let b: Vec<i64> = (0..3000).map(|_| random(5000)).collect();
        let c: Vec<i64> = (0..3000)
            .map(|i| if i % 20 == 0 { random(9000) } else { (7000 - 2 * a[i] - b[i]) / 3 + random(3) })
            .collect();
        let parents = [(&a[..], &[][..]), (&b[..], &[][..])];
        let linear = Linear::fit(&c, &parents).unwrap();
        let near =
            (2..3000).filter(|&i| (linear.predict([c[i - 1], c[i - 2]], &parents, i) - c[i]).abs() <= 2);
        assert!(near.count() > 2800);
        assert_eq!(Linear::fit(&b, &parents[..1]), None);
    }
}
