//! What there is to choose in training.

use super::loss::Objective;
use super::schedule::{EarlyStopping, Plateau};
use crate::error::{Error, Result};
use crate::model::float::{FloatModel, Precision};
use crate::model::layers::{Architecture, Layer};
use crate::model::network;
use crate::model::normalise::NormalisationKind;

/// How to train.
#[derive(Debug, Clone)]
pub struct TrainOptions {
    /// What to train.
    pub architecture: Architecture,
    /// What is done to the data first.
    pub normalisation: NormalisationKind,
    /// Passes over the data at most.
    pub epochs: usize,
    /// The learning rate of the first epoch.
    pub learning_rate: f64,
    /// Rows a step. Where a layer joins rows, rounded up to whole sequences.
    pub batch_size: usize,
    /// Of the first weights, of the split, of the shuffling, of dropout and of noise.
    pub seed: u64,
    /// Share of the rows held back to validate on, in [0, 1).
    pub validation: f64,
    /// Whether each epoch takes the rows (where a layer joins rows: the sequences) in another order.
    pub shuffle: bool,
    /// What is computed in. The model comes out in singles either way: it is frozen to integers that are coarser than both.
    pub precision: Precision,
    /// What is made small.
    pub objective: Objective,
    /// When to lower the learning rate.
    pub plateau: Option<Plateau>,
    /// When to stop before the last epoch.
    pub early_stopping: Option<EarlyStopping>,
    /// Parameters to begin with, those of an earlier model of the architecture; drawn by the seed where there are none.
    pub start: Option<FloatModel>,
    /// Threads to use at most; changes the time, never the result.
    pub threads: usize,
}

impl TrainOptions {
    /// Baler's defaults (but shuffled, and for 100 epochs rather than 5).
    pub fn new(architecture: Architecture) -> TrainOptions {
        TrainOptions {
            architecture,
            normalisation: NormalisationKind::MinMax,
            epochs: 100,
            learning_rate: 1e-3,
            batch_size: 512,
            seed: 1,
            validation: 0.0,
            shuffle: true,
            precision: Precision::default(),
            objective: Objective::default(),
            plateau: Some(Plateau::default()),
            early_stopping: Some(EarlyStopping::default()),
            start: None,
            threads: std::thread::available_parallelism().map_or(1, |n| n.get()),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        self.check_widths()?;
        let wrong = |what: &str| Err(Error::invalid(format!("training: {what}")));
        if self.epochs == 0 || self.batch_size == 0 {
            return wrong("epochs and batch size must be at least 1");
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return wrong("the learning rate must be a positive number");
        }
        if !(self.objective.sparsity.is_finite() && self.objective.sparsity >= 0.0) {
            return wrong("the weight of sparsity must be a number of at least 0");
        }
        let layers = self.architecture.encoder.iter().chain(&self.architecture.decoder);
        if self.start.as_ref().is_some_and(|s| !s.layers().map(|l| &l.layer).eq(layers)) {
            return wrong("the model to begin with has other layers");
        }
        if !(0.0..1.0).contains(&self.validation) {
            return wrong("the share of validation rows must be at least 0 and below 1");
        }
        Ok(())
    }

    /// What freezing would refuse only after the training: rows that are too wide somewhere.
    fn check_widths(&self) -> Result<()> {
        let Architecture { encoder, decoder, sequence, .. } = &self.architecture;
        let joined = if encoder.iter().chain(decoder).any(Layer::joins_rows) { *sequence } else { 1 };
        let halves = ["encoder", "decoder"].into_iter().zip(self.architecture.shapes()?);
        for (half, shapes) in halves {
            for (i, shape) in shapes.iter().enumerate() {
                let width = shape.iter().product();
                if !network::is_possible(width, joined) {
                    return Err(Error::unsupported(format!(
                        "{half}: before layer {i} a row has the shape {shape:?}, {width} values: {}; cut fields into smaller \
                         blocks (for Conv_AE_3D: fewer frames in one, which are a project's batch_size)",
                        network::POSSIBLE
                    )));
                }
            }
        }
        Ok(())
    }

    /// What a resumed training must have in common with the one that it goes on with.
    pub(super) fn fixed(&self) -> serde_json::Value {
        serde_json::json!({
            "architecture": self.architecture,
            "batch size": self.batch_size,
            "seed": self.seed,
            "share of validation rows": self.validation,
            "shuffling": self.shuffle,
            "loss": self.objective,
            "first learning rate": self.learning_rate,
        })
    }
}
