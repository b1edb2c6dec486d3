//! From float layers to integers: scales chosen on data, weights as fine as the proof of no overflow allows.
//!
//! A value of the float network is offset + step x integer, each with an offset and a step of its own. A batch norm that
//! cannot be folded into the sum before it only changes these; a [`Scale`] step brings values to common steps and
//! offsets of 0 where what follows needs them: convolutions one a channel (their borders are zeros), layer norms and
//! tables one for all. Looking ahead, layers choose such steps at once.

mod calibrate;
mod linear;
mod output;
#[cfg(test)]
pub mod tests;
mod transformer;
mod window;

use std::f64::consts::FRAC_1_SQRT_2;

use super::autoencoder::{Decoder, Encoder, FrozenModel, InputScale};
use super::blocks::Blocks;
use super::float::pointwise::EPSILON;
use super::float::{FloatLayer, FloatModel};
use super::frozen::MAX_ACTIVATION;
use super::layers::Layer;
use super::network::{Gdn, Linear, Network, SQUARE_SHIFT, Scale, Step, Table, Transpose};
use super::normalise::Normalisation;
use crate::error::{Error, Result};
use calibrate::{Range, Ranges, calibrate};
use linear::{Real, shifted};
use output::Stands;
use window::{Window, dense, requantised};

/// Freezes `model`, whose attention joins `sequence` consecutive rows; `rows` (normalised, rows x features, at least
/// one) are the data on which the scales are chosen. Costs two forward passes.
///
/// Errors where a layer has no frozen counterpart, and where a row is too large for one.
pub fn freeze(
    model: &FloatModel,
    sequence: usize,
    normalisation: &Normalisation,
    names: Vec<String>,
    rows: &[f32],
) -> Result<FrozenModel> {
    let layers: Vec<&FloatLayer> = model.layers().collect();
    let groups: Vec<usize> = (0..layers.len())
        .map(|i| {
            let all = volume(&layers[i].output);
            match layers[i].layer {
                Layer::Gelu => all, // one table for all
                _ => common(positions(&layers[i].output), needed(&layers[i + 1..]), all),
            }
        })
        .collect();
    let ranges = calibrate(&layers, sequence, rows, &groups);
    let scales = input_scales(rows, volume(&layers[0].input), &layers);
    let mut freezer = Freezer {
        layers: &layers,
        ranges: &ranges,
        steps: vec![],
        scales: scales.clone(),
        last: false,
        shape: layers[0].input.clone(),
    };
    let encoder = Network::new(scales.len(), sequence, freezer.half(0..model.encoder.len(), None)?)
        .map_err(|e| e.at("freezing the encoder"))?;
    let mut output = None;
    let decoder = freezer.half(model.encoder.len()..layers.len(), Some(&mut output))?;
    let decoder =
        Network::new(encoder.outputs(), sequence, decoder).map_err(|e| e.at("freezing the decoder"))?;
    let stands = output.unwrap_or_else(|| freezer.scales.iter().map(|s| (s.step, s.offset, 1.0)).collect());
    let encoder = match normalisation.affine() {
        Some((offset, scale)) => {
            let input = scales.iter().zip(offset.iter().zip(scale));
            let whole = |(i, (&o, &s)): (&InputScale, (&f64, &f64))| InputScale {
                offset: i.offset * s + o,
                step: i.step * s,
            };
            Encoder::new(encoder, input.map(whole).collect())?
        }
        None => Encoder::new(encoder, scales)?.with_curves(normalisation.curves())?,
    };
    let output = output::output(&stands, normalisation)?;
    FrozenModel::new(encoder, Decoder::new(decoder, output, names, Blocks::Frames)?)
}

