//! Reading: an archive's header and index, its values in order or any run of them, its verification.

use super::header::{FieldHeader, Header, Kind, VariableHeader};
use super::index::{Entry, Index};
use super::models::Models;
use super::pipeline::in_order;
use super::record::{END, MAGIC, RecordKind, TRAILER, VERSION, unframe};
use super::unpack::decode_record;
use super::zlib::inflate;
use crate::codec::bytes::Reader;
use crate::data::{Array, Values, Variable};
use crate::error::{Error, Result};
use crate::model::any::AnyDecoder;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

/// A description inflates to at most this many bytes: as JSON values they may take thirty times as many.
pub const MOST_DESCRIPTION: usize = 1 << 22;

/// An open archive.
pub struct Archive<R> {
    input: R,
    header: Header,
    sum: u32,
    index: Index,
    /// Of each variable.
    chunks: Vec<Vec<Entry>>,
    description: Option<serde_json::Value>,
    models: Models,
    model_bytes: u64,
    length: u64,
}

/// What an archive starts with.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The header.
    pub header: Header,
    /// Where the records start.
    pub start: u64,
    /// The header's checksum, with which those of the records begin.
    pub sum: u32,
}

/// The header of the archive that `input` starts with.
pub fn read_header(input: &mut impl Read) -> Result<Head> {
    let mut head = vec![0; MAGIC.len() + 1];
    read_exact(input, &mut head, "the file's first bytes")?;
    if head[..4] != MAGIC {
        return Err(Error::corrupt("this is no Baler archive: it does not start with \\x89BLR"));
    }
    if head[4] != VERSION {
        return Err(Error::unsupported(format!(
            "the archive is of format version {}, this program reads version {VERSION}: a newer one will read it, unless \
             this byte is damaged",
            head[4]
        )));
    }
    let mut length = vec![];
    loop {
        let mut byte = [0];
        read_exact(input, &mut byte, "the header's length")?;
        length.push(byte[0]);
        if byte[0] < 0x80 || length.len() > 9 {
            break;
        }
    }
    let size = Reader::new(&length).count(1 << 30, "header length")?;
    head.extend_from_slice(&length);
    let mut body = vec![];
    input.by_ref().take(size as u64 + 4).read_to_end(&mut body)?;
    if body.len() < size + 4 {
        return Err(Error::truncated(format!("the file ends inside its header of {size} bytes")));
    }
    let sum = u32::from_le_bytes(body[size..].try_into().expect("four bytes"));
    body.truncate(size);
    head.extend_from_slice(&body);
    if sum != crc32fast::hash(&head) {
        return Err(Error::corrupt(
            "the header does not match its checksum, and without it no value can be read",
        ));
    }
    let header = Header::parse(&body).map_err(|e| e.at("header"))?;
    Ok(Head { header, start: head.len() as u64 + 4, sum })
}

fn read_exact(input: &mut impl Read, buffer: &mut [u8], what: &str) -> Result<()> {
    input.read_exact(buffer).map_err(|e| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::truncated(format!("the file ends inside {what}")),
        _ => e.into(),
    })
}

impl<R: Read + Seek + Send> Archive<R> {
    /// Opens an archive. `models` may hold those that the archive does not.
    ///
    /// Reads header, index, description and models; no chunk. Errors say what is damaged and where; what
    /// is still whole of a damaged file can be had by [`super::salvage()`].
    pub fn open(mut input: R, models: &[AnyDecoder]) -> Result<Archive<R>> {
        let length = input.seek(SeekFrom::End(0))?;
        input.seek(SeekFrom::Start(0))?;
        let Head { header, start, sum } = read_header(&mut input)?;
        let hint = "the file is cut short or damaged at its end; `baler salvage` recovers what is whole";
        if length < start + TRAILER as u64 {
            return Err(Error::truncated(hint));
        }
        input.seek(SeekFrom::Start(length - TRAILER as u64))?;
        let mut trailer = [0; TRAILER];
        read_exact(&mut input, &mut trailer, "the trailer")?;
        let index_at = u64::from_le_bytes(trailer[..8].try_into().expect("eight bytes"));
        if trailer[8..] != END || index_at < start || index_at > length - TRAILER as u64 {
            return Err(Error::truncated(hint));
        }
        let mut archive = Archive {
            input,
            models: Models::supplied(&header, models),
            header,
            sum,
            index: Index::default(),
            chunks: vec![],
            description: None,
            model_bytes: 0,
            length,
        };
        let index_length = length - TRAILER as u64 - index_at;
        let record = archive.bytes(index_at, index_length)?;
        let at_index = |e: Error| e.at(format!("index at byte {index_at}"));
        let (kind, body) = unframe(sum, &record).map_err(at_index)?;
        if kind != RecordKind::Index {
            return Err(at_index(Error::corrupt("another kind of record")));
        }
        archive.index = Index::parse(body, &archive.header, start, index_at).map_err(at_index)?;
        archive.chunks = archive.index.chunks(&archive.header);
        for entry in archive.index.entries.clone() {
            archive.read_extra(&entry).map_err(|e| e.at(format!("record at byte {}", entry.offset)))?;
        }
        Ok(archive)
    }

