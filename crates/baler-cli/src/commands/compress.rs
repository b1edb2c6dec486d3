//! `baler compress`.

use super::{check_output, info, model_of, open_archive, open_inputs, threads};
use crate::args::{BoundArgs, Compress};
use crate::formats::Format;
use crate::named_bounds::{NamedBounds, names};
use crate::output::Output;
use crate::saying::{bar, bytes, number, print, ratio};
use baler::archive::{Codec, Options, compress};
use baler::bound::Bound;
use baler::error::{Error, Result};
use baler::model::any::{AnyModel, ModelRef};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The one bound that the flags give, where they give one.
pub fn common(args: &BoundArgs) -> Result<Option<Bound>> {
    let kinds = [
        args.abs.map(Bound::Absolute),
        args.rel.map(Bound::Relative),
        args.std.map(Bound::Deviation),
        args.pwrel.map(Bound::Pointwise),
        args.psnr.map(Bound::Psnr),
        args.lossless.then_some(Bound::Lossless),
        args.bound_none.then_some(Bound::None),
    ];
    let bound = kinds.into_iter().flatten().next();
    if let Some(b) = bound {
        b.check()?;
    }
    Ok(bound)
}

/// The codec of a name. Errors tell those that there are.
pub fn codec(name: &str) -> Result<Codec> {
    let usable = Codec::ALL.into_iter().filter(|&c| c != Codec::Constant);
    let known = || usable.clone().map(Codec::name).collect::<Vec<_>>().join(", ");
    Codec::from_name(name)
        .filter(|&c| c != Codec::Constant)
        .ok_or_else(|| Error::invalid(format!("'{name}' is no codec; there are {}", known())))
}

/// Runs it.
pub fn run(args: &Compress) -> Result<bool> {
    for (flag, size) in [("--chunk", args.chunk), ("--chunk-rows", args.chunk_rows)] {
        if size == 0 {
            return Err(Error::invalid(format!("{flag} 0 would hold nothing")));
        }
    }
    let model = model_of(&args.coding)?;
    let codec = args.codec.as_deref().map(codec).transpose()?;
    let lent = model.as_ref().map(AnyModel::lend);
    if codec == Some(Codec::Autoencoder) && lent.and_then(ModelRef::autoencoder).is_none() {
        return Err(Error::invalid(
            "--codec autoencoder wants a model: train one with `baler train`, give it with --model",
        ));
    }
    let bar = bar("compressing", !args.saying.quiet && !args.saying.json);
    let progress = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let files: Vec<_> =
        args.inputs.iter().map(|p| p.file_name().unwrap_or_default().to_string_lossy()).collect();
    let mut description = serde_json::Map::new();
    description.insert("program".into(), json!(concat!("baler ", env!("CARGO_PKG_VERSION"))));
    description.insert("source".into(), json!(files));
    let bounds = NamedBounds::read(&args.named)?;
    let mut options = Options {
        bound: common(&args.bound)?,
        fill: args.fill,
        model: lent,
        embed: !args.external_model,
        codec,
        level: args.level,
        threads: threads(args.coding.threads)?,
        chunk: args.chunk,
        chunk_rows: args.chunk_rows,
        description,
        progress: &progress,
        ..Options::default()
    };
    let from: Vec<&Path> = args
        .inputs
        .iter()
        .chain(&args.coding.model)
        .chain(&args.named.bounds_file)
        .map(PathBuf::as_path)
        .collect();
    check_output(&args.output, &from)?;
    if let Ok(format @ (Format::Npy | Format::Npz | Format::Csv)) = Format::of(&args.output) {
        return Err(Error::invalid(format!(
            "{}: the output is an archive, not {format:?} data; name it {}",
            args.output.display(),
            args.output.with_extension("blr").display()
        )));
    }
    let inputs = open_inputs(&args.inputs, &args.reading)?;
    options.bounds = bounds.of(&names(&inputs))?;
    let mut out = Output::create(&args.output, args.force)?;
    let begun = Instant::now();
    let summary = compress(inputs, &options, &mut out)?;
    let seconds = begun.elapsed().as_secs_f64();
    out.commit()?;
    bar.finish_and_clear();
    let speed = summary.original as f64 / 1e6 / seconds;
    if crate::output::is_standard(&args.output) {
        return Ok(true);
    }
    if args.saying.json {
        // A device or a pipe cannot be read again.
        let mut report = match args.output.is_file() {
            true => info::report(&mut open_archive(&args.output, model.as_ref())?)?,
            false => json!({"original_bytes": summary.original, "stored_bytes": summary.stored,
                "model_bytes": summary.model, "ratio": ratio(summary.original, summary.stored)}),
        };
        let more = json!({"seconds": seconds, "mb_per_s": speed, "model_left_out": summary.model_left_out});
        let more = more.as_object().expect("an object").clone();
        report.as_object_mut().expect("an object").extend(more);
        print(report)?;
        return Ok(true);
    }
    let smaller = match ratio(summary.original, summary.stored) {
        r if r > 1.0 => format!("{} times smaller", number(r)),
        _ => "no smaller (an archive says some 160 bytes of itself)".into(),
    };
    print(format!(
        "{}: {} to {}, {smaller}, {} MB/s",
        args.output.display(),
        bytes(summary.original),
        bytes(summary.stored),
        number(speed)
    ))?;
    if summary.model > 0 {
        let without = ratio(summary.original, summary.stored - summary.model);
        print(format!(
            "of which the model takes {}; without it {} times",
            bytes(summary.model),
            number(without)
        ))?;
    }
    match (summary.model_left_out, &args.coding.model) {
        (Some(why), _) => print(format!("the model is not used: {why}"))?,
        (None, Some(model)) if args.external_model => {
            print(format!("to be read it needs the model: keep {} with it", model.display()))?
        }
        _ => {}
    }
    Ok(true)
}
