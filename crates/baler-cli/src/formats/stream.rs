//! Values on their way between files and memory, the same for every binary format: pieces of a file as a field,
//! fields that must be loaded whole, and the sinks that count what they write.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use baler::archive::source::check_range;
use baler::archive::{FieldSink, FieldSource};
use baler::data::{Array, DType, Values};
use baler::error::{Error, ErrorKind, Result};

/// The most bytes of values that are loaded whole, where a layout cannot be read in pieces: 4 GiB.
pub const LOAD_LIMIT: u64 = 4 << 30;

/// Values converted at a time: bytes that stay in the second-level cache, where a whole chunk's would be fresh memory.
const PIECE: usize = 1 << 15;

/// Which byte of a number comes first in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endian {
    /// The least significant.
    Little,
    /// The most significant.
    Big,
}

impl Endian {
    /// `bytes`, numbers of `size` bytes in this order, made little-endian; its own inverse.
    pub fn to_little(self, bytes: &mut [u8], size: usize) {
        if self == Endian::Big && size > 1 {
            bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
    }
}

/// A field stored plainly in a stretch of a file, C order. Reading costs a seek and the bytes asked for.
pub struct FileField {
    /// The file; several fields of one archive share it.
    pub file: Arc<Mutex<File>>,
    /// Its name, for errors.
    pub place: PathBuf,
    /// Where in the file the values begin.
    pub offset: u64,
    /// Their type.
    pub dtype: DType,
    /// Their byte order.
    pub endian: Endian,
    /// Length of each axis, slowest first; the file has been found to hold this many values.
    pub shape: Vec<usize>,
}

impl FieldSource for FileField {
    fn dtype(&self) -> DType {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn read(&mut self, start: usize, len: usize) -> Result<Values> {
        check_range(start, len, self.shape.iter().product())?;
        let size = self.dtype.size().expect("fields are never text");
        let mut values = Values::with_capacity(self.dtype, len);
        let mut piece = vec![0; PIECE.min(len) * size];
        let mut file = self.file.lock().expect("no reader panics");
        let here = |e: Error| e.at(self.place.display());
        file.seek(SeekFrom::Start(self.offset + (start * size) as u64)).map_err(|e| here(e.into()))?;
        while values.len() < len {
            let bytes = &mut piece[..PIECE.min(len - values.len()) * size];
            file.read_exact(bytes).map_err(|e| here(e.into()))?;
            self.endian.to_little(bytes, size);
            values.append(&Values::from_le_bytes(self.dtype, bytes).map_err(here)?)?;
        }
        Ok(values)
    }
}

/// What loads the values of a [`LoadedField`].
pub type Loader = Box<dyn FnMut() -> Result<Values> + Send>;

/// A field whose layout cannot be read in pieces (deflated, Fortran order): loaded whole when first read.
pub struct LoadedField {
    dtype: DType,
    shape: Vec<usize>,
    load: Loader,
    array: Option<Array>,
}

impl LoadedField {
    /// A field of `shape` that `load` brings in. Errors where it is larger than [`LOAD_LIMIT`]; `remedy` says what
    /// to do then.
    pub fn new(dtype: DType, shape: Vec<usize>, remedy: &str, load: Loader) -> Result<LoadedField> {
        let bytes = byte_count(dtype, &shape)?;
        if bytes > LOAD_LIMIT {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "its layout must be loaded whole, and {bytes} bytes are over the limit of {LOAD_LIMIT}; {remedy}"
                ),
            ));
        }
        Ok(LoadedField { dtype, shape, load, array: None })
    }
}

