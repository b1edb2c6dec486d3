//! NumPy's `.npy`: one array behind a small header, versions 1 to 3.
//!
//! The header is a Python dictionary with three known keys, parsed here. The crate npyz (0.9.1) was tried: it reads
//! a shape whose product overflows as an array of no values, reads value by value from the start, and brings a
//! parser of all of Python's literals (fourteen crates).

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use baler::archive::FieldSource;
use baler::data::{Array, DType, Values};
use baler::error::{Error, ErrorKind, Result};

use super::InputVariable;
use super::literal::parse_header;
use super::records::{Place, Records};
use super::stream::{Endian, FileField, LoadedField, value_count, write_values};

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The longest header that is read. NumPy itself warns above 10,000 bytes; only structured types come near.
const HEADER_LIMIT: u64 = 1 << 20;

/// NumPy leaves room for the first axis to grow to this many digits, and aligns values to this many bytes.
const GROWTH_DIGITS: usize = 21;
const ALIGNMENT: usize = 64;

/// What the values of an array are, as far as they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Numbers or truth values.
    Number(DType, Endian),
    /// Text of so many UTF-32 code points each, filled up with zeros.
    Text(usize, Endian),
    /// Rows of a table: bytes of each, and what they hold.
    Records(usize, Vec<Member>),
}

/// A member of a record, a column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// What it is; never records.
    pub kind: Kind,
    /// Where in the record it begins.
    pub at: usize,
}

impl Kind {
    /// Bytes of one value; `None` where they overflow.
    pub fn size(&self) -> Option<usize> {
        match self {
            Kind::Number(dtype, _) => dtype.size(),
            Kind::Text(width, _) => width.checked_mul(4),
            Kind::Records(size, _) => Some(*size),
        }
    }
}

/// What stands before the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Type and byte order.
    pub kind: Kind,
    /// Whether the first axis runs fastest.
    pub fortran: bool,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Bytes from the start of the file to the first value.
    pub offset: u64,
}

impl Header {
    /// Whether the values lie in another order than C. One long axis, or none, reads the same both ways.
    pub fn needs_transpose(&self) -> bool {
        self.fortran && self.shape.iter().filter(|&&n| n != 1).count() > 1
    }

    /// Type and byte order of a field. Errors for text, which is read only where it names a table's columns.
    pub fn number(&self) -> Result<(DType, Endian)> {
        match self.kind {
            Kind::Number(dtype, endian) => Ok((dtype, endian)),
            Kind::Records(..) => Err(Error::new(
                ErrorKind::Unsupported,
                format!("holds records along {} axes; a table has one: save a.ravel()", self.shape.len()),
            )),
            Kind::Text(..) => Err(Error::new(
                ErrorKind::Unsupported,
                "holds text, which is read only as the column names of a table ('names' beside a 2-D 'data' in an .npz)",
            )),
        }
    }

    fn value_bytes(&self) -> Result<u64> {
        let count = value_count(&self.shape)? as u64;
        let bytes = self.kind.size().and_then(|size| count.checked_mul(size as u64));
        bytes.ok_or_else(|| Error::corrupt("the header claims more values than can be addressed"))
    }
}

/// Reads the header of an array of which, with its header, `input` holds `total` bytes; leaves `input` at the
/// first value. Allocates no more than `input` holds.
///
/// Errors where this is no `.npy`, where the header contradicts itself or `total`, and where the values are of a
/// type that is not read; that message says how to convert them.
pub fn read_header(input: &mut impl Read, total: u64) -> Result<Header> {
    let mut start = [0; 8];
    input.read_exact(&mut start).map_err(|_| cut_short())?;
    if start[..6] != *MAGIC {
        return Err(Error::corrupt("is no .npy data: it does not begin with \\x93NUMPY"));
    }
    let (length, offset) = match start[6] {
        1 => (u16::from_le_bytes(read_array(input)?) as u64, 10),
        2 | 3 => (u32::from_le_bytes(read_array(input)?) as u64, 12),
        v => return Err(Error::new(ErrorKind::Unsupported, format!(".npy version {v} is not known"))),
    };
    if length > HEADER_LIMIT {
        return Err(Error::new(ErrorKind::LimitExceeded, format!("a header of {length} bytes is not read")));
    }
    let mut text = Vec::new();
    input.take(length).read_to_end(&mut text)?;
    if text.len() as u64 != length {
        return Err(cut_short());
    }
    let text = std::str::from_utf8(&text).map_err(|_| Error::corrupt("the header is not UTF-8"))?;
    let header = Header { offset: offset + length, ..parse_header(text)? };
    let (expected, found) = (header.value_bytes()?, total.saturating_sub(header.offset));
    if expected > found {
        return Err(Error::truncated(format!(
            "the header promises {expected} bytes of values, {found} are there"
        )));
    }
    if expected < found {
        return Err(Error::corrupt(format!(
            "{} bytes follow the array; several arrays in one .npy are not read, save them with np.savez",
            found - expected
        )));
    }
    Ok(header)
}

