//! What bounds resolve to: never more than the share of the range that was asked for, judged exactly.

mod common;

use baler::archive::header::Kind;
use baler::archive::{Archive, Options};
use baler::bound::Bound;
use baler::data::{DType, Values, Variable};
use baler::front::Tolerance;
use baler::front::check::largest_error;
use baler::statistics::Statistics;
use common::{Random, field, pack};
use std::io::Cursor;

/// The archive of a field, its resolved bound and its decoded values.
fn through(values: Values, bound: Bound) -> (Option<f64>, Values) {
    let options = Options { bound: Some(bound), ..Options::default() };
    let bytes = pack(vec![field("u", &[values.len()], values)], &options);
    let mut archive = Archive::open(Cursor::new(bytes), &[]).unwrap();
    let Kind::Field(f) = archive.header().variables[0].kind.clone() else { panic!("a field") };
    let Variable::Field(a) = archive.read(0, None, 1).unwrap() else { panic!("a field") };
    (f.bound.value, a.values)
}

#[test]
fn relative_bounds_of_floats_never_exceed_the_share() {
    let mut random = Random(7);
    for _ in 0..200_000 {
        // Ends of up to 53 bits and shares of 30: all products are whole numbers of 128 bits.
        let mut whole = || (random.next() as i64) >> 10;
        let (a, b) = (whole(), whole());
        let share = 1 + random.below((1 << 30) - 1) as i64;
        let (least, most) = (a.min(b), a.max(b));
        let statistics = Statistics::of([least as f64, most as f64].into_iter());
        let value = share as f64 / (1u64 << 30) as f64;
        let resolved = Tolerance::resolve(Bound::Relative(value), DType::F64, &statistics).unwrap();
        let Tolerance::Absolute(r) = resolved else { continue };
        if r >= 4096.0 {
            // r is a whole number of 2^-40; the true share one of 2^-30.
            let r = (r * 2f64.powi(40)) as i128;
            let truth = share as i128 * (most as i128 - least as i128);
            assert!(r <= truth << 10, "{value} of {least} to {most}");
        }
    }
}

#[test]
fn relative_bounds_of_large_integers_know_the_true_range() {
    for offset in [1i64 << 62, -(1 << 62), 1 << 53, 0, i64::MAX - 2000] {
        let v: Vec<i64> = (0..400).map(|i| offset + 500 + i * 37 % 101).collect();
        for (bound, most) in
            [(Bound::Relative(0.05), 5), (Bound::Relative(0.5), 50), (Bound::Deviation(1.0), 50)]
        {
            let (_, back) = through(Values::I64(v.clone()), bound);
            let error = largest_error(&Values::I64(v.clone()), &back, Tolerance::Absolute(1e9)).unwrap();
            assert!(error <= most as f64, "{bound} of 100 from {offset}: off by {error}");
            let u: Vec<u64> = v.iter().map(|&x| x as u64 ^ 1 << 63).collect();
            let (_, back) = through(Values::U64(u.clone()), bound);
            let error = largest_error(&Values::U64(u), &back, Tolerance::Absolute(1e9)).unwrap();
            assert!(error <= most as f64, "{bound} of 100 from {offset}, unsigned: off by {error}");
        }
    }
}

#[test]
fn deviations_do_not_grow_by_rounding() {
    // A mean far from zero that is no f64, of many values.
    for offset in [1e15, 1e9 + 0.1, -3e12] {
        let v: Vec<f64> = (0..100_000).map(|i| offset + (i % 7) as f64 * 0.25).collect();
        let shifted = |x: &f64| x - v[0];
        let mean = v.iter().map(shifted).sum::<f64>() / v.len() as f64;
        let truth = (v.iter().map(|x| (shifted(x) - mean).powi(2)).sum::<f64>() / v.len() as f64).sqrt();
        let found = Statistics::of(v.iter().copied()).deviation();
        assert!((found / truth - 1.0).abs() < 1e-9, "{found} where {truth} is true");
    }
}

#[test]
fn the_last_look_lets_nothing_through() {
    let look = |a: f64, b: f64, t| largest_error(&Values::F64(vec![1.0, a]), &Values::F64(vec![1.0, b]), t);
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    for t in [
        Tolerance::Exact,
        Tolerance::Absolute(1e300),
        Tolerance::Pointwise(0.9),
        Tolerance::RootMeanSquare(1e300),
    ] {
        for (a, b) in [(inf, 1.0), (inf, -inf), (nan, 1.0), (1.0, nan), (1.0, inf), (-0.0, 0.0), (nan, -nan)]
        {
            assert!(look(a, b, t).is_none(), "{a} became {b} within {t:?}");
        }
        assert_eq!(look(nan, nan, t), Some(0.0));
        assert_eq!(look(-inf, -inf, t), Some(0.0));
    }
    assert!(look(0.0, 5e-324, Tolerance::Pointwise(0.9)).is_none());
    assert_eq!(look(1.0, 1.5, Tolerance::Absolute(0.5)), Some(0.5));
    assert!(look(1.0, 1.5f64.next_up(), Tolerance::Absolute(0.5)).is_none());
}
