//! Seconds an epoch of training takes: `cargo bench -p baler --bench train [-- THREADS [EPOCHS]]`.
//!
//! A dense autoencoder 24-200-100-50-15 and its mirror on 100 000 rows of noise, batches of 512. Prints each
//! epoch's seconds, a line each; `bench/train_torch.py` reads them and runs PyTorch beside.

use std::ops::ControlFlow;

use baler::model::zoo;
use baler::train::{TrainOptions, train};

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let mut options = TrainOptions::new(zoo::by_name("AE", &[24], 15).expect("in the zoo"));
    options.threads = numbers.first().copied().unwrap_or(2);
    options.epochs = numbers.get(1).copied().unwrap_or(5);
    let mut state = 1u64;
    let noise = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f64
    };
    let rows: Vec<f64> = std::iter::repeat_with(noise).take(24 * 100_000).collect();
    train(&rows, &[], &options, |report| {
        println!("{:.4}", report.seconds);
        ControlFlow::Continue(())
    })
    .expect("trains");
}
