//! `baler export`.

use super::{check_output, load_model};
use crate::args::{self, Export};
use crate::output::AtomicFile;
use crate::saying::{bytes, print};
use baler::error::{Error, Result};
use baler::export::onnx::{Part, Precision, export};
use baler::model::any::AnyModel;
use serde_json::json;
use std::io::Write;

/// Runs it.
pub fn run(args: &Export) -> Result<bool> {
    let AnyModel::Autoencoder(model) = load_model(&args.input)? else {
        return Err(
            Error::unsupported("is a model of tables, which ONNX has no form for").at(args.input.display())
        );
    };
    check_output(&args.output, &[&args.input])?;
    if args.output.extension().is_none_or(|e| e != "onnx") {
        return Err(Error::invalid(format!("{}: models are exported as .onnx", args.output.display())));
    }
    let mut out = AtomicFile::create(&args.output, args.force)?;
    let part = match args.part {
        args::Part::Both => Part::Both,
        args::Part::Encoder => Part::Encoder,
        args::Part::Decoder => Part::Decoder,
    };
    let precision = if args.integer { Precision::Integer } else { Precision::Float };
    let file = export(&model, part, precision).map_err(|e| e.at(args.input.display()))?;
    out.write_all(&file)?;
    out.commit()?;
    if args.saying.json {
        print(
            json!({"output": args.output.to_string_lossy(), "bytes": file.len(), "features": model.features(),
            "latents": model.latents(), "integer": args.integer}),
        )?;
    } else {
        print(format!(
            "{}: {} {} to {}, {}{}",
            args.output.display(),
            model.architecture.name,
            model.features(),
            model.latents(),
            bytes(file.len() as u64),
            if args.integer { ", whole numbers" } else { "" }
        ))?;
    }
    Ok(true)
}
