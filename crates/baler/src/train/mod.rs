//! Fits models to data, in float, and freezes them.
//!
//! A seed gives the same model on the same CPU whatever the number of threads; other CPUs may add in another
//! order and give another, equally good one. Nothing here takes part in decoding.

mod adam;
mod gradient;
mod loss;
mod parameters;
mod rng;
mod schedule;
pub mod table;
mod team;
#[cfg(test)]
mod tests;

pub use loss::{Loss, Objective};
pub use schedule::{EarlyStopping, Plateau};

use std::ops::ControlFlow;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::model::layers::Architecture;
use crate::model::normalise::{Normalisation, NormalisationKind};
use crate::model::{Epoch, Model, Provenance, freeze};
use adam::Adam;
use parameters::Network;
use rng::Random;
use schedule::Watch;
use team::Team;

/// Rows on which a model's integer scales are chosen at most; more change nothing but the time it takes.
const CALIBRATION_ROWS: usize = 1 << 17;

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
    /// Rows a step.
    pub batch_size: usize,
    /// Of the first weights, of the split and of the shuffling.
    pub seed: u64,
    /// Share of the rows held back to validate on, in [0, 1).
    pub validation: f64,
    /// Whether each epoch takes the rows in another order.
    pub shuffle: bool,
    /// What is made small.
    pub objective: Objective,
    /// When to lower the learning rate.
    pub plateau: Option<Plateau>,
    /// When to stop before the last epoch.
    pub early_stopping: Option<EarlyStopping>,
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
            objective: Objective::default(),
            plateau: Some(Plateau::default()),
            early_stopping: Some(EarlyStopping::default()),
            threads: std::thread::available_parallelism().map_or(1, |n| n.get()),
        }
    }

    fn check(&self) -> Result<()> {
        self.architecture.validate()?;
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
        if !(0.0..1.0).contains(&self.validation) {
            return wrong("the share of validation rows must be at least 0 and below 1");
        }
        Ok(())
    }
}

/// How an epoch went.
#[derive(Debug, Clone, Copy)]
pub struct EpochReport {
    /// Counted from 1.
    pub epoch: usize,
    /// How many there will be at most.
    pub epochs: usize,
    /// Losses and learning rate.
    pub result: Epoch,
    /// How long it took.
    pub seconds: f64,
}

/// Trains on `rows` (rows x features; those with a value that is not finite are left out) and freezes the
/// parameters of the best epoch: best by the loss on the validation rows, or without any by the training loss.
///
/// `names` are the features', or none. `progress` sees every epoch and may end the training by
/// [`ControlFlow::Break`]; the model so far is kept. Errors where the options contradict themselves or the
/// data, where no row is finite, and where the loss is not (try a lower learning rate).
pub fn train(
    rows: &[f64],
    names: &[String],
    options: &TrainOptions,
    mut progress: impl FnMut(&EpochReport) -> ControlFlow<()>,
) -> Result<Model> {
    options.check()?;
    let network = Network::new(&options.architecture)?;
    let features = network.stages[0].inputs;
    if !rows.len().is_multiple_of(features) || !(names.is_empty() || names.len() == features) {
        return Err(Error::invalid(format!(
            "{} values and {} names are not rows of the model's {features} features",
            rows.len(),
            names.len()
        )));
    }
    let finite = finite_rows(rows, features);
    let count = finite.len() / features;
    if count == 0 || count > u32::MAX as usize {
        return Err(Error::invalid(format!("{count} finite rows to train on")));
    }
    let normalisation = Normalisation::fit(options.normalisation, &finite, features)?;
    let data = normalisation.apply(&finite);

    let mut random = Random::new(options.seed);
    let parameters = network.initialise(&mut random);
    let (mut order, held_back) = split(count, options.validation, &mut random);
    let batch = options.batch_size.min(count);
    let team = Team::new(&network, &data, parameters, options.objective, batch, options.threads);
    let (best, history) = team.run(|team| {
        let mut adam = Adam::new(network.len);
        let mut rate = options.learning_rate;
        let (mut slowing, mut stopping) = (Watch::new(), Watch::new());
        let mut best = (f64::INFINITY, team.parameters());
        let mut history = Vec::new();
        for epoch in 1..=options.epochs {
            let start = Instant::now();
            if options.shuffle {
                random.shuffle(&mut order);
            }
            let train_loss = team.train_epoch(&order, batch, &mut adam, rate);
            let validation_loss = (!held_back.is_empty()).then(|| team.evaluate(&held_back, batch));
            let result = Epoch { train_loss, validation_loss, learning_rate: rate };
            history.push(result);
            let loss = validation_loss.unwrap_or(train_loss);
            if !(loss.is_finite() && train_loss.is_finite()) {
                return Err(Error::invalid(format!(
                    "the loss of epoch {epoch} is {loss}; lower the learning rate"
                )));
            }
            if loss < best.0 {
                best = (loss, team.parameters());
            }
            let report =
                EpochReport { epoch, epochs: options.epochs, result, seconds: start.elapsed().as_secs_f64() };
            if progress(&report).is_break()
                || options.early_stopping.is_some_and(|s| s.stops(&mut stopping, loss))
            {
                break;
            }
            if let Some(plateau) = options.plateau {
                rate = plateau.next(&mut slowing, loss, rate);
            }
        }
        Ok((best.1, history))
    })?;

    let float = network.model(&options.architecture, &best)?;
    let frozen = freeze::freeze(
        &float,
        options.architecture.sequence,
        &normalisation,
        names.to_vec(),
        &sample_rows(&data, features),
    )?;
    let provenance = Provenance {
        program: format!("baler {}", env!("CARGO_PKG_VERSION")),
        seed: options.seed,
        rows: count as u64,
        rows_left_out: (rows.len() / features - count) as u64,
        history,
    };
    Ok(Model { architecture: options.architecture.clone(), normalisation, float, frozen, provenance })
}

fn finite_rows(rows: &[f64], features: usize) -> Vec<f64> {
    rows.chunks_exact(features).filter(|row| row.iter().all(|x| x.is_finite())).flatten().copied().collect()
}

/// Rows to train on and rows to validate on, at least one of the former; each in ascending order.
fn split(count: usize, share: f64, random: &mut Random) -> (Vec<u32>, Vec<u32>) {
    let mut rows: Vec<u32> = (0..count as u32).collect();
    let held_back = ((count as f64 * share).round() as usize).min(count - 1);
    if held_back > 0 {
        random.shuffle(&mut rows);
    }
    let mut validation = rows.split_off(count - held_back);
    rows.sort_unstable();
    validation.sort_unstable();
    (rows, validation)
}

/// At most [`CALIBRATION_ROWS`] rows, evenly spaced.
fn sample_rows(data: &[f32], features: usize) -> std::borrow::Cow<'_, [f32]> {
    let stride = (data.len() / features).div_ceil(CALIBRATION_ROWS);
    match stride {
        1 => data.into(),
        _ => data.chunks_exact(features).step_by(stride).flatten().copied().collect(),
    }
}
