//! The deep walk: never larger than the plain one, within the bound, unmoved by hostile bytes.

mod common;

use baler::codec::field::{Level, decode, encode};
use baler::data::{DType, Values};
use baler::front::Tolerance;
use common::{Random, bits, pocked, wave};

/// The high bits of the mode byte of a chunk that took the deep walk.
const DEEP: u8 = 2 << 4;

#[test]
fn max_is_never_larger_and_mostly_deep() {
    let mut deep = 0;
    for shape in
        [&[700][..], &[1, 1], &[40, 40], &[9, 17], &[3, 300], &[12, 13, 14], &[2, 2, 500], &[300, 2, 3]]
    {
        let n = shape.iter().product();
        for values in [Values::F64(wave(n)), Values::F64(pocked(n)), wave32(n)] {
            for tolerance in [Tolerance::Absolute(0.02), Tolerance::Absolute(1e-5), Tolerance::Exact] {
                let (plain, _) = encode(&values, shape, tolerance, None, Level::Default, false);
                let (max, coded) = encode(&values, shape, tolerance, None, Level::Max, false);
                assert!(max.len() <= plain.len(), "{shape:?} {tolerance:?}");
                let back = decode(&max, values.dtype(), shape, false).unwrap();
                assert!(bits(&back) == bits(&coded), "{shape:?} {tolerance:?}");
                deep += (max[0] & !15 == DEEP) as usize;
            }
        }
    }
    assert!(deep > 36, "the deep walk was best in {deep} of 72 cases");
}

fn wave32(n: usize) -> Values {
    Values::F32(wave(n).into_iter().map(|x| x as f32).collect())
}

/// Values whose differences and squares leave the range of floats must not poison what adapts.
#[test]
fn huge_ranges_stay_finite() {
    let shape = [5, 11, 13];
    let n: usize = shape.iter().product();
    let mut random = Random(3);
    let wild: Vec<f64> = wave(n)
        .into_iter()
        .map(|x| {
            if random.next().is_multiple_of(7) {
                x * f64::from_bits((random.next() % 2046 + 1) << 52)
            } else {
                x
            }
        })
        .collect();
    for bound in [1e-300, 1e-3, 1e3, 1e300] {
        let original = Values::F64(wild.clone());
        let (payload, _) = encode(&original, &shape, Tolerance::Absolute(bound), None, Level::Max, false);
        let Values::F64(back) = decode(&payload, DType::F64, &shape, false).unwrap() else { unreachable!() };
        assert!(wild.iter().zip(&back).all(|(x, y)| (x - y).abs() <= bound), "{bound}");
    }
}

#[test]
fn hostile_bytes_do_not_panic() {
    let mut random = Random(8);
    for (values, shape, tolerance) in [
        (wave32(300), &[5, 6, 10][..], Tolerance::Absolute(1e-3)),
        (Values::F64(pocked(200)), &[10, 20], Tolerance::Absolute(1e-9)),
        (Values::F64(pocked(200)), &[200], Tolerance::Pointwise(1e-3)),
        (Values::F64(wave(200)), &[2, 100], Tolerance::Exact),
    ] {
        let (payload, _) = encode(&values, shape, tolerance, None, Level::Max, false);
        for turn in 0..150 {
            let mut damaged = payload.clone();
            damaged[0] = damaged[0] & 15 | DEEP;
            for _ in 0..1 + turn % 5 {
                let at = 1 + random.next() as usize % (damaged.len() - 1);
                // The head, where step, mean and lengths are, as often as all the rest.
                let at = if turn % 2 == 0 { 1 + at % damaged.len().min(24).saturating_sub(1) } else { at };
                damaged[at] = [0, 255, 127, random.next() as u8][random.next() as usize % 4];
            }
            let _ = decode(&damaged, values.dtype(), shape, false);
        }
        for end in (1..payload.len()).step_by(7) {
            let _ = decode(&payload[..end], values.dtype(), shape, false);
        }
    }
}
