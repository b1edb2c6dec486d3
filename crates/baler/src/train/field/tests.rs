use super::loss::loss;
use super::*;
use crate::bound::Bound;
use crate::codec::candidate::Candidate;
use crate::codec::field::{Level, encode, encode_with};
use crate::data::Values;
use crate::front::Tolerance;

/// A field whose next value no linear function of neighbours foretells, but a network does: waves through a curve.
fn curved(planes: usize, phase: f32) -> Array {
    let at = |i: usize| {
        let (z, y, x) = (i / 1024, i / 32 % 32, i % 32);
        let wave = (x as f32 * 0.45 + phase).sin() * (y as f32 * 0.37).cos()
            + (z as f32 * 0.3 + x as f32 * 0.2).sin();
        wave.max(0.1) + 0.3 * wave.abs()
    };
    Array { shape: vec![planes, 32, 32], values: Values::F32((0..planes * 1024).map(at).collect()) }
}

fn options() -> FieldOptions {
    FieldOptions { epochs: 6, hidden: vec![16, 8], threads: 2, ..FieldOptions::default() }
}

fn trained(options: &FieldOptions) -> TrainedField {
    let bounds = Options { bound: Some(Bound::Absolute(1e-3)), ..Options::default() };
    let fields = [("a".to_string(), curved(16, 0.0))];
    train_fields(&fields, &bounds, options, |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn the_gradient_is_the_derivative() {
    for (log, miss) in [(-1, 0.2), (-1, -3.0), (4, 7.5), (9, -400.0)] {
        for out in [[0.0, 0.0], [0.3, -1.0], [-0.1, 2.0]] {
            let (_, by) = loss(out, log, miss);
            for i in 0..2 {
                let h = 0.02 / [(log as f32).exp2(), 1.0][i];
                let at = |o: f32| {
                    let mut out = out;
                    out[i] += o;
                    loss(out, log, miss).0 as f64
                };
                let slope = (at(h) - at(-h)) / (2.0 * h as f64);
                assert!(
                    (slope - by[i] as f64).abs() <= 0.02 * slope.abs().max(0.3),
                    "{log} {miss} {out:?} {i}: {slope} {by:?}"
                );
            }
        }
    }
}

#[test]
fn a_seed_gives_the_same_model_on_any_number_of_threads() {
    let one = trained(&FieldOptions { threads: 1, ..options() });
    assert_eq!(one, trained(&FieldOptions { threads: 3, ..options() }));
    assert_ne!(one.model, trained(&FieldOptions { seed: 2, ..options() }).model);
    assert_eq!(TrainedField::from_bytes(&one.to_bytes()).unwrap(), one);
}

#[test]
fn a_model_makes_fields_like_its_sample_smaller() {
    let trained = trained(&options());
    assert!(trained.provenance.bits[0] < trained.provenance.bits[1], "{:?}", trained.provenance.bits);
    let other = curved(12, 1.0);
    let tolerance = Tolerance::Absolute(1e-3);
    let (plain, _) = encode(&other.values, &other.shape, tolerance, None, Level::Default, false);
    let learned = (Level::Default, Some(Candidate { model: &trained.model, number: 0, asked: false }));
    let (with, _) = encode_with(&other.values, &other.shape, tolerance, None, learned, false);
    assert!(with.len() * 33 < plain.len() * 32, "{} against {}", with.len(), plain.len());
}
