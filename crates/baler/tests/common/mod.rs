//! What the tests of robustness share: an archive of every kind, as small as can be; archives taken apart and sealed
//! again with right checksums; mutations.
#![allow(dead_code)] // no test uses all of it

use baler::archive::header::Kind;
use baler::archive::{Archive, Input, Options, compress};
use baler::bound::Bound;
use baler::codec::bytes::{Reader, put_bytes, put_varint};
use baler::codec::chunk::Codec;
use baler::codec::field::Level;
use baler::data::{Array, Column, Table, Values};
use baler::error::{Error, ErrorKind, Result};
use baler::model::Model;
use baler::model::any::AnyDecoder;
use baler::model::blocks::Blocks;
use baler::model::field::{FieldModel, width};
use baler::model::frozen::{FrozenDense, Requantise};
use baler::model::layers::{Architecture, Layer};
use baler::model::table::file::TrainedTable;
use baler::model::zoo::dense_chain;
use baler::train::table::{TableOptions, train_within};
use baler::train::{TrainOptions, train};
use sha2::{Digest, Sha256};
use std::io::{Cursor, Read, Write};

/// A stream of 64-bit numbers (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// An archive, and the models that it needs but does not hold.
pub struct Seed {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub models: Vec<AnyDecoder>,
}

pub fn field(name: &str, shape: &[usize], values: Values) -> Input<'static> {
    Input::Field(name.into(), Box::new(Array::new(shape.to_vec(), values).unwrap()))
}

pub fn pack(inputs: Vec<Input>, options: &Options) -> Vec<u8> {
    let mut out = vec![];
    compress(inputs, options, &mut out).unwrap();
    out
}

/// A wave with noise: the same on every machine, since only + - * make it.
pub fn wave(n: usize) -> Vec<f64> {
    let mut random = Random(n as u64);
    let (mut s, mut c) = (0.0, 1.0);
    (0..n)
        .map(|_| {
            (s, c) = (s + c * 0.25, c - (s + c * 0.25) * 0.25);
            s * 20.0 + (random.next() >> 40) as f64 * 1e-8
        })
        .collect()
}

/// Noise, blurred along every axis, and ever finer noise upon it, within +-1: what a wavelet base suits. The same on
/// every machine, since only + - * / make it.
pub fn clouds(shape: &[usize]) -> Vec<f64> {
    let mut random = Random(shape.len() as u64);
    let mut v = vec![0.0; shape.iter().product()];
    for (scale, passes) in [(300.0, 24), (10.0, 8), (1.0, 2)] {
        v.iter_mut()
            .for_each(|x| *x += ((random.next() >> 40) as f64 * (1.0 / (1 << 23) as f64) - 1.0) * scale);
        for axis in 0..shape.len() {
            let stride: usize = shape[axis + 1..].iter().product();
            (0..passes).for_each(|_| blur(&mut v, shape[axis], stride));
        }
    }
    let largest = v.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    v.into_iter().map(|x| x / largest).collect()
}

/// Each value becomes half of itself and a quarter of the two beside it, `stride` places away; lines are of `n`.
fn blur(v: &mut [f64], n: usize, stride: usize) {
    for line in v.chunks_mut(n * stride) {
        let old = line.to_vec();
        for (i, x) in line.iter_mut().enumerate() {
            let before = if i < stride { old[i] } else { old[i - stride] };
            let after = if i + stride < old.len() { old[i + stride] } else { old[i] };
            *x = *x * 0.5 + (before + after) * 0.25;
        }
    }
}

pub fn wave32(n: usize) -> Values {
    Values::F32(wave(n).into_iter().map(|x| x as f32).collect())
}

/// A wave among NaNs of two payloads, infinities, negative zeros, a fill value, and too many odd bit patterns.
pub fn pocked(n: usize) -> Vec<f64> {
    let odd = |i: usize| match i % 23 {
        0 | 1 => Some(f64::NAN),
        2 => Some(f64::from_bits(0xfff8_0000_0000_1234)),
        5 => Some(f64::INFINITY),
        6 => Some(f64::NEG_INFINITY),
        9 => Some(-0.0),
        10 | 11 => Some(1e20),
        12 if i > n / 2 => Some(f64::from_bits(0x7ff0_0000_0000_0001 + i as u64)),
        _ => None,
    };
    wave(n).into_iter().enumerate().map(|(i, x)| odd(i).unwrap_or(x)).collect()
}

