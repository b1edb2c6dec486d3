//! A frozen autoencoder: rows of features in the user's units to integer latents, and back.
//!
//! Decoding is integers up to the accumulators of the last layer, then two f64 operations a value, in this
//! order and never fused: `acc as f64 * scale + offset`. Every machine and kernel gives the same bits.

use super::block::{Block, pair};
use super::blocks::Blocks;
use super::frozen::MAX_ACTIVATION;
use super::kernel::{Kernel, LANES, Lanes};
use super::network::Network;
use super::normalise::Curve;
use super::output::Output;
use crate::error::{Error, Result};

/// How one feature becomes an integer: round((value - offset) / step), clamped to +-[`MAX_ACTIVATION`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InputScale {
    /// The value that becomes 0: the middle of the feature's range in training.
    pub offset: f64,
    /// The distance between neighbours; positive.
    pub step: f64,
}

/// The frozen half that compresses.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoder {
    network: Network,
    input: Vec<InputScale>,
    curves: Vec<Curve>,
}

/// The frozen half that decompresses; all that an archive needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoder {
    network: Network,
    output: Output,
    names: Vec<String>,
    blocks: Blocks,
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
    /// An encoder whose `network` gives activations, with a scale for each feature.
    pub fn new(network: Network, input: Vec<InputScale>) -> Result<Encoder> {
        if network.raw() {
            return Err(Error::corrupt("the last layer lacks its multipliers"));
        }
        if input.len() != network.inputs() {
            return Err(Error::corrupt(format!(
                "{} input scales for {} features",
                input.len(),
                network.inputs()
            )));
        }
        if let Some(i) =
            input.iter().position(|s| !(s.offset.is_finite() && s.step.is_finite() && s.step > 0.0))
        {
            return Err(Error::corrupt(format!(
                "input scale of feature {i} is not a finite offset and positive step"
            )));
        }
        Ok(Encoder { network, input, curves: vec![] })
    }

    /// The same encoder, whose features go through these curves (one each, or none) before their scales.
    pub fn with_curves(mut self, curves: &[Curve]) -> Result<Encoder> {
        if !(curves.is_empty() || curves.len() == self.features()) {
            return Err(Error::corrupt(format!("{} curves for {} features", curves.len(), self.features())));
        }
        self.curves = curves.to_vec();
        Ok(self)
    }

    /// Values in a row that go in.
    pub fn features(&self) -> usize {
        self.input.len()
    }

    /// Latents in a row that come out.
    pub fn latents(&self) -> usize {
        self.network.outputs()
    }

    /// What runs.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The scale of each feature.
    pub fn input(&self) -> &[InputScale] {
        &self.input
    }

    /// The curve of each feature before its scale; none where there is none.
    pub fn curves(&self) -> &[Curve] {
        &self.curves
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

    /// Latents (rows x latents) of `rows` (rows x features, in the user's units), whose sequences begin with the first.
    /// Costs a multiplication a weight, position and row. Errors where `rows` are no whole number of rows.
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
        let mut blocks = self.network.blocks();
        let group = self.network.group();
        for (rows, out) in rows.chunks(group * features).zip(out.chunks_mut(group * latents)) {
            fill(&mut blocks, rows, features, |v, i| {
                let v = self.curves.get(i).filter(|_| v.is_finite()).map_or(v, |curve| curve.apply(v));
                Self::quantise_input(v, self.input[i])
            });
            self.network.run(kernel, &mut blocks, rows.len() / features);
            for (block, out) in blocks.iter().zip(out.chunks_mut(LANES * latents)) {
                for (lane, out) in out.chunks_exact_mut(latents).enumerate() {
                    for (i, out) in out.iter_mut().enumerate() {
                        *out = activation(&block.x, i, lane);
                    }
                }
            }
        }
        Ok(out)
    }
}

/// Value `i` of the row in `lane`.
fn activation(x: &[Lanes], i: usize, lane: usize) -> i16 {
    (x[i / 2].0[lane] >> (i % 2 * 16)) as i16
}

/// Puts rows of `width` values into blocks, as what `integer(value, place)` makes of them. Lanes without a row hold
/// zeros, since what an earlier group left there may be no activations.
fn fill<T: Copy>(blocks: &mut [Block], rows: &[T], width: usize, integer: impl Fn(T, usize) -> i16) {
    for (block, rows) in blocks.iter_mut().zip(rows.chunks(LANES * width)) {
        if rows.len() < LANES * width {
            block.x[..width.div_ceil(2)].fill(Lanes::ZERO);
        }
        for (p, x) in block.x.iter_mut().enumerate().take(width.div_ceil(2)) {
            let at = |row: &[T], i: usize| row.get(i).map_or(0, |&v| integer(v, i));
            for (x, row) in x.0.iter_mut().zip(rows.chunks_exact(width)) {
                *x = pair(at(row, 2 * p), at(row, 2 * p + 1));
            }
        }
    }
}

