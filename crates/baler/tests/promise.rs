//! What bounds resolve to: never more than the share of the range that was asked for, judged exactly.

mod common;

use baler::archive::header::Kind;
use baler::archive::{Archive, FieldSource, Input, Options, compress};
use baler::bound::Bound;
use baler::data::{Column, DType, Table, Values, Variable};
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
fn deviations_neither_overflow_nor_vanish() {
    // 1 and -1 among 998 zeros, times anything: a deviation of sqrt(2 / 1000).
    for scale in [1e-320, 1e-200, 1e-10, 1.0, 1e10, 1e160, 1e300, 1.7e308] {
        let mut v = vec![0.0; 1000];
        (v[3], v[700]) = (scale, -scale);
        let whole = Statistics::of(v.iter().copied()).deviation() / scale;
        let (a, b) = v.split_at(300);
        let parts =
            Statistics::of(a.iter().copied()).merge(Statistics::of(b.iter().copied())).deviation() / scale;
        for (found, how) in [(whole, "whole"), (parts, "in parts")] {
            let truth = 0.002f64.sqrt();
            // Of numbers of 2000 smallest steps it is some 90, to the nearest.
            let near = if scale < 1e-300 {
                (found / truth - 1.0).abs() < 1e-2
            } else {
                (found / truth - 1.0).abs() < 1e-9
            };
            assert!(
                near || found.is_infinite() && scale > 1e308,
                "{scale}, {how}: {found} where {truth} is true"
            );
        }
    }
}

#[test]
fn a_deviation_of_what_overflows_bounds_nothing() {
    let huge = Statistics::of((0..1000).map(|i| 1e308 * (1.0 + i as f64 * 1e-4)));
    let small = Statistics::of((0..9000).map(|i| i as f64));
    for found in [huge, huge.merge(small), small.merge(huge)] {
        assert_eq!(found.deviation(), 0.0);
    }
}

