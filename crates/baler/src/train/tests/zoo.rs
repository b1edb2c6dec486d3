//! All nine models train on frames, and come out as they went in.

use super::*;
use crate::model::float::forward;
use crate::model::zoo;

/// Waves that run over frames, with a little noise.
fn frames(count: usize, shape: &[usize]) -> Vec<f64> {
    let mut random = Random::new(8);
    let n: usize = shape.iter().product();
    let wave = |i: usize| {
        let (t, y, x) = ((i / n) as f64, (i % n / 12) as f64, (i % 12) as f64);
        (t * 0.7 + y * 0.3).sin() + (x * 0.5 - t * 0.4).cos() * 0.5
    };
    (0..count * n).map(|i| wave(i) + random.signed_unit() as f64 * 0.01).collect()
}

#[test]
fn all_nine_learn() {
    for name in zoo::NAMES {
        let shape: &[usize] = match name {
            "Conv_AE_3D" => &[3, 12, 14],
            "Conv_AE" | "Conv_AE_GDN" => &[8, 9],
            _ => &[12, 12],
        };
        let rows = frames(80, shape);
        let mut options = TrainOptions::new(zoo::by_name(name, shape, 6).unwrap());
        (options.epochs, options.batch_size, options.shuffle) = (12, 40, name != "TransformerAE");
        let fitted = fit(&rows, &options, None, |_| ControlFlow::Continue(())).unwrap();
        let history = &fitted.provenance.history;
        let (first, last) = (history[0].train_loss, history[history.len() - 1].train_loss);
        assert!(last < first, "{name}: loss {first} became {last}");
        // What training runs is what runs afterwards: the loss of the model kept, dropout and batch statistics apart.
        let normal = fitted.normalisation.apply(&rows);
        let back = forward(fitted.float.layers(), fitted.architecture.sequence, &normal);
        let squares: f32 = back.iter().zip(&normal).map(|(a, b)| (a - b) * (a - b)).sum();
        let mean = squares as f64 / fitted.architecture.features() as f64 / 2.0; // of two batches
        assert!(mean < first, "{name}: {mean} where training began at {first}");
    }
}

#[test]
fn a_normalisation_is_chosen_by_bits() {
    let mut random = Random::new(4);
    // Widely spread magnitudes: beside them, all small values are one to a linear scale.
    let rows: Vec<f64> = (0..4000).map(|_| (random.normal() as f64 * 4.0).exp()).collect();
    let mut options = TrainOptions::new(zoo::by_name("FPGA_prototype_model", &[2], 2).unwrap());
    options.normalisation = NormalisationKind::Auto;
    (options.epochs, options.batch_size) = (3, 100);
    let fitted = fit(&rows, &options, None, |_| ControlFlow::Continue(())).unwrap();
    let kind = fitted.normalisation.kind();
    assert!(matches!(kind, NormalisationKind::Log | NormalisationKind::Quantile), "{kind:?}");
}
