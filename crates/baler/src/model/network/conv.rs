//! Convolutions and their transposes: the dense kernel over columns gathered at each output position.
//!
//! A transposed convolution is a convolution for each phase, the output position modulo the stride, with the taps that
//! meet a value there; its weights are stored once, for the whole kernel, and dealt out to the phases.

use super::super::block::{Block, copy};
use super::super::frozen::{FrozenDense, MOST_WIDTH, Requantise};
use super::super::kernel::{Kernel, Lanes};
use crate::error::{Error, Result};

/// One axis of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// Positions that go in.
    pub extent: usize,
    /// Extent of the kernel.
    pub kernel: usize,
    /// Distance between windows.
    pub stride: usize,
    /// Zeros before and behind; cut off instead where transposed.
    pub padding: usize,
    /// Added at the end of a transposed convolution's output, below the stride.
    pub more: usize,
}

impl Axis {
    const ONE: Axis = Axis { extent: 1, kernel: 1, stride: 1, padding: 0, more: 0 };

    /// Positions that come out.
    fn output(&self, transposed: bool) -> Option<usize> {
        let Axis { extent, kernel, stride, padding, more } = *self;
        if [extent, kernel, stride].contains(&0)
            || [extent, kernel, stride, padding].iter().any(|&n| n > MOST_WIDTH)
            || more >= stride
        {
            return None;
        }
        match transposed {
            false => (extent + 2 * padding).checked_sub(kernel).map(|n| n / stride + 1),
            true => ((extent - 1) * stride + kernel + more).checked_sub(2 * padding).filter(|&n| n > 0),
        }
    }

    /// Where output position `o` looks: its phase, and its first position, whatever the extent.
    fn start(&self, o: usize, transposed: bool) -> (usize, isize) {
        match transposed {
            false => (0, (o * self.stride) as isize - self.padding as isize),
            true => {
                let (at, phase) = ((o + self.padding) / self.stride, (o + self.padding) % self.stride);
                (phase, at as isize + 1 - self.taps(phase, true) as isize)
            }
        }
    }

    /// How many positions a phase looks at.
    fn taps(&self, phase: usize, transposed: bool) -> usize {
        match transposed {
            false => self.kernel,
            true => self.kernel.saturating_sub(phase).div_ceil(self.stride),
        }
    }

    /// Phases that look at anything.
    fn phases(&self, transposed: bool) -> usize {
        if transposed { self.stride.min(self.kernel) } else { 1 }
    }
}

/// Weights (outputs x inputs), biases and multipliers as the format holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linear {
    /// Outputs x inputs.
    pub weights: Vec<i16>,
    /// One an output.
    pub bias: Vec<i32>,
    /// Left out where accumulators are the result.
    pub requantise: Option<Requantise>,
}

/// A convolution in one to three dimensions, or its transpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conv {
    transposed: bool,
    channels: usize,
    axes: Vec<Axis>,
    linear: Linear,
    /// The axes, as many of one position before them as make three.
    three: [Axis; 3],
    /// Positions along each of the three that come out.
    outputs: [usize; 3],
    phases: Vec<FrozenDense>,
    /// The phase of no taps, where strides exceed the kernel.
    none: Option<FrozenDense>,
}

impl Conv {
    /// A convolution of `channels` along `axes`, by weights in the order outputs, kernel's axes, channels. Errors where
    /// sizes disagree or [`FrozenDense::new`] refuses a phase.
    pub fn new(transposed: bool, channels: usize, axes: Vec<Axis>, linear: Linear) -> Result<Conv> {
        let unfit =
            || Error::corrupt(format!("a window over {axes:?} with {channels} channels does not fit"));
        if !(1..=3).contains(&axes.len()) || channels == 0 || !transposed && axes.iter().any(|a| a.more > 0) {
            return Err(unfit());
        }
        let mut three = [Axis::ONE; 3];
        three[3 - axes.len()..].copy_from_slice(&axes);
        let mut outputs = [0; 3];
        for (n, axis) in outputs.iter_mut().zip(&three) {
            *n = axis.output(transposed).ok_or_else(unfit)?;
        }
        let columns = axes.iter().try_fold(channels, |n, a| n.checked_mul(a.kernel)).ok_or_else(unfit)?;
        if linear.bias.is_empty() || linear.bias.len().checked_mul(columns) != Some(linear.weights.len()) {
            return Err(Error::corrupt("weights or biases are not those of the window"));
        }
        let dense = |inputs, weights| {
            let Linear { bias, requantise, .. } = &linear;
            FrozenDense::new(inputs, bias.len(), weights, bias.clone(), requantise.clone())
        };
        let [a, b, c] = three;
        let mut phases = vec![];
        for r in each([a.phases(transposed), b.phases(transposed), c.phases(transposed)]) {
            let taps = [0, 1, 2].map(|i| three[i].taps(r[i], transposed));
            let mut weights = Vec::with_capacity(linear.weights.len() / columns * channels);
            for of_output in linear.weights.chunks_exact(columns) {
                for at in each(taps) {
                    // Positions ascend where a transpose's taps descend.
                    let tap = |i: usize| match transposed {
                        false => at[i],
                        true => r[i] + three[i].stride * (taps[i] - 1 - at[i]),
                    };
                    let t = (tap(0) * b.kernel + tap(1)) * c.kernel + tap(2);
                    weights.extend_from_slice(&of_output[t * channels..][..channels]);
                }
            }
            phases.push(dense(weights.len() / linear.bias.len(), weights)?);
        }
        let empty = three.iter().any(|a| a.phases(transposed) < a.stride) && transposed;
        let none = empty.then(|| dense(1, vec![0; linear.bias.len()])).transpose()?;
        Ok(Conv { transposed, channels, axes, linear, three, outputs, phases, none })
    }

