//! `--mode compare`: every way to compress the project's data, side by side.

use std::process::{Command, Stdio};

use super::Session;
use crate::commands::compare::{compare, show};
use crate::commands::threads;
use crate::project::{Output, data, settings};
use crate::saying::print;
use baler::bound::Bound;
use baler::error::Result;

/// The bound of the ways that have one, where the settings have none.
const BOUND: Bound = Bound::Relative(1e-3);

/// Python packages with which other compressors are measured, in `bench/`.
const PEERS: [&str; 3] = ["pysz", "hdf5plugin", "pcodec"];

/// Runs it; `false` where a bound is broken.
pub fn run(session: &Session) -> Result<bool> {
    let config = session.config;
    let bound = match settings::bound(config)?.0 {
        Bound::None => BOUND,
        bound => bound,
    };
    let (variable, _) = data::blocked(data::load(config)?, config)?;
    let trained = [Output::Model, Output::PrototypeModel].iter().any(|&o| session.project.path(o).exists());
    let model = if trained { Some(session.model()?) } else { None };
    let outcomes = compare(data::NAME, &variable, bound, model.as_deref(), threads(None)?)?;
    let holds = outcomes.iter().all(|o| o.holds);
    show(outcomes)?;
    if model.is_none() {
        print("There is no model yet: `--mode train` makes one, and the autoencoder then joins in.")?;
    }
    if peers() {
        print(
            "Other compressors (SZ3, SPERR, zstd, pcodec) side by side: bench/fields.py and bench/tables.py in \
             Baler's repository.",
        )?;
    }
    Ok(holds)
}

/// Whether Python has what `bench/` needs.
fn peers() -> bool {
    let code = format!("import {}", PEERS.join(", "));
    let mut python = Command::new("python3");
    python.args(["-c", &code]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    python.status().is_ok_and(|status| status.success())
}