/// Columns that bring out every way of coding one.
pub fn columns(rows: usize) -> Vec<Column> {
    let mut random = Random(3);
    let mut next = || random.next();
    let f: Vec<f64> = wave(rows);
    let columns = [
        ("name", Values::Text((0..rows).map(|i| ["mu", "e", "", "tau\u{e9}"][i * i % 4].into()).collect())),
        ("flag", Values::Bool((0..rows).map(|i| i % 3 == 0).collect())),
        ("same", Values::I32(vec![-7; rows])),
        ("count", Values::U8((0..rows).map(|_| (next() % 5) as u8).collect())),
        ("event", Values::U64((0..rows as u64).map(|i| (1 << 63) + i * 3).collect())),
        ("any", Values::I64((0..rows).map(|_| next() as i64).collect())),
        ("charge", Values::I16((0..rows).map(|_| [1i16, -999, 4000][next() as usize % 3]).collect())),
        ("wide", Values::U32((0..rows).map(|i| i as u32 % 40 * 1_000_003).collect())),
        ("x", Values::F32(f.iter().map(|&x| x as f32).collect())),
        ("y", Values::F64(f.iter().map(|&x| x * x).collect())),
        ("odd", Values::F64(pocked(rows))),
        ("whole", Values::F32((0..rows).map(|_| (next() % 100) as f32).collect())),
    ];
    columns.into_iter().map(|(name, values)| Column { name: name.into(), values }).collect()
}

/// Columns of which the last follows from the others, but for rounding.
pub fn lawful(rows: usize) -> Vec<Column> {
    let mut random = Random(11);
    let [a, b] = [0; 2].map(|_| (0..rows).map(|_| random.below(60) as f64 - 20.0).collect::<Vec<_>>());
    let of = |i: usize| (a[i] * b[i] / 3.0).round() as i16;
    let law = Values::I16((0..rows).map(of).collect());
    [("a", Values::F64(a.clone())), ("b", Values::F64(b.clone())), ("law", law)]
        .map(|(name, values)| Column { name: name.into(), values })
        .into()
}

/// An archive of [`lawful`] columns, the last foreseen by a network.
pub fn foreseen() -> Seed {
    let table = Table::new(lawful(1100)).unwrap();
    let options = Options { bound: Some(Bound::Lossless), ..Options::default() };
    let bytes = pack(vec![Input::Table("events".into(), Box::new(table))], &options);
    Seed { name: "foreseen by a network", bytes, models: vec![] }
}

/// Texts that never repeat: keys in hexadecimal, and names with numbers.
pub fn listed() -> Seed {
    let mut random = Random(11);
    let key = |_| format!("{:08x}", random.below(1 << 32));
    let keys = Values::Text((0..150).map(key).collect());
    let names = Values::Text((0..150).map(|i| format!("größe/{}", 97 * i)).collect());
    let columns = [("key", keys), ("name", names)].map(|(name, values)| Column { name: name.into(), values });
    let table = Table::new(columns.into()).unwrap();
    let options = Options { bound: Some(Bound::Lossless), ..Options::default() };
    let bytes = pack(vec![Input::Table("texts".into(), Box::new(table))], &options);
    Seed { name: "texts that never repeat", bytes, models: vec![] }
}

/// Columns that tell of each other: mixed, and functions of others.
pub fn related(rows: usize) -> Vec<Column> {
    let mut random = Random(7);
    let mut below = |n: usize| random.below(n) as i64;
    let kind: Vec<i64> = (0..rows).map(|_| below(3) + below(2)).collect();
    let energy: Vec<i64> = kind.iter().map(|k| 1000 * k * k + below(150)).collect();
    let near: Vec<i64> = energy.iter().map(|e| e * 7 / 5 + below(9)).collect();
    let code: Vec<i64> = kind.iter().map(|k| [11, -13, 211, 22, 5][*k as usize]).collect();
    let sum: Vec<i64> = energy.iter().zip(&near).map(|(a, b)| a + b - 5).collect();
    let wide: Vec<i64> = energy.iter().map(|e| (e << 40) + below(1 << 30)).collect();
    let steps: Vec<i64> = kind.iter().scan(0, |t, k| Some(std::mem::replace(t, *t + 1 + 50 * k))).collect();
    let tenths = |v: &[i64]| v.iter().map(|&x| x as f64 / 10.0).collect::<Vec<_>>();
    let columns = [
        ("kind", Values::I32(kind.iter().map(|&k| k as i32).collect())),
        ("energy", Values::I64(energy.clone())),
        ("near", Values::F64(tenths(&near))),
        ("code", Values::I16(code.iter().map(|&c| c as i16).collect())),
        ("sum", Values::I64(sum)),
        ("copy", Values::I64(energy)),
        ("wide", Values::I64(wide)),
        ("steps", Values::U32(steps.iter().map(|&t| t as u32).collect())),
        ("short", Values::F32(near.iter().map(|&x| x as f32 / 64.0).collect())),
    ];
    columns.into_iter().map(|(name, values)| Column { name: name.into(), values }).collect()
}

