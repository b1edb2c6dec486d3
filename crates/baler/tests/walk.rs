//! The front end keeps every promise: a strided walk over all f32 (`cargo run --release --example walk` takes all),
//! and millions of f64 where rounding is at its worst.

mod common;
#[path = "common/exact.rs"]
mod exact;
#[path = "common/walk.rs"]
mod walk;

use baler::archive::header::Resolved;
use baler::bound::Bound;
use baler::codec::field::domain::{Absolute, Domain, LANES};
use baler::codec::table::column;
use baler::data::Values;
use baler::front::Tolerance;
use baler::front::pointwise::{self, Pointwise};
use baler::front::uniform::Uniform;
use common::Random;
use exact::{distance, within, within_share};

#[test]
fn every_1009th_f32_keeps_every_bound() {
    let cases = walk::cases();
    for ((name, _), count) in cases.iter().zip(walk::walk(&cases, 1009, 2, |_| ())) {
        assert_eq!(count.violations, 0, "{name}: {:#010x} for one", count.example);
        assert_eq!(count.coded + count.exact + count.special, (1u64 << 32).div_ceil(1009));
        assert!(
            name == "lossless" || count.special > 2 * 8_380_000 / 1009,
            "{name}: NaNs are not told apart"
        );
    }
}

/// A finite f64: any bits, near a power of two, a short decimal, or of ordinary size.
fn number(random: &mut Random) -> f64 {
    loop {
        let (bits, kind) = (random.next(), random.below(4));
        let x = match kind {
            0 => f64::from_bits(bits),
            1 => {
                let power = (bits >> 52 & 0x7ff) << 52 | bits & 1 << 63;
                f64::from_bits(power.wrapping_add(random.below(9) as u64).wrapping_sub(4))
            }
            2 => (bits as i32 as f64) * 1e-4,
            _ => (bits >> 11) as f64 * 2f64.powi(-53) * 200.0 - 100.0,
        };
        if x.is_finite() && x.to_bits() != 1 << 63 {
            return x;
        }
    }
}

/// `x` and its neighbours, up to four ulps away.
fn around(x: f64, random: &mut Random) -> f64 {
    let moved = f64::from_bits(x.to_bits().wrapping_add(random.below(9) as u64).wrapping_sub(4));
    if moved.is_finite() { moved } else { x }
}

#[test]
fn millions_of_f64_keep_absolute_bounds() {
    let mut random = Random(64);
    let (mut coded, mut edges) = (0, 0);
    for round in 0..150 {
        let bound = match round % 3 {
            0 => 10f64.powi(round % 40 - 20),
            1 => number(&mut random).abs().max(5e-324),
            _ => 2f64.powi(round - 75),
        };
        let step = 2.0 * bound * 0.999999;
        let mean = if round % 2 == 0 { 0.0 } else { around(bound * 1e5, &mut random) };
        let domain = Absolute::<f64>::new(step, mean, bound);
        let uniform = Uniform::new(bound, bound * 1e6, f64::EPSILON);
        for i in 0..20_000 {
            // Half of all values lie where two reconstructions are as far away, or one as far as the bound.
            let index = (random.next() as i64) >> (12 + random.below(52));
            let p = if i % 4 == 0 { number(&mut random) } else { index as f64 * step };
            let x = match i % 3 {
                0 => number(&mut random),
                1 => around(p + mean + (random.below(100) as f64 + 0.5) * step, &mut random),
                _ => around(p + mean + random.below(100) as f64 * step + bound, &mut random),
            };
            if !x.is_finite() || x.to_bits() == 1 << 63 {
                continue;
            }
            let ([lane, ..], holds) = domain.quantise_lanes(&[x; LANES], &[p; LANES], &[-1; LANES]);
            assert!(!holds || within(x, domain.rebuild(lane, p).0, bound), "{x:e} in lanes around {p:e}");
            if let Some(index) = domain.quantise(x, p) {
                let y = domain.rebuild(index, p).0;
                assert!(within(x, y, bound), "{x:e} became {y:e} around {p:e} within {bound:e}");
                coded += 1;
                edges += (distance(x, y).0 > bound * (1.0 - 1e-5)) as u32;
            }
            let x = if i % 2 == 0 { x } else { around(uniform.value(index >> 4) + bound, &mut random) };
            if let Some(index) = uniform.index(x, bound, |v| v) {
                let y = uniform.value(index);
                assert!(within(x, y, bound), "{x:e} became {y:e} within {bound:e} of a column");
                coded += 1;
            }
        }
    }
    assert!(coded > 2_000_000 && edges > 100_000, "{coded} coded, {edges} at the edge: too few to mean much");
}