/// The header that [`read_header`] reads, byte for byte as NumPy writes it.
pub fn write_header(descr: &str, shape: &[usize]) -> Result<Vec<u8>> {
    let axes: String = match shape {
        [n] => format!("{n},"),
        _ => shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
    };
    let quote = if descr.starts_with('[') { "" } else { "'" }; // a list of members is no string
    let mut text = format!("{{'descr': {quote}{descr}{quote}, 'fortran_order': False, 'shape': ({axes}), }}");
    if let Some(first) = shape.first() {
        text.extend(std::iter::repeat_n(' ', GROWTH_DIGITS - first.to_string().len()));
    }
    let end = (10 + text.len() + 1).next_multiple_of(ALIGNMENT);
    text.extend(std::iter::repeat_n(' ', end - 10 - text.len() - 1));
    let length = u16::try_from(text.len() + 1)
        .map_err(|_| Error::invalid(format!("{} axes are too many for .npy", shape.len())))?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend(length.to_le_bytes());
    bytes.extend(text.bytes());
    bytes.push(b'\n');
    Ok(bytes)
}

/// NumPy's name of a type; the inverse of what [`read_header`] makes of it.
pub fn descr(dtype: DType) -> Result<&'static str> {
    Ok(match dtype {
        DType::Bool => "|b1",
        DType::U8 => "|u1",
        DType::I8 => "|i1",
        DType::U16 => "<u2",
        DType::I16 => "<i2",
        DType::U32 => "<u4",
        DType::I32 => "<i4",
        DType::U64 => "<u8",
        DType::I64 => "<i8",
        DType::F32 => "<f4",
        DType::F64 => "<f8",
        DType::Text => return Err(Error::invalid("text is no field; write the table as .csv")),
    })
}

/// The array of an open `.npy` file of `total` bytes, as a field or (a structured one) a table that is read in
/// pieces; a field in Fortran order is loaded and transposed when first read.
pub fn open(mut file: File, path: &Path, total: u64, name: String) -> Result<InputVariable> {
    let header = read_header(&mut file, total)?;
    variable(Arc::new(Mutex::new(file)), path, 0, header, name)
}

/// The field or table whose `.npy` data begin at `base` of `file`, once its `header` is read.
pub fn variable(
    file: Arc<Mutex<File>>,
    path: &Path,
    base: u64,
    header: Header,
    name: String,
) -> Result<InputVariable> {
    if let Kind::Records(..) = header.kind {
        let place = Place::File(file, path.to_owned(), base + header.offset);
        return Ok(InputVariable::Table { name, source: Box::new(Records::new(header, place)?) });
    }
    Ok(InputVariable::Field { name, source: field(file, path, base, header)? })
}

/// The field whose `.npy` data begin at `base` of `file`, once its `header` is read.
pub fn field(file: Arc<Mutex<File>>, path: &Path, base: u64, header: Header) -> Result<Box<dyn FieldSource>> {
    let (dtype, endian) = header.number()?;
    if !header.needs_transpose() {
        let (place, offset, shape) = (path.to_owned(), base + header.offset, header.shape);
        return Ok(Box::new(FileField { file, place, offset, dtype, endian, shape }));
    }
    let place = path.to_owned();
    loaded(header, move |bytes| {
        let mut file = file.lock().expect("no reader panics");
        let mut data = vec![0; bytes as usize];
        file.seek(SeekFrom::Start(base))
            .and_then(|_| file.read_exact(&mut data))
            .map_err(|e| Error::from(e).at(place.display()))?;
        Ok(data)
    })
}

