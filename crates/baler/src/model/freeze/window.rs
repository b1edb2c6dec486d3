//! Sums as steps: over all values or over windows, with the finest activations that no overflow allows.

use super::super::float::FloatLayer;
use super::super::frozen::FrozenDense;
use super::super::layers::Layer;
use super::super::network::{Axis, Conv, Linear, Step};
use super::calibrate::Range;
use super::linear::Real;
use super::volume;
use crate::error::Result;

/// A sum over all values.
pub(super) fn dense(inputs: usize, linear: Linear) -> Result<FrozenDense> {
    let Linear { weights, bias, requantise } = linear;
    FrozenDense::new(inputs, bias.len(), weights, bias, requantise)
}

/// A step of activations made of sums: of the steps that `range` gives, or as near to those as no overflow allows.
pub(super) fn requantised<T>(
    real: &Real,
    range: &Range,
    positions: usize,
    slope: f64,
    make: impl Fn(Linear) -> Result<T>,
) -> Result<(T, Vec<f64>)> {
    let count = real.bias.len();
    let group = |o: usize| range.group(o * positions);
    let mut least = vec![0.0f64; (0..count).map(group).max().map_or(0, |g| g + 1)];
    for o in 0..count {
        least[group(o)] = least[group(o)].max(real.least_step(o)).max(range.step(o * positions));
    }
    let mut steps: Vec<f64> = (0..count).map(|o| least[group(o)]).collect();
    // What is always 0 has any step.
    steps.iter_mut().filter(|s| !s.is_normal()).for_each(|s| *s = 1.0);
    for _ in 0..40 {
        if let Ok(made) = make(real.requantised(&steps, slope)) {
            return Ok((made, steps));
        }
        // Rounding of the weights went beyond the proof.
        steps.iter_mut().for_each(|s| *s *= 1.005);
    }
    Ok((make(real.requantised(&steps, slope))?, steps))
}

/// Where a sum looks.
pub(super) enum Window {
    /// At all values.
    None,
    /// Around a position.
    Of {
        /// Its axes.
        axes: Vec<Axis>,
        /// Whether it is a transpose.
        transposed: bool,
    },
}

impl Window {
    /// Where the sum of a layer looks.
    pub fn of(of: &FloatLayer) -> Window {
        let axes = |kernel: &[usize], stride: &[usize], padding: &[usize], more: &[usize]| {
            let at = |list: &[usize], i, default| list.get(i).copied().unwrap_or(default);
            let axis = |(i, &kernel)| Axis {
                extent: of.input[i + 1],
                kernel,
                stride: at(stride, i, 1),
                padding: at(padding, i, 0),
                more: at(more, i, 0),
            };
            kernel.iter().enumerate().map(axis).collect()
        };
        match &of.layer {
            Layer::Conv { kernel, stride, padding, .. } => {
                Window::Of { axes: axes(kernel, stride, padding, &[]), transposed: false }
            }
            Layer::ConvTransposed { kernel, stride, padding, output_padding, .. } => {
                Window::Of { axes: axes(kernel, stride, padding, output_padding), transposed: true }
            }
            _ => Window::None,
        }
    }

    /// The step that a sum becomes.
    pub fn step(&self, of: &FloatLayer, linear: Linear) -> Result<Step> {
        Ok(match self {
            Window::None => Step::Dense(dense(volume(&of.input), linear)?),
            Window::Of { axes, transposed } => {
                Step::Conv(Conv::new(*transposed, of.input[0], axes.clone(), linear)?)
            }
        })
    }
}
