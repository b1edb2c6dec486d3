//! `baler train --kind field`.

use super::{check_output, threads, train};
use crate::args::Train;
use crate::output::AtomicFile;
use crate::saying::{bar, bytes, count, number, print};
use baler::archive::Options;
use baler::data::{Array, Variable};
use baler::error::{Error, Result};
use baler::train::field::{FieldOptions, train_fields};
use serde_json::json;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A field by its name.
type Named = (String, Array);

/// The fields, their bounds, and how to train. Errors where one is a table.
pub fn request(
    args: &Train,
    samples: Vec<(String, Variable)>,
) -> Result<(Vec<Named>, Options<'static>, FieldOptions)> {
    if args.ratio.is_some() || args.latent.is_some() || args.model.is_some() || args.columns.is_some() {
        return Err(Error::invalid("--model, --ratio, --latent and --columns are not for --kind field"));
    }
    let mut fields = vec![];
    for (name, variable) in samples {
        match variable {
            Variable::Field(array) => fields.push((name, array)),
            Variable::Table(_) => {
                return Err(Error::invalid("a table has no neighbours to learn from; say --kind table"));
            }
        }
    }
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    let bounds = train::bounds(args, &names)?;
    let defaults = FieldOptions::default();
    let options = FieldOptions {
        epochs: args.epochs.unwrap_or(defaults.epochs),
        learning_rate: args.lr.unwrap_or(defaults.learning_rate),
        batch_size: args.batch_size.unwrap_or(defaults.batch_size),
        seed: args.seed,
        validation: args.validation,
        patience: args.patience.unwrap_or(defaults.patience),
        hidden: args.hidden.clone().unwrap_or(defaults.hidden),
        threads: threads(args.threads)?,
    };
    Ok((fields, bounds, options))
}

/// All samples.
fn paths(args: &Train) -> impl Iterator<Item = &PathBuf> {
    std::iter::once(&args.input).chain(&args.more)
}

/// Runs it.
pub fn run(args: &Train) -> Result<bool> {
    let load = |path: &PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into();
        Ok((name, train::load(path, &args.reading, args.variable.as_deref())?))
    };
    let (fields, bounds, options) = request(args, paths(args).map(load).collect::<Result<_>>()?)?;
    check_output(&args.output, &paths(args).map(PathBuf::as_path).collect::<Vec<&Path>>())?;
    let mut out = AtomicFile::create(&args.output, args.force)?; // before the long work, should it be refused
    let begun = Instant::now();
    let bar = bar("training", !args.saying.quiet && !args.saying.json);
    bar.set_length(options.epochs as u64);
    let trained = train_fields(&fields, &bounds, &options, |r| {
        bar.set_position(r.epoch as u64);
        let bits = r.result.validation_loss.unwrap_or(r.result.train_loss);
        bar.set_message(format!("{} bits a value", number(bits)));
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    let seconds = begun.elapsed().as_secs_f64();
    let file = trained.to_bytes();
    out.write_all(&file)?;
    out.commit()?;
    let p = &trained.provenance;
    let coded = trained.model.to_bytes().len();
    if args.saying.json {
        let losses: Vec<_> = p.history.iter().map(|e| json!([e.train_loss, e.validation_loss])).collect();
        print(json!({"output": args.output.to_string_lossy(), "kind": "field", "samples": p.samples,
            "hidden": trained.model.hidden(), "epochs": p.history.len(), "seconds": seconds, "bits": p.bits[0],
            "bits_linear": p.bits[1], "model_bytes": coded, "bytes": file.len(), "losses": losses}))?;
        return Ok(true);
    }
    print(format!(
        "{}: {} in {:.1} s, {} bits a value where a linear prediction leaves {}, {} in an archive",
        args.output.display(),
        count(p.history.len(), "epoch"),
        seconds,
        number(p.bits[0]),
        number(p.bits[1]),
        bytes(coded as u64)
    ))?;
    Ok(true)
}
