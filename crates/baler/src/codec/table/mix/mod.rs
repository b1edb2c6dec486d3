//! Mixed columns: each value by a tree of decisions, each decision by eight predictors that learn as they code
//! (format.md, section 6.2).

pub mod context;
pub mod fit;
mod kernel;
pub mod linear;
mod model;
pub mod tree;

use super::Columns;
use crate::codec::bytes::{Reader, put_bytes, put_varint, put_zigzag};
use crate::codec::range_coder::{Coder, Decoder, Encoder};
use crate::error::{Error, Result};
use context::{Given, MOST_LABELS, MOST_PARENTS};
use linear::Linear;
use tree::{Kind, Leaves, MOST_LEAVES};

/// Columns that one column may be conditioned on.
pub const MOST_GIVEN: usize = MOST_PARENTS + MOST_LABELS;
/// Levels of halving below a leaf, at most.
pub const MOST_LEVELS: u8 = 16;

/// What a mixed column says of itself before its codes.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// The tree's leaves.
    pub leaves: Leaves,
    /// How often a leaf is halved with contexts; what is left goes as it is.
    pub levels: u8,
    /// Whether each value is coded as the difference from the one before.
    pub delta: bool,
    /// A prediction to code near to; only of runs, and not of differences.
    pub linear: Option<Linear>,
}

/// Appends `values` coded given other columns: `on` are their numbers, the first `own` of them parents.
pub fn write(
    out: &mut Vec<u8>,
    values: &[i64],
    shape: &Shape,
    own: usize,
    on: &[usize],
    columns: &mut Columns,
) {
    put_varint(out, on.len() as u64);
    on.iter().for_each(|&c| put_varint(out, c as u64));
    out.push(own as u8);
    out.push(shape.leaves.kind as u8 | (shape.delta as u8) << 1 | (shape.linear.is_some() as u8) << 2);
    out.push(shape.levels);
    if let Some(linear) = &shape.linear {
        linear.write(out);
    }
    put_zigzag(out, shape.leaves.first);
    put_varint(out, shape.leaves.list.len() as u64);
    let mut coder = Encoder::with_capacity(values.len());
    tree::code(&mut coder, &shape.leaves, shape.leaves.list.len()).expect("leaves of values");
    let given = columns.given(&on[..own], &on[own..]);
    let mut integers = if shape.delta { differences(values) } else { values.to_vec() };
    run(&mut coder, shape, &given, &mut integers, false);
    let (codes, raw) = coder.finish();
    put_bytes(out, &codes);
    out.extend_from_slice(&raw);
}

/// The inverse of [`write`], after the list of columns.
pub fn read(mut r: Reader, count: usize, on: &[usize], columns: &mut Columns) -> Result<Vec<i64>> {
    let own = r.count(on.len().min(MOST_PARENTS), "number of parents")?;
    if on.len() - own > MOST_LABELS {
        return Err(Error::corrupt(format!("{} labels, at most {MOST_LABELS} are possible", on.len() - own)));
    }
    let (kind, delta, foreseen) = match r.u8("kind of leaves")? {
        k @ 0..=4 => (if k & 1 == 0 { Kind::Runs } else { Kind::Entries }, k & 2 != 0, k & 4 != 0),
        k => return Err(Error::unsupported(format!("leaves of kind {k} are of a later version"))),
    };
    let levels = r.count(MOST_LEVELS as usize, "levels")? as u8;
    let linear = foreseen.then(|| Linear::read(&mut r, own)).transpose()?;
    let first = r.zigzag("first leaf")?;
    let n = r.count(MOST_LEAVES, "number of leaves")?;
    if n == 0 {
        return Err(Error::corrupt("a mixed column without leaves"));
    }
    let mut coder = Decoder::new(r.bytes("codes")?, r.rest());
    let mut leaves = Leaves { kind, first, list: vec![] };
    leaves.list = tree::code(&mut coder, &leaves, n)?;
    let given = columns.given(&on[..own], &on[own..]);
    let mut values = vec![0; count];
    run(&mut coder, &Shape { leaves, levels, delta, linear }, &given, &mut values, false);
    if delta {
        let mut before = 0i64;
        values.iter_mut().for_each(|v| {
            before = before.wrapping_add(*v);
            *v = before;
        });
    }
    Ok(values)
}

/// Each value less the one before, the first as it is.
pub fn differences(values: &[i64]) -> Vec<i64> {
    let mut before = 0i64;
    values.iter().map(|&v| v.wrapping_sub(std::mem::replace(&mut before, v))).collect()
}

/// Codes all values of a column as fast as this processor can; `plain` keeps to the portable build.
fn run<C: Coder>(coder: &mut C, shape: &Shape, given: &Given, values: &mut [i64], plain: bool) {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = kernel::avx2::Avx2::new().filter(|_| !plain) {
        // Written as a closure that is inlined: so all of it is compiled for that processor.
        return avx2.run(
            #[inline(always)]
            || model::run(avx2, coder, shape, given, values),
        );
    }
    let _ = plain;
    model::run(kernel::scalar::Scalar, coder, shape, given, values)
}

/// The range-coded bytes and the raw ones of a run of values.
pub fn codes(values: &[i64], shape: &Shape, given: &Given, plain: bool) -> (Vec<u8>, Vec<u8>) {
    let mut coder = Encoder::with_capacity(values.len());
    run(&mut coder, shape, given, &mut values.to_vec(), plain);
    coder.finish()
}

/// Bytes that a run of values takes.
pub fn measure(values: &[i64], shape: &Shape, given: &Given) -> usize {
    let (codes, raw) = codes(values, shape, given, false);
    codes.len() + raw.len()
}