/// A model of three features and one latent, hardly trained.
pub fn model(names: &[&str]) -> Model {
    let relu = Layer::LeakyRelu { slope: 0.01 };
    let architecture = Architecture {
        name: "tiny".into(),
        input: vec![3],
        sequence: 1,
        encoder: dense_chain(&[4, 1], &relu),
        decoder: dense_chain(&[3, 3], &relu),
    };
    let options = TrainOptions { epochs: 3, batch_size: 16, threads: 1, ..TrainOptions::new(architecture) };
    let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
    train(&rows(60), &names, &options, |_| std::ops::ControlFlow::Continue(())).unwrap()
}

/// A class and numbers about it, for a model of tables.
pub fn kin(rows: usize) -> Vec<Column> {
    let mut random = Random(17);
    let class: Vec<i16> = (0..rows).map(|i| (i * i % 7 / 2) as i16).collect();
    let near = |&c: &i16| c as f32 * 3.0 + random.below(40) as f32 * 0.1;
    let number: Vec<f32> = class.iter().map(near).collect();
    let column = |name: &str, values| Column { name: name.into(), values };
    vec![
        column("x", Values::F32(number)),
        column("class", Values::I16(class)),
        column("y", Values::F64(wave(rows))),
        column("name", Values::Text((0..rows).map(|i| ["mu", "e"][i % 2].into()).collect())),
    ]
}

/// A model of tables of two of the columns of [`kin`].
pub fn net() -> TrainedTable {
    let table = Table::new(kin(600)[..2].to_vec()).unwrap();
    let bounds = Options { bound: Some(Bound::Absolute(0.05)), ..Options::default() };
    let options = TableOptions { epochs: 3, hidden: vec![2], threads: 1, ..TableOptions::default() };
    train_within(&table, &bounds, &options, |_| std::ops::ControlFlow::Continue(())).unwrap()
}

/// A model of fields that has learned nothing: integers drawn by a seed, so that it is the same on every machine.
pub fn field_model(planar: bool, hidden: &[usize]) -> FieldModel {
    let mut random = Random(hidden.len() as u64 + 3 * planar as u64);
    let widths = [&[width(planar)], hidden, &[2]].concat();
    let layer = |(i, w): (usize, &[usize])| {
        let last = i == hidden.len();
        let mut within = |most: usize| random.below(2 * most + 1) as i64 - most as i64;
        let weights = (0..w[0] * w[1]).map(|_| within(if last { 2000 } else { 100 }) as i16).collect();
        let bias = (0..w[1]).map(|_| within(1 << 16) as i32).collect();
        let requantise = (!last).then(|| Requantise {
            shift: 10,
            positive: (0..w[1]).map(|_| 9000 + within(8000) as i16).collect(),
            negative: vec![0; w[1]],
        });
        FrozenDense::new(w[0], w[1], weights, bias, requantise).unwrap()
    };
    FieldModel::new(planar, widths.windows(2).enumerate().map(layer).collect(), [1e-6, 3e-5]).unwrap()
}

/// Rows of three values that hang together.
pub fn rows(n: usize) -> Vec<f64> {
    wave(n).into_iter().flat_map(|x| [x, 2.0 * x + 1.0, -x * x]).collect()
}

