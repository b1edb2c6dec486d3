//! NumPy's `.npz`: a zip archive of `.npy` members, each a field.
//!
//! Baler's own layout is the exception: a 2-D `data` beside `names`, one for each column, is one table. Baler also
//! gives fields that have no columns an empty `names`; it is dropped in reading, and a `data` that is alone gets
//! one in writing, so that Baler's files come back as they were.

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use baler::archive::source::check_range;
use baler::archive::{FieldSink, FieldSource, TableSink, TableSource};
use baler::data::{Array, DType, Dataset, Values, Variable};
use baler::error::{Error, ErrorKind, Result};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::records::{Place, Records};
use super::stream::{LOAD_LIMIT, Rows, Target, ValueSink, byte_count, write_values};
use super::{InputVariable, columns_of, npy};
use crate::output::AtomicFile;

/// The member that holds a table's values, or Baler's field.
const DATA: &str = "data";
/// The member that holds the names of its columns.
const NAMES: &str = "names";

type Archive = Arc<Mutex<ZipArchive<File>>>;

/// A member as far as its header tells.
#[derive(Clone)]
struct Member {
    index: usize,
    name: String,
    header: npy::Header,
    /// Where its `.npy` data begin in the file; `None` where they are deflated.
    stored_at: Option<u64>,
}

/// The variables of an open `.npz` file. Stored members are checked against their checksums, which reads them once,
/// and are then fields read in pieces; deflated ones are inflated whole when first read.
///
/// Errors where the archive is damaged, or holds a member that is no array or of a type that is not read.
pub fn open(file: File, path: &Path) -> Result<Vec<InputVariable>> {
    let plain = Arc::new(Mutex::new(File::open(path)?));
    let mut archive = ZipArchive::new(file).map_err(from_zip)?;
    let mut members = vec![];
    for index in 0..archive.len() {
        members.push(open_member(&mut archive, index)?);
    }
    let archive = Arc::new(Mutex::new(archive));
    let mut table = take_table(&archive, &plain, path, &mut members)?;
    let mut variables = vec![];
    for member in members {
        let name = member.name.clone();
        variables.push(match table.take_if(|_| name == DATA) {
            Some(table) => InputVariable::Table { name, source: Box::new(table) },
            None => open_variable(&archive, &plain, path, member).map_err(|e| e.at(quoted(&name)))?,
        });
    }
    Ok(variables)
}

/// What a member holds.
pub enum Content {
    /// Numbers.
    Field(Array),
    /// Text.
    Text(Vec<String>),
}

/// Every member by its name, in memory, whatever `data` and `names` are to each other.
pub fn contents(file: File) -> Result<Vec<(String, Content)>> {
    let mut archive = ZipArchive::new(file).map_err(from_zip)?;
    let members: Vec<Member> =
        (0..archive.len()).map(|index| open_member(&mut archive, index)).collect::<Result<_>>()?;
    let archive = Arc::new(Mutex::new(archive));
    let read = |member: Member| {
        let data = read_member(&archive, member.index, &member.name)?;
        let content = match member.header.kind {
            npy::Kind::Text(..) => npy::read_text(&member.header, &data).map(Content::Text),
            _ => npy::values(&member.header, data)
                .and_then(|values| Array::new(member.header.shape.clone(), values))
                .map(Content::Field),
        };
        Ok((member.name.clone(), content.map_err(|e| e.at(quoted(&member.name)))?))
    };
    members.into_iter().map(read).collect()
}

fn open_member(archive: &mut ZipArchive<File>, index: usize) -> Result<Member> {
    let mut entry = archive.by_index(index).map_err(from_zip)?;
    let name = entry.name().map_err(from_zip)?.into_owned();
    let Some(stem) = name.strip_suffix(".npy").map(str::to_owned) else {
        return Err(Error::new(ErrorKind::Unsupported, format!("member '{name}' is no .npy array")));
    };
    let size = entry.size();
    let header = npy::read_header(&mut entry, size).map_err(|e| e.at(quoted(&stem)))?;
    let stored_at = if entry.compression() == CompressionMethod::Stored { entry.data_start() } else { None };
    if stored_at.is_some() {
        // Pieces are read past the zip reader, so its checksum is compared now.
        let rest = io::copy(&mut entry, &mut io::sink()).map_err(|e| damaged(e, &stem))?;
        if header.offset + rest != size {
            return Err(wrong_size(&stem, size));
        }
    }
    Ok(Member { index, name: stem, header, stored_at })
}

