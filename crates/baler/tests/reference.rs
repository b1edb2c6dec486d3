//! The reference decoder (`docs/reference_decoder.py`), written from the specification, decodes what the library writes
//! to the same bits.

mod common;

use baler::archive::{Archive, Input, Options};
use baler::bound::Bound;
use baler::codec::bytes::Reader;
use baler::codec::chunk::Codec;
use baler::data::{Column, DType, Table, Values, Variable};
use common::{Parts, Random, bits, clouds, columns, field, model, pack, rows, seeds, wave};
use sha2::{Digest, Sha256};
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

/// A name and an archive.
type Case = (String, Vec<u8>);

#[test]
fn the_reference_decoder_agrees() {
    let python = std::env::var("BALER_PYTHON").unwrap_or("python3".into());
    let numpy = Command::new(&python).args(["-c", "import numpy"]).output();
    if !numpy.is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: {python} with NumPy is not at hand; BALER_PYTHON names another");
        return;
    }
    let mut cases: Vec<Case> =
        seeds().into_iter().filter(|s| s.models.is_empty()).map(|s| (s.name.into(), s.bytes)).collect();
    fields(&mut cases);
    jumps(&mut cases);
    bases(&mut cases);
    tables(&mut cases);
    autoencoders(&mut cases);

    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reference");
    std::fs::create_dir_all(&folder).unwrap();
    let mut expected = vec![];
    let mut decoder = Command::new(&python);
    decoder.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference_decoder.py"));
    for (i, (name, bytes)) in cases.iter().enumerate() {
        let path = folder.join(format!("{i}.blr"));
        std::fs::write(&path, bytes).unwrap();
        decoder.arg(path);
        expected.extend(described(bytes).into_iter().map(|line| (i, name, line)));
    }
    if std::env::var("DRY").is_ok() { return; }
    let output = decoder.output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut lines = lines.lines();
    for (i, name, line) in expected {
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(lines.next(), Some(&line[..]), "{i}.blr, {name}: {error}");
    }
    assert_eq!(lines.next(), None);
}

/// The lines that the reference decoder prints for an archive.
fn described(bytes: &[u8]) -> Vec<String> {
    let mut archive = Archive::open(Cursor::new(bytes), &[]).unwrap();
    let names: Vec<String> = archive.header().variables.iter().map(|v| v.name.clone()).collect();
    let line = |name: &str, shape: &str, values: &Values| {
        let hash: String = Sha256::digest(bits(values)).iter().map(|b| format!("{b:02x}")).collect();
        format!("{name} {} {shape} {hash}", values.dtype().name())
    };
    let mut lines = vec![];
    for (i, name) in names.iter().enumerate() {
        match archive.read(i, None, 1).unwrap() {
            Variable::Field(f) if f.shape.is_empty() => lines.push(line(name, "scalar", &f.values)),
            Variable::Field(f) => {
                let shape: Vec<String> = f.shape.iter().map(usize::to_string).collect();
                lines.push(line(name, &shape.join("x"), &f.values));
            }
            Variable::Table(t) => {
                let rows = t.rows().to_string();
                lines.extend(t.columns.iter().map(|c| line(&format!("{name}/{}", c.name), &rows, &c.values)));
            }
        }
    }
    lines
}

/// Both lane schedules, blocks cut short, and every number of planes.
const SHAPES: [&[usize]; 14] = [
    &[],
    &[1],
    &[130],
    &[9, 7],
    &[5, 1, 40],
    &[7, 49],
    &[5, 71],
    &[1, 4, 90],
    &[2, 5, 9],
    &[3, 4, 33],
    &[6, 5, 18],
    &[6, 3, 66],
    &[2, 1, 3, 4, 5],
    &[2, 2, 2, 2, 7],
];

/// `n` values of `dtype`, of which a share of one in `odd` (0: none) has any bits.
fn values(dtype: DType, n: usize, odd: usize) -> Values {
    let mut random = Random(dtype as u64 * 100 + odd as u64);
    let wave = wave(n);
    let integer = |scale: f64| wave.iter().map(move |x| (x * scale) as i64);
    let bytes: Vec<u8> = match dtype {
        DType::F32 => wave.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect(),
        DType::F64 => wave.iter().flat_map(|x| x.to_le_bytes()).collect(),
        DType::Bool => wave.iter().map(|&x| (x > 0.0) as u8).collect(),
        _ => {
            let size = dtype.size().unwrap();
            integer([0.0, 5.0, 1e3, 0.0, 1e7, 0.0, 0.0, 0.0, 1e15][size])
                .flat_map(|x| x.to_le_bytes()[..size].to_vec())
                .collect()
        }
    };
    let mut bytes = bytes;
    if odd > 0 && dtype != DType::Bool {
        for value in bytes.chunks_exact_mut(dtype.size().unwrap()) {
            if random.below(odd) == 0 {
                value.iter_mut().for_each(|b| *b = random.next() as u8);
            }
        }
    }
    Values::from_le_bytes(dtype, &bytes).unwrap()
}