/// One archive of every kind.
pub fn seeds() -> Vec<Seed> {
    let mut seeds = vec![];
    let mut add = |name, bytes| seeds.push(Seed { name, bytes, models: vec![] });
    let with = |bound, chunk| Options { bound: Some(bound), chunk, ..Options::default() };
    let one = |shape: &[usize], values, options: &Options| pack(vec![field("u", shape, values)], options);

    let absolute = with(Bound::Absolute(0.01), 60);
    let absolute_whole = with(Bound::Absolute(0.01), 1000);
    add("f32 in a plane", one(&[11, 16], wave32(176), &absolute));
    add("f32 in space", one(&[4, 5, 6], wave32(120), &with(Bound::Relative(1e-3), 1000)));
    add("f64 on a line", one(&[90], Values::F64(wave(90)), &absolute));
    add("special values", one(&[8, 12], Values::F64(pocked(96)), &absolute));
    let fill = Options { fill: Some(1e20), ..with(Bound::Deviation(1e-2), 1000) };
    let pocked32 = || Values::F32(pocked(96).into_iter().map(|x| x as f32).collect());
    add("fill value", one(&[8, 12], pocked32(), &fill));
    let i16s = Values::I16(wave(100).into_iter().map(|x| (x * 50.0) as i16).collect());
    add("integers within a bound", one(&[10, 10], i16s, &with(Bound::Absolute(3.0), 50)));
    let u64s = Values::U64(wave(60).into_iter().map(|x| ((x * 1e17) as i64 ^ i64::MIN) as u64).collect());
    add("integers exactly", one(&[60], u64s, &with(Bound::Lossless, 40)));
    add("pointwise f32", one(&[9, 10], pocked32().slice(0..90), &with(Bound::Pointwise(0.01), 50)));
    add("pointwise f64", one(&[70], Values::F64(pocked(70)), &with(Bound::Pointwise(1e-5), 50)));
    add("lossless f32", one(&[7, 11], wave32(77), &with(Bound::Lossless, 1000)));
    add("psnr", one(&[7, 11], wave32(77), &with(Bound::Psnr(50.0), 1000)));
    add("constant", one(&[50, 20], Values::F64(vec![f64::NAN; 1000]), &with(Bound::Pointwise(0.1), 300)));
    let deep = |bound| Options { codec: Some(Codec::Field), level: Level::Max, ..with(bound, 1000) };
    add("deep f32 in space", one(&[4, 9, 12], wave32(432), &deep(Bound::Relative(1e-3))));
    let i32s = Values::I32(wave(300).into_iter().map(|x| (x * 500.0) as i32).collect());
    add("deep integers on a line", one(&[300], i32s, &deep(Bound::Absolute(2.0))));
    let raw = Options { codec: Some(Codec::Raw), ..with(Bound::Lossless, 20) };
    add("raw", one(&[40], Values::Bool((0..40).map(|i| i % 7 < 3).collect()), &raw));
    let fast = Options { level: Level::Fast, ..with(Bound::Absolute(2.0), 1 << 20) };
    let saddle = |i: usize| ((i / 64 % 64) * (i % 64) + i / 4096 * 40) as f64 * 0.3;
    let f32s = Values::F32((0..8192).map(|i| saddle(i) as f32).collect());
    add("fast f32", one(&[2, 64, 64], f32s, &fast));
    let odd = |i: usize| if i % 2999 == 5 { f64::NAN } else { saddle(i) };
    let holes =
        |i: usize| if (i / 64 + i / 4096 * 9) % 64 > 20 && i % 64 < 30 { f64::NAN } else { saddle(i) };
    let f32s = Values::F32((0..8192).map(|i| holes(i) as f32).collect());
    add("fast f32 with holes", one(&[2, 64, 64], f32s, &fast));
    add("fast f64 in a plane", one(&[129, 64], Values::F64((0..8256).map(odd).collect()), &fast));

    let mut description = serde_json::Map::new();
    description.insert("units".into(), serde_json::json!({"u": "m s-1", "levels": [1000, 850.5, null]}));
    let several = Options { description, chunk_rows: 9, ..with(Bound::Absolute(0.1), 30) };
    let inputs = vec![
        field("u", &[6, 10], wave32(60)),
        field("empty", &[3, 0, 4], Values::I8(vec![])),
        Input::Table("events".into(), Box::new(Table::new(columns(20)[..4].to_vec()).unwrap())),
        field("one", &[], Values::F64(vec![0.1])),
        Input::Table("none".into(), Box::new(Table::new(columns(0)).unwrap())),
    ];
    add("several variables and a description", pack(inputs, &several));
    let table = |columns| vec![Input::Table("events".into(), Box::new(Table::new(columns).unwrap()))];
    let two = Options { chunk_rows: 60, ..with(Bound::Absolute(0.05), 1) };
    add("table", pack(table(columns(100)), &two));
    add("table exactly", pack(table(columns(30)), &Options { bound: Some(Bound::Lossless), ..two }));
    add("related columns", pack(table(related(240)), &with(Bound::Lossless, 1)));

    let tenths = wave(140).into_iter().map(|x| ((x * 10.0).round() / 10.0) as f32);
    add("packed tenths", one(&[10, 14], Values::F32(tenths.collect()), &with(Bound::Absolute(0.01), 1000)));
    let packed = wave(140).into_iter().map(|x| (x * 50.0).round() * 0.0123 + 271.3);
    add("packed f64 exactly", one(&[10, 14], Values::F64(packed.collect()), &with(Bound::Lossless, 1000)));
    let multiples = wave(90).into_iter().map(|x| x as i16 * 10 + 3);
    add("multiples of ten", one(&[9, 10], Values::I16(multiples.collect()), &with(Bound::Lossless, 1000)));

    let field_codec = |bound| Options { codec: Some(Codec::Field), ..with(bound, 1 << 20) };
    let mut counts: Vec<f32> = recurring(768, 32).into_iter().map(|n| n as f32).collect();
    (counts[70], counts[71], counts[400]) = (f32::NAN, 1e5, -0.0);
    add("recurring in a plane", one(&[24, 32], Values::F32(counts), &field_codec(Bound::Absolute(3.0))));
    let i32s = Values::I32(recurring(720, 20));
    add("recurring integers in space", one(&[3, 12, 20], i32s, &field_codec(Bound::Lossless)));

    let masked = |hidden: f32, moves: usize| {
        let land = move |i: usize| (i + i / 200 * moves) % 20 < 7 && i % 200 / 20 > 2;
        let sea = wave(800).into_iter().enumerate();
        Values::F32(sea.map(|(i, x)| if land(i) { hidden } else { x as f32 + 300.5 }).collect())
    };
    add("a mask that stays", one(&[4, 20, 10], masked(f32::NAN, 0), &absolute_whole));
    add("a mask that stays in blocks", one(&[4, 10, 20], masked(f32::NAN, 0), &absolute_whole));
    add("a mask in blocks", one(&[4, 10, 20], masked(f32::NAN, 3), &absolute_whole));
    add("land of zeros", one(&[4, 10, 20], masked(0.0, 0), &absolute_whole));

    let net = net();
    let by_net = Options { net: Some(&net), codec: Some(Codec::Table), ..with(Bound::Absolute(0.05), 1) };
    add("net", pack(table(kin(120)), &by_net));

    let spatial = field_model(false, &[5]);
    let learned =
        |bound| Options { learned: Some(&spatial), codec: Some(Codec::Field), ..with(bound, 1 << 20) };
    add("learned f32 in space", one(&[3, 7, 12], wave32(252), &learned(Bound::Absolute(0.5))));
    let planar = field_model(true, &[4, 3]);
    let flat = Options { learned: Some(&planar), ..learned(Bound::Relative(1e-2)) };
    add("learned f64 in a plane with holes", one(&[12, 30], Values::F64(pocked(360)), &flat));
    let i16s = Values::I16(wave(300).into_iter().map(|x| (x * 5.0) as i16).collect());
    let integers = one(&[2, 3, 5, 10], i16s, &Options { embed: false, ..learned(Bound::Lossless) });

    let nameless = model(&[]);
    let options = |bound| Options {
        model: Some(&nameless),
        codec: Some(Codec::Autoencoder),
        chunk: 60,
        ..with(bound, 60)
    };
    let values = || Values::F64(rows(40));
    add("autoencoder", one(&[40, 3], values(), &options(Bound::Absolute(0.1))));
    add("autoencoder unbounded", one(&[40, 3], values(), &options(Bound::None)));
    let f32s = Values::F32(rows(40).into_iter().map(|x| x as f32).collect());
    let external = Options { embed: false, ..options(Bound::Pointwise(0.01)) };
    let bytes = one(&[40, 3], f32s, &external);
    seeds.push(Seed { name: "learned integers", bytes: integers, models: vec![spatial.clone().into()] });
    seeds.push(Seed { name: "model elsewhere", bytes, models: vec![nameless.frozen.decoder.clone().into()] });

    let named = model(&["x", "y", "flag"]);
    let options = Options {
        model: Some(&named),
        codec: Some(Codec::Autoencoder),
        bounds: vec![("flag".into(), Bound::Lossless)],
        chunk_rows: 25,
        ..with(Bound::Absolute(0.05), 1)
    };
    let mut some = columns(40);
    some.retain(|c| ["name", "flag", "x", "y"].contains(&c.name.as_str()));
    let bytes = pack(table(some), &options);
    seeds.push(Seed { name: "autoencoder for a table", bytes, models: vec![] });
    seeds
}

