//! A transformer layer as steps: norms, dense layers and attention, between what is kept and the sums it goes into.

use std::f64::consts::LOG2_E;

use super::super::float::pointwise::EPSILON;
use super::super::frozen::MAX_ACTIVATION;
use super::super::layers::Layer;
use super::super::network::{Add, Attention, MOST_EPSILON, Norm, Step, offset};
use super::calibrate::Range;
use super::linear::{Real, shifted};
use super::{Freezer, dense, requantised};
use crate::error::{Error, Result};

impl Freezer<'_> {
    /// Layer `i`, a transformer's. All of its sums have one step for all values.
    pub fn transformer(&mut self, i: usize) -> Result<()> {
        let of = self.layers[i];
        let Layer::Transformer { norm_first, .. } = of.layer else { unreachable!("{}", of.layer.kind()) };
        let ranges = self.ranges.within[i].as_ref().expect("seen within each transformer");
        let t: Vec<&[f32]> = of.tensors.iter().map(|t| &t[..]).collect();
        let width = of.input[0];
        self.uniform(width, i)?;

        let before = self.scales[0].step;
        self.steps.push(Step::Keep);
        if norm_first {
            self.norm([t[8], t[9]], &ranges.seen)?;
        }
        self.dense([t[0], t[1]], &ranges.projected)?;
        self.attention(width)?;
        self.dense([t[2], t[3]], &ranges.attended)?;
        self.add(before, &ranges.sum)?;
        if !norm_first {
            self.norm([t[8], t[9]], &ranges.middle)?;
        }

        let before = self.scales[0].step;
        self.steps.push(Step::Keep);
        if norm_first {
            self.norm([t[10], t[11]], &ranges.middle)?;
        }
        self.dense([t[4], t[5]], &ranges.raised[0])?;
        let step = self.push_gelu(self.scales[0].step, ranges.raised[1].step(0))?;
        self.set_steps(&[step], t[5].len());
        self.dense([t[6], t[7]], &ranges.added)?;
        self.add(before, &ranges.last)?;
        if !norm_first {
            self.norm([t[10], t[11]], &self.ranges.behind[i])?;
        }
        Ok(())
    }

    fn dense(&mut self, [weights, bias]: [&[f32]; 2], range: &Range) -> Result<()> {
        let inputs = self.scales.len();
        let step = |n: usize| self.scales[n % inputs].step;
        let real = Real {
            weights: weights.iter().enumerate().map(|(n, &w)| w as f64 * step(n)).collect(),
            bias: bias.iter().map(|&b| b as f64).collect(),
            phases: vec![],
        };
        let make = |linear| Ok(Step::Dense(dense(inputs, linear)?));
        let (made, steps) = requantised(&real, range, 1, 1.0, make)?;
        self.steps.push(made);
        self.set_steps(&steps, 1);
        Ok(())
    }

    /// The mean of values keeps their steps.
    fn attention(&mut self, width: usize) -> Result<()> {
        let product = self.scales[0].step * self.scales[width].step;
        // 4096ths of an octave a unit of the product.
        let factor = product / (width as f64).sqrt() * LOG2_E * 4096.0;
        let (shift, multipliers) = shifted(&[factor], 0..=47, 0);
        self.steps.push(Step::Attention(Attention { shift, multiplier: multipliers[0] }.checked()?));
        self.scales.drain(..2 * width);
        Ok(())
    }

    /// The sum with what was kept, whose step is `before`.
    fn add(&mut self, before: f64, range: &Range) -> Result<()> {
        let since = self.scales[0].step;
        let step = match range.step(0) {
            0.0 => before,
            step => step,
        };
        let (shift, multipliers) = shifted(&[before / step, since / step], 1..=30, 0);
        self.steps.push(Step::Add(Add { shift, kept: multipliers[0], since: multipliers[1] }.checked()?));
        self.set_steps(&[step], self.scales.len());
        Ok(())
    }

    fn norm(&mut self, [weight, bias]: [&[f32]; 2], range: &Range) -> Result<()> {
        let width = weight.len();
        let root = (width as f64).sqrt();
        let otherwise = |i: usize| weight[i].abs().max(1e-6) as f64 / MAX_ACTIVATION as f64;
        let steps = self.steps_of(range, width, 1, otherwise);
        // c r 2^(half - 31) is c / sqrt(n); times sqrt(width), a normal deviate.
        let factors: Vec<f64> = weight.iter().zip(&steps).map(|(&w, step)| root * w as f64 / step).collect();
        let (shift, multipliers) = shifted(&factors, Norm::SHIFTS, 31);
        let offsets = bias.iter().zip(&steps).map(|(&b, step)| offset(b as f64 / step)).collect();
        let epsilon = (EPSILON * width as f64 * (16.0 / self.scales[0].step).powi(2)).round();
        if epsilon > MOST_EPSILON as f64 {
            return Err(Error::unsupported("a layer norm of values too small"));
        }
        self.steps.push(Step::Norm(Norm::new(epsilon as u64, shift, multipliers, offsets)?));
        self.set_steps(&steps, 1);
        Ok(())
    }
}
