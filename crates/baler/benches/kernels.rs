//! Integer kernels against the `gemm` crate in f32, one thread: `cargo bench -p baler --bench kernels`.
//!
//! Prints, for each layer, billions of multiply-adds a second of the f32 product (bias and activation
//! included) and of each kernel that this CPU can run, with the ratio. The least of many rounds, the candidates
//! in turn within each, so that a busy machine blurs the figures but not their order. Then whole decoders, latents
//! to values, in megabytes of f64 a second.

use std::time::Instant;

use baler::model::autoencoder::Decoder;
use baler::model::blocks::Blocks;
use baler::model::float::{self, FloatLayer};
use baler::model::frozen::{FrozenDense, Requantise};
use baler::model::kernel::{Kernel, LANES, Lanes};
use baler::model::layers::Layer;
use baler::model::network::Network;
use baler::model::output::{Output, OutputScale};

const BATCH: usize = 512;
const ROUNDS: usize = 200;

fn main() {
    println!("{:<14}{:<12}{:>12}{:>14}", "layer", "kernel", "GMAC/s", "x f32 gemm");
    for (inputs, outputs) in [(100, 200), (200, 2500), (11, 50), (50, 100)] {
        let macs = (inputs * outputs * BATCH) as f64;
        let mut candidates = vec![gemm(inputs, outputs)];
        candidates.extend(Kernel::available().into_iter().map(|k| kernel(k, inputs, outputs)));
        let mut best = vec![f64::INFINITY; candidates.len()];
        for _ in 0..ROUNDS {
            for (best, (_, run)) in best.iter_mut().zip(&mut candidates) {
                let start = Instant::now();
                run();
                *best = best.min(start.elapsed().as_secs_f64());
            }
        }
        for ((name, _), seconds) in candidates.iter().zip(&best) {
            let rate = macs / seconds / 1e9;
            println!(
                "{:<14}{name:<12}{rate:>12.1}{:>14.2}",
                format!("{inputs}x{outputs}"),
                best[0] / seconds
            );
        }
    }
    println!("\n{:<14}{:<12}{:>12}{:>14}", "decoder", "kernel", "MB/s", "GMAC/s");
    for (latents, features) in [(11, 17), (25, 2500)] {
        let widths = [latents, 50, 100, 200, features];
        let macs: usize = widths.windows(2).map(|w| w[0] * w[1] * BATCH).sum();
        let layers = widths.windows(2).map(|w| layer(w[0], w[1], w[1] != features)).collect();
        let output = vec![OutputScale { scale: 1e-6, offset: 1.0 }; features];
        let network = Network::dense(layers).expect("fits");
        let output = Output::affine(output).expect("finite");
        let decoder = Decoder::new(network, output, vec![], Blocks::Frames).expect("fits");
        let codes: Vec<i16> = (0..BATCH * latents).map(|i| (i * 7919 % 16383) as i16 - 8191).collect();
        let mut values = vec![0.0; BATCH * features];
        for kernel in Kernel::available() {
            let mut best = f64::INFINITY;
            for _ in 0..ROUNDS / 4 {
                let start = Instant::now();
                decoder.decode_with(kernel, &codes, &mut values).expect("fits");
                best = best.min(start.elapsed().as_secs_f64());
            }
            let (name, bytes) = (kernel.name(), (values.len() * 8) as f64);
            let rates = (bytes / best / 1e6, macs as f64 / best / 1e9);
            println!(
                "{:<14}{name:<12}{:>12.0}{:>14.1}",
                format!("{latents} to {features}"),
                rates.0,
                rates.1
            );
        }
    }
}

type Candidate = (&'static str, Box<dyn FnMut()>);

fn gemm(inputs: usize, outputs: usize) -> Candidate {
    let value = |i: usize| (i * 7919 % 1000) as f32 / 1000.0 - 0.5;
    let values = |n: usize| (0..n).map(value).collect::<Vec<f32>>();
    let layer = |layer: Layer, input: usize, tensors| FloatLayer {
        layer,
        input: vec![input],
        output: vec![outputs],
        tensors,
    };
    let dense = layer(Layer::Dense { outputs }, inputs, vec![values(inputs * outputs), values(outputs)]);
    let activation = layer(Layer::LeakyRelu { slope: 0.01 }, outputs, vec![]);
    let x = values(BATCH * inputs);
    ("f32 gemm", Box::new(move || drop(float::forward([&dense, &activation], 1, &x))))
}

fn kernel(kernel: Kernel, inputs: usize, outputs: usize) -> Candidate {
    let layer = layer(inputs, outputs, true);
    let block = vec![Lanes([0x0123_4567; LANES]); inputs.div_ceil(2)];
    let blocks = vec![block; BATCH / LANES];
    let mut y = vec![Lanes::ZERO; layer.lanes_out()];
    (kernel.name(), Box::new(move || blocks.iter().for_each(|x| kernel.run(&layer, x, &mut y))))
}

fn layer(inputs: usize, outputs: usize, requantises: bool) -> FrozenDense {
    let limit = (1usize << 30) / 8191 / inputs;
    let weights = (0..inputs * outputs).map(|i| (i * 7919 % limit.min(32767)) as i16).collect();
    let requantise = Requantise { shift: 16, positive: vec![9000; outputs], negative: vec![90; outputs] };
    FrozenDense::new(inputs, outputs, weights, vec![1; outputs], requantises.then_some(requantise))
        .expect("fits")
}
