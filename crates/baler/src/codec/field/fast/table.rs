//! Static distributions of tokens: fitted once a chunk, stored in few bytes.

use super::rans::{SYMBOLS, Symbol};
use super::token::{CLASSES, TOKENS};
use crate::codec::adaptive::{Bit, Symbols};
use crate::codec::bytes::{Reader, put_bytes};
use crate::codec::range_coder::{Coder, Decoder, Encoder};
use crate::error::{Error, Result};

/// Frequencies sum up to 2^11: finer ones gain less than their larger tables lose in the cache.
pub const SLOT_BITS: u32 = 11;
/// See [`SLOT_BITS`].
pub const SLOTS: usize = 1 << SLOT_BITS;
/// About what a table of its own costs in bits.
const TABLE_COST: f64 = 120.0;

/// How often each token occurred in each class.
pub type Counts = [[u32; TOKENS]; CLASSES];

/// A distribution for each class; neighbouring classes may share one.
#[derive(Debug, PartialEq)]
pub struct Tables {
    /// The number of each class's distribution.
    pub table: [u8; CLASSES],
    /// Frequencies of tokens, of [`SLOTS`] in all.
    pub frequencies: Vec<[u16; TOKENS]>,
}

/// What coding a token needs.
#[derive(Clone, Copy, Default)]
pub struct Entry {
    /// ceil(2^43 / frequency): states below 2^21 x frequency are divided by a product and a shift by 43, exactly,
    /// since state x (reciprocal x frequency - 2^43) < 2^43, and without overflow.
    pub reciprocal: u64,
    /// The first slot.
    pub start: u16,
    /// Slots.
    pub frequency: u16,
}

impl Tables {
    /// Distributions that code `counts` well, their own cost counted.
    pub fn fit(counts: &Counts) -> Tables {
        let mut table = [0; CLASSES];
        let mut groups: Vec<([u32; TOKENS], f64)> = vec![];
        for (class, mine) in counts.iter().enumerate() {
            let bits = cost(mine);
            let shared = groups.last().map(|(all, alone)| {
                let joint: [u32; TOKENS] = std::array::from_fn(|t| all[t] + mine[t]);
                (joint, cost(&joint), *alone)
            });
            match shared {
                Some((joint, together, alone)) if together <= alone + bits + TABLE_COST => {
                    *groups.last_mut().expect("one to share") = (joint, together);
                }
                _ => groups.push((*mine, bits)),
            }
            table[class] = groups.len() as u8 - 1;
        }
        Tables { table, frequencies: groups.iter().map(|(counts, _)| normalise(counts)).collect() }
    }

    /// By [`Symbol::number`].
    pub fn encoder(&self) -> Box<[Entry; SYMBOLS]> {
        let mut out = Box::new([Entry::default(); SYMBOLS]);
        for class in 0..CLASSES {
            let mut start = 0;
            for (token, &frequency) in self.frequencies[self.table[class] as usize].iter().enumerate() {
                let reciprocal = (1u64 << 43).div_ceil(frequency.max(1) as u64);
                out[Symbol::new(class as u8, token as u8).number()] = Entry { reciprocal, start, frequency };
                start += frequency;
            }
        }
        out
    }

    /// Appends the tables.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut coder = Encoder::with_capacity(256);
        code(&mut coder, Some(self)).expect("what was fitted is valid");
        let (words, raw) = coder.finish();
        put_bytes(out, &words);
        put_bytes(out, &raw);
    }

    /// The inverse of [`Tables::write`].
    pub fn read(r: &mut Reader) -> Result<Tables> {
        code(&mut Decoder::new(r.bytes("tables")?, r.bytes("tables' raw bits")?), None)
    }
}

