//! Random numbers that a seed gives again on every machine: SplitMix64 (Steele, Lea, Flood, 2014).

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The generator.
pub struct Random(u64);

impl Random {
    /// Starts at `seed`.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// A stream of its own for each list of `numbers`: what is drawn by counters does not depend on what was drawn
    /// before, so threads and interruptions do not matter.
    pub fn keyed(numbers: &[u64]) -> Random {
        let mix = |key: u64, n: &u64| Random(key ^ n.wrapping_mul(GOLDEN)).bits();
        Random(numbers.iter().fold(0, mix))
    }

    /// What the generator would give behind `count` other numbers.
    pub fn nth(&self, count: u64) -> u64 {
        Random(self.0.wrapping_add(GOLDEN.wrapping_mul(count))).bits()
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [-1, 1).
    pub fn signed_unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    }

    /// Normally distributed (Box and Muller, 1958).
    pub fn normal(&mut self) -> f32 {
        let unit = |bits: u64| ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        let (u, v) = (unit(self.bits()), unit(self.bits()));
        ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32
    }

    /// Uniform below `n`, which must not be 0 (biased by less than n / 2^64).
    pub fn below(&mut self, n: usize) -> usize {
        ((self.bits() as u128 * n as u128) >> 64) as usize
    }

    /// Any order of `items` equally likely (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}
