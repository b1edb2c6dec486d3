mod agreement;
mod gradients;
mod pytorch;
mod resuming;
mod zoo;

use std::ops::ControlFlow;

use super::rng::Random;
use super::*;
use crate::model::Model;
use crate::model::float::Precision;
use crate::model::layers::{Architecture, Layer};
use crate::model::normalise::NormalisationKind;
use crate::model::zoo as models;

fn architecture(widths: &[usize], slope: f32) -> Architecture {
    let mirrored: Vec<usize> = widths.iter().rev().copied().collect();
    let activation = Layer::LeakyRelu { slope };
    let (encoder, decoder) =
        (models::dense_chain(&widths[1..], &activation), models::dense_chain(&mirrored[1..], &activation));
    Architecture { name: "test".into(), input: vec![widths[0]], sequence: 1, encoder, decoder }
}

/// Rows that lie near a curved surface of two dimensions.
fn curved_rows(count: usize, features: usize) -> Vec<f64> {
    let mut random = Random::new(5);
    let mut rows = Vec::new();
    for _ in 0..count {
        let (u, v) = (random.signed_unit() as f64, random.signed_unit() as f64);
        rows.extend((0..features).map(|f| {
            let f = f as f64;
            (u * (f + 1.0) + v).sin() * 10.0 + v * f + random.signed_unit() as f64 * 0.01
        }));
    }
    rows
}

#[test]
fn the_model_does_not_depend_on_threads() {
    let rows = curved_rows(1400, 24);
    let mut options = TrainOptions::new(models::by_name("AE", &[24], 15).unwrap());
    (options.epochs, options.validation) = (2, 0.2);
    for (precision, counts) in [(Precision::Single, &[2, 3, 9][..]), (Precision::Double, &[3])] {
        options.precision = precision;
        let mut model = |threads, seed| {
            (options.threads, options.seed) = (threads, seed);
            train(&rows, &[], &options, |_| ControlFlow::Continue(())).unwrap()
        };
        let one = model(1, 1);
        assert!(one.provenance.precision == precision && Model::from_bytes(&one.to_bytes()).unwrap() == one);
        for &threads in counts {
            assert!(model(threads, 1) == one, "{threads} threads");
        }
        assert!(model(1, 2).float != one.float);
    }
}

#[test]
fn a_panic_in_the_progress_report_comes_back() {
    let rows = curved_rows(1024, 24);
    let mut options = TrainOptions::new(models::by_name("AE", &[24], 15).unwrap());
    options.threads = 2;
    let run = || train(&rows, &[], &options, |_| panic!("no terminal"));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
}

#[test]
fn learns_leaves_out_and_stops() {
    let mut rows = curved_rows(2000, 6);
    (rows[7], rows[62], rows[64]) = (f64::NAN, f64::INFINITY, f64::NEG_INFINITY);
    let names: Vec<String> = (0..6).map(|i| format!("f{i}")).collect();
    let mut options = TrainOptions::new(architecture(&[6, 40, 20, 3], 0.01));
    (options.epochs, options.learning_rate, options.batch_size) = (30, 3e-3, 100);
    let mut seen = 0;
    let model = train(&rows, &names, &options, |report| {
        seen += 1;
        assert_eq!((report.epoch, report.epochs), (seen, 30));
        if seen == 25 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    let history = &model.provenance.history;
    assert_eq!((history.len(), model.provenance.rows, model.provenance.rows_left_out), (25, 1998, 2));
    assert!(history[24].train_loss < history[0].train_loss / 20.0, "{history:?}");
    assert_eq!(model.frozen.decoder.names(), names);

    let rmse = |values: &[f64]| {
        let squares = rows.iter().zip(values).filter(|(x, _)| x.is_finite()).map(|(x, y)| (x - y).powi(2));
        (squares.sum::<f64>() / rows.len() as f64).sqrt()
    };
    let finite: Vec<f64> = rows.iter().map(|x| if x.is_finite() { *x } else { 0.0 }).collect();
    let (float, frozen) =
        (rmse(&model.reconstruct_float(&finite)), rmse(&model.reconstruct(&finite).unwrap()));
    assert!(frozen < float * 1.001, "frozen {frozen}, float {float}");
}

#[test]
fn nonsense_is_refused() {
    let base = TrainOptions::new(architecture(&[3, 2], 0.01));
    let refused = |rows: &[f64], names: &[String], change: fn(&mut TrainOptions)| {
        let mut options = base.clone();
        change(&mut options);
        train(rows, names, &options, |_| ControlFlow::Continue(())).unwrap_err().to_string()
    };
    let rows: Vec<f64> = (0..30).map(|i| (i * i % 7) as f64).collect();
    for (message, says) in [
        (refused(&rows[..4], &[], |_| ()), "3 features"),
        (refused(&rows, &["a".into()], |_| ()), "names"),
        (refused(&[], &[], |_| ()), "0 finite rows"),
        (refused(&[f64::NAN; 6], &[], |_| ()), "0 finite rows"),
        (refused(&rows, &[], |o| o.epochs = 0), "epochs"),
        (refused(&rows, &[], |o| o.batch_size = 0), "batch"),
        (refused(&rows, &[], |o| o.validation = 1.0), "validation"),
        (refused(&rows, &[], |o| o.learning_rate = f64::NAN), "learning rate"),
        (refused(&rows, &[], |o| o.learning_rate = 1e30), "loss"),
    ] {
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn odd_data_train() {
    // One row; a constant feature; a single feature; more threads than rows; everything held back but one.
    for (rows, features, validation) in [
        (vec![1.0, 2.0, 3.0], 3, 0.0),
        (vec![1.0, 5.0, 2.0, 5.0, 4.0, 5.0], 2, 0.0),
        (vec![1.0, -1.0, 0.5], 1, 0.99),
        (vec![1e300, 2e300, 1e-300], 1, 0.0),
    ] {
        let mut options = TrainOptions::new(architecture(&[features, 2, 1], 0.0));
        (options.epochs, options.validation, options.threads) = (3, validation, 8);
        let model = train(&rows, &[], &options, |_| ControlFlow::Continue(())).unwrap();
        assert!(model.reconstruct(&rows).unwrap().iter().all(|x| x.is_finite()));
    }
}
