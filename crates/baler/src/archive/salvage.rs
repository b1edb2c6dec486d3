//! What is still whole of a damaged archive.

use super::header::{Header, Kind};
use super::models::Models;
use super::read::{Head, read_header};
use super::record::{ChunkBody, RecordKind, SYNC, unframe};
use super::unpack::decode_body;
use crate::codec::bytes::Reader;
use crate::data::{Array, Column, Table, Values, Variable};
use crate::error::{Error, Result};
use crate::model::any::AnyDecoder;
use std::collections::BTreeMap;

/// A variable as far as it could be recovered.
#[derive(Debug)]
pub struct Salvaged {
    /// Its name.
    pub name: String,
    /// Its values; those of lost chunks are NaN where the type has it, zero, false or empty where not.
    pub variable: Variable,
    /// The chunks that were found whole.
    pub found: usize,
    /// The rows (of the leading axis) that are lost, as ranges.
    pub lost: Vec<std::ops::Range<usize>>,
}

/// Recovers all chunks that are whole from the bytes of an archive, its index and trailer left out of account.
///
/// The header must be whole: without it the bytes have no meaning. Cost: one pass over the file, and memory for what
/// it holds, found or lost: an error where the header speaks of more than `limit` values. Of each chunk and model
/// the first record that matches its checksum counts, so that no number of copies takes longer.
pub fn salvage(bytes: &[u8], models: &[AnyDecoder], limit: usize) -> Result<Vec<Salvaged>> {
    let mut input = bytes;
    let Head { header, start, sum } = read_header(&mut input)?;
    let values = header.variables.iter().fold(0usize, |n, v| n.saturating_add(cells(&v.kind)));
    if values > limit {
        return Err(Error::new(
            crate::error::ErrorKind::LimitExceeded,
            format!(
                "the archive holds {values} values, more than the {limit} that may be recovered at a time"
            ),
        ));
    }
    let mut models = Models::supplied(&header, models);
    let mut chunks: BTreeMap<(usize, usize), Option<Vec<Values>>> = BTreeMap::new();
    for (kind, body) in records(sum, &bytes[start as usize..]) {
        match kind {
            RecordKind::Model => {
                let _ = models.take_in(body); // without it, its chunks are lost
            }
            RecordKind::Chunk => {
                let Ok(body) = ChunkBody::parse(body) else { continue };
                if header.variables.get(body.variable).is_some_and(|v| body.chunk < v.chunks()) {
                    let decode = || decode_body(&body, &header, &models).ok();
                    chunks.entry((body.variable, body.chunk)).or_insert_with(decode);
                }
            }
            RecordKind::Description | RecordKind::Index => {}
        }
    }
    (0..header.variables.len()).map(|i| assemble(&header, i, &mut chunks)).collect()
}

fn cells(kind: &Kind) -> usize {
    match kind {
        Kind::Field(f) => f.count(),
        Kind::Table(t) => t.rows.saturating_mul(t.columns.len()),
    }
}

/// Every record that is whole, wherever it lies.
///
/// Bytes made to look like the starts of many long records could keep a reader summing for ever: past sixteen times
/// the file's length, only what fits the sum left is looked at.
fn records(header: u32, bytes: &[u8]) -> impl Iterator<Item = (RecordKind, &[u8])> {
    let mut at = 0;
    let mut effort = bytes.len().saturating_mul(16);
    std::iter::from_fn(move || {
        loop {
            at += bytes.get(at..)?.windows(2).position(|w| w == SYNC)?;
            match whole_at(header, &bytes[at..], &mut effort) {
                Some((length, kind, body)) => {
                    at += length;
                    return Some((kind, body));
                }
                None => at += 1,
            }
        }
    })
}

fn whole_at<'a>(header: u32, bytes: &'a [u8], effort: &mut usize) -> Option<(usize, RecordKind, &'a [u8])> {
    let mut r = Reader::new(bytes);
    r.take(2, "sync").ok()?;
    RecordKind::from_tag(r.u8("kind").ok()?).ok()?;
    r.bytes("body").ok()?;
    r.u32("checksum").ok()?;
    let length = r.position();
    *effort = effort.checked_sub(length)?;
    let (kind, body) = unframe(header, &bytes[..length]).ok()?;
    Some((length, kind, body))
}

/// Puts the found chunks of one variable together, with blanks for the lost ones.
fn assemble(
    header: &Header,
    i: usize,
    chunks: &mut BTreeMap<(usize, usize), Option<Vec<Values>>>,
) -> Result<Salvaged> {
    let v = &header.variables[i];
    let mut found = 0;
    let mut lost: Vec<std::ops::Range<usize>> = vec![];
    let mut lose = |rows: std::ops::Range<usize>| match lost.last_mut() {
        Some(last) if last.end >= rows.start => last.end = rows.end,
        _ => lost.push(rows),
    };
    let variable = match &v.kind {
        Kind::Field(f) => {
            let row = f.shape.iter().skip(1).product::<usize>().max(1);
            let mut values = Values::empty(f.dtype);
            for c in 0..f.chunks() {
                let range = f.chunk(c).0;
                match chunks.remove(&(i, c)).flatten() {
                    Some(runs) => {
                        found += 1;
                        values.append(&runs[0])?;
                    }
                    None => {
                        lose(range.start / row..range.end.div_ceil(row));
                        values.append(&blank(f.dtype, range.len()))?;
                    }
                }
            }
            Variable::Field(Array::new(f.shape.clone(), values)?)
        }
        Kind::Table(t) => {
            let mut columns: Vec<Column> = t
                .columns
                .iter()
                .map(|c| Column { name: c.name.clone(), values: Values::empty(c.dtype) })
                .collect();
            for c in 0..t.chunks() {
                let rows = t.chunk(c);
                let runs = chunks.remove(&(i, c)).flatten();
                found += runs.is_some() as usize;
                if runs.is_none() {
                    lose(rows.clone());
                }
                for (k, column) in columns.iter_mut().enumerate() {
                    match &runs {
                        Some(runs) => column.values.append(&runs[k])?,
                        None => column.values.append(&blank(t.columns[k].dtype, rows.len()))?,
                    }
                }
            }
            Variable::Table(Table::new(columns)?)
        }
    };
    Ok(Salvaged { name: v.name.clone(), variable, found, lost })
}

/// Values that say that they are missing, as far as their type can.
fn blank(dtype: crate::data::DType, count: usize) -> Values {
    use crate::data::DType;
    match dtype {
        DType::F32 => Values::F32(vec![f32::NAN; count]),
        DType::F64 => Values::F64(vec![f64::NAN; count]),
        DType::Text => Values::Text(vec![String::new(); count]),
        other => {
            let zeros = vec![0; count * other.size().expect("fixed size")];
            Values::from_le_bytes(other, &zeros).expect("zeros are values of every type")
        }
    }
}
