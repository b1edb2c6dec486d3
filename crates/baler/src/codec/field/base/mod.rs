//! The base: a coarse wavelet approximation under the predictive walk (format.md, section 5.4).
//!
//! Smooth data costs next to nothing in coefficients that are far coarser than the bound; what they miss is left to
//! the walk, which sees both sides of it as small numbers.

pub mod bands;
mod block;
mod coefficients;
mod contexts;
mod magnitudes;
mod six;
pub mod wavelet;

use crate::codec::bytes::{Reader, put_bytes};
use crate::codec::range_coder::{Decoder, Encoder};
use crate::error::{Error, Result};
use bands::Grouping;
use coefficients::{Quantiser, code};
use contexts::Three;
use six::Six;

/// The coding of coefficients that is written, beside the grouping: the high bits of a base's first byte.
const CODING: u8 = 1 << 4;
/// How a base is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// Which axes are taken together.
    pub grouping: Grouping,
    /// The coefficients' step, in eighths of the walk's.
    pub eighths: u8,
    /// Up to this class of expected magnitude, blocks are asked whether they are all zero.
    pub asked: u8,
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
    code(&mut coder, v, dims, &bands, recipe.quantiser(), Three::new(recipe.asked));
    let (words, raw) = coder.finish();
    out.push(recipe.grouping as u8 | CODING);
    out.push(recipe.eighths);
    out.push(recipe.asked);
    put_bytes(out, &words);
    put_bytes(out, &raw);
    wavelet::transform(v, dims, &splits, false);
}

/// The inverse of [`write()`].
#[inline(always)]
pub fn read(r: &mut Reader, dims: [usize; 3]) -> Result<Vec<f32>> {
    let (byte, eighths) = (r.u8("grouping of axes")?, r.u8("step of coefficients")?);
    let (grouping, coding) = (byte & 15, byte & !15);
    let grouping = *Grouping::ALL
        .get(grouping as usize)
        .ok_or_else(|| Error::unsupported(format!("grouping {grouping} of axes is of a later version")))?;
    let asked = if coding == CODING { r.u8("blocks asked for")? } else { 0 };
    let (words, raw) = (r.bytes("coefficients")?, r.bytes("coefficients' raw bits")?);
    let (splits, bands) = bands::plan(dims, grouping);
    let mut v = vec![0.0; dims.iter().product()];
    let recipe = Recipe { grouping, eighths, asked };
    let (mut coder, quantiser) = (Decoder::new(words, raw), recipe.quantiser());
    match coding {
        0 => code(&mut coder, &mut v, dims, &bands, quantiser, Six::new()),
        CODING => code(&mut coder, &mut v, dims, &bands, quantiser, Three::new(asked)),
        _ => {
            return Err(Error::unsupported(format!(
                "coding {} of coefficients is of a later version",
                coding >> 4
            )));
        }
    }
    wavelet::transform(&mut v, dims, &splits, false);
    Ok(v)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A smooth field with a step in it.
    fn field(dims: [usize; 3]) -> Vec<f32> {
        let [_, ny, nx] = dims;
        let wave = |i: usize, n: f32| {
            let t = i as f32 / n % 2.0 - 1.0;
            t * (1.0 - t.abs()) * 300.0
        };
        let at = |i: usize| (i / nx / ny, i / nx % ny, i % nx);
        (0..dims.iter().product())
            .map(at)
            .map(|(z, y, x)| wave(z, 11.0) + wave(y, 17.0) * wave(x, 23.0) + if x > 40 { 50.0 } else { 0.0 })
            .collect()
    }

    const SHAPES: [[usize; 3]; 9] = [
        [1, 1, 1],
        [1, 1, 7],
        [1, 1, 300],
        [1, 8, 33],
        [2, 9, 64],
        [9, 2, 70],
        [16, 17, 18],
        [40, 50, 1],
        [33, 31, 65],
    ];

    #[test]
    fn the_wavelet_comes_back() {
        for dims in SHAPES {
            for grouping in Grouping::ALL {
                let original = field(dims);
                let mut v = original.clone();
                analyse(&mut v, dims, grouping);
                wavelet::transform(&mut v, dims, &bands::plan(dims, grouping).0, false);
                let worst = v.iter().zip(&original).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(worst < 0.05, "{dims:?} {grouping:?}: {worst}");
            }
        }
    }

    #[test]
    fn a_base_is_read_as_it_was_left() {
        for dims in SHAPES {
            for grouping in Grouping::ALL {
                for (eighths, asked) in [(1, 0), (16, 4), (16, 255), (200, 30)] {
                    let mut v = field(dims);
                    let original = v.clone();
                    analyse(&mut v, dims, grouping);
                    let mut out = vec![];
                    write(&mut out, &mut v, dims, Recipe { grouping, eighths, asked });
                    let mut r = Reader::new(&out);
                    assert!(read(&mut r, dims).unwrap() == v, "{dims:?} {grouping:?} {eighths}");
                    r.finish("base").unwrap();
                    let mean =
                        v.iter().zip(&original).map(|(a, b)| (a - b).abs()).sum::<f32>() / v.len() as f32;
                    assert!(mean < eighths as f32 / 8.0, "{dims:?} {grouping:?} {eighths}: {mean}");
                }
            }
        }
    }

    #[test]
    fn damaged_bases_are_numbers_or_errors() {
        let dims = [9, 10, 40];
        let mut v = field(dims);
        analyse(&mut v, dims, Grouping::Planes);
        let mut out = vec![];
        write(&mut out, &mut v, dims, Recipe { grouping: Grouping::Planes, eighths: 9, asked: 9 });
        for i in 0..out.len().min(400) {
            for bit in [1, 16, 128] {
                let mut bad = out.clone();
                bad[i] ^= bit;
                if let Ok(v) = read(&mut Reader::new(&bad), dims) {
                    assert!(v.iter().all(|x| x.is_finite()));
                }
            }
        }
    }
}