/// Fields through a network of every kind of step, and cut into rows in every way, with their shapes.
pub fn networks() -> Vec<(&'static str, Model, Vec<usize>)> {
    use Layer::{BatchNorm, Flatten, Gelu, Relu};
    let dense = |outputs| Layer::Dense { outputs };
    let conv = |channels, kernel: &[usize]| Layer::Conv {
        channels,
        kernel: kernel.into(),
        stride: vec![],
        padding: vec![1; kernel.len()],
    };
    let transposed = |channels, kernel: &[usize], stride, padding| Layer::ConvTransposed {
        channels,
        kernel: kernel.into(),
        stride: vec![stride; kernel.len()],
        padding: vec![padding; kernel.len()],
        output_padding: vec![stride - 1; kernel.len()],
    };
    let reshape = |shape: &[usize]| Layer::Reshape { shape: shape.into() };
    let transformer = |norm_first| Layer::Transformer { feed_forward: 5, norm_first };
    let gdn = |inverse| Layer::Gdn { inverse };
    let leaky = Layer::LeakyRelu { slope: 0.2 };
    let made = [
        (
            "convolution",
            (&[1, 4, 6][..], 1, Blocks::Tiles(vec![4, 6])),
            vec![conv(2, &[3, 3]), Relu, Flatten, dense(2)],
            vec![dense(12), Relu, reshape(&[2, 2, 3]), transposed(1, &[3, 3], 2, 1)],
            vec![3, 6, 7],
        ),
        (
            "batch norm and ReLU at the end",
            (&[6], 1, Blocks::Runs),
            vec![dense(4), leaky.clone(), dense(2)],
            vec![dense(4), leaky.clone(), BatchNorm, dense(6), BatchNorm, Relu],
            vec![9, 11],
        ),
        (
            "GDN",
            (&[2, 6], 1, Blocks::Tiles(vec![2, 1, 6])),
            vec![conv(3, &[2]), gdn(false), Flatten, dense(3)],
            vec![dense(18), reshape(&[3, 6]), BatchNorm, gdn(true), transposed(2, &[1], 1, 0)],
            vec![5, 3, 6],
        ),
        (
            "transformer",
            (&[4], 3, Blocks::Frames),
            vec![transformer(true), BatchNorm, dense(3), leaky.clone()],
            vec![dense(4), leaky.clone(), BatchNorm, transformer(false), dense(4)],
            vec![20, 2, 2],
        ),
        (
            "activations alone",
            (&[3, 2], 1, Blocks::Tiles(vec![6])),
            vec![BatchNorm, Relu, Flatten, dense(4)],
            vec![reshape(&[2, 2]), BatchNorm, transposed(3, &[1], 1, 0), Gelu],
            vec![8, 10],
        ),
    ];
    let build =
        |(name, (input, sequence, blocks), encoder, decoder, shape): (_, (&[usize], _, Blocks), _, _, _)| {
            let architecture =
                Architecture { name: "small".into(), input: input.into(), sequence, encoder, decoder };
            let rows: Vec<f64> = wave(architecture.features() * 90);
            let options =
                TrainOptions { epochs: 3, batch_size: 16, threads: 1, ..TrainOptions::new(architecture) };
            let mut model = train(&rows, &[], &options, |_| std::ops::ControlFlow::Continue(())).unwrap();
            model.frozen = model.frozen.with_blocks(blocks).unwrap();
            (name, model, shape)
        };
    made.map(build).into_iter().collect()
}

