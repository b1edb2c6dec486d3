//! Seconds and loss of each epoch of training: `cargo bench -p baler --bench train -- CASE [THREADS EPOCHS FOLDER PRECISION]`.
//!
//! Cases: `AE` (24 columns, 100 000 rows), `CFD_dense_AE` and `Conv_AE` (60 frames of 50 x 50), `PJ_Conv_AE` (10 000
//! frames of 28 x 28), batches of 512 in the data's order. FOLDER holds `data.f32`, and `start.f32`, the first
//! parameters one behind the other; without it, or where it is `-`, data are noise. PRECISION is f32 or f64. With `--describe` only the layers are printed, as JSON.
//! `bench/train_torch.py` runs PyTorch beside.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use baler::model::float::{FloatModel, Precision};
use baler::model::layers::Architecture;
use baler::model::normalise::NormalisationKind;
use baler::model::zoo;
use baler::train::{TrainOptions, fit};

/// Model, shape of a row, latents, rows.
const CASES: [(&str, &[usize], usize, usize); 4] = [
    ("AE", &[24], 15, 100_000),
    ("CFD_dense_AE", &[50, 50], 25, 60),
    ("Conv_AE", &[50, 50], 25, 60),
    ("PJ_Conv_AE", &[28, 28], 79, 10_000),
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let wanted = args.first().map_or("AE", |a| a);
    let &(name, shape, latents, rows) =
        CASES.iter().find(|(name, ..)| *name == wanted).expect("AE, CFD_dense_AE, Conv_AE or PJ_Conv_AE");
    let architecture = zoo::by_name(name, shape, latents).expect("in the zoo");
    if args.iter().any(|a| a == "--describe") {
        return println!("{}", serde_json::to_string(&architecture).expect("numbers and strings"));
    }
    let number = |i: usize, default| args.get(i).and_then(|a| a.parse().ok()).unwrap_or(default);
    let folder = args.get(3).filter(|f| *f != "-").map(PathBuf::from);
    let mut options = TrainOptions::new(architecture.clone());
    (options.threads, options.epochs) = (number(1, 2), number(2, 5));
    (options.shuffle, options.normalisation) = (false, NormalisationKind::Identity);
    options.precision =
        if args.get(4).is_some_and(|p| p == "f64") { Precision::Double } else { Precision::Single };
    options.start = folder.as_ref().map(|f| start(&architecture, &floats(&f.join("start.f32"))));
    let data = match &folder {
        Some(folder) => floats(&folder.join("data.f32")).into_iter().map(f64::from).collect(),
        None => noise(rows * architecture.features()),
    };
    fit(&data, &options, None, |report| {
        println!("{:.5} {:.16e}", report.seconds, report.result.train_loss);
        ControlFlow::Continue(())
    })
    .expect("trains");
}

fn floats(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).expect("a file of the folder");
    bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect()
}

fn start(architecture: &Architecture, mut values: &[f32]) -> FloatModel {
    let mut take = |spec: &baler::model::layers::TensorSpec| match spec.name {
        "running_mean" => vec![0.0; spec.len()],
        "running_var" => vec![1.0; spec.len()],
        _ => values.split_off(..spec.len()).expect("all parameters").to_vec(),
    };
    FloatModel::new(architecture, |_, _, layer| {
        Ok(layer.layer.tensors(&layer.input).iter().map(&mut take).collect())
    })
    .expect("valid")
}

fn noise(count: usize) -> Vec<f64> {
    let mut state = 1u64;
    let next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f64 / (1u64 << 24) as f64
    };
    std::iter::repeat_with(next).take(count).collect()
}
