//! Fits models of tables: an alphabet and a tiny network for each column.
//!
//! Columns are independent tasks, so that a seed gives the same model on any number of threads.

mod alphabet;
mod fit;
mod histogram;
mod loss;
mod sources;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use crate::archive;
use crate::bound::Bound;
use crate::codec::table::column;
use crate::codec::table::net::Known;
use crate::data::Table;
use crate::error::{Error, Result};
use crate::front::{Target, Tolerance};
use crate::model::table::alphabet::{Alphabet, Scale};
use crate::model::table::file::{ColumnProvenance, TableProvenance, TrainedTable};
use crate::model::table::net::MOST_HIDDEN;
use crate::model::table::{ColumnModel, MOST_COLUMNS, TableModel};
use fit::Fitted;

/// Rows in a row that are held back together to validate on.
const BLOCK: usize = 256;
/// Rows that alphabets and networks are fitted to at most; the sample's first.
const MOST_ROWS: usize = 1 << 17;

/// How to train.
#[derive(Debug, Clone)]
pub struct TableOptions {
    /// Passes over the data at most; `None`: 40, and fewer, but 10, of more than 26 000 rows to train on.
    pub epochs: Option<usize>,
    /// The highest learning rate of the cycle.
    pub learning_rate: f64,
    /// Rows a step.
    pub batch_size: usize,
    /// Of first weights and shuffling.
    pub seed: u64,
    /// Share of the rows held back to validate on, in [0, 1).
    pub validation: f64,
    /// Epochs without progress after which training stops; `None`: a third of all and two. At the cycle's highest rate no epoch
    /// may be the best, with the best of all still to come.
    pub patience: Option<usize>,
    /// Units of the hidden layers to try, from few to many; each column gets the fewest that serve it.
    pub hidden: Vec<usize>,
    /// Threads to use at most; changes the time, never the result.
    pub threads: usize,
}

/// Bits a row that each further number of units has to save: it takes time and a larger model.
const WORTH: f64 = 0.05;
/// Passes over a sample, unless said otherwise, at most and at least, and rows in all above which there are fewer.
const EPOCHS: (usize, usize) = (40, 10);
const ROWS_IN_ALL: usize = 1 << 20;

impl Default for TableOptions {
    fn default() -> Self {
        TableOptions {
            epochs: None,
            learning_rate: 1.6e-2,
            batch_size: 256,
            seed: 1,
            validation: 0.1,
            patience: None,
            hidden: vec![4, 8, 16],
            threads: std::thread::available_parallelism().map_or(1, |n| n.get()),
        }
    }
}

impl TableOptions {
    /// Passes over a sample of `rows` rows at most.
    fn epochs(&self, rows: usize) -> usize {
        self.epochs.unwrap_or_else(|| (ROWS_IN_ALL / rows.max(1)).clamp(EPOCHS.1, EPOCHS.0))
    }

    fn check(&self) -> Result<()> {
        let wrong = |what: &str| Err(Error::invalid(format!("training: {what}")));
        if self.epochs == Some(0) || self.batch_size == 0 {
            return wrong("epochs and batch size must be at least 1");
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return wrong("the learning rate must be a positive number");
        }
        if !(0.0..1.0).contains(&self.validation) {
            return wrong("the share of validation rows must be at least 0 and below 1");
        }
        if self.hidden.is_empty() || self.hidden.iter().any(|h| !(1..=MOST_HIDDEN).contains(h)) {
            return wrong("hidden layers have 1 to 64 units");
        }
        Ok(())
    }
}

/// A column of the sample, as integers.
#[derive(Debug, Clone)]
pub struct SampleColumn {
    /// Its name.
    pub name: String,
    /// What one of its integers means.
    pub scale: Scale,
    /// An integer a row.
    pub integers: Vec<i64>,
}

