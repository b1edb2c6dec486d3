//! What freezing costs: the root mean square error of a model's frozen form over that of its float one, on normalised values,
//! and how fast the frozen decoder runs. `bench/zoo.py` asks it of models trained on real data.
//!
//!     cargo run --release -p baler --example frozen -- MODEL.safetensors ROWS.f64     a line of JSON
//!     cargo run --release -p baler --example frozen [EPOCHS [MODEL...]]               the zoo, trained briefly on made-up flow

use baler::data::Values;
use baler::model::{Model, zoo};
use baler::synth::{flow::flow, jets::jets};
use baler::train::{TrainOptions, train};
use std::ops::ControlFlow;
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [model, rows] if model.ends_with(".safetensors") => of_file(model, rows),
        [] => of_zoo(10, &[]),
        [epochs, wanted @ ..] => of_zoo(epochs.parse().expect("a number of epochs"), wanted),
    }
}

fn of_file(model: &str, rows: &str) {
    let model = Model::from_bytes(&std::fs::read(model).expect("a model")).expect("a model");
    let bytes = std::fs::read(rows).expect("rows of 64-bit floats");
    let rows: Vec<f64> = bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect();
    let Cost { float, frozen, rate } = cost(&model, &rows);
    println!("{{\"float\": {float}, \"frozen\": {frozen}, \"decoder_MB_s\": {rate}}}");
}

fn of_zoo(epochs: usize, wanted: &[String]) {
    println!("{:<22}{:>12}{:>12}{:>10}{:>10}", "model", "float RMSE", "frozen", "ratio", "MB/s");
    for name in zoo::NAMES.into_iter().filter(|n| wanted.is_empty() || wanted.iter().any(|w| w == n)) {
        let (shape, rows, latents): (&[usize], _, _) = match name {
            "Conv_AE_3D" => (&[10, 20, 24], frames(400, 20, 24), 100),
            "CFD_dense_AE" | "Conv_AE" | "Conv_AE_GDN" => (&[50, 50], frames(60, 50, 50), 25),
            "PJ_Conv_AE" => (&[28, 28], frames(400, 28, 28), 25),
            _ => (&[24], events(20_000), 15),
        };
        let architecture = zoo::by_name(name, shape, latents).expect("in the zoo");
        let batch_size = if shape.len() > 1 { 20 } else { 512 };
        let options = TrainOptions { epochs, batch_size, threads: 2, ..TrainOptions::new(architecture) };
        let model = train(&rows, &[], &options, |_| ControlFlow::Continue(())).expect("trains");
        let Cost { float, frozen, rate } = cost(&model, &rows);
        println!("{name:<22}{float:>12.5}{frozen:>12.5}{:>10.5}{rate:>10.1}", frozen / float);
    }
}

struct Cost {
    /// Root mean square errors of normalised values.
    float: f64,
    frozen: f64,
    /// 10^6 bytes of 32-bit values a second.
    rate: f64,
}

fn cost(model: &Model, rows: &[f64]) -> Cost {
    let error = |other: &[f64]| {
        let (a, b) = (model.normalisation.apply(rows), model.normalisation.apply(other));
        let squares = a.iter().zip(&b).map(|(a, b)| ((a - b) as f64).powi(2)).sum::<f64>();
        (squares / a.len() as f64).sqrt()
    };
    let latents = model.frozen.encode(rows).expect("fits");
    let mut out = vec![0.0; rows.len()];
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        model.frozen.decode(&latents, &mut out).expect("fits");
        best = best.min(start.elapsed().as_secs_f64());
    }
    let float = error(&model.reconstruct_float(rows));
    Cost { float, frozen: error(&out), rate: rows.len() as f64 * 4.0 / best / 1e6 }
}

fn frames(count: usize, height: usize, width: usize) -> Vec<f64> {
    flow(count, height, width, 1).values.to_f64().expect("numbers")
}

/// The columns of jets that are numbers, 24 of them, some again.
fn events(count: usize) -> Vec<f64> {
    let table = jets(count, 1);
    let numbers = table.columns.iter().filter(|c| matches!(c.values, Values::F32(_) | Values::F64(_)));
    let columns: Vec<Vec<f64>> = numbers.map(|c| c.values.to_f64().expect("numbers")).collect();
    (0..count)
        .flat_map(|i| (0..24).map(move |f| (i, f)))
        .map(|(i, f)| columns[f % columns.len()][i])
        .collect()
}
