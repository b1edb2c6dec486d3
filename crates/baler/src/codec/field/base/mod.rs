//! The base: a coarse wavelet approximation under the predictive walk (format.md, section 5.4).
//!
//! Smooth data costs next to nothing in coefficients that are far coarser than the bound; what they miss is left to
//! the walk, which sees both sides of it as small numbers.

pub mod bands;
pub mod coefficients;
pub mod wavelet;

use crate::codec::bytes::{Reader, put_bytes};
use crate::codec::range_coder::{Decoder, Encoder};
use crate::error::{Error, Result};
use bands::Grouping;
use coefficients::{Quantiser, code};

/// How a base is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// Which axes are taken together.
    pub grouping: Grouping,
    /// The coefficients' step, in eighths of the walk's.
    pub eighths: u8,
}

impl Recipe {
    fn quantiser(self) -> Quantiser {
        Quantiser { step: self.eighths as f32 / 8.0 }
    }
}

/// Coefficients of `v`, of `dims`, in steps of the walk.
#[inline(always)]
pub fn analyse(v: &mut [f32], dims: [usize; 3], grouping: Grouping) {
    wavelet::transform(v, dims, &bands::plan(dims, grouping).0, true);
}

/// Appends a base of the coefficients `v` of `dims`, which become what a decoder will make of them, in steps.
#[inline(always)]
pub fn write(out: &mut Vec<u8>, v: &mut [f32], dims: [usize; 3], recipe: Recipe) {
    let (splits, bands) = bands::plan(dims, recipe.grouping);
    let mut coder = Encoder::with_capacity(v.len() / 16);
    code(&mut coder, v, dims, &bands, recipe.quantiser());
    let (words, raw) = coder.finish();
    out.push(recipe.grouping as u8);
    out.push(recipe.eighths);
    put_bytes(out, &words);
    put_bytes(out, &raw);
    wavelet::transform(v, dims, &splits, false);
}

/// The inverse of [`write`].
#[inline(always)]
pub fn read(r: &mut Reader, dims: [usize; 3]) -> Result<Vec<f32>> {
    let (grouping, eighths) = (r.u8("grouping of axes")?, r.u8("step of coefficients")?);
    let grouping = *Grouping::ALL
        .get(grouping as usize)
        .ok_or_else(|| Error::unsupported(format!("grouping {grouping} of axes is of a later version")))?;
    let (words, raw) = (r.bytes("coefficients")?, r.bytes("coefficients' raw bits")?);
    let (splits, bands) = bands::plan(dims, grouping);
    let mut v = vec![0.0; dims.iter().product()];
    let recipe = Recipe { grouping, eighths };
    code(&mut Decoder::new(words, raw), &mut v, dims, &bands, recipe.quantiser());
    wavelet::transform(&mut v, dims, &splits, false);
    Ok(v)
}
