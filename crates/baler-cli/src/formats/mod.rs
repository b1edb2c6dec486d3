//! The formats that the command reads and writes, chosen by extension; one file each.

pub mod csv;
pub mod foreign;
mod literal;
pub mod npy;
pub mod npz;
pub mod raw;
mod records;
pub mod stream;

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use baler::archive::record::MAGIC;
use baler::archive::{FieldSink, FieldSource, TableSink, TableSource};
use baler::data::{Array, Column, DType, Dataset, Table, Variable};
use baler::error::{Error, Result};

use crate::output::{AtomicFile, Output, is_standard};
use records::RecordSink;
use stream::{ValueSink, value_count};

/// Every format of a user's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.npy`: one field.
    Npy,
    /// `.npz`: fields, or Baler's table.
    Npz,
    /// `.csv`: one table.
    Csv,
    /// `.f32`, `.i16` and so on: one field of that type, bare.
    Raw(DType),
}

impl Format {
    /// The format that a file's extension says. Errors where it has none or one that is not known.
    pub fn of(path: &Path) -> Result<Format> {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        match extension.as_str() {
            "" => Err(Error::invalid(format!("has no extension to tell its format; known are {}", known()))),
            known => Format::from_name(known),
        }
    }

    /// The format of an extension, without its dot. Errors where it is not known.
    pub fn from_name(name: &str) -> Result<Format> {
        match name {
            "npy" => Ok(Format::Npy),
            "npz" => Ok(Format::Npz),
            "csv" => Ok(Format::Csv),
            _ => match DType::from_name(name) {
                Some(dtype) if dtype != DType::Text => Ok(Format::Raw(dtype)),
                _ if foreign::extra_of(Path::new(&format!("x.{name}"))).is_some() => {
                    Err(Error::invalid(format!(
                        "'{name}' is read where the Python package is installed, not written here: write {}, or use \
                     `baler.io` in Python",
                        known()
                    )))
                }
                _ => Err(Error::invalid(format!("'{name}' is no known format; known are {}", known()))),
            },
        }
    }
}

fn known() -> String {
    let raw = DType::ALL.into_iter().filter(|&t| t != DType::Text).map(|t| format!(".{t}"));
    [".npy", ".npz", ".csv"].map(String::from).into_iter().chain(raw).collect::<Vec<_>>().join(" ")
}

/// How to read a file, where it does not say so itself.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Its format, whatever its extension.
    pub format: Option<Format>,
    /// Length of each axis of a raw file, slowest first.
    pub shape: Option<Vec<usize>>,
    /// Whether a `.csv` begins with a line of names; found out by default.
    pub header: Option<bool>,
    /// What separates the values of a `.csv`; found out by default.
    pub separator: Option<u8>,
}

/// A named variable of an input file.
pub enum InputVariable {
    /// A field, not read yet.
    Field {
        /// Its name; the file's, less the extension, where the format keeps none.
        name: String,
        /// Its values.
        source: Box<dyn FieldSource>,
    },
    /// A table, not read yet.
    Table {
        /// Its name.
        name: String,
        /// Its rows.
        source: Box<dyn TableSource>,
    },
}

impl InputVariable {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            InputVariable::Field { name, .. } | InputVariable::Table { name, .. } => name,
        }
    }

    /// Its name and all its values.
    pub fn load(self) -> Result<(String, Variable)> {
        Ok(match self {
            InputVariable::Field { name, mut source } => {
                let shape = source.shape().to_vec();
                let values = source.read(0, value_count(&shape)?)?;
                (name, Variable::Field(Array::new(shape, values)?))
            }
            InputVariable::Table { name, mut source } => {
                let names: Vec<String> = source.columns().into_iter().map(|(name, _)| name.into()).collect();
                let runs = source.read(0..source.rows())?;
                let columns = names.into_iter().zip(runs).map(|(name, values)| Column { name, values });
                (name, Variable::Table(Table::new(columns.collect())?))
            }
        })
    }
}

/// An open input file.
pub struct Input {
    /// What it is.
    pub format: Format,
    /// Its variables, in the file's order.
    pub variables: Vec<InputVariable>,
}

impl Input {
    /// Everything in it, in memory.
    pub fn load(self) -> Result<Dataset> {
        let variables = self.variables.into_iter().map(InputVariable::load).collect::<Result<_>>()?;
        Ok(Dataset { variables })
    }
}

