//! A frozen network: a list of steps on integers of 14 bits, each with a proof that nothing in it overflows
//! (format.md, section 8.1, defines each bit by bit).

mod attention;
pub(super) mod compact;
mod conv;
mod elementwise;
mod gdn;
mod norm;
mod root;

pub use attention::{Attention, HALVES};
pub use conv::{Axis, Conv, Linear};
pub use elementwise::{Add, Scale, Table, Transpose};
pub use gdn::{Gdn, SQUARE_SHIFT};
pub use norm::{MOST_EPSILON, Norm, offset};
pub use root::ROOTS;

use super::block::{Block, copy};
use super::frozen::{FrozenDense, MOST_WIDTH};
use super::kernel::{Kernel, LANES, Lanes};
use super::layers::MOST_SEQUENCE;
use crate::error::{Error, Result};

/// Steps, at most.
pub const MOST_STEPS: usize = 1 << 12;

/// Values of the rows that run together, at most: 64 MiB in each of a few buffers.
const MOST_TOGETHER: usize = 1 << 25;

/// One step of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "a network has few steps")]
pub enum Step {
    /// All values to all values.
    Dense(FrozenDense),
    /// The same weights at every position, or their transpose.
    Conv(Conv),
    /// Each channel on its own.
    Scale(Scale),
    /// Each value by a table.
    Table(Table),
    /// Generalised divisive normalisation.
    Gdn(Gdn),
    /// Layer norm.
    Norm(Norm),
    /// The rows of a sequence see each other.
    Attention(Attention),
    /// Sets the values aside, and goes on with them.
    Keep,
    /// Adds what was set aside.
    Add(Add),
    /// Another order of values.
    Transpose(Transpose),
}

impl Step {
    /// The name in errors.
    pub fn name(&self) -> &'static str {
        match self {
            Step::Dense(_) => "dense",
            Step::Conv(c) if c.transposed() => "transposed",
            Step::Conv(_) => "conv",
            Step::Scale(_) => "scale",
            Step::Table(_) => "table",
            Step::Gdn(_) => "gdn",
            Step::Norm(_) => "norm",
            Step::Attention(_) => "attention",
            Step::Keep => "keep",
            Step::Add(_) => "add",
            Step::Transpose(_) => "transpose",
        }
    }

    /// Values that come out where `inputs` go in, unless they do not fit.
    fn outputs(&self, inputs: usize) -> Option<usize> {
        let channels = |n: usize| inputs.is_multiple_of(n).then_some(inputs);
        match self {
            Step::Dense(d) => (d.inputs() == inputs).then_some(d.outputs()),
            Step::Conv(c) => (c.inputs() == inputs).then_some(c.outputs()),
            Step::Scale(s) => channels(s.channels().outputs()),
            Step::Gdn(g) => channels(g.squares().outputs()),
            Step::Norm(n) => (n.multipliers().len() == inputs).then_some(inputs),
            Step::Attention(_) => inputs.is_multiple_of(3).then_some(inputs / 3),
            Step::Transpose(t) => (t.rows.checked_mul(t.columns) == Some(inputs)).then_some(inputs),
            Step::Table(_) | Step::Keep | Step::Add(_) => Some(inputs),
        }
    }

    /// Whether accumulators come out.
    fn raw(&self) -> bool {
        match self {
            Step::Dense(d) => d.requantise().is_none(),
            Step::Conv(c) => c.linear().requantise.is_none(),
            _ => false,
        }
    }

    /// Products that a row takes.
    fn work(&self, inputs: usize, outputs: usize, sequence: usize) -> usize {
        match self {
            Step::Dense(d) => d.weights().len(),
            Step::Conv(c) => c.work(),
            Step::Gdn(g) => (inputs / g.squares().outputs()).saturating_mul(g.squares().weights().len()),
            Step::Attention(_) => (2 * sequence).saturating_mul(outputs + 8),
            _ => inputs,
        }
    }
}

/// What [`is_possible`] asks, in words.
pub const POSSIBLE: &str = "a row has at most 2^20, and those that run together 2^25";

/// Whether integers can be made of rows of so many values, of which `sequence` see each other.
pub fn is_possible(width: usize, sequence: usize) -> bool {
    width <= MOST_WIDTH && sequence.next_multiple_of(LANES) * width <= MOST_TOGETHER
}

/// Steps that fit each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    inputs: usize,
    sequence: usize,
    steps: Vec<Step>,
    /// Values in a row before each step, and behind the last.
    widths: Vec<usize>,
}