/// Archives of fields through [`networks`].
pub fn networked() -> Vec<Seed> {
    let names = networks().into_iter();
    let seed = |(name, model, shape): (_, Model, Vec<usize>)| {
        let options = Options {
            bound: Some(Bound::Absolute(0.2)),
            model: Some(&model),
            codec: Some(Codec::Autoencoder),
            chunk: 70,
            ..Options::default()
        };
        let values = Values::F64(wave(shape.iter().product()));
        Seed { name, bytes: pack(vec![field("u", &shape, values)], &options), models: vec![] }
    };
    names.map(seed).collect()
}

/// Archives of fields over a wavelet base. For it they are too large to be damaged as often as [`seeds`].
pub fn based() -> Vec<Seed> {
    let add = |name, shape: &[usize], values, bound| {
        let options = Options { bound: Some(bound), ..Options::default() };
        Seed { name, bytes: pack(vec![field("u", shape, values)], &options), models: vec![] }
    };
    let mut holed: Vec<f32> = clouds(&[15, 15, 19]).into_iter().map(|x| x as f32).collect();
    holed[3800..].fill(f32::NAN);
    let i16s = clouds(&[16, 15, 18]).iter().map(|x| (x * 100.0) as i16).collect();
    let plane = Values::F64(clouds(&[65, 66]));
    vec![
        add("f64 on a base", &[65, 66], plane, Bound::Absolute(0.02)),
        add("f32 on a base with a hole", &[15, 15, 19], Values::F32(holed), Bound::Absolute(0.01)),
        add("i16 on a base", &[16, 15, 18], Values::I16(i16s), Bound::Lossless),
    ]
}

