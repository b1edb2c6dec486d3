//! A run of integers, by whichever way takes the fewest bytes.

use super::numeric::{MOST, Numeric};
use crate::codec::adaptive::Symbols;
use crate::codec::bytes::{Reader, put_bytes, put_varint, put_zigzag};
use crate::codec::range_coder::{Coder, Decoder, Encoder};
use crate::error::{Error, Result};

/// The ways, and their format tags.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(u8)]
pub enum Way {
    /// All are the same.
    Constant = 0,
    /// Each on its own, less the first.
    Direct = 1,
    /// Each as the difference from the one before.
    Delta = 2,
    /// Number in a dictionary, each on its own.
    Dictionary = 3,
    /// Number in a dictionary, given the number before.
    Ordered = 4,
    /// Eight bytes each.
    Plain = 5,
    /// Given other columns ([`super::mix`]); only where there are some.
    Mix = 6,
    /// By a trained model ([`super::net`]).
    Net = 7,
    /// A function of other columns ([`super::function`]).
    Function = 8,
}

/// Dictionaries hold at most this many entries: three digits of sixteen.
const MOST_ENTRIES: usize = 4096;
/// Dictionaries with context hold at most this many.
const MOST_ORDERED: usize = 64;

/// Of differences and numbers as they are, what takes a quarter more than the other for so many rows is not tried on all.
const SAMPLE: usize = 2048;

/// Appends `values`, measured every way.
pub fn write(out: &mut Vec<u8>, values: &[i64]) {
    let Some(&first) = values.first() else { return };
    if values.iter().all(|&v| v == first) {
        out.push(Way::Constant as u8);
        put_zigzag(out, first);
        return;
    }
    let mut best = vec![Way::Plain as u8];
    values.iter().for_each(|v| best.extend_from_slice(&v.to_le_bytes()));
    let mut consider = |candidate: Option<Vec<u8>>| {
        if let Some(c) = candidate.filter(|c| c.len() < best.len()) {
            best = c;
        }
    };
    let sample = &values[..values.len().min(SAMPLE)];
    let tried = [Way::Direct, Way::Delta].map(|w| (w, write_numeric(w, sample).map(|c| c.len())));
    let least = tried.iter().filter_map(|t| t.1).min().unwrap_or(0);
    for (way, bytes) in tried {
        // What cannot write the sample cannot write all.
        if bytes.is_some_and(|b| 4 * b <= 5 * least + 64) {
            consider(write_numeric(way, values));
        }
    }
    if let Some(entries) = dictionary(values) {
        let numbers = numbers(values, &entries);
        consider(Some(write_dictionary(Way::Dictionary, &numbers, &entries)));
        if entries.len() <= MOST_ORDERED {
            consider(Some(write_dictionary(Way::Ordered, &numbers, &entries)));
        }
    }
    out.append(&mut best);
}

/// The inverse of [`write()`], for `count` values; reads to the end of its input.
pub fn read(mut r: Reader, count: usize) -> Result<Vec<i64>> {
    if count == 0 {
        r.finish("an empty column")?;
        return Ok(vec![]);
    }
    let way = r.u8("way of integers")?;
    let values = match way {
        0 => vec![r.zigzag("constant")?; count],
        1 | 2 => {
            let base = r.zigzag("base")?;
            let mut coder = Decoder::new(r.bytes("codes")?, r.rest());
            let mut numeric = Numeric::default();
            let mut before = base;
            let delta = way == Way::Delta as u8;
            (0..count)
                .map(|_| {
                    let value = numeric.code(&mut coder, 0).wrapping_add(if delta { before } else { base });
                    before = value;
                    value
                })
                .collect()
        }
        3 | 4 => {
            let most = if way == Way::Ordered as u8 { MOST_ORDERED } else { MOST_ENTRIES };
            let n = r.count(most.min(r.remaining()), "number of entries")?;
            let mut entry = 0i64;
            let entries = (0..n)
                .map(|i| {
                    entry = match i {
                        0 => r.zigzag("entry")?,
                        _ => entry.wrapping_add(r.varint("entry")? as i64),
                    };
                    Ok(entry)
                })
                .collect::<Result<Vec<_>>>()?;
            let mut coder = Decoder::new(r.bytes("codes")?, &[]);
            let mut digits = Digits::new(n, way == Way::Ordered as u8);
            let number = |_| entries.get(digits.code(&mut coder, 0)).copied();
            let values = (0..count).map(number).collect::<Option<Vec<_>>>();
            values.ok_or_else(|| Error::corrupt("a value is not in its column's dictionary"))?
        }
        5 => {
            let bytes = r.take(count.saturating_mul(8), "plain integers")?;
            bytes.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().expect("eight bytes"))).collect()
        }
        6..=8 => return Err(Error::corrupt("integers that stand alone are conditioned on other columns")),
        _ => return Err(Error::unsupported(format!("way {way} of integers is of a later version"))),
    };
    Ok(values)
}

