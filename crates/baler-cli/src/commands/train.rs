//! `baler train`.

use super::architecture;
use super::checkpoints::Checkpoints;
use super::{check_output, compress, info, threads};
use crate::args::{LossName, NormalisationName, PrecisionName, Reading, Train, TrainKind};
use crate::formats::{self, ReadOptions};
use crate::interrupt;
use crate::named_bounds::NamedBounds;
use crate::output::AtomicFile;
use crate::saying::{bar, bytes, count, number, print};
use baler::archive::Options;
use baler::data::{DType, Table, Variable};
use baler::error::{Error, Result};
use baler::model::blocks::Blocks;
use baler::model::float::Precision;
use baler::model::normalise::NormalisationKind;
use baler::model::{Model, zoo};
use baler::train::{
    self, Checkpoint, EarlyStopping, EpochReport, Fitted, Loss, Objective, Plateau, TrainOptions,
};
use serde_json::json;
use std::io::Seek;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

/// Rows of features, and their names where they are columns.
pub struct Sample {
    /// Rows x features.
    pub rows: Vec<f64>,
    /// Values in a row.
    pub features: usize,
    /// Their shape: `[features]` of a table, that of a frame or block of a field.
    pub shape: Vec<usize>,
    /// How rows are cut out of a field.
    pub blocks: Blocks,
    /// A name a feature, or none.
    pub names: Vec<String>,
}

/// A variable as rows: the numeric columns of a table, a field's frames along its leading axis.
pub fn sample_of(variable: &Variable, columns: Option<&[String]>) -> Result<Sample> {
    match variable {
        Variable::Field(a) => {
            if columns.is_some() {
                return Err(Error::invalid("--columns is for tables; this is a field"));
            }
            let features = a.shape.iter().skip(1).product::<usize>();
            if a.shape.len() < 2 || features == 0 {
                return Err(Error::invalid(format!(
                    "a field of shape {:?} has no frames to train on",
                    a.shape
                )));
            }
            let rows = a.values.to_f64().ok_or_else(|| Error::invalid("text cannot be trained on"))?;
            let shape = a.shape[1..].to_vec();
            Ok(Sample { rows, features, shape, blocks: Blocks::Frames, names: vec![] })
        }
        Variable::Table(t) => sample_of_table(t, columns),
    }
}

/// A field as rows of `shape`, cut by `blocks` of as many values.
pub fn sample_of_blocks(variable: &Variable, shape: &[usize], blocks: Blocks) -> Result<Sample> {
    let Variable::Field(a) = variable else {
        return Err(Error::invalid("--tiles and --runs cut fields; this is a table"));
    };
    let features = shape.iter().try_fold(1usize, |n, &x| n.checked_mul(x)).filter(|&n| n > 0);
    let features =
        features.ok_or_else(|| Error::invalid(format!("blocks of shape {shape:?} hold nothing")))?;
    if a.shape.len() < shape.len() && blocks != Blocks::Runs {
        return Err(Error::invalid(format!("a field of shape {:?} has no tiles of {shape:?}", a.shape)));
    }
    let blocks = blocks.checked(features)?;
    let values = a.values.to_f64().ok_or_else(|| Error::invalid("text cannot be trained on"))?;
    // Piece by piece, each as long as whole tiles are and as short as the field can be cut.
    let inner = a.shape.iter().skip(1).product::<usize>();
    let piece = match &blocks {
        Blocks::Tiles(extents) if extents.len() == a.shape.len() => extents[0] * inner,
        Blocks::Tiles(_) => inner,
        _ => values.len(),
    };
    let mut rows = vec![];
    for piece in values.chunks(piece.max(1)) {
        let long = [&[piece.len() / inner.max(1)], a.shape.get(1..).unwrap_or_default()].concat();
        rows.extend(blocks.cut(piece, &long, features)?);
    }
    Ok(Sample { rows, features, shape: shape.to_vec(), blocks, names: vec![] })
}

