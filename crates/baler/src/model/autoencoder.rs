//! A frozen autoencoder: rows of features in the user's units to integer latents, and back.
//!
//! Decoding is integers up to the accumulators of the last layer, then two f64 operations a value, in this
//! order and never fused: `acc as f64 * scale + offset`. Every machine and kernel gives the same bits.

use super::block::{Block, check_chain, pair};
use super::frozen::{FrozenDense, MAX_ACTIVATION};
use super::kernel::{Kernel, LANES, Lanes};
use crate::error::{Error, Result};

/// How one feature becomes an integer: round((value - offset) / step), clamped to +-[`MAX_ACTIVATION`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InputScale {
    /// The value that becomes 0: the middle of the feature's range in training.
    pub offset: f64,
    /// The distance between neighbours; positive.
    pub step: f64,
}

/// How an accumulator becomes a value of one feature: `acc as f64 * scale + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutputScale {
    /// The value of one step of the accumulator.
    pub scale: f64,
    /// The value of an accumulator of 0.
    pub offset: f64,
}

/// The frozen half that compresses.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoder {
    layers: Vec<FrozenDense>,
    input: Vec<InputScale>,
}

/// The frozen half that decompresses; all that an archive needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoder {
    layers: Vec<FrozenDense>,
    output: Vec<OutputScale>,
    names: Vec<String>,
}

/// Both halves.
#[derive(Debug, Clone, PartialEq)]
pub struct FrozenModel {
    /// From features to latents.
    pub encoder: Encoder,
    /// From latents to features.
    pub decoder: Decoder,
}

impl Encoder {
    /// An encoder of `layers` that all requantise, with a scale for each feature.
    pub fn new(layers: Vec<FrozenDense>, input: Vec<InputScale>) -> Result<Encoder> {
        check_chain(&layers)?;
        if let Some(i) = layers.iter().position(|l| l.requantise().is_none()) {
            return Err(Error::corrupt(format!("layer {i}: lacks its multipliers")));
        }
        if input.len() != layers[0].inputs() {
            return Err(Error::corrupt(format!(
                "{} input scales for {} features",
                input.len(),
                layers[0].inputs()
            )));
        }
        if let Some(i) =
            input.iter().position(|s| !(s.offset.is_finite() && s.step.is_finite() && s.step > 0.0))
        {
            return Err(Error::corrupt(format!(
                "input scale of feature {i} is not a finite offset and positive step"
            )));
        }
        Ok(Encoder { layers, input })
    }

    /// Values in a row that go in.
    pub fn features(&self) -> usize {
        self.input.len()
    }

    /// Latents in a row that come out.
    pub fn latents(&self) -> usize {
        self.layers[self.layers.len() - 1].outputs()
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[FrozenDense] {
        &self.layers
    }

    /// The scale of each feature.
    pub fn input(&self) -> &[InputScale] {
        &self.input
    }

    /// One value as the integer that goes in; what is not finite counts as the feature's minimum.
    pub fn quantise_input(value: f64, scale: InputScale) -> i16 {
        let max = MAX_ACTIVATION as f64;
        if value.is_finite() {
            ((value - scale.offset) / scale.step).round_ties_even().clamp(-max, max) as i16
        } else {
            -MAX_ACTIVATION as i16
        }
    }

    /// Latents (rows x latents) of `rows` (rows x features, in the user's units). Costs a multiplication a
    /// weight and row. Errors where `rows` are no whole number of rows.
    pub fn encode(&self, rows: &[f64]) -> Result<Vec<i16>> {
        self.encode_with(Kernel::best(), rows)
    }

    /// As [`Encoder::encode`], with this kernel.
    pub fn encode_with(&self, kernel: Kernel, rows: &[f64]) -> Result<Vec<i16>> {
        let (features, latents) = (self.features(), self.latents());
        if !rows.len().is_multiple_of(features) {
            return Err(Error::invalid(format!(
                "{} values are no whole rows of {features} features",
                rows.len()
            )));
        }
        let mut out = vec![0; rows.len() / features * latents];
        let mut block = Block::new(&self.layers);
        for (rows, out) in rows.chunks(LANES * features).zip(out.chunks_mut(LANES * latents)) {
            let x = block.input();
            for (p, x) in x.iter_mut().enumerate().take(features.div_ceil(2)) {
                let quantise = |row: &[f64], i: usize| match row.get(i) {
                    Some(&value) => Self::quantise_input(value, self.input[i]),
                    None => 0,
                };
                for (x, row) in x.0.iter_mut().zip(rows.chunks_exact(features)) {
                    *x = pair(quantise(row, 2 * p), quantise(row, 2 * p + 1));
                }
            }
            let y = block.run(kernel, &self.layers);
            for (lane, out) in out.chunks_exact_mut(latents).enumerate() {
                for (i, out) in out.iter_mut().enumerate() {
                    *out = (y[i / 2].0[lane] >> (i % 2 * 16)) as i16;
                }
            }
        }
        Ok(out)
    }
}

impl Decoder {
    /// A decoder of `layers` that all but the last requantise, with a scale for each feature, and their names
    /// (none, or one a feature).
    pub fn new(layers: Vec<FrozenDense>, output: Vec<OutputScale>, names: Vec<String>) -> Result<Decoder> {
        check_chain(&layers)?;
        let last = layers.len() - 1;
        if let Some(i) = (0..=last).find(|&i| layers[i].requantise().is_none() != (i == last)) {
            return Err(Error::corrupt(format!("layer {i}: all layers but the last must have multipliers")));
        }
        let features = layers[last].outputs();
        if output.len() != features || !(names.is_empty() || names.len() == features) {
            return Err(Error::corrupt(format!(
                "{} output scales and {} names for {features} features",
                output.len(),
                names.len()
            )));
        }
        let reaches = |s: &OutputScale| s.scale.abs() * (1u64 << 31) as f64 + s.offset.abs();
        if let Some(i) = output.iter().position(|s| !reaches(s).is_finite()) {
            return Err(Error::corrupt(format!(
                "output scale of feature {i} gives values that are not finite"
            )));
        }
        Ok(Decoder { layers, output, names })
    }

