//! The range coder (Martin, 1979) and the raw-bit stream beside it.
//!
//! 64-bit state that is renormalised 32 bits at a time: one rarely taken branch instead of a loop a bit or a byte.
//! The encoder lets carries run back into words already written, which a `Vec` allows and which costs nothing
//! on the way. Encoder and decoder implement one trait, so that a model is written once and run in both
//! directions: the two can not drift apart.

/// Probabilities of single bits are 16-bit: `p1` of 65536 that the bit is one.
pub const BIT_BITS: u32 = 16;
/// Cumulative frequencies of symbols are 15-bit, so that their updates fit 16-bit lanes.
pub const SYMBOL_BITS: u32 = 15;

/// One direction of coding. What an encoder is given, a decoder returns; a decoder ignores its value arguments.
pub trait Coder {
    /// Whether this is the encoder.
    const ENCODE: bool;
    /// A bit that is one with probability `p1 / 65536`, 0 < p1 < 65536.
    fn bit(&mut self, bit: bool, p1: u32) -> bool;
    /// A symbol of sixteen; `cdf[s - 1]` is the cumulative frequency up to symbol s (15-bit, increasing).
    fn symbol(&mut self, symbol: usize, cdf: &[i16; 16]) -> usize;
    /// One of `n` values, 0 < n <= 2^16, all alike.
    fn uniform(&mut self, value: u32, n: u32) -> u32;
    /// The low `n` <= 32 bits of `value` as they are.
    fn raw(&mut self, value: u64, n: u32) -> u64;
    /// What follows is part `n` of a value, to those that only measure.
    #[inline(always)]
    fn part(&mut self, _: usize) {}
    /// How many of `most` parts below the first of a value are to be coded: all of them, but for those that only measure.
    #[inline(always)]
    fn parts(&mut self, most: u8) -> u8 {
        most
    }
    /// How many bytes an encoder has written so far.
    #[inline(always)]
    fn written(&self) -> usize {
        0
    }
}

/// Collects code words and raw bits.
pub struct Encoder {
    low: u64,
    range: u64,
    /// Big-endian words of 32 bits.
    words: Vec<u8>,
    raw: Vec<u8>,
    bits: u64,
    count: u32,
}

impl Encoder {
    /// An encoder with room for about `capacity` bytes of each kind.
    pub fn with_capacity(capacity: usize) -> Self {
        Encoder {
            low: 0,
            range: u64::MAX,
            words: Vec::with_capacity(capacity),
            raw: Vec::with_capacity(capacity),
            bits: 0,
            count: 0,
        }
    }

    #[inline(always)]
    fn narrow(&mut self, start: u64, size: u64) {
        let (low, carry) = self.low.overflowing_add(start);
        self.low = low;
        self.range = size;
        if carry {
            self.carry();
        }
        if self.range < 1 << 32 {
            self.words.extend_from_slice(&((self.low >> 32) as u32).to_be_bytes());
            self.low <<= 32;
            self.range <<= 32;
        }
    }

    #[cold]
    fn carry(&mut self) {
        for byte in self.words.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                return;
            }
        }
        unreachable!("the code is below one: a first carry has a byte to stop in");
    }

    /// Ends both streams: the range-coded bytes (big-endian words, trailing zeros dropped) and the raw bytes.
    pub fn finish(mut self) -> (Vec<u8>, Vec<u8>) {
        // Any number in [low, low + range) will do: the one with the most trailing zeros is the shortest.
        for keep in [8u32, 16, 24, 32, 40, 48, 56, 64] {
            let mask = if keep == 64 { 0 } else { u64::MAX >> keep };
            let (up, carry) = self.low.overflowing_add(mask);
            let candidate = up & !mask;
            if candidate.wrapping_sub(self.low) < self.range {
                if carry {
                    self.carry();
                }
                self.low = candidate;
                break;
            }
        }
        let mut out = self.words;
        out.extend_from_slice(&self.low.to_be_bytes());
        out.truncate(out.iter().rposition(|&b| b != 0).map_or(0, |i| i + 1));
        while self.count > 0 {
            self.raw.push(self.bits as u8);
            self.bits >>= 8;
            self.count = self.count.saturating_sub(8);
        }
        (out, self.raw)
    }
}

impl Coder for Encoder {
    const ENCODE: bool = true;

    #[inline(always)]
    fn written(&self) -> usize {
        self.words.len() + self.raw.len()
    }

    #[inline(always)]
    fn bit(&mut self, bit: bool, p1: u32) -> bool {
        debug_assert!(0 < p1 && p1 < 1 << BIT_BITS);
        let bound = (self.range >> BIT_BITS) * p1 as u64;
        if bit {
            self.narrow(0, bound)
        } else {
            self.narrow(bound, self.range - bound)
        }
        bit
    }

    #[inline(always)]
    fn symbol(&mut self, symbol: usize, cdf: &[i16; 16]) -> usize {
        let unit = self.range >> SYMBOL_BITS;
        let start = if symbol == 0 { 0 } else { unit * cdf[symbol - 1] as u64 };
        let end = if symbol == 15 { self.range } else { unit * cdf[symbol] as u64 };
        self.narrow(start, end - start);
        symbol
    }

    #[inline(always)]
    fn uniform(&mut self, value: u32, n: u32) -> u32 {
        let unit = self.range / n as u64;
        let start = unit * value as u64;
        self.narrow(start, if value + 1 == n { self.range - start } else { unit });
        value
    }

