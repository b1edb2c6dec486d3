//! The loop over epochs.

use std::borrow::Cow;
use std::io::Write;
use std::ops::ControlFlow;
use std::time::Instant;

use super::automatic;
use super::checkpoint::{self, Checkpoint};
use super::course::{Course, Kept, State};
use super::network::Network;
use super::options::TrainOptions;
use super::rng::Random;
use super::schedule::Watch;
use super::slice::read;
use super::team::Team;
use crate::error::{Error, Result};
use crate::model::float::{FloatModel, Precision, forward};
use crate::model::layers::Architecture;
use crate::model::normalise::{Normalisation, NormalisationKind};
use crate::model::tensors::crc32;
use crate::model::{Epoch, Model, Provenance, freeze};

/// Rows on which a model's integer scales are chosen at most; more change nothing but the time it takes.
const CALIBRATION_ROWS: usize = 1 << 17;

/// A model as training leaves it: not yet frozen.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The layers.
    pub architecture: Architecture,
    /// Between the user's units and the network's.
    pub normalisation: Normalisation,
    /// The network.
    pub float: FloatModel,
    /// Where it comes from.
    pub provenance: Provenance,
}

impl Fitted {
    /// `rows` (rows x features, in the user's units) through the network and back.
    pub fn reconstruct(&self, rows: &[f64]) -> Vec<f64> {
        let normal = self.normalisation.apply(rows);
        self.normalisation.invert(&forward(self.float.layers(), self.architecture.sequence, &normal))
    }

    /// With integers that code, their scales chosen on `rows` (in the user's units, not all need be finite); `names` are the
    /// features', or none.
    pub fn freeze(self, rows: &[f64], names: &[String]) -> Result<Model> {
        let Fitted { architecture, normalisation, float, provenance } = self;
        let features = architecture.features();
        // Whole sequences, evenly spaced.
        let sequence = architecture.sequence * features;
        let finite = finite_rows(rows, features);
        let stride = (finite.len() / features).div_ceil(CALIBRATION_ROWS).max(1);
        let sample = match stride {
            1 => normalisation.apply(&finite),
            _ => normalisation
                .apply(&finite.chunks(sequence).step_by(stride).flatten().copied().collect::<Vec<_>>()),
        };
        let frozen = freeze::freeze(&float, architecture.sequence, &normalisation, names.to_vec(), &sample)?;
        Ok(Model { architecture, normalisation, float, frozen, provenance })
    }
}

/// How an epoch went, and what there is so far.
#[derive(Clone, Copy)]
pub struct EpochReport<'a> {
    /// Counted from 1.
    pub epoch: usize,
    /// How many there will be at most.
    pub epochs: usize,
    /// Losses and learning rate.
    pub result: Epoch,
    /// How long it took.
    pub seconds: f64,
    now: &'a dyn Now,
}

/// A training between two epochs.
trait Now {
    fn write_checkpoint(&self, out: &mut dyn Write) -> std::io::Result<()>;
    fn fitted(&self) -> Result<Fitted>;
}

impl EpochReport<'_> {
    /// Writes all that is needed to go on from here: what [`Checkpoint::from_bytes`] reads.
    pub fn write_checkpoint(&self, out: &mut dyn Write) -> Result<()> {
        Ok(self.now.write_checkpoint(out)?)
    }

    /// The model with the parameters of this epoch, better or worse.
    pub fn fitted(&self) -> Result<Fitted> {
        self.now.fitted()
    }
}

/// What there is between two epochs in either precision.
struct Between<'a, R: Kept> {
    run: &'a Run<'a>,
    team: &'a Team<'a, R>,
    course: &'a Course,
}

impl<R: Kept> Now for Between<'_, R> {
    fn write_checkpoint(&self, out: &mut dyn Write) -> std::io::Result<()> {
        checkpoint::write(&self.run.fixed, self.team, self.course, out)
    }

    fn fitted(&self) -> Result<Fitted> {
        let blocks: Vec<_> = self.team.blocks.iter().map(read).collect();
        let norms: Vec<_> = self.team.norms.iter().map(|norm| read(norm).running.clone()).collect();
        let values: Vec<&[R]> = blocks.iter().map(|b| &b.values[..]).collect();
        self.run.fitted(&values, &norms, &self.course.history)
    }
}

/// What stays the same from epoch to epoch.
struct Run<'a> {
    options: &'a TrainOptions,
    network: &'a Network,
    normalisation: &'a Normalisation,
    fixed: serde_json::Value,
    /// Rows to train on, and rows left out.
    rows: (usize, usize),
}

