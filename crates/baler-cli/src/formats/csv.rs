//! Comma-separated values: one table, read twice, first to find the type of each column and then, some rows at a time,
//! to fill it.
//!
//! A column is i64, or u64, where every value is such an integer; else f64 where every value is a number or
//! missing; else text. Identifiers are never rounded, and keep their zeros: a column of integers alone that f64 cannot hold
//! (too long for u64, or long and beside missing values), or of which one starts with a zero, is text.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use baler::archive::source::check_range;
use baler::archive::{TableSink, TableSource};
use baler::data::{DType, Values};
use baler::error::{Error, Result};
use csv::{Position, Reader, ReaderBuilder, StringRecord, Writer};

use super::stream::{Rows, Target};
use super::{ReadOptions, WriteOptions};

const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// What one entry can be, blanks around it aside.
enum Cell {
    /// Nothing, or `NaN`.
    Missing,
    Integer(i128),
    /// Digits that an integer would not give back: too many, or with zeros before them.
    Digits,
    Float,
    Text,
}

fn classify(entry: &str) -> Cell {
    let entry = entry.trim();
    if entry.is_empty() || entry.eq_ignore_ascii_case("nan") {
        return Cell::Missing;
    }
    let digits = entry.strip_prefix(['+', '-']).unwrap_or(entry);
    match entry.parse::<i128>() {
        Ok(_) if digits.len() > 1 && digits.starts_with('0') => Cell::Digits,
        // "-0" is a float that an integer would not give back.
        Ok(i) if i != 0 || !entry.starts_with('-') => Cell::Integer(i),
        Err(_) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => Cell::Digits,
        _ if entry.parse::<f64>().is_ok() => Cell::Float,
        _ => Cell::Text,
    }
}

/// What the entries of one column are.
#[derive(Default)]
struct Survey {
    empty: u64,
    missing: u64,
    integers: u64,
    floats: u64,
    texts: u64,
    first_text: Option<(u64, String)>,
    range: Option<(i128, i128)>,
    beyond_f64: bool,
    /// Of the integers, those that only text gives back.
    digits: u64,
}

impl Survey {
    fn add(&mut self, entry: &str, line: u64) {
        match classify(entry) {
            Cell::Missing => {
                self.missing += 1;
                self.empty += entry.trim().is_empty() as u64;
            }
            Cell::Integer(i) => {
                self.integers += 1;
                let (low, high) = self.range.unwrap_or((i, i));
                self.range = Some((low.min(i), high.max(i)));
                self.beyond_f64 |= i as f64 as i128 != i;
            }
            Cell::Digits => (self.integers, self.digits) = (self.integers + 1, self.digits + 1),
            Cell::Float => self.floats += 1,
            Cell::Text => {
                self.texts += 1;
                self.first_text.get_or_insert_with(|| (line, entry.chars().take(40).collect()));
            }
        }
    }

    /// The type of the column. Errors where a little text stands in a column of numbers.
    fn dtype(&self, name: &str) -> Result<DType> {
        if self.floats == 0 && self.digits > 0 {
            return Ok(DType::Text);
        }
        let numbers = self.integers + self.floats;
        if let Some((line, text)) = &self.first_text {
            if numbers > 99 * self.texts {
                return Err(Error::corrupt(format!(
                    "line {line}, column '{name}': '{text}' is no number, as {numbers} other entries are; \
                     correct it, or leave it empty"
                )));
            }
            return Ok(DType::Text);
        }
        if numbers == 0 {
            let blank = self.missing > 0 && self.empty == self.missing;
            return Ok(if blank { DType::Text } else { DType::F64 });
        }
        Ok(match self.range {
            Some((low, high)) if self.floats == 0 => {
                if self.missing == 0 && low >= i64::MIN as i128 && high <= i64::MAX as i128 {
                    DType::I64
                } else if self.missing == 0 && low >= 0 && high <= u64::MAX as i128 {
                    DType::U64
                } else if self.beyond_f64 {
                    DType::Text
                } else {
                    DType::F64
                }
            }
            _ => DType::F64,
        })
    }
}

/// Rows between two places in the file that are remembered.
const STRIDE: usize = 1 << 12;

/// A surveyed file, as a table.
pub struct CsvTable {
    reader: Reader<File>,
    path: PathBuf,
    columns: Vec<(String, DType)>,
    rows: usize,
    /// Where every [`STRIDE`]th row begins.
    places: Vec<Position>,
    /// The row that the reader is at.
    at: usize,
}

