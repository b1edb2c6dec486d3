//! A list of texts, range-coded: what each has in common with the one before, then its bytes given the byte before
//! (format.md, section 6).
//!
//! Identifiers that never repeat (keys in hexadecimal, numbered names) are lists as long as the column: stored as they are, a
//! digit of sixteen would take eight bits.

use crate::codec::adaptive::Symbols;
use crate::codec::range_coder::{Coder, Decoder, Encoder};
use crate::error::{Error, ErrorKind, Result};

/// Lengths from here on are told in full.
const LONG: usize = 255;

/// Sixteen-symbol contexts of bytes: for each thing that precedes, the upper digit, then the lower by the upper.
struct Bytes {
    upper: Vec<Symbols>,
    lower: Vec<[Symbols; 16]>,
}

impl Bytes {
    fn new(contexts: usize) -> Bytes {
        Bytes { upper: vec![Symbols::FLAT; contexts], lower: vec![[Symbols::FLAT; 16]; contexts] }
    }

    fn code<C: Coder>(&mut self, coder: &mut C, context: usize, byte: u8) -> u8 {
        let upper = self.upper[context].code(coder, byte as usize >> 4);
        let lower = self.lower[context][upper & 15].code(coder, byte as usize & 15);
        (upper << 4 | lower) as u8
    }
}

/// All that is learned of a list.
struct Model {
    lengths: Bytes,
    bytes: Bytes,
}

/// What a length is of: contexts of its own for each.
#[derive(Clone, Copy)]
enum Length {
    Common,
    Rest,
}

impl Model {
    fn new() -> Model {
        Model { lengths: Bytes::new(2), bytes: Bytes::new(256) }
    }

    fn length<C: Coder>(&mut self, coder: &mut C, of: Length, n: usize) -> usize {
        let short = self.lengths.code(coder, of as usize, n.min(LONG) as u8) as usize;
        if short < LONG {
            return short;
        }
        let more = n.wrapping_sub(LONG) as u32;
        let upper = coder.uniform(more >> 16, 1 << 16);
        let lower = coder.uniform(more & 0xffff, 1 << 16);
        LONG + ((upper as usize) << 16 | lower as usize)
    }
}

/// The range-coded bytes of `texts`.
pub fn write(texts: &[String]) -> Vec<u8> {
    let mut coder = Encoder::with_capacity(texts.iter().map(String::len).sum());
    let mut model = Model::new();
    let mut before: &[u8] = &[];
    for text in texts {
        let text = text.as_bytes();
        let common = before.iter().zip(text).take_while(|(a, b)| a == b).count();
        model.length(&mut coder, Length::Common, common);
        model.length(&mut coder, Length::Rest, text.len() - common);
        let mut last = common.checked_sub(1).map_or(0, |i| text[i]);
        for &byte in &text[common..] {
            model.bytes.code(&mut coder, last as usize, byte);
            last = byte;
        }
        before = text;
    }
    coder.finish().0
}

/// The inverse of [`write()`], of `count` texts; `room` is how many bytes they may still take: a few bytes can stand for very
/// many.
pub fn read(coded: &[u8], count: usize, room: &mut usize) -> Result<Vec<String>> {
    let mut coder = Decoder::new(coded, &[]);
    let mut model = Model::new();
    let mut texts: Vec<String> = vec![];
    for _ in 0..count {
        let before = texts.last().map_or(&[][..], |t| t.as_bytes());
        let common = model.length(&mut coder, Length::Common, 0);
        let rest = model.length(&mut coder, Length::Rest, 0);
        let start = before.get(..common).ok_or_else(|| {
            Error::corrupt("a text has more in common with the one before than that is long")
        })?;
        *room = room.checked_sub(common + rest).ok_or_else(|| {
            Error::new(ErrorKind::LimitExceeded, "a chunk's lists of texts take over 256 MiB")
        })?;
        let mut text = Vec::with_capacity(common + rest);
        text.extend_from_slice(start);
        let mut last = start.last().copied().unwrap_or(0);
        for _ in 0..rest {
            last = model.bytes.code(&mut coder, last as usize, 0);
            text.push(last);
        }
        texts.push(String::from_utf8(text).map_err(|_| Error::corrupt("a text is not UTF-8"))?);
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists() -> Vec<Vec<String>> {
        let hash = |i: u64| i.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (i << 7);
        vec![
            vec![],
            vec![String::new()],
            vec!["".into(), "a".into(), "ab".into(), "ab".into(), "größer".into(), "größte".into()],
            (0..500).map(|i| format!("{:016x}", hash(i))).collect(),
            (0..500).map(|i| format!("event_{i:06}")).collect(),
            [254, 255, 256, 70_000].map(|n| "xy".repeat(n)).to_vec(),
        ]
    }

    #[test]
    fn lists_come_back() {
        for list in lists() {
            let coded = write(&list);
            let mut room = usize::MAX;
            assert_eq!(read(&coded, list.len(), &mut room).unwrap(), list);
        }
    }

    #[test]
    fn digits_take_what_they_tell() {
        let list = &lists()[3];
        assert!(write(list).len() < list.len() * 10, "sixteen digits of four bits");
        let list = &lists()[4];
        assert!(write(list).len() < list.len(), "a number more than the one before");
    }

    #[test]
    fn damage_is_told_or_gives_other_texts() {
        for list in lists().into_iter().filter(|l| l.iter().all(|t| t.len() < 1000)) {
            let coded = write(&list);
            for at in 0..coded.len().min(300) {
                let mut bad = coded.clone();
                bad[at] ^= 1 << (at % 8);
                let _ = read(&bad, list.len(), &mut (1 << 20));
                let _ = read(&coded[..at], list.len(), &mut (1 << 20));
            }
        }
        let error = read(&[0xff; 40], 1 << 24, &mut (1 << 20)).unwrap_err();
        assert!(!error.to_string().is_empty());
    }
}
