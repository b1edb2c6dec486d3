//! The walk over all 2^32 patterns of an f32: each goes through the front end under every bound of [`cases`], and
//! what comes back is judged by [`exact`](super::exact).

use super::exact::{within, within_share};
use baler::codec::field::domain::{Absolute, Domain, LANES};
use baler::front::class::{Bits, CONSTANT, NEGATIVE, REGULAR, Rule};
use baler::front::ordered::{from_f32, to_f32};
use baler::front::pointwise::{self, Pointwise};
use baler::front::uniform::Uniform;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One way through the front end under one bound.
pub enum Case {
    /// Stage 2's arithmetic around four kinds of predictions, with two means.
    Absolute(f64, [Absolute<f32>; 2]),
    /// A column's multiples of a step.
    Uniform(f64, Uniform),
    /// A column's or a field's cells.
    Pointwise(f64, Pointwise),
    /// Order-keeping integers.
    Lossless,
}

/// What became of the patterns of one case.
#[derive(Default, Clone, Copy)]
pub struct Count {
    /// Rebuilt from an index.
    pub coded: u64,
    /// Regular, but left to be coded bit for bit.
    pub exact: u64,
    /// Set aside before: NaN, infinity, negative zero (pointwise: zero too).
    pub special: u64,
    /// Broken promises.
    pub violations: u64,
    /// One pattern that broke one.
    pub example: u32,
    /// Of all threads together.
    pub time: Duration,
}

/// The range of all finite f32, of which relative bounds are shares.
const RANGE: f64 = 2.0 * f32::MAX as f64;

/// Every case with its name.
pub fn cases() -> Vec<(String, Case)> {
    let absolute = |b: f64| {
        let step = ((2.0 * b) * 0.999999) as f32;
        let domain = |mean: f32| Absolute::<f32>::new(step, mean, b);
        Case::Absolute(b, [domain(0.0), domain((b * 1234.567).min(1e37) as f32)])
    };
    let mut cases = vec![("lossless".into(), Case::Lossless)];
    for b in [1.5e-45, 1e-38, 1e-20, 1e-6, 1e-3, 0.1, 1.0, 37000.5, 1e20, 1e38] {
        cases.push((format!("field abs:{b:e}"), absolute(b)));
    }
    for share in [1e-2, 1e-5, 1e-9] {
        cases.push((format!("field rel:{share:e}"), absolute((share * RANGE).next_down())));
    }
    for (b, scale) in [(1e-6, 1.0), (0.1, 3e4), (1.0, 0.0), (1e20, 1e25), (1e-5 * RANGE, 3e38)] {
        let uniform = Uniform::new(b, scale, f32::EPSILON as f64);
        cases.push((format!("column abs:{b:e}"), Case::Uniform(b, uniform)));
    }
    for b in [0.9, 0.5, 0.1, 1e-2, 1e-3, 1e-4, 1e-6, 2f64.powi(-24), 1e-9] {
        cases.push((format!("pwrel:{b:e}"), Case::Pointwise(b, Pointwise::best(pointwise::F32, b))));
    }
    cases
}

/// Walks over every `stride`-th pattern on `threads` threads; `progress` sees the share that is done.
pub fn walk(
    cases: &[(String, Case)],
    stride: u64,
    threads: usize,
    progress: impl Fn(f64) + Sync,
) -> Vec<Count> {
    const BLOCK: u64 = 1 << 16;
    let blocks = (1u64 << 32).div_ceil(stride).div_ceil(BLOCK);
    let next = AtomicU64::new(0);
    let run = || {
        let mut counts = vec![Count::default(); cases.len()];
        loop {
            let block = next.fetch_add(1, Ordering::Relaxed);
            if block >= blocks {
                return counts;
            }
            let first = block * BLOCK;
            let patterns = (first..first + BLOCK).map(|i| i * stride).take_while(|&b| b < 1 << 32);
            for (number, ((_, case), count)) in cases.iter().zip(&mut counts).enumerate() {
                let start = Instant::now();
                take(case, number as u32, patterns.clone().map(|b| b as u32), count);
                count.time += start.elapsed();
            }
            progress(block as f64 / blocks as f64);
        }
    };
    let mut all = vec![Count::default(); cases.len()];
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        for thread in threads {
            for (sum, c) in all.iter_mut().zip(thread.join().expect("no panic")) {
                sum.coded += c.coded;
                sum.exact += c.exact;
                sum.special += c.special;
                sum.time += c.time;
                if c.violations > 0 {
                    (sum.violations, sum.example) = (sum.violations + c.violations, c.example);
                }
            }
        }
    });
    all
}

