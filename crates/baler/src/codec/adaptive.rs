//! Adaptive probabilities: bits by logistic mixing of two counters, symbols by a sixteen-symbol distribution.
//!
//! All integers, all part of the format. Mixing in the logistic domain is Mahoney's (PAQ, 2005); the symbol update
//! keeps its invariant by arithmetic alone, see [`Symbols::update`].

use super::range_coder::{Coder, SYMBOL_BITS};

/// round(65536 / (1 + e^(-i/4))), at most 65535: the anchors of the logistic function. Constants of the format.
const LOGISTIC: [u16; 49] = [
    32768, 36843, 40793, 44511, 47911, 50941, 53581, 55834, 57724, 59287, 60565, 61598, 62428, 63090, 63615,
    64030, 64357, 64614, 64816, 64974, 65097, 65194, 65269, 65328, 65374, 65410, 65438, 65459, 65476, 65489,
    65500, 65508, 65514, 65519, 65523, 65526, 65528, 65530, 65531, 65532, 65533, 65534, 65534, 65535, 65535,
    65535, 65535, 65535, 65535,
];
/// Log-odds are in units of 1/128 and clamped to +-12.
pub const ODDS: i32 = 12 * 128;

/// log-odds + ODDS -> 16-bit probability; linear between the anchors, kept within 16 / 65536 of certainty.
pub static SQUASH: [u16; 2 * ODDS as usize + 1] = {
    let mut table = [0; 2 * ODDS as usize + 1];
    let mut i = 0;
    while i <= ODDS as usize {
        let (k, f) = (i / 32, (i % 32) as u32);
        let next = LOGISTIC[if k == 48 { 48 } else { k + 1 }] as u32;
        let p = (LOGISTIC[k] as u32 * (32 - f) + next * f + 16) / 32;
        let p = if p > 65520 { 65520 } else { p };
        table[ODDS as usize + i] = p as u16;
        table[ODDS as usize - i] = (65536 - p) as u16;
        i += 1;
    }
    table
};

/// 12-bit probability -> log-odds: the first whose squash reaches the middle of the probability's interval.
pub static STRETCH: [i16; 4096] = {
    let mut table = [0; 4096];
    let (mut p, mut odds) = (0, 0);
    while p < 4096 {
        while odds < 2 * ODDS as usize && (SQUASH[odds] as usize) < p * 16 + 8 {
            odds += 1;
        }
        table[p] = odds as i16 - ODDS as i16;
        p += 1;
    }
    table
};

/// The 16-bit probability of log-odds within +-[`ODDS`].
#[inline(always)]
pub fn squash(odds: i32) -> i32 {
    SQUASH[(odds + ODDS) as usize] as i32
}

/// The log-odds of a 12-bit probability.
#[inline(always)]
pub fn stretch(p: u32) -> i32 {
    STRETCH[p as usize] as i32
}

/// Adaptation rates of a [`Bit`] by its age: fast at first, 1/64 in the long run.
static RATE: [u8; 32] =
    [1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6];

/// The adaptive probability that a bit is one, in one context.
#[derive(Clone, Copy)]
pub struct Bit {
    p1: u16,
    age: u8,
}

impl Bit {
    /// Even odds, and ready to learn.
    pub const NEW: Bit = Bit { p1: 32768, age: 0 };

    #[inline(always)]
    fn odds(self) -> i32 {
        STRETCH[(self.p1 >> 4) as usize] as i32
    }

    #[inline(always)]
    fn update(&mut self, bit: bool) {
        // Pulled toward either target, p1 never passes it: so it stays a valid probability without a clamp.
        let target = if bit { 65504 } else { 32 };
        self.p1 = (self.p1 as i32 + ((target - self.p1 as i32) >> RATE[self.age as usize])) as u16;
        self.age = (self.age + 1).min(31);
    }

    /// Codes one bit by this counter alone.
    #[inline(always)]
    pub fn code<C: Coder>(&mut self, coder: &mut C, bit: bool) -> bool {
        let bit = coder.bit(bit, self.p1 as u32);
        self.update(bit);
        bit
    }
}