impl Run<'_> {
    fn fitted<R: Kept>(&self, values: &[&[R]], running: &[[Vec<R>; 2]], history: &[Epoch]) -> Result<Fitted> {
        let architecture = &self.options.architecture;
        let provenance = Provenance {
            program: format!("baler {}", env!("CARGO_PKG_VERSION")),
            seed: self.options.seed,
            precision: self.options.precision,
            rows: self.rows.0 as u64,
            rows_left_out: self.rows.1 as u64,
            history: history.to_vec(),
        };
        Ok(Fitted {
            architecture: architecture.clone(),
            normalisation: self.normalisation.clone(),
            float: self.network.export(architecture, values, running)?,
            provenance,
        })
    }
}

/// [`fit`] and [`Fitted::freeze`].
pub fn train(
    rows: &[f64],
    names: &[String],
    options: &TrainOptions,
    progress: impl FnMut(&EpochReport) -> ControlFlow<()>,
) -> Result<Model> {
    let features = options.architecture.features();
    if !(names.is_empty() || names.len() == features) {
        return Err(Error::invalid(format!("{} names for {features} features", names.len())));
    }
    fit(rows, options, None, progress)?.freeze(rows, names)
}

/// Trains on `rows` (rows x features; those with a value that is not finite are left out); gives the parameters of the
/// best epoch: best by the loss on the validation rows, or without any by the training loss.
///
/// `from` is a training to go on with, on the same rows and with the same options but for the number of epochs, the
/// patience and the threads. `progress` sees every epoch and may end the training by [`ControlFlow::Break`]; the model so far
/// is kept. Errors where the options contradict themselves, the data or the checkpoint, where no row is finite, and where
/// the loss is not (try a lower learning rate).
pub fn fit(
    rows: &[f64],
    options: &TrainOptions,
    from: Option<Checkpoint>,
    mut progress: impl FnMut(&EpochReport) -> ControlFlow<()>,
) -> Result<Fitted> {
    match options.precision {
        Precision::Single => fit_in::<f32>(rows, options, from, &mut progress),
        Precision::Double => fit_in::<f64>(rows, options, from, &mut progress),
    }
}

fn fit_in<R: Kept>(
    rows: &[f64],
    options: &TrainOptions,
    from: Option<Checkpoint>,
    progress: &mut dyn FnMut(&EpochReport) -> ControlFlow<()>,
) -> Result<Fitted> {
    options.check()?;
    let network = Network::new(&options.architecture)?;
    let features = network.features();
    if !rows.len().is_multiple_of(features) {
        return Err(Error::invalid(format!(
            "{} values are not rows of the model's {features} features",
            rows.len()
        )));
    }
    let finite = finite_rows(rows, features);
    let count = finite.len() / features;
    if count == 0 || count > u32::MAX as usize {
        return Err(Error::invalid(format!("{count} finite rows to train on")));
    }
    let kind = match options.normalisation {
        NormalisationKind::Auto => automatic::choose(&finite, features, options)?,
        kind => kind,
    };
    let normalisation = Normalisation::fit(kind, &finite, features)?;
    let data: Vec<R> = normalisation.apply_in(&finite);
    drop(finite);
    let rows = (count, rows.len() / features - count);
    let mut fixed = options.fixed();
    fixed["data and their normalisation"] = crc32(&data).into();
    let run = Run { options, network: &network, normalisation: &normalisation, fixed, rows };

    let (mut course, steps, State { blocks, norms }) = match from {
        Some(from) => {
            let state = R::own(from.state).ok_or_else(|| another("precision"))?;
            check_fixed(&from.fixed, &run.fixed)?;
            state.check(&network)?;
            (from.course, from.steps, state)
        }
        None => {
            let course = Course {
                history: vec![],
                learning_rate: options.learning_rate,
                slowing: Watch::new(),
                stopping: Watch::new(),
                least: f64::INFINITY,
            };
            let (blocks, norms) = match &options.start {
                Some(model) => network.import(model),
                None => network.initialise(&mut Random::new(options.seed)),
            };
            (course, 0, State { blocks, norms })
        }
    };
    let (train_on, held_back) = split(count, options.validation, network.sequence, options.seed);
    let batch = options.batch_size.min(count).next_multiple_of(network.sequence);
    let draw = (options.seed, steps);
    let team = Team::new(&network, &data, (blocks, norms), options.objective, batch, draw, options.threads);
    team.run(|team| {
        let stopped = |watch: &Watch| options.early_stopping.is_some_and(|s| s.is_over(watch));
        while course.history.len() < options.epochs && !stopped(&course.stopping) {
            let start = Instant::now();
            let epoch = course.history.len() + 1;
            let order = match options.shuffle {
                true => Cow::Owned(shuffled(&train_on, network.sequence, options.seed, epoch)),
                false => Cow::Borrowed(&train_on),
            };
            let rate = course.learning_rate;
            let train_loss = team.train_epoch(&order, batch, rate);
            let validation_loss = (!held_back.is_empty()).then(|| team.evaluate(&held_back, batch));
            let result = Epoch { train_loss, validation_loss, learning_rate: rate };
            let loss = validation_loss.unwrap_or(train_loss);
            if !(loss.is_finite() && train_loss.is_finite()) {
                return Err(Error::invalid(format!(
                    "the loss of epoch {epoch} is {loss}; lower the learning rate"
                )));
            }
            course.history.push(result);
            if loss < course.least {
                course.least = loss;
                team.keep();
            }
            if let Some(stopping) = options.early_stopping {
                stopping.see(&mut course.stopping, loss);
            }
            if let Some(plateau) = options.plateau {
                course.learning_rate = plateau.next(&mut course.slowing, loss, rate);
            }
            let seconds = start.elapsed().as_secs_f64();
            let now = &Between { run: &run, team, course: &course };
            let report = EpochReport { epoch, epochs: options.epochs, result, seconds, now };
            if progress(&report).is_break() {
                break;
            }
        }
        Ok(())
    })?;
    let (values, running) = team.best(); // without the moments, which take twice what it does
    let values: Vec<&[R]> = values.iter().map(|v| &v[..]).collect();
    run.fitted(&values, &running, &course.history)
}