fn sample_of_table(t: &Table, columns: Option<&[String]>) -> Result<Sample> {
    let chosen: Vec<_> = match columns {
        None => t.columns.iter().filter(|c| info::is_feature(c.values.dtype())).collect(),
        Some(names) => {
            let find = |n: &String| {
                let known = || t.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
                t.columns.iter().find(|c| c.name == *n && c.values.dtype() != DType::Text).ok_or_else(|| {
                    Error::invalid(format!("there is no numeric column '{n}'; there are {}", known()))
                })
            };
            names.iter().map(find).collect::<Result<_>>()?
        }
    };
    if chosen.is_empty() || t.rows() == 0 {
        return Err(Error::invalid("the table has no numbers to train on"));
    }
    let features = chosen.len();
    let mut rows = vec![0.0; t.rows() * features];
    for (f, c) in chosen.iter().enumerate() {
        let values = c.values.to_f64().expect("numbers");
        values.iter().enumerate().for_each(|(i, &v)| rows[i * features + f] = v);
    }
    Ok(Sample {
        rows,
        features,
        shape: vec![features],
        blocks: Blocks::Frames,
        names: chosen.iter().map(|c| c.name.clone()).collect(),
    })
}

/// A variable as rows of all its numbers, 64-bit integers too.
pub fn whole_sample(variable: &Variable) -> Result<Sample> {
    let names = match variable {
        Variable::Table(t) => Some(t.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>()),
        Variable::Field(_) => None,
    };
    sample_of(variable, names.as_deref())
}

/// The variable named of a file, or its first.
pub fn load(path: &Path, reading: &Reading, name: Option<&str>) -> Result<Variable> {
    let options = ReadOptions {
        shape: reading.shape.clone(),
        header: reading.no_header.then_some(false),
        ..ReadOptions::default()
    };
    let mut variables = formats::open(path, &options)?.variables;
    let known = variables.iter().map(|v| v.name().to_string()).collect::<Vec<_>>().join(", ");
    let at = match name {
        None if variables.is_empty() => {
            return Err(Error::invalid(format!("{}: holds nothing", path.display())));
        }
        None => 0,
        Some(n) => variables.iter().position(|v| v.name() == n).ok_or_else(|| {
            Error::invalid(format!("{}: no variable '{n}'; there are {known}", path.display()))
        })?,
    };
    Ok(variables.swap_remove(at).load()?.1)
}

/// Refuses what is for models of fields only.
pub fn check_not_field(args: &Train) -> Result<()> {
    match args.hidden.is_some() || !args.more.is_empty() {
        true => Err(Error::invalid("--hidden and more than one sample are for --kind field")),
        false => Ok(()),
    }
}

/// The bounds that the flags give to what has these names.
pub fn bounds(args: &Train, names: &[&str]) -> Result<Options<'static>> {
    Ok(Options {
        bound: compress::common(&args.bound)?,
        bounds: NamedBounds::read(&args.named)?.of(names)?,
        ..Options::default()
    })
}

/// The rows that the flags make of a variable.
pub fn sample(args: &Train, variable: &Variable) -> Result<Sample> {
    check_not_field(args)?;
    if args.bound.given() || args.named.given() {
        return Err(Error::invalid(
            "an autoencoder is trained without a bound; say --kind table or --kind field, or leave it out",
        ));
    }
    match (&args.tiles, &args.runs) {
        (Some(shape), _) => sample_of_blocks(variable, shape, Blocks::Tiles(shape.clone())),
        (_, Some(shape)) => sample_of_blocks(variable, shape, Blocks::Runs),
        _ => sample_of(variable, args.columns.as_deref()),
    }
}

/// Writes a model file, whole or not at all; the number of its bytes.
pub fn save(model: &Model, mut out: AtomicFile) -> Result<u64> {
    model.write(&mut out)?;
    let size = out.stream_position()?;
    out.commit()?;
    Ok(size)
}