fn fields(cases: &mut Vec<Case>) {
    let bounds = [
        Bound::Lossless,
        Bound::Absolute(3.0),
        Bound::Absolute(1e-9),
        Bound::Absolute(1e30),
        Bound::Relative(1e-4),
        Bound::Pointwise(0.01),
        Bound::Pointwise(0.4),
        Bound::Pointwise(1e-10),
    ];
    let mut turn = 0;
    for dtype in DType::ALL.into_iter().filter(|t| *t != DType::Text) {
        for bound in bounds {
            let inputs = (0..if dtype.is_float() { 6 } else { 2 }).map(|i| {
                turn += 1;
                let shape = SHAPES[turn * 5 % SHAPES.len()];
                field(&format!("u{i}"), shape, values(dtype, shape.iter().product(), [0, 30, 3][turn % 3]))
            });
            // The field codec even where another would be smaller, in chunks cut somewhere.
            let options =
                Options { bound: Some(bound), codec: Some(Codec::Field), chunk: 400, ..Options::default() };
            cases.push((format!("{dtype}, {bound}"), pack(inputs.collect(), &options)));
        }
    }
}

/// Floats of which neighbours are many powers of two apart.
fn jumps(cases: &mut Vec<Case>) {
    let mut random = Random(5);
    let mut wild = |n: usize| -> Vec<f64> {
        wave(n).into_iter().map(|x| x * f64::from_bits((random.next() % 2040 + 3) << 52)).collect()
    };
    for (name, bound) in [
        ("lossless", Bound::Lossless),
        ("absolute", Bound::Absolute(1e-3)),
        ("pointwise", Bound::Pointwise(1e-3)),
    ] {
        let single = wild(6 * 40).into_iter().map(|x| x as f32).collect();
        let inputs = vec![
            field("f64", &[6, 40], Values::F64(wild(240))),
            field("f32", &[2, 6, 20], Values::F32(single)),
        ];
        let options = Options { bound: Some(bound), codec: Some(Codec::Field), ..Options::default() };
        cases.push((format!("jumps, {name}"), pack(inputs, &options)));
    }
}

/// Fields that take a wavelet base: every kind of values, every way to group the axes, odd and short axes, holes.
fn bases(cases: &mut Vec<Case>) {
    let shapes: &[&[usize]] =
        &[&[4200], &[65, 66], &[7, 620], &[1000, 5], &[16, 16, 17], &[13, 2, 171], &[70, 9, 7], &[3, 40, 37], &[2,3,30,29], &[20,19,18]];
    for &shape in shapes {
        let v = clouds(shape);
        let top = v.iter().fold(0.0f64, |a, &b| a.max(b));
        for (name, values, bound) in [
            ("f32", Values::F32(v.iter().map(|&x| x as f32).collect()), Bound::Relative(1e-2)),
            ("f32", Values::F32(v.iter().map(|&x| x as f32).collect()), Bound::Relative(1e-3)),
            ("f64", Values::F64(v.clone()), Bound::Relative(1e-4)),
            ("pw", Values::F64(v.iter().map(|x| x + 2.0 * top).collect()), Bound::Pointwise(0.003)),
            ("i16", Values::I16(v.iter().map(|x| (x / top * 100.0) as i16).collect()), Bound::Lossless),
            ("i32", Values::I32(v.iter().map(|x| (x / top * 10000.0) as i32).collect()), Bound::Absolute(30.0)),
        ] {
            let options = Options { bound: Some(bound), codec: Some(Codec::Field), ..Options::default() };
            let bytes = pack(vec![field("u", shape, values)], &options);
            println!("{name} {bound} {shape:?}: {} bytes, kind {:?}", bytes.len(), walks(&bytes));
            cases.push((format!("base {name} {bound} {shape:?}"), bytes));
        }
    }
}

/// The kinds of walk of the chunks of an archive.
fn walks(bytes: &[u8]) -> Vec<u8> {
    let chunks = Parts::of(bytes).bodies.into_iter().skip(1).filter(|body| body.first() == Some(&b'C'));
    chunks
        .map(|body| {
            let mut r = Reader::new(&body[1..]);
            (r.varint("variable").unwrap(), r.varint("chunk").unwrap());
            assert_eq!(r.u8("codec").unwrap(), 2);
            r.take(4, "checksum").unwrap();
            if body.len() > 30 && r.clone().u8("x").unwrap()==48 { println!("{:?}", &r.clone().rest()[..16]); }
            r.u8("mode").unwrap() >> 4
        })
        .collect()
}

