//! A model of fields as an archive carries it (format.md, section 8.2): the same model gives the same bytes.

use super::{FieldModel, MOST_HIDDEN, MOST_UNITS, OUTPUTS, width};
use crate::codec::bytes::{Reader, put_varint, put_zigzag};
use crate::error::{Error, Result};
use crate::model::frozen::{FrozenDense, Requantise};

/// The layout's number.
pub const LAYOUT: u8 = 4;

impl FieldModel {
    /// The compact form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![LAYOUT, self.planar() as u8];
        put_varint(&mut out, self.layers().len() as u64 - 1);
        self.hidden().iter().for_each(|&n| put_varint(&mut out, n as u64));
        for layer in self.layers() {
            layer.weights().iter().for_each(|&w| put_zigzag(&mut out, w as i64));
            layer.bias().iter().for_each(|&b| put_zigzag(&mut out, b as i64));
            if let Some(r) = layer.requantise() {
                out.push(r.shift as u8);
                r.positive.iter().for_each(|&m| put_varint(&mut out, m as u64));
            }
        }
        self.gains().iter().for_each(|g| out.extend_from_slice(&g.to_le_bytes()));
        out
    }

    /// The inverse of [`FieldModel::to_bytes`]; all of `bytes` must be used. Everything is validated, the proof that no sum
    /// overflows included. Takes memory of a few times `bytes`.
    pub fn from_bytes(bytes: &[u8]) -> Result<FieldModel> {
        read(bytes).map_err(|e| e.at("model of fields"))
    }
}

fn read(bytes: &[u8]) -> Result<FieldModel> {
    let mut r = Reader::new(bytes);
    match r.u8("layout")? {
        LAYOUT => {}
        other => {
            return Err(Error::unsupported(format!("layout {other} where this program reads {LAYOUT}")));
        }
    }
    let planar = match r.u8("dimensions")? {
        0 => false,
        1 => true,
        other => return Err(Error::unsupported(format!("dimensions {other} are of a later version"))),
    };
    let count = r.count(MOST_HIDDEN, "number of hidden layers")?;
    let mut widths = vec![width(planar)];
    for _ in 0..count {
        widths.push(r.count(MOST_UNITS, "hidden units")?);
    }
    widths.push(OUTPUTS);
    let mut layers = vec![];
    for (i, pair) in widths.windows(2).enumerate() {
        let layer = read_layer(&mut r, (pair[0], pair[1]), i == count);
        layers.push(layer.map_err(|e| e.at(format!("layer {i}")))?);
    }
    let gains = [r.f32("gain")?, r.f32("gain")?];
    r.finish("the model")?;
    FieldModel::new(planar, layers, gains)
}

fn read_layer(r: &mut Reader, (inputs, outputs): (usize, usize), last: bool) -> Result<FrozenDense> {
    if inputs * outputs > r.remaining() {
        return Err(Error::truncated(format!("{inputs} to {outputs}: its weights are not there")));
    }
    let weight = |n: i64| i16::try_from(n).map_err(|_| Error::corrupt(format!("weight {n}")));
    let bias = |n: i64| i32::try_from(n).map_err(|_| Error::corrupt(format!("bias {n}")));
    let weights = (0..inputs * outputs).map(|_| weight(r.zigzag("weight")?)).collect::<Result<Vec<_>>>()?;
    let bias = (0..outputs).map(|_| bias(r.zigzag("bias")?)).collect::<Result<Vec<_>>>()?;
    let requantise = match last {
        true => None,
        false => {
            let shift = r.u8("shift")? as u32;
            let multiplier = |r: &mut Reader| Ok(r.count(i16::MAX as usize, "multiplier")? as i16);
            let positive = (0..outputs).map(|_| multiplier(r)).collect::<Result<Vec<_>>>()?;
            Some(Requantise { shift, positive, negative: vec![0; outputs] })
        }
    };
    FrozenDense::new(inputs, outputs, weights, bias, requantise)
}