/// Both directions: what is written, where the coder writes, comes back.
fn code<C: Coder>(coder: &mut C, tables: Option<&Tables>) -> Result<Tables> {
    let mut table = [0; CLASSES];
    let mut frequencies: Vec<[u16; TOKENS]> = vec![];
    let mut fresh = Bit::NEW;
    let mut lasts = Symbols::NEW;
    let mut lengths = [Symbols::NEW; 16];
    for class in 0..CLASSES {
        let new = class == 0 || {
            let new = tables.is_some_and(|t| t.table[class] != t.table[class - 1]);
            fresh.code(coder, new)
        };
        if new {
            let known = tables.map(|t| &t.frequencies[t.table[class] as usize]);
            let last = known.map_or(0, |k| k.iter().rposition(|&f| f != 0).unwrap_or(0));
            let last = lasts.code(coder, last >> 4) << 4 | coder.raw(last as u64 & 15, 4) as usize;
            if last >= TOKENS {
                return Err(Error::corrupt(format!("a field's table of {last} tokens")));
            }
            let mut mine = [0u16; TOKENS];
            let (mut left, mut before) = (SLOTS as u32, 0);
            for t in 1..=last {
                let frequency = known.map_or(0, |k| k[t] as u32);
                let length = lengths[before].code(coder, (32 - frequency.leading_zeros()) as usize);
                before = length;
                let (below, cut) =
                    ((length as u32).saturating_sub(1).min(2), (length as u32).saturating_sub(3));
                let low = coder.raw((frequency >> cut & ((1 << below) - 1)) as u64, below) as u32;
                let value = if length == 0 { 0 } else { (1 << below | low) << cut };
                left = left.checked_sub(value).filter(|&l| l > 0).ok_or_else(|| {
                    Error::corrupt(format!("the frequencies of a field's table sum up to more than {SLOTS}"))
                })?;
                mine[t] = value as u16;
            }
            mine[0] = left as u16;
            frequencies.push(mine);
        }
        table[class] = frequencies.len() as u8 - 1;
    }
    Ok(Tables { table, frequencies })
}

/// All but the three highest bits from the leading one cleared: what can be stored.
fn truncated(f: u32) -> u32 {
    let cut = (32 - f.leading_zeros()).saturating_sub(3);
    f >> cut << cut
}

/// The nearest frequency that can be stored, and at least one.
fn storable(f: f64) -> u32 {
    let down = truncated((f as u32).clamp(1, SLOTS as u32 - 1));
    let up = down + (1 << (32 - down.leading_zeros()).saturating_sub(3));
    if f - down as f64 > up as f64 - f && up < SLOTS as u32 { up } else { down }
}

/// Frequencies for `counts`. Token 0 takes what the others leave: what rounding one of them loses, the next gains.
fn normalise(counts: &[u32; TOKENS]) -> [u16; TOKENS] {
    let total = counts.iter().map(|&c| c as f64).sum::<f64>().max(1.0);
    let mut out = [0u16; TOKENS];
    let mut carry = 0.0;
    let mut left = SLOTS as u32;
    for t in (1..TOKENS).rev().filter(|&t| counts[t] > 0) {
        let wanted = counts[t] as f64 * SLOTS as f64 / total + carry;
        let f = storable(wanted);
        carry = wanted - f as f64;
        out[t] = f as u16;
        left = left.wrapping_sub(f);
    }
    // Many rare tokens may have taken too much: the most frequent ones give way.
    while left.wrapping_sub(1) >= SLOTS as u32 {
        let most = (1..TOKENS).max_by_key(|&t| out[t]).expect("tokens");
        let less = truncated(out[most] as u32 - 1);
        left = left.wrapping_add(out[most] as u32 - less);
        out[most] = less as u16;
    }
    out[0] = left as u16;
    out
}

/// Bits that a perfect coder of `counts` needs.
fn cost(counts: &[u32; TOKENS]) -> f64 {
    let total: u32 = counts.iter().sum();
    let bits = |c: u32| c as f64 * log2(c);
    bits(total) - counts.iter().map(|&c| bits(c)).sum::<f64>()
}

/// log2 in single operations, so that every machine's encoder decides alike; good to 1e-4. Zero for zero.
fn log2(n: u32) -> f64 {
    if n == 0 {
        return 0.0;
    }
    let mantissa = n as f64 / (1u64 << n.ilog2()) as f64;
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let square = t * t;
    let ln = 2.0 * t * (1.0 + square * (1.0 / 3.0 + square * (0.2 + square / 7.0)));
    n.ilog2() as f64 + ln * std::f64::consts::LOG2_E
}
