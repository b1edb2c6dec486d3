//! `--mode train`.

use std::ops::ControlFlow;
use std::time::Instant;

use super::Session;
use crate::commands::train::{save, whole_sample};
use crate::output::AtomicFile;
use crate::project::{Output, activations, data, settings};
use crate::saying::{bar, bytes, count, number, print};
use baler::error::{Error, Result};
use baler::model::normalise::NormalisationKind;
use baler::train::{Checkpoint, EpochReport, fit};

/// Runs it.
pub fn run(session: &Session) -> Result<()> {
    let (data, whole) = data::blocked(data::load(session.config)?, session.config)?;
    let sample = whole_sample(&data)?;
    let rows = sample.rows.len() / sample.features;
    session.tell(format!(
        "{rows} rows of {} values{}",
        sample.features,
        whole.map_or("", |_| ", in blocks")
    ))?;
    let options = settings::training(session.config, &data::row_shape(&data))?;
    settings::without_effect(session.config).iter().for_each(|note| eprintln!("note: {note}"));
    let (every, from) = (settings::checkpoints(session.config)?, checkpoint(session)?);
    let path = session.project.path(Output::Model);
    let out = AtomicFile::create(&path, true)?; // before the long work, should it be refused
    let bar = bar("training", true);
    bar.set_length(options.epochs as u64);
    let begun = Instant::now();
    let mut kept = Ok(()); // whether every checkpoint and every line could be written
    let fitted = fit(&sample.rows, &options, from, |e| {
        let r = e.result;
        if every.is_some_and(|n| e.epoch.is_multiple_of(n) && e.epoch < e.epochs) {
            kept = keep(session, e);
            if kept.is_err() {
                return ControlFlow::Break(());
            }
        }
        bar.set_position(e.epoch as u64);
        bar.set_message(format!("loss {}", number(r.validation_loss.unwrap_or(r.train_loss))));
        if session.verbose {
            let validation =
                r.validation_loss.map_or(String::new(), |v| format!(", validation {}", number(v)));
            let line = format!(
                "epoch {} of {}: loss {}{validation}, rate {}",
                e.epoch,
                e.epochs,
                number(r.train_loss),
                number(r.learning_rate)
            );
            kept = bar.suspend(|| print(line));
        }
        if kept.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    kept?;
    let model = fitted.freeze(&sample.rows, &sample.names)?;
    bar.finish_and_clear();
    let seconds = begun.elapsed().as_secs_f64();
    let size = save(&model, out)?;
    let _ = std::fs::remove_file(session.project.path(Output::Checkpoint)); // there may be none

    let history = &model.provenance.history;
    let trained = history.iter().map(|e| e.train_loss);
    let validated = history.iter().map(|e| e.validation_loss.unwrap_or(e.train_loss));
    session.write_rows(Output::Losses, history.len(), trained.chain(validated).collect())?;
    let ranges =
        model.normalisation.affine().filter(|_| model.normalisation.kind() == NormalisationKind::MinMax);
    if let Some((minimum, range)) = ranges {
        let ranges = [minimum, range].concat();
        session.write_rows(Output::Ranges, sample.features, ranges)?;
    }
    if session.config.activation_extraction {
        let means = activations::means(&model, &sample.rows)?;
        let width = means.iter().map(|(_, nodes)| nodes.len()).max().unwrap_or(0);
        // Layers of fewer nodes than the widest are filled up, as the prototype's are.
        let padded = |nodes: Vec<f64>| nodes.into_iter().chain(std::iter::repeat(f64::NAN)).take(width);
        let values = means.into_iter().flat_map(|(_, nodes)| padded(nodes)).collect();
        session.write_rows(Output::Activations, width, values)?;
    }
    let last = history.last().map_or(f64::NAN, |e| e.validation_loss.unwrap_or(e.train_loss));
    print(format!(
        "{}: {} {} to {}, {} in {seconds:.1} s, loss {}, {}",
        path.display(),
        model.architecture.name,
        model.features(),
        model.latents(),
        count(history.len(), "epoch"),
        number(last),
        bytes(size)
    ))?;
    match model.provenance.rows_left_out {
        0 => Ok(()),
        n => print(format!(
            "{} left out of the training: not all of their values are finite",
            count(n as usize, "row")
        )),
    }
}

/// Where an interrupted training goes on, if there was one and checkpoints are asked for.
fn checkpoint(session: &Session) -> Result<Option<Checkpoint>> {
    let path = session.project.path(Output::Checkpoint);
    if !session.config.intermittent_model_saving || !path.exists() {
        return Ok(None);
    }
    let place = |e: Error| e.at(path.display());
    let bytes = std::fs::read(&path).map_err(|e| place(e.into()))?;
    let checkpoint = Checkpoint::from_bytes(&bytes).map_err(place)?;
    let done = count(checkpoint.epochs(), "epoch");
    print(format!("{}: goes on after {done}; remove the file to start anew", path.display()))?;
    Ok(Some(checkpoint))
}

fn keep(session: &Session, report: &EpochReport) -> Result<()> {
    let mut out = AtomicFile::create(&session.project.path(Output::Checkpoint), true)?;
    report.write_checkpoint(&mut out)?;
    out.commit()
}