/// Columns with a value that stands for missing data: named or found, it comes back exactly, and is no part of a range.
#[test]
fn fill_values_of_columns_are_exact_and_of_no_range() {
    let told = |fill: f32, i: usize| if i % 9 < 2 { fill } else { (i as f32 * 0.37).sin() * 40.0 };
    for (fill, said) in [(1e20f32, None), (1e20, Some(1e20)), (-999.0, Some(-999.0)), (f32::NAN, None)] {
        for bound in
            [Bound::Relative(1e-3), Bound::Absolute(0.08), Bound::Deviation(1e-3), Bound::Pointwise(1e-3)]
        {
            let column = |name: &str, f: &dyn Fn(usize) -> f32| Column {
                name: name.into(),
                values: Values::F32((0..5000).map(f).collect()),
            };
            let columns = vec![column("x", &|i| told(fill, i)), column("y", &|i| told(1.0, i))];
            let count = Column { name: "n".into(), values: Values::I32((0..5000).collect()) };
            let table = Table::new([columns, vec![count]].concat()).unwrap();
            let options = Options { bound: Some(bound), fill: said, chunk_rows: 1024, ..Options::default() };
            let bytes = pack(vec![Input::Table("t".into(), Box::new(table.clone()))], &options);
            let mut archive = Archive::open(Cursor::new(&bytes), &[]).unwrap();
            let Variable::Table(back) = archive.read(0, None, 1).unwrap() else { panic!("a table") };
            let (Values::F32(before), Values::F32(after)) =
                (&table.columns[0].values, &back.columns[0].values)
            else {
                panic!("single precision")
            };
            for (a, b) in before.iter().zip(after) {
                let error = match bound {
                    _ if a.to_bits() == fill.to_bits() => {
                        assert_eq!(a.to_bits(), b.to_bits(), "{bound}, fill {fill}");
                        continue;
                    }
                    Bound::Pointwise(v) => v as f32 * a.abs(),
                    _ => 0.08001,
                };
                assert!((a - b).abs() <= error, "{bound}, fill {fill}: {a} became {b}");
            }
            assert_eq!(table.columns[2].values, back.columns[2].values);
            // Numbers within 1e-3 and a few bits of an outline: not the bits of singles.
            assert!(bytes.len() < 25_000, "{bound}, fill {fill}: {} bytes", bytes.len());
        }
    }
    // Whole numbers that may be off, but for one of them.
    let counts: Vec<i32> = (0..3000).map(|i| if i % 9 < 2 { -999 } else { 100 + i % 50 }).collect();
    let table = Table::new(vec![Column { name: "n".into(), values: Values::I32(counts.clone()) }]).unwrap();
    let options = Options {
        bound: Some(Bound::Lossless),
        bounds: vec![("n".into(), Bound::Absolute(3.0))],
        fill: Some(-999.0),
        ..Options::default()
    };
    let bytes = pack(vec![Input::Table("t".into(), Box::new(table))], &options);
    let Variable::Table(back) = Archive::open(Cursor::new(&bytes), &[]).unwrap().read(0, None, 1).unwrap()
    else {
        panic!("a table")
    };
    let Values::I32(after) = &back.columns[0].values else { panic!("integers") };
    for (a, b) in counts.iter().zip(after) {
        assert!(a.abs_diff(*b) <= if *a == -999 { 0 } else { 3 }, "{a} became {b}");
    }
    let integers = field("n", &[40], Values::U8(vec![7; 40]));
    let options = Options { bound: Some(Bound::Lossless), fill: Some(-0.5), ..Options::default() };
    let refused = compress(vec![integers], &options, &mut vec![]).unwrap_err().to_string();
    assert!(refused.contains("fill value -0.5"), "{refused}");
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

#[test]
fn a_psnr_is_kept_among_many_holes() {
    for hole in [f32::NAN, 1e20] {
        let is_hole = |i: usize| !i.is_multiple_of(3);
        let value = |i: usize| (i as f32 * 0.01).sin() + (i % 7) as f32 * 0.1;
        let v: Vec<f32> = (0..20_000).map(|i| if is_hole(i) { hole } else { value(i) }).collect();
        for target in [20.0, 60.0, 90.0] {
            let (_, back) = through(Values::F32(v.clone()), Bound::Psnr(target));
            let Values::F32(back) = back else { panic!("single precision") };
            let kept = || (0..v.len()).filter(|&i| !is_hole(i));
            let square = |i: usize| (v[i] as f64 - back[i] as f64).powi(2);
            let rms = (kept().map(square).sum::<f64>() / kept().count() as f64).sqrt();
            let (least, most) = kept().fold((f32::MAX, f32::MIN), |(a, b), i| (a.min(v[i]), b.max(v[i])));
            let found = 20.0 * ((most - least) as f64 / rms).log10();
            assert!(
                found >= target - 1e-9 && found < target + 3.0,
                "{found} dB where {target} were asked for"
            );
            let told = baler::quality::psnr(&Values::F32(v.clone()), &Values::F32(back.clone())).unwrap();
            assert!((told - found).abs() < 1e-6, "{told} dB told where {found} are true");
        }
    }
}

/// Fill values that come late are no part of a range all the same.
#[test]
fn fill_values_that_come_late_are_found() {
    let value =
        |i: usize| if i >= 4000 && i.is_multiple_of(3) { 1e20 } else { (i as f32 * 0.37).sin() * 40.0 };
    let v: Vec<f32> = (0..6000).map(value).collect();
    let options =
        Options { bound: Some(Bound::Relative(1e-3)), chunk: 1000, chunk_rows: 1000, ..Options::default() };
    let column = |name: &str| Column { name: name.into(), values: Values::F32(v.clone()) };
    let table = Table::new(vec![column("x"), column("y")]).unwrap();
    for input in
        [field("u", &[60, 100], Values::F32(v.clone())), Input::Table("t".into(), Box::new(table.clone()))]
    {
        let bytes = pack(vec![input], &options);
        let archive = Archive::open(Cursor::new(&bytes), &[]).unwrap();
        let resolved = match &archive.header().variables[0].kind {
            Kind::Field(f) => f.bound.value,
            Kind::Table(t) => t.columns[1].bound.value,
        };
        assert!((resolved.unwrap() / 0.08 - 1.0).abs() < 1e-3, "{resolved:?}");
    }
}

/// Gives doubles where it has told singles, or fewer values than it has told.
struct Liar(usize);

impl FieldSource for Liar {
    fn dtype(&self) -> DType {
        DType::F32
    }
    fn shape(&self) -> &[usize] {
        &[50, 40]
    }
    fn read(&mut self, _: usize, len: usize) -> baler::error::Result<Values> {
        Ok(if self.0 == len { Values::F64(vec![0.5; len]) } else { Values::F32(vec![0.5; self.0]) })
    }
}

#[test]
fn a_source_that_lies_is_an_error() {
    for count in [2000, 1999] {
        for others in [0, 1] {
            for bound in [Bound::Lossless, Bound::Relative(1e-3)] {
                let mut inputs = vec![Input::Field("u".into(), Box::new(Liar(count)))];
                inputs.extend((0..others).map(|_| field("v", &[3], Values::U8(vec![1, 2, 3]))));
                let options = Options { bound: Some(bound), ..Options::default() };
                let e = compress(inputs, &options, &mut vec![]).unwrap_err().to_string();
                assert!(e.contains("than it has told"), "{e}");
            }
        }
    }
}
