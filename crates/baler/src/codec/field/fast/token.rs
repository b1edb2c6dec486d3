//! From an index to a token and raw bits: what is left of an index once its class says about how large it is.
//!
//! A class is an expected magnitude, two to an octave. Its `shift` lowest bits (of the index zigzagged, so the sign
//! among them) are noise and go raw; above them, 32 values have a token each, then each octave one.

/// Classes of expected magnitude.
pub const CLASSES: usize = 34;
/// Tokens that are values; those above are octaves.
pub const DIRECT: u64 = 32;
/// Marks a value coded exactly.
pub const ESCAPE: u8 = 91;
/// Tokens, the escape included.
pub const TOKENS: usize = 92;

/// The last class without raw bits.
pub const MOST_WHOLE: u8 = 12;

/// Raw bits of an index in a class, its octave's left aside.
#[inline(always)]
pub fn shift(class: u8) -> u32 {
    class.saturating_sub(11) as u32 / 2
}

/// Bits below the leading one in a token's octave.
#[inline(always)]
fn extra(token: u8) -> u32 {
    if token < DIRECT as u8 { 0 } else { token as u32 - 27 }
}

/// Folds the sign in: 0, -1, 1, -2, ...
#[inline(always)]
pub fn zigzag(index: i64) -> u64 {
    (index << 1 ^ index >> 63) as u64
}

/// The inverse of [`zigzag`].
#[inline(always)]
pub fn unzigzag(folded: u64) -> i64 {
    (folded >> 1) as i64 ^ -((folded & 1) as i64)
}

/// The token of an index in a class; its raw bits follow.
#[inline(always)]
pub fn split(index: i64, class: u8, raw: &mut RawWriter) -> u8 {
    let folded = zigzag(index);
    let shift = shift(class);
    let high = folded >> shift;
    if high < DIRECT {
        raw.put(folded & ((1 << shift) - 1), shift);
        return high as u8;
    }
    let octave = high.ilog2();
    raw.put(folded & ((1 << shift) - 1), shift);
    let rest = high & ((1 << octave) - 1);
    raw.put(rest & 0xffff_ffff, octave.min(32));
    raw.put(rest >> 32, octave.saturating_sub(32));
    (octave + 27) as u8
}

/// The inverse of [`split`].
#[inline(always)]
pub fn join(token: u8, class: u8, raw: &mut RawReader) -> i64 {
    let shift = shift(class);
    let octave = extra(token);
    let first = if token < DIRECT as u8 { token as u64 } else { 1 << (octave & 63) };
    let bits = shift + octave;
    let rest = if bits <= 56 { raw.take(bits) } else { raw.take_long(bits) };
    unzigzag((first << shift).wrapping_add(rest))
}

/// [`join`] for a token below [`DIRECT`].
#[inline(always)]
pub fn join_direct(token: u8, class: u8, raw: &mut RawReader) -> i64 {
    let shift = shift(class);
    unzigzag((token as u64) << shift | raw.take(shift))
}

/// Raw bits on their way out, lowest first.
#[derive(Default)]
pub struct RawWriter {
    bytes: Vec<u8>,
    /// Fewer than eight that are no whole byte yet.
    bits: u64,
    count: u32,
}

impl RawWriter {
    /// The low `n` <= 56 bits of `value`, which has no others.
    #[inline(always)]
    pub fn put(&mut self, value: u64, n: u32) {
        self.bits |= value << self.count;
        self.count += n;
        let whole = self.count / 8;
        let end = self.bytes.len() + whole as usize;
        self.bytes.extend_from_slice(&self.bits.to_le_bytes());
        self.bytes.truncate(end);
        self.bits = self.bits.checked_shr(8 * whole).unwrap_or(0);
        self.count %= 8;
    }

    /// All of them.
    pub fn finish(mut self) -> Vec<u8> {
        let left = self.count.div_ceil(8) as usize;
        self.bytes.extend_from_slice(&self.bits.to_le_bytes()[..left]);
        self.bytes
    }
}

/// Raw bits on their way in; zeros past their end.
pub struct RawReader<'a> {
    bytes: &'a [u8],
    /// The next bit.
    at: usize,
}

impl<'a> RawReader<'a> {
    /// From the first bit of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        RawReader { bytes, at: 0 }
    }

    /// The next `n` <= 56 bits.
    #[inline(always)]
    pub fn take(&mut self, n: u32) -> u64 {
        let byte = self.at / 8;
        let window = match self.bytes.get(byte..byte + 8) {
            Some(eight) => u64::from_le_bytes(eight.try_into().expect("eight")),
            None => self.tail(byte),
        };
        let value = window >> (self.at % 8) & ((1 << n) - 1);
        self.at += n as usize;
        value
    }

    #[cold]
    fn tail(&self, byte: usize) -> u64 {
        let left = self.bytes.get(byte..).unwrap_or(&[]);
        left.iter().rev().fold(0, |window, &b| window << 8 | b as u64)
    }

    /// The next `n` < 112 bits, of which 64 count.
    #[cold]
    pub fn take_long(&mut self, n: u32) -> u64 {
        let low = self.take(n.min(56));
        low | self.take(n - n.min(56)) << 56
    }
}
