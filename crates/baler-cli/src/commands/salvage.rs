//! `baler salvage`.

use super::{check_output, load_model, open_plain};
use crate::args::Salvage as Args;
use crate::formats::{self, WriteOptions};
use crate::output::is_standard;
use crate::saying::{count, print};
use baler::archive::read::read_header;
use baler::archive::{Salvaged, salvage};
use baler::data::Dataset;
use baler::error::{Error, ErrorKind, Result};
use baler::model::any::AnyDecoder;
use serde_json::json;

/// Values that an archive may hold to be put together in memory.
const MOST_VALUES: usize = 1 << 32;

/// Without a model that it refers to, all of an archive would pass for lost.
fn check_models(archive: &[u8], given: &[AnyDecoder]) -> Result<()> {
    let header = read_header(&mut &archive[..])?.header;
    let missing = header.models.iter().find(|m| !m.embedded && given.iter().all(|d| d.hash() != m.hash));
    match missing {
        Some(m) => Err(Error::new(
            ErrorKind::MissingModel,
            format!("was made with the model {}; supply its file with --model", m.hash),
        )),
        None => Ok(()),
    }
}

/// What is whole of an archive's bytes. Errors where the model that it was made with is not given.
pub fn recovered(archive: &[u8], models: &[AnyDecoder]) -> Result<Vec<Salvaged>> {
    check_models(archive, models)?;
    salvage(archive, models, MOST_VALUES)
}

/// Runs it; `false` where something is lost.
pub fn run(args: &Args) -> Result<bool> {
    let place = |e: Error| e.at(args.input.display());
    let models = args.model.as_deref().map(load_model).transpose()?;
    let decoders: Vec<_> = models.iter().map(|m| m.decoder()).collect();
    if is_standard(&args.output) {
        return Err(Error::invalid("salvage writes to a file; standard output is for its report"));
    }
    check_output(&args.output, &[&args.input])?;
    open_plain(&args.input)?;
    let bytes = std::fs::read(&args.input).map_err(|e| place(e.into()))?;
    let salvaged = recovered(&bytes, &decoders).map_err(place)?;
    let out = formats::create(&args.output, &WriteOptions { force: args.force, ..WriteOptions::default() })?;
    let mut reports = vec![];
    let mut whole = true;
    let mut data = Dataset::default();
    for s in salvaged {
        let lost: Vec<String> = s.lost.iter().map(|r| format!("{}:{}", r.start, r.end)).collect();
        whole &= lost.is_empty();
        if !args.json {
            match lost.is_empty() {
                true => print(format!("{}: whole, {}", s.name, count(s.found, "chunk")))?,
                false => {
                    let found = count(s.found, "chunk");
                    print(format!("{}: {found} found whole; rows lost: {}", s.name, lost.join(", ")))?
                }
            }
        }
        reports.push(json!({"name": s.name, "chunks_found": s.found, "rows_lost": lost}));
        data.variables.push((s.name, s.variable));
    }
    out.write(&data)?;
    if args.json {
        print(json!({"whole": whole, "variables": reports}))?;
    }
    Ok(whole)
}
