//! The portable build of the field codec and the one for this processor: the same bytes, the same values; and both
//! the bytes that every other machine and build gives.

mod common;

use baler::codec::field::{Level, decode, encode};
use baler::data::{DType, Values};
use baler::front::Tolerance;
use common::{Random, bits, pocked, wave};
use sha2::{Digest, Sha256};

/// Shapes on both sides of every block length, lane and tap that the kernel has.
const SHAPES: [&[usize]; 18] = [
    &[],
    &[1],
    &[17],
    &[1000],
    &[2, 2],
    &[3, 15],
    &[3, 16],
    &[4, 17],
    &[40, 3],
    &[37, 65],
    &[2, 1, 33],
    &[3, 3, 3],
    &[5, 6, 7],
    &[2, 9, 40],
    &[9, 2, 48],
    &[2, 3, 4, 5],
    &[44, 130], // large enough for a base
    &[24, 21, 26],
];

/// Shapes that the fast walk serves: one plane and several, rows and columns that fill no block.
const LARGE_SHAPES: [&[usize]; 6] =
    [&[94, 89], &[4, 2050], &[3, 13, 211], &[21, 8, 50], &[300, 33, 1], &[2, 2, 3, 700]];

/// `n` values of `dtype`, made without any function whose last bits differ between machines.
fn values(dtype: DType, n: usize, odd: bool) -> Values {
    let floats = if odd { pocked(n) } else { wave(n) };
    let mut random = Random(n as u64);
    let mut whole = |scale: f64| -> Vec<i64> {
        wave(n).iter().map(|x| if odd { random.next() as i64 } else { (x * scale) as i64 }).collect()
    };
    match dtype {
        DType::F64 => Values::F64(floats),
        DType::F32 => Values::F32(floats.into_iter().map(|x| x as f32).collect()),
        DType::I16 => Values::I16(whole(500.0).into_iter().map(|x| x as i16).collect()),
        DType::U8 => Values::U8(whole(5.0).into_iter().map(|x| (x + 100) as u8).collect()),
        DType::U64 => Values::U64(whole(1e16).into_iter().map(|x| x as u64 ^ 1 << 63).collect()),
        _ => Values::I64(whole(1e12)),
    }
}

/// SHA-256 (its first eight bytes) of all streams of a type and of what they decode to.
///
/// A change here means that the encoder now writes other bytes. That is allowed, unless the golden files no longer
/// decode; that two machines or builds differ is not.
const STREAMS: [(DType, &str); 6] = [
    (DType::F32, "1a49f2da680774ca"),
    (DType::F64, "3fca4e70a4273063"),
    (DType::U8, "a0b24249abaad878"),
    (DType::I16, "af901e8914c8822d"),
    (DType::I64, "6e18346bae085de5"),
    (DType::U64, "5fd7045e8c8e7c95"),
];

/// The same of the fast walk.
const FAST_STREAMS: [(DType, &str); 6] = [
    (DType::F32, "c40994e5cb221c98"),
    (DType::F64, "93747e928e1fe6d1"),
    (DType::U8, "97c2b2ef1889bd82"),
    (DType::I16, "b52ace7daecf04a2"),
    (DType::I64, "9b58f36c3b99b314"),
    (DType::U64, "0a0f3e28fcb58bc2"),
];

/// The same at level max.
const DEEP_STREAMS: [(DType, &str); 6] = [
    (DType::F32, "620b96d20ab02d4a"),
    (DType::F64, "1f1e6570ea55010c"),
    (DType::U8, "8d7ba2af2c9463d8"),
    (DType::I16, "ed31c0186b60b889"),
    (DType::I64, "1652693aa1c368f6"),
    (DType::U64, "175e259e1086c8f3"),
];

#[test]
fn portable_and_fast_kernels_agree_with_each_other_and_with_the_record() {
    agree(&STREAMS, &SHAPES, Level::Default);
}

#[test]
fn so_they_do_at_the_fast_level() {
    agree(&FAST_STREAMS, &LARGE_SHAPES, Level::Fast);
}

#[test]
fn so_they_do_at_the_level_max() {
    agree(&DEEP_STREAMS, &SHAPES, Level::Max);
}

fn agree(streams: &[(DType, &str)], shapes: &[&[usize]], level: Level) {
    let tolerances = [
        Tolerance::Exact,
        Tolerance::Absolute(0.01),
        Tolerance::Absolute(3.0),
        Tolerance::Pointwise(1e-3),
        Tolerance::Absolute(1e-13),
    ];
    let mut wrong = vec![];
    for &(dtype, recorded) in streams {
        let mut all = Sha256::new();
        for &shape in shapes {
            for odd in [false, true] {
                let original = values(dtype, shape.iter().product(), odd);
                for tolerance in tolerances {
                    let fill = (odd && dtype == DType::F64).then(|| 1e20f64.to_bits());
                    let (payload, coded) = encode(&original, shape, tolerance, fill, level, true);
                    let (fast, fast_coded) = encode(&original, shape, tolerance, fill, level, false);
                    let what = format!("{dtype} {shape:?} {tolerance:?} odd {odd}");
                    assert!(payload == fast && bits(&coded) == bits(&fast_coded), "{what}");
                    for plain in [true, false] {
                        let back = decode(&payload, dtype, shape, plain).unwrap();
                        assert!(bits(&back) == bits(&coded), "{what}, decoded with plain = {plain}");
                    }
                    all.update(&payload);
                    all.update(bits(&coded));
                }
            }
        }
        let found: String = all.finalize()[..8].iter().map(|b| format!("{b:02x}")).collect();
        if found != recorded {
            wrong.push(format!("(DType::{dtype:?}, \"{found}\"),"));
        }
    }
    assert!(wrong.is_empty(), "these streams are not those on record:\n{}", wrong.join("\n"));
}
