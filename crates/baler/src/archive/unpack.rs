//! A chunk's record back to values.

use super::coded::checksum;
use super::header::{Header, Kind, TableHeader};
use super::models::Models;
use super::record::{ChunkBody, RecordKind, unframe};
use crate::codec::chunk::{decode_columns, decode_field, decode_table};
use crate::data::{DType, Values};
use crate::error::{Error, Result};

/// The values of the record of a variable's chunk: all of them once both checksums hold, or of a table's those of the
/// `wanted` columns once the record's own holds.
pub(super) fn decode_record(
    record: &[u8],
    sum: u32,
    header: &Header,
    models: &Models,
    (variable, chunk): (usize, usize),
    wanted: Option<&[bool]>,
) -> Result<Vec<Values>> {
    let (kind, body) = unframe(sum, record)?;
    if kind != RecordKind::Chunk {
        return Err(Error::corrupt("another kind of record is in its place"));
    }
    let body = ChunkBody::parse(body)?;
    if (body.variable, body.chunk) != (variable, chunk) {
        return Err(Error::corrupt(format!(
            "chunk {} of variable {} is in its place",
            body.chunk, body.variable
        )));
    }
    match (wanted, &header.variables[variable].kind) {
        (Some(wanted), Kind::Table(t)) => {
            let model = |number| models.get(number);
            let rows = t.chunk(chunk).len();
            decode_columns(body.codec, body.payload, rows, &names(t), &dtypes(t), wanted, model)
        }
        _ => decode_body(&body, header, models),
    }
}

/// The names of a table's columns.
pub(super) fn names(t: &TableHeader) -> Vec<&str> {
    t.columns.iter().map(|c| c.name.as_str()).collect()
}

fn dtypes(t: &TableHeader) -> Vec<DType> {
    t.columns.iter().map(|c| c.dtype).collect()
}

/// The values of a chunk, once they match their checksum.
pub(super) fn decode_body(body: &ChunkBody, header: &Header, models: &Models) -> Result<Vec<Values>> {
    let model = |number| models.get(number);
    let decoded = match &header.variables[body.variable].kind {
        Kind::Field(f) => {
            let shape = f.chunk(body.chunk).1;
            vec![decode_field(body.codec, body.payload, f.dtype, &shape, model)?]
        }
        Kind::Table(t) => {
            let rows = t.chunk(body.chunk).len();
            decode_table(body.codec, body.payload, rows, &names(t), &dtypes(t), model)?
        }
    };
    if checksum(&decoded) != body.sum {
        return Err(Error::corrupt("the decoded values do not match their checksum"));
    }
    Ok(decoded)
}