    /// Whether this is a transpose.
    pub fn transposed(&self) -> bool {
        self.transposed
    }

    /// Channels that go in.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The window's axes.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The weights of the whole window.
    pub fn linear(&self) -> &Linear {
        &self.linear
    }

    /// Values in a row that go in.
    pub fn inputs(&self) -> usize {
        self.axes.iter().fold(self.channels, |n, a| n.saturating_mul(a.extent))
    }

    /// Values in a row that come out.
    pub fn outputs(&self) -> usize {
        self.outputs.iter().fold(self.linear.bias.len(), |n, &a| n.saturating_mul(a))
    }

    /// Products that a row takes, at most.
    pub fn work(&self) -> usize {
        let positions: Vec<usize> = match self.transposed {
            false => self.outputs.to_vec(),
            true => self.axes.iter().map(|a| a.extent).collect(),
        };
        positions.iter().fold(self.linear.weights.len(), |n, &a| n.saturating_mul(a))
    }

    /// [`Lanes`] of columns and of sums that it needs beside the block's.
    pub fn room(&self) -> [usize; 2] {
        let columns = self.phases.iter().map(|p| p.inputs().div_ceil(2)).max().unwrap_or(0);
        [columns, self.linear.bias.len().next_multiple_of(2)]
    }

    /// Runs on one block.
    pub fn run(&self, kernel: Kernel, block: &mut Block) {
        let Block { x, y, columns, sums, .. } = block;
        let count = self.linear.bias.len();
        columns.fill(Lanes::ZERO);
        let mut at = 0;
        for o in each(self.outputs) {
            let start = [0, 1, 2].map(|i| self.three[i].start(o[i], self.transposed));
            let some = (0..3).all(|i| start[i].0 < self.three[i].phases(self.transposed));
            let dense = match &self.none {
                Some(none) if !some => none,
                _ => {
                    let [_, b, c] = self.three.map(|a| a.phases(self.transposed));
                    let size = [0, 1, 2].map(|i| self.three[i].taps(start[i].0, self.transposed));
                    self.gather(x, columns, start.map(|s| s.1), size);
                    &self.phases[(start[0].0 * b + start[1].0) * c + start[2].0]
                }
            };
            kernel.run(dense, columns, sums);
            match self.linear.requantise {
                Some(_) => copy(y, at, sums, 0, count),
                None => y[at..at + count].copy_from_slice(&sums[..count]),
            }
            at += count;
        }
        block.swap();
    }

    /// Columns from `start` on, so many along each axis: zeros beyond the extents.
    fn gather(&self, x: &[Lanes], columns: &mut [Lanes], start: [isize; 3], size: [usize; 3]) {
        let extents = self.three.map(|a| a.extent);
        let inside = |axis: usize| {
            let first = (-start[axis]).max(0) as usize;
            let last = (extents[axis] as isize - start[axis]).clamp(0, size[axis] as isize) as usize;
            first.min(last)..last
        };
        let ranges = [inside(0), inside(1), inside(2)];
        if (0..3).any(|i| ranges[i].len() < size[i]) {
            let used = size.iter().product::<usize>() * self.channels;
            columns[..used.div_ceil(2)].fill(Lanes::ZERO);
        }
        if ranges[2].is_empty() {
            return;
        }
        let place = |axis: usize, t: usize| (start[axis] + t as isize) as usize;
        for a in ranges[0].clone() {
            for b in ranges[1].clone() {
                let c = ranges[2].start;
                let to = (a * size[1] + b) * size[2] + c;
                let from = (place(0, a) * extents[1] + place(1, b)) * extents[2] + place(2, c);
                let run = ranges[2].len() * self.channels;
                copy(columns, to * self.channels, x, from * self.channels, run);
            }
        }
    }
}