/// Whole numbers in rows of `nx` whose differences from what three neighbours foretell are any of three.
pub fn recurring(n: usize, nx: usize) -> Vec<i32> {
    let mut random = Random(9);
    let mut v = vec![0; n];
    for i in 0..n {
        let before = |distance: usize| if i >= distance { v[i - distance] } else { 0 };
        let (w, up) = (if i % nx > 0 { before(1) } else { 0 }, before(nx));
        let corner = if i % nx > 0 { before(nx + 1) } else { 0 };
        v[i] = w + up - corner + [-181, 0, 269][random.below(3)];
    }
    v
}

/// Every chunk of every variable, in order. Chunks of over 2^18 values, and what follows 2^20 values, are not decoded:
/// an archive may well claim them, but then they take their time.
pub fn decode_all(bytes: &[u8], models: &[AnyDecoder]) -> Result<Vec<Vec<Values>>> {
    let mut archive = Archive::open(Cursor::new(bytes), models)?;
    let variables = archive.header().variables.clone();
    let mut all = vec![];
    let mut total = 0;
    for (i, v) in variables.iter().enumerate() {
        for chunk in 0..v.chunks() {
            let values = match &v.kind {
                Kind::Field(f) => f.chunk(chunk).0.len(),
                Kind::Table(t) => t.chunk(chunk).len() * t.columns.len().max(1),
            };
            total += values;
            if values > 1 << 18 || total > 1 << 20 {
                return Err(Error::new(ErrorKind::LimitExceeded, "more than this test decodes"));
            }
            archive.decode(i, chunk..chunk + 1, 1, |_, runs| {
                all.push(runs);
                Ok(())
            })?;
        }
    }
    Ok(all)
}

pub fn bits(values: &Values) -> Vec<u8> {
    let mut out = vec![];
    values.write_le_bytes(&mut out);
    out
}

pub fn same(a: &[Vec<Values>], b: &[Vec<Values>]) -> bool {
    let flat = |v: &[Vec<Values>]| -> Vec<Vec<u8>> { v.iter().flatten().map(bits).collect() };
    flat(a) == flat(b)
}

/// An archive without its checksums, lengths and compression: what a mutation can get at.
#[derive(Clone)]
pub struct Parts {
    /// The header's body, the records' bodies behind their kind (models and description inflated), and what the
    /// index says beyond the records.
    pub bodies: Vec<Vec<u8>>,
}

impl Parts {
    pub fn of(bytes: &[u8]) -> Parts {
        let mut r = Reader::new(bytes);
        r.take(5, "magic").unwrap();
        let mut bodies = vec![r.bytes("header").unwrap().to_vec()];
        r.u32("checksum").unwrap();
        let mut records = 0;
        loop {
            r.take(2, "sync").unwrap();
            let kind = r.u8("kind").unwrap();
            let body = r.bytes("body").unwrap();
            r.u32("checksum").unwrap();
            match kind {
                b'I' => {
                    let mut index = Reader::new(body);
                    for _ in 0..records {
                        let kind = index.u8("kind").unwrap();
                        index.varint("length").unwrap();
                        if kind == b'C' {
                            index.u8("codec").unwrap();
                        }
                    }
                    bodies.push(index.rest().to_vec());
                    return Parts { bodies };
                }
                b'M' => bodies.push([&[b'M', body[0]], &inflate(&body[1..])[..]].concat()),
                b'D' => bodies.push([b"D", &inflate(body)[..]].concat()),
                _ => bodies.push([&[kind], body].concat()),
            }
            records += 1;
        }
    }