    /// Takes in a record that is no chunk.
    fn read_extra(&mut self, entry: &Entry) -> Result<()> {
        if !matches!(entry.kind, RecordKind::Model | RecordKind::Description) {
            return Ok(());
        }
        let record = self.bytes(entry.offset, entry.length)?;
        let (_, body) = unframe(self.sum, &record)?;
        if entry.kind == RecordKind::Description {
            let text = inflate(body, MOST_DESCRIPTION, "the description")?;
            let json = serde_json::from_slice(&text);
            self.description =
                Some(json.map_err(|e| Error::corrupt(format!("the description is no JSON: {e}")))?);
            return Ok(());
        }
        self.models.take_in(body)?;
        self.model_bytes += entry.length;
        Ok(())
    }

    fn bytes(&mut self, offset: u64, length: u64) -> Result<Vec<u8>> {
        self.input.seek(SeekFrom::Start(offset))?;
        let mut out = vec![];
        self.input.by_ref().take(length).read_to_end(&mut out)?;
        if out.len() as u64 != length {
            return Err(Error::truncated(format!("the file ends at byte {}", offset + out.len() as u64)));
        }
        Ok(out)
    }

    /// Hands the body of an intact record, and what finds the models by number, to `read`.
    pub(super) fn with_record<T>(
        &mut self,
        entry: &Entry,
        read: impl for<'m> FnOnce(&[u8], &dyn Fn(usize) -> Result<&'m AnyDecoder>) -> Result<T>,
    ) -> Result<T> {
        let record = self.bytes(entry.offset, entry.length)?;
        let (_, body) = unframe(self.sum, &record)?;
        read(body, &|number| self.models.get(number))
    }

    /// The models that are at hand.
    pub(super) fn models(&self) -> impl Iterator<Item = &AnyDecoder> {
        self.models.iter()
    }

    /// What the archive holds.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Where it holds it.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// What else it says of itself.
    pub fn description(&self) -> Option<&serde_json::Value> {
        self.description.as_ref()
    }

    /// Bytes of the whole file, and those of embedded models.
    pub fn length(&self) -> (u64, u64) {
        (self.length, self.model_bytes)
    }

    /// The index entries of the chunks of a variable; none where there is no such variable.
    pub fn chunk_entries(&self, variable: usize) -> &[Entry] {
        self.chunks.get(variable).map_or(&[], |chunks| chunks)
    }

    /// The number of the variable of a name. Errors where there is none, and says what there is.
    pub fn find(&self, name: &str) -> Result<usize> {
        let all = &self.header.variables;
        all.iter().position(|v| v.name == name).ok_or_else(|| {
            let names: Vec<_> = all.iter().map(|v| v.name.as_str()).collect();
            Error::invalid(format!("there is no variable '{name}'; there are {}", names.join(", ")))
        })
    }

    /// What the header says of a variable. Errors where there is none of its number.
    pub(super) fn variable(&self, number: usize) -> Result<&VariableHeader> {
        let all = &self.header.variables;
        all.get(number).ok_or_else(|| {
            Error::invalid(format!("there is no variable {number}: the archive has {}", all.len()))
        })
    }

    /// Decodes chunks `chunks` of a variable on `threads` threads and hands each to `take`, in order: its number and
    /// its runs of values (one of a field, one a column of a table).
    ///
    /// Every chunk is checked against both of its checksums. At most three chunks a thread are in memory.
    pub fn decode(
        &mut self,
        variable: usize,
        chunks: Range<usize>,
        threads: usize,
        take: impl FnMut(usize, Vec<Values>) -> Result<()> + Send,
    ) -> Result<()> {
        self.decode_part(variable, None, chunks, threads, take)
    }

    /// As [`Archive::decode`], but of a table only the columns that are `wanted`, where that is said.
    pub(super) fn decode_part(
        &mut self,
        variable: usize,
        wanted: Option<&[bool]>,
        chunks: Range<usize>,
        threads: usize,
        mut take: impl FnMut(usize, Vec<Values>) -> Result<()> + Send,
    ) -> Result<()> {
        self.variable(variable)?;
        let Archive { input, header, sum, models, chunks: entries, .. } = self;
        let (sum, entries, name) = (*sum, &entries[variable], &header.variables[variable].name);
        let mut next = chunks.clone();
        let mut read = |i: usize| -> Result<Vec<u8>> {
            input.seek(SeekFrom::Start(entries[i].offset))?;
            let mut record = vec![];
            input.by_ref().take(entries[i].length).read_to_end(&mut record)?;
            Ok(record)
        };
        let place = |i: usize| format!("variable '{name}', chunk {i} at byte {}", entries[i].offset);
        in_order(
            threads,
            || next.next().map(|i| Ok((i, read(i).map_err(|e| e.at(place(i)))?))),
            |(i, record): (usize, Vec<u8>)| {
                let decoded = decode_record(&record, sum, header, models, (variable, i), wanted)
                    .map_err(|e| e.at(place(i)))?;
                Ok((i, decoded))
            },
            |(i, decoded)| take(i, decoded),
        )
    }

    /// The rows `rows` of a variable's leading axis (of a table: its rows), all where `None`; whole in memory.
    pub fn read(&mut self, variable: usize, rows: Option<Range<usize>>, threads: usize) -> Result<Variable> {
        match self.variable(variable)?.kind.clone() {
            Kind::Field(f) => self.read_field(variable, &f, rows, threads).map(Variable::Field),
            Kind::Table(t) => {
                let all: Vec<usize> = (0..t.columns.len()).collect();
                self.read_columns(variable, &all, rows, threads).map(Variable::Table)
            }
        }
    }

    fn read_field(
        &mut self,
        variable: usize,
        f: &FieldHeader,
        rows: Option<Range<usize>>,
        threads: usize,
    ) -> Result<Array> {
        let mut values = Values::empty(f.dtype);
        let shape = self.field_rows(variable, f, rows, threads, |part| match values.is_empty() {
            true => Ok(values = part), // often all there is
            false => values.append(&part),
        })?;
        Array::new(shape, values)
    }

    /// Hands the values of the rows `rows` of a field's leading axis to `take`, piece by piece in order; returns
    /// the shape of what was selected.
    pub fn field_rows(
        &mut self,
        variable: usize,
        f: &FieldHeader,
        rows: Option<Range<usize>>,
        threads: usize,
        mut take: impl FnMut(Values) -> Result<()> + Send,
    ) -> Result<Vec<usize>> {
        let mut shape = f.shape.clone();
        let mut wanted = 0..f.count();
        if let Some(rows) = rows {
            let long =
                *shape.first().ok_or_else(|| Error::invalid("a single value has no axis to select from"))?;
            check_rows(&rows, long)?;
            let row = shape[1..].iter().product::<usize>();
            wanted = rows.start * row..rows.end * row;
            shape[0] = rows.len();
        }
        let overlaps = |i: &usize| {
            let range = f.chunk(*i).0;
            range.start < wanted.end && range.end > wanted.start
        };
        let total = f.chunks();
        let first = partition(total, |i| f.chunk(i).0.end <= wanted.start);
        let last = partition(total, |i| f.chunk(i).0.start < wanted.end);
        debug_assert!((first..last).all(|i| overlaps(&i) || wanted.is_empty()));
        let chunks = if wanted.is_empty() { 0..0 } else { first..last };
        self.decode(variable, chunks, threads, |i, mut runs| {
            let range = f.chunk(i).0;
            let values = runs.remove(0);
            let part = wanted.start.saturating_sub(range.start)..(wanted.end - range.start).min(range.len());
            take(if part.len() == values.len() { values } else { values.slice(part) })
        })?;
        Ok(shape)
    }
}

pub(super) fn check_rows(rows: &Range<usize>, long: usize) -> Result<()> {
    if rows.start > rows.end || rows.end > long {
        return Err(Error::invalid(format!(
            "the selection {}:{} leaves the {long} rows",
            rows.start, rows.end
        )));
    }
    Ok(())
}

/// The first of `0..n` for which `before` no longer holds.
fn partition(n: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}
