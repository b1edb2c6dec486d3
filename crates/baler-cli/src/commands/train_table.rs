//! `baler train --kind table`.

use super::{check_output, threads, train};
use crate::args::Train;
use crate::output::AtomicFile;
use crate::saying::{bar, bytes, count, number, print};
use baler::archive::Options;
use baler::data::{Table, Variable};
use baler::error::{Error, Result};
use baler::train::table::{TableOptions, train_within};
use serde_json::json;
use std::io::Write;
use std::ops::ControlFlow;
use std::time::Instant;

/// The columns of `variable` that the flags want, their bounds, and how to train. Errors where it is a field.
pub fn request(args: &Train, variable: Variable) -> Result<(Table, Options<'static>, TableOptions)> {
    if args.ratio.is_some() || args.latent.is_some() || args.model.is_some() {
        return Err(Error::invalid(
            "--model, --ratio and --latent are for autoencoders; leave out --kind table",
        ));
    }
    train::check_not_field(args)?;
    let Variable::Table(mut table) = variable else {
        return Err(Error::invalid(format!("{} holds a field, which has no columns", args.input.display())));
    };
    if let Some(names) = &args.columns {
        if let Some(n) = names.iter().find(|n| table.columns.iter().all(|c| c.name != **n)) {
            return Err(Error::invalid(format!("there is no column '{n}'")));
        }
        table.columns.retain(|c| names.contains(&c.name));
    }
    let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    let bounds = train::bounds(args, &names)?;
    let defaults = TableOptions::default();
    let options = TableOptions {
        epochs: args.epochs,
        learning_rate: args.lr.unwrap_or(defaults.learning_rate),
        batch_size: args.batch_size.unwrap_or(defaults.batch_size),
        seed: args.seed,
        validation: args.validation,
        patience: args.patience,
        threads: threads(args.threads)?,
        ..defaults
    };
    Ok((table, bounds, options))
}

/// Runs it.
pub fn run(args: &Train) -> Result<bool> {
    let variable = train::load(&args.input, &args.reading, args.variable.as_deref())?;
    let (table, bounds, options) = request(args, variable)?;
    check_output(&args.output, &[&args.input])?;
    let mut out = AtomicFile::create(&args.output, args.force)?; // before the long work, should it be refused
    let begun = Instant::now();
    let bar = bar("training", !args.saying.quiet && !args.saying.json);
    let trained = train_within(&table, &bounds, &options, |r| {
        bar.set_length(r.columns as u64);
        bar.set_position(r.done as u64);
        bar.set_message(r.name.clone());
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    let seconds = begun.elapsed().as_secs_f64();
    let file = trained.to_bytes();
    out.write_all(&file)?;
    out.commit()?;
    let columns = &trained.provenance.columns;
    let bits: f64 = columns.iter().filter_map(|c| c.bits).sum();
    if args.saying.json {
        print(
            json!({"output": args.output.to_string_lossy(), "kind": "table", "rows": trained.provenance.rows,
            "columns": columns, "seconds": seconds, "bits": bits, "bytes": file.len()}),
        )?;
        return Ok(true);
    }
    print(format!(
        "{}: {} in {:.1} s, {} bits a row, {}",
        args.output.display(),
        count(columns.len(), "column"),
        seconds,
        number(bits),
        bytes(file.len() as u64)
    ))?;
    Ok(true)
}
