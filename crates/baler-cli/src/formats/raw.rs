//! Raw values, little-endian, without a header: the extension is the type and the user gives the shape.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use baler::archive::FieldSource;
use baler::data::{Array, DType};
use baler::error::{Error, Result};

use super::stream::{Endian, FileField, byte_count, show_shape, write_values};

/// The values of an open file of `total` bytes as a field, which `shape` must fit exactly.
pub fn open(
    file: File,
    path: &Path,
    total: u64,
    dtype: DType,
    shape: Option<&[usize]>,
) -> Result<Box<dyn FieldSource>> {
    let size = dtype.size().ok_or_else(|| Error::invalid("text has no raw form"))? as u64;
    if !total.is_multiple_of(size) {
        return Err(Error::truncated(format!("{total} bytes are no whole number of {dtype} values")));
    }
    let values = total / size;
    let Some(shape) = shape else {
        return Err(Error::invalid(format!(
            "a raw file needs its shape: --shape {values}, or its axes, slowest first; their product must be {values}"
        )));
    };
    let expected = byte_count(dtype, shape)?;
    if expected != total {
        return Err(Error::invalid(format!(
            "--shape {} of {dtype} takes {expected} bytes, the file has {total}; --shape {} would fit",
            show_shape(shape),
            suggest_shape(values, shape)
        )));
    }
    let (file, place) = (Arc::new(Mutex::new(file)), path.to_owned());
    Ok(Box::new(FileField { file, place, offset: 0, dtype, endian: Endian::Little, shape: shape.to_owned() }))
}

/// The user's shape with the slowest axis as long as the file makes it, where that comes out even; else one axis.
fn suggest_shape(values: u64, shape: &[usize]) -> String {
    let inner = shape.iter().skip(1).try_fold(1u64, |a, &b| a.checked_mul(b as u64)).filter(|&n| n > 0);
    match inner {
        Some(inner) if values.is_multiple_of(inner) && !shape.is_empty() => {
            let mut fitting = shape.to_owned();
            fitting[0] = (values / inner) as usize;
            show_shape(&fitting)
        }
        _ => values.to_string(),
    }
}

/// Writes the values of an array, the inverse of [`open`]; its shape is for the user to remember.
pub fn write(out: &mut impl Write, array: &Array) -> Result<()> {
    write_values(out, &array.values)
}
