//! The decoder alone, as an archive carries it.
//!
//! Little-endian, without compression or checksum, which the archive adds:
//!
//! | bytes | field |
//! |---|---|
//! | 1 | layout, 1 |
//! | 2 | layers |
//! | each layer: 1 | kind: 0 dense, 1 dense without multipliers (the last) |
//! | 4, 4 | inputs, outputs |
//! | 2 x inputs x outputs | weights, i16, by rows of inputs |
//! | 4 x outputs | biases, i32 |
//! | 1, 2 x outputs, 2 x outputs | kind 0: shift; multipliers for t >= 0; for t < 0 |
//! | 8 x features, 8 x features | scales; offsets, f64 |
//! | 1 | whether names follow, 0 or 1; then for each feature |
//! | 4, n | bytes of its name, n; UTF-8 |

use super::autoencoder::{Decoder, OutputScale};
use super::frozen::{FrozenDense, Requantise};
use crate::error::{Error, Result};

const LAYOUT: u8 = 1;
const DENSE: u8 = 0;
const DENSE_LAST: u8 = 1;

impl Decoder {
    /// The compact form. The same decoder gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![LAYOUT];
        out.extend((self.layers().len() as u16).to_le_bytes());
        for layer in self.layers() {
            out.push(if layer.requantise().is_some() { DENSE } else { DENSE_LAST });
            out.extend((layer.inputs() as u32).to_le_bytes());
            out.extend((layer.outputs() as u32).to_le_bytes());
            out.extend(layer.weights().iter().flat_map(|w| w.to_le_bytes()));
            out.extend(layer.bias().iter().flat_map(|b| b.to_le_bytes()));
            if let Some(requantise) = layer.requantise() {
                out.push(requantise.shift as u8);
                out.extend(
                    requantise.positive.iter().chain(&requantise.negative).flat_map(|m| m.to_le_bytes()),
                );
            }
        }
        out.extend(self.output().iter().flat_map(|s| s.scale.to_le_bytes()));
        out.extend(self.output().iter().flat_map(|s| s.offset.to_le_bytes()));
        out.push(!self.names().is_empty() as u8);
        for name in self.names() {
            out.extend((name.len() as u32).to_le_bytes());
            out.extend(name.as_bytes());
        }
        out
    }

    /// The inverse of [`Decoder::to_bytes`]; all of `bytes` must be used. Everything is validated, the proof
    /// that no sum overflows included. Takes memory of a few times `bytes`, whatever they say.
    pub fn from_bytes(bytes: &[u8]) -> Result<Decoder> {
        let mut input = Input(bytes);
        let decoder = read(&mut input).map_err(|e| e.at("embedded model"))?;
        match input.0.len() {
            0 => Ok(decoder),
            left => Err(Error::corrupt(format!("embedded model: {left} bytes too many"))),
        }
    }
}

fn read(input: &mut Input) -> Result<Decoder> {
    let layout = input.u8()?;
    if layout != LAYOUT {
        return Err(Error::unsupported(format!("layout {layout} where this program reads {LAYOUT}")));
    }
    let count = u16::from_le_bytes(input.array()?);
    let mut layers = Vec::new();
    for i in 0..count {
        layers.push(read_layer(input).map_err(|e| e.at(format!("layer {i}")))?);
    }
    let features = layers.last().map_or(0, |l| l.outputs());
    let scales = input.numbers(features, f64::from_le_bytes)?;
    let offsets = input.numbers(features, f64::from_le_bytes)?;
    let output =
        scales.into_iter().zip(offsets).map(|(scale, offset)| OutputScale { scale, offset }).collect();
    let names = match input.u8()? {
        0 => vec![],
        1 => (0..features).map(|_| input.name()).collect::<Result<_>>()?,
        other => return Err(Error::corrupt(format!("names are marked {other}, neither 0 nor 1"))),
    };
    Decoder::new(layers, output, names)
}

fn read_layer(input: &mut Input) -> Result<FrozenDense> {
    let kind = input.u8()?;
    if kind != DENSE && kind != DENSE_LAST {
        return Err(Error::unsupported(format!("of kind {kind}, unknown to this program")));
    }
    let [inputs, outputs] = [input.array()?, input.array()?].map(|b| u32::from_le_bytes(b) as usize);
    let count = inputs.checked_mul(outputs).ok_or_else(|| Error::corrupt("its size overflows"))?;
    let weights = input.numbers(count, i16::from_le_bytes)?;
    let bias = input.numbers(outputs, i32::from_le_bytes)?;
    let requantise = match kind {
        DENSE => Some(Requantise {
            shift: input.u8()? as u32,
            positive: input.numbers(outputs, i16::from_le_bytes)?,
            negative: input.numbers(outputs, i16::from_le_bytes)?,
        }),
        _ => None,
    };
    FrozenDense::new(inputs, outputs, weights, bias, requantise)
}

/// Bytes not yet read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or_else(|| {
            Error::truncated(format!("{n} bytes are needed where {} are left", self.0.len()))
        })?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("N bytes"))
    }

    fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn numbers<const N: usize, T>(&mut self, count: usize, from: fn([u8; N]) -> T) -> Result<Vec<T>> {
        let bytes = self.take(count.checked_mul(N).ok_or_else(|| Error::corrupt("its size overflows"))?)?;
        Ok(bytes.as_chunks::<N>().0.iter().map(|&b| from(b)).collect())
    }

    fn name(&mut self) -> Result<String> {
        let length = u32::from_le_bytes(self.array()?) as usize;
        let bytes = self.take(length)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| Error::corrupt("a feature's name is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::small;
    use super::*;

    #[test]
    fn bytes_come_back_as_the_decoder_they_were() {
        let decoder = small().frozen.decoder;
        let bytes = decoder.to_bytes();
        let again = Decoder::from_bytes(&bytes).unwrap();
        assert!(again == decoder);
        assert_eq!(again.to_bytes(), bytes);
        let nameless = Decoder::new(decoder.layers().to_vec(), decoder.output().to_vec(), vec![]).unwrap();
        assert!(Decoder::from_bytes(&nameless.to_bytes()).unwrap() == nameless);
    }

    #[test]
    fn damage_never_panics() {
        let bytes = small().frozen.decoder.to_bytes();
        for end in 0..bytes.len() {
            assert!(Decoder::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
        }
        assert!(Decoder::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        let latents: Vec<i16> = (0..20).map(|i| i * 800 - 8000).collect();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // What the bytes still describe is a decoder, if another one: it must run.
            if let Ok(decoder) = Decoder::from_bytes(&damaged) {
                let rows = latents.len() / decoder.latents();
                let mut out = vec![0.0; rows * decoder.features()];
                decoder.decode(&latents[..rows * decoder.latents()], &mut out).unwrap();
                assert!(out.iter().all(|x| x.is_finite()), "bit {bit}");
            }
        }
    }

    #[test]
    fn sizes_are_not_believed() {
        // Two layers of 4 Gi x 4 Gi weights in a dozen bytes.
        let bytes = [&[LAYOUT, 2, 0, DENSE][..], &[255; 8], &[0; 4]].concat();
        assert!(Decoder::from_bytes(&bytes).is_err());
        assert!(Decoder::from_bytes(&[LAYOUT, 0, 0, 0]).is_err());
    }
}
