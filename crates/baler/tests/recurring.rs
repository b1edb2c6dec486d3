//! Values whose differences recur, tens or hundreds apart: their bits are learned, not stored.

mod common;

use baler::codec::field::{self, Level};
use baler::data::{DType, Values};
use baler::front::Tolerance;
use baler::front::check::largest_error;
use common::{Random, recurring, wave};

const WALK: u8 = 5;

/// The payload; the portable build gives the same, and all decode to the same within `tolerance`.
fn round_trip(values: &Values, shape: &[usize], tolerance: Tolerance) -> Vec<u8> {
    let [(payload, coded), portable] =
        [false, true].map(|plain| field::encode(values, shape, tolerance, None, Level::Default, plain));
    assert!(portable.0 == payload);
    for plain in [false, true] {
        let back = field::decode(&payload, values.dtype(), shape, plain).unwrap();
        assert_eq!(largest_error(&coded, &back, Tolerance::Exact), Some(0.0));
        assert!(largest_error(values, &back, tolerance).is_some(), "{tolerance:?} is broken");
    }
    payload
}

#[test]
fn few_differences_cost_few_bits() {
    for shape in [&[60, 100][..]] {
        let n = recurring(6000, shape[shape.len() - 1]);
        for tolerance in [Tolerance::Exact, Tolerance::Absolute(1.0)] {
            for values in [
                Values::I32(n.clone()),
                Values::F64(n.iter().map(|&n| n as f64).collect()),
                Values::F32(n.iter().map(|&n| n as f32 / 10.0).collect()),
            ] {
                let payload = round_trip(&values, shape, tolerance);
                assert_eq!(payload[0] >> 4, WALK, "{shape:?} {tolerance:?} {}", values.dtype());
            }
        }
    }
}

#[test]
fn anything_comes_back() {
    let mut random = Random(4);
    let mut values: Vec<f64> = recurring(4000, 100).into_iter().map(f64::from).collect();
    for _ in 0..30 {
        let at = random.below(values.len());
        values[at] = [f64::NAN, -0.0, 1e300, 16_383.0, 40_000.0, -3e9][random.below(6)];
    }
    round_trip(&Values::F64(values), &[40, 100], Tolerance::Absolute(0.5));
    let far = (0..900).map(|i| [i64::MIN, i64::MAX, 0, 5][(i * i) as usize % 7 % 4]).collect();
    round_trip(&Values::I64(far), &[30, 30], Tolerance::Exact);
}

#[test]
fn smooth_data_are_left_alone() {
    let values = Values::I32(wave(10_000).into_iter().map(|x| (x * 3e4) as i32).collect());
    assert_ne!(round_trip(&values, &[100, 100], Tolerance::Exact)[0] >> 4, WALK);
}

#[test]
fn damage_is_an_error_or_other_values() {
    let payload = round_trip(&Values::I32(recurring(600, 20)), &[3, 10, 20], Tolerance::Exact);
    assert_eq!(payload[0] >> 4, WALK);
    for cut in 0..payload.len() {
        let _ = field::decode(&payload[..cut], DType::I32, &[3, 10, 20], false);
    }
    for bit in 0..payload.len() * 8 {
        let mut bad = payload.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let _ = field::decode(&bad, DType::I32, &[3, 10, 20], false);
    }
}
