//! Fits models of fields: one network that sees the neighbours of a value as the decoder will, and learns by how much the linear
//! prediction misses, and how certain that is.
//!
//! What it learns is the likelihood of indices: of a logistic distribution about the corrected prediction, over the cells of the
//! quantiser; so the loss is in bits a value.

mod fit;
mod loss;
mod network;
mod sample;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use crate::archive::Options;
use crate::data::Array;
use crate::error::{Error, Result};
use crate::model::Epoch;
use crate::model::field::file::{FieldProvenance, TrainedField};
use crate::model::field::{MOST_HIDDEN, MOST_UNITS};

/// How to train.
#[derive(Debug, Clone)]
pub struct FieldOptions {
    /// Passes over the sample at most.
    pub epochs: usize,
    /// The highest learning rate of the cycle.
    pub learning_rate: f64,
    /// Places a step.
    pub batch_size: usize,
    /// Of first weights, of the places looked at, and of shuffling.
    pub seed: u64,
    /// Share of the places held back to validate on, in [0, 1).
    pub validation: f64,
    /// Epochs without progress after which training stops.
    pub patience: usize,
    /// Units of the hidden layers.
    pub hidden: Vec<usize>,
    /// Threads to use at most; changes the time, never the result.
    pub threads: usize,
}

impl Default for FieldOptions {
    fn default() -> Self {
        FieldOptions {
            epochs: 12,
            learning_rate: 4e-3,
            batch_size: 1024,
            seed: 1,
            validation: 0.1,
            patience: 100,
            hidden: vec![32, 16],
            threads: std::thread::available_parallelism().map_or(1, |n| n.get()),
        }
    }
}

impl FieldOptions {
    fn check(&self) -> Result<()> {
        let wrong = |what: &str| Err(Error::invalid(format!("training: {what}")));
        if self.epochs == 0 || self.batch_size == 0 {
            return wrong("epochs and batch size must be at least 1");
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return wrong("the learning rate must be a positive number");
        }
        if !(0.0..1.0).contains(&self.validation) {
            return wrong("the share of validation values must be at least 0 and below 1");
        }
        if !(1..=MOST_HIDDEN).contains(&self.hidden.len())
            || self.hidden.iter().any(|h| !(1..=MOST_UNITS).contains(h))
        {
            return wrong("1 to 3 hidden layers of 1 to 128 units are possible");
        }
        Ok(())
    }
}

/// How far training is.
#[derive(Debug, Clone, Copy)]
pub struct FieldReport {
    /// Epochs run.
    pub epoch: usize,
    /// What the last one came to, in bits a value.
    pub result: Epoch,
}

/// Trains on fields, each by its name, within the bounds of `bounds` (an archive's options, of which only the bounds and the fill
/// value count). All have one plane, or all several.
///
/// Cost: for each of some hundred thousand values and each epoch six times the products of the network.
pub fn train_fields(
    fields: &[(String, Array)],
    bounds: &Options,
    options: &FieldOptions,
    progress: impl FnMut(&FieldReport) -> ControlFlow<()>,
) -> Result<TrainedField> {
    options.check()?;
    let mut sample = sample::sample(fields, bounds, options)?;
    let fitted = fit::fit(&mut sample, options, progress)?;
    let provenance = FieldProvenance {
        program: format!("baler {}", env!("CARGO_PKG_VERSION")),
        seed: options.seed,
        samples: sample.provenance,
        bits: fitted.bits,
        history: fitted.history,
    };
    Ok(TrainedField { model: fitted.model, provenance })
}
