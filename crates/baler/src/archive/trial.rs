//! What a model would save, by some chunks coded without it and with it.

use super::coded::{Coded, code_chunk, read_chunk};
use super::options::Options;
use super::pipeline::in_order;
use super::plan::Plan;
use super::source::Input;
use crate::codec::candidate::Candidate;
use crate::codec::chunk::Request;
use crate::error::Result;
use crate::model::any::ModelRef;

/// Chunks of all variables on which the worth of a model is measured.
const TRIALS: usize = 4;

/// Bytes of chunks coded in trials that are kept, so that they are not coded again.
const MOST_KEPT: usize = 1 << 26;

/// A chunk coded without a model and with it.
pub(super) struct Trial {
    pub variable: usize,
    pub chunk: usize,
    pub coded: [Coded; 2],
}

/// What trials came to.
pub(super) struct Trials {
    /// Bytes that the model saves in all, by the chunks that were tried.
    pub saved: f64,
    pub kept: Vec<Trial>,
}

/// Tries a model on some chunks of each of the variables `fitting`.
pub(super) fn try_out(
    plans: &mut [Plan],
    inputs: &mut [Input],
    fitting: &[usize],
    model: ModelRef,
    options: &Options,
) -> Result<Trials> {
    // Planning may have read the first chunk of an archive's only variable.
    let mut first = fitting.first().and_then(|&p| plans[p].first.take());
    let plans = &*plans;
    let chunks = |&p: &usize| {
        let chunks = plans[p].header.chunks();
        let tried = chunks.min(TRIALS);
        (0..tried).map(move |t| (p, t * chunks / tried, chunks as f64 / tried as f64))
    };
    let mut jobs = fitting.iter().flat_map(chunks);
    let plain = Request { level: options.level, ..Request::default() };
    let by_model = Request { model: Some(Candidate { model, number: 0, asked: false }), ..plain };
    let mut trials = Trials { saved: 0.0, kept: vec![] };
    let mut room = MOST_KEPT;
    in_order(
        options.threads,
        || {
            let (p, i, share) = jobs.next()?;
            let runs = match first.take() {
                Some(runs) => Ok(runs), // which is the first job's
                None => read_chunk(&mut inputs[p], &plans[p].header.kind, i).map_err(|e| e.at(&plans[p])),
            };
            Some(runs.map(|runs| (p, i, share, runs)))
        },
        |(variable, chunk, share, runs)| {
            let plan = &plans[variable];
            let code = |request| code_chunk(plan, chunk, &runs, request).map_err(|e| e.at(plan));
            Ok((Trial { variable, chunk, coded: [code(plain)?, code(by_model)?] }, share))
        },
        |(trial, share)| {
            let [plain, by_model] = trial.coded.each_ref().map(|c| c.payload.len());
            trials.saved += (plain as f64 - by_model as f64) * share;
            if let Some(left) = room.checked_sub(plain + by_model) {
                room = left;
                trials.kept.push(trial);
            }
            Ok(())
        },
    )?;
    Ok(trials)
}
