//! `--mode compress`.

use super::Session;
use crate::commands::threads;
use crate::output::AtomicFile;
use crate::project::{Output, data, settings};
use crate::saying::{bar, bound, bytes, number, print, ratio};
use baler::archive::{Input, Options, compress};
use baler::data::Variable;
use baler::error::Result;
use serde_json::json;

/// The entry of an archive's description that tells the shape which frames had before they were cut into blocks.
pub const SHAPE: &str = "shape_before_blocks";

/// Runs it.
pub fn run(session: &Session) -> Result<()> {
    let config = session.config;
    let (bounded, codec) = settings::bound(config)?;
    let model = session.model()?;
    let (variable, shape) = data::blocked(data::load(config)?, config)?;
    let mut description = serde_json::Map::new();
    description.insert("program".into(), json!(concat!("baler ", env!("CARGO_PKG_VERSION"))));
    let source = std::path::Path::new(&config.input_path).file_name().unwrap_or_default();
    description.insert("source".into(), json!([source.to_string_lossy()]));
    if let Some(shape) = shape {
        description.insert(SHAPE.into(), json!(shape));
    }
    let bar = bar("compressing", true);
    let progress = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let options = Options {
        bound: Some(bounded),
        codec,
        level: settings::level(config)?,
        model: Some((&model.frozen).into()),
        threads: threads(None)?,
        description,
        progress: &progress,
        ..Options::default()
    };
    let input = match variable {
        Variable::Field(a) => Input::Field(data::NAME.into(), Box::new(a)),
        Variable::Table(t) => Input::Table(data::NAME.into(), Box::new(t)),
    };
    let path = session.project.path(Output::Archive);
    let mut out = AtomicFile::create(&path, true)?;
    let summary = compress(vec![input], &options, &mut out)?;
    out.commit()?;
    bar.finish_and_clear();
    print(format!(
        "{}: {} to {}, {} times smaller{}, bound {}",
        path.display(),
        bytes(summary.original),
        bytes(summary.stored),
        number(ratio(summary.original, summary.stored)),
        match summary.model {
            0 => String::new(),
            model => format!(
                " ({} without the model, which takes {})",
                number(ratio(summary.original, summary.stored - model)),
                bytes(model)
            ),
        },
        bound(&bounded)
    ))?;
    summary.model_left_out.map_or(Ok(()), |why| print(format!("the model is not used: {why}")))
}
