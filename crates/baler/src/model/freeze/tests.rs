//! Frozen networks of every layer against float ones, on every kernel, and damaged.

use super::super::compact::tests::survives;
use super::super::float;
use super::super::kernel::Kernel;
use super::super::layers::Architecture;
use super::super::normalise::NormalisationKind;
use super::*;
use crate::model::network::Step;

/// A small generator of numbers in [-1, 1).
fn random(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*state >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// `architecture` with tensors as PyTorch first has them, batch norms and GDN with something to do.
fn float_model(architecture: &Architecture) -> FloatModel {
    let mut state = 5;
    FloatModel::new(architecture, |_, _, layer| {
        let specs = layer.layer.tensors(&layer.input);
        let channels = layer.input[0];
        let tensors = specs.iter().map(|spec| {
            let fan: usize = spec.shape.iter().skip(1).product();
            let spread =
                1.0 / (if spec.shape.len() > 1 { fan } else { specs[0].len() / spec.len() } as f32).sqrt();
            let gamma = |i: usize| if i % channels == i / channels { 0.1 } else { 0.01 };
            let value = |i: usize| match (&layer.layer, spec.name) {
                (Layer::BatchNorm, "running_var") => 0.5 + random(&mut state).abs(),
                (Layer::BatchNorm, "weight") => 1.0 + 0.5 * random(&mut state),
                (Layer::Transformer { .. }, "norm1.weight" | "norm2.weight") => {
                    1.0 + 0.2 * random(&mut state)
                }
                (Layer::Gdn { .. }, "beta") => 1.0,
                (Layer::Gdn { .. }, _) => gamma(i),
                _ => spread * random(&mut state),
            };
            (0..spec.len()).map(value).collect()
        });
        Ok(tensors.collect())
    })
    .unwrap()
}

/// `count` rows of waves.
fn rows(shape: &[usize], count: usize) -> Vec<f64> {
    let width = *shape.last().unwrap();
    let value = |i: usize| {
        let (x, y) = ((i % width) as f64, (i / width) as f64);
        (x * 0.4 + y * 0.13).sin() * 3.0 + (y * 0.71 + (i % 7) as f64 * 0.01).cos()
    };
    (0..count * volume(shape)).map(value).collect()
}

/// Root mean squares of what the frozen model misses of the float one, and of the float one's spread.
fn missed(architecture: &Architecture, count: usize) -> (FrozenModel, f64) {
    let float = float_model(architecture);
    let rows = rows(&architecture.input, count);
    let features = architecture.features();
    let normalisation = Normalisation::fit(NormalisationKind::MinMax, &rows, features).unwrap();
    let normal = normalisation.apply(&rows);
    let frozen = freeze(&float, architecture.sequence, &normalisation, vec![], &normal).unwrap();
    let expected = float::forward(float.layers(), architecture.sequence, &normal);
    let mut out = vec![0.0; rows.len()];
    frozen.decode(&frozen.encode(&rows).unwrap(), &mut out).unwrap();
    let got = normalisation.apply(&out);
    let mean = expected.iter().map(|&x| x as f64).sum::<f64>() / expected.len() as f64;
    let spread = expected.iter().map(|&x| (x as f64 - mean).powi(2)).sum::<f64>();
    let missed = expected.iter().zip(&got).map(|(a, b)| (a - b).powi(2) as f64).sum::<f64>();
    (frozen, (missed / spread).sqrt())
}

fn architecture(input: &[usize], sequence: usize, encoder: Vec<Layer>, decoder: Vec<Layer>) -> Architecture {
    Architecture { name: "small".into(), input: input.into(), sequence, encoder, decoder }
}

/// Small networks that hold every kind of step.
pub fn small() -> Vec<(&'static str, Architecture)> {
    let dense = |outputs| Layer::Dense { outputs };
    let conv = |channels, kernel: &[usize], padding| Layer::Conv {
        channels,
        kernel: kernel.into(),
        stride: vec![],
        padding: vec![padding; kernel.len()],
    };
    let transposed = |channels, kernel: &[usize], stride, padding, more| Layer::ConvTransposed {
        channels,
        kernel: kernel.into(),
        stride: vec![stride; kernel.len()],
        padding: vec![padding; kernel.len()],
        output_padding: vec![more; kernel.len()],
    };
    let transformer = |norm_first| Layer::Transformer { feed_forward: 6, norm_first };
    let leaky = || Layer::LeakyRelu { slope: 0.2 };
    let reshape = |shape: &[usize]| Layer::Reshape { shape: shape.into() };
    use Layer::{BatchNorm, Flatten, Gelu, Relu};
    vec![
        (
            "convolution",
            architecture(
                &[1, 5, 6],
                1,
                vec![conv(2, &[3, 3], 1), Relu, Flatten, dense(3)],
                vec![
                    dense(12),
                    Relu,
                    reshape(&[2, 2, 3]),
                    transposed(1, &[3, 4], 2, 1, 0),
                    Flatten,
                    dense(30),
                ],
            ),
        ),
        (
            "transposed convolution",
            architecture(
                &[1, 6],
                1,
                vec![conv(3, &[3], 0), leaky(), conv(2, &[2], 0), Flatten, dense(4)],
                vec![
                    reshape(&[2, 2]),
                    transposed(3, &[2], 1, 0, 0),
                    BatchNorm,
                    Relu,
                    transposed(1, &[3], 2, 1, 1),
                ],
            ),
        ),
        (
            "batch norm and ReLU behind the last",
            architecture(
                &[6],
                1,
                vec![dense(5), Layer::Dropout { rate: 0.5 }, leaky(), dense(2)],
                vec![dense(4), leaky(), BatchNorm, dense(6), BatchNorm, Relu],
            ),
        ),
        (
            "GDN",
            architecture(
                &[2, 4, 3],
                1,
                vec![conv(3, &[2, 2], 0), Layer::Gdn { inverse: false }, Flatten, dense(4)],
                vec![
                    dense(18),
                    reshape(&[3, 3, 2]),
                    Layer::Gdn { inverse: true },
                    Layer::Gdn { inverse: false },
                    transposed(2, &[2, 2], 1, 0, 0),
                ],
            ),
        ),
        (
            "transformer",
            architecture(
                &[6],
                5,
                vec![transformer(true), BatchNorm, dense(4), leaky()],
                vec![dense(4), leaky(), BatchNorm, transformer(false), transformer(true), dense(6)],
            ),
        ),
        (
            "activations alone",
            architecture(
                &[2, 3],
                1,
                vec![BatchNorm, Relu, conv(2, &[2], 1), BatchNorm, Gelu, Flatten, dense(4)],
                vec![reshape(&[2, 2]), BatchNorm, transposed(2, &[2], 1, 0, 0), leaky(), BatchNorm],
            ),
        ),
    ]
}

#[test]
fn steps_do_not_grow_from_sum_to_sum() {
    let wide = || [Layer::Dense { outputs: 1500 }, Layer::Relu];
    let decoder = [[(); 6].map(|_| wide()).concat(), vec![Layer::Dense { outputs: 8 }]].concat();
    let deep = architecture(&[8], 1, vec![Layer::Dense { outputs: 4 }], decoder);
    let (_, missed) = missed(&deep, 100);
    assert!(missed < 0.01, "{missed}");
}

#[test]
fn small_networks_are_near_their_float_ones() {
    let mut seen = std::collections::BTreeSet::new();
    for (name, architecture) in small() {
        let (frozen, missed) = missed(&architecture, 300);
        println!("{name}: {missed:.2e} of the spread, {} bytes", frozen.decoder.to_bytes().len());
        assert!(missed < 3e-3, "{name}: {missed}");
        let networks = [frozen.encoder.network(), frozen.decoder.network()];
        seen.extend(networks.into_iter().flat_map(|n| n.steps()).map(Step::name));
    }
    let every = [
        "add",
        "attention",
        "conv",
        "dense",
        "gdn",
        "keep",
        "norm",
        "scale",
        "table",
        "transpose",
        "transposed",
    ];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), every);
}

