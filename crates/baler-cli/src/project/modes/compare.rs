//! `--mode compare`: every way to compress the project's data, side by side.

use std::process::{Command, Stdio};

use super::Session;
use crate::commands::threads;
use crate::commands::trial::{Case, HEAD, Place, WORDS};
use crate::project::{Output, data, settings};
use crate::saying::{print, table};
use baler::bound::Bound;
use baler::codec::chunk::Codec;
use baler::codec::field::Level;
use baler::data::Variable;
use baler::error::Result;
use baler::model::Model;

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
    let folder = tempfile::tempdir()?;
    let place = Place { folder: folder.path(), threads: threads(None)? };

    let mut rows = vec![HEAD.map(String::from).to_vec()];
    let mut holds = true;
    for case in cases(&variable, bound, model.as_deref()) {
        let outcome = place.run(data::NAME, &variable, &case)?;
        holds &= outcome.holds;
        rows.push(outcome.cells);
    }
    print(table(&rows, &WORDS))?;
    if model.is_none() {
        print("There is no model yet: `--mode train` makes one, and the autoencoder then joins in.")?;
    }
    match peers() {
        true => print(
            "Other compressors (SZ3, SPERR, zstd, pcodec) side by side: bench/fields.py and bench/tables.py in Baler's repository.",
        )?,
        false => session
            .tell("Other compressors are measured by bench/, with the packages of bench/requirements.txt.")?,
    }
    Ok(holds)
}

fn cases<'a>(variable: &Variable, bound: Bound, model: Option<&'a Model>) -> Vec<Case<'a>> {
    let plain = |name, level, bound| Case { name, file: "plain.blr", bound, codec: None, level, model: None };
    let mut cases = vec![plain("plain codecs", Level::Default, bound)];
    if let Variable::Field(_) = variable {
        cases.insert(0, plain("plain codecs, fast", Level::Fast, bound));
        cases.push(plain("plain codecs, max", Level::Max, bound));
    }
    if let Some(model) = model {
        let coded = |name, bound| Case {
            name,
            file: "model.blr",
            bound,
            codec: Some(Codec::Autoencoder),
            level: Level::Default,
            model: Some(model),
        };
        cases.push(coded("autoencoder within the bound", bound));
        cases.push(coded("autoencoder alone", Bound::None));
    }
    cases.push(plain("lossless", Level::Default, Bound::Lossless));
    cases
}

/// Whether Python has what `bench/` needs.
fn peers() -> bool {
    let code = format!("import {}", PEERS.join(", "));
    let mut python = Command::new("python3");
    python.args(["-c", &code]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    python.status().is_ok_and(|status| status.success())
}
