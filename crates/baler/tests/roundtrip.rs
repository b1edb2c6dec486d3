//! Compression and back through the library: every type, every bound, every odd shape.

use baler::archive::header::Kind;
use baler::archive::{Archive, Input, Options, compress};
use baler::bound::Bound;
use baler::data::{Array, Column, DType, Table, Values, Variable};
use baler::front::Tolerance;
use baler::front::check::{largest_error, root_mean_square};
use std::io::Cursor;

fn pack(inputs: Vec<Input>, options: &Options) -> Vec<u8> {
    let mut out = vec![];
    let summary = compress(inputs, options, &mut out).unwrap();
    assert_eq!(summary.stored, out.len() as u64);
    out
}

fn open(bytes: &[u8]) -> Archive<Cursor<&[u8]>> {
    Archive::open(Cursor::new(bytes), &[]).unwrap()
}

/// A stream of 64-bit numbers (SplitMix64).
fn random(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// `n` values of `dtype`: smooth, with noise, and in two seeds of three now and then any bits at all.
fn values(dtype: DType, n: usize, seed: u64) -> Values {
    let mut next = random(seed);
    let smooth: Vec<f64> =
        (0..n).map(|i| (i as f64 * 0.03).sin() * 50.0 + (next() >> 11) as f64 * 1e-15).collect();
    let of = |scale: f64, offset: f64| smooth.iter().map(move |v| *v * scale + offset);
    let typed = match dtype {
        DType::Text => Values::Text(of(0.1, 0.0).map(|v| format!("t{}", v as i64)).collect()),
        DType::Bool => Values::Bool(of(1.0, 0.0).map(|v| v > 0.0).collect()),
        DType::U8 => Values::U8(of(1.0, 60.0).map(|v| v as u8).collect()),
        DType::I8 => Values::I8(of(1.0, 0.0).map(|v| v as i8).collect()),
        DType::U16 => Values::U16(of(100.0, 6000.0).map(|v| v as u16).collect()),
        DType::I16 => Values::I16(of(100.0, 0.0).map(|v| v as i16).collect()),
        DType::U32 => Values::U32(of(1e4, 1e6).map(|v| v as u32).collect()),
        DType::I32 => Values::I32(of(1e4, 0.0).map(|v| v as i32).collect()),
        DType::U64 => Values::U64(of(1e10, 1e15).map(|v| v as u64).collect()),
        DType::I64 => Values::I64(of(1e10, 0.0).map(|v| v as i64).collect()),
        DType::F32 => Values::F32(of(1.0, 0.0).map(|v| v as f32).collect()),
        DType::F64 => Values::F64(smooth.clone()),
    };
    if seed.is_multiple_of(3) || matches!(dtype, DType::Text | DType::Bool) {
        return typed;
    }
    let mut bytes = bits(&typed);
    let size = dtype.size().unwrap();
    let special = [f64::NAN, f64::INFINITY, -0.0, 0.0, 1e-310, 1e300, f64::MIN_POSITIVE, -1e20];
    for value in bytes.chunks_exact_mut(size) {
        if next().is_multiple_of(if seed % 3 == 1 { 20 } else { 2 }) {
            let any = next();
            let bits = match (dtype, any % 2) {
                (DType::F32, 0) => (special[next() as usize % 8] as f32).to_bits() as u64,
                (DType::F64, 0) => special[next() as usize % 8].to_bits(),
                _ => any,
            };
            value.copy_from_slice(&bits.to_le_bytes()[..size]);
        }
    }
    Values::from_le_bytes(dtype, &bytes).unwrap()
}

fn bits(v: &Values) -> Vec<u8> {
    let mut out = vec![];
    v.write_le_bytes(&mut out);
    out
}

const BOUNDS: [Bound; 11] = [
    Bound::Lossless,
    Bound::Absolute(1e-3),
    Bound::Absolute(2.5),
    Bound::Absolute(1e30),
    Bound::Relative(1e-2),
    Bound::Relative(1e-9),
    Bound::Deviation(1e-3),
    Bound::Pointwise(1e-2),
    Bound::Pointwise(0.5),
    Bound::Pointwise(1e-10),
    Bound::Psnr(60.0),
];

/// What values were to hold to, by the bound asked for and what the header resolved it to.
fn promised(dtype: DType, bound: Bound, resolved: Option<f64>) -> Tolerance {
    match (bound, resolved) {
        _ if !dtype.is_number() => Tolerance::Exact,
        (Bound::Pointwise(v), _) if dtype.is_float() => Tolerance::Pointwise(v),
        (Bound::Absolute(v), _) => Tolerance::Absolute(v),
        (Bound::Psnr(_), Some(v)) if v > 0.0 => Tolerance::RootMeanSquare(v),
        (Bound::Relative(_) | Bound::Deviation(_), Some(v)) if v > 0.0 => Tolerance::Absolute(v),
        _ => Tolerance::Exact,
    }
}

fn assert_holds(original: &Values, back: &Values, tolerance: Tolerance, what: &str) {
    match tolerance {
        Tolerance::Exact => assert_eq!(bits(back), bits(original), "{what}"),
        t => assert!(largest_error(original, back, t).is_some(), "{what}"),
    }
    if let Tolerance::RootMeanSquare(rms) = tolerance {
        let actual = root_mean_square(original, back, None);
        assert!(actual <= rms * (1.0 + 1e-12), "{what}: {actual} > {rms}");
    }
}

#[test]
fn fields_of_every_type_bound_and_shape_hold() {
    let shapes: [&[usize]; 14] = [
        &[],
        &[0],
        &[1],
        &[700],
        &[3, 0, 4],
        &[1, 1, 1, 1, 1],
        &[40, 1],
        &[1, 40],
        &[25, 31],
        &[9, 10, 11],
        &[5, 1, 37],
        &[2, 3, 9, 17],
        &[2, 2, 3, 4, 19],
        &[300, 3],
    ];
    let mut seed = 0;
    for dtype in DType::ALL.into_iter().filter(|t| *t != DType::Text) {
        for shape in shapes {
            for bound in BOUNDS {
                seed += 1;
                let original = values(dtype, shape.iter().product(), seed);
                let array = Array::new(shape.to_vec(), original.clone()).unwrap();
                let chunk = 150 + seed as usize % 500;
                let options = Options { bound: Some(bound), chunk, ..Options::default() };
                let bytes = pack(vec![Input::Field("u".into(), Box::new(array))], &options);
                let mut archive = open(&bytes);
                let Kind::Field(f) = archive.header().variables[0].kind.clone() else { panic!() };
                let Variable::Field(back) = archive.read(0, None, 1).unwrap() else { panic!() };
                assert_eq!(back.shape, shape);
                let what = format!("{dtype} {shape:?} {bound} seed {seed}");
                assert_holds(&original, &back.values, promised(dtype, bound, f.bound.value), &what);
            }
        }
    }
}

#[test]
fn tables_of_every_type_and_bound_hold() {
    for (rows, seed) in [(0usize, 1u64), (1, 2), (2, 3), (777, 4), (777, 5), (777, 6)] {
        for bound in BOUNDS {
            let columns: Vec<Column> = DType::ALL
                .into_iter()
                .map(|t| Column { name: t.name().into(), values: values(t, rows, seed + t as u64) })
                .collect();
            let bounds = vec![("i32".to_string(), Bound::Absolute(30.0))];
            let options = Options { bound: Some(bound), bounds, chunk_rows: 300, ..Options::default() };
            let table = Table::new(columns.clone()).unwrap();
            let bytes = pack(vec![Input::Table("events".into(), Box::new(table))], &options);
            let mut archive = open(&bytes);
            let Kind::Table(t) = archive.header().variables[0].kind.clone() else { panic!() };
            let Variable::Table(back) = archive.read(0, None, 2).unwrap() else { panic!() };
            for ((a, b), c) in columns.iter().zip(&back.columns).zip(&t.columns) {
                assert_eq!(a.name, b.name);
                let what = format!("{} of {rows} rows, {bound}, seed {seed}", a.name);
                assert_holds(&a.values, &b.values, promised(c.dtype, c.bound.bound, c.bound.value), &what);
            }
        }
    }
}

#[test]
fn the_bytes_do_not_depend_on_threads_and_any_rows_can_be_read_alone() {
    let make = |threads| {
        let array = Array::new(vec![40, 30, 20], values(DType::F32, 24_000, 9)).unwrap();
        let options =
            Options { bound: Some(Bound::Relative(1e-3)), chunk: 1500, threads, ..Options::default() };
        pack(vec![Input::Field("u".into(), Box::new(array))], &options)
    };
    let bytes = make(1);
    assert_eq!(bytes, make(2));
    assert_eq!(bytes, make(7));
    let mut archive = open(&bytes);
    let Variable::Field(all) = archive.read(0, None, 3).unwrap() else { panic!() };
    for rows in [0..0, 0..1, 3..9, 39..40, 0..40, 17..18] {
        let Variable::Field(part) = archive.read(0, Some(rows.clone()), 2).unwrap() else { panic!() };
        assert_eq!(part.shape, [rows.len(), 30, 20]);
        assert_eq!(bits(&part.values), bits(&all.values.slice(rows.start * 600..rows.end * 600)));
    }
    assert!(archive.read(0, Some(30..41), 1).is_err());
}
