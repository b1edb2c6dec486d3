//! Baler's model zoo: lists of layers by their Baler names, for any number of features and latents.

use super::layers::{Architecture, Layer};
use crate::error::{Error, Result};

/// Names that [`by_name`] knows.
pub const NAMES: [&str; 3] = ["AE", "CFD_dense_AE", "FPGA_prototype_model"];

/// The architecture of that name for `features` values a row and `latents` of them kept.
///
/// `AE` and `CFD_dense_AE`: features-200-100-50-latents and its mirror, LeakyReLU 0.01 between;
/// `FPGA_prototype_model`: features-20-10-latents and its mirror, ReLU between.
pub fn by_name(name: &str, features: usize, latents: usize) -> Result<Architecture> {
    let (hidden, activation): (&[usize], _) = match name {
        "AE" | "CFD_dense_AE" => (&[200, 100, 50], Layer::LeakyRelu { slope: 0.01 }),
        "FPGA_prototype_model" => (&[20, 10], Layer::Relu),
        _ => {
            return Err(Error::invalid(format!("no model named '{name}'; there are {}", NAMES.join(", "))));
        }
    };
    let mirrored: Vec<usize> = hidden.iter().rev().copied().collect();
    let architecture = Architecture {
        name: name.to_string(),
        input: vec![features],
        sequence: 1,
        encoder: dense_chain(&[hidden, &[latents]].concat(), &activation),
        decoder: dense_chain(&[&mirrored[..], &[features]].concat(), &activation),
    };
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

/// Latents that compress `features` values by `ratio`: ceil(features / ratio), at least 1.
pub fn latents_for_ratio(features: usize, ratio: f64) -> Result<usize> {
    if !(ratio.is_finite() && ratio >= 1.0) {
        return Err(Error::invalid(format!("compression ratio {ratio} is not a number of at least 1")));
    }
    Ok(((features as f64 / ratio).ceil() as usize).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_builds_at_any_size() {
        for name in NAMES {
            for (features, latents) in [(1, 1), (17, 11), (24, 15), (2500, 25)] {
                let made = by_name(name, features, latents).unwrap();
                assert_eq!(made.encoder_stages().unwrap()[0].inputs, features);
                assert_eq!(made.decoder_stages().unwrap()[0].inputs, latents);
            }
            assert!(by_name(name, 17, 0).is_err());
        }
        assert!(by_name("GPT", 1, 1).unwrap_err().to_string().contains("FPGA_prototype_model"));
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