    /// A whole archive again, every checksum and length right.
    pub fn seal(&self) -> Vec<u8> {
        let (header, records) = self.bodies.split_first().expect("a header");
        let (tail, records) = records.split_last().expect("an index");
        let mut header = header.clone();
        let model = records.iter().find(|r| r.first() == Some(&b'M') && r.len() >= 2);
        if let Some(model) = model.filter(|_| header.len() > 34 && header[1] > 0) {
            header[2..34].copy_from_slice(&Sha256::digest(&model[2..]));
        }
        let mut out = b"\x89BLR\x01".to_vec();
        put_bytes(&mut out, &header);
        let sum = crc32fast::hash(&out);
        out.extend_from_slice(&sum.to_le_bytes());
        let mut index = vec![];
        for record in records.iter().filter(|r| !r.is_empty()) {
            let (kind, body) = (record[0], &record[1..]);
            let body = match kind {
                b'M' if !body.is_empty() => [&body[..1], &deflate(&body[1..])].concat(),
                b'D' => deflate(body),
                _ => body.to_vec(),
            };
            let whole = frame(sum, kind, &body);
            index.push(kind);
            put_varint(&mut index, whole.len() as u64);
            if kind == b'C' {
                let mut r = Reader::new(&body);
                let (a, b) = (r.varint("variable"), r.varint("chunk"));
                index.push(if a.is_ok() && b.is_ok() { r.u8("codec").unwrap_or(2) } else { 2 });
            }
            out.extend(whole);
        }
        index.extend_from_slice(tail);
        let at = out.len() as u64;
        out.extend(frame(sum, b'I', &index));
        out.extend_from_slice(&at.to_le_bytes());
        out.extend_from_slice(b"RLB\x89");
        out
    }
}

/// A record of any kind in the archive whose header has this checksum.
fn frame(header: u32, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0xBA, 0x1E, kind];
    put_bytes(&mut out, body);
    let sum = crc32fast::hash(&[&header.to_le_bytes(), &out[2..]].concat());
    out.extend_from_slice(&sum.to_le_bytes());
    out
}

pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::ZlibEncoder::new(vec![], flate2::Compression::fast());
    coder.write_all(bytes).and_then(|()| coder.finish()).unwrap()
}

fn inflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    flate2::read::ZlibDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}

/// Varints, lengths and floats at the ends of what they can be.
const EXTREMES: [&[u8]; 14] = [
    &[0],
    &[0x7f],
    &[0xff],
    &[0xff, 0x7f],
    &[0x80, 0x80, 0x04],
    &[0xff, 0xff, 0xff, 0x07],
    &[0x80, 0x80, 0x80, 0x08],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0, 0, 0, 0, 0, 0, 0xf8, 0x7f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xef, 0xff],
    &[1, 0, 0, 0, 0, 0, 0, 0],
];

/// Changes `bytes` in one to four places; `other` is what pieces are spliced in from.
pub fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        // Half of all changes near the start, where lengths, modes and counts lie.
        let n = bytes.len().max(1);
        let near = if random.below(2) == 0 { n } else { n.min(24) };
        let at = random.below(near).min(bytes.len());
        let end = (at + 1 + random.below(12)).min(bytes.len());
        match random.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = random.next() as u8,
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            4 => {
                let extreme = EXTREMES[random.below(EXTREMES.len())];
                let over = random.below(extreme.len() + 1);
                bytes.splice(at..(at + over).min(bytes.len()), extreme.iter().copied());
            }
            5 => {
                let from = random.below(other.len() + 1);
                let piece = &other[from..(from + 1 + random.below(40)).min(other.len())];
                bytes.splice(at..end, piece.iter().copied());
            }
            6 => bytes[at..end].fill([0, 0xff][random.below(2)]),
            7 if random.below(4) == 0 => bytes.truncate(at),
            _ => {
                let noise: Vec<u8> = (0..end - at).map(|_| random.next() as u8).collect();
                bytes[at..end].copy_from_slice(&noise);
            }
        }
    }
}

/// SHA-256 of all values as little-endian bytes.
pub fn values_hash(values: &[Vec<Values>]) -> [u8; 32] {
    let mut hash = Sha256::new();
    values.iter().flatten().for_each(|v| hash.update(bits(v)));
    hash.finalize().into()
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
