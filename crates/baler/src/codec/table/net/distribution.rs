//! From the outputs of a net to integer distributions of 2^16: the definition that every kernel must match bit for bit.

use crate::model::table::net::COMPONENTS;

/// Binary digits of a probability.
pub const BITS: u32 = 16;
/// What all frequencies of a distribution sum to.
pub const ONE: u32 = 1 << BITS;

/// round(2^14 2^(-i/16))
pub const HALVES: [i32; 16] = [
    16384, 15689, 15024, 14387, 13777, 13193, 12634, 12098, 11585, 11094, 10624, 10173, 9742, 9329, 8933,
    8555,
];
/// round(2^12 2^(i/8))
pub const OCTAVE: [i32; 8] = [4096, 4467, 4871, 5312, 5793, 6317, 6889, 7512];

/// 2^(-d/16) of 2^14, for d >= 0.
#[inline(always)]
pub fn power(d: i32) -> i32 {
    let d = d.min(255);
    HALVES[d as usize & 15] >> (d >> 4)
}

/// The share of a bell above its middle that lies beyond z >= 0 of 2^16 (of which 1/16 is an e-folding), of 2^16 in all:
/// with e = (1 - z)^16, nearly exp(-16 z), it is (3 e - e^2) / 4. Never ascends in z.
#[inline(always)]
pub fn tail(z: i32) -> i32 {
    let square = |t: i32| ((t as u32 * t as u32) >> 16) as i32;
    let t = 65535 - z.min(65535);
    let e = square(square(square(square(t)))) >> 1;
    ((e as u32 * (98304 - e) as u32) >> 16) as i32
}

/// A mixture as one row has it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mixture {
    /// Weights of the bells, of the symbol before, of the histogram: of 2^15, all together.
    pub weights: [i32; COMPONENTS + 2],
    /// Middles of the bells, in scores.
    pub middles: [i32; COMPONENTS],
    /// Their widths: z = difference of scores x factor >> shift.
    pub factors: [i32; COMPONENTS],
    /// See `factors`.
    pub shifts: [i32; COMPONENTS],
    /// The symbol before.
    pub before: i32,
}

impl Mixture {
    /// From the eleven outputs; `before` is the symbol before and its score, where there is one.
    pub fn new(out: &[i32], before: Option<(i32, i32)>) -> Mixture {
        const C: usize = COMPONENTS;
        let mut m = Mixture::default();
        let logs: [i32; C + 2] = std::array::from_fn(|i| if i < C { out[i] } else { out[2 * C + i] });
        let counts = |i: usize| i != C || before.is_some();
        let most = (0..C + 2).filter(|&i| counts(i)).map(|i| logs[i]).max().expect("five logarithms");
        let powers: [i32; C + 2] = std::array::from_fn(|i| if counts(i) { power(most - logs[i]) } else { 0 });
        let unit = (1 << 29) / powers.iter().sum::<i32>();
        for i in 1..C + 2 {
            m.weights[i] = (powers[i] * unit) >> 14;
        }
        m.weights[0] = 32768 - m.weights[1..].iter().sum::<i32>();
        let (symbol, score) = before.unwrap_or((0, 0));
        m.before = symbol;
        for c in 0..C {
            m.middles[c] = out[C + c].clamp(-2047, 2047) * 16 + if c == 0 { score } else { 0 };
            let q = (-out[2 * C + c]).clamp(-24, 80);
            m.factors[c] = OCTAVE[(q & 7) as usize];
            m.shifts[c] = 12 - (q >> 3);
        }
        m
    }

    /// The cumulative frequency below the symbol whose edge has this score and histogram share (of 2^16), the
    /// `symbol`-th of `symbols`; neither the first nor beyond the last.
    #[inline(always)]
    pub fn below(&self, symbol: i32, score: i32, share: i32, symbols: i32) -> u32 {
        let mut sum = self.weights[COMPONENTS + 1] as u32 * share as u32;
        if symbol > self.before {
            sum += (self.weights[COMPONENTS] as u32) << 16;
        }
        for c in 0..COMPONENTS {
            let d = (score - self.middles[c]).clamp(-32767, 32767);
            let z = (d * self.factors[c]) >> self.shifts[c];
            let tail = tail(z.abs());
            sum += self.weights[c] as u32 * if z < 0 { tail } else { 65536 - tail } as u32;
        }
        (((sum >> 15) * (ONE - symbols as u32)) >> BITS) + symbol as u32
    }
}

/// The frequencies of classes from their logarithms, to `frequencies`; that of the class before rises by the last output.
pub fn classes(out: &[i32], before: Option<usize>, frequencies: &mut [u32]) {
    let n = frequencies.len();
    let log = |c: usize| out[c] + if before == Some(c) { out[n] } else { 0 };
    let most = (0..n).map(log).max().expect("at least one class");
    let mut sum = 0;
    for (c, f) in frequencies.iter_mut().enumerate() {
        *f = power(most - log(c)) as u32;
        sum += *f;
    }
    let unit = ((ONE - n as u32) << 14) / sum;
    let mut left = ONE;
    for f in &mut frequencies[..n - 1] {
        *f = 1 + ((*f * unit) >> 14);
        left -= *f;
    }
    frequencies[n - 1] = left;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_what_they_say() {
        for i in 0..16 {
            assert_eq!(HALVES[i], (16384.0 * 2f64.powf(-(i as f64) / 16.0)).round() as i32);
        }
        for i in 0..8 {
            assert_eq!(OCTAVE[i], (4096.0 * 2f64.powf(i as f64 / 8.0)).round() as i32);
        }
        let mut last = 32768;
        for z in 0..70_000 {
            let t = tail(z);
            assert!((0..=last).contains(&t), "{z}: {t} after {last}");
            last = t;
        }
        assert!(tail(0) > 32700 && tail(65535) == 0);
    }

    #[test]
    fn distributions_ascend_and_are_whole() {
        let mut state = 9u64;
        let mut next = |limit: i64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (((state >> 33) as i64) % (2 * limit + 1) - limit) as i32
        };
        for round in 0..3000 {
            let wild = if round % 3 == 0 { 8191 } else { 60 };
            let out: [i32; 16] = std::array::from_fn(|_| next(wild));
            let symbols = 2 + round % 40;
            let before = (round % 2 == 0).then(|| (next(20).abs(), next(16383)));
            let m = Mixture::new(&out, before);
            assert_eq!(m.weights.iter().sum::<i32>(), 32768);
            assert!(m.weights.iter().all(|w| *w >= 0), "{:?}", m.weights);
            let mut score = -16383;
            let mut share = 0;
            let mut last = 0;
            for s in 1..symbols {
                score = (score + next(2000).abs()).min(32767);
                share = (share + next(1000).abs()).min(65535);
                let below = m.below(s, score, share, symbols);
                assert!(below > last && below < ONE, "{below} after {last}");
                last = below;
            }
            assert!(m.below(symbols - 1, 32767, 65535, symbols) < ONE);
            let mut f = vec![0; 1 + round as usize % 15];
            classes(&out, (round % 3 == 0).then_some(round as usize % 20), &mut f);
            assert!(f.iter().all(|&f| f >= 1) && f.iter().sum::<u32>() == ONE);
        }
    }
}
