//! Random numbers with a stream fixed for ever.

use super::math::{exp2, log2, sin_cos_turns};

/// SplitMix64 (Steele, Lea and Flood 2014): ten lines that will not change, where a crate's next
/// release might; passes BigCrush, any seed is good.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in (0, 1), never either end.
    pub fn uniform(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// Standard normal, by Box and Muller (1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * std::f64::consts::LN_2 * log2(self.uniform())).sqrt();
        radius * sin_cos_turns(self.uniform()).1
    }

    /// Exponential with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -std::f64::consts::LN_2 * log2(self.uniform())
    }

    /// A count with this mean: normal with Poisson's variance times `spread`, rounded and never negative.
    pub fn count(&mut self, mean: f64, spread: f64) -> i32 {
        (mean + (mean * spread).sqrt() * self.normal() + 0.5).max(0.0) as i32
    }

    /// Log-normal with median 1 and this standard deviation of the natural logarithm.
    pub fn log_normal(&mut self, sigma: f64) -> f64 {
        exp2(std::f64::consts::LOG2_E * sigma * self.normal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_is_the_published_one() {
        // The reference implementation's first outputs for seed 1234567.
        let mut random = Random::new(1234567);
        assert_eq!(random.bits(), 6457827717110365317);
        assert_eq!(random.bits(), 3203168211198807973);
    }

    #[test]
    fn moments_are_right() {
        let mut random = Random::new(1);
        let n = 200_000;
        let moments = |values: Vec<f64>| {
            let mean = values.iter().sum::<f64>() / n as f64;
            (mean, values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n as f64)
        };
        let cases = [
            (moments((0..n).map(|_| random.uniform()).collect()), (0.5, 1.0 / 12.0)),
            (moments((0..n).map(|_| random.normal()).collect()), (0.0, 1.0)),
            (moments((0..n).map(|_| random.exponential()).collect()), (1.0, 1.0)),
        ];
        for ((mean, variance), (want_mean, want_variance)) in cases {
            assert!((mean - want_mean).abs() < 0.01 && (variance - want_variance).abs() < 0.02);
        }
    }
}
