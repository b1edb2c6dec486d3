//! Frozen halves as bytes: the decoder as an archive carries it, both as a model file does (format.md, section 8).
//!
//! Without compression or checksum, which they add. A decoder that layout 1 can hold (a dense chain, one line a feature,
//! rows that are frames) is written in it, so that its hash stays what it was; all others, and encoders, in layout 3.

use super::autoencoder::{Decoder, Encoder, InputScale};
use super::blocks::{Blocks, MOST_AXES};
use super::frozen::{FrozenDense, MOST_WIDTH};
use super::layers::MOST_SEQUENCE;
use super::network::Network;
use super::network::compact::{self as network, put_linear, put_network, requantise, weights_and_bias};
use super::output::{Lines, Output, OutputScale};
use crate::codec::bytes::{Reader, put_bytes, put_varint};
use crate::error::{Error, Result};

/// First byte of a dense chain.
const DENSE_LAYOUT: u8 = 1;
/// First byte of a network.
const LAYOUT: u8 = 3;

/// Kinds of layers in layout 1.
const INNER: u8 = 0;
const LAST: u8 = 1;

impl Decoder {
    /// The compact form. The same decoder gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let layers =
            self.network().dense_layers().filter(|l| self.network().raw() && l.len() <= u16::MAX as usize);
        let scales = self.output().scales(self.features());
        match (layers, scales, self.blocks(), self.network().sequence()) {
            (Some(layers), Some(scales), Blocks::Frames, 1) => dense_to_bytes(&layers, &scales, self.names()),
            _ => network_to_bytes(self),
        }
    }

    /// The inverse of [`Decoder::to_bytes`]; all of `bytes` must be used. Everything is validated, the proof
    /// that no sum overflows included. Takes memory of a few times `bytes`, whatever they say.
    pub fn from_bytes(bytes: &[u8]) -> Result<Decoder> {
        read(&mut Reader::new(bytes)).map_err(|e| e.at("embedded model"))
    }
}

fn read(r: &mut Reader) -> Result<Decoder> {
    let decoder = match r.u8("layout")? {
        DENSE_LAYOUT => read_dense_decoder(r)?,
        LAYOUT => read_network_decoder(r)?,
        layout => return Err(Error::unsupported(format!("layout {layout} is of a later version"))),
    };
    r.finish("the model")?;
    Ok(decoder)
}

impl Encoder {
    /// As [`Decoder::to_bytes`], with the input's scales; no archive needs it, model files do.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![LAYOUT];
        put_varint(&mut out, self.network().sequence() as u64);
        put_network(&mut out, self.network());
        let alike = self.input().windows(2).all(|w| w[0] == w[1]);
        let sets = if alike { &self.input()[..1] } else { self.input() };
        put_varint(&mut out, sets.len() as u64);
        sets.iter().for_each(|s| put_f64s(&mut out, [s.offset, s.step]));
        out
    }

    /// The inverse of [`Encoder::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Encoder> {
        let mut r = Reader::new(bytes);
        match r.u8("layout")? {
            LAYOUT => {}
            layout => return Err(Error::unsupported(format!("layout {layout} is of a later version"))),
        }
        let network = read_network(&mut r)?;
        let sets = r.count(network.inputs(), "input scales")?;
        let mut read = || Ok(InputScale { offset: r.f64("offset")?, step: r.f64("step")? });
        let mut input = (0..sets).map(|_| read()).collect::<Result<Vec<_>>>()?;
        if let [one] = input[..] {
            input = vec![one; network.inputs()];
        }
        r.finish("the encoder")?;
        Encoder::new(network, input)
    }
}

fn put_f64s(out: &mut Vec<u8>, values: impl IntoIterator<Item = f64>) {
    values.into_iter().for_each(|v| out.extend(v.to_le_bytes()));
}

// Layout 1.

fn dense_to_bytes(layers: &[&FrozenDense], scales: &[OutputScale], names: &[String]) -> Vec<u8> {
    let mut out = vec![DENSE_LAYOUT];
    out.extend((layers.len() as u16).to_le_bytes());
    for layer in layers {
        out.push(if layer.requantise().is_some() { INNER } else { LAST });
        out.extend((layer.inputs() as u32).to_le_bytes());
        out.extend((layer.outputs() as u32).to_le_bytes());
        put_linear(&mut out, layer.weights(), layer.bias(), layer.requantise());
    }
    put_f64s(&mut out, scales.iter().map(|s| s.scale));
    put_f64s(&mut out, scales.iter().map(|s| s.offset));
    out.push(!names.is_empty() as u8);
    for name in names {
        out.extend((name.len() as u32).to_le_bytes());
        out.extend(name.as_bytes());
    }
    out
}