/// Surveys a table in a file. Separator and line of names are found out where `options` leave them open: the first
/// line is names unless all its entries are numbers.
///
/// Errors where lines have different numbers of entries, where the text is not UTF-8, and where more than 99 % of a
/// column are numbers and some are not; the message names line and column.
pub fn open(mut file: File, path: &Path, options: &ReadOptions) -> Result<CsvTable> {
    let separator = match options.separator {
        Some(separator) => separator,
        None => find_separator(&first_line(&mut file)?),
    };
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(file);
    let mut record = StringRecord::new();
    let (mut surveys, mut names): (Vec<Survey>, Option<StringRecord>) = (vec![], None);
    let (mut places, mut rows) = (vec![], 0);
    while next_record(&mut reader, &mut record, (!surveys.is_empty()).then_some(surveys.len()))? {
        let position = record.position().expect("has been read").clone();
        if surveys.is_empty() {
            surveys.resize_with(record.len(), Survey::default);
            if options.header.unwrap_or_else(|| !is_numeric(&record)) {
                names = Some(record.clone());
                continue;
            }
        }
        surveys.iter_mut().zip(&record).for_each(|(survey, entry)| survey.add(entry, position.line()));
        if rows % STRIDE == 0 {
            places.push(position);
        }
        rows += 1;
    }
    if surveys.is_empty() {
        return Err(Error::truncated("holds blank lines only"));
    }
    let mut columns = vec![];
    for (i, survey) in surveys.iter().enumerate() {
        let name = names.as_ref().map_or("", |names| names[i].trim());
        let name = if name.is_empty() { format!("c{i}") } else { name.to_owned() };
        columns.push((name.clone(), survey.dtype(&name)?));
    }
    Ok(CsvTable { reader, path: path.to_owned(), columns, rows, places, at: usize::MAX })
}

/// The bytes up to the first line's end, quoted ones left aside; leaves `file` at its start.
fn first_line(file: &mut File) -> Result<Vec<u8>> {
    let (mut line, mut piece) = (vec![], vec![0; 1 << 16]);
    let mut quoted = false;
    loop {
        let n = file.read(&mut piece)?;
        let ends = |&b: &u8| {
            quoted ^= b == b'"';
            matches!(b, b'\n' | b'\r') && !quoted
        };
        let end = piece[..n].iter().position(ends);
        line.extend_from_slice(&piece[..end.unwrap_or(n)]);
        if end.is_some() || n == 0 {
            file.seek(SeekFrom::Start(0))?;
            return Ok(line);
        }
    }
}

/// Reads the next record, once it has as many entries as `expected`; whether there is one.
fn next_record(
    reader: &mut Reader<File>,
    record: &mut StringRecord,
    expected: Option<usize>,
) -> Result<bool> {
    if !reader.read_record(record).map_err(from_csv)? {
        return Ok(false);
    }
    match expected.filter(|&n| n != record.len()) {
        Some(n) => Err(Error::corrupt(format!(
            "line {} has {} entries where {n} are expected",
            record.position().map_or(0, |p| p.line()),
            record.len()
        ))),
        None => Ok(true),
    }
}

impl CsvTable {
    fn fill(&mut self, rows: &Range<usize>, columns: &mut [Values]) -> Result<()> {
        let mut record = StringRecord::new();
        if self.at != rows.start {
            let place = rows.start / STRIDE;
            self.reader.seek(self.places[place].clone()).map_err(from_csv)?;
            self.at = place * STRIDE;
        }
        while self.at < rows.end {
            if !next_record(&mut self.reader, &mut record, Some(columns.len()))? {
                return Err(changed());
            }
            if self.at >= rows.start {
                columns.iter_mut().zip(&record).try_for_each(|(column, entry)| push(column, entry))?;
            }
            self.at += 1;
        }
        Ok(())
    }
}

