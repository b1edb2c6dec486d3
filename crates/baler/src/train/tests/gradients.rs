//! Gradients against differences of the loss, and slices against whole batches.

use super::super::loss::{Loss, Objective};
use super::super::network::{Block, Network, Norm};
use super::super::rng::Random;
use super::super::team::Team;
use super::super::update::each_piece;
use crate::model::float::Real;
use crate::model::layers::{Architecture, Layer};

const ROWS: usize = 12;

fn conv(channels: usize, kernel: &[usize], stride: &[usize], padding: &[usize]) -> Layer {
    Layer::Conv { channels, kernel: kernel.into(), stride: stride.into(), padding: padding.into() }
}

fn transposed(
    channels: usize,
    kernel: &[usize],
    stride: &[usize],
    padding: &[usize],
    more: &[usize],
) -> Layer {
    let (kernel, stride, padding) = (kernel.into(), stride.into(), padding.into());
    Layer::ConvTransposed { channels, kernel, stride, padding, output_padding: more.into() }
}

fn dense(outputs: usize) -> Layer {
    Layer::Dense { outputs }
}

/// Networks that have every layer, smooth ones where a kink would spoil the differences.
fn networks() -> Vec<Architecture> {
    let make = |input: &[usize], sequence, encoder: Vec<Layer>, decoder: Vec<Layer>| Architecture {
        name: "test".into(),
        input: input.into(),
        sequence,
        encoder,
        decoder,
    };
    let transformer = |norm_first| Layer::Transformer { feed_forward: 5, norm_first };
    let leaky = Layer::LeakyRelu { slope: 0.9 }; // hardly a kink
    let smooth = Layer::Gelu;
    vec![
        make(&[3], 1, vec![dense(6), leaky.clone(), dense(2)], vec![dense(3)]),
        make(
            &[4],
            1,
            vec![dense(6), Layer::Dropout { rate: 0.4 }, leaky.clone(), dense(2), Layer::BatchNorm],
            vec![dense(4), smooth.clone(), Layer::BatchNorm, dense(4), Layer::BatchNorm, leaky],
        ),
        make(
            &[2, 5, 6],
            1,
            vec![
                conv(3, &[3, 2], &[2, 1], &[1, 0]),
                smooth.clone(),
                Layer::BatchNorm,
                conv(2, &[2, 2], &[], &[]),
            ],
            vec![
                transposed(3, &[2, 2], &[], &[], &[]),
                Layer::Gdn { inverse: true },
                transposed(2, &[3, 2], &[2, 1], &[1, 0], &[]),
            ],
        ),
        make(
            &[1, 2, 3, 4],
            1,
            vec![
                conv(2, &[1, 2, 3], &[1, 1, 2], &[0, 1, 1]),
                Layer::Gdn { inverse: false },
                Layer::Flatten,
                dense(3),
            ],
            vec![
                dense(16),
                Layer::Reshape { shape: vec![2, 2, 4] },
                Layer::Gelu,
                Layer::Flatten,
                dense(24),
                Layer::Reshape { shape: vec![1, 2, 3, 4] },
            ],
        ),
        make(
            &[2, 9],
            1,
            vec![conv(3, &[4], &[3], &[1])],
            vec![transposed(2, &[4], &[3], &[1], &[1]), Layer::Gelu],
        ),
        make(
            &[6],
            4,
            vec![transformer(true), Layer::BatchNorm, dense(4), transformer(false)],
            vec![transformer(false), dense(6)],
        ),
    ]
}

/// Parameters by the seed, away from the points at which norms and biases begin.
fn parameters<R: Real>(network: &Network) -> (Vec<Block<R>>, Vec<Norm<R>>) {
    let mut random = Random::new(3);
    let (mut blocks, norms) = network.initialise(&mut random);
    for block in &mut blocks {
        block.values.iter_mut().for_each(|v| *v += R::of(0.1 + 0.1 * random.signed_unit() as f64));
    }
    (blocks, norms)
}

fn data<R: Real>(features: usize) -> Vec<R> {
    (0..ROWS * features).map(|i| R::of(((i * 7 + i * i % 11) % 13) as f64 / 13.0)).collect()
}

