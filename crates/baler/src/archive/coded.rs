//! One chunk of a variable on its way into an archive: read, coded.

use super::header::Kind;
use super::plan::Plan;
use super::source::{self, Input};
use super::unpack::names;
use crate::codec::chunk::{Codec, Request, encode_field, encode_table};
use crate::data::Values;
use crate::error::Result;

/// What an archive keeps of a chunk, and what it counts.
pub(super) struct Coded {
    pub codec: Codec,
    pub payload: Vec<u8>,
    /// The checksum of the decoded values.
    pub sum: u32,
    /// The largest error of each run.
    pub errors: Vec<f64>,
    /// Values, and bytes of each run in its own type.
    pub values: u64,
    pub sizes: Vec<u64>,
}

/// Codes chunk `i` of a plan, of which `runs` are the values.
pub(super) fn code_chunk(plan: &Plan, i: usize, runs: &[Values], request: Request) -> Result<Coded> {
    let encoded = match &plan.header.kind {
        Kind::Field(f) => encode_field(&runs[0], &f.chunk(i).1, plan.targets[0], request),
        Kind::Table(t) => encode_table(runs, &names(t), &plan.targets, request),
    }?;
    Ok(Coded {
        codec: encoded.codec,
        payload: encoded.payload,
        sum: checksum(&encoded.decoded),
        errors: encoded.errors,
        values: runs.iter().map(|v| v.len() as u64).sum(),
        sizes: runs.iter().map(|v| v.byte_len() as u64).collect(),
    })
}

/// The checksum of a chunk's decoded values.
pub(super) fn checksum(runs: &[Values]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    runs.iter().for_each(|v| v.checksum(&mut sum));
    sum.finalize()
}

/// The values of chunk `i`: a run for a field, a run a column for a table.
pub(super) fn read_chunk(input: &mut Input, kind: &Kind, i: usize) -> Result<Vec<Values>> {
    match (input, kind) {
        (Input::Field(_, source), Kind::Field(f)) => {
            Ok(vec![source::values(source.as_mut(), f.dtype, f.chunk(i).0)?])
        }
        (Input::Table(_, table), Kind::Table(t)) => source::runs(table.as_mut(), &t.columns, t.chunk(i)),
        _ => unreachable!("a plan's header is of its input's kind"),
    }
}