/// Opens a file of the user's, to be read in pieces.
///
/// Errors, naming the file, where it cannot be read, is of no known format, or is not what its format says.
pub fn open(path: &Path, options: &ReadOptions) -> Result<Input> {
    let opened = match foreign::extra_of(path).filter(|_| options.format.is_none()) {
        Some(extra) => foreign::with_plain(path, extra, |plain| open_unnamed(plain, options)),
        None => open_unnamed(path, options),
    };
    opened.map_err(|e| e.at(path.display()))
}

/// Whether a file starts as a Baler archive does.
pub fn is_archive(path: &Path) -> bool {
    let mut start = MAGIC;
    start.fill(0);
    File::open(path).and_then(|mut f| f.read_exact(&mut start)).is_ok() && start == MAGIC
}

fn open_unnamed(path: &Path, options: &ReadOptions) -> Result<Input> {
    let meta = fs::metadata(path)?;
    if meta.is_dir() {
        return Err(Error::invalid("is a folder, not a file"));
    }
    if !meta.is_file() {
        return Err(Error::invalid("is a device or a pipe; input is read from plain files"));
    }
    let format = match options.format {
        Some(format) => format,
        None if !matches!(Format::of(path), Ok(Format::Raw(_))) && is_archive(path) => {
            return Err(Error::invalid("is a Baler archive already; `baler decompress` gives its data back"));
        }
        None => Format::of(path)?,
    };
    let file = File::open(path)?;
    let total = meta.len();
    let shape = options.shape.as_deref();
    if shape.is_some() && !matches!(format, Format::Raw(_)) {
        return Err(Error::invalid("--shape is for raw files; this format keeps its own"));
    }
    if total == 0 && !shape.is_some_and(|s| s.contains(&0)) {
        return Err(Error::truncated("is empty"));
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let variables = match format {
        Format::Npy => vec![npy::open(file, path, total, name)?],
        Format::Npz => npz::open(file, path)?,
        Format::Csv => vec![InputVariable::Table { name, source: Box::new(csv::open(file, path, options)?) }],
        Format::Raw(dtype) => {
            vec![InputVariable::Field { name, source: raw::open(file, path, total, dtype, shape)? }]
        }
    };
    Ok(Input { format, variables })
}

/// How to write a file.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Its format, whatever its extension; standard output needs it.
    pub format: Option<Format>,
    /// Whether a file of that name may be replaced.
    pub force: bool,
    /// Whether a `.csv` begins with a line of names.
    pub header: bool,
    /// What separates the values of a `.csv`.
    pub separator: u8,
    /// Whether the members of an `.npz` are deflated.
    pub deflate: bool,
}

impl Default for WriteOptions {
    fn default() -> Self {
        WriteOptions { format: None, force: false, header: true, separator: b',', deflate: false }
    }
}

/// An output file that has been started, and appears once it is complete.
pub struct Destination {
    path: PathBuf,
    options: WriteOptions,
    writer: Writer,
}

enum Writer {
    Npy(Output),
    Npz(Box<npz::Writer>),
    Csv(Output),
    Raw(Output, DType),
}

/// Starts an output file; `-` is standard output, for all but `.npz`.
///
/// Errors where the file exists and `force` is not set, cannot be created, or is of no known format.
pub fn create(path: &Path, options: &WriteOptions) -> Result<Destination> {
    let format = match options.format {
        Some(format) => format,
        None if is_standard(path) => return Err(Error::invalid("standard output needs its format named")),
        None => Format::of(path).map_err(|e| e.at(path.display()))?,
    };
    let output = || Output::create(path, options.force);
    let writer = match format {
        Format::Npz if is_standard(path) => {
            return Err(Error::invalid(
                "an .npz cannot be written to standard output; npy, csv and raw values can",
            ));
        }
        Format::Npz => {
            Writer::Npz(Box::new(npz::Writer::new(AtomicFile::create(path, options.force)?, options.deflate)))
        }
        Format::Npy => Writer::Npy(output()?),
        Format::Csv => Writer::Csv(output()?),
        Format::Raw(dtype) => Writer::Raw(output()?, dtype),
    };
    Ok(Destination { path: path.to_owned(), options: options.clone(), writer })
}

impl Destination {
    /// Writes all of `data`, and makes the file final.
    ///
    /// Errors where the format does not take such data, saying which does, and where writing fails.
    pub fn write(self, data: &Dataset) -> Result<()> {
        let Destination { path, options, writer } = self;
        let result = match writer {
            Writer::Npz(archive) => archive.write(data),
            Writer::Csv(output) => {
                only_table(data).and_then(|t| whole(csv_sink(output, &columns_of(t), t.rows(), &options)?, t))
            }
            Writer::Npy(mut output) => match &data.variables[..] {
                [(_, Variable::Table(t))] => {
                    npy_sink(output, &columns_of(t), t.rows()).and_then(|sink| whole(sink, t))
                }
                _ => only_field(data).and_then(|a| npy::write(&mut output, a)).and_then(|()| output.commit()),
            },
            Writer::Raw(mut output, dtype) => only_field(data)
                .and_then(|a| check_raw(dtype, a.values.dtype()).and_then(|()| raw::write(&mut output, a)))
                .and_then(|()| output.commit()),
        };
        result.map_err(|e| name_once(e, &path))
    }