fn volume(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Values of one channel: all of one feature where there is one axis.
fn positions(shape: &[usize]) -> usize {
    shape[1..].iter().product()
}

/// Runs of values that must have one step before `layers`, which come next.
fn needed(layers: &[&FloatLayer]) -> usize {
    let passed =
        |l: &&&FloatLayer| matches!(l.layer, Layer::Dropout { .. } | Layer::Flatten | Layer::Reshape { .. });
    match layers.iter().find(|l| !passed(l)) {
        Some(l) => match l.layer {
            Layer::Conv { .. } | Layer::ConvTransposed { .. } | Layer::Gdn { .. } => positions(&l.input),
            Layer::Gelu | Layer::Transformer { .. } => volume(&l.input),
            _ => 1,
        },
        None => 1,
    }
}

/// Runs that are whole runs of both lengths.
fn common(a: usize, b: usize, all: usize) -> usize {
    match (a % b, b % a) {
        (0, _) => a,
        (_, 0) => b,
        _ => all,
    }
}

/// Scales by which the range of each feature fills the integers; with offsets of 0 where the first layer needs them.
fn input_scales(rows: &[f32], features: usize, layers: &[&FloatLayer]) -> Vec<InputScale> {
    let mut ranges = vec![(f32::INFINITY, f32::NEG_INFINITY); features];
    for row in rows.chunks_exact(features) {
        for (range, &x) in ranges.iter_mut().zip(row) {
            *range = (range.0.min(x), range.1.max(x));
        }
    }
    let whole = |range: f64| if range > 0.0 { range } else { 1.0 }; // a constant feature: any step will do
    let max = MAX_ACTIVATION as f64;
    let direct = layers.iter().find(|l| !matches!(l.layer, Layer::Dropout { .. } | Layer::Flatten));
    if direct.is_some_and(|l| matches!(l.layer, Layer::Dense { .. })) {
        let scale = |(low, high): (f32, f32)| {
            let (low, high) = (low as f64, high as f64);
            InputScale { offset: (low + high) / 2.0, step: whole(high - low) / 2.0 / max }
        };
        return ranges.into_iter().map(scale).collect();
    }
    let run = common(positions(&layers[0].input), needed(layers), features);
    let largest = |run: &[(f32, f32)]| run.iter().fold(0f32, |a, r| a.max(r.0.abs()).max(r.1.abs()));
    let scale = |run: &[(f32, f32)]| InputScale { offset: 0.0, step: whole(largest(run) as f64) / max };
    ranges.chunks(run).flat_map(|run| vec![scale(run); run.len()]).collect()
}

/// How many times coarser than their ranges ask for the steps of a sum's inputs may be, together, before a [`Scale`] makes
/// them finer. (Together: a unit that hardly ever speaks has steps far coarser than its range, and does no harm.)
const LOOSE: f64 = 2.0;

/// A network on its way from float to integers.
struct Freezer<'a> {
    layers: &'a [&'a FloatLayer],
    ranges: &'a Ranges,
    steps: Vec<Step>,
    /// What each value stands for, channels first.
    scales: Vec<InputScale>,
    /// Whether the steps have the values in order of positions, channels last.
    last: bool,
    /// The shape of the values.
    shape: Vec<usize>,
}