fn read_dense_decoder(r: &mut Reader) -> Result<Decoder> {
    let count = u16::from_le_bytes([r.u8("layers")?, r.u8("layers")?]);
    let mut layers = Vec::new();
    for i in 0..count {
        layers.push(read_dense(r).map_err(|e| e.at(format!("layer {i}")))?);
    }
    let raw = |l: &FrozenDense| l.requantise().is_none();
    if layers.iter().rev().skip(1).any(raw) || !layers.last().is_some_and(raw) {
        return Err(Error::corrupt("all layers but the last must have multipliers"));
    }
    let network = Network::dense(layers)?;
    let features = network.outputs();
    let mut column = || (0..features).map(|_| r.f64("output scale")).collect::<Result<Vec<_>>>();
    let (scales, offsets) = (column()?, column()?);
    let scales = scales.into_iter().zip(offsets).map(|(scale, offset)| OutputScale { scale, offset });
    let output = Output::affine(scales.collect())?;
    let names = names(r, features, |r| {
        let length = r.u32("length of a name")? as usize;
        r.take(length, "name")
    })?;
    Decoder::new(network, output, names, Blocks::Frames)
}

fn read_dense(r: &mut Reader) -> Result<FrozenDense> {
    let kind = r.u8("kind of layer")?;
    if kind != INNER && kind != LAST {
        return Err(Error::unsupported(format!("of kind {kind}, unknown to this program")));
    }
    let (inputs, outputs) = (r.u32("inputs")? as usize, r.u32("outputs")? as usize);
    let (weights, bias) = weights_and_bias(r, inputs, outputs)?;
    let requantise = match kind {
        INNER => Some(requantise(r, outputs)?),
        _ => None,
    };
    FrozenDense::new(inputs, outputs, weights, bias, requantise)
}

fn names<'a>(
    r: &mut Reader<'a>,
    features: usize,
    name: impl Fn(&mut Reader<'a>) -> Result<&'a [u8]>,
) -> Result<Vec<String>> {
    let one = |r: &mut Reader<'a>| {
        let bytes = name(r)?.to_vec();
        String::from_utf8(bytes).map_err(|_| Error::corrupt("a feature's name is not UTF-8"))
    };
    match r.u8("names")? {
        0 => Ok(vec![]),
        1 => (0..features).map(|_| one(r)).collect(),
        other => Err(Error::corrupt(format!("names are marked {other}, neither 0 nor 1"))),
    }
}

// Layout 3.

fn network_to_bytes(decoder: &Decoder) -> Vec<u8> {
    let mut out = vec![LAYOUT];
    match decoder.blocks() {
        Blocks::Frames => out.push(0),
        Blocks::Runs => out.push(1),
        Blocks::Tiles(extents) => {
            out.extend([2, extents.len() as u8]);
            extents.iter().for_each(|&e| put_varint(&mut out, e as u64));
        }
    }
    put_varint(&mut out, decoder.network().sequence() as u64);
    put_network(&mut out, decoder.network());
    put_varint(&mut out, decoder.output().sets().len() as u64);
    for lines in decoder.output().sets() {
        put_varint(&mut out, lines.more.len() as u64);
        lines.more.iter().for_each(|(start, _)| out.extend(start.to_le_bytes()));
        let scales = std::iter::once(&lines.first).chain(lines.more.iter().map(|(_, s)| s));
        scales.for_each(|s| put_f64s(&mut out, [s.scale, s.offset]));
    }
    out.push(!decoder.names().is_empty() as u8);
    decoder.names().iter().for_each(|name| put_bytes(&mut out, name.as_bytes()));
    out
}

