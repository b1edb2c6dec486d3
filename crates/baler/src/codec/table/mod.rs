//! The table codec: columns one by one, each to integers and those by adaptive contexts (format.md, section 6).

pub mod column;
pub mod integers;
pub mod net;
pub mod numeric;

use super::bytes::{Reader, put_bytes};
use crate::data::{DType, Values};
use crate::error::Result;
use crate::front::Tolerance;

/// Codes the columns of a chunk of rows, each within its tolerance; returns the decoded columns too.
pub fn encode(columns: &[Values], tolerances: &[Tolerance]) -> Result<(Vec<u8>, Vec<Values>)> {
    let mut out = vec![];
    let mut decoded = vec![];
    let mut text = column::MOST_TEXT;
    for (values, &tolerance) in columns.iter().zip(tolerances) {
        let mapped = column::map(values, tolerance, None);
        let mut section = vec![];
        column::write(&mut section, &mapped);
        put_bytes(&mut out, &section);
        decoded.push(column::unmap(&mapped, values.dtype(), &mut text)?);
    }
    Ok((out, decoded))
}

/// The inverse of [`encode`], for `rows` rows of columns of `dtypes`.
pub fn decode(payload: &[u8], rows: usize, dtypes: &[DType]) -> Result<Vec<Values>> {
    let mut r = Reader::new(payload);
    let mut text = column::MOST_TEXT;
    let columns = dtypes
        .iter()
        .enumerate()
        .map(|(i, &dtype)| {
            column::read(Reader::new(r.bytes("column")?), rows, dtype, &mut text)
                .map_err(|e| e.at(format!("column {i}")))
        })
        .collect::<Result<_>>()?;
    r.finish("the columns")?;
    Ok(columns)
}