fn open_variable(
    archive: &Archive,
    plain: &Arc<Mutex<File>>,
    path: &Path,
    member: Member,
) -> Result<InputVariable> {
    let name = member.name.clone();
    match (member.stored_at, &member.header.kind) {
        (Some(base), _) => npy::variable(plain.clone(), path, base, member.header, name),
        (None, npy::Kind::Records(..)) => {
            let mut bytes = read_member(archive, member.index, &name)?;
            bytes.drain(..member.header.offset as usize);
            let source = Records::new(member.header, Place::Memory(bytes))?;
            Ok(InputVariable::Table { name, source: Box::new(source) })
        }
        (None, _) => Ok(InputVariable::Field { source: open_field(archive, plain, path, member)?, name }),
    }
}

fn open_field(
    archive: &Archive,
    plain: &Arc<Mutex<File>>,
    path: &Path,
    member: Member,
) -> Result<Box<dyn FieldSource>> {
    match member.stored_at {
        Some(base) => npy::field(plain.clone(), path, base, member.header),
        None => {
            let (archive, index, name) = (archive.clone(), member.index, member.name);
            npy::loaded(member.header, move |_| read_member(&archive, index, &name))
        }
    }
}

/// All bytes of a member, header included; its checksum has been compared.
fn read_member(archive: &Archive, index: usize, name: &str) -> Result<Vec<u8>> {
    let mut archive = archive.lock().expect("no reader panics");
    let mut entry = archive.by_index(index).map_err(from_zip)?;
    let size = entry.size();
    if size > LOAD_LIMIT {
        let message =
            format!("'{name}' must be loaded whole, and {size} bytes are over the limit of {LOAD_LIMIT}");
        return Err(Error::new(ErrorKind::LimitExceeded, message));
    }
    let mut data = vec![]; // grows as bytes arrive: the size is only claimed
    (&mut entry).take(size + 1).read_to_end(&mut data).map_err(|e| damaged(e, name))?;
    if data.len() as u64 != size {
        return Err(wrong_size(name, size));
    }
    Ok(data)
}

/// Baler's table, where `members` hold one: takes `names` out of them, and leaves `data` to mark its place. Takes
/// out `names` of no columns as well: empty ones, and those beside frames.
fn take_table(
    archive: &Archive,
    plain: &Arc<Mutex<File>>,
    path: &Path,
    members: &mut Vec<Member>,
) -> Result<Option<RowsOfField>> {
    let find = |name: &str| members.iter().position(|m| m.name == name);
    let (Some(data), Some(names)) = (find(DATA), find(NAMES)) else { return Ok(None) };
    let shape = members[data].header.shape.clone();
    if members[names].header.shape.contains(&0) || shape.len() > 2 {
        members.remove(names);
        return Ok(None);
    }
    if !matches!(members[names].header.kind, npy::Kind::Text(..)) {
        return Ok(None);
    }
    let member = &members[names];
    let texts = npy::read_text(&member.header, &read_member(archive, member.index, NAMES)?)
        .map_err(|e| e.at(quoted(NAMES)))?;
    if shape.len() != 2 || shape[1] != texts.len() {
        return Err(Error::invalid(format!(
            "'names' has {} entries, which are no columns of 'data' of shape {shape:?}",
            texts.len()
        )));
    }
    let member = members[data].clone();
    let source = open_field(archive, plain, path, member).map_err(|e| e.at(quoted(DATA)))?;
    members.remove(names);
    Ok(Some(RowsOfField { source, names: texts }))
}

/// A field of two axes as a table: each entry of the second is a column.
struct RowsOfField {
    source: Box<dyn FieldSource>,
    names: Vec<String>,
}

impl TableSource for RowsOfField {
    fn columns(&self) -> Vec<(&str, DType)> {
        self.names.iter().map(|name| (name.as_str(), self.source.dtype())).collect()
    }

    fn rows(&self) -> usize {
        self.source.shape()[0]
    }

    fn read(&mut self, rows: Range<usize>) -> Result<Vec<Values>> {
        check_range(rows.start, rows.len(), self.rows())?;
        let width = self.names.len();
        Ok(split_columns(&self.source.read(rows.start * width, rows.len() * width)?, width))
    }
}