impl Freezer<'_> {
    /// The steps of a run of layers. Where `output` is given and the last of them is a sum, its accumulators are the
    /// result, and `output` is what they stand for.
    fn half(
        &mut self,
        range: std::ops::Range<usize>,
        mut output: Option<&mut Option<Stands>>,
    ) -> Result<Vec<Step>> {
        let mut i = range.start;
        while i < range.end {
            let of = self.layers[i];
            self.shape = of.input.clone();
            let next = match &of.layer {
                Layer::Dropout { .. } | Layer::Flatten | Layer::Reshape { .. } => {
                    if !matches!(of.layer, Layer::Dropout { .. }) {
                        self.channels_first();
                    }
                    Ok(i + 1)
                }
                Layer::Dense { .. } | Layer::Conv { .. } | Layer::ConvTransposed { .. } => {
                    self.linear(i, range.end, output.as_deref_mut())
                }
                Layer::BatchNorm => {
                    let (gain, shift) = batch_norm(of);
                    for (v, scale) in self.scales.iter_mut().enumerate() {
                        let c = v / positions(&of.input);
                        let InputScale { offset, step } = *scale;
                        *scale = InputScale { offset: offset * gain[c] + shift[c], step: step * gain[c] };
                    }
                    Ok(i + 1)
                }
                Layer::Relu => self.rescale(&self.ranges.behind[i], 0.0).map(|()| i + 1),
                Layer::LeakyRelu { slope } => {
                    self.rescale(&self.ranges.behind[i], *slope as f64).map(|()| i + 1)
                }
                Layer::Gelu => self.gelu(i).map(|()| i + 1),
                Layer::Gdn { inverse } => self.gdn(i, *inverse).map(|()| i + 1),
                Layer::Transformer { .. } => self.transformer(i).map(|()| i + 1),
            };
            i = next.map_err(|e| e.at(format!("freezing layer {i} ({})", of.layer.kind())))?;
            self.shape = self.layers[i - 1].output.clone();
        }
        self.channels_first();
        Ok(std::mem::take(&mut self.steps))
    }

    /// Whether channels first and last are the same order.
    fn is_same(&self) -> bool {
        self.shape[0] == 1 || positions(&self.shape) == 1
    }

    fn channels_first(&mut self) {
        let (rows, columns) = (positions(&self.shape), self.shape[0]);
        if self.last && !self.is_same() {
            self.steps.push(Step::Transpose(Transpose { rows, columns }));
        }
        self.last = false;
    }

    fn channels_last(&mut self) {
        let (rows, columns) = (self.shape[0], positions(&self.shape));
        if !self.last && !self.is_same() {
            self.steps.push(Step::Transpose(Transpose { rows, columns }));
        }
        self.last = true;
    }

    /// Brings values to one positive step in each run of `run`, and to offsets of 0, where they are not.
    fn uniform(&mut self, run: usize, i: usize) -> Result<()> {
        let plain =
            |run: &[InputScale]| run.iter().all(|s| s.offset == 0.0 && s.step > 0.0 && s.step == run[0].step);
        if self.scales.chunks(run).all(plain) {
            return Ok(());
        }
        match i.checked_sub(1) {
            Some(before) => self.rescale(&self.ranges.behind[before], 1.0),
            None => Err(Error::unsupported("the input has scales of its own for each feature")),
        }
    }

    /// Brings what goes into layer `i` nearer to the steps of its range, where the sum before it could reach so far that its
    /// own steps are much coarser: without, the proof of no overflow takes the unused range for real, and steps get coarser
    /// from sum to sum (a thousandfold behind the ten of `Conv_AE_3D`).
    fn tighten(&mut self, i: usize) -> Result<()> {
        let Some(before) = i.checked_sub(1) else { return Ok(()) };
        let range = &self.ranges.behind[before];
        let steps = self.scales.iter().map(|s| s.step.abs()).sum::<f64>();
        let asked = (0..self.scales.len()).map(|v| range.step(v)).sum::<f64>();
        match steps > LOOSE * asked {
            true => self.rescale(range, 1.0),
            false => Ok(()),
        }
    }

    /// A step for each value by itself, to what `range` says.
    fn rescale(&mut self, range: &Range, slope: f64) -> Result<()> {
        let positions = positions(&self.shape);
        // One number a channel will do where all of it is alike.
        let alike = |c: &[InputScale]| c.iter().all(|s| *s == c[0]);
        let by_channel = self.last && self.scales.chunks(positions).all(alike);
        if !by_channel {
            self.channels_first();
        }
        let picked: Vec<usize> =
            (0..self.scales.len()).step_by(if by_channel { positions } else { 1 }).collect();
        let real = Real {
            weights: picked.iter().map(|&v| self.scales[v].step).collect(),
            bias: picked.iter().map(|&v| self.scales[v].offset).collect(),
            phases: vec![],
        };
        let values = if by_channel { positions } else { 1 };
        let (linear, steps) = requantised(&real, range, values, slope, |linear| dense(1, linear))?;
        self.steps.push(Step::Scale(Scale::new(linear)?));
        self.set_steps(&steps, values);
        Ok(())
    }

    /// What values stand for from now on: `steps`, each for `positions` of them.
    fn set_steps(&mut self, steps: &[f64], positions: usize) {
        let scales =
            steps.iter().flat_map(|&step| std::iter::repeat_n(InputScale { offset: 0.0, step }, positions));
        self.scales = scales.collect();
    }

    /// A layer that is a sum, with what can be folded into it of those behind it; the first that cannot.
    fn linear(&mut self, i: usize, end: usize, output: Option<&mut Option<Stands>>) -> Result<usize> {
        let of = self.layers[i];
        self.tighten(i)?;
        if !matches!(of.layer, Layer::Dense { .. }) {
            self.uniform(positions(&of.input), i)?;
            self.channels_last();
        } else {
            self.channels_first();
        }
        let window = Window::of(of);
        let mut real = self.real(of, &window);
        let (mut slope, mut next) = (None, i + 1);
        while next < end {
            match self.layers[next].layer {
                Layer::Dropout { .. } => {}
                Layer::BatchNorm if slope.is_none() => {
                    let (gain, shift) = batch_norm(self.layers[next]);
                    let inputs = real.weights.len() / real.bias.len();
                    for (o, (b, w)) in
                        real.bias.iter_mut().zip(real.weights.chunks_exact_mut(inputs)).enumerate()
                    {
                        *b = *b * gain[o] + shift[o];
                        w.iter_mut().for_each(|w| *w *= gain[o]);
                    }
                }
                Layer::Relu if slope.is_none() => slope = Some(0.0),
                Layer::LeakyRelu { slope: s } if slope.is_none() => slope = Some(s as f64),
                _ => break,
            }
            next += 1;
        }
        let slope = slope.unwrap_or(1.0);
        let make = |linear: Linear| window.step(of, linear);
        let positions = positions(&of.output);
        self.shape = of.output.clone();
        if let Some(output) = output.filter(|_| next == self.layers.len() && self.is_same()) {
            let (linear, units) = real.raw();
            self.steps.push(make(linear)?);
            let stands = units.iter().flat_map(|&unit| std::iter::repeat_n((unit, 0.0, slope), positions));
            *output = Some(stands.collect());
        } else {
            let (step, steps) = requantised(&real, &self.ranges.behind[next - 1], positions, slope, make)?;
            self.steps.push(step);
            self.set_steps(&steps, positions);
        }
        Ok(next)
    }

    /// A sum's weights times the steps of what goes in, in the order of steps.
    fn real(&self, of: &FloatLayer, window: &Window) -> Real {
        let (w, b) = (&of.tensors[0], &of.tensors[1]);
        let outputs = b.len();
        let scales = &self.scales;
        let inputs = w.len() / outputs;
        let mut real = Real {
            weights: Vec::with_capacity(w.len()),
            bias: b.iter().map(|&b| b as f64).collect(),
            phases: vec![],
        };
        match window {
            Window::None => {
                for (w, b) in w.chunks_exact(inputs).zip(&mut real.bias) {
                    real.weights.extend(w.iter().zip(scales).map(|(&w, s)| w as f64 * s.step));
                    *b += w.iter().zip(scales).map(|(&w, s)| w as f64 * s.offset).sum::<f64>();
                }
            }
            Window::Of { axes, transposed } => {
                let channels = of.input[0];
                let taps = inputs / channels;
                let at = |o: usize, t: usize, c: usize| match transposed {
                    false => w[(o * channels + c) * taps + t],
                    true => w[(c * outputs + o) * taps + t],
                };
                for o in 0..outputs {
                    for t in 0..taps {
                        let steps = (0..channels).map(|c| scales[c * positions(&of.input)].step);
                        real.weights.extend(steps.enumerate().map(|(c, step)| at(o, t, c) as f64 * step));
                    }
                }
                if *transposed {
                    let phase = |t: usize| {
                        let (mut t, mut phase) = (t, 0);
                        for a in axes.iter().rev() {
                            phase = phase * a.stride + t % a.kernel % a.stride;
                            t /= a.kernel;
                        }
                        phase
                    };
                    real.phases = (0..taps).flat_map(|t| std::iter::repeat_n(phase(t), channels)).collect();
                }
            }
        }
        real
    }

    fn gelu(&mut self, i: usize) -> Result<()> {
        self.uniform(self.scales.len(), i)?;
        let step = self.ranges.behind[i].step(0);
        let before = self.scales[0].step;
        let step = self.push_gelu(before, step)?;
        self.set_steps(&[step], self.scales.len());
        Ok(())
    }

    /// GELU as a table between steps; the step it has behind it.
    fn push_gelu(&mut self, before: f64, behind: f64) -> Result<f64> {
        let behind = if behind > 0.0 { behind } else { before };
        let max = MAX_ACTIVATION as f64;
        let point = |i: usize| {
            let x = (i as f64 * 16.0 - 8192.0) * before;
            let y = 0.5 * x * (1.0 + libm::erf(x * FRAC_1_SQRT_2));
            (y / behind).round().clamp(-max, max) as i16
        };
        self.steps.push(Step::Table(Table::new((0..Table::POINTS).map(point).collect())?));
        Ok(behind)
    }

    fn gdn(&mut self, i: usize, inverse: bool) -> Result<()> {
        let of = self.layers[i];
        let (channels, positions) = (of.input[0], positions(&of.input));
        self.uniform(positions, i)?;
        self.channels_last();
        let (beta, gamma) = (&of.tensors[0], &of.tensors[1]);
        let step = |c: usize| self.scales[c * positions].step;
        let square = |j: usize| step(j).powi(2) * (1u64 << SQUARE_SHIFT) as f64;
        let weights = (0..channels * channels).map(|n| gamma[n].max(0.0) as f64 * square(n % channels));
        let bias = beta.iter().map(|&b| b.max(0.0) as f64).collect();
        let (linear, units) = Real { weights: weights.collect(), bias, phases: vec![] }.raw();
        let range = &self.ranges.behind[i];
        let steps = self.steps_of(range, channels, positions, |c| step(c) / MAX_ACTIVATION as f64);
        // x / sqrt(n) is x r 2^(half - 31) / sqrt(unit), x sqrt(n) is x q 2^-half sqrt(unit).
        let factors: Vec<f64> = (0..channels)
            .map(|c| match inverse {
                false => step(c) / units[c].sqrt() / steps[c],
                true => step(c) * units[c].sqrt() / steps[c],
            })
            .collect();
        let (shift, multipliers) = shifted(&factors, Gdn::shifts(inverse), if inverse { 0 } else { 31 });
        self.steps.push(Step::Gdn(Gdn::new(inverse, dense(channels, linear)?, shift, multipliers)?));
        self.set_steps(&steps, positions);
        Ok(())
    }

    /// The steps that `range` gives `count` channels, those never seen to be other than 0 having `otherwise`.
    fn steps_of(
        &self,
        range: &Range,
        count: usize,
        positions: usize,
        otherwise: impl Fn(usize) -> f64,
    ) -> Vec<f64> {
        let step = |c: usize| match range.step(c * positions) {
            0.0 => otherwise(c),
            step => step,
        };
        (0..count).map(step).collect()
    }
}

/// Gain and shift of each channel.
fn batch_norm(of: &FloatLayer) -> (Vec<f64>, Vec<f64>) {
    let t = |i: usize, c: usize| of.tensors[i][c] as f64;
    let gain = |c: usize| t(0, c) / (t(3, c) + EPSILON).sqrt();
    (0..of.input[0]).map(|c| (gain(c), t(1, c) - t(2, c) * gain(c))).unzip()
}
