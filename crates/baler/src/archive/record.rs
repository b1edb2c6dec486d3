//! Records: the framing of everything behind the header (format.md, section 2).

use crate::codec::bytes::{Reader, put_varint};
use crate::codec::chunk::Codec;
use crate::error::{Error, Result};

/// The file's first bytes, and its format's version.
pub const MAGIC: [u8; 4] = *b"\x89BLR";
/// The version that this program writes, and the newest that it reads.
pub const VERSION: u8 = 1;
/// The file's last bytes.
pub const END: [u8; 4] = *b"RLB\x89";
/// Length of the trailer.
pub const TRAILER: usize = 12;
/// Starts each record.
pub const SYNC: [u8; 2] = [0xBA, 0x1E];

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordKind {
    /// A chunk of a variable.
    Chunk = b'C',
    /// A model's decoder.
    Model = b'M',
    /// The description.
    Description = b'D',
    /// The index.
    Index = b'I',
}

impl RecordKind {
    /// The kind of a format tag.
    pub fn from_tag(tag: u8) -> Result<RecordKind> {
        use RecordKind::*;
        let known = [Chunk, Model, Description, Index].into_iter().find(|&k| k as u8 == tag);
        known.ok_or_else(|| Error::unsupported(format!("record kind {tag:#04x} is of a later version")))
    }
}

/// The checksum of a record, from its kind to the end of its body: begun with that of the archive's header, so that
/// no record of another archive, not even one stored within this one as data, is ever taken for one of its own.
fn checksum(header: u32, bytes: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&header.to_le_bytes());
    sum.update(bytes);
    sum.finalize()
}

/// A whole record around `body`, in the archive whose header has the checksum `header`.
pub fn frame(header: u32, kind: RecordKind, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 16);
    out.extend_from_slice(&SYNC);
    out.push(kind as u8);
    put_varint(&mut out, body.len() as u64);
    out.extend_from_slice(body);
    let sum = checksum(header, &out[SYNC.len()..]);
    out.extend_from_slice(&sum.to_le_bytes());
    out
}

/// The kind and body of a whole record, the inverse of [`frame`].
pub fn unframe(header: u32, record: &[u8]) -> Result<(RecordKind, &[u8])> {
    let mut r = Reader::new(record);
    if r.take(2, "record")? != SYNC {
        return Err(Error::corrupt("no record starts here"));
    }
    let kind = r.u8("record kind")?;
    let body = r.bytes("record body")?;
    let end = r.position();
    let sum = r.u32("record checksum")?;
    r.finish("the record")?;
    if sum != checksum(header, &record[SYNC.len()..end]) {
        return Err(Error::corrupt("the record does not match its checksum"));
    }
    Ok((RecordKind::from_tag(kind)?, body))
}

/// A chunk record's body.
#[derive(Debug, Clone, PartialEq)]
pub struct ChunkBody<'a> {
    /// Number of its variable.
    pub variable: usize,
    /// Number of the chunk in it.
    pub chunk: usize,
    /// How it is coded.
    pub codec: Codec,
    /// CRC-32 of the decoded values.
    pub sum: u32,
    /// The coded bytes.
    pub payload: &'a [u8],
}

impl<'a> ChunkBody<'a> {
    /// The bytes of the body.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.payload.len() + 16);
        put_varint(&mut out, self.variable as u64);
        put_varint(&mut out, self.chunk as u64);
        out.push(self.codec as u8);
        out.extend_from_slice(&self.sum.to_le_bytes());
        out.extend_from_slice(self.payload);
        out
    }

    /// The inverse of [`ChunkBody::to_bytes`].
    pub fn parse(body: &'a [u8]) -> Result<ChunkBody<'a>> {
        let mut r = Reader::new(body);
        let variable = r.count(usize::MAX, "variable number")?;
        let chunk = r.count(usize::MAX, "chunk number")?;
        let codec = Codec::from_tag(r.u8("codec")?)?;
        let sum = r.u32("checksum of values")?;
        Ok(ChunkBody { variable, chunk, codec, sum, payload: r.rest() })
    }
}
