//! Baler's model zoo: lists of layers by their Baler names, for rows of any shape and any number of latents.
//!
//! | name | encoder; the decoder mirrors it | activation |
//! |---|---|---|
//! | `AE`, `CFD_dense_AE` | dense 200, 100, 50, latents | LeakyReLU 0.01 between |
//! | `AE_Dropout_BN` | as `AE`, dropout 0.5, 0.4, 0.3, 0.2 behind | LeakyReLU 0.01; batch norm in the decoder |
//! | `FPGA_prototype_model` | dense 20, 10, latents | ReLU between |
//! | `Conv_AE` | windows 2 x 5, 3 x 3, 3 x 3 to 8, 16, 32 channels; dense 2000, latents | ReLU, batch norm |
//! | `Conv_AE_GDN` | as `Conv_AE` | GDN behind convolutions, its inverse in the decoder |
//! | `Conv_AE_3D` | windows 1 x 3 x 5, 3 x 3 x 3 four times, 1 x 3 x 3 to 4, 8, 16, 32, 64, 64 channels; dense 2000, latents | ReLU |
//! | `PJ_Conv_AE` | windows 5 x 5 at stride 2 to 20, 50 channels; dense 500, latents | LeakyReLU 0.2 |
//! | `TransformerAE` | transformer, batch norm, dense: to 256, 128, latents | LeakyReLU 0.01 |
//!
//! A row is `[features]`, a frame `[height, width]`, or a block `[depth, height, width]`. Dense models flatten it. To the
//! two-dimensional ones the depth is channels, and features are an image of one line. Windows larger than the
//! image are clipped to it.

use super::layers::{Architecture, Layer};
use crate::error::{Error, Result};

/// Names that [`by_name`] knows.
pub const NAMES: [&str; 9] = [
    "AE",
    "CFD_dense_AE",
    "AE_Dropout_BN",
    "FPGA_prototype_model",
    "Conv_AE",
    "Conv_AE_GDN",
    "Conv_AE_3D",
    "PJ_Conv_AE",
    "TransformerAE",
];

/// Rows that the attention of `TransformerAE` joins. The original joins those of a batch, so that what a row decodes to
/// would depend on 511 others.
const SEQUENCE: usize = 64;
const LEAKY: Layer = Layer::LeakyRelu { slope: 0.01 };
const LEAKY_PJ: Layer = Layer::LeakyRelu { slope: 0.2 };

/// The architecture of that name for rows of `shape` (`[features]`, `[height, width]` or `[depth, height, width]`),
/// of which `latents` values are kept. Errors where there is none of the name, and where the shape is empty.
pub fn by_name(name: &str, shape: &[usize], latents: usize) -> Result<Architecture> {
    if !(1..=3).contains(&shape.len()) {
        return Err(Error::invalid(format!("a row of shape {shape:?}: one to three axes are needed")));
    }
    let width = shape.iter().try_fold(1usize, |n, &x| n.checked_mul(x));
    let width = width.ok_or_else(|| Error::invalid(format!("a row of shape {shape:?} is too large")))?;
    let flat = |(encoder, decoder)| Ok((vec![width], encoder, decoder));
    let image = |axes: usize| [&[1; 3][..(axes + 1).saturating_sub(shape.len())], shape].concat();
    let made = match name {
        "AE" | "CFD_dense_AE" => flat(dense(width, &[200, 100, 50], latents, &LEAKY)),
        "FPGA_prototype_model" => flat(dense(width, &[20, 10], latents, &Layer::Relu)),
        "AE_Dropout_BN" => flat(dropout_bn(width, latents)),
        "TransformerAE" => flat(transformer(width, latents)),
        "Conv_AE" => convolutional(image(2), latents, &conv_ae(Layer::Relu, Layer::Relu)),
        "Conv_AE_GDN" => {
            let gdn = |inverse| Layer::Gdn { inverse };
            convolutional(image(2), latents, &conv_ae(gdn(false), gdn(true)))
        }
        "Conv_AE_3D" => convolutional(image(3), latents, &conv_ae_3d()),
        "PJ_Conv_AE" => convolutional(image(2), latents, &pj_conv_ae()),
        _ => Err(Error::invalid(format!("no model named '{name}'; there are {}", NAMES.join(", ")))),
    };
    let (input, encoder, decoder) = made?;
    let sequence = if name == "TransformerAE" { SEQUENCE } else { 1 };
    let architecture = Architecture { name: name.into(), input, sequence, encoder, decoder };
    architecture.validate()?;
    Ok(architecture)
}

/// Dense layers of these `widths`, with `activation` between them and none at the end.
pub fn dense_chain(widths: &[usize], activation: &Layer) -> Vec<Layer> {
    let mut layers = Vec::new();
    for (i, &outputs) in widths.iter().enumerate() {
        if i > 0 {
            layers.push(activation.clone());
        }
        layers.push(Layer::Dense { outputs });
    }
    layers
}

