//! A value foreseen from other columns of its row by a small network: linear models, gated smoothly (format.md, 6.1).
//!
//! Tables hold columns that follow from others, E from px, py, pz or a correction from what it corrects, but none is a
//! function of the others to the bit once all are rounded within bounds. A dozen units learn such laws to less than
//! a step, and take some hundred bytes. Mixtures of linear models are Jacobs, Jordan, Nowlan and Hinton's
//! (1991); here gates are z / sqrt(1 + z^2), which every processor rounds alike, and multiply a plane each: products
//! of two columns then need no great number of them.

mod fit;
mod levenberg;

pub use fit::fit;

use crate::codec::bytes::Reader;
use crate::error::{Error, Result};

/// Columns that a network looks at, at most.
pub const MOST_INPUTS: usize = 6;
/// Units of a network, at most.
const MOST_UNITS: usize = 32;
/// Rows side by side: two vectors of AVX2.
const LANES: usize = 8;

/// A column that a network looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Input {
    /// Its place in the list of columns, or among candidates.
    column: usize,
    centre: f32,
    scale: f32,
}

/// A network: a plane over its inputs, then for each unit the planes of its gate and of what passes.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    inputs: Vec<Input>,
    weights: Vec<f32>,
}

impl Network {
    /// The columns that it looks at: places in the list of columns as read, of candidates as fitted.
    pub fn inputs(&self) -> impl Iterator<Item = usize> + '_ {
        self.inputs.iter().map(|i| i.column)
    }

    /// What is foreseen in all of the first `rows` rows, given the whole columns of the inputs.
    #[inline(always)]
    pub fn foresee(&self, columns: &[&[i64]], rows: usize) -> Vec<i64> {
        let mut out = vec![0; rows];
        let weights: Vec<f64> = self.weights.iter().map(|&w| w.into()).collect();
        for (block, out) in out.chunks_mut(LANES).enumerate() {
            let mut x = [[0.0; LANES]; MOST_INPUTS];
            for ((x, column), input) in x.iter_mut().zip(columns).zip(&self.inputs) {
                let (centre, scale) = (input.centre as f64, input.scale as f64);
                let here = &column[block * LANES..];
                x.iter_mut().zip(here).for_each(|(x, &v)| *x = (v as f64 - centre) * scale);
            }
            let plane = |w: &[f64]| {
                let mut sum = [w[0]; LANES];
                for (w, x) in w[1..].iter().zip(&x) {
                    sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += w * x);
                }
                sum
            };
            let (base, units) = weights.split_at(self.inputs.len() + 1);
            let mut y = plane(base);
            for unit in units.chunks_exact(2 * base.len()) {
                let (gate, passing) = unit.split_at(base.len());
                let (z, a) = (plane(gate), plane(passing));
                for i in 0..LANES {
                    y[i] += z[i] / (1.0 + z[i] * z[i]).sqrt() * a[i];
                }
            }
            out.iter_mut().zip(y).for_each(|(out, y)| *out = (y + 0.5).floor() as i64);
        }
        out
    }

    /// Appends it; its inputs stand in the list of columns from place `first` on.
    pub fn write(&self, out: &mut Vec<u8>, first: usize) {
        out.push(self.inputs.len() as u8);
        for (i, input) in self.inputs.iter().enumerate() {
            out.push((first + i) as u8);
            out.extend(input.centre.to_le_bytes());
            out.extend(input.scale.to_le_bytes());
        }
        let plane = self.inputs.len() + 1;
        out.push((self.weights.len() / plane / 2) as u8);
        self.weights.iter().for_each(|w| out.extend(w.to_le_bytes()));
    }

    /// The inverse of [`Network::write`], where the list has so many `columns`.
    pub fn read(r: &mut Reader, columns: usize) -> Result<Network> {
        let count = r.count(MOST_INPUTS, "number of inputs")?;
        if count == 0 || columns == 0 {
            return Err(Error::corrupt("a network without inputs"));
        }
        let input = |r: &mut Reader| {
            Ok(Input {
                column: r.count(columns - 1, "input")?,
                centre: r.f32("centre")?,
                scale: r.f32("scale")?,
            })
        };
        let inputs = (0..count).map(|_| input(r)).collect::<Result<_>>()?;
        let units = r.count(MOST_UNITS, "number of units")?;
        let weights = (0..(2 * units + 1) * (count + 1)).map(|_| r.f32("weight")).collect::<Result<_>>()?;
        Ok(Network { inputs, weights })
    }
}

#[cfg(test)]
mod tests;
