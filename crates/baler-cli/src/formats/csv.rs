//! Comma-separated values: one table, read twice, first to find the type of each column and then to fill it.
//!
//! A column is i64, or u64, where every value is such an integer; else f64 where every value is a number or
//! missing; else text. Identifiers are never rounded: a column of integers alone that f64 cannot hold (too long for
//! u64, or long and beside missing values) is text.

use std::fs::File;
use std::io::{Read, Write};

use baler::data::{Column, DType, Table, Values};
use baler::error::{Error, ErrorKind, Result};
use csv::{ReaderBuilder, StringRecord};

use super::stream::LOAD_LIMIT;
use super::{ReadOptions, WriteOptions};

const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// What one entry can be, blanks around it aside.
enum Cell {
    /// Nothing, or `NaN`.
    Missing,
    Integer(i128),
    Float,
    Text,
}

fn classify(entry: &str) -> Cell {
    let entry = entry.trim();
    if entry.is_empty() || entry.eq_ignore_ascii_case("nan") {
        return Cell::Missing;
    }
    // "-0" is a float that an integer would not give back.
    match entry.parse::<i128>() {
        Ok(i) if i != 0 || !entry.starts_with('-') => Cell::Integer(i),
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
            Cell::Float => self.floats += 1,
            Cell::Text => {
                self.texts += 1;
                self.first_text.get_or_insert_with(|| (line, entry.chars().take(40).collect()));
            }
        }
    }

    /// The type of the column. Errors where a little text stands in a column of numbers.
    fn dtype(&self, name: &str) -> Result<DType> {
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

/// Reads a table from a file of `total` bytes. Separator and line of names are found out where `options` leave them
/// open: the first line is names unless all its entries are numbers.
///
/// Errors where lines have different numbers of entries, where the text is not UTF-8, and where more than 99 % of a
/// column are numbers and some are not; the message names line and column.
pub fn read(mut file: File, total: u64, options: &ReadOptions) -> Result<Table> {
    if total > LOAD_LIMIT {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!("a .csv is read whole, and {total} bytes are over the limit of {LOAD_LIMIT}; split it"),
        ));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let separator = options.separator.unwrap_or_else(|| find_separator(text));

    let mut first = None;
    let mut surveys: Vec<Survey> = vec![];
    let mut header = options.header;
    each_record(text, separator, |record, line| {
        if first.is_none() {
            first = Some(record.clone());
            surveys.resize_with(record.len(), Survey::default);
            if *header.get_or_insert_with(|| !is_numeric(record)) {
                return Ok(());
            }
        }
        surveys.iter_mut().zip(record).for_each(|(survey, entry)| survey.add(entry, line));
        Ok(())
    })?;
    let first = first.ok_or_else(|| Error::truncated("holds blank lines only"))?;
    let mut skip = header == Some(true);
    let mut columns = vec![];
    for (i, survey) in surveys.iter().enumerate() {
        let name = if skip { first[i].trim() } else { "" };
        let name = if name.is_empty() { format!("c{i}") } else { name.to_owned() };
        columns.push(Column { values: Values::empty(survey.dtype(&name)?), name });
    }
    each_record(text, separator, |record, _| {
        if !std::mem::take(&mut skip) {
            columns.iter_mut().zip(record).for_each(|(column, entry)| push(&mut column.values, entry));
        }
        Ok(())
    })?;
    Table::new(columns)
}

/// Hands out each record with its line, once it has as many entries as the first.
fn each_record(
    text: &[u8],
    separator: u8,
    mut visit: impl FnMut(&StringRecord, u64) -> Result<()>,
) -> Result<()> {
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(text);
    let mut record = StringRecord::new();
    let mut width = None;
    while reader.read_record(&mut record).map_err(from_csv)? {
        let line = record.position().map_or(0, |p| p.line());
        let expected = *width.get_or_insert(record.len());
        if record.len() != expected {
            return Err(Error::corrupt(format!(
                "line {line} has {} entries where {expected} are expected",
                record.len()
            )));
        }
        visit(&record, line)?;
    }
    Ok(())
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
    let number = |e: &str| matches!(classify(e), Cell::Integer(_) | Cell::Float);
    record.iter().any(number) && record.iter().all(|e| !matches!(classify(e), Cell::Text))
}

/// Appends an entry that the survey has found to be of this column's type.
fn push(column: &mut Values, entry: &str) {
    let number = entry.trim();
    match column {
        Values::I64(v) => v.push(number.parse().expect("surveyed")),
        Values::U64(v) => v.push(number.parse().expect("surveyed")),
        Values::F64(v) => {
            v.push(if number.is_empty() { f64::NAN } else { number.parse().expect("surveyed") })
        }
        Values::Text(v) => v.push(entry.to_owned()),
        _ => unreachable!("no column of a .csv has another type"),
    }
}

/// Writes a table, the inverse of [`read`]: floats with the fewest digits that read back as they were and a point
/// or exponent, so that they stay floats; truth values as 0 and 1. A NaN's payload is lost.
pub fn write(out: &mut impl Write, table: &Table, options: &WriteOptions) -> Result<()> {
    let mut writer = csv::WriterBuilder::new().delimiter(options.separator).from_writer(out);
    let end = None::<&[u8]>;
    if options.header {
        writer.write_record(table.columns.iter().map(|c| &c.name)).map_err(from_csv)?;
    }
    let mut entry = String::new();
    for row in 0..table.rows() {
        for column in &table.columns {
            entry.clear();
            show(&column.values, row, &mut entry);
            writer.write_field(&entry).map_err(from_csv)?;
        }
        writer.write_record(end).map_err(from_csv)?;
    }
    Ok(writer.flush()?)
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