/// Runs `$body` with `$v` the vector in `$values`, and gives its result the variant of the same type.
macro_rules! same_type {
    ($values:expr, $v:ident => $body:expr) => {
        match $values {
            Values::Bool($v) => Values::Bool($body),
            Values::U8($v) => Values::U8($body),
            Values::I8($v) => Values::I8($body),
            Values::U16($v) => Values::U16($body),
            Values::I16($v) => Values::I16($body),
            Values::U32($v) => Values::U32($body),
            Values::I32($v) => Values::I32($body),
            Values::U64($v) => Values::U64($body),
            Values::I64($v) => Values::I64($body),
            Values::F32($v) => Values::F32($body),
            Values::F64($v) => Values::F64($body),
            Values::Text($v) => Values::Text($body),
        }
    };
}

/// Rows x columns, C order, as columns.
fn split_columns(values: &Values, width: usize) -> Vec<Values> {
    let column = |c| same_type!(values, v => v.iter().skip(c).step_by(width).cloned().collect());
    (0..width).map(column).collect()
}

/// The type of an array that holds these columns: theirs where they agree, else f64. Errors for text.
fn joint_type(columns: &[(String, DType)]) -> Result<DType> {
    if let Some((name, _)) = columns.iter().find(|c| c.1 == DType::Text) {
        return Err(Error::invalid(format!(
            "column '{name}' is text, which .npz does not take; write .csv, of several variables with --variable"
        )));
    }
    let first = columns.first().map_or(DType::F64, |c| c.1);
    Ok(if columns.iter().all(|c| c.1 == first) { first } else { DType::F64 })
}

/// The inverse of [`split_columns`]: the values of `columns`, all of one type, row after row.
fn interleave(columns: &[Values], dtype: DType) -> Values {
    let rows = columns.first().map_or(0, Values::len);
    macro_rules! by_type {
        ($($variant:ident)*) => {
            match dtype {
                $(DType::$variant => {
                    let columns: Vec<_> = columns
                        .iter()
                        .map(|c| match c {
                            Values::$variant(v) => v,
                            _ => unreachable!("the columns agree in type"),
                        })
                        .collect();
                    Values::$variant((0..rows).flat_map(|r| columns.iter().map(move |c| c[r].clone())).collect())
                })*
            }
        };
    }
    by_type!(Bool U8 I8 U16 I16 U32 I32 U64 I64 F32 F64 Text)
}

fn exact_f64(name: &str, values: &Values) -> Result<Values> {
    let lost = match values {
        Values::I64(v) => v.iter().any(|&x| x as f64 as i128 != x as i128),
        Values::U64(v) => v.iter().any(|&x| x as f64 as u128 != x as u128),
        _ => false,
    };
    if lost {
        return Err(Error::invalid(format!(
            "column '{name}' holds integers that are no f64, the one type .npz has for columns that differ; write .npy \
             (records) or .csv"
        )));
    }
    Ok(Values::F64(values.to_f64().expect("is no text")))
}

/// A `.npz` in the making.
pub struct Writer {
    zip: ZipWriter<AtomicFile>,
    /// Its one variable is a field called `data`, which Baler wants an empty `names` beside.
    lone_data: bool,
    method: CompressionMethod,
}