    /// A sink for one table, which makes the file final when it is finished.
    ///
    /// Errors where the format does not take it, and where writing fails.
    pub fn table(self, name: &str, columns: &[(String, DType)], rows: usize) -> Result<Box<dyn TableSink>> {
        let Destination { path, writer, options } = self;
        let sink = match writer {
            Writer::Npz(archive) => archive.table(columns, rows),
            Writer::Csv(output) => csv_sink(output, columns, rows, &options),
            Writer::Npy(output) => npy_sink(output, columns, rows),
            Writer::Raw(..) => Err(table_in_raw(name)),
        };
        sink.map_err(|e| name_once(e, &path))
    }

    /// A sink for one field, which makes the file final when it is finished.
    ///
    /// Errors where the format does not take it, and where writing fails.
    pub fn field(self, name: &str, dtype: DType, shape: &[usize]) -> Result<Box<dyn FieldSink>> {
        let Destination { path, writer, .. } = self;
        let sink = || -> Result<Box<dyn FieldSink>> {
            match writer {
                Writer::Npz(archive) => archive.field(name, dtype, shape),
                Writer::Csv(_) => Err(field_in_csv(name)),
                Writer::Npy(mut output) => {
                    std::io::Write::write_all(&mut output, &npy::write_header(npy::descr(dtype)?, shape)?)?;
                    Ok(Box::new(ValueSink::new(output, dtype, shape)?))
                }
                Writer::Raw(output, of) => {
                    check_raw(of, dtype)?;
                    Ok(Box::new(ValueSink::new(output, dtype, shape)?))
                }
            }
        };
        sink().map_err(|e| name_once(e, &path))
    }
}

/// Name and type of each column.
pub fn columns_of(table: &Table) -> Vec<(String, DType)> {
    table.columns.iter().map(|c| (c.name.clone(), c.values.dtype())).collect()
}

/// All of a table through a sink.
fn whole(mut sink: Box<dyn TableSink>, table: &Table) -> Result<()> {
    sink.write(&(&*table).read(0..table.rows())?)?;
    sink.finish()
}

fn npy_sink(mut output: Output, columns: &[(String, DType)], rows: usize) -> Result<Box<dyn TableSink>> {
    std::io::Write::write_all(&mut output, &records::header(columns, rows)?)?;
    Ok(Box::new(RecordSink::new(output, columns, rows)))
}

fn csv_sink(
    output: Output,
    columns: &[(String, DType)],
    rows: usize,
    options: &WriteOptions,
) -> Result<Box<dyn TableSink>> {
    Ok(Box::new(csv::CsvSink::new(output, columns, rows, options)?))
}

fn only_table(data: &Dataset) -> Result<&Table> {
    match &data.variables[..] {
        [(_, Variable::Table(table))] => Ok(table),
        [(name, Variable::Field(_))] => Err(field_in_csv(name)),
        _ => Err(Error::invalid(format!(
            "a .csv takes one table, not {} variables; choose with --variable",
            data.variables.len()
        ))),
    }
}

fn only_field(data: &Dataset) -> Result<&Array> {
    match &data.variables[..] {
        [(_, Variable::Field(array))] => Ok(array),
        [(name, Variable::Table(_))] => Err(table_in_raw(name)),
        _ => Err(Error::invalid(format!(
            "takes one field, not {} variables; write .npz, or choose with --variable",
            data.variables.len()
        ))),
    }
}

fn check_raw(extension: DType, values: DType) -> Result<()> {
    if extension == values {
        return Ok(());
    }
    Err(Error::invalid(format!("the values are {values}; name the file .{values}, not .{extension}")))
}

fn table_in_raw(name: &str) -> Error {
    Error::invalid(format!("'{name}' is a table; write it as .csv, .npy or .npz"))
}

fn field_in_csv(name: &str) -> Error {
    Error::invalid(format!("'{name}' is a field, not a table; write it as .npy or .npz"))
}

/// Names the file in an error, unless the output that failed has done so.
fn name_once(e: Error, path: &Path) -> Error {
    if e.io().is_some() { e } else { e.at(path.display()) }
}
