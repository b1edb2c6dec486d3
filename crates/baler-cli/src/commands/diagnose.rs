//! `baler diagnose`: what the nodes of a model answer on average.

use super::picture::{Picture, write};
use super::train::{load, sample_of};
use super::{is_model, load_model};
use crate::args::Diagnose;
use crate::formats::{self, ReadOptions};
use crate::project::activations::means;
use crate::saying::count;
use baler::data::Variable;
use baler::error::{Error, Result};
use baler::report::activations;
use std::path::Path;

/// Runs it.
pub fn run(args: &Diagnose) -> Result<bool> {
    let picture = Picture::of(&args.picture)?;
    if picture.format.moves() {
        return Err(Error::invalid("activations do not move; write .svg, .png or .pdf"));
    }
    let name = args.model.file_name().unwrap_or_default().to_string_lossy();
    let mut inputs = vec![args.model.as_path()];
    let (note, layers) = match &args.data {
        Some(data) => {
            inputs.push(data);
            let model = load_model(&args.model)?;
            let model = model.autoencoder().ok_or_else(|| {
                Error::invalid(format!("{name} is a model of tables; it has no such layers"))
            })?;
            let variable = load(data, &args.reading, args.variable.as_deref())?;
            // A table's features by their names, where the model knows them.
            let names = model.frozen.decoder.names();
            let named = matches!(variable, Variable::Table(_)) && names.iter().any(|n| !n.is_empty());
            let sample = sample_of(&variable, named.then_some(names))?;
            if sample.features != model.features() {
                return Err(Error::invalid(format!(
                    "{} has {}, and the model was trained on {}",
                    data.display(),
                    count(sample.features, "feature"),
                    model.features()
                )));
            }
            let data = data.file_name().unwrap_or_default().to_string_lossy();
            let rows_told = count(sample.rows.len() / sample.features, "row");
            (
                format!("{}; means over {rows_told} of {data}", model.architecture.name),
                means(model, &sample.rows)?,
            )
        }
        None if is_model(&args.model) => {
            return Err(Error::invalid(format!(
                "a model answers to data: baler diagnose {name} DATA -o diagnostics.pdf"
            )));
        }
        None => (String::new(), from_npy(&args.model)?),
    };
    let title = format!("{name}: mean activations");
    write(activations(&title, &note, &layers).into(), picture, &inputs, &args.saying)
}

/// The Python prototype's activations.npy: layers x nodes of the widest, NaN where a layer has fewer.
pub fn from_npy(path: &Path) -> Result<Vec<(String, Vec<f64>)>> {
    let wrong = || {
        Error::invalid(format!(
            "{}: neither a model nor an array of layers x mean activations",
            path.display()
        ))
    };
    let mut data = formats::open(path, &ReadOptions::default())?.load()?;
    let Some((_, Variable::Field(array))) = data.variables.pop() else { return Err(wrong()) };
    let (Some(values), [layers, nodes]) = (array.values.to_f64(), &array.shape[..]) else {
        return Err(wrong());
    };
    if *nodes == 0 {
        return Err(wrong());
    }
    // Half of its layers are the encoder's, as those of all its models are.
    let half = layers.div_ceil(2);
    let name = |k: usize| if k < half { format!("en{}", k + 1) } else { format!("de{}", k - half + 1) };
    let known = |row: &[f64]| row.iter().rposition(|v| !v.is_nan()).map_or(0, |last| last + 1);
    let rows = values.chunks_exact(*nodes).enumerate();
    Ok(rows.map(|(k, row)| (name(k), row[..known(row)].to_vec())).collect())
}