    /// Latents in a row that go in.
    pub fn latents(&self) -> usize {
        self.layers[0].inputs()
    }

    /// Values in a row that come out.
    pub fn features(&self) -> usize {
        self.output.len()
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[FrozenDense] {
        &self.layers
    }

    /// The scale of each feature.
    pub fn output(&self) -> &[OutputScale] {
        &self.output
    }

    /// The name of each feature; empty where the data have none.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Fills `out` (rows x features, in the user's units) from `latents` (rows x latents; beyond
    /// +-[`MAX_ACTIVATION`] they are clamped). Costs a multiplication a weight and row. Errors where the
    /// lengths are no whole and equal numbers of rows.
    pub fn decode(&self, latents: &[i16], out: &mut [f64]) -> Result<()> {
        self.decode_with(Kernel::best(), latents, out)
    }

    /// As [`Decoder::decode`], with this kernel.
    pub fn decode_with(&self, kernel: Kernel, latents: &[i16], out: &mut [f64]) -> Result<()> {
        let (inputs, features) = (self.latents(), self.features());
        let rows = latents.len() / inputs;
        if !latents.len().is_multiple_of(inputs) || rows.checked_mul(features) != Some(out.len()) {
            return Err(Error::invalid(format!(
                "{} latents ({inputs} a row) and room for {} values ({features} a row) do not match",
                latents.len(),
                out.len()
            )));
        }
        let mut block = Block::new(&self.layers);
        for (latents, out) in latents.chunks(LANES * inputs).zip(out.chunks_mut(LANES * features)) {
            let x = block.input();
            for (lane, row) in latents.chunks_exact(inputs).enumerate() {
                for (x, values) in x.iter_mut().zip(row.chunks(2)) {
                    let max = MAX_ACTIVATION as i16;
                    let clamped = |i: usize| values.get(i).map_or(0, |v| v.clamp(&-max, &max).to_owned());
                    x.0[lane] = pair(clamped(0), clamped(1));
                }
            }
            let acc = block.run(kernel, &self.layers);
            self.dequantise(acc, out);
        }
        Ok(())
    }

    /// Accumulators of a block to rows of values, a tile of features at a time so that both stay in cache.
    fn dequantise(&self, acc: &[Lanes], out: &mut [f64]) {
        const TILE: usize = 16;
        for (first, scales) in (0..).step_by(TILE).zip(self.output.chunks(TILE)) {
            for (lane, row) in out.chunks_exact_mut(self.output.len()).enumerate() {
                for ((out, scale), acc) in row[first..].iter_mut().zip(scales).zip(&acc[first..]) {
                    *out = acc.0[lane] as f64 * scale.scale + scale.offset;
                }
            }
        }
    }
}

impl FrozenModel {
    /// Both halves, once they fit each other.
    pub fn new(encoder: Encoder, decoder: Decoder) -> Result<FrozenModel> {
        if encoder.latents() != decoder.latents() || encoder.features() != decoder.features() {
            return Err(Error::corrupt(format!(
                "an encoder {} to {} and a decoder {} to {} do not fit",
                encoder.features(),
                encoder.latents(),
                decoder.latents(),
                decoder.features()
            )));
        }
        Ok(FrozenModel { encoder, decoder })
    }

    /// Values in a row.
    pub fn features(&self) -> usize {
        self.decoder.features()
    }

    /// Latents in a row.
    pub fn latents(&self) -> usize {
        self.decoder.latents()
    }