/// An adaptive probability of 22 bits that a bit is one, and how often it has learned (10 bits): the mean of what it
/// has seen at first, an average over some [`SLOWEST`] later.
#[derive(Clone, Copy)]
pub struct Counter(u32);

/// Bits seen before a [`Counter`] stops slowing down.
const SLOWEST: u32 = 255;

/// 65536 / (n + 1.6), rounded.
static SHARE: [u16; SLOWEST as usize + 1] = {
    let mut table = [0; SLOWEST as usize + 1];
    let mut n = 0;
    while n <= SLOWEST as usize {
        table[n] = ((655360 + 5 * n + 8) / (10 * n + 16)) as u16;
        n += 1;
    }
    table
};

impl Counter {
    /// Even odds, and ready to learn.
    pub const NEW: Counter = Counter(1 << 31);

    #[inline(always)]
    fn odds(self) -> i32 {
        STRETCH[(self.0 >> 20) as usize] as i32
    }

    #[inline(always)]
    fn update(&mut self, bit: bool) {
        let (p, n) = (self.0 >> 10, self.0 & 1023);
        let target = if bit { (1 << 22) - 1 } else { 0 };
        let step = ((target - p as i32) as i64 * SHARE[n as usize] as i64) >> 16;
        self.0 = ((p as i32 + step as i32) as u32) << 10 | (n + 1).min(SLOWEST);
    }
}

/// What a [`Mixer`] mixes.
pub trait Estimate {
    /// log-odds that the bit is one, in units of 1/128.
    fn odds(&self) -> i32;
    /// Learns from the bit.
    fn update(&mut self, bit: bool);
}

impl Estimate for Bit {
    #[inline(always)]
    fn odds(&self) -> i32 {
        Bit::odds(*self)
    }
    #[inline(always)]
    fn update(&mut self, bit: bool) {
        Bit::update(self, bit)
    }
}

impl Estimate for Counter {
    #[inline(always)]
    fn odds(&self) -> i32 {
        Counter::odds(*self)
    }
    #[inline(always)]
    fn update(&mut self, bit: bool) {
        Counter::update(self, bit)
    }
}

/// Weights that mix `N` estimates in the logistic domain, 16.16 fixed point.
#[derive(Clone, Copy)]
pub struct Mixer<const N: usize>([i32; N]);

impl<const N: usize> Mixer<N> {
    /// All inputs believed alike, together a little more than one alone would be.
    pub const NEW: Mixer<N> = Mixer([72000 / N as i32; N]);

    /// Codes one bit by the mix of `estimates`, and lets all learn from it.
    #[inline(always)]
    pub fn code<C: Coder, E: Estimate>(&mut self, coder: &mut C, bit: bool, estimates: [&mut E; N]) -> bool {
        // Plain loops: closures over arrays are not always inlined where the caller is compiled for wider vectors.
        let mut odds = [0; N];
        let mut dot = 0;
        for i in 0..N {
            odds[i] = estimates[i].odds();
            dot += self.0[i] as i64 * odds[i] as i64;
        }
        let dot = dot >> 16;
        let p1 = SQUASH[(dot.clamp(-ODDS as i64, ODDS as i64) + ODDS as i64) as usize] as i32;
        let bit = coder.bit(bit, p1 as u32);
        let error = ((bit as i32) << 16) - p1;
        for (i, estimate) in estimates.into_iter().enumerate() {
            self.0[i] = self.0[i].wrapping_add((error * odds[i]) >> 15);
            estimate.update(bit);
        }
        bit
    }
}

/// An adaptive distribution over sixteen symbols.
#[derive(Clone, Copy)]
#[repr(align(32))]
pub struct Symbols {
    /// Cumulative 15-bit frequency up to and including each symbol. The last entry is never read: it stands for 2^15.
    cdf: [i16; 16],
    age: u8,
}