impl Network {
    /// A network on rows of `inputs` values, of which `sequence` consecutive ones see each other. Errors where a step does
    /// not take what the one before gives, where it takes too much memory, and where accumulators would be lost.
    pub fn new(inputs: usize, sequence: usize, steps: Vec<Step>) -> Result<Network> {
        if inputs == 0 || steps.is_empty() || steps.len() > MOST_STEPS {
            return Err(Error::corrupt(format!(
                "{} steps, where 1 to {MOST_STEPS} are possible",
                steps.len()
            )));
        }
        if !(1..=MOST_SEQUENCE).contains(&sequence) {
            return Err(Error::corrupt(format!(
                "a sequence of {sequence} rows is not of 1 to {MOST_SEQUENCE}"
            )));
        }
        let mut widths = vec![inputs];
        let mut kept = None;
        for (i, step) in steps.iter().enumerate() {
            let inputs = widths[i];
            let wrong = |what: &str| Error::corrupt(format!("step {i}, {}: {what}", step.name()));
            let outputs = step.outputs(inputs);
            let outputs = outputs.ok_or_else(|| wrong(&format!("it is not for {inputs} values")))?;
            if !is_possible(inputs.max(outputs), sequence) {
                let says = format!(
                    "{} values in sequences of {sequence} rows are too many: {POSSIBLE}; cut fields into smaller blocks",
                    inputs.max(outputs)
                );
                return Err(Error::unsupported(says).at(format!("step {i}, {}", step.name())));
            }
            if step.raw() && i + 1 < steps.len() {
                return Err(wrong("it lacks its multipliers, and is not the last"));
            }
            match step {
                Step::Keep if kept.is_some() => return Err(wrong("something is kept already")),
                Step::Keep => kept = Some(inputs),
                Step::Add(_) if kept != Some(inputs) => return Err(wrong("nothing of that size is kept")),
                Step::Add(_) => kept = None,
                _ => {}
            }
            widths.push(outputs);
        }
        match kept {
            Some(_) => Err(Error::corrupt("what is kept is never added")),
            None => Ok(Network { inputs, sequence, steps, widths }),
        }
    }

    /// A chain of dense layers.
    pub fn dense(layers: Vec<FrozenDense>) -> Result<Network> {
        let inputs = layers.first().map_or(0, FrozenDense::inputs);
        Network::new(inputs, 1, layers.into_iter().map(Step::Dense).collect())
    }

    /// Values in a row that go in.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values in a row that come out.
    pub fn outputs(&self) -> usize {
        self.widths[self.steps.len()]
    }

    /// Consecutive rows that see each other.
    pub fn sequence(&self) -> usize {
        self.sequence
    }

    /// The steps, first to last.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Values in a row before each step, and behind the last.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// The layers, where all steps are dense.
    pub fn dense_layers(&self) -> Option<Vec<&FrozenDense>> {
        self.steps.iter().map(|s| if let Step::Dense(d) = s { Some(d) } else { None }).collect()
    }

    /// Whether accumulators come out, rather than activations.
    pub fn raw(&self) -> bool {
        self.steps.last().is_some_and(Step::raw)
    }

    /// Products that a row takes, near enough.
    pub fn work(&self) -> usize {
        let work = self.steps.iter().zip(self.widths.windows(2));
        work.fold(0, |sum: usize, (step, w)| sum.saturating_add(step.work(w[0], w[1], self.sequence)))
    }

    /// Whether rows see each other.
    pub fn joins_rows(&self) -> bool {
        self.steps.iter().any(|s| matches!(s, Step::Attention(_)))
    }

    /// Rows that run together: whole sequences, in whole blocks where those are short.
    pub fn group(&self) -> usize {
        if self.joins_rows() { self.sequence * (LANES / self.sequence).max(1) } else { LANES }
    }

    /// Blocks with room for a group of rows.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let widest = self.widths.iter().map(|w| w.div_ceil(2)).max().unwrap_or(0);
        let raw = if self.raw() { self.outputs().next_multiple_of(2) } else { 0 };
        let (mut columns, mut sums) = (0, 0);
        for step in &self.steps {
            let room = match step {
                Step::Conv(c) => c.room(),
                Step::Gdn(g) => [g.squares().outputs().div_ceil(2), g.squares().lanes_out()],
                _ => [0; 2],
            };
            (columns, sums) = (columns.max(room[0]), sums.max(room[1]));
        }
        (0..self.group().div_ceil(LANES)).map(|_| Block::new(widest.max(raw), columns, sums)).collect()
    }

    /// Runs `rows` rows, at most a group, through all steps: from each block's `x` to its `x`.
    pub(super) fn run(&self, kernel: Kernel, blocks: &mut [Block], rows: usize) {
        let used = rows.div_ceil(LANES);
        for (step, w) in self.steps.iter().zip(self.widths.windows(2)) {
            if let Step::Attention(attention) = step {
                attention.run(&mut blocks[..used], rows, w[1], self.sequence);
                continue;
            }
            for block in &mut blocks[..used] {
                match step {
                    Step::Dense(dense) => {
                        kernel.run(dense, &block.x, &mut block.y);
                        block.swap();
                    }
                    Step::Conv(conv) => conv.run(kernel, block),
                    Step::Scale(scale) => scale.run(w[0], block),
                    Step::Table(table) => table.run(w[0], block),
                    Step::Gdn(gdn) => gdn.run(kernel, w[0], block),
                    Step::Norm(norm) => norm.run(block),
                    Step::Attention(_) => unreachable!("has run"),
                    Step::Keep => {
                        block.kept.resize(w[0].div_ceil(2), Lanes::ZERO);
                        copy(&mut block.kept, 0, &block.x, 0, w[0]);
                    }
                    Step::Add(add) => add.run(w[0], block),
                    Step::Transpose(transpose) => transpose.run(block),
                }
            }
        }
    }
}
