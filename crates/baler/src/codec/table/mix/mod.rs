//! Mixed columns: each value by a tree of decisions, each decision by eight predictors that learn as they code
//! (format.md, section 6.1).

pub mod context;
pub mod fit;
mod kernel;
pub mod linear;
mod meter;
mod model;
pub mod network;
pub mod tree;

use super::Columns;
use crate::codec::bytes::{Reader, put_bytes, put_varint, put_zigzag};
use crate::codec::range_coder::{Coder, Decoder, Encoder};
use crate::error::{Error, Result};
use context::{Given, MOST_LABELS, MOST_PARENTS};
use kernel::Memory;
use linear::Linear;
use meter::Meter;
use network::{MOST_INPUTS, Network};
use std::cell::RefCell;
use tree::{Kind, Leaves, MOST_LEAVES};

/// Columns that one column may be conditioned on.
pub const MOST_GIVEN: usize = MOST_PARENTS + MOST_LABELS + MOST_INPUTS;
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
    pub foreseen: Option<Foreseen>,
}

/// How values are foreseen.
#[derive(Debug, Clone, PartialEq)]
pub enum Foreseen {
    /// From those before and the parents.
    Linear(Linear),
    /// From inputs.
    Network(Network),
}

/// The kinds of what is stored: bits of one byte.
pub mod kind {
    /// Leaves are single integers.
    pub const ENTRIES: u8 = 1;
    /// Integers are differences.
    pub const DELTA: u8 = 2;
    /// Foreseen by a sum.
    pub const LINEAR: u8 = 4;
    /// Foreseen by a network; with nothing else.
    pub const NETWORK: u8 = 8;
}

/// The columns that one is coded given, by their numbers: each may serve in several ways.
#[derive(Debug, Clone, Default)]
pub struct On {
    /// Those looked at in their own right.
    pub parents: Vec<usize>,
    /// Those looked at together.
    pub labels: Vec<usize>,
    /// Those that a network looks at.
    pub inputs: Vec<usize>,
}

/// Appends `values` coded given other columns.
pub fn write(out: &mut Vec<u8>, values: &[i64], shape: &Shape, on: &On, columns: &mut Columns) {
    let list: Vec<usize> = on.parents.iter().chain(&on.labels).chain(&on.inputs).copied().collect();
    put_varint(out, list.len() as u64);
    list.iter().for_each(|&c| put_varint(out, c as u64));
    out.push(on.parents.len() as u8);
    let foreseen = match &shape.foreseen {
        None => 0,
        Some(Foreseen::Linear(_)) => kind::LINEAR,
        Some(Foreseen::Network(_)) => kind::NETWORK,
    };
    let entries = shape.leaves.kind as u8 * kind::ENTRIES;
    let delta = shape.delta as u8 * kind::DELTA;
    out.push(entries | delta | foreseen);
    out.push(shape.levels);
    match &shape.foreseen {
        None => {}
        Some(Foreseen::Linear(linear)) => linear.write(out),
        Some(Foreseen::Network(network)) => {
            out.push(on.labels.len() as u8);
            network.write(out, list.len() - on.inputs.len());
        }
    }
    put_zigzag(out, shape.leaves.first);
    put_varint(out, shape.leaves.list.len() as u64);
    let mut coder = Encoder::with_capacity(values.len());
    tree::code(&mut coder, &shape.leaves, shape.leaves.list.len()).expect("leaves of values");
    let given = columns.given(on);
    let mut integers = if shape.delta { differences(values) } else { values.to_vec() };
    run(&mut coder, shape, &given, &mut integers, false);
    let (codes, raw) = coder.finish();
    put_bytes(out, &codes);
    out.extend_from_slice(&raw);
}

/// The inverse of [`write()`], after the list of columns.
pub fn read(mut r: Reader, count: usize, list: &[usize], columns: &mut Columns) -> Result<Vec<i64>> {
    let own = r.count(list.len().min(MOST_PARENTS), "number of parents")?;
    let tag = r.u8("kind of leaves")?;
    if tag > 4 && tag != kind::NETWORK {
        return Err(Error::unsupported(format!("leaves of kind {tag} are of a later version")));
    }
    let delta = tag & kind::DELTA != 0;
    let levels = r.count(MOST_LEVELS as usize, "levels")? as u8;
    let mut on = On { parents: list[..own].to_vec(), labels: list[own..].to_vec(), inputs: vec![] };
    let foreseen = match tag & !(kind::ENTRIES | kind::DELTA) {
        kind::LINEAR => Some(Foreseen::Linear(Linear::read(&mut r, own)?)),
        kind::NETWORK => {
            on.labels.truncate(r.count(on.labels.len(), "number of labels")?);
            let network = Network::read(&mut r, list.len())?;
            on.inputs = network.inputs().map(|i| list[i]).collect();
            Some(Foreseen::Network(network))
        }
        _ => None,
    };
    if on.labels.len() > MOST_LABELS {
        return Err(Error::corrupt(format!(
            "{} labels, at most {MOST_LABELS} are possible",
            on.labels.len()
        )));
    }
    let first = r.zigzag("first leaf")?;
    let n = r.count(MOST_LEAVES, "number of leaves")?;
    if n == 0 {
        return Err(Error::corrupt("a mixed column without leaves"));
    }
    let mut coder = Decoder::new(r.bytes("codes")?, r.rest());
    let kind = if tag & kind::ENTRIES == 0 { Kind::Runs } else { Kind::Entries };
    let mut leaves = Leaves { kind, first, list: vec![] };
    leaves.list = tree::code(&mut coder, &leaves, n)?;
    let given = columns.given(&on);
    let mut values = vec![0; count];
    run(&mut coder, &Shape { leaves, levels, delta, foreseen }, &given, &mut values, false);
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
    thread_local! {
        static MEMORY: RefCell<Memory> = RefCell::default();
    }
    MEMORY.with_borrow_mut(|memory| {
        memory.forget();
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = kernel::avx2::Avx2::new().filter(|_| !plain) {
            // Written as a closure that is inlined: so all of it is compiled for that processor.
            return avx2.run(
                #[inline(always)]
                || model::run(avx2, memory, coder, shape, given, values),
            );
        }
        let _ = plain;
        model::run(kernel::scalar::Scalar, memory, coder, shape, given, values)
    })
}

/// The range-coded bytes and the raw ones of a run of values.
#[cfg(test)]
pub fn codes(values: &[i64], shape: &Shape, given: &Given, plain: bool) -> (Vec<u8>, Vec<u8>) {
    let mut coder = Encoder::with_capacity(values.len());
    run(&mut coder, shape, given, &mut values.to_vec(), plain);
    coder.finish()
}

/// The levels, of at most those of `shape`, that a run of values is to have, and the bits that it then takes.
pub fn measure(values: &[i64], shape: &Shape, given: &Given) -> (u8, f64) {
    let mut meter = Meter::default();
    run(&mut meter, shape, given, &mut values.to_vec(), false);
    meter.levels(shape.levels)
}