fn write_numeric(way: Way, values: &[i64]) -> Option<Vec<u8>> {
    let base = values[0];
    let mut coder = Encoder::with_capacity(values.len());
    let mut numeric = Numeric::default();
    let mut before = base;
    for &v in values {
        let code = v.checked_sub(if way == Way::Delta { before } else { base })?;
        if code.unsigned_abs() >= MOST {
            return None;
        }
        numeric.code(&mut coder, code);
        before = v;
    }
    let mut out = vec![way as u8];
    put_zigzag(&mut out, base);
    let (codes, raw) = coder.finish();
    put_bytes(&mut out, &codes);
    out.extend_from_slice(&raw);
    Some(out)
}

/// The distinct values in order, where they are few.
fn dictionary(values: &[i64]) -> Option<Vec<i64>> {
    let mut entries: Vec<i64> = vec![];
    for part in values.chunks(2 * MOST_ENTRIES) {
        entries.extend_from_slice(part);
        entries.sort_unstable();
        entries.dedup();
        if entries.len() > MOST_ENTRIES {
            return None;
        }
    }
    Some(entries)
}

/// The number of each value among the `entries`, of which it is one.
fn numbers(values: &[i64], entries: &[i64]) -> Vec<u16> {
    let first = entries[0];
    let span = entries[entries.len() - 1].wrapping_sub(first) as u64;
    if span > 4 * values.len() as u64 {
        let find = |v: &i64| entries.binary_search(v).expect("every value is an entry") as u16;
        return values.iter().map(find).collect();
    }
    let mut table = vec![0u16; span as usize + 1];
    entries.iter().enumerate().for_each(|(i, e)| table[(e - first) as usize] = i as u16);
    values.iter().map(|v| table[(v - first) as usize]).collect()
}

fn write_dictionary(way: Way, numbers: &[u16], entries: &[i64]) -> Vec<u8> {
    let mut out = vec![way as u8];
    put_varint(&mut out, entries.len() as u64);
    put_zigzag(&mut out, entries[0]);
    entries.windows(2).for_each(|w| put_varint(&mut out, w[1].wrapping_sub(w[0]) as u64));
    let mut coder = Encoder::with_capacity(numbers.len());
    let mut digits = Digits::new(entries.len(), way == Way::Ordered);
    for &number in numbers {
        digits.code(&mut coder, number as usize);
    }
    put_bytes(&mut out, &coder.finish().0);
    out
}

/// Numbers below 4096 as one to three digits of sixteen, each given those above it (and the number before).
struct Digits {
    count: u32,
    ordered: bool,
    /// Tables a context.
    nodes: usize,
    tables: Vec<Symbols>,
    before: usize,
}

impl Digits {
    fn new(entries: usize, ordered: bool) -> Digits {
        let count = if entries <= 16 {
            1
        } else if entries <= 256 {
            2
        } else {
            3
        };
        let contexts = if ordered { MOST_ORDERED } else { 1 };
        let nodes = [1, 1 + 16, 1 + 16 + 256][count as usize - 1];
        Digits { count, ordered, nodes, tables: vec![Symbols::FLAT; contexts * nodes], before: 0 }
    }

    fn code<C: Coder>(&mut self, coder: &mut C, number: usize) -> usize {
        let base = if self.ordered { (self.before & (MOST_ORDERED - 1)) * self.nodes } else { 0 };
        let mut value = 0;
        let mut node = 0;
        for digit in (0..self.count).rev() {
            let d = self.tables[base + node + value].code(coder, number >> (4 * digit) & 15);
            value = value << 4 | d;
            node = node * 16 + 1;
        }
        self.before = value;
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_round_trips() {
        let mut state = 5u64;
        let mut random = move || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            state >> 16
        };
        let mut columns: Vec<Vec<i64>> = vec![vec![], vec![7], vec![i64::MIN, i64::MAX, 0], vec![-1; 1000]];
        for bits in [1u32, 3, 6, 12, 13, 20, 40, 47] {
            columns.push((0..3000).map(|_| (random() & ((1 << bits) - 1)) as i64).collect());
            columns.push(
                (0..3000)
                    .map(|i| (random() & ((1 << bits) - 1)) as i64 - (1 << (bits - 1)) + (i << 50))
                    .collect(),
            );
            columns.push((0..3000).map(|i| i / 3 * 1000 + (random() & 1) as i64).collect());
        }
        columns.push((0..3000).map(|_| i64::MIN + (random() % 50) as i64).collect());
        columns.push((0..3000).map(|_| i64::MAX - (random() % 50) as i64).collect());
        columns.push((0..63).flat_map(|s| [1i64 << s, -(1 << s), (1 << s) - 1]).collect());
        for column in columns {
            let mut out = vec![];
            write(&mut out, &column);
            assert!(out.len() <= 1 + column.len() * 8);
            assert_eq!(read(Reader::new(&out), column.len()).unwrap(), column);
        }
    }
}
