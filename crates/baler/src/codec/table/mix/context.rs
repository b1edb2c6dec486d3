//! What is known of a row before a column's value is coded: earlier columns, in several grains, and rows before.

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
    let step = if a < 8 { a } else { 8 + (log - 3) * 4 + ((a >> (log - 2)) & 3) };
    (step.min(127) << 1 | sign) as usize
}
