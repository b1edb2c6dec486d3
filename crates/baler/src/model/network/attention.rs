//! Attention of one head over the rows of a sequence (Vaswani et al., 2017), in integers.

use super::super::block::{Block, pair};
use super::super::kernel::LANES;
use crate::error::{Error, Result};

/// Sixteenths of an octave below 2^14, the table of format.md's section 9.1 with one more.
pub const HALVES: [u64; 17] = [
    16384, 15689, 15024, 14387, 13777, 13193, 12634, 12098, 11585, 11094, 10624, 10173, 9742, 9329, 8933,
    8555, 8192,
];

/// Each row's values are a query, a key and a value: what comes out is the mean of all values of the sequence, weighed
/// by 2^-(how far the product of key and query is from the best).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attention {
    /// Bits dropped from the product of difference and multiplier, at most 47.
    pub shift: u32,
    /// With the shift, 4096ths of an octave a unit of the products of keys and queries; never negative.
    pub multiplier: i16,
}

impl Attention {
    /// Itself, if its numbers are in range.
    pub fn checked(self) -> Result<Attention> {
        match self.shift <= 47 && self.multiplier >= 0 {
            true => Ok(self),
            false => Err(Error::corrupt("attention's shift is over 47, or its multiplier negative")),
        }
    }

    /// Runs on `rows` rows of 3 x `width` values in blocks, `sequence` at a time.
    pub fn run(&self, blocks: &mut [Block], rows: usize, width: usize, sequence: usize) {
        let mut all = vec![0i16; rows * 3 * width];
        for (row, values) in all.chunks_exact_mut(3 * width).enumerate() {
            let (block, lane) = (&blocks[row / LANES], row % LANES);
            for (i, v) in values.iter_mut().enumerate() {
                *v = (block.x[i / 2].0[lane] >> (i % 2 * 16)) as i16;
            }
        }
        let mut out = vec![0i16; width];
        for (s, rows) in all.chunks(sequence * 3 * width).enumerate() {
            for (i, row) in rows.chunks_exact(3 * width).enumerate() {
                self.attend(&row[..width], rows, &mut out);
                let (block, lane) = ((s * sequence + i) / LANES, (s * sequence + i) % LANES);
                for (y, v) in blocks[block].y.iter_mut().zip(out.chunks(2)) {
                    y.0[lane] = pair(v[0], v.get(1).copied().unwrap_or(0));
                }
            }
        }
        blocks.iter_mut().for_each(Block::swap);
    }

    /// What one query makes of all rows.
    fn attend(&self, query: &[i16], rows: &[i16], out: &mut [i16]) {
        let width = query.len();
        let rows = || rows.chunks_exact(3 * width);
        let scores: Vec<i64> = rows().map(|row| dot(query, &row[width..2 * width])).collect();
        let best = scores.iter().copied().max().expect("the query's own row");
        // Differences are below 2 x 2^19 x 2^26, products below 2^61.
        let weights: Vec<u64> =
            scores.iter().map(|s| weight(((best - s) * self.multiplier as i64) >> self.shift)).collect();
        let sum: u64 = weights.iter().sum(); // 2^12 of 2^22
        let mut total = 0;
        let mut sums = vec![0i32; width];
        for (row, w) in rows().zip(weights) {
            // All of them together are at most 2^17, so that 14 bits times them fit 32.
            let a = ((w << 17) / sum) as i32;
            total += a;
            if a > 0 {
                sums.iter_mut().zip(&row[2 * width..]).for_each(|(sum, &v)| *sum += a * v as i32);
            }
        }
        let total = total as i64;
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = (2 * sum as i64 + total).div_euclid(2 * total) as i16;
        }
    }
}

/// The sum of products: of 32 at a time, which 32 bits hold.
fn dot(a: &[i16], b: &[i16]) -> i64 {
    let chunk = |(a, b): (&[i16], &[i16])| a.iter().zip(b).map(|(&a, &b)| a as i32 * b as i32).sum::<i32>();
    a.chunks(32).zip(b.chunks(32)).map(|pair| chunk(pair) as i64).sum()
}

/// 2^22 x 2^(-u / 4096), near enough.
fn weight(u: i64) -> u64 {
    if u >= 1 << 17 {
        return 0;
    }
    let (g, f) = ((u >> 8) as usize % 16, (u & 255) as u64);
    (HALVES[g] * (256 - f) + HALVES[g + 1] * f) >> (u >> 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_powers_of_two() {
        for u in 0..1 << 17 {
            let exact = 2f64.powf(22.0 - u as f64 / 4096.0);
            assert!((weight(u) as f64 - exact).abs() <= 1.0 + exact * 3e-4, "{u}");
        }
        assert_eq!(weight(i64::MAX), 0);
    }

    #[test]
    fn the_extremes_fit() {
        // 4096 rows of the largest values, and one of the smallest.
        let width = 70;
        let mut rows = vec![8191i16; 4096 * 3 * width];
        rows[..3 * width].fill(-8191);
        let mut out = vec![0; width];
        let attention = Attention { shift: 0, multiplier: i16::MAX };
        attention.attend(&[8191; 70], &rows, &mut out);
        assert_eq!(out, vec![8191; width]);
        attention.attend(&[-8191; 70], &rows, &mut out);
        assert_eq!(out, vec![-8191; width]);
        let alike = Attention { shift: 0, multiplier: 0 };
        alike.attend(&[8191; 70], &rows, &mut out);
        assert_eq!(out, vec![8187; width]);
    }
}