#[test]
fn rows_do_not_depend_on_kernel_or_block() {
    for (name, architecture) in small() {
        let (frozen, _) = missed(&architecture, 70);
        let rows = rows(&architecture.input, 83);
        let latents = frozen.encode(&rows).unwrap();
        let mut values = vec![0.0; rows.len()];
        frozen.decode(&latents, &mut values).unwrap();
        for kernel in Kernel::available() {
            assert_eq!(frozen.encoder.encode_with(kernel, &rows).unwrap(), latents, "{name}");
            let mut again = vec![0.0; rows.len()];
            frozen.decoder.decode_with(kernel, &latents, &mut again).unwrap();
            assert!(again == values, "{name} {}", kernel.name());
        }
        // Sequences alone give what they give among others.
        let n = architecture.sequence;
        for (i, rows) in rows.chunks(n * frozen.features()).enumerate() {
            let alone = frozen.encode(rows).unwrap();
            assert_eq!(alone, latents[i * n * frozen.latents()..][..alone.len()], "{name}");
            let mut out = vec![0.0; rows.len()];
            frozen.decode(&alone, &mut out).unwrap();
            assert_eq!(out, values[i * n * frozen.features()..][..rows.len()], "{name}");
        }
    }
}

#[test]
fn bytes_come_back_and_damage_never_panics() {
    for (_, architecture) in small() {
        let (frozen, _) = missed(&architecture, 70);
        assert!(Encoder::from_bytes(&frozen.encoder.to_bytes()).unwrap() == frozen.encoder);
        let bytes = frozen.decoder.to_bytes();
        let again = Decoder::from_bytes(&bytes).unwrap();
        assert!(again == frozen.decoder && again.to_bytes() == bytes);
        survives(&bytes);
    }
}
