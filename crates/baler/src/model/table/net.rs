//! The network of one column, and what its outputs mean.

use super::alphabet::{Alphabet, MOST_CLASSES};
use crate::error::{Error, Result};
use crate::model::frozen::FrozenDense;

/// Logistics in a mixture.
pub const COMPONENTS: usize = 3;
/// Outputs for a mixture: weights of the components, their places, their widths; weights of the symbol before and of
/// the histogram.
pub const MIXTURE_OUTPUTS: usize = 3 * COMPONENTS + 2;
/// Pairs of inputs of a net at most.
pub const MOST_PAIRS: usize = 128;
/// Units of a hidden layer at most.
pub const MOST_HIDDEN: usize = 64;
/// Columns that a net looks at, at most, each at one distance in rows.
pub const MOST_SOURCES: usize = 32;
/// Entries of a histogram, all classes together, at most.
pub const MOST_CELLS: usize = 1 << 18;

/// A column that a net looks at, so many rows back (-1: one ahead; a net's own column: 1 or 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Its number in the model.
    pub column: usize,
    /// Rows back.
    pub lag: i8,
}

/// How often each bin occurs, for each symbol of another column or for all alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// The other column.
    pub given: Option<usize>,
    /// Masses, class after class, a mass a bin; their sums are below 2^31.
    pub masses: Vec<u32>,
}

/// What the outputs of a net are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// A logarithm of the probability of each symbol, and what is added to that of the symbol before.
    Classes,
    /// A mixture over the scores.
    Mixture(Histogram),
}

/// The frozen network of one column.
#[derive(Debug, Clone, PartialEq)]
pub struct Net {
    /// What it looks at.
    pub sources: Vec<Source>,
    /// Its three layers.
    pub layers: [FrozenDense; 3],
    /// What comes out.
    pub head: Head,
}

impl Net {
    /// A net for column `number` of `alphabets`, once everything in it fits.
    pub fn new(
        number: usize,
        alphabets: &[&Alphabet],
        sources: Vec<Source>,
        layers: [FrozenDense; 3],
        head: Head,
    ) -> Result<Net> {
        let wrong = |what: &str| Err(Error::corrupt(format!("net: {what}")));
        let known = |s: &Source| match s.column {
            c if c == number => (1..=2).contains(&s.lag),
            c => c < number && (-1..=2).contains(&s.lag),
        };
        if sources.len() > MOST_SOURCES || !sources.iter().all(known) {
            return wrong("it looks at what is not decoded before it");
        }
        let pairs: usize = sources.iter().map(|s| alphabets[s.column].pairs()).sum();
        let own = alphabets[number];
        let outputs = match head {
            Head::Classes => own.symbols() + 1,
            Head::Mixture(_) => MIXTURE_OUTPUTS,
        };
        let [a, b, c] = &layers;
        let chained =
            a.inputs() == (2 * pairs).max(1) && a.outputs() == b.inputs() && b.outputs() == c.inputs();
        let small =
            pairs <= MOST_PAIRS && a.outputs().max(b.outputs()) <= MOST_HIDDEN && c.outputs() == outputs;
        if !chained || !small || layers.iter().any(|l| l.requantise().is_none()) {
            return wrong("its layers do not fit");
        }
        match &head {
            Head::Classes if own.symbols() > MOST_CLASSES => return wrong("too many classes"),
            Head::Classes => {}
            Head::Mixture(h) => {
                if h.given.is_some_and(|g| g >= number || alphabets[g].symbols() > MOST_CLASSES) {
                    return wrong("its histogram is given what is not decoded before it");
                }
                let classes = h.given.map_or(1, |g| alphabets[g].symbols());
                if h.masses.len() != classes * own.bins().len() || h.masses.len() > MOST_CELLS {
                    return wrong("the size of its histogram");
                }
                let over = |m: &[u32]| m.iter().map(|&m| m as u64).sum::<u64>() >= 1 << 31;
                if h.masses.chunks(own.bins().len()).any(over) {
                    return wrong("a histogram of over 2^31");
                }
            }
        }
        Ok(Net { sources, layers, head })
    }

    /// The other columns that have to be known before, each once.
    pub fn needs(&self, number: usize) -> Vec<usize> {
        let given = match &self.head {
            Head::Mixture(h) => h.given,
            Head::Classes => None,
        };
        let all = self.sources.iter().map(|s| s.column).chain(given);
        let mut all: Vec<usize> = all.filter(|&c| c != number).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
