//! Numbers below a limit, all as likely: floor(log2 limit) bits, or one more for the upper ones.

/// A limit.
#[derive(Clone, Copy)]
pub struct Limit {
    /// The bits that all numbers below it take.
    bits: u32,
    /// How many numbers take no more.
    shorts: u64,
}

impl Limit {
    /// For numbers below `limit`.
    pub fn new(limit: u64) -> Limit {
        let bits = limit.max(1).ilog2();
        Limit { bits, shorts: (2u64 << bits) - limit.max(1) }
    }
}

/// Writes numbers.
#[derive(Default)]
pub struct RawWriter {
    out: Vec<u8>,
    held: u128,
    bits: u32,
}

impl RawWriter {
    fn put(&mut self, value: u64, bits: u32) {
        self.held |= (value as u128) << self.bits;
        self.bits += bits;
        while self.bits >= 8 {
            self.out.push(self.held as u8);
            self.held >>= 8;
            self.bits -= 8;
        }
    }

    /// Writes a number below its limit.
    pub fn put_below(&mut self, value: u64, Limit { bits, shorts }: Limit) {
        if value < shorts {
            self.put(value, bits);
        } else {
            let value = value + shorts;
            self.put(value >> 1, bits);
            self.put(value & 1, 1);
        }
    }

    /// All bytes.
    pub fn finish(mut self) -> Vec<u8> {
        if self.bits > 0 {
            self.out.push(self.held as u8);
        }
        self.out
    }
}

/// The inverse of [`RawWriter`]; zeros beyond the end.
pub struct RawReader<'a> {
    bytes: &'a [u8],
    held: u64,
    bits: u32,
}

impl<'a> RawReader<'a> {
    /// From the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        RawReader { bytes, held: 0, bits: 0 }
    }

    /// The next up to 56 bits.
    #[inline(always)]
    fn take(&mut self, bits: u32) -> u64 {
        if self.bits < bits {
            let next = self.bytes.first_chunk::<8>().copied().unwrap_or_else(|| {
                let mut last = [0; 8];
                last[..self.bytes.len()].copy_from_slice(self.bytes);
                last
            });
            // What goes beyond the whole bytes taken is the same when it comes again.
            self.held |= u64::from_le_bytes(next) << self.bits;
            let whole = (63 - self.bits) / 8;
            self.bytes = self.bytes.get(whole as usize..).unwrap_or(&[]);
            self.bits += 8 * whole;
        }
        let value = self.held & ((1 << bits) - 1);
        self.held >>= bits;
        self.bits -= bits;
        value
    }

    /// The next number.
    #[inline(always)]
    pub fn below(&mut self, Limit { bits, shorts }: Limit) -> u64 {
        if bits == 0 {
            return 0;
        }
        let value = self.take(bits);
        if value < shorts { value } else { (value << 1 | self.take(1)) - shorts }
    }
}