/// A field that is loaded whole: `read` gives that many bytes from the start of its `.npy` data.
pub fn loaded(
    header: Header,
    mut read: impl FnMut(u64) -> Result<Vec<u8>> + Send + 'static,
) -> Result<Box<dyn FieldSource>> {
    let (dtype, _) = header.number()?;
    let total = header.offset + header.value_bytes()?;
    let remedy = if header.fortran { "save it with np.ascontiguousarray" } else { "save it with np.savez" };
    let shape = header.shape.clone();
    let load = Box::new(move || values(&header, read(total)?));
    Ok(Box::new(LoadedField::new(dtype, shape, remedy, load)?))
}

/// The values of a field in C order, from its whole `.npy` data.
pub fn values(header: &Header, mut data: Vec<u8>) -> Result<Values> {
    let (dtype, endian) = header.number()?;
    let size = dtype.size().expect("fields are never text");
    data.drain(..header.offset as usize);
    endian.to_little(&mut data, size);
    if header.needs_transpose() {
        data = from_fortran_order(&data, &header.shape, size);
    }
    Values::from_le_bytes(dtype, &data)
}

/// Values of `size` bytes each, the first axis running fastest, put into C order.
fn from_fortran_order(data: &[u8], shape: &[usize], size: usize) -> Vec<u8> {
    let strides: Vec<usize> = shape
        .iter()
        .scan(size, |next, &n| {
            let stride = *next;
            *next *= n;
            Some(stride)
        })
        .collect();
    let mut out = Vec::with_capacity(data.len());
    let (mut index, mut from) = (vec![0; shape.len()], 0);
    while out.len() < data.len() {
        out.extend_from_slice(&data[from..from + size]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            from += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            from -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    out
}

/// Writes an array as `.npy`.
pub fn write(out: &mut impl Write, array: &Array) -> Result<()> {
    out.write_all(&write_header(descr(array.values.dtype())?, &array.shape)?)?;
    write_values(out, &array.values)
}

/// The strings of a text array, from its whole `.npy` data.
pub fn read_text(header: &Header, data: &[u8]) -> Result<Vec<String>> {
    let Kind::Text(width, endian) = header.kind else {
        return Err(Error::corrupt("holds numbers where text belongs"));
    };
    if width == 0 && !header.shape.contains(&0) {
        return Err(Error::corrupt("holds text of no characters")); // any number of them, in no bytes at all
    }
    data[header.offset as usize..]
        .chunks_exact(4 * width.max(1))
        .map(|text| decode_text(text, endian))
        .collect()
}

/// Text of one value, less the zeros behind it.
pub fn decode_text(bytes: &[u8], endian: Endian) -> Result<String> {
    let mut bytes = bytes.to_vec();
    endian.to_little(&mut bytes, 4);
    let text: Option<String> = bytes
        .chunks_exact(4)
        .map(|b| char::from_u32(u32::from_le_bytes(b.try_into().expect("four bytes"))))
        .collect();
    let text = text.ok_or_else(|| Error::corrupt("text holds what is no Unicode character"))?;
    Ok(text.trim_end_matches('\0').to_owned())
}

/// Writes strings as an array of one axis, the inverse of [`read_text`].
pub fn write_text(out: &mut impl Write, texts: &[&str]) -> Result<()> {
    let width = texts.iter().map(|t| t.chars().count()).max().unwrap_or(0).max(1);
    out.write_all(&write_header(&format!("<U{width}"), &[texts.len()])?)?;
    for text in texts {
        let padded = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(width);
        let bytes: Vec<u8> = padded.flat_map(u32::to_le_bytes).collect();
        out.write_all(&bytes)?;
    }
    Ok(())
}

fn read_array<const N: usize>(input: &mut impl Read) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes).map_err(|_| cut_short())?;
    Ok(bytes)
}

fn cut_short() -> Error {
    Error::truncated("ends within the .npy header")
}