impl Writer {
    /// An archive that will appear as `file`, its members deflated or stored.
    pub fn new(file: AtomicFile, deflate: bool) -> Writer {
        let method = if deflate { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        Writer { zip: ZipWriter::new(file), lone_data: false, method }
    }

    /// Begins the next member; the same data always make the same archive.
    fn start(&mut self, name: &str, bytes: u64) -> Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(self.method)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644)
            .large_file(bytes >= u32::MAX as u64 - 65_536); // room for the longest header
        self.zip.start_file(format!("{name}.npy"), options).map_err(|e| from_zip(e).at(quoted(name)))
    }

    fn array(&mut self, name: &str, array: &Array) -> Result<()> {
        self.start(name, array.values.byte_len() as u64)?;
        npy::write(&mut self.zip, array)
    }

    fn names(&mut self, names: &[&str]) -> Result<()> {
        let widest = names.iter().map(|n| n.len()).max().unwrap_or(0);
        self.start(NAMES, (4 * widest * names.len()) as u64)?;
        npy::write_text(&mut self.zip, names)
    }

    /// Writes all of `data`, the inverse of [`open`]: fields as members, one table at most as `data` and `names`.
    ///
    /// Errors where there are two tables or two variables of one name, where columns are text, and where columns of
    /// several types hold 64-bit integers that are no f64.
    pub fn write(mut self, data: &Dataset) -> Result<()> {
        if data.variables.iter().filter(|(_, v)| matches!(v, Variable::Table(_))).count() > 1 {
            return Err(Error::invalid("an .npz takes one table; write each to a file of its own"));
        }
        for (name, variable) in &data.variables {
            match variable {
                Variable::Field(array) => self.array(name, array)?,
                Variable::Table(table) => {
                    let rows = self.begin_table(&columns_of(table), table.rows())?;
                    let runs: Vec<Values> = table.columns.iter().map(|c| c.values.clone()).collect();
                    self.put_rows(&rows, &runs)?;
                    self.names(&rows.names())?;
                }
            }
        }
        self.lone_data = matches!(&data.variables[..], [(name, Variable::Field(_))] if name == DATA);
        self.finish()
    }

    /// Begins a table's array.
    fn begin_table(&mut self, columns: &[(String, DType)], rows: usize) -> Result<Joint> {
        let (dtype, shape) = (joint_type(columns)?, [rows, columns.len()]);
        self.start(DATA, byte_count(dtype, &shape)?)?;
        self.zip.write_all(&npy::write_header(npy::descr(dtype)?, &shape)?)?;
        Ok(Joint { columns: columns.to_vec(), dtype })
    }

    fn put_rows(&mut self, joint: &Joint, runs: &[Values]) -> Result<()> {
        let as_one = |((name, dtype), run): (&(String, DType), &Values)| {
            if *dtype == joint.dtype { Ok(run.clone()) } else { exact_f64(name, run) }
        };
        let runs = joint.columns.iter().zip(runs).map(as_one).collect::<Result<Vec<_>>>()?;
        write_values(&mut self.zip, &interleave(&runs, joint.dtype))
    }

    /// A sink for an archive of a single table.
    pub fn table(mut self, columns: &[(String, DType)], rows: usize) -> Result<Box<dyn TableSink>> {
        let joint = self.begin_table(columns, rows)?;
        Ok(Box::new(JointSink { writer: self, joint, rows: Rows::new(columns, rows) }))
    }

    /// A sink for an archive of a single field.
    pub fn field(mut self, name: &str, dtype: DType, shape: &[usize]) -> Result<Box<dyn FieldSink>> {
        self.lone_data = name == DATA;
        self.start(name, byte_count(dtype, shape)?)?;
        self.zip.write_all(&npy::write_header(npy::descr(dtype)?, shape)?)?;
        Ok(Box::new(ValueSink::new(self, dtype, shape)?))
    }
}

/// Columns that become one array of this type.
struct Joint {
    columns: Vec<(String, DType)>,
    dtype: DType,
}

impl Joint {
    fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|c| c.0.as_str()).collect()
    }
}

/// A table on its way into an archive of its own.
struct JointSink {
    writer: Writer,
    joint: Joint,
    rows: Rows,
}

impl TableSink for JointSink {
    fn write(&mut self, columns: &[Values]) -> Result<()> {
        self.rows.take(columns)?;
        self.writer.put_rows(&self.joint, columns)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.rows.finish()?;
        self.writer.names(&self.joint.names())?;
        self.writer.finish()
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.zip.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.zip.flush()
    }
}

impl Target for Writer {
    fn finish(mut self) -> Result<()> {
        if self.lone_data {
            self.names(&[])?;
        }
        self.zip.finish().map_err(from_zip)?.commit()
    }
}

fn from_zip(e: ZipError) -> Error {
    match e {
        ZipError::Io(e) => Error::from(e),
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => Error::new(
            ErrorKind::Unsupported,
            format!("the .npz archive is of an unknown kind ({e}); save it with np.savez"),
        ),
        e => Error::corrupt(format!("the .npz archive is damaged: {e}")),
    }
}

fn damaged(e: io::Error, name: &str) -> Error {
    match e.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
            Error::corrupt(format!("'{name}' is damaged: {e}"))
        }
        _ => Error::from(e).at(quoted(name)),
    }
}

fn wrong_size(name: &str, size: u64) -> Error {
    Error::corrupt(format!("'{name}' does not have the {size} bytes it claims"))
}

fn quoted(name: &str) -> String {
    format!("'{name}'")
}
