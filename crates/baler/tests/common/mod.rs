//! What the tests of robustness share: an archive of every kind, as small as can be; archives decoded whole.
#![allow(dead_code, unused_imports)] // no test uses all of it

mod data;
mod models;
mod seal;

pub use data::*;
pub use models::*;
pub use seal::*;

use baler::archive::header::Kind;
use baler::archive::{Archive, Input, Options, compress};
use baler::bound::Bound;
use baler::codec::chunk::Codec;
use baler::codec::field::Level;
use baler::data::{Array, Column, Table, Values};
use baler::error::{Error, ErrorKind, Result};
use baler::model::Model;
use baler::model::any::AnyDecoder;
use sha2::{Digest, Sha256};
use std::io::Cursor;

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
    let by_net =
        Options { model: Some((&net).into()), codec: Some(Codec::Table), ..with(Bound::Absolute(0.05), 1) };
    add("net", pack(table(kin(120)), &by_net));

    let spatial = field_model(false, &[5]);
    let learned =
        |bound| Options { model: Some((&spatial).into()), codec: Some(Codec::Field), ..with(bound, 1 << 20) };
    add("learned f32 in space", one(&[3, 7, 12], wave32(252), &learned(Bound::Absolute(0.5))));
    let planar = field_model(true, &[4, 3]);
    let flat = Options { model: Some((&planar).into()), ..learned(Bound::Relative(1e-2)) };
    add("learned f64 in a plane with holes", one(&[12, 30], Values::F64(pocked(360)), &flat));
    let i16s = Values::I16(wave(300).into_iter().map(|x| (x * 5.0) as i16).collect());
    let integers = one(&[2, 3, 5, 10], i16s, &Options { embed: false, ..learned(Bound::Lossless) });

    let nameless = model(&[]);
    let options = |bound| Options {
        model: Some((&nameless.frozen).into()),
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
        model: Some((&named.frozen).into()),
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

/// Archives of fields through [`networks`].
pub fn networked() -> Vec<Seed> {
    let names = networks().into_iter();
    let seed = |(name, model, shape): (_, Model, Vec<usize>)| {
        let options = Options {
            bound: Some(Bound::Absolute(0.2)),
            model: Some((&model.frozen).into()),
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
