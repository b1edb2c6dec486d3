//! Archives taken apart and sealed again with right checksums; mutations.

use super::Random;
use baler::codec::bytes::{Reader, put_bytes, put_varint};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};

/// An archive without its checksums, lengths and compression: what a mutation can get at.
#[derive(Clone)]
pub struct Parts {
    /// The header's body, the records' bodies behind their kind (models and description inflated), and what the
    /// index says beyond the records.
    pub bodies: Vec<Vec<u8>>,
}

impl Parts {
    pub fn of(bytes: &[u8]) -> Parts {
        let mut r = Reader::new(bytes);
        r.take(5, "magic").unwrap();
        let mut bodies = vec![r.bytes("header").unwrap().to_vec()];
        r.u32("checksum").unwrap();
        let mut records = 0;
        loop {
            r.take(2, "sync").unwrap();
            let kind = r.u8("kind").unwrap();
            let body = r.bytes("body").unwrap();
            r.u32("checksum").unwrap();
            match kind {
                b'I' => {
                    let mut index = Reader::new(body);
                    for _ in 0..records {
                        let kind = index.u8("kind").unwrap();
                        index.varint("length").unwrap();
                        if kind == b'C' {
                            index.u8("codec").unwrap();
                        }
                    }
                    bodies.push(index.rest().to_vec());
                    return Parts { bodies };
                }
                b'M' => bodies.push([&[b'M', body[0]], &inflate(&body[1..])[..]].concat()),
                b'D' => bodies.push([b"D", &inflate(body)[..]].concat()),
                _ => bodies.push([&[kind], body].concat()),
            }
            records += 1;
        }
    }

    /// A whole archive again, every checksum and length right.
    pub fn seal(&self) -> Vec<u8> {
        let (header, records) = self.bodies.split_first().expect("a header");
        let (tail, records) = records.split_last().expect("an index");
        let mut header = header.clone();
        let model = records.iter().find(|r| r.first() == Some(&b'M') && r.len() >= 2);
        if let Some(model) = model.filter(|_| header.len() > 34 && header[1] > 0) {
            header[2..34].copy_from_slice(&Sha256::digest(&model[2..]));
        }
        let mut out = b"\x89BLR\x01".to_vec();
        put_bytes(&mut out, &header);
        let sum = crc32fast::hash(&out);
        out.extend_from_slice(&sum.to_le_bytes());
        let mut index = vec![];
        for record in records.iter().filter(|r| !r.is_empty()) {
            let (kind, body) = (record[0], &record[1..]);
            let body = match kind {
                b'M' if !body.is_empty() => [&body[..1], &deflate(&body[1..])].concat(),
                b'D' => deflate(body),
                _ => body.to_vec(),
            };
            let whole = frame(sum, kind, &body);
            index.push(kind);
            put_varint(&mut index, whole.len() as u64);
            if kind == b'C' {
                let mut r = Reader::new(&body);
                let (a, b) = (r.varint("variable"), r.varint("chunk"));
                index.push(if a.is_ok() && b.is_ok() { r.u8("codec").unwrap_or(2) } else { 2 });
            }
            out.extend(whole);
        }
        index.extend_from_slice(tail);
        let at = out.len() as u64;
        out.extend(frame(sum, b'I', &index));
        out.extend_from_slice(&at.to_le_bytes());
        out.extend_from_slice(b"RLB\x89");
        out
    }
}

/// A record of any kind in the archive whose header has this checksum.
fn frame(header: u32, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0xBA, 0x1E, kind];
    put_bytes(&mut out, body);
    let sum = crc32fast::hash(&[&header.to_le_bytes(), &out[2..]].concat());
    out.extend_from_slice(&sum.to_le_bytes());
    out
}

pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::ZlibEncoder::new(vec![], flate2::Compression::fast());
    coder.write_all(bytes).and_then(|()| coder.finish()).unwrap()
}

fn inflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    flate2::read::ZlibDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}

/// Varints, lengths and floats at the ends of what they can be.
const EXTREMES: [&[u8]; 14] = [
    &[0],
    &[0x7f],
    &[0xff],
    &[0xff, 0x7f],
    &[0x80, 0x80, 0x04],
    &[0xff, 0xff, 0xff, 0x07],
    &[0x80, 0x80, 0x80, 0x08],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0, 0, 0, 0, 0, 0, 0xf8, 0x7f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xef, 0xff],
    &[1, 0, 0, 0, 0, 0, 0, 0],
];

/// Changes `bytes` in one to four places; `other` is what pieces are spliced in from.
pub fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        // Half of all changes near the start, where lengths, modes and counts lie.
        let n = bytes.len().max(1);
        let near = if random.below(2) == 0 { n } else { n.min(24) };
        let at = random.below(near).min(bytes.len());
        let end = (at + 1 + random.below(12)).min(bytes.len());
        match random.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = random.next() as u8,
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            4 => {
                let extreme = EXTREMES[random.below(EXTREMES.len())];
                let over = random.below(extreme.len() + 1);
                bytes.splice(at..(at + over).min(bytes.len()), extreme.iter().copied());
            }
            5 => {
                let from = random.below(other.len() + 1);
                let piece = &other[from..(from + 1 + random.below(40)).min(other.len())];
                bytes.splice(at..end, piece.iter().copied());
            }
            6 => bytes[at..end].fill([0, 0xff][random.below(2)]),
            7 if random.below(4) == 0 => bytes.truncate(at),
            _ => {
                let noise: Vec<u8> = (0..end - at).map(|_| random.next() as u8).collect();
                bytes[at..end].copy_from_slice(&noise);
            }
        }
    }
}