/// All places of three axes, in C order.
fn each([a, b, c]: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    (0..a).flat_map(move |i| (0..b).flat_map(move |j| (0..c).map(move |k| [i, j, k])))
}

#[cfg(test)]
mod tests {
    use super::super::super::block::{set, value};
    use super::super::super::kernel::LANES;
    use super::*;

    /// By the definition: every pair of an input and an output position that a tap joins.
    fn plain(conv: &Conv, x: &[i32]) -> Vec<i64> {
        let inputs = conv.three.map(|a| a.extent);
        let flat = |p: [usize; 3], n: [usize; 3]| (p[0] * n[1] + p[1]) * n[2] + p[2];
        let (outputs, channels) = (conv.linear.bias.len(), conv.channels);
        let kernel = conv.three.map(|a| a.kernel);
        let columns = kernel.iter().product::<usize>() * channels;
        let mut y = vec![];
        for o in each(conv.outputs) {
            for f in 0..outputs {
                let mut sum = conv.linear.bias[f] as i64;
                for i in each(inputs) {
                    for t in each(kernel) {
                        let joined = (0..3).all(|a| {
                            let Axis { stride, padding, .. } = conv.three[a];
                            let (small, large) = if conv.transposed { (i[a], o[a]) } else { (o[a], i[a]) };
                            small * stride + t[a] == large + padding
                        });
                        for c in 0..if joined { channels } else { 0 } {
                            let w = conv.linear.weights[f * columns + flat(t, kernel) * channels + c];
                            sum += w as i64 * x[flat(i, inputs) * channels + c] as i64;
                        }
                    }
                }
                y.push(sum);
            }
        }
        y
    }

    #[test]
    fn every_window_is_the_definition() {
        let axis = |extent, kernel, stride, padding, more| Axis { extent, kernel, stride, padding, more };
        let mut tried = 0;
        for transposed in [false, true] {
            for (channels, outputs) in [(1, 1), (1, 3), (2, 4), (3, 2)] {
                for axes in [
                    vec![axis(7, 3, 1, 1, 0)],
                    vec![axis(5, 2, 3, 0, 0)],
                    vec![axis(4, 5, 2, 2, 1)],
                    vec![axis(3, 1, 2, 0, 1)],
                    vec![axis(4, 2, 1, 1, 0), axis(5, 5, 1, 1, 0)],
                    vec![axis(6, 5, 2, 2, 1), axis(5, 3, 2, 0, 0)],
                    vec![axis(2, 1, 1, 0, 0), axis(4, 3, 1, 0, 0), axis(3, 2, 2, 1, 1)],
                ] {
                    let axes: Vec<Axis> = axes
                        .into_iter()
                        .map(|a| Axis { more: if transposed { a.more } else { 0 }, ..a })
                        .collect();
                    let columns = channels * axes.iter().map(|a| a.kernel).product::<usize>();
                    let weights = (0..columns * outputs).map(|i| (i * 7919 % 601) as i16 - 300).collect();
                    let bias = (0..outputs as i32).map(|i| i * 1000 - 700).collect();
                    let linear = Linear { weights, bias, requantise: None };
                    let conv = Conv::new(transposed, channels, axes, linear.clone()).unwrap();
                    let x: Vec<i32> = (0..conv.inputs()).map(|i| (i * 7907 % 16383) as i32 - 8191).collect();
                    let sums = plain(&conv, &x);
                    assert_eq!(sums.len(), conv.outputs());
                    let multipliers = |m| vec![m; outputs];
                    let requantise = Some(Requantise {
                        shift: 9,
                        positive: multipliers(3000),
                        negative: multipliers(300),
                    });
                    let inner = Linear { requantise: requantise.clone(), ..linear };
                    let inner = Conv::new(transposed, channels, conv.axes.clone(), inner).unwrap();
                    for kernel in Kernel::available() {
                        for (conv, raw) in [(&conv, true), (&inner, false)] {
                            let [columns, room] = conv.room();
                            let mut block = Block::new(conv.inputs().max(conv.outputs() + 1), columns, room);
                            for (i, &v) in x.iter().enumerate() {
                                set(&mut block.x, i, [v; LANES]);
                            }
                            conv.run(kernel, &mut block);
                            for (i, &sum) in sums.iter().enumerate() {
                                let got = if raw { block.x[i].0 } else { value(&block.x, i) };
                                let expected = match raw {
                                    true => sum as i32,
                                    false => inner
                                        .linear
                                        .requantise
                                        .as_ref()
                                        .unwrap()
                                        .apply(i % outputs, sum as i32),
                                };
                                assert_eq!(got, [expected; LANES], "{} {conv:?} at {i}", kernel.name());
                            }
                            tried += 1;
                        }
                    }
                }
            }
        }
        assert!(tried >= 112);
    }
}