/// How the training of one column went.
#[derive(Debug, Clone)]
pub struct ColumnReport {
    /// Its name.
    pub name: String,
    /// Columns trained so far, this one included, and those to train.
    pub done: usize,
    /// See `done`.
    pub columns: usize,
    /// Symbols.
    pub symbols: usize,
    /// Bits a row held back, those below bins left out; none where no network was made.
    pub bits: Option<f64>,
    /// Units of its hidden layers.
    pub hidden: usize,
    /// Epochs run.
    pub epochs: usize,
    /// Since the start.
    pub seconds: f64,
}

/// A column as its symbols.
struct Column {
    alphabet: Alphabet,
    symbols: Vec<u16>,
}

/// Trains on `sample`, columns of the same length in any order; columns of one value and those whose integers are no
/// numbers of some size are left out of the model.
///
/// `progress` sees every column and may end the training by [`ControlFlow::Break`]; the columns that are then not done
/// get no network. Errors where the options contradict themselves or nothing is left to learn.
pub fn train_table(
    sample: &[SampleColumn],
    options: &TableOptions,
    mut progress: impl FnMut(&ColumnReport) -> ControlFlow<()>,
) -> Result<TableModel> {
    let begun = Instant::now();
    let rows = sample.first().map_or(0, |c| c.integers.len());
    if sample.iter().any(|c| c.integers.len() != rows) {
        return Err(Error::invalid("training: columns of different lengths"));
    }
    options.check()?;
    let rows = rows.min(MOST_ROWS);
    let (train, held_back) = split(rows, options.validation);
    let mut fitted: Vec<(&SampleColumn, Alphabet)> = sample
        .iter()
        .filter(|c| c.integers.windows(2).any(|w| w[0] != w[1]))
        .filter_map(|c| Some((c, alphabet::fit(c.scale, &c.integers[..rows])?)))
        .collect();
    if fitted.is_empty() {
        return Err(Error::invalid("training: no column that changes has anything to learn"));
    }
    if fitted.len() > MOST_COLUMNS {
        let many = fitted.len();
        return Err(Error::invalid(format!(
            "training: {many} columns change; a model has {MOST_COLUMNS} at most"
        )));
    }
    // Columns of few values tell more of the others than the other way about.
    fitted.sort_by_key(|(_, a)| !a.is_class());
    let names: Vec<&str> = fitted.iter().map(|(c, _)| c.name.as_str()).collect();
    let columns = columns_of(&fitted, rows)?;
    let groups: Vec<Vec<u8>> = columns.iter().map(sources::groups).collect();

    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    // Nobody runs ahead of the reports: a training that is stopped ends with the columns at hand.
    let (send, receive) = mpsc::sync_channel::<(usize, Option<Fitted>)>(0);
    let work = |send: mpsc::SyncSender<_>| {
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= columns.len() {
                return;
            }
            let sources = sources::choose(&groups, number);
            let rows = (&train[..], &held_back[..]);
            let fit = |&units: &usize| fit::fit(&columns, number, sources.clone(), rows, units, options).ok();
            let mut fitted: Option<Fitted> = None;
            for more in options.hidden.iter().filter_map(fit) {
                if fitted.as_ref().is_some_and(|best| more.bits > best.bits - WORTH) {
                    break; // and more units still would save less
                }
                fitted = Some(more);
            }
            if send.send((number, fitted)).is_err() {
                return;
            }
        }
    };
    let mut nets: Vec<Option<Fitted>> = columns.iter().map(|_| None).collect();
    std::thread::scope(|scope| {
        for _ in 0..options.threads.clamp(1, columns.len()) {
            let send = send.clone();
            scope.spawn(|| work(send));
        }
        drop(send);
        for (done, (number, fitted)) in (1..).zip(receive) {
            let report = ColumnReport {
                name: names[number].into(),
                done,
                columns: columns.len(),
                symbols: columns[number].alphabet.symbols(),
                bits: fitted.as_ref().map(|f| f.bits),
                hidden: fitted.as_ref().map_or(0, |f| f.net.layers[0].outputs()),
                epochs: fitted.as_ref().map_or(0, |f| f.epochs),
                seconds: begun.elapsed().as_secs_f64(),
            };
            nets[number] = fitted;
            if progress(&report).is_break() {
                stop.store(true, Ordering::Relaxed);
            }
        }
    });
    let all = columns.into_iter().zip(names).zip(nets).map(|((column, name), fitted)| ColumnModel {
        name: name.into(),
        alphabet: column.alphabet,
        net: fitted.map(|f| f.net),
    });
    TableModel::new(all.collect())
}

