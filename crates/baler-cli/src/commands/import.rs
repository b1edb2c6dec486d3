//! `baler import`.

use super::train::{Sample, load, save, whole_sample};
use super::{architecture, check_output, open_plain};
use crate::args::{Import, Reading};
use crate::formats;
use crate::import::dense::Network;
use crate::import::latents::{self, Ranges};
use crate::import::weights::{self, Tensors};
use crate::import::{Calibration, Difference, difference, frozen, model, normalisation, pt, sample};
use crate::output::AtomicFile;
use crate::saying::{bytes, number, print};
use baler::data::Variable;
use baler::error::{Error, Result};
use baler::export::onnx::read::read as onnx;
use baler::model::Model;
use baler::model::float::FloatModel;
use baler::model::layers::Architecture;
use serde_json::json;
use std::path::{Path, PathBuf};

/// The ranges in a `normalization_features.npy`.
pub fn ranges_of(path: &Path) -> Result<Option<Ranges>> {
    let mut variables = formats::open(path, &Default::default())?.load()?.variables;
    match variables.pop() {
        Some((_, Variable::Field(array))) => Ranges::of_array(&array).map_err(|e| e.at(path.display())),
        _ => Err(Error::invalid(format!("{}: holds no array", path.display()))),
    }
}

/// The tensors of a PyTorch model as a network.
pub fn network_of(path: &Path, name: Option<&str>) -> Result<Network> {
    open_plain(path)?;
    Network::from_tensors(pt::open(path)?, name).map_err(|e| e.at(path.display()))
}

/// The tensors of one file, or of an encoder's and a decoder's, in PyTorch's form or as safetensors.
fn tensors_of(args: &Import) -> Result<Tensors> {
    if args.latents.is_some() {
        return Err(Error::invalid("--latents is for ONNX files"));
    }
    let mut tensors = vec![];
    for path in [&args.input].into_iter().chain(&args.decoder) {
        open_plain(path)?;
        tensors.extend(match is_safetensors(path) {
            true => weights::open_safetensors(path)?,
            false => pt::open(path)?,
        });
    }
    Ok(tensors)
}

fn is_safetensors(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "safetensors")
}

/// Refuses data whose rows are not the model's.
pub fn check_features(model: usize, data: usize) -> Result<()> {
    match model == data {
        true => Ok(()),
        false => Err(Error::invalid(format!("rows of {data} values, where the model takes {model}"))),
    }
}

/// What a model is frozen on, which others than Baler's own need.
fn calibration(args: &Import) -> Result<Sample> {
    let path = args.calibrate.as_deref().ok_or_else(|| {
        Error::invalid(
            "integer scales are chosen on data: give --calibrate with a sample of what the model is for",
        )
    })?;
    let reading = Reading { shape: None, no_header: false };
    whole_sample(&load(path, &reading, None)?).map_err(|e| e.at(path.display()))
}

/// A network on `rows`, normalised by `own`, or by the file of `--normalization`.
fn frozen_on(
    args: &Import,
    rows: Sample,
    architecture: Architecture,
    float: FloatModel,
    own: Option<(Vec<f64>, Vec<f64>)>,
) -> Result<(Model, Vec<f64>)> {
    let features = architecture.features();
    check_features(features, rows.features)?;
    let given = args.normalization.as_deref().map(ranges_of).transpose()?.flatten();
    let normalisation = normalisation(own.or(given.map(|r| (r.minimum, r.range))), features)?;
    let normal = normalisation.apply(&sample(&rows.rows, features));
    let from = format!("imported from {}", args.input.file_name().unwrap_or_default().to_string_lossy());
    let model = frozen(architecture, float, normalisation, rows.names, &normal, &from)?;
    Ok((model, rows.rows))
}

/// Tensors of an architecture that `--model` names, as a model, and the rows that it was frozen on.
fn from_weights(args: &Import, tensors: &Tensors) -> Result<(Model, Vec<f64>)> {
    let name = args.model.as_deref().ok_or_else(|| {
        Error::invalid(
            "names and shapes of its tensors do not tell how its layers go: say --model, a name of the zoo or a .toml \
             file that describes them",
        )
    })?;
    let rows = calibration(args)?;
    let widths = weights::widths(tensors);
    let candidates = widths.iter().map(|&z| architecture::resolve(name, &rows.shape, Some(z), None));
    let (architecture, float) = weights::network(tensors, !is_safetensors(&args.input), candidates)
        .map_err(|e| e.at(args.input.display()))?;
    frozen_on(args, rows, architecture, float, None)
}

