//! What is known of a row before a column's value is coded: earlier columns, in several grains, and rows before.

use super::kernel::Contexts;

/// Columns that a mixed column looks at in their own right.
pub const MOST_PARENTS: usize = 4;
/// Columns of which it looks at all values together.
pub const MOST_LABELS: usize = 12;

/// Rows of which a column's quantiles are taken.
const SAMPLE: usize = 1024;

/// Spreads the bits of `a` (the finaliser of MurmurHash3, shortened).
#[inline(always)]
pub fn spread(a: u32) -> u32 {
    let x = a.wrapping_mul(0x9E37_79B1);
    let x = (x ^ (x >> 15)).wrapping_mul(0x85EB_CA6B);
    x ^ (x >> 13)
}

/// An integer in 32 bits.
#[inline(always)]
pub fn fold(a: i64) -> u32 {
    (a ^ (a >> 32)) as u32
}

/// Each value's number among the sixteenths of a sample of them, 0 to 15.
pub fn sixteenths(values: &[i64]) -> Vec<u8> {
    let step = values.len().div_ceil(SAMPLE).max(1);
    let mut sample: Vec<i64> = values.iter().copied().step_by(step).collect();
    sample.sort_unstable();
    let cuts: [i64; 15] =
        std::array::from_fn(|i| sample.get((i + 1) * sample.len() / 16).copied().unwrap_or(0));
    values.iter().map(|&x| cuts.iter().map(|&c| (c <= x) as u8).sum()).collect()
}

/// The columns that another is conditioned on.
#[derive(Default)]
pub struct Given<'a> {
    /// Integers and sixteenths of those looked at in their own right.
    pub parents: Vec<(&'a [i64], &'a [u8])>,
    /// Of all rows, a hash of the columns looked at together; empty where there are none.
    pub labels: Vec<u32>,
    /// Integers of those that a network looks at.
    pub inputs: Vec<&'a [i64]>,
}

/// Rows whose contexts are made together.
pub const BLOCK: usize = 64;

/// What contexts owe to other columns, for the rows from `first` on: contexts 0 to 3; of 4 and 5 what their hashes add to
/// what the column itself tells; then the number of the pair of two parents' sixteenths.
#[inline(always)]
pub fn owed(given: &Given, first: usize, rows: &mut [Contexts]) {
    let n = rows.len().min(BLOCK);
    let mut exact = [0u32; BLOCK];
    let mut parts = [[0u32; BLOCK]; 2];
    let (mut coarse, mut same) = ([0u32; BLOCK], [0u32; BLOCK]);
    for (i, (values, sixteenths)) in given.parents.iter().enumerate() {
        let (now, sixteenths) = (&values[first..first + n], &sixteenths[first..first + n]);
        if i == 0 {
            exact.iter_mut().zip(now).for_each(|(e, &v)| *e = fold(v).wrapping_add(1));
        }
        if let Some(parts) = parts.get_mut(i) {
            parts.iter_mut().zip(sixteenths).for_each(|(p, &s)| *p = s as u32 + 1);
        }
        let place = 7u32.pow((MOST_PARENTS - 1 - i) as u32);
        coarse.iter_mut().zip(sixteenths).for_each(|(c, &s)| *c += (s as u32 * 3 / 8 + 1) * place);
        let skip = (first == 0) as usize; // the first row has none before it
        let before = &values[first + skip - 1..first + n - 1];
        same[skip..]
            .iter_mut()
            .zip(&now[skip..])
            .zip(before)
            .for_each(|((s, v), b)| *s |= ((v == b) as u32) << i);
    }
    for (i, row) in rows.iter_mut().take(n).enumerate() {
        let label = given.labels.get(first + i).copied().unwrap_or(0);
        let (p0, p1) = (parts[0][i], parts[1][i]);
        row.0 = [
            0x1234_5678,
            spread(exact[i].wrapping_mul(7).wrapping_add(1)),
            spread(p0 * 32 + p1 + 0x10000),
            spread(coarse[i] + 0x20000) ^ label,
            (same[i] << 28).wrapping_add(0x0400_0000),
            (p0 << 20).wrapping_add(label.wrapping_mul(3)).wrapping_add(0x777),
            p0 * 17 + p1,
            0,
        ];
    }
}

/// The hash of several columns' values, row by row.
pub fn labels(columns: &[&[i64]]) -> Vec<u32> {
    let Some(first) = columns.first() else { return vec![] };
    let mut out = vec![0u32; first.len()];
    for column in columns {
        for (h, &v) in out.iter_mut().zip(*column) {
            *h = spread(h.wrapping_mul(31).wrapping_add(fold(v)).wrapping_add(1));
        }
    }
    out
}

/// Sign and size of a difference in 256 steps: exact below 8, then four an octave.
#[inline(always)]
pub fn distance(d: i64) -> usize {
    let sign = (d >= 0) as u64;
    let a = (d ^ (d >> 63)) as u64;
    let log = 63 - (a | 4).leading_zeros() as u64;
    // Without a branch, which would often be guessed wrong.
    let step = (log - 1) * 4 + ((a >> (log - 2)) & 3) - ((a < 4) as u64) * 4;
    (step.min(127) << 1 | sign) as usize
}