fn take(case: &Case, number: u32, patterns: impl Iterator<Item = u32>, count: &mut Count) {
    match case {
        Case::Lossless => each(patterns, count, |bits, x| match to_f32(from_f32(x)).to_bits() == bits {
            true => Outcome::Coded,
            false => Outcome::Violation,
        }),
        Case::Absolute(bound, domains) => {
            each(patterns, count, |bits, x| absolute(x, bits, number, *bound, domains))
        }
        Case::Uniform(bound, uniform) => each(patterns, count, |bits, x| {
            if x.class(Rule::Bounded) != REGULAR {
                return special(bits, x, x.is_finite() && bits != 1 << 31);
            }
            match uniform.index(x as f64, *bound, |v| v as f32 as f64) {
                None => Outcome::Exact,
                Some(i) => judge(within(x as f64, (uniform.value(i) as f32) as f64, *bound)),
            }
        }),
        Case::Pointwise(bound, map) => each(patterns, count, |bits, x| {
            let class = x.class(Rule::Pointwise);
            if class >= CONSTANT {
                return special(bits, x, x.is_finite() && x != 0.0);
            }
            let sign = if class == NEGATIVE { 1 << 31 } else { 0 };
            let magnitude = map.magnitude(map.index((bits & !(1 << 31)) as u64)) as u32;
            let y = f32::from_bits(magnitude | sign);
            let denormal_kept = x.is_normal() || y.to_bits() == bits;
            judge(sign == bits & 1 << 31 && denormal_kept && within_share(x as f64, y as f64, *bound))
        }),
    }
}

enum Outcome {
    Coded,
    Exact,
    Special,
    Violation,
}

fn judge(holds: bool) -> Outcome {
    if holds { Outcome::Coded } else { Outcome::Violation }
}

/// What is set aside must be what the design says, and come back from its bits.
fn special(bits: u32, x: f32, ordinary: bool) -> Outcome {
    match !ordinary && f32::of_bits(x.bits()).to_bits() == bits {
        true => Outcome::Special,
        false => Outcome::Violation,
    }
}

#[inline(always)]
fn each(patterns: impl Iterator<Item = u32>, count: &mut Count, of: impl Fn(u32, f32) -> Outcome) {
    for bits in patterns {
        match of(bits, f32::from_bits(bits)) {
            Outcome::Coded => count.coded += 1,
            Outcome::Exact => count.exact += 1,
            Outcome::Special => count.special += 1,
            Outcome::Violation => (count.violations, count.example) = (count.violations + 1, bits),
        }
    }
}

/// Around one of four predictions, which change from case to case: the value itself, rounded as a filter would leave
/// it; nothing; a value some steps away; any number at all, infinities and NaNs included.
#[inline(always)]
fn absolute(x: f32, bits: u32, number: u32, bound: f64, domains: &[Absolute<f32>; 2]) -> Outcome {
    let hash = (bits ^ number.rotate_left(29)).wrapping_mul(0x9e37_79b1);
    let hash = (hash ^ hash >> 15).wrapping_mul(0x85eb_ca6b);
    let domain = &domains[(hash >> 31) as usize];
    if x.class(Rule::Bounded) != REGULAR {
        let none = x.is_finite() || domain.quantise(x, 0.0).is_none();
        return if none { special(bits, x, x.is_finite() && bits != 1 << 31) } else { Outcome::Violation };
    }
    let p = match bits.wrapping_add(number) & 3 {
        0 => x - domain.mean,
        1 => 0.0,
        2 => x - domain.mean + domain.step * (((hash >> 8) as f32 - 8388608.0) * (1.0 / 1024.0)),
        _ => f32::from_bits(hash),
    };
    // As the fast walk does it, eight at a time.
    let ([index, ..], holds) = domain.quantise_lanes(&[x; LANES], &[p; LANES], &[-1; LANES]);
    if holds && !within(x as f64, domain.rebuild(index.into(), p).0 as f64, bound) {
        return Outcome::Violation;
    }
    match domain.quantise(x, p) {
        None => Outcome::Exact,
        Some(index) => judge(within(x as f64, domain.rebuild(index, p).0 as f64, bound)),
    }
}
