//! Interleaved range asymmetric numeral systems (Duda 2013; Giesen 2014): eight states take turns, so that a processor
//! decodes eight tokens at a time, where an adaptive coder makes each wait for the one before.

use super::table::{SLOT_BITS, SLOTS, Tables};

/// States that take turns along a row.
const STATES: usize = 8;
/// States live in 2^16 ... 2^32 - 1 and move 16 bits at a time.
const LOW: u32 = 1 << 16;

/// Symbols there may be: classes below 64, tokens below 128.
pub const SYMBOLS: usize = 1 << 13;

/// A token with its class, which picks the table.
#[derive(Clone, Copy, Default)]
pub struct Symbol(u16);

impl Symbol {
    /// Of a class and a token.
    #[inline(always)]
    pub fn new(class: u8, token: u8) -> Symbol {
        Symbol((class as u16) << 7 | token as u16)
    }

    /// Its number.
    #[inline(always)]
    pub fn number(self) -> usize {
        self.0 as usize % SYMBOLS
    }
}

/// The bytes of `symbols`, in rows of `lengths`: states, then words.
#[inline(always)]
pub fn encode(symbols: &[Symbol], lengths: &[u32], tables: &Tables) -> Vec<u8> {
    let entries = tables.encoder();
    let mut states = [LOW; STATES];
    // From the end, since a decoder unwinds what was coded last. There is room for the words of a whole turn at any time.
    let mut words = vec![0u16; symbols.len() + STATES];
    let mut at = words.len();
    let mut end = symbols.len();
    let put = |x: &mut u32, symbol: Symbol, near: &mut [u16; STATES], given: &mut usize| {
        let e = &entries[symbol.number()];
        let full = *x >> (32 - SLOT_BITS) >= e.frequency as u32;
        near[STATES - 1 - *given % STATES] = *x as u16;
        *given += full as usize;
        let rest = if full { *x >> 16 } else { *x };
        let quotient = ((rest as u64 * e.reciprocal) >> 43) as u32;
        *x = rest + e.start as u32 + quotient * (SLOTS as u32 - e.frequency as u32);
    };
    for &length in lengths.iter().rev() {
        let row = &symbols[end - length as usize..end];
        end -= length as usize;
        let (eights, rest) = row.as_chunks::<STATES>();
        let near = words[at - STATES..].first_chunk_mut().expect("room");
        let mut given = 0;
        for (x, &symbol) in states.iter_mut().zip(rest).rev() {
            put(x, symbol, near, &mut given);
        }
        at -= given;
        for eight in eights.iter().rev() {
            let near = words[at - STATES..].first_chunk_mut().expect("room");
            let mut given = 0;
            for lane in (0..STATES).rev() {
                put(&mut states[lane], eight[lane], near, &mut given);
            }
            at -= given;
        }
    }
    let words = &words[at..];
    let mut out = Vec::with_capacity(4 * STATES + 2 * words.len());
    states.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes()));
    words.iter().for_each(|w| out.extend_from_slice(&w.to_le_bytes()));
    out
}

/// Unwinds what [`encode`] wound up, row by row; zeros past the end of its input.
pub struct Decoder {
    states: [u32; STATES],
    words: Vec<u16>,
    at: usize,
}

impl Decoder {
    /// A decoder of the bytes that [`encode`] returned.
    pub fn new(bytes: &[u8]) -> Self {
        let (states, words) = bytes.split_at(bytes.len().min(4 * STATES));
        let mut padded = [0; 4 * STATES];
        padded[..states.len()].copy_from_slice(states);
        let (pairs, odd) = words.as_chunks::<2>();
        let mut words: Vec<u16> = Vec::with_capacity(pairs.len() + 1 + STATES);
        words.extend(pairs.iter().map(|&pair| u16::from_le_bytes(pair)));
        words.extend(odd.iter().map(|&b| b as u16));
        words.extend([0; STATES]);
        let states =
            std::array::from_fn(|i| u32::from_le_bytes(padded[4 * i..4 * i + 4].try_into().expect("four")));
        Decoder { states, words, at: 0 }
    }

    /// The tokens of a row whose classes are known.
    #[inline(always)]
    pub fn row(&mut self, tables: &DecodingTables, classes: &[u8], tokens: &mut [u8]) {
        let mut states = self.states;
        let mut at = self.at;
        let words = &self.words[..];
        let last = words.len() - STATES;
        let get = |x: &mut u32, class: u8, near: &[u16; STATES], taken: &mut usize| {
            let slot = *x as usize % SLOTS;
            let entry = tables.entries[tables.firsts[class as usize % 64] as usize | slot];
            let next = (entry >> 20) * (*x >> SLOT_BITS) + (entry >> 8 & 0xfff);
            let refill = next << 16 | near[*taken % STATES] as u32;
            let low = next < LOW;
            *x = if low { refill } else { next };
            *taken += low as usize;
            entry as u8
        };
        let (eights, rest) = classes.as_chunks::<STATES>();
        let (tokens_of_eights, tokens_of_rest) = tokens.split_at_mut(eights.len() * STATES);
        for (classes, tokens) in eights.iter().zip(tokens_of_eights.as_chunks_mut::<STATES>().0) {
            let near = words[at.min(last)..].first_chunk().expect("padded");
            let mut taken = 0;
            for lane in 0..STATES {
                tokens[lane] = get(&mut states[lane], classes[lane], near, &mut taken);
            }
            at += taken;
        }
        let near = words[at.min(last)..].first_chunk().expect("padded");
        let mut taken = 0;
        for ((x, &class), token) in states.iter_mut().zip(rest).zip(tokens_of_rest) {
            *token = get(x, class, near, &mut taken);
        }
        at += taken;
        self.states = states;
        self.at = at;
    }
}

/// Tables as the decoder wants them: a token, its frequency and how far into it, by slot.
pub struct DecodingTables {
    /// Where each class's slots start.
    firsts: [u32; 64],
    /// frequency << 20 | place within it << 8 | token.
    entries: Vec<u32>,
}

impl DecodingTables {
    /// Of frequencies that sum up to [`SLOTS`].
    pub fn new(tables: &Tables) -> Self {
        let mut firsts = [0; 64];
        firsts.iter_mut().zip(tables.table).for_each(|(first, table)| *first = table as u32 * SLOTS as u32);
        let mut entries = vec![0; tables.frequencies.len() * SLOTS];
        for (frequencies, slots) in tables.frequencies.iter().zip(entries.as_chunks_mut::<SLOTS>().0) {
            let mut slots = slots.iter_mut();
            for (token, &f) in frequencies.iter().enumerate() {
                for (place, slot) in slots.by_ref().take(f as usize).enumerate() {
                    *slot = (f as u32) << 20 | (place as u32) << 8 | token as u32;
                }
            }
        }
        DecodingTables { firsts, entries }
    }
}