/// No symbol's frequency falls below this.
const LEAST: i32 = 2;

/// Where each symbol pulls the cumulative frequencies.
static PULL: [[i16; 16]; 16] = {
    let mut table = [[0; 16]; 16];
    let mut s = 0;
    while s < 16 {
        let mut i = 0;
        while i < 16 {
            let at = i as i32;
            let up = (1 << SYMBOL_BITS) - (15 - at) * LEAST;
            let t = if i < s { (at + 1) * LEAST } else { up };
            table[s][i] = if t > i16::MAX as i32 { i16::MAX } else { t as i16 };
            i += 1;
        }
        s += 1;
    }
    table
};

/// Adaptation rates of [`Symbols`] by age.
static SYMBOL_RATE: [u8; 256] = {
    let mut table = [0; 256];
    let mut age = 0;
    while age < 256 {
        table[age] = 3 + (age > 7) as u8 + (age > 20) as u8 + (age > 60) as u8 + (age > 180) as u8;
        age += 1;
    }
    table
};

impl Symbols {
    /// A falling start: frequencies in proportion to 3^s x 4^(15-s), as magnitudes are distributed.
    pub const NEW: Symbols = {
        let mut cdf = [0i16; 16];
        let (mut left, mut sum, mut i) = ((1i32 << SYMBOL_BITS) - 16 * LEAST, 0, 0);
        while i < 16 {
            let take = left / 4;
            left -= take;
            sum += take + LEAST;
            cdf[i] = if i == 15 { i16::MAX } else { sum as i16 };
            i += 1;
        }
        Symbols { cdf, age: 0 }
    };

    /// All symbols alike.
    pub const FLAT: Symbols = {
        let mut cdf = [0i16; 16];
        let mut i = 0;
        while i < 16 {
            cdf[i] = if i == 15 { i16::MAX } else { ((i as i32 + 1) << (SYMBOL_BITS - 4)) as i16 };
            i += 1;
        }
        Symbols { cdf, age: 0 }
    };

    /// Codes one symbol and learns from it.
    #[inline(always)]
    pub fn code<C: Coder>(&mut self, coder: &mut C, symbol: usize) -> usize {
        let symbol = coder.symbol(symbol, &self.cdf);
        self.update(symbol);
        symbol
    }

    /// Moves every cumulative frequency c toward its pull t by `(t - c) >> rate`.
    ///
    /// Neighbours stay [`LEAST`] apart for ever: the new c is floor((c (2^r - 1) + t) / 2^r), and where both
    /// c and t of two neighbours differ by at least m, so do these quotients. So no frequency reaches zero.
    #[inline(always)]
    fn update(&mut self, symbol: usize) {
        let rate = SYMBOL_RATE[self.age as usize];
        self.age = self.age.saturating_add(1);
        let pull = &PULL[symbol];
        for (c, &t) in self.cdf.iter_mut().zip(pull) {
            *c += (t - *c) >> rate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squash_rises_and_stretch_inverts_it() {
        assert!(SQUASH.windows(2).all(|w| w[0] <= w[1]));
        assert!(SQUASH.iter().all(|&p| (16..=65520).contains(&p)));
        for p in 0..4096usize {
            let back = SQUASH[(STRETCH[p] as i32 + ODDS) as usize] as i32;
            assert!((back - (p as i32 * 16 + 8)).abs() <= 140, "{p} -> {back}");
        }
    }

    #[test]
    fn frequencies_never_touch() {
        let mut state = 7u64;
        for mode in 0..4 {
            let mut s = Symbols::NEW;
            for i in 0..20_000usize {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
                s.update([(state >> 60) as usize, 0, 15, (i / 1000) % 16][mode]);
                assert!(s.cdf[0] >= LEAST as i16);
                assert!(s.cdf[..15].windows(2).all(|w| w[1] - w[0] >= LEAST as i16), "{:?}", s.cdf);
                assert!((1 << SYMBOL_BITS) - s.cdf[14] as i32 >= LEAST);
            }
        }
    }
}