#[test]
fn millions_of_f64_keep_pointwise_bounds() {
    let mut random = Random(65);
    for round in 0..60 {
        let bound = match round % 3 {
            0 => 10f64.powi(-round / 3 - 1),
            1 => (number(&mut random).abs() % 1.0).max(1e-18),
            _ => 2f64.powi(-round),
        };
        let map = match round % 2 {
            0 => Pointwise::best(pointwise::F64, bound),
            _ => Pointwise::new(pointwise::F64, bound, random.below(7) as u32),
        };
        for _ in 0..20_000 {
            let any = number(&mut random).abs();
            let cell = map.index(any.to_bits());
            // The value, and the first and last of its cell by bisection, where the error is largest.
            let centre = f64::from_bits(map.magnitude(cell));
            let (mut inside, mut outside) = (any.to_bits(), any.to_bits().saturating_sub(1 << 52));
            while inside - outside > 1 {
                let middle = outside + (inside - outside) / 2;
                if map.index(middle) == cell { inside = middle } else { outside = middle }
            }
            for bits in [any.to_bits(), inside, inside.max(1) - 1] {
                let x = f64::from_bits(bits);
                let y = f64::from_bits(map.magnitude(map.index(bits)));
                if x.is_normal() {
                    assert!(within_share(x, y, bound), "{x:e} became {y:e} within {bound:e} of itself");
                } else {
                    assert_eq!(y.to_bits(), bits);
                }
            }
            assert!(centre.is_finite());
        }
    }
}

/// Columns of f32 and f64 of one magnitude each, through the table's map and back.
#[test]
fn columns_keep_their_bounds() {
    let mut random = Random(66);
    for round in 0..600 {
        let scale = 2f64.powi(random.below(200) as i32 - 100);
        let v: Vec<f64> = (0..500)
            .map(|i| match i % 50 {
                0 => f64::from_bits(random.next()),
                1 => -0.0,
                _ => (number(&mut random) % 1.0) * scale,
            })
            .collect();
        let share = 10f64.powi(-(round % 9) - 1);
        let bound =
            [Bound::Absolute(scale * share), Bound::Pointwise(share), Bound::Lossless][round as usize % 3];
        let tolerance = match bound {
            Bound::Absolute(b) => Tolerance::Absolute(b),
            Bound::Pointwise(b) => Tolerance::Pointwise(b),
            _ => Tolerance::Exact,
        };
        let f32s = Values::F32(v.iter().map(|&x| x as f32).collect());
        for values in [Values::F64(v), f32s] {
            let back =
                column::unmap(&column::map(&values, tolerance.into()), values.dtype(), &mut 0).unwrap();
            exact::assert_bound(&values, &back, Resolved { bound, value: None });
        }
    }
}

/// The judge itself: against 128-bit integers, where they can hold the numbers.
#[test]
fn the_exact_judge_is_exact() {
    let mut random = Random(67);
    let mut equal = 0;
    for i in 0..500_000 {
        // Multiples of 2^-40 of up to 53 bits, so that all differences are whole numbers of 2^-40 too.
        let mut whole = || (random.next() as i64) >> (10 + i % 2 * random.below(40));
        let (x, y) = (whole(), whole());
        let float = |v: i64| v as f64 * 2f64.powi(-40);
        // Differences may take 54 bits, bounds are rounded to 53: so ties come about in which only `e` can tell.
        let near = (x as i128 - y as i128).abs() + random.below(3) as i128 - 1;
        let bound = (near.max(1) as f64) as i64;
        let truth = (x as i128 - y as i128).abs() <= bound as i128;
        assert_eq!(within(float(x), float(y), float(bound)), truth, "{x} {y} {bound}");
        let (d, e) = distance(float(x), float(y));
        equal += (d == float(bound) && e != 0.0) as u32;
        // A share of k / 2^20: |x - y| 2^20 <= k |x|.
        let k = 1 + random.below((1 << 20) - 1) as i64;
        let y = x + ((x as i128 * k as i128) >> 20) as i64 + (random.next() % 3) as i64 - 1;
        if x != 0 && y.unsigned_abs() < 1 << 53 {
            let truth = (x as i128 - y as i128).abs() << 20 <= k as i128 * (x as i128).abs();
            let share = k as f64 / (1 << 20) as f64;
            assert_eq!(within_share(float(x), float(y), share), truth, "{x} {y} {k}");
        }
    }
    assert!(equal > 1000, "{equal} cases were decided by the rounding error");
}