/// Trains by the name in the zoo, with a bar.
pub fn fit(
    sample: &Sample,
    name: &str,
    latents: usize,
    set: impl FnOnce(&mut TrainOptions),
    show: bool,
) -> Result<Model> {
    let mut options = TrainOptions::new(zoo::by_name(name, &[sample.features], latents)?);
    set(&mut options);
    let bar = bar("training", show);
    bar.set_length(options.epochs as u64);
    let model = train::train(&sample.rows, &sample.names, &options, |e| {
        bar.set_position(e.epoch as u64);
        bar.set_message(format!("loss {}", number(e.result.validation_loss.unwrap_or(e.result.train_loss))));
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    Ok(model)
}

/// The options of the flags, for this sample.
pub fn options(args: &Train, sample: &Sample) -> Result<TrainOptions> {
    let name = args.model.as_deref().unwrap_or("AE");
    let defaults = TrainOptions::new(architecture::resolve(name, &sample.shape, args.latent, args.ratio)?);
    let loss = match args.loss {
        LossName::MseSum => Loss::SumSquared,
        LossName::MseAvg => Loss::MeanSquared,
        LossName::Emd => Loss::EarthMover,
        LossName::Swae => Loss::SlicedWasserstein,
    };
    Ok(TrainOptions {
        normalisation: match args.normalisation {
            NormalisationName::MinMax => NormalisationKind::MinMax,
            NormalisationName::Standard => NormalisationKind::Standard,
            NormalisationName::Quantile => NormalisationKind::Quantile,
            NormalisationName::Log => NormalisationKind::Log,
            NormalisationName::None => NormalisationKind::Identity,
            NormalisationName::Auto => NormalisationKind::Auto,
        },
        epochs: args.epochs.unwrap_or(defaults.epochs),
        learning_rate: args.lr.unwrap_or(defaults.learning_rate),
        batch_size: args.batch_size.unwrap_or(defaults.batch_size),
        seed: args.seed,
        validation: args.validation,
        shuffle: !args.no_shuffle,
        precision: match args.precision {
            PrecisionName::F32 => Precision::Single,
            PrecisionName::F64 => Precision::Double,
        },
        objective: Objective { loss, sparsity: args.l1 },
        plateau: Some(Plateau { patience: args.plateau, ..Plateau::default() }),
        early_stopping: Some(EarlyStopping {
            patience: args.patience.unwrap_or(EarlyStopping::default().patience),
            ..EarlyStopping::default()
        }),
        threads: threads(args.threads)?,
        ..defaults
    })
}

/// Trains, with a bar and with checkpoints. Interrupted, it ends the program with the epoch, once a checkpoint is written.
fn fit_resumably(
    args: &Train,
    sample: &Sample,
    options: &TrainOptions,
    checkpoints: &mut Checkpoints,
    from: Option<Checkpoint>,
) -> Result<Fitted> {
    let bar = bar("training", !args.saying.quiet && !args.saying.json);
    bar.set_length(options.epochs as u64);
    bar.set_position(from.as_ref().map_or(0, |c| c.epochs() as u64));
    bar.reset_eta();
    if args.checkpoint_every != Some(0) {
        interrupt::be_patient();
    }
    let mut failed = None;
    let fitted = train::fit(&sample.rows, options, from, |report| {
        bar.set_position(report.epoch as u64);
        let losses = report.result;
        bar.set_message(format!("loss {}", number(losses.validation_loss.unwrap_or(losses.train_loss))));
        let kept = match interrupt::asked() {
            true => checkpoints.write(report),
            false => checkpoints.after(report).and_then(|()| save_between(args, sample, report)),
        };
        match kept {
            Err(e) => {
                failed = Some(e);
                ControlFlow::Break(())
            }
            Ok(()) if interrupt::asked() => ControlFlow::Break(()),
            Ok(()) => ControlFlow::Continue(()),
        }
    })?;
    bar.finish_and_clear();
    match failed {
        Some(e) => Err(e),
        None if interrupt::asked() => interrupt::end(&format!(
            "stopped after {}; {} is kept, --resume goes on",
            count(fitted.provenance.history.len(), "epoch"),
            checkpoints.path().display()
        )),
        None => Ok(fitted),
    }
}

/// A trained network as a model: with integers that code, for rows cut as the sample's.
pub fn frozen(fitted: Fitted, sample: &Sample) -> Result<Model> {
    let model = fitted.freeze(&sample.rows, &sample.names)?;
    Ok(Model { frozen: model.frozen.with_blocks(sample.blocks.clone())?, ..model })
}

/// Saves the model of this epoch where `--save-every` wants it.
fn save_between(args: &Train, sample: &Sample, report: &EpochReport) -> Result<()> {
    if !args.save_every.is_some_and(|every| every > 0 && report.epoch.is_multiple_of(every)) {
        return Ok(());
    }
    let path = args.output.with_extension(match args.output.extension() {
        Some(extension) => format!("{}.{}", report.epoch, extension.to_string_lossy()),
        None => report.epoch.to_string(),
    });
    let model = frozen(report.fitted()?, sample)?;
    save(&model, AtomicFile::create(&path, args.force)?).map(|_| ())
}

/// Runs it.
pub fn run(args: &Train) -> Result<bool> {
    match args.kind {
        TrainKind::Table => return super::train_table::run(args),
        TrainKind::Field => return super::train_field::run(args),
        TrainKind::Autoencoder => {}
    }
    let variable = load(&args.input, &args.reading, args.variable.as_deref())?;
    let sample = sample(args, &variable)?;
    let options = options(args, &sample)?;
    check_output(&args.output, &[&args.input])?;
    let mut checkpoints = Checkpoints::beside(&args.output, args.checkpoint_every);
    let from = args.resume.then(|| checkpoints.read()).transpose()?;
    let out = AtomicFile::create(&args.output, args.force)?; // before the long work, should it be refused
    let begun = Instant::now();
    let fitted = fit_resumably(args, &sample, &options, &mut checkpoints, from)?;
    let model = frozen(fitted, &sample)?;
    let seconds = begun.elapsed().as_secs_f64();
    let size = save(&model, out)?;
    checkpoints.remove();
    let (name, latents) = (&model.architecture.name, model.latents());
    let history = &model.provenance.history;
    let last = history.last().ok_or_else(|| Error::invalid("no epoch was run"))?;
    if args.saying.json {
        let losses: Vec<_> = history.iter().map(|e| json!([e.train_loss, e.validation_loss])).collect();
        print(
            json!({"output": args.output.to_string_lossy(), "model": name, "features": sample.features, "latents": latents,
            "normalisation": model.normalisation.kind(), "epochs": history.len(),
            "seconds": seconds, "train_loss": last.train_loss, "validation_loss": last.validation_loss,
            "rows": model.provenance.rows, "rows_left_out": model.provenance.rows_left_out,
            "bytes": size, "losses": losses}),
        )?;
        return Ok(true);
    }
    print(format!(
        "{}: {} {} to {latents}, {} in {:.1} s, loss {}{}, {}",
        args.output.display(),
        name,
        sample.features,
        count(history.len(), "epoch"),
        seconds,
        number(last.train_loss),
        last.validation_loss.map_or(String::new(), |v| format!(" (validation {})", number(v))),
        bytes(size)
    ))?;
    if options.normalisation == NormalisationKind::Auto {
        print(format!(
            "normalised by {:?}: the fewest bits after a short training",
            model.normalisation.kind()
        ))?;
    }
    if model.provenance.rows_left_out > 0 {
        print(format!(
            "{} left out of the training: not all of their values are finite",
            count(model.provenance.rows_left_out as usize, "row")
        ))?;
    }
    Ok(true)
}
