//! `baler decompress` of a `compressed.npz` of Baler's Python prototype, in float as it would.

use super::import::{network_of, told};
use super::train::whole_sample;
use super::{check_output, load_model, not_autoencoder};
use crate::args::Decompress;
use crate::formats::{self, WriteOptions};
use crate::import::dense::Network;
use crate::import::latents::{self, Compressed};
use crate::import::{Calibration, Difference, difference, model, pt};
use crate::saying::{bytes, number, print};
use baler::data::{Dataset, Variable};
use baler::error::{Error, Result};
use baler::model::Model;
use baler::model::any::AnyModel;
use serde_json::json;
use std::path::Path;
use std::time::Instant;

/// The network of a `.pt`, or of a model file and that model.
pub fn network(path: &Path) -> Result<(Network, Option<Box<Model>>)> {
    if pt::is_one(path) {
        return Ok((network_of(path, None)?, None));
    }
    match load_model(path)? {
        AnyModel::Autoencoder(m) => Ok((Network::of_model(&m)?, Some(m))),
        _ => Err(not_autoencoder(path)),
    }
}

/// How far the frozen network is from what was decoded. A `.pt` is frozen here, on what its latents decode to.
pub fn frozen_difference(
    compressed: &Compressed,
    network: &Network,
    model_file: Option<&Model>,
    decoded: &Variable,
) -> Result<Difference> {
    let rows = whole_sample(decoded)?.rows;
    let made;
    let frozen = match model_file {
        Some(model) => model,
        None => {
            let calibration = Calibration::Latents(&compressed.latents);
            made =
                model(network, compressed.ranges.as_ref(), compressed.names.clone(), calibration, "latents")?;
            &made
        }
    };
    difference(frozen, &rows)
}

/// Runs it.
pub fn run(args: &Decompress) -> Result<bool> {
    let refused = [
        ("--select", args.select.is_some()),
        ("--variable", args.variable.is_some()),
        ("--columns", args.columns.is_some()),
    ];
    if let Some((flag, _)) = refused.iter().find(|(_, given)| *given) {
        return Err(Error::invalid(format!(
            "{flag} is for Baler's archives; a compressed.npz is decoded whole"
        )));
    }
    let path = args.coding.model.as_deref().ok_or_else(|| {
        Error::invalid(format!(
            "{}: holds latents of Baler's Python prototype, and no model: give its model.pt, or what `baler import` \
             made of it, with --model",
            args.input.display()
        ))
    })?;
    check_output(&args.output, &[&args.input, path])?;
    let begun = Instant::now();
    let (network, model) = network(path)?;
    let compressed = latents::open(&args.input)?;
    let decoded = compressed
        .decode(&network, args.frame.as_deref().unwrap_or_default())
        .map_err(|e| e.at(args.input.display()))?;
    let seconds = begun.elapsed().as_secs_f64();
    let difference = frozen_difference(&compressed, &network, model.as_deref(), &decoded)?;
    let format = args.format.as_deref().map(|name| formats::Format::from_name(name.trim_start_matches('.')));
    let options = WriteOptions { force: args.force, format: format.transpose()?, ..WriteOptions::default() };
    let size = decoded.byte_len() as u64;
    let variables = vec![("data".to_string(), decoded)];
    formats::create(&args.output, &options)?.write(&Dataset { variables })?;
    if crate::output::is_standard(&args.output) {
        return Ok(true);
    }
    let speed = size as f64 / 1e6 / seconds;
    if args.saying.json {
        print(
            json!({"output": args.output.to_string_lossy(), "bytes": size, "seconds": seconds, "mb_per_s": speed,
            "frozen_largest_difference": difference.largest, "frozen_rms_difference": difference.root_mean_square}),
        )?;
        return Ok(true);
    }
    print(format!("{}: {}, {} MB/s", args.output.display(), bytes(size), number(speed)))?;
    print(told(difference))?;
    Ok(true)
}
