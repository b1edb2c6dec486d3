//! `baler.compress` and `baler.save`.

use crate::errors::to_python;
use crate::input::Given;
use crate::job;
use crate::model::Model;
use baler::archive::{self, Level, Options};
use baler::error::{Error, Result};
use baler::model::any::AnyModel;
use baler_cli::commands::{compress::codec, threads};
use baler_cli::output::AtomicFile;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::path::PathBuf;

/// How to compress, as Python says it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Wanted {
    bound: Option<String>,
    bounds: Vec<(String, String)>,
    level: String,
    embed: bool,
    codec: Option<String>,
    fill: Option<f64>,
    chunk: Option<usize>,
    chunk_rows: Option<usize>,
    threads: Option<usize>,
    description: String,
}

impl Wanted {
    fn options<'a>(&self, model: Option<&'a AnyModel>) -> Result<Options<'a>> {
        let bound = |text: &String| baler::bound::Bound::parse(text);
        let named = |(name, b): &(String, String)| Ok((name.clone(), bound(b).map_err(|e| e.at(name))?));
        let defaults = Options::default();
        let description = serde_json::from_str(&self.description)
            .map_err(|e| Error::invalid(format!("the description is no JSON object: {e}")))?;
        if self.chunk == Some(0) || self.chunk_rows == Some(0) {
            return Err(Error::invalid("chunks of 0 would hold nothing"));
        }
        Ok(Options {
            bound: self.bound.as_ref().map(bound).transpose()?,
            bounds: self.bounds.iter().map(named).collect::<Result<_>>()?,
            fill: self.fill,
            model: model.map(AnyModel::lend),
            embed: self.embed,
            codec: self.codec.as_deref().map(codec).transpose()?,
            level: Level::from_name(&self.level)?,
            threads: threads(self.threads)?,
            chunk: self.chunk.unwrap_or(defaults.chunk),
            chunk_rows: self.chunk_rows.unwrap_or(defaults.chunk_rows),
            description,
            ..defaults
        })
    }
}

/// Compresses into bytes, or into the file `path` (then `None`), which appears whole or not at all.
#[pyfunction]
#[pyo3(signature = (inputs, wanted, model=None, path=None, progress=None))]
pub fn compress<'py>(
    py: Python<'py>,
    inputs: Vec<Given<'py>>,
    wanted: Wanted,
    model: Option<PyRef<'py, Model>>,
    path: Option<PathBuf>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let raise = |e: Error| to_python(py, &e);
    let lent = inputs.iter().map(Given::lend).collect::<Result<Vec<_>>>().map_err(raise)?;
    let options = wanted.options(model.as_ref().map(|m| m.loaded())).map_err(raise)?;
    // What tables, models and the level max take is not known from the bytes.
    let quick = model.is_none() && options.level != Level::Max;
    let fields = lent.iter().map(|l| l.field_len().filter(|_| quick));
    let bytes = fields.sum::<Option<usize>>().unwrap_or(usize::MAX);
    let out = job::run(py, progress, bytes, |watch| {
        let tell = |done, total| watch.progress(done, total);
        let options = Options { progress: &tell, ..options };
        let inputs = lent.iter().map(|l| l.input(watch)).collect();
        let Some(path) = path else {
            let mut out = vec![];
            archive::compress(inputs, &options, &mut out)?;
            return Ok(Some(out));
        };
        let mut out = AtomicFile::create(&path, true)?;
        archive::compress(inputs, &options, &mut out)?;
        out.commit()?;
        Ok(None)
    })?;
    Ok(out.map(|out| PyBytes::new(py, &out)))
}
