//! How a chunk's predictions are made and what they miss is coded: the choice between walks, and their streams.

use super::Level;
use super::base::Recipe;
use super::base::bands::Grouping;
use super::dispatch::{fast_analyse, fast_fit, fast_read_base, fast_walk, fast_write_base};
use super::domain::{Domain, Real};
use super::kernel::{Chunk, LANES};
use super::taps::tap_count;
use crate::codec::bytes::{Reader, put_bytes};
use crate::codec::range_coder::{Decoder, Encoder};
use crate::error::{Error, Result};

/// Which walk a chunk takes. The high bits of the format's mode byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// Least-squares prediction, adaptive contexts, two lanes.
    Plain = 0,
    /// The same over a wavelet base.
    Based = 3,
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
            3 => Ok(Walk::Based),
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
    let _ = level;
    let Signal { smooth, mean, dims, step } = signal;
    let recipe = std::env::var("BASE").ok().map(|b| {
        let mut p = b.split(',').map(|x| x.parse::<usize>().unwrap());
        Recipe { grouping: Grouping::ALL[p.next().unwrap()], eighths: p.next().unwrap() as u8 }
    });
    let mut base = vec![];
    let mut rest;
    let (mut smooth, mut mean) = (smooth, mean);
    if let Some(recipe) = recipe {
        let mut v: Vec<f32> = smooth.iter().map(|&x| ((x.to_f64() - mean.to_f64()) / step) as f32).collect();
        fast_analyse(&mut v, dims, recipe.grouping, plain);
        let before = out.len();
        fast_write_base(out, &mut v, dims, recipe, plain);
        if std::env::var("SAY").is_ok() {
            eprint!("base {} ", out.len() - before);
        }
        base = v.iter().map(|&b| domain.distance(b)).collect();
        rest = smooth.to_vec();
        rest.iter_mut().zip(&base).for_each(|(x, &b)| *x = x.minus(mean).minus(b));
        smooth = &rest;
        mean = D::Work::default();
    }
    let weights = fast_fit(smooth, mean, dims, step, plain);
    weights.iter().for_each(|w| out.extend_from_slice(&w.to_le_bytes()));
    let mut coders = [0; LANES].map(|_| Encoder::with_capacity(values.len() / 2));
    fast_walk(domain, &mut coders, Chunk { dims, weights: &weights, special, base: &base, values }, plain);
    let [first, second] = coders.map(Encoder::finish);
    put_bytes(out, &first.0);
    put_bytes(out, &first.1);
    put_bytes(out, &second.0);
    out.extend_from_slice(&second.1);
    if recipe.is_some() { Walk::Based } else { Walk::Plain }
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
    let mut base = vec![];
    match walk {
        Walk::Plain => {}
        Walk::Based => {
            let v = fast_read_base(&mut r, dims, plain)?;
            base = v.iter().map(|&b| domain.distance(b)).collect();
        }
    }
    let weights = (0..tap_count(dims)).map(|_| r.i16("weight")).collect::<Result<Vec<_>>>()?;
    let first = Decoder::new(r.bytes("first lane")?, r.bytes("first lane's raw bits")?);
    let second = Decoder::new(r.bytes("second lane")?, r.rest());
    let chunk = Chunk { dims, weights: &weights, special, base: &base, values };
    fast_walk(domain, &mut [first, second], chunk, plain);
    Ok(())
}