/// `architecture` without its dense layers: what the convolutions give are the latents (Baler's
/// `compress_to_latent_space = False`). Errors where it does not flatten an image and shape it back.
pub fn without_bottleneck(architecture: &Architecture) -> Result<Architecture> {
    let find = |layers: &[Layer], wanted: fn(&Layer) -> bool| layers.iter().position(wanted);
    let flatten = find(&architecture.encoder, |l| matches!(l, Layer::Flatten));
    let reshape = find(&architecture.decoder, |l| matches!(l, Layer::Reshape { .. }));
    let (Some(flatten @ 1..), Some(reshape)) = (flatten, reshape) else {
        return Err(Error::invalid(format!("{} has no dense layers to leave out", architecture.name)));
    };
    let mut made = architecture.clone();
    made.encoder.truncate(flatten);
    made.decoder.drain(..=reshape);
    made.validate()?;
    Ok(made)
}

/// Latents that compress `features` values by `ratio`: ceil(features / ratio), at least 1.
pub fn latents_for_ratio(features: usize, ratio: f64) -> Result<usize> {
    if !(ratio.is_finite() && ratio >= 1.0) {
        return Err(Error::invalid(format!("compression ratio {ratio} is not a number of at least 1")));
    }
    Ok(((features as f64 / ratio).ceil() as usize).max(1))
}

type Halves = (Vec<Layer>, Vec<Layer>);

fn dense(width: usize, hidden: &[usize], latents: usize, activation: &Layer) -> Halves {
    let mirrored: Vec<usize> = hidden.iter().rev().copied().chain([width]).collect();
    (dense_chain(&[hidden, &[latents]].concat(), activation), dense_chain(&mirrored, activation))
}

fn dropout_bn(width: usize, latents: usize) -> Halves {
    let mut encoder = vec![];
    for (outputs, rate) in [(200, 0.5), (100, 0.4), (50, 0.3), (latents, 0.2)] {
        encoder.extend([Layer::Dense { outputs }, Layer::Dropout { rate }, LEAKY]);
    }
    let mut decoder = vec![];
    for outputs in [50, 100, 200] {
        decoder.extend([Layer::Dense { outputs }, LEAKY, Layer::BatchNorm]);
    }
    decoder.extend([Layer::Dense { outputs: width }, Layer::BatchNorm, Layer::Relu]);
    (encoder, decoder)
}

/// The mirror ends with the dense layer: behind it a transformer's layer norm would give all rows one mean and variance.
fn transformer(width: usize, latents: usize) -> Halves {
    let layer = |norm_first| Layer::Transformer { feed_forward: 256, norm_first };
    let mut encoder = vec![];
    for outputs in [256, 128, latents] {
        encoder.extend([layer(true), Layer::BatchNorm, Layer::Dense { outputs }, LEAKY]);
    }
    let mut decoder = vec![];
    for outputs in [128, 256] {
        decoder.extend([Layer::Dense { outputs }, LEAKY, Layer::BatchNorm, layer(false)]);
    }
    decoder.push(Layer::Dense { outputs: width });
    (encoder, decoder)
}

/// A convolution and what follows it in the encoder.
struct Stage {
    channels: usize,
    kernel: &'static [usize],
    stride: usize,
    padding: usize,
    then: Vec<Layer>,
}

/// Convolutions and two dense layers, mirrored.
struct Convolutional {
    stages: Vec<Stage>,
    /// Between the transposed convolutions.
    between: Vec<Layer>,
    hidden: usize,
    /// Behind the encoder's two dense layers, and behind the decoder's.
    dense: [Option<Layer>; 4],
}

fn conv_ae(activation: Layer, inverse: Layer) -> Convolutional {
    let stage = |channels, kernel, padding, then| Stage { channels, kernel, stride: 1, padding, then };
    Convolutional {
        stages: vec![
            stage(8, &[2, 5], 1, vec![activation.clone()]),
            stage(16, &[3, 3], 1, vec![Layer::BatchNorm, activation.clone()]),
            stage(32, &[3, 3], 0, vec![activation]),
        ],
        between: vec![Layer::BatchNorm, inverse],
        hidden: 2000,
        dense: [(); 4].map(|_| Some(Layer::Relu)),
    }
}

fn conv_ae_3d() -> Convolutional {
    let stage = |channels, kernel| Stage { channels, kernel, stride: 1, padding: 0, then: vec![Layer::Relu] };
    let kernels: [&[usize]; 6] = [&[1, 3, 5], &[3; 3], &[3; 3], &[3; 3], &[3; 3], &[1, 3, 3]];
    Convolutional {
        stages: [4, 8, 16, 32, 64, 64].into_iter().zip(kernels).map(|(c, k)| stage(c, k)).collect(),
        between: vec![Layer::BatchNorm, Layer::Relu],
        hidden: 2000,
        dense: [(); 4].map(|_| Some(Layer::Relu)),
    }
}

