//! The learned walk: the same bytes and values by the kernels for this processor and the scalar ones, within the bound; models that are not what they should
//! be are errors.

mod common;

use baler::codec::candidate::Candidate;
use baler::codec::field::{Level, decode_with, encode_with, view};
use baler::data::Values;
use baler::error::{Error, Result};
use baler::front::Tolerance;
use baler::front::check::largest_error;
use baler::model::any::AnyDecoder;
use baler::model::field::FieldModel;
use common::{bits, field_model, pocked, wave};

const TOLERANCES: [Tolerance; 4] =
    [Tolerance::Exact, Tolerance::Absolute(0.5), Tolerance::Absolute(1e-12), Tolerance::Pointwise(1e-3)];

fn by(model: &FieldModel) -> (Level, Option<Candidate<&FieldModel>>) {
    (Level::Default, Some(Candidate { model, number: 3, asked: true }))
}

fn decoded(
    payload: &[u8],
    like: &Values,
    shape: &[usize],
    model: &FieldModel,
    plain: bool,
) -> Result<Values> {
    let models = |n| if n == 3 { Ok(model) } else { Err(Error::corrupt("no such model")) };
    decode_with(payload, like.dtype(), shape, &models, plain)
}

#[test]
fn all_kernels_agree_and_the_bound_holds() {
    let shapes: [&[usize]; 9] = [
        &[2, 2],
        &[40, 3],
        &[37, 65],
        &[3, 170],
        &[2, 1, 33],
        &[5, 6, 7],
        &[2, 33, 40],
        &[3, 3, 99],
        &[2, 3, 4, 5],
    ];
    for (i, shape) in shapes.into_iter().enumerate() {
        let n = shape.iter().product();
        let model = field_model(view(shape)[0] == 1, [&[9][..], &[40, 6], &[5, 4, 3]][i % 3]);
        let integers = wave(n).into_iter().map(|x| (x * 1e3) as i32).collect();
        for values in [
            Values::F64(pocked(n)),
            Values::F64(wave(n)),
            Values::F32(wave(n).into_iter().map(|x| x as f32).collect()),
            Values::I32(integers),
        ] {
            for tolerance in TOLERANCES {
                let tolerance = match (tolerance, &values) {
                    (Tolerance::Pointwise(_), Values::I32(_)) => Tolerance::Absolute(7.0),
                    (Tolerance::Absolute(b), Values::I32(_)) if b < 1.0 => Tolerance::Exact,
                    (t, _) => t,
                };
                let [(payload, coded), (fast, fast_coded)] = [true, false]
                    .map(|plain| encode_with(&values, shape, tolerance, None, by(&model), plain));
                let what = format!("{} {shape:?} {tolerance:?}", values.dtype());
                assert!(payload == fast && bits(&coded) == bits(&fast_coded), "{what}");
                assert_eq!(payload[0] >> 4, 6, "{what}");
                assert!(largest_error(&values, &coded, tolerance).is_some(), "{what}");
                for plain in [true, false] {
                    let back = decoded(&payload, &values, shape, &model, plain).unwrap();
                    assert!(bits(&back) == bits(&coded), "{what}, decoded with plain = {plain}");
                }
            }
        }
    }
}

#[test]
fn other_models_and_damage_are_errors_or_some_values() {
    let model = field_model(false, &[6]);
    let values = Values::F32(wave(300).into_iter().map(|x| x as f32).collect());
    let shape = [3, 10, 10];
    let (payload, _) = encode_with(&values, &shape, Tolerance::Absolute(0.1), None, by(&model), false);
    let planar = field_model(true, &[6]);
    assert!(decoded(&payload, &values, &shape, &planar, false).is_err());
    assert!(decoded(&payload, &values, &[30, 10], &model, false).is_err());
    let none = |_| -> Result<&FieldModel> { Err(Error::corrupt("none")) };
    assert!(decode_with(&payload, values.dtype(), &shape, &none, false).is_err());
    let other = AnyDecoder::from(common::net().model);
    assert!(other.field().is_err() && AnyDecoder::from(model.clone()).table().is_err());
    for cut in 0..payload.len() {
        let _ = decoded(&payload[..cut], &values, &shape, &model, false);
    }
    for bit in 0..8 * payload.len() {
        let mut bad = payload.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let _ = decoded(&bad, &values, &shape, &model, false);
    }
}

#[test]
fn a_damaged_model_is_refused_or_can_be_run() {
    let model = field_model(false, &[5, 3]);
    let bytes = model.to_bytes();
    assert_eq!(FieldModel::from_bytes(&bytes).unwrap(), model);
    let values = Values::F32(wave(300).into_iter().map(|x| x as f32).collect());
    let (mut refused, mut run) = (0, 0);
    for cut in 0..bytes.len() {
        assert!(FieldModel::from_bytes(&bytes[..cut]).is_err());
    }
    for bit in 0..8 * bytes.len() {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        match FieldModel::from_bytes(&bad) {
            Err(_) => refused += 1,
            Ok(model) if bit % 16 == 0 && model.serves([3, 10, 10]) => {
                run += 1;
                let tolerance = Tolerance::Absolute(0.1);
                let (payload, coded) = encode_with(&values, &[3, 10, 10], tolerance, None, by(&model), false);
                assert_eq!(decoded(&payload, &values, &[3, 10, 10], &model, true).unwrap(), coded);
            }
            Ok(_) => {}
        }
    }
    assert!(refused > 100 && run > 10, "{refused} refused, {run} run");
}

#[test]
fn chunks_that_would_keep_most_lanes_idle_are_not_served() {
    let (planar, spatial) = (field_model(true, &[9]), field_model(false, &[9]));
    assert!(planar.serves([1, 1000, 1000]) && spatial.serves([41, 128, 128]) && spatial.serves([2, 1, 33]));
    assert!(!planar.serves([1, 1 << 20, 4]) && !spatial.serves([2, 1, 1 << 20]));
    // So the encoder takes another walk, and a reader refuses what speaks of this one.
    let values = Values::U8(vec![7; 1 << 20]);
    let (payload, _) = encode_with(&values, &[1 << 19, 2], Tolerance::Exact, None, by(&planar), false);
    assert!(decoded(&payload, &values, &[1 << 19, 2], &planar, false).is_ok_and(|back| back == values));
    let model = |n| if n == 3 { Ok(&planar) } else { Err(Error::corrupt("no such model")) };
    let small = Values::F32(wave(64 * 64).into_iter().map(|x| x as f32).collect());
    let (payload, _) = encode_with(&small, &[64, 64], Tolerance::Absolute(0.5), None, by(&planar), false);
    let refused = decode_with(&payload, small.dtype(), &[1 << 20, 4], &model, false);
    assert!(refused.is_err_and(|e| e.to_string().contains("does not serve")));
}