/// An ONNX file, or a pair of them, as a model, and the rows that it was frozen on.
fn from_onnx(args: &Import) -> Result<(Model, Vec<f64>)> {
    let read = |path: &Path| {
        open_plain(path)?;
        std::fs::read(path).map_err(|e| Error::from(e).at(path.display()))
    };
    let (file, decoder) = (read(&args.input)?, args.decoder.as_deref().map(read).transpose()?);
    let found =
        onnx(&file, decoder.as_deref(), args.latents.as_deref()).map_err(|e| e.at(args.input.display()))?;
    frozen_on(args, calibration(args)?, found.architecture, found.float, found.normalisation)
}

/// Runs it.
pub fn run(args: &Import) -> Result<bool> {
    let from: Vec<&Path> =
        [&args.input].into_iter().chain(&args.calibrate).chain(&args.decoder).map(PathBuf::as_path).collect();
    check_output(&args.output, &from)?;
    let (model, rows) = match args.input.extension().is_some_and(|e| e == "onnx") {
        true => from_onnx(args).map(|(model, rows)| (model, Some(rows)))?,
        false => {
            let tensors = tensors_of(args)?;
            match tensors.is_empty() || tensors.iter().any(|(name, _)| name.starts_with("en1.")) {
                true => from_prototype(args, tensors)?,
                false => from_weights(args, &tensors).map(|(model, rows)| (model, Some(rows)))?,
            }
        }
    };
    let difference = rows.map(|rows| difference(&model, &rows)).transpose()?;
    let size = save(&model, AtomicFile::create(&args.output, args.force)?)?;
    report(args, &model, difference, size)
}

/// A dense model of the prototype's, and rows to compare its networks on, where there are any.
fn from_prototype(args: &Import, tensors: Tensors) -> Result<(Model, Option<Vec<f64>>)> {
    let network =
        Network::from_tensors(tensors, args.model.as_deref()).map_err(|e| e.at(args.input.display()))?;
    let mut ranges = args.normalization.as_deref().map(ranges_of).transpose()?.flatten();
    let (mut names, mut data, mut compressed) = (vec![], None, None);
    if let Some(path) = &args.calibrate {
        open_plain(path)?;
        if latents::is_one(path) {
            let mut found = latents::open(path)?;
            found.ranges = ranges.take().or(found.ranges);
            (names, ranges) = (found.names.clone(), found.ranges.clone());
            compressed = Some(found);
        } else {
            let reading = Reading { shape: None, no_header: false };
            let sample = whole_sample(&load(path, &reading, None)?).map_err(|e| e.at(path.display()))?;
            check_features(network.features(), sample.features).map_err(|e| e.at(path.display()))?;
            (names, data) = (sample.names, Some(sample.rows));
        }
    }
    let calibration = match (&data, &compressed) {
        (Some(rows), _) => Calibration::Data(rows),
        (_, Some(c)) => Calibration::Latents(&c.latents),
        _ => Calibration::Nothing,
    };
    let file = args.input.file_name().unwrap_or_default().to_string_lossy();
    let model = model(&network, ranges.as_ref(), names, calibration, &file)?;
    let rows = match (data, compressed) {
        (None, Some(c)) => Some(whole_sample(&c.decode(&network, &[])?)?.rows),
        (data, _) => data,
    };
    Ok((model, rows))
}

fn report(args: &Import, model: &Model, difference: Option<Difference>, size: u64) -> Result<bool> {
    if args.saying.json {
        print(json!({"output": args.output.to_string_lossy(), "architecture": model.architecture.name,
            "features": model.features(), "latents": model.latents(), "names": model.frozen.decoder.names(),
            "bytes": size, "frozen_largest_difference": difference.map(|d| d.largest),
            "frozen_rms_difference": difference.map(|d| d.root_mean_square)}))?;
        return Ok(true);
    }
    print(format!(
        "{}: {} {} to {}, {}",
        args.output.display(),
        model.architecture.name,
        model.features(),
        model.latents(),
        bytes(size)
    ))?;
    match difference {
        Some(d) => print(told(d))?,
        None => print("frozen on made-up rows; with --calibrate and the data it would lose less")?,
    }
    Ok(true)
}

/// The difference of a frozen network, in words.
pub fn told(d: crate::import::Difference) -> String {
    format!(
        "frozen to integers it differs from the float model by at most {} of a column's range, {} in the mean",
        number(d.largest),
        number(d.root_mean_square)
    )
}