impl Decoder {
    /// A decoder of rows that `blocks` cut, with what its network's outputs stand for, and the features' names (none,
    /// or one a feature).
    pub fn new(network: Network, output: Output, names: Vec<String>, blocks: Blocks) -> Result<Decoder> {
        let features = network.outputs();
        if !output.serves(features) || !(names.is_empty() || names.len() == features) {
            return Err(Error::corrupt(format!(
                "{} output scales and {} names for {features} features",
                output.sets().len(),
                names.len()
            )));
        }
        let blocks = blocks.checked(features)?;
        Ok(Decoder { network, output, names, blocks })
    }

    /// Latents in a row that go in.
    pub fn latents(&self) -> usize {
        self.network.inputs()
    }

    /// Values in a row that come out.
    pub fn features(&self) -> usize {
        self.network.outputs()
    }

    /// What runs.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What the network's outputs stand for.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// The name of each feature; empty where the data have none.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How fields are cut into rows.
    pub fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    /// Fills `out` (rows x features, in the user's units) from `latents` (rows x latents; beyond
    /// +-[`MAX_ACTIVATION`] they are clamped), whose sequences begin with the first row. Costs a multiplication a weight,
    /// position and row. Errors where the lengths are no whole and equal numbers of rows.
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
        let mut blocks = self.network.blocks();
        let group = self.network.group();
        for (latents, out) in latents.chunks(group * inputs).zip(out.chunks_mut(group * features)) {
            let max = MAX_ACTIVATION as i16;
            fill(&mut blocks, latents, inputs, |v, _| v.clamp(-max, max));
            self.network.run(kernel, &mut blocks, latents.len() / inputs);
            for (block, out) in blocks.iter().zip(out.chunks_mut(LANES * features)) {
                match self.network.raw() {
                    true => self.output.apply(|i, lane| block.x[i].0[lane], features, out),
                    false => self.output.apply(|i, lane| activation(&block.x, i, lane) as i32, features, out),
                }
            }
        }
        Ok(())
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

    /// The same model for rows that `blocks` cut from fields. Errors where they have another number of values.
    pub fn with_blocks(mut self, blocks: Blocks) -> Result<FrozenModel> {
        self.decoder.blocks = blocks.checked(self.features())?;
        Ok(self)
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
    use super::super::frozen::{FrozenDense, Requantise};
    use super::super::output::OutputScale;
    use super::*;

    fn layer(inputs: usize, outputs: usize, raw: bool) -> FrozenDense {
        let weights = (0..inputs * outputs).map(|i| (i * 7919 % 601) as i16 - 300).collect();
        let bias = (0..outputs as i32).map(|i| i * 1000 - 2000).collect();
        let m = Requantise { shift: 12, positive: vec![20000; outputs], negative: vec![200; outputs] };
        FrozenDense::new(inputs, outputs, weights, bias, (!raw).then_some(m)).unwrap()
    }

    fn encoder(layers: Vec<FrozenDense>, input: Vec<InputScale>) -> Result<Encoder> {
        Encoder::new(Network::dense(layers)?, input)
    }

    fn decoder(layers: Vec<FrozenDense>, output: Vec<OutputScale>, names: Vec<String>) -> Result<Decoder> {
        Decoder::new(Network::dense(layers)?, Output::affine(output)?, names, Blocks::Frames)
    }

    fn model(features: usize, latents: usize) -> FrozenModel {
        let input = (0..features).map(|i| InputScale { offset: i as f64, step: 0.001 }).collect();
        let output = (0..features).map(|i| OutputScale { scale: 1e-6, offset: i as f64 }).collect();
        FrozenModel::new(
            encoder(vec![layer(features, 20, false), layer(20, latents, false)], input).unwrap(),
            decoder(vec![layer(latents, 9, false), layer(9, features, true)], output, vec![]).unwrap(),
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
        assert!(encoder(vec![], input.clone()).is_err());
        assert!(encoder(vec![layer(3, 2, true)], input.clone()).is_err());
        assert!(encoder(vec![layer(4, 2, false)], input.clone()).is_err());
        assert!(encoder(vec![layer(3, 2, false)], vec![InputScale { offset: 0.0, step: 0.0 }; 3]).is_err());
        assert!(encoder(vec![layer(3, 4, false), layer(5, 2, false)], input).is_err());
        assert!(decoder(vec![layer(2, 3, true)], output(1e300), vec![]).is_err());
        assert!(decoder(vec![layer(2, 3, true)], output(f64::NAN), vec![]).is_err());
        assert!(decoder(vec![layer(2, 3, true)], output(1.0), vec!["x".into()]).is_err());
    }
}