    /// See [`Encoder::encode`].
    pub fn encode(&self, rows: &[f64]) -> Result<Vec<i16>> {
        self.encoder.encode(rows)
    }

    /// See [`Decoder::decode`].
    pub fn decode(&self, latents: &[i16], out: &mut [f64]) -> Result<()> {
        self.decoder.decode(latents, out)
    }
}

#[cfg(test)]
mod tests {
    use super::super::frozen::Requantise;
    use super::*;

    fn layer(inputs: usize, outputs: usize, raw: bool) -> FrozenDense {
        let weights = (0..inputs * outputs).map(|i| (i * 7919 % 601) as i16 - 300).collect();
        let bias = (0..outputs as i32).map(|i| i * 1000 - 2000).collect();
        let m = Requantise { shift: 12, positive: vec![20000; outputs], negative: vec![200; outputs] };
        FrozenDense::new(inputs, outputs, weights, bias, (!raw).then_some(m)).unwrap()
    }

    fn model(features: usize, latents: usize) -> FrozenModel {
        let input = (0..features).map(|i| InputScale { offset: i as f64, step: 0.001 }).collect();
        let output = (0..features).map(|i| OutputScale { scale: 1e-6, offset: i as f64 }).collect();
        FrozenModel::new(
            Encoder::new(vec![layer(features, 20, false), layer(20, latents, false)], input).unwrap(),
            Decoder::new(vec![layer(latents, 9, false), layer(9, features, true)], output, vec![]).unwrap(),
        )
        .unwrap()
    }

    #[test]
    fn rows_do_not_depend_on_their_block_or_kernel() {
        for (features, latents) in [(5, 2), (17, 11), (1, 1), (40, 3)] {
            let model = model(features, latents);
            let rows: Vec<f64> = (0..70 * features).map(|i| ((i * 7907) % 977) as f64 / 80.0 - 3.0).collect();
            let encoded = model.encode(&rows).unwrap();
            let mut decoded = vec![0.0; rows.len()];
            model.decode(&encoded, &mut decoded).unwrap();
            for kernel in Kernel::available() {
                assert_eq!(model.encoder.encode_with(kernel, &rows).unwrap(), encoded);
                let mut again = vec![0.0; rows.len()];
                model.decoder.decode_with(kernel, &encoded, &mut again).unwrap();
                assert_eq!(again, decoded);
            }
            for (r, row) in rows.chunks(features).enumerate() {
                let alone = model.encode(row).unwrap();
                assert_eq!(alone, encoded[r * latents..][..latents]);
                let mut values = vec![0.0; features];
                model.decode(&alone, &mut values).unwrap();
                assert_eq!(values, decoded[r * features..][..features]);
            }
        }
    }

    #[test]
    fn no_value_is_out_of_bounds() {
        let model = model(3, 2);
        let minimum = Encoder::quantise_input(-1e300, model.encoder.input()[1]);
        assert_eq!(minimum as i32, -MAX_ACTIVATION);
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Encoder::quantise_input(odd, model.encoder.input()[1]), minimum);
        }
        let (mut extreme, mut clamped) = (vec![0.0; 3], vec![0.0; 3]);
        model.decode(&[i16::MIN, i16::MAX], &mut extreme).unwrap();
        model.decode(&[-8191, 8191], &mut clamped).unwrap();
        assert_eq!(extreme, clamped);
        assert!(model.encode(&[0.0; 4]).is_err());
        assert!(
            model.decode(&[0; 3], &mut [0.0; 3]).is_err() && model.decode(&[0; 2], &mut [0.0; 2]).is_err()
        );
        assert!(model.encode(&[]).unwrap().is_empty());
    }

    #[test]
    fn misfits_are_errors() {
        let input = vec![InputScale { offset: 0.0, step: 1.0 }; 3];
        let output = |scale| vec![OutputScale { scale, offset: 0.0 }; 3];
        assert!(Encoder::new(vec![], input.clone()).is_err());
        assert!(Encoder::new(vec![layer(3, 2, true)], input.clone()).is_err());
        assert!(Encoder::new(vec![layer(4, 2, false)], input.clone()).is_err());
        assert!(
            Encoder::new(vec![layer(3, 2, false)], vec![InputScale { offset: 0.0, step: 0.0 }; 3]).is_err()
        );
        assert!(Encoder::new(vec![layer(3, 4, false), layer(5, 2, false)], input).is_err());
        assert!(Decoder::new(vec![layer(2, 3, false)], output(1.0), vec![]).is_err());
        assert!(Decoder::new(vec![layer(2, 3, true)], output(1e300), vec![]).is_err());
        assert!(Decoder::new(vec![layer(2, 3, true)], output(f64::NAN), vec![]).is_err());
        assert!(Decoder::new(vec![layer(2, 3, true)], output(1.0), vec!["x".into()]).is_err());
    }
}