fn pj_conv_ae() -> Convolutional {
    let stage = |channels, then| Stage { channels, kernel: &[5, 5], stride: 2, padding: 2, then };
    Convolutional {
        stages: vec![stage(20, vec![LEAKY_PJ]), stage(50, vec![])],
        between: vec![LEAKY_PJ],
        hidden: 500,
        dense: [None, None, Some(LEAKY_PJ), None],
    }
}

fn convolutional(
    image: Vec<usize>,
    latents: usize,
    made_of: &Convolutional,
) -> Result<(Vec<usize>, Vec<Layer>, Vec<Layer>)> {
    let (mut encoder, mut back) = (vec![], vec![]);
    let mut shape = image.clone();
    for stage in &made_of.stages {
        let axes = shape[1..].iter().zip(stage.kernel);
        let kernel: Vec<usize> = axes.map(|(&extent, &k)| k.min(extent + 2 * stage.padding)).collect();
        let (stride, padding) = (vec![stage.stride; kernel.len()], vec![stage.padding; kernel.len()]);
        // What the stride swallowed of each axis comes back as output padding.
        let swallowed =
            shape[1..].iter().zip(&kernel).map(|(n, k)| (n + 2 * stage.padding - k) % stage.stride);
        back.push(Layer::ConvTransposed {
            channels: shape[0],
            kernel: kernel.clone(),
            stride: stride.clone(),
            padding: padding.clone(),
            output_padding: swallowed.collect(),
        });
        let layer = Layer::Conv { channels: stage.channels, kernel, stride, padding };
        shape = layer.output(&shape)?;
        encoder.push(layer);
        encoder.extend_from_slice(&stage.then);
    }
    let mut decoder = vec![];
    let flat = shape.iter().product();
    encoder.push(Layer::Flatten);
    let widths = [made_of.hidden, latents, made_of.hidden, flat];
    for (i, (outputs, activation)) in widths.into_iter().zip(&made_of.dense).enumerate() {
        let half = if i < 2 { &mut encoder } else { &mut decoder };
        half.push(Layer::Dense { outputs });
        half.extend(activation.clone());
    }
    decoder.push(Layer::Reshape { shape });
    for (i, layer) in back.into_iter().rev().enumerate() {
        if i > 0 {
            decoder.extend_from_slice(&made_of.between);
        }
        decoder.push(layer);
    }
    Ok((image, encoder, decoder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_builds_for_any_shape() {
        for name in NAMES {
            for (shape, latents) in [
                (&[1][..], 1),
                (&[17], 11),
                (&[24], 15),
                (&[50, 50], 25),
                (&[1, 3], 2),
                (&[29, 28], 9),
                (&[3, 7, 8], 9),
                (&[12, 20, 20], 30),
            ] {
                let made = by_name(name, shape, latents).unwrap();
                assert_eq!(made.features(), shape.iter().product::<usize>());
                assert_eq!(made.latents().unwrap(), latents);
                let [_, decoder] = made.shapes().unwrap();
                assert_eq!(decoder.last(), Some(&made.input), "{name} {shape:?}");
            }
            assert!(by_name(name, &[17], 0).is_err());
            assert!(by_name(name, &[0, 4], 1).is_err() && by_name(name, &[], 1).is_err());
            assert!(by_name(name, &[usize::MAX, 4], 1).is_err());
        }
        assert!(by_name("GPT", &[1], 1).unwrap_err().to_string().contains("FPGA_prototype_model"));
    }

    #[test]
    fn images_have_the_sizes_of_the_original() {
        let shapes = |name, shape: &[usize]| by_name(name, shape, 10).unwrap().shapes().unwrap();
        let [encoder, decoder] = shapes("PJ_Conv_AE", &[28, 28]);
        assert_eq!(encoder[1..5], [vec![20, 14, 14], vec![20, 14, 14], vec![50, 7, 7], vec![2450]]);
        assert_eq!(decoder[decoder.len() - 3..], [vec![20, 14, 14], vec![20, 14, 14], vec![1, 28, 28]]);
        assert!(shapes("Conv_AE", &[50, 50])[0].contains(&vec![32, 49, 46]));
        assert!(shapes("Conv_AE_3D", &[10, 50, 50])[0].contains(&vec![64, 2, 38, 36]));
    }

    #[test]
    fn bottlenecks_are_left_out() {
        let made = without_bottleneck(&by_name("Conv_AE_3D", &[10, 50, 50], 10).unwrap()).unwrap();
        assert_eq!(made.latents().unwrap(), 64 * 2 * 38 * 36);
        assert!(without_bottleneck(&by_name("AE", &[10], 2).unwrap()).is_err());
    }

    #[test]
    fn ratios_round_up() {
        assert_eq!(latents_for_ratio(17, 1.6).unwrap(), 11);
        assert_eq!(latents_for_ratio(24, 1.6).unwrap(), 15);
        assert_eq!(latents_for_ratio(2500, 100.0).unwrap(), 25);
        assert_eq!(latents_for_ratio(3, 1e9).unwrap(), 1);
        assert!(latents_for_ratio(3, f64::NAN).is_err() && latents_for_ratio(3, 0.5).is_err());
    }
}