    #[inline(always)]
    fn raw(&mut self, value: u64, n: u32) -> u64 {
        debug_assert!(n <= 32 && (n == 64 || value >> n == 0));
        self.bits |= value << self.count;
        self.count += n;
        if self.count >= 32 {
            self.raw.extend_from_slice(&(self.bits as u32).to_le_bytes());
            self.bits >>= 32;
            self.count -= 32;
        }
        value
    }
}

/// Reads what an [`Encoder`] wrote. Past the end of its input it reads zeros: the caller's checksums, not this
/// loop, tell damaged input, and the number of symbols bounds the work.
pub struct Decoder<'a> {
    value: u64,
    range: u64,
    words: &'a [u8],
    raw: &'a [u8],
    bits: u64,
    count: u32,
}

/// The next four bytes of `bytes`, zeros past its end.
#[inline(always)]
fn next4(bytes: &mut &[u8]) -> [u8; 4] {
    if let Some((head, tail)) = bytes.split_first_chunk::<4>() {
        *bytes = tail;
        return *head;
    }
    let mut word = [0; 4];
    word[..bytes.len()].copy_from_slice(bytes);
    *bytes = &[];
    word
}

impl<'a> Decoder<'a> {
    /// A decoder of the two streams that [`Encoder::finish`] returned.
    pub fn new(mut words: &'a [u8], raw: &'a [u8]) -> Self {
        let high = u32::from_be_bytes(next4(&mut words)) as u64;
        let value = high << 32 | u32::from_be_bytes(next4(&mut words)) as u64;
        Decoder { value, range: u64::MAX, words, raw, bits: 0, count: 0 }
    }

    #[inline(always)]
    fn narrow(&mut self, start: u64, size: u64) {
        self.value -= start;
        self.range = size;
        if self.range < 1 << 32 {
            self.value = self.value << 32 | u32::from_be_bytes(next4(&mut self.words)) as u64;
            self.range <<= 32;
        }
    }
}

impl Coder for Decoder<'_> {
    const ENCODE: bool = false;

    #[inline(always)]
    fn bit(&mut self, _: bool, p1: u32) -> bool {
        let bound = (self.range >> BIT_BITS) * p1 as u64;
        let bit = self.value < bound;
        let start = if bit { 0 } else { bound };
        let size = if bit { bound } else { self.range - bound };
        self.narrow(start, size);
        bit
    }

    #[inline(always)]
    fn symbol(&mut self, _: usize, cdf: &[i16; 16]) -> usize {
        let unit = self.range >> SYMBOL_BITS;
        // Sixteen compares in two vector instructions beat a search by bisection, whose four steps wait for
        // each other; the division costs less than that on processors since 2019.
        let at = (self.value / unit).min((1 << SYMBOL_BITS) - 2) as i16;
        let symbol = cdf.iter().map(|&c| (c <= at) as i16).sum::<i16>() as usize & 15;
        let start = if symbol == 0 { 0 } else { unit * cdf[symbol - 1] as u64 };
        let end = if symbol == 15 { self.range } else { unit * cdf[symbol] as u64 };
        self.narrow(start, end - start);
        symbol
    }

    #[inline(always)]
    fn uniform(&mut self, _: u32, n: u32) -> u32 {
        let unit = self.range / n as u64;
        let value = (self.value / unit).min(n as u64 - 1);
        let start = unit * value;
        self.narrow(start, if value + 1 == n as u64 { self.range - start } else { unit });
        value as u32
    }

    #[inline(always)]
    fn raw(&mut self, _: u64, n: u32) -> u64 {
        if self.count < n {
            self.bits |= (u32::from_le_bytes(next4(&mut self.raw)) as u64) << self.count;
            self.count += 32;
        }
        let value = self.bits & ((1 << n) - 1);
        self.bits >>= n;
        self.count -= n;
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of every kind of call, with probabilities at both ends of their range.
    fn drive<C: Coder>(coder: &mut C, script: &[(u8, u64, u32)]) -> Vec<u64> {
        let mut cdf = [0i16; 16];
        script
            .iter()
            .map(|&(kind, value, p)| match kind {
                0 => coder.bit(value & 1 == 1, p.clamp(1, 65535)) as u64,
                1 => {
                    (0..16).for_each(|i| cdf[i] = ((i as i32 + 1) * (1 + p as i32 % 2040)) as i16);
                    cdf[15] = i16::MAX;
                    coder.symbol(value as usize & 15, &cdf) as u64
                }
                2 => coder.uniform((value % (1 + p as u64)) as u32, 1 + p) as u64,
                _ => coder.raw(value & ((1 << (p % 33)) - 1), p % 33),
            })
            .collect()
    }

    #[test]
    fn decoder_returns_what_the_encoder_was_given() {
        let mut state = 1u64;
        let mut next = move || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            state >> 20
        };
        for length in [0, 1, 2, 3, 10, 1000, 20_000] {
            for skew in 0..4 {
                let script: Vec<_> = (0..length)
                    .map(|_| match skew {
                        0 => ((next() % 4) as u8, next(), (next() % 65536) as u32),
                        1 => (0, 1, 65535), // the likely bit, for ever
                        2 => (0, 0, 65535), // the unlikely one: carries
                        _ => ((next() % 2) as u8, 15, 1),
                    })
                    .collect();
                let mut encoder = Encoder::with_capacity(0);
                let expected = drive(&mut encoder, &script);
                let (words, raw) = encoder.finish();
                assert_eq!(drive(&mut Decoder::new(&words, &raw), &script), expected);
            }
        }
    }
}
