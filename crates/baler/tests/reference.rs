//! The reference decoder (`docs/reference_decoder.py`), written from the specification, decodes what the library writes
//! to the same bits.

mod common;

use baler::archive::{Archive, Input, Options};
use baler::bound::Bound;
use baler::codec::chunk::Codec;
use baler::codec::field::base::Recipe;
use baler::codec::field::base::bands::Grouping;
use baler::codec::field::coding::{Signal, Task, Walk, write_as};
use baler::codec::field::domain::Absolute;
use baler::codec::field::taps::Sampling;
use baler::codec::field::{Level, view};
use baler::data::{Column, DType, Table, Values, Variable};
use common::{
    Parts, Random, based, bits, clouds, columns, field, field_model, foreseen, listed, model, pack, related,
    rows, seeds, wave,
};
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
    fast(&mut cases);
    jumps(&mut cases);
    packed(&mut cases);
    masked(&mut cases);
    bases(&mut cases);
    forced_bases(&mut cases);
    tables(&mut cases);
    autoencoders(&mut cases);
    networks(&mut cases);
    learned(&mut cases);

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

/// Large enough for the fast walk's tables: one plane and several, rows that fill no group, and escapes.
fn fast(cases: &mut Vec<Case>) {
    let cell = |dtype, bound, shape: &[usize], odd| {
        let input = field("u", shape, values(dtype, shape.iter().product(), odd));
        let options = Options {
            bound: Some(bound),
            codec: Some(Codec::Field),
            level: Level::Fast,
            chunk: 1 << 20,
            ..Options::default()
        };
        (format!("fast {dtype}, {bound}, {shape:?}"), pack(vec![input], &options))
    };
    cases.push(cell(DType::F32, Bound::Relative(1e-3), &[9, 11, 83], 0));
    cases.push(cell(DType::F32, Bound::Absolute(1e-6), &[91, 91], 50));
    cases.push(cell(DType::F64, Bound::Absolute(1e-6), &[3, 30, 92], 500));
    cases.push(cell(DType::F64, Bound::Lossless, &[4, 33, 65], 9));
    cases.push(cell(DType::F32, Bound::Pointwise(1e-3), &[130, 64], 70));
    cases.push(cell(DType::I16, Bound::Absolute(3.0), &[150, 1, 70], 100));
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
            let arrays: Vec<(&[usize], Values)> = (0..if dtype.is_float() { 6 } else { 2 })
                .map(|_| {
                    turn += 1;
                    let shape = SHAPES[turn * 5 % SHAPES.len()];
                    (shape, values(dtype, shape.iter().product(), [0, 30, 3][turn % 3]))
                })
                .collect();
            // The field codec even where another would be smaller, in chunks cut somewhere; the deep walk, slow
            // here, for one.
            let deep = &arrays[turn % arrays.len()..][..1];
            for (level, arrays) in [(Level::Default, &arrays[..]), (Level::Max, deep)] {
                let named = arrays.iter().enumerate();
                let inputs = named.map(|(i, (shape, v))| field(&format!("u{i}"), shape, v.clone())).collect();
                let codec = Some(Codec::Field);
                let options = Options { bound: Some(bound), codec, level, chunk: 400, ..Options::default() };
                cases.push((format!("{dtype}, {bound}, {level:?}"), pack(inputs, &options)));
            }
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

/// Values on lattices of every formula, some off them.
fn packed(cases: &mut Vec<Case>) {
    let n: Vec<f64> = wave(600).iter().map(|x| (x * 40.0).round()).collect();
    let f64s = |f: &dyn Fn(f64) -> f64| {
        let mut v: Vec<f64> = n.iter().map(|&n| f(n)).collect();
        (v[17], v[90], v[91]) = (f64::NAN, -0.0, 1e9 / 7.0);
        v
    };
    let f32s = |f: &dyn Fn(f64) -> f64| Values::F32(f64s(f).into_iter().map(|x| x as f32).collect());
    let single = |n: f64| (n as f32 * 0.37f32 + 283.1f32) as f64;
    let to_single = |n: f64| (n * 0.123456789 + 98.7654321) as f32 as f64;
    for (name, bound) in
        [("lossless", Bound::Lossless), ("close", Bound::Absolute(1e-3)), ("coarse", Bound::Absolute(2.0))]
    {
        let inputs = vec![
            field("product", &[20, 30], f32s(&|n| n * 0.123456789 + 98.7654321)),
            field("product, double", &[20, 30], Values::F64(f64s(&|n| n * 0.7 + 0.3))),
            field("quotient", &[600], f32s(&|n| n / 10.0)),
            field("quotient, double", &[3, 10, 20], Values::F64(f64s(&|n| n / 10.0))),
            field("single", &[20, 30], f32s(&single)),
            field("single, double", &[20, 30], Values::F64(f64s(&single))),
            field("once single", &[20, 30], Values::F64(f64s(&to_single))),
            field("once single, quotient", &[20, 30], Values::F64(f64s(&|n| (n / 10.0) as f32 as f64))),
            field("whole", &[20, 30], f32s(&|n| n)),
            field("i16", &[20, 30], Values::I16(n.iter().map(|&n| n as i16 * 10 + 7).collect())),
            field(
                "u64",
                &[20, 30],
                Values::U64(n.iter().map(|&n| (n as u64).wrapping_mul(3) << 50).collect()),
            ),
        ];
        let options = Options { bound: Some(bound), codec: Some(Codec::Field), ..Options::default() };
        cases.push((format!("packed, {name}"), pack(inputs, &options)));
    }
}

/// Masks that move and masks that stay, and land that is a number.
fn masked(cases: &mut Vec<Case>) {
    let land = |i: usize, moves: usize| (i + i / 120 * moves) % 120 % 12 < 5 && i % 120 > 40;
    for (name, hidden) in [("NaN", f32::NAN), ("zero", 0.0), ("far", -4e7)] {
        let hide = |moves| -> Vec<f32> {
            let sea = wave(720).into_iter().enumerate();
            sea.map(|(i, x)| if land(i, moves) { hidden } else { x as f32 + 280.0 }).collect()
        };
        let inputs = vec![
            field("stays", &[6, 10, 12], Values::F32(hide(0))),
            field("moves", &[6, 10, 12], Values::F32(hide(3))),
            field("in a plane", &[60, 12], Values::F32(hide(0))),
            field(
                "i32",
                &[6, 10, 12],
                Values::I32(hide(0).iter().map(|x| x.to_bits() as i32 >> 8).collect()),
            ),
        ];
        let options =
            Options { bound: Some(Bound::Absolute(1e-3)), codec: Some(Codec::Field), ..Options::default() };
        cases.push((format!("masked, {name}"), pack(inputs, &options)));
        // Rows of several blocks, at all levels; the fast walk passes places over.
        let hide = |moves| -> Vec<f32> {
            let sea = wave(9000).into_iter().enumerate();
            let land = |i: usize| (i + i / 1500 * moves) % 50 < 30 && i / 50 % 30 > 12;
            sea.map(|(i, x)| if land(i) { hidden } else { x as f32 + 280.0 }).collect()
        };
        for level in [Level::Default, Level::Fast] {
            let inputs = [0, 7].map(|moves| field("wide", &[6, 30, 50], Values::F32(hide(moves)))).into();
            let bound = Some(Bound::Absolute(1e-3));
            let options = Options { bound, level, codec: Some(Codec::Field), ..Options::default() };
            cases.push((format!("masked, {name}, in blocks, {level:?}"), pack(inputs, &options)));
        }
    }
}

/// Fields that the encoder itself lays over a base.
fn bases(cases: &mut Vec<Case>) {
    for seed in based() {
        assert_walk(&seed.bytes, Walk::Based, seed.name);
        cases.push((seed.name.into(), seed.bytes));
    }
    let mut add = |name: &str, shape: &[usize], bound, values| {
        let fill = (name == "fill value").then_some(1e20);
        let (level, walk) = match name {
            "deep" => (Level::Max, Walk::DeepBased),
            _ => (Level::Default, Walk::Based),
        };
        let options =
            Options { bound: Some(bound), codec: Some(Codec::Field), fill, level, ..Options::default() };
        let bytes = pack(vec![field("u", shape, values)], &options);
        assert_walk(&bytes, walk, name);
        cases.push((format!("base, {name}"), bytes));
    };
    let f32s = |v: Vec<f64>| Values::F32(v.into_iter().map(|x| x as f32).collect());
    let holed = |shape: &[usize], hole: f64| {
        let v = clouds(shape);
        let missing = |i: usize| i > v.len() / 6 * 5 || i.is_multiple_of(997);
        v.iter().enumerate().map(|(i, &x)| if missing(i) { hole } else { x }).collect()
    };
    let shape = [4201];
    add("line", &shape, Bound::Absolute(2e-3), Values::F64(clouds(&shape)));
    let shape = [65, 66];
    add("plane", &shape, Bound::Absolute(0.02), Values::F64(clouds(&shape)));
    let shape = [15, 15, 19];
    add("NaNs", &shape, Bound::Absolute(0.01), f32s(holed(&shape, f64::NAN)));
    let mut one_missing = clouds(&shape);
    one_missing[2000] = f64::NAN;
    add("deep", &shape, Bound::Absolute(0.03), f32s(one_missing));
    let shape = [1, 70, 1, 60];
    add("fill value", &shape, Bound::Absolute(0.02), Values::F64(holed(&shape, 1e20)));
    let shape = [17, 16, 18];
    let large = clouds(&shape).iter().map(|x| 1e6 + x * 20.0).collect();
    add("values coded exactly", &shape, Bound::Absolute(0.06), f32s(large));
    let ramp = clouds(&shape).iter().enumerate().map(|(i, x)| i as f64 * 0.1 + x).collect();
    add("large coefficients", &shape, Bound::Absolute(1e-3), Values::F64(ramp));
    let shape = [5, 31, 29];
    let signed = |(i, x): (usize, &f64)| if i % 29 < 7 { -2.0 - x } else { 2.0 + x };
    let signed = clouds(&shape).iter().enumerate().map(signed).collect();
    add("pointwise", &shape, Bound::Pointwise(5e-3), Values::F64(signed));
    let shape = [3, 3, 31, 15];
    let i16s = clouds(&shape).iter().map(|x| (x * 100.0) as i16).collect();
    add("i16", &shape, Bound::Lossless, Values::I16(i16s));
    let shape = [2, 40, 53];
    let u64s = clouds(&shape).iter().map(|x| ((x * 1e6) as i64 ^ i64::MIN) as u64).collect();
    add("u64", &shape, Bound::Absolute(1e4), Values::U64(u64s));
}

/// Fields by the networks of models that have learned nothing, of every domain.
fn learned(cases: &mut Vec<Case>) {
    // Among them planes of more rows than the wave has, which are long enough for a second group to overlap the first.
    let shapes: [&[usize]; 7] =
        [&[45, 9], &[3, 100], &[2, 1, 130], &[3, 35, 7], &[2, 2, 5, 9], &[34, 100], &[2, 34, 100]];
    let hidden: [&[usize]; 3] = [&[7], &[64, 2], &[3, 5, 9]];
    let bounds = [Bound::Absolute(0.3), Bound::Lossless, Bound::Pointwise(1e-2), Bound::Absolute(1e-9)];
    let types = [DType::F32, DType::F64, DType::I16, DType::U64];
    for (i, shape) in shapes.into_iter().cycle().take(4 * shapes.len()).enumerate() {
        let model = field_model(view(shape)[0] == 1, hidden[i % 3]);
        let options = Options {
            bound: Some(bounds[i % 4]),
            model: Some((&model).into()),
            codec: Some(Codec::Field),
            ..Options::default()
        };
        let dtype = types[i / shapes.len()];
        let values = values(dtype, shape.iter().product(), [0, 7][i % 2]);
        cases.push((
            format!("learned {dtype} {shape:?} {:?}", bounds[i % 4]),
            pack(vec![field("u", shape, values)], &options),
        ));
    }
    let all = cases.iter().filter(|(name, _)| name.starts_with("learned"));
    let taken =
        all.filter(|(_, b)| first_chunk(&mut Parts::of(b)).get(CHUNK_HEAD).is_some_and(|m| m & 0xf0 == 0x60));
    assert!(taken.count() >= 14);
}

/// Fields of f32 over every kind of base, whatever the encoder thinks of it.
fn forced_bases(cases: &mut Vec<Case>) {
    let shapes: [&[usize]; 6] = [&[300], &[23, 34], &[9, 2, 31], &[3, 33, 7], &[11, 10, 9], &[2, 3, 8, 17]];
    for (i, (shape, grouping)) in shapes.into_iter().flat_map(|s| Grouping::ALL.map(|g| (s, g))).enumerate() {
        let recipe = Recipe { grouping, eighths: [16, 1, 250, 5, 0][i % 5], asked: [4, 16, 0, 255][i % 4] };
        cases.push((format!("{recipe:?} {shape:?}"), over(shape, recipe)));
    }
}

/// An archive of a field of f32 over a base.
fn over(shape: &[usize], recipe: Recipe) -> Vec<u8> {
    let original: Vec<f32> = clouds(shape).into_iter().map(|x| x as f32).collect();
    let domain = Absolute::<f32>::new(0.01, 0.25, 0.005);
    let (dims, step) = (view(shape), domain.step as f64);
    let signal = Signal { smooth: &original, mean: domain.mean, dims, step, sampling: Sampling::PLAIN };
    let mut payload = vec![Walk::Based.to_bits()];
    payload.extend([domain.step, domain.mean].iter().flat_map(|x| x.to_le_bytes()));
    payload.push(0); // no classes
    let mut values = original.clone();
    let task = Task { domain, signal, special: &[], portable: true };
    write_as(&mut payload, task, &mut values, Some(recipe));
    // In place of the chunk that the encoder would write.
    let options =
        Options { bound: Some(Bound::Absolute(0.005)), codec: Some(Codec::Field), ..Options::default() };
    let mut parts = Parts::of(&pack(vec![field("u", shape, Values::F32(original))], &options));
    let chunk = first_chunk(&mut parts);
    chunk.truncate(CHUNK_HEAD - 4);
    chunk.extend(crc32fast::hash(&bits(&Values::F32(values))).to_le_bytes());
    chunk.extend(payload);
    parts.seal()
}

/// That the first chunk takes this walk.
fn assert_walk(bytes: &[u8], walk: Walk, name: &str) {
    assert_eq!(first_chunk(&mut Parts::of(bytes))[CHUNK_HEAD] & 0xf0, walk.to_bits(), "{name}");
}

/// Bytes before a first chunk's payload: kind, variable, chunk, codec, checksum.
const CHUNK_HEAD: usize = 1 + 1 + 1 + 1 + 4;

fn first_chunk(parts: &mut Parts) -> &mut Vec<u8> {
    parts.bodies.iter_mut().skip(1).find(|b| b.first() == Some(&b'C')).unwrap()
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
        cases.push((
            format!("table, {bound}"),
            pack(vec![Input::Table("t".into(), Box::new(table))], &options),
        ));
    }
    for bound in [Bound::Lossless, Bound::Deviation(1e-3)] {
        let table = Table::new(related(260)).unwrap();
        let options = Options { bound: Some(bound), chunk_rows: 250, ..Options::default() };
        cases.push((
            format!("related, {bound}"),
            pack(vec![Input::Table("t".into(), Box::new(table))], &options),
        ));
    }
    for seed in [foreseen(), listed()] {
        cases.push((seed.name.into(), seed.bytes));
    }
    let plain: Vec<Column> = more.into_iter().filter(|c| c.values.dtype() != DType::Text).collect();
    let options = Options { bound: Some(Bound::Lossless), codec: Some(Codec::Raw), ..Options::default() };
    let table = Table::new(plain).unwrap();
    cases.push(("raw table".into(), pack(vec![Input::Table("t".into(), Box::new(table))], &options)));
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
                model: Some((&nameless.frozen).into()),
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
            model: Some((&named.frozen).into()),
            codec: Some(Codec::Autoencoder),
            chunk_rows: 60,
            ..Options::default()
        };
        let table = Table::new(some).unwrap();
        let bytes = pack(vec![Input::Table("events".into(), Box::new(table))], &options);
        cases.push((format!("autoencoder for a table, {bound}"), bytes));
    }
}

/// Every kind of step and of rows, with a bound and without.
fn networks(cases: &mut Vec<Case>) {
    for (name, model, shape) in common::networks() {
        let wave = wave(shape.iter().product());
        for (bound, values) in [
            (Bound::None, Values::F64(wave.clone())),
            (Bound::Absolute(0.1), Values::F32(wave.iter().map(|&x| x as f32).collect())),
            (Bound::Lossless, Values::I16(wave.iter().map(|&x| x as i16).collect())),
        ] {
            let options = Options {
                bound: Some(bound),
                model: Some((&model.frozen).into()),
                codec: Some(Codec::Autoencoder),
                chunk: 50,
                ..Options::default()
            };
            cases.push((format!("{name}, {bound}"), pack(vec![field("u", &shape, values)], &options)));
        }
    }
}