/// Names what a checkpoint has otherwise.
fn check_fixed(then: &serde_json::Value, now: &serde_json::Value) -> Result<()> {
    let differs = now.as_object().into_iter().flatten().find(|&(name, value)| then.get(name) != Some(value));
    differs.map_or(Ok(()), |(name, _)| Err(another(name)))
}

fn another(name: &str) -> Error {
    Error::invalid(format!("checkpoint: its training had another {name}; start anew, or give the same again"))
}

fn finite_rows(rows: &[f64], features: usize) -> Cow<'_, [f64]> {
    let is_finite = |row: &&[f64]| row.iter().all(|x| x.is_finite());
    match rows.iter().all(|x| x.is_finite()) {
        true => rows.into(),
        false => rows.chunks_exact(features).filter(is_finite).flatten().copied().collect(),
    }
}

/// Rows to train on and rows to validate on, at least one of the former; each in ascending order, and whole sequences
/// but for the last of the former.
fn split(count: usize, share: f64, sequence: usize, seed: u64) -> (Vec<u32>, Vec<u32>) {
    let mut all: Vec<u32> = (0..count as u32).collect();
    let groups = count / sequence + usize::from(!count.is_multiple_of(sequence));
    let held_back = ((groups as f64 * share).round() as usize).min(groups - 1);
    if held_back == 0 {
        return (all, vec![]);
    }
    let mut whole: Vec<usize> = (0..count / sequence).collect();
    Random::keyed(&[seed, 0]).shuffle(&mut whole);
    let mut is_held = vec![false; groups];
    whole.iter().take(held_back).for_each(|&g| is_held[g] = true);
    let validation = all.iter().copied().filter(|&row| is_held[row as usize / sequence]).collect();
    all.retain(|&row| !is_held[row as usize / sequence]);
    (all, validation)
}

/// The sequences of `rows` in another order; one that is not whole stays the last. Depends on nothing but seed and epoch,
/// so that a resumed training goes on alike.
fn shuffled(rows: &[u32], sequence: usize, seed: u64, epoch: usize) -> Vec<u32> {
    let mut random = Random::keyed(&[seed, 1, epoch as u64]);
    if sequence == 1 {
        let mut rows = rows.to_vec();
        random.shuffle(&mut rows);
        return rows;
    }
    let (whole, rest) = rows.split_at(rows.len() / sequence * sequence);
    let mut groups: Vec<&[u32]> = whole.chunks_exact(sequence).collect();
    random.shuffle(&mut groups);
    groups.into_iter().flatten().chain(rest).copied().collect()
}
