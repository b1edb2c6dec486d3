//! Models: trained, loaded, told of, put to use.

use crate::errors::to_python;
use crate::input::{Given, Lent};
use crate::job::{self, Watch};
use baler::error::{Error, Result};
use baler::model::any::AnyModel;
use baler::train::field::train_fields;
use baler::train::fit as fit_network;
use baler::train::table::train_within;
use baler_cli::args::{Cli, Command, Train, TrainKind};
use baler_cli::commands::{info, train as flags, train_field, train_table};
use baler_cli::output::AtomicFile;
use clap::Parser;
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// A model of whichever kind, and the bytes of its file.
#[pyclass(frozen, module = "baler._baler")]
pub struct Model {
    loaded: AnyModel,
    bytes: Vec<u8>,
}

impl Model {
    /// What it is.
    pub fn loaded(&self) -> &AnyModel {
        &self.loaded
    }

    fn autoencoder(&self, py: Python) -> PyResult<&baler::model::Model> {
        let none = || Error::invalid("a model of tables or fields has no latents; this is for autoencoders");
        self.loaded.autoencoder().ok_or_else(|| to_python(py, &none()))
    }

    fn of(bytes: Vec<u8>) -> Result<Model> {
        Ok(Model { loaded: AnyModel::from_bytes(&bytes)?, bytes })
    }
}

#[pymethods]
impl Model {
    #[new]
    fn new(py: Python, bytes: Vec<u8>) -> PyResult<Model> {
        Model::of(bytes).map_err(|e| to_python(py, &e))
    }

    /// The bytes of its file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.bytes)
    }

    /// Writes its file, whole or not at all.
    fn save(&self, py: Python, path: PathBuf) -> PyResult<()> {
        let write = || {
            let mut file = AtomicFile::create(&path, true)?;
            file.write_all(&self.bytes)?;
            file.commit()
        };
        py.detach(write).map_err(|e| to_python(py, &e))
    }

    /// All there is to tell of it, as JSON.
    fn info(&self) -> String {
        info::describe(&self.loaded).to_string()
    }

    /// By which archives name it.
    fn hash(&self) -> String {
        self.loaded.decoder().hash().to_string()
    }

    /// Number of features of an autoencoder's rows, and of their latents.
    fn sizes(&self, py: Python) -> PyResult<(usize, usize)> {
        let frozen = &self.autoencoder(py)?.frozen;
        Ok((frozen.features(), frozen.latents()))
    }

    /// The latents of rows (rows x features, flat).
    fn encode<'py>(
        &self,
        py: Python<'py>,
        rows: PyReadonlyArray1<f64>,
    ) -> PyResult<Bound<'py, PyArray1<i16>>> {
        let (frozen, rows) = (&self.autoencoder(py)?.frozen, rows.as_slice()?);
        let latents = py.detach(|| frozen.encode(rows)).map_err(|e| to_python(py, &e))?;
        Ok(PyArray1::from_vec(py, latents))
    }

    /// The rows of latents (rows x latents, flat).
    fn decode<'py>(
        &self,
        py: Python<'py>,
        latents: PyReadonlyArray1<i16>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let (frozen, latents) = (&self.autoencoder(py)?.frozen, latents.as_slice()?);
        let mut rows = vec![0.0; latents.len() / frozen.latents() * frozen.features()];
        py.detach(|| frozen.decode(latents, &mut rows)).map_err(|e| to_python(py, &e))?;
        Ok(PyArray1::from_vec(py, rows))
    }
}

/// The flags of `baler train` as it reads them, so that names, defaults and refusals are the command's.
fn parse(words: Vec<String>) -> Result<Train> {
    let line = ["baler", "train", "sample", "--output", "model"].map(String::from).into_iter().chain(words);
    let cli = Cli::try_parse_from(line).map_err(|e| {
        let text = e.render().to_string();
        let first = text.lines().next().unwrap_or_default();
        Error::invalid(first.trim_start_matches("error: "))
    })?;
    match cli.command {
        Some(Command::Train(args)) => Ok(*args),
        _ => unreachable!("the line says train"),
    }
}

fn fit(samples: &[Lent], args: &Train, watch: &Watch) -> Result<Vec<u8>> {
    let mut samples = samples.iter().map(Lent::load).collect::<Result<Vec<_>>>()?;
    let on = |watch: &Watch| match watch.go_on() {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    if args.kind == TrainKind::Field {
        let (fields, bounds, options) = train_field::request(args, samples)?;
        let trained = train_fields(&fields, &bounds, &options, |r| {
            watch.progress(r.epoch as u64, options.epochs as u64);
            on(watch)
        })?;
        return Ok(trained.to_bytes());
    }
    let (Some((_, variable)), []) = (samples.pop(), &samples[..]) else {
        return Err(Error::invalid(
            "a model is trained on one array or one table; one of fields on any number",
        ));
    };
    if args.kind == TrainKind::Table {
        let (table, bounds, options) = train_table::request(args, variable)?;
        let trained = train_within(&table, &bounds, &options, |r| {
            watch.progress(r.done as u64, r.columns as u64);
            on(watch)
        })?;
        return Ok(trained.to_bytes());
    }
    let sample = flags::sample(args, &variable)?;
    let options = flags::options(args, &sample)?;
    let fitted = fit_network(&sample.rows, &options, None, |e| {
        watch.progress(e.epoch as u64, options.epochs as u64);
        on(watch)
    })?;
    Ok(flags::frozen(fitted, &sample)?.to_bytes())
}

/// Trains a model on `inputs`; `words` are the flags of `baler train`.
#[pyfunction]
#[pyo3(signature = (inputs, words, progress=None))]
pub fn train(
    py: Python,
    inputs: Vec<Given>,
    words: Vec<String>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Model> {
    let args = parse(words).map_err(|e| to_python(py, &e))?;
    let lent = inputs.iter().map(Given::lend).collect::<Result<Vec<_>>>().map_err(|e| to_python(py, &e))?;
    job::run(py, progress, usize::MAX, |watch| fit(&lent, &args, watch).and_then(Model::of))
}