fn read_network_decoder(r: &mut Reader) -> Result<Decoder> {
    let blocks = match r.u8("rows")? {
        0 => Blocks::Frames,
        1 => Blocks::Runs,
        2 => {
            let axes = r.u8("axes of tiles")? as usize;
            let extents = (0..axes.min(MOST_AXES + 1)).map(|_| r.count(MOST_WIDTH, "extent of tiles"));
            Blocks::Tiles(extents.collect::<Result<_>>()?)
        }
        other => return Err(Error::unsupported(format!("rows {other} are of a later version"))),
    };
    let network = read_network(r)?;
    let sets = r.count(network.outputs(), "output scales")?;
    let output = Output::new((0..sets).map(|_| lines(r)).collect::<Result<_>>()?)?;
    let names = names(r, network.outputs(), |r| r.bytes("name"))?;
    Decoder::new(network, output, names, blocks).map_err(|e| Error::corrupt(e.to_string()))
}

fn lines(r: &mut Reader) -> Result<Lines> {
    let more = r.count(r.remaining() / 20, "output lines")?;
    let starts = (0..more).map(|_| Ok(r.u32("start")? as i32)).collect::<Result<Vec<_>>>()?;
    let mut line = || Ok::<_, Error>(OutputScale { scale: r.f64("scale")?, offset: r.f64("offset")? });
    let first = line()?;
    let more = starts.into_iter().map(|start| Ok((start, line()?))).collect::<Result<_>>()?;
    Ok(Lines { first, more })
}

fn read_network(r: &mut Reader) -> Result<Network> {
    let sequence = r.count(MOST_SEQUENCE, "sequence")?;
    network::read(r, sequence)
}

#[cfg(test)]
pub mod tests {
    use super::super::file::tests::small;
    use super::*;

    #[test]
    fn bytes_come_back_as_the_decoder_they_were() {
        let decoder = small().frozen.decoder;
        let bytes = decoder.to_bytes();
        assert_eq!(bytes[0], DENSE_LAYOUT);
        let again = Decoder::from_bytes(&bytes).unwrap();
        assert!(again == decoder);
        assert_eq!(again.to_bytes(), bytes);
        let (network, output) = (decoder.network().clone(), decoder.output().clone());
        for blocks in [Blocks::Frames, Blocks::Runs, Blocks::Tiles(vec![3, 1])] {
            let other = Decoder::new(network.clone(), output.clone(), vec![], blocks.clone()).unwrap();
            let bytes = other.to_bytes();
            assert_eq!(bytes[0], if blocks == Blocks::Frames { DENSE_LAYOUT } else { LAYOUT });
            assert!(Decoder::from_bytes(&bytes).unwrap() == other);
        }
        let encoder = small().frozen.encoder;
        assert!(Encoder::from_bytes(&encoder.to_bytes()).unwrap() == encoder);
    }

    #[test]
    fn damage_never_panics() {
        let decoder = small().frozen.decoder;
        let tiled = Decoder::new(
            decoder.network().clone(),
            decoder.output().clone(),
            decoder.names().to_vec(),
            Blocks::Tiles(vec![1, 3]),
        );
        for bytes in [decoder.to_bytes(), tiled.unwrap().to_bytes()] {
            survives(&bytes);
        }
    }

    /// Every cut is an error; behind every flipped bit there is an error, or another decoder, which must run.
    pub fn survives(bytes: &[u8]) {
        for end in 0..bytes.len() {
            assert!(Decoder::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
        }
        assert!(Decoder::from_bytes(&[bytes, &[0]].concat()).is_err());
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(decoder) = Decoder::from_bytes(&damaged) {
                let rows = if decoder.features().max(decoder.latents()) < 10_000 { 5 } else { 1 };
                let latents: Vec<i16> =
                    (0..rows * decoder.latents()).map(|i| (i * 7907 % 16383) as i16 - 8191).collect();
                if decoder.network().work() < 1 << 24 {
                    let mut out = vec![0.0; rows * decoder.features()];
                    decoder.decode(&latents, &mut out).unwrap();
                    assert!(out.iter().all(|x| x.is_finite()), "bit {bit}");
                }
            }
        }
    }

    #[test]
    fn sizes_are_not_believed() {
        // Two layers of 4 Gi x 4 Gi weights in a dozen bytes.
        let bytes = [&[DENSE_LAYOUT, 2, 0, INNER][..], &[255; 8], &[0; 4]].concat();
        assert!(Decoder::from_bytes(&bytes).is_err());
        assert!(Decoder::from_bytes(&[DENSE_LAYOUT, 0, 0, 0]).is_err());
    }
}