/// Trains on a table within the bounds of `bounds` (an archive's options, of which only the bounds count): the model,
/// and what it was trained for. Texts are left out. See [`train_table`].
pub fn train_within(
    table: &Table,
    bounds: &archive::Options,
    options: &TableOptions,
    mut progress: impl FnMut(&ColumnReport) -> ControlFlow<()>,
) -> Result<TrainedTable> {
    let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    archive::plan::check_bounds(&bounds.bounds, &names)?;
    let targets = archive::plan::table_targets(table, bounds)?;
    let rows = table.rows().min(MOST_ROWS);
    let (mut sample, mut resolved) = (vec![], vec![]);
    for (c, target) in table.columns.iter().zip(targets) {
        let bound = match target.tolerance {
            Tolerance::Absolute(v) | Tolerance::RootMeanSquare(v) => Bound::Absolute(v),
            Tolerance::Pointwise(v) => Bound::Pointwise(v),
            Tolerance::Exact | Tolerance::None => Bound::Lossless,
        };
        resolved.push((c.name.clone(), bound));
        let tolerance = match target.tolerance {
            Tolerance::RootMeanSquare(v) => Tolerance::Absolute(v),
            other => other,
        };
        let mapped = column::map(&c.values.slice(0..rows), Target { tolerance, ..target });
        if let Some(scale) = Scale::of(&mapped.map, c.values.dtype()) {
            sample.push(SampleColumn { name: c.name.clone(), scale, integers: mapped.integers });
        }
    }
    let mut columns = vec![];
    let model = train_table(&sample, options, |report| {
        let ColumnReport { name, bits, hidden, epochs, .. } = report.clone();
        columns.push(ColumnProvenance { name, bits, hidden, epochs });
        progress(report)
    })?;
    // In the model's order, whichever thread was done first.
    columns.sort_by_key(|c| model.columns().iter().position(|m| m.name == c.name));
    let program = format!("baler {}", env!("CARGO_PKG_VERSION"));
    let provenance = TableProvenance { program, seed: options.seed, rows: table.rows() as u64, columns };
    Ok(TrainedTable { model, bounds: resolved, provenance })
}

/// Rows to train on, and rows to validate on: every so many blocks one.
fn split(rows: usize, share: f64) -> (Vec<u32>, Vec<u32>) {
    let held = |row: &u32| {
        let block = *row as usize / BLOCK;
        rows >= 4 * BLOCK && ((block + 1) as f64 * share).floor() > (block as f64 * share).floor()
    };
    (0..rows as u32).partition(|row| !held(row))
}

fn columns_of(fitted: &[(&SampleColumn, Alphabet)], rows: usize) -> Result<Vec<Column>> {
    let bare = |(c, alphabet): &(&SampleColumn, Alphabet)| ColumnModel {
        name: c.name.clone(),
        alphabet: alphabet.clone(),
        net: None,
    };
    let model = TableModel::new(fitted.iter().map(bare).collect())?;
    let mut known = Known::new(&model, rows);
    for (number, (c, _)) in fitted.iter().enumerate() {
        known.put(number, Some(c.scale), &c.integers[..rows]);
    }
    let column = |(number, (_, alphabet)): (usize, &(_, Alphabet))| Column {
        alphabet: alphabet.clone(),
        symbols: known.symbols(number).expect("has been put").to_vec(),
    };
    Ok(fitted.iter().enumerate().map(column).collect())
}
