//! How a chunk's predictions are made and what they miss is coded: the choice between walks, and their streams.

use super::Level;
use super::deep;
use super::dispatch::{deep_walk, fast_fit, fast_walk};
use super::domain::Domain;
use super::kernel::{Chunk, LANES};
use super::taps::tap_count;
use crate::codec::bytes::{Reader, put_bytes};
use crate::codec::range_coder::{Decoder, Encoder};
use crate::error::{Error, Result};

/// Which walk a chunk takes. The high bits of the format's mode byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// Least-squares prediction, adaptive contexts, two lanes.
    Plain,
    /// Predictors and contexts that learn from their surroundings, one stream. See [`deep`].
    Deep = 2,
}

impl Walk {
    /// Its bits in the mode byte.
    pub fn to_bits(self) -> u8 {
        (self as u8) << 4
    }

    /// The inverse of [`Walk::to_bits`].
    pub fn from_bits(bits: u8) -> Result<Walk> {
        match bits >> 4 {
            0 => Ok(Walk::Plain),
            2 => Ok(Walk::Deep),
            other => Err(Error::unsupported(format!("field walk {other} is of a later version"))),
        }
    }
}

/// A chunk's values as the encoder analyses them, before it decides how to code them.
#[derive(Clone, Copy)]
pub struct Signal<'a, W> {
    /// The values, special ones smoothed over.
    pub smooth: &'a [W],
    /// What is subtracted from them.
    pub mean: W,
    /// Planes, rows, columns.
    pub dims: [usize; 3],
    /// Distance between reconstructions.
    pub step: f64,
}

/// Appends the walk over `values`, which become the reconstructions; places with a nonzero `special` are passed over.
/// Without a level it is the plain one.
pub fn write<D: Domain>(
    out: &mut Vec<u8>,
    domain: D,
    signal: Signal<D::Work>,
    special: &[u8],
    values: &mut [D::Value],
    level: Option<Level>,
    plain: bool,
) -> Walk {
    if level != Some(Level::Max) {
        write_plain(out, domain, signal, special, values, plain);
        return Walk::Plain;
    }
    let mut others = values.to_vec();
    let mut other = vec![];
    write_deep(&mut other, domain, signal.dims, special, &mut others, plain);
    let start = out.len();
    write_plain(out, domain, signal, special, values, plain);
    if out.len() - start <= other.len() {
        return Walk::Plain;
    }
    values.copy_from_slice(&others);
    out.truncate(start);
    out.append(&mut other);
    Walk::Deep
}

fn write_plain<D: Domain>(
    out: &mut Vec<u8>,
    domain: D,
    signal: Signal<D::Work>,
    special: &[u8],
    values: &mut [D::Value],
    plain: bool,
) {
    let Signal { smooth, mean, dims, step } = signal;
    let weights = fast_fit(smooth, mean, dims, step, plain);
    weights.iter().for_each(|w| out.extend_from_slice(&w.to_le_bytes()));
    let mut coders = [0; LANES].map(|_| Encoder::with_capacity(values.len() / 2));
    fast_walk(domain, &mut coders, Chunk { dims, weights: &weights, special, values }, plain);
    let [first, second] = coders.map(Encoder::finish);
    put_bytes(out, &first.0);
    put_bytes(out, &first.1);
    put_bytes(out, &second.0);
    out.extend_from_slice(&second.1);
}

fn write_deep<D: Domain>(
    out: &mut Vec<u8>,
    domain: D,
    dims: [usize; 3],
    special: &[u8],
    values: &mut [D::Value],
    plain: bool,
) {
    let mut coder = Encoder::with_capacity(values.len() / 2);
    deep_walk(domain, &mut coder, deep::Chunk { dims, base: &[], special, values }, plain);
    let (coded, raw) = coder.finish();
    put_bytes(out, &coded);
    out.extend_from_slice(&raw);
}

/// The inverse of [`write`].
pub fn read<D: Domain>(
    mut r: Reader,
    walk: Walk,
    domain: D,
    dims: [usize; 3],
    special: &[u8],
    values: &mut [D::Value],
    plain: bool,
) -> Result<()> {
    match walk {
        Walk::Plain => {
            let weights = (0..tap_count(dims)).map(|_| r.i16("weight")).collect::<Result<Vec<_>>>()?;
            let first = Decoder::new(r.bytes("first lane")?, r.bytes("first lane's raw bits")?);
            let second = Decoder::new(r.bytes("second lane")?, r.rest());
            let chunk = Chunk { dims, weights: &weights, special, values };
            fast_walk(domain, &mut [first, second], chunk, plain);
        }
        Walk::Deep => {
            let mut coder = Decoder::new(r.bytes("coded decisions")?, r.rest());
            deep_walk(domain, &mut coder, deep::Chunk { dims, base: &[], special, values }, plain);
        }
    }
    Ok(())
}