impl TableSource for CsvTable {
    fn columns(&self) -> Vec<(&str, DType)> {
        self.columns.iter().map(|(name, dtype)| (name.as_str(), *dtype)).collect()
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn read(&mut self, rows: Range<usize>) -> Result<Vec<Values>> {
        check_range(rows.start, rows.len(), self.rows)?;
        let mut columns: Vec<Values> = self.columns.iter().map(|&(_, dtype)| Values::empty(dtype)).collect();
        if !rows.is_empty() {
            let filled = self.fill(&rows, &mut columns);
            filled.inspect_err(|_| self.at = usize::MAX).map_err(|e| e.at(self.path.display()))?;
        }
        Ok(columns)
    }
}

fn changed() -> Error {
    Error::invalid("has been changed while it was read")
}

/// The separator seen most often in the first line, outside quotes; the comma where none is.
fn find_separator(text: &[u8]) -> u8 {
    let mut counts = [0usize; SEPARATORS.len()];
    let mut quoted = false;
    for &byte in text {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            _ => {
                if let Some(i) = SEPARATORS.iter().position(|&s| s == byte) {
                    counts[i] += 1;
                }
            }
        }
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    SEPARATORS[counts.iter().position(|&n| n == most).unwrap_or(0)]
}

/// Whether a first line is values already: numbers or missing, and one number at least.
fn is_numeric(record: &StringRecord) -> bool {
    let number = |e: &str| matches!(classify(e), Cell::Integer(_) | Cell::Digits | Cell::Float);
    record.iter().any(number) && record.iter().all(|e| !matches!(classify(e), Cell::Text))
}

/// Appends an entry that the survey has found to be of this column's type; an error where it no longer is.
fn push(column: &mut Values, entry: &str) -> Result<()> {
    let number = entry.trim();
    match column {
        Values::I64(v) => v.push(number.parse().map_err(|_| changed())?),
        Values::U64(v) => v.push(number.parse().map_err(|_| changed())?),
        Values::F64(v) => {
            v.push(if number.is_empty() { f64::NAN } else { number.parse().map_err(|_| changed())? })
        }
        Values::Text(v) => v.push(entry.to_owned()),
        _ => unreachable!("no column of a .csv has another type"),
    }
    Ok(())
}

/// Writes a table, the inverse of reading: floats with the fewest digits that read back as they were and a point
/// or exponent, so that they stay floats; truth values as 0 and 1. A NaN's payload is lost.
pub struct CsvSink<T: Target> {
    writer: Writer<T>,
    rows: Rows,
}

impl<T: Target> CsvSink<T> {
    /// A sink for that many rows; writes the names, if `options` want them.
    pub fn new(
        target: T,
        columns: &[(String, DType)],
        rows: usize,
        options: &WriteOptions,
    ) -> Result<CsvSink<T>> {
        let mut writer = csv::WriterBuilder::new().delimiter(options.separator).from_writer(target);
        if options.header {
            writer.write_record(columns.iter().map(|c| &c.0)).map_err(from_csv)?;
        }
        Ok(CsvSink { writer, rows: Rows::new(columns, rows) })
    }
}

impl<T: Target> TableSink for CsvSink<T> {
    fn write(&mut self, columns: &[Values]) -> Result<()> {
        let mut entry = String::new();
        for row in 0..self.rows.take(columns)? {
            for column in columns {
                entry.clear();
                show(column, row, &mut entry);
                self.writer.write_field(&entry).map_err(from_csv)?;
            }
            self.writer.write_record(None::<&[u8]>).map_err(from_csv)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.rows.finish()?;
        self.writer.into_inner().map_err(|e| e.into_error())?.finish()
    }
}

fn show(values: &Values, row: usize, out: &mut String) {
    use std::fmt::Write;
    macro_rules! number {
        ($x:expr) => {
            write!(out, "{:?}", $x).expect("strings take all")
        };
    }
    match values {
        Values::Bool(v) => number!(v[row] as u8),
        Values::U8(v) => number!(v[row]),
        Values::I8(v) => number!(v[row]),
        Values::U16(v) => number!(v[row]),
        Values::I16(v) => number!(v[row]),
        Values::U32(v) => number!(v[row]),
        Values::I32(v) => number!(v[row]),
        Values::U64(v) => number!(v[row]),
        Values::I64(v) => number!(v[row]),
        Values::F32(v) => number!(v[row]),
        Values::F64(v) => number!(v[row]),
        Values::Text(v) => out.push_str(&v[row]),
    }
}

fn from_csv(e: csv::Error) -> Error {
    match e.into_kind() {
        csv::ErrorKind::Io(e) => Error::from(e),
        csv::ErrorKind::Utf8 { pos, .. } => Error::corrupt(format!(
            "line {} is not UTF-8; convert the file, as with iconv -f latin1 -t utf-8",
            pos.map_or(0, |p| p.line())
        )),
        kind => Error::corrupt(format!("{kind:?}")),
    }
}
