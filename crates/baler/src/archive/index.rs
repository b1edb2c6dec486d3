//! The index: where every record lies, and how far off each lossy variable is (format.md, section 2.2).

use super::header::Header;
use super::record::{RecordKind, TRAILER};
use crate::codec::bytes::{Reader, put_varint};
use crate::codec::chunk::Codec;
use crate::error::{Error, Result};

/// A record before the index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// What it holds.
    pub kind: RecordKind,
    /// A chunk's codec.
    pub codec: Option<Codec>,
    /// Where it starts in the file.
    pub offset: u64,
    /// Its whole length.
    pub length: u64,
}

/// The parsed index.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Index {
    /// Every record, in file order.
    pub entries: Vec<Entry>,
    /// For each variable, the largest error of its field, or of each lossy column of its table.
    pub errors: Vec<Vec<f64>>,
    /// For each variable, the bytes of the texts of each text column, a line feed each included.
    pub texts: Vec<Vec<u64>>,
}

impl Index {
    /// Adds a record of `length` bytes behind the last one.
    pub fn push(&mut self, kind: RecordKind, codec: Option<Codec>, start: u64, length: u64) {
        let offset = self.end(start);
        self.entries.push(Entry { kind, codec, offset, length });
    }

    /// Where the records end, when they begin at `start`.
    pub fn end(&self, start: u64) -> u64 {
        self.entries.last().map_or(start, |e| e.offset + e.length)
    }

    /// The record's body.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![];
        for e in &self.entries {
            out.push(e.kind as u8);
            put_varint(&mut out, e.length);
            out.extend(e.codec.map(|c| c as u8));
        }
        out.push(0);
        self.errors.iter().flatten().for_each(|e| out.extend_from_slice(&e.to_le_bytes()));
        self.texts.iter().flatten().for_each(|&n| put_varint(&mut out, n));
        out
    }

    /// The inverse of [`Index::to_bytes`], for records that fill the file from `start` to `end`.
    pub fn parse(body: &[u8], header: &Header, start: u64, end: u64) -> Result<Index> {
        let mut r = Reader::new(body);
        let mut index = Index::default();
        loop {
            let kind = match r.u8("record kind")? {
                0 => break,
                tag => RecordKind::from_tag(tag)?,
            };
            let length = r.varint("record length")?;
            let codec = if kind == RecordKind::Chunk { Some(Codec::from_tag(r.u8("codec")?)?) } else { None };
            if length > end.saturating_sub(index.end(start)) {
                return Err(Error::corrupt("the index names records beyond the file"));
            }
            index.push(kind, codec, start, length);
        }
        if index.end(start) != end {
            return Err(Error::corrupt("the index leaves a gap between the records and itself"));
        }
        let count = |kind| index.entries.iter().filter(|e| e.kind == kind).count();
        if count(RecordKind::Index) > 0 || count(RecordKind::Description) > 1 {
            return Err(Error::corrupt("the index lists another index, or two descriptions"));
        }
        let chunks = count(RecordKind::Chunk);
        let expected = header.variables.iter().try_fold(0usize, |n, v| n.checked_add(v.chunks()));
        if expected != Some(chunks) {
            return Err(Error::corrupt(format!(
                "the index lists {chunks} chunks, the header wants {expected:?}"
            )));
        }
        for v in &header.variables {
            index.errors.push((0..v.errors()).map(|_| r.f64("largest error")).collect::<Result<_>>()?);
        }
        for v in &header.variables {
            index.texts.push((0..v.texts()).map(|_| r.varint("bytes of texts")).collect::<Result<_>>()?);
        }
        r.finish("the index")?;
        Ok(index)
    }

    /// The records of each variable's chunks, in order.
    pub fn chunks(&self, header: &Header) -> Vec<Vec<Entry>> {
        let mut chunks = self.entries.iter().filter(|e| e.kind == RecordKind::Chunk).copied();
        header.variables.iter().map(|v| chunks.by_ref().take(v.chunks()).collect()).collect()
    }
}

/// The file's last bytes: where the index record starts.
pub fn trailer(index: u64) -> [u8; TRAILER] {
    let mut out = [0; TRAILER];
    out[..8].copy_from_slice(&index.to_le_bytes());
    out[8..].copy_from_slice(&super::record::END);
    out
}