/// The loss of all rows as one batch, and the derivative by the parameters of each block.
fn evaluate<R: Real>(
    network: &Network,
    (blocks, norms): (Vec<Block<R>>, Vec<Norm<R>>),
    objective: Objective,
    threads: usize,
) -> (f64, Vec<Vec<R>>) {
    let data = data(network.features());
    let start = (blocks, norms);
    let team = Team::new(network, &data, start, objective, ROWS, (9, 5), threads);
    let order: Vec<u32> = (0..ROWS as u32).rev().collect();
    team.run(|team| {
        team.begin(&order, Some(0.1));
        let loss = team.batch(0..ROWS);
        let gradient = |block: usize| {
            let mut all = vec![R::ZERO; network.blocks[block].len];
            each_piece(&team.pass_now(), team.current(), block, |at, g| {
                all[at..at + g.len()].copy_from_slice(g)
            });
            all
        };
        (loss, (0..network.blocks.len()).map(gradient).collect())
    })
}

const OBJECTIVES: [Objective; 4] = [
    Objective { loss: Loss::SumSquared, sparsity: 0.0 },
    Objective { loss: Loss::MeanSquared, sparsity: 0.7 },
    Objective { loss: Loss::EarthMover, sparsity: 0.0 },
    Objective { loss: Loss::SlicedWasserstein, sparsity: 0.0 },
];

#[test]
fn gradients_are_differences() {
    for (n, architecture) in networks().iter().enumerate() {
        let network = Network::new(architecture).unwrap();
        for objective in OBJECTIVES {
            let start = parameters::<f64>(&network);
            let (value, gradient) = evaluate(&network, start.clone(), objective, 1);
            for (b, gradient) in gradient.iter().enumerate() {
                // Every parameter of small blocks, some of large ones.
                for i in (0..gradient.len()).step_by(gradient.len().div_ceil(40)) {
                    const H: f64 = 1e-6;
                    let moved = |by: f64| {
                        let mut start = start.clone();
                        start.0[b].values[i] += by;
                        evaluate(&network, start, objective, 1).0
                    };
                    let slope = (moved(H) - moved(-H)) / (2.0 * H);
                    // Ranks change within the difference where there are thousands of directions.
                    let ranks = if objective.loss == Loss::SlicedWasserstein { 1e-5 } else { 1e-7 };
                    let allowed = ranks * (1.0 + value);
                    let miss = (slope - gradient[i]).abs();
                    let what = network.nodes[network.blocks[b].node].layer.kind();
                    assert!(
                        miss < allowed,
                        "network {n}, {objective:?}, {what}, {i}: {slope} is not {}",
                        gradient[i]
                    );
                }
            }
        }
    }
}

#[test]
fn slices_and_threads_give_what_a_whole_batch_gives() {
    for architecture in networks() {
        let whole = Network::new(&architecture).unwrap();
        let cut = Network { least_work: whole.work, ..whole.clone() };
        for objective in OBJECTIVES {
            let start = parameters::<f32>(&whole);
            let (loss, gradient) = evaluate(&whole, start.clone(), objective, 1);
            let sliced = evaluate(&cut, start.clone(), objective, 1);
            assert_eq!(evaluate(&cut, start, objective, 3), sliced);
            assert!((sliced.0 - loss).abs() <= 1e-5 * (1.0 + loss), "{} is not {loss}", sliced.0);
            for (a, b) in gradient.iter().flatten().zip(sliced.1.iter().flatten()) {
                assert!((a - b).abs() <= 1e-4 * (1.0 + a.abs() + loss as f32), "{b} is not {a}");
            }
        }
    }
}

#[test]
fn large_dense_layers_are_cut_and_come_back() {
    let (wide, narrow) = (9000, 600);
    let architecture = Architecture {
        name: "test".into(),
        input: vec![wide],
        sequence: 1,
        encoder: vec![dense(narrow), Layer::Relu],
        decoder: vec![dense(wide)],
    };
    let network = Network::new(&architecture).unwrap();
    assert_eq!(network.blocks.iter().map(|b| b.outputs.len()).sum::<usize>(), wide + narrow);
    assert!(network.blocks.len() > 2 && network.nodes.len() == 2);
    let (blocks, norms) = network.initialise::<f32>(&mut Random::new(1));
    let values: Vec<&[f32]> = blocks.iter().map(|b| &b.values[..]).collect();
    let model = network.export(&architecture, &values, &[]).unwrap();
    assert!(network.import(&model) == (blocks, norms));
}