impl FieldSource for LoadedField {
    fn dtype(&self) -> DType {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn read(&mut self, start: usize, len: usize) -> Result<Values> {
        if self.array.is_none() {
            self.array = Some(Array::new(self.shape.clone(), (self.load)()?)?);
        }
        self.array.as_mut().expect("just loaded").read(start, len)
    }
}

/// Number of values of `shape`. Errors where it overflows, or exceeds what one allocation can hold.
pub fn value_count(shape: &[usize]) -> Result<usize> {
    shape
        .iter()
        .try_fold(1usize, |a, &b| a.checked_mul(b))
        .filter(|&n| n <= isize::MAX as usize / 8)
        .ok_or_else(|| {
            Error::invalid(format!("shape {} holds more values than can be addressed", show_shape(shape)))
        })
}

/// Bytes that values of `dtype` and `shape` take.
pub fn byte_count(dtype: DType, shape: &[usize]) -> Result<u64> {
    let size = dtype.size().ok_or_else(|| Error::invalid("text has no fixed-size binary form"))?;
    Ok(value_count(shape)? as u64 * size as u64)
}

/// `shape` as the user writes it: `4,512,512`; empty for a single value without axes.
pub fn show_shape(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

/// Writes `values` as little-endian bytes, a piece at a time so that no second copy of them is made.
pub fn write_values(out: &mut impl Write, values: &Values) -> Result<()> {
    let mut bytes = Vec::new();
    for start in (0..values.len()).step_by(PIECE) {
        bytes.clear();
        values.slice(start..values.len().min(start + PIECE)).write_le_bytes(&mut bytes);
        out.write_all(&bytes)?;
    }
    Ok(())
}

/// Holds the writer of a table to its columns and rows.
pub struct Rows {
    dtypes: Vec<DType>,
    missing: usize,
}

impl Rows {
    /// Of that many rows of these columns.
    pub fn new(columns: &[(String, DType)], rows: usize) -> Rows {
        Rows { dtypes: columns.iter().map(|c| c.1).collect(), missing: rows }
    }

    /// Counts the next rows off; how many they are. Errors where they are of other columns, or too many.
    pub fn take(&mut self, columns: &[Values]) -> Result<usize> {
        let count = columns.first().map_or(0, Values::len);
        if !columns.iter().map(Values::dtype).eq(self.dtypes.iter().copied()) {
            return Err(Error::invalid("rows of other columns than the table has"));
        }
        if columns.iter().any(|c| c.len() != count) {
            return Err(Error::invalid("columns of different lengths"));
        }
        self.missing = self
            .missing
            .checked_sub(count)
            .ok_or_else(|| Error::invalid(format!("{count} rows where {} were missing", self.missing)))?;
        Ok(count)
    }

    /// Errors where rows are missing.
    pub fn finish(&self) -> Result<()> {
        match self.missing {
            0 => Ok(()),
            missing => Err(Error::truncated(format!("the table ends {missing} rows early"))),
        }
    }
}

/// What a [`ValueSink`] writes to: bytes, and a way to make them final.
pub trait Target: Write + Send {
    /// Makes what was written final.
    fn finish(self) -> Result<()>;
}

impl Target for crate::output::Output {
    fn finish(self) -> Result<()> {
        self.commit()
    }
}

/// Writes a field of known type and shape as little-endian bytes, and holds its writer to both.
pub struct ValueSink<T: Target> {
    target: T,
    dtype: DType,
    missing: usize,
}

impl<T: Target> ValueSink<T> {
    /// A sink for the values of a field, after whatever header `target` has been given.
    pub fn new(target: T, dtype: DType, shape: &[usize]) -> Result<ValueSink<T>> {
        Ok(ValueSink { target, dtype, missing: value_count(shape)? })
    }
}

impl<T: Target> FieldSink for ValueSink<T> {
    fn write(&mut self, values: &Values) -> Result<()> {
        if values.dtype() != self.dtype {
            return Err(Error::invalid(format!("{} values for a field of {}", values.dtype(), self.dtype)));
        }
        self.missing = self.missing.checked_sub(values.len()).ok_or_else(|| {
            Error::invalid(format!("{} values where {} were missing", values.len(), self.missing))
        })?;
        write_values(&mut self.target, values)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        if self.missing > 0 {
            return Err(Error::truncated(format!("the field ends {} values early", self.missing)));
        }
        self.target.finish()
    }
}
