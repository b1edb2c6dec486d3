//! Tables as NumPy's structured arrays: rows of named members, each of its own type, in an `.npy` or a member of an
//! `.npz`. All types but text come back as they were, and any rows can be read alone.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use baler::archive::source::check_range;
use baler::archive::{TableSink, TableSource};
use baler::data::{DType, Values};
use baler::error::{Error, ErrorKind, Result};

use super::npy::{self, Header, Kind, Member};
use super::stream::{Rows, Target};

/// Rows that are put together at a time on their way out.
const PIECE: usize = 1 << 12;

/// Where the bytes of the records are.
pub enum Place {
    /// In a file of this name, from this byte on.
    File(Arc<Mutex<File>>, PathBuf, u64),
    /// In memory.
    Memory(Vec<u8>),
}

impl Place {
    fn bytes(&self, range: Range<usize>) -> Result<Vec<u8>> {
        match self {
            Place::File(file, path, base) => {
                let mut bytes = vec![0; range.len()];
                let mut file = file.lock().expect("no reader panics");
                file.seek(SeekFrom::Start(base + range.start as u64))
                    .and_then(|_| file.read_exact(&mut bytes))
                    .map_err(|e| Error::from(e).at(path.display()))?;
                Ok(bytes)
            }
            Place::Memory(bytes) => Ok(bytes[range].to_vec()),
        }
    }
}

/// A structured array of one axis, as a table.
pub struct Records {
    place: Place,
    size: usize,
    members: Vec<Member>,
    rows: usize,
}

impl Records {
    /// The table whose `header` has been read and whose rows begin at the start of `place`. Errors where there is not
    /// one axis, where there are no members or two of one name.
    pub fn new(header: Header, place: Place) -> Result<Records> {
        let rows = match header.shape[..] {
            [rows] => rows,
            _ => return Err(header.number().expect_err("records are no numbers")),
        };
        let Kind::Records(size, members) = header.kind else {
            return Err(Error::corrupt("holds no records"));
        };
        let mut names = HashSet::new();
        match members.iter().find(|m| !names.insert(m.name.as_str())) {
            Some(twice) => Err(Error::corrupt(format!("has two members named '{}'", twice.name))),
            None if size == 0 => Err(Error::new(ErrorKind::Unsupported, "its records hold nothing")),
            None => Ok(Records { place, size, members, rows }),
        }
    }
}

impl TableSource for Records {
    fn columns(&self) -> Vec<(&str, DType)> {
        let dtype = |m: &Member| match m.kind {
            Kind::Number(dtype, _) => dtype,
            _ => DType::Text,
        };
        self.members.iter().map(|m| (m.name.as_str(), dtype(m))).collect()
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn read(&mut self, rows: Range<usize>) -> Result<Vec<Values>> {
        check_range(rows.start, rows.len(), self.rows)?;
        let bytes = self.place.bytes(rows.start * self.size..rows.end * self.size)?;
        let column = |m: &Member| {
            let size = m.kind.size().expect("within the record");
            let cells = (0..rows.len()).flat_map(|r| &bytes[r * self.size + m.at..][..size]);
            let mut run: Vec<u8> = Vec::with_capacity(rows.len() * size);
            run.extend(cells);
            match m.kind {
                Kind::Number(dtype, endian) => {
                    endian.to_little(&mut run, size);
                    Values::from_le_bytes(dtype, &run)
                }
                Kind::Text(0, _) => Ok(Values::Text(vec![String::new(); rows.len()])),
                Kind::Text(_, endian) => run
                    .chunks_exact(size)
                    .map(|t| npy::decode_text(t, endian))
                    .collect::<Result<_>>()
                    .map(Values::Text),
                Kind::Records(..) => unreachable!("members are no records"),
            }
            .map_err(|e| e.at(format!("member '{}'", m.name)))
        };
        self.members.iter().map(column).collect()
    }
}

/// The `.npy` header of records of these columns. Errors for text, whose longest is not known before the last.
pub fn header(columns: &[(String, DType)], rows: usize) -> Result<Vec<u8>> {
    let mut members = String::new();
    for (name, dtype) in columns {
        if *dtype == DType::Text {
            return Err(Error::invalid(format!(
                "column '{name}' of the table is text, which .npy does not take here; write .csv"
            )));
        }
        let quote = if name.contains('\'') { '"' } else { '\'' };
        if name.contains(quote) || name.contains(['\\', '\n', '\r']) {
            return Err(Error::invalid(format!(
                "the name of column '{name}' cannot be told in an .npy; write .csv"
            )));
        }
        let comma = if members.is_empty() { "" } else { ", " };
        members += &format!("{comma}({quote}{name}{quote}, '{}')", npy::descr(*dtype)?);
    }
    npy::write_header(&format!("[{members}]"), &[rows])
}

/// Writes rows as records, behind their header.
pub struct RecordSink<T: Target> {
    target: T,
    rows: Rows,
}

impl<T: Target> RecordSink<T> {
    /// A sink for that many rows of these columns, after their [`header`].
    pub fn new(target: T, columns: &[(String, DType)], rows: usize) -> RecordSink<T> {
        RecordSink { target, rows: Rows::new(columns, rows) }
    }
}

impl<T: Target> TableSink for RecordSink<T> {
    fn write(&mut self, columns: &[Values]) -> Result<()> {
        let count = self.rows.take(columns)?;
        for start in (0..count).step_by(PIECE) {
            let end = count.min(start + PIECE);
            let columns: Vec<(usize, Vec<u8>)> = columns
                .iter()
                .map(|c| {
                    let mut bytes = vec![];
                    c.slice(start..end).write_le_bytes(&mut bytes);
                    (c.dtype().size().expect("no text"), bytes)
                })
                .collect();
            let mut rows = Vec::with_capacity(columns.iter().map(|(_, bytes)| bytes.len()).sum());
            for row in 0..end - start {
                columns
                    .iter()
                    .for_each(|(size, bytes)| rows.extend_from_slice(&bytes[row * size..][..*size]));
            }
            self.target.write_all(&rows)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.rows.finish()?;
        self.target.finish()
    }
}