fn tables(cases: &mut Vec<Case>) {
    let n = 300;
    let mut random = Random(6);
    let mut integers =
        |f: &dyn Fn(i64, i64) -> i64| Values::I64((0..n).map(|i| f(i, random.next() as i64)).collect());
    let mut more = columns(n as usize);
    let mut add = |name: &str, values| more.push(Column { name: name.into(), values });
    add("long", integers(&|_, r| r >> 3));
    add("rising", integers(&|i, r| (i << 50) + (r >> 20)));
    add("of every length", integers(&|i, r| r >> (i % 64)));
    add("cycle", integers(&|i, _| [5, 1 << 40, -3, 77][i as usize % 4]));
    add("few", integers(&|_, r| (r & 15) * 1_000_003));
    add("hundred", integers(&|_, r| (r.rem_euclid(100)) * 1_000_000_007));
    add("decimals", Values::F64(wave(n as usize).iter().map(|x| (x * 100.0).round() / 100.0).collect()));
    add("any f32", values(DType::F32, n as usize, 4));
    add("any f64", values(DType::F64, n as usize, 2));
    for dtype in DType::ALL.into_iter().filter(|t| *t != DType::Text) {
        add(&format!("some {}", dtype.name()), values(dtype, n as usize, 20));
    }
    for bound in [
        Bound::Lossless,
        Bound::Absolute(0.5),
        Bound::Absolute(40.0),
        Bound::Deviation(1e-3),
        Bound::Pointwise(0.01),
        Bound::Pointwise(1e-9),
    ] {
        let table = Table::new(more.clone()).unwrap();
        let options = Options { bound: Some(bound), chunk_rows: 170, ..Options::default() };
        cases.push((format!("table, {bound}"), pack(vec![Input::Table("t".into(), table)], &options)));
    }
    let plain: Vec<Column> = more.into_iter().filter(|c| c.values.dtype() != DType::Text).collect();
    let options = Options { bound: Some(Bound::Lossless), codec: Some(Codec::Raw), ..Options::default() };
    let table = Table::new(plain).unwrap();
    cases.push(("raw table".into(), pack(vec![Input::Table("t".into(), table)], &options)));
}

fn autoencoders(cases: &mut Vec<Case>) {
    let nameless = model(&[]);
    let rows: Vec<f64> = rows(50);
    for dtype in DType::ALL.into_iter().filter(|t| t.is_number()) {
        let scale = if dtype.size() == Some(1) { 0.1 } else { 1.0 };
        let mut all = match dtype {
            DType::F32 => Values::F32(rows.iter().map(|&x| x as f32).collect()),
            DType::F64 => Values::F64(rows.clone()),
            _ => {
                let size = dtype.size().unwrap();
                let integers = rows.iter().map(|&x| (x * scale) as i64);
                let bytes: Vec<u8> = integers.flat_map(|x| x.to_le_bytes()[..size].to_vec()).collect();
                Values::from_le_bytes(dtype, &bytes).unwrap()
            }
        };
        if let Values::F64(v) = &mut all {
            (v[7], v[20], v[21], v[70]) = (f64::NAN, -0.0, f64::NEG_INFINITY, 1e300);
        }
        for bound in [
            Bound::Lossless,
            Bound::Absolute(0.1),
            Bound::Absolute(2.0),
            Bound::Pointwise(0.01),
            Bound::Pointwise(1e-9),
            Bound::None,
        ] {
            let options = Options {
                bound: Some(bound),
                model: Some(&nameless),
                codec: Some(Codec::Autoencoder),
                chunk: 90,
                ..Options::default()
            };
            let inputs = vec![field("u", &[50, 3], all.clone()), field("v", &[50, 1, 3], all.clone())];
            cases.push((format!("autoencoder, {dtype}, {bound}"), pack(inputs, &options)));
        }
    }
    let names = ["x", "y", "whole"];
    let named = model(&names);
    for bound in [Bound::Lossless, Bound::Absolute(0.05), Bound::Pointwise(0.01), Bound::None] {
        let mut some = columns(80);
        some.retain(|c| ["name", "any", "x", "y", "whole"].contains(&&c.name[..]));
        let options = Options {
            bound: Some(bound),
            bounds: vec![("any".into(), Bound::Lossless)],
            model: Some(&named),
            codec: Some(Codec::Autoencoder),
            chunk_rows: 60,
            ..Options::default()
        };
        let table = Table::new(some).unwrap();
        let bytes = pack(vec![Input::Table("events".into(), table)], &options);
        cases.push((format!("autoencoder for a table, {bound}"), bytes));
    }
}
