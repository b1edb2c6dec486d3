//! Open archives: what they hold, any rows of it, their verification.

use crate::errors::to_python;
use crate::input::Given;
use crate::job;
use crate::model::Model;
use baler::archive::{self, header::Kind};
use baler::data::{DType, Values, Variable};
use baler::error::{Error, Result};
use baler::with_numbers;
use baler_cli::commands::salvage::recovered;
use baler_cli::commands::{info, open_plain, threads, verify};
use numpy::{IntoPyArray, PyReadwriteArray1};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use serde_json::json;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where an archive's bytes are.
trait Bytes: Read + Seek + Send {}
impl<T: Read + Seek + Send> Bytes for T {}

type Open = archive::Archive<Box<dyn Bytes>>;

/// An archive in a file or in memory.
#[pyclass(frozen, module = "baler._baler")]
pub struct Archive(Mutex<Open>);

impl Archive {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(input: Box<dyn Bytes>, model: Option<&Model>) -> Result<Archive> {
    let decoders: Vec<_> = model.iter().map(|m| m.loaded().decoder()).collect();
    Ok(Archive(Mutex::new(archive::Archive::open(input, &decoders)?)))
}

/// Rows of a selection.
type Rows = Option<(usize, usize)>;

#[pymethods]
impl Archive {
    /// An archive in a file.
    #[staticmethod]
    #[pyo3(signature = (path, model=None))]
    fn open(py: Python, path: PathBuf, model: Option<PyRef<Model>>) -> PyResult<Archive> {
        let opened = open_plain(&path).and_then(|file| {
            open(Box::new(BufReader::with_capacity(1 << 16, file)), model.as_deref())
                .map_err(|e| e.at(path.display()))
        });
        opened.map_err(|e| to_python(py, &e))
    }

    /// An archive in memory.
    #[staticmethod]
    #[pyo3(signature = (bytes, model=None))]
    fn of_bytes(py: Python, bytes: PyBackedBytes, model: Option<PyRef<Model>>) -> PyResult<Archive> {
        open(Box::new(Cursor::new(bytes)), model.as_deref()).map_err(|e| to_python(py, &e))
    }

    /// Names, kinds, types, shapes and columns of the variables, the hashes of models that it refers to and does not
    /// hold, and the description, as JSON.
    fn header(&self) -> String {
        let archive = self.lock();
        let variables = archive.header().variables.iter().map(|v| match &v.kind {
            Kind::Field(f) => json!({"name": v.name, "dtype": f.dtype.name(), "shape": f.shape,
                "bound": f.bound.bound.to_string()}),
            Kind::Table(t) => {
                let column = |c: &archive::header::ColumnHeader| {
                    json!({"name": c.name, "dtype": c.dtype.name(), "bound": c.bound.bound.to_string()})
                };
                json!({"name": v.name, "rows": t.rows,
                    "columns": t.columns.iter().map(column).collect::<Vec<_>>()})
            }
        });
        let missing = archive.header().models.iter().filter(|m| !m.embedded).map(|m| m.hash.to_string());
        json!({"variables": variables.collect::<Vec<_>>(), "description": archive.description(),
            "external_models": missing.collect::<Vec<_>>()})
        .to_string()
    }

    /// All there is to tell of it, as JSON.
    fn info(&self, py: Python) -> PyResult<String> {
        let report = py.detach(|| info::report(&mut *self.lock()));
        report.map(|r| r.to_string()).map_err(|e| to_python(py, &e))
    }

    /// Decodes the rows `rows` of a field into `out`, the bytes of an array of just its type and size.
    #[pyo3(signature = (variable, rows, out, threads=None, progress=None))]
    fn read_field(
        &self,
        py: Python,
        variable: usize,
        rows: Rows,
        mut out: PyReadwriteArray1<u8>,
        threads: Option<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let mut rest = out.as_slice_mut()?;
        let total = rest.len() as u64;
        // Some rows may take all of a chunk.
        let bytes = if rows.is_none() { rest.len() } else { usize::MAX };
        job::run(py, progress, bytes, |watch| {
            let threads = self::threads(threads)?;
            let mut archive = self.lock();
            let Kind::Field(field) = archive.header().variables[variable].kind.clone() else {
                return Err(Error::invalid("is a table, not a field"));
            };
            archive.field_rows(variable, &field, rows.map(|(a, b)| a..b), threads, |values: Values| {
                watch.go_on()?;
                let all = std::mem::take(&mut rest);
                let (here, next) = all.split_at_mut_checked(values.byte_len()).ok_or_else(too_small)?;
                rest = next;
                watch.progress(total - rest.len() as u64, total);
                values.copy_le_bytes(here)
            })?;
            if rest.is_empty() { Ok(()) } else { Err(too_small()) }
        })
    }

    /// Decodes the rows `rows` of the columns `columns` of a table into `outs`, an array of bytes for each that is no text;
    /// the texts of each that is.
    #[pyo3(signature = (variable, columns, rows, outs, threads=None, progress=None))]
    #[allow(clippy::too_many_arguments)] // as many things are to be said
    fn read_columns(
        &self,
        py: Python,
        variable: usize,
        columns: Vec<usize>,
        rows: Rows,
        mut outs: Vec<PyReadwriteArray1<u8>>,
        threads: Option<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Vec<Vec<String>>> {
        let mut rests =
            outs.iter_mut().map(|o| o.as_slice_mut()).collect::<std::result::Result<Vec<_>, _>>()?;
        job::run(py, progress, usize::MAX, |watch| {
            let threads = self::threads(threads)?;
            let mut texts: Vec<Vec<String>> = vec![];
            let mut done = 0;
            let mut archive = self.lock();
            let Kind::Table(table) = archive.header().variables[variable].kind.clone() else {
                return Err(Error::invalid("is a field, which has no columns"));
            };
            let rows = rows.map(|(a, b)| a..b);
            let total = rows.as_ref().map_or(table.rows, |r| r.len()) as u64;
            let is_text = |c: &&usize| table.columns.get(**c).is_some_and(|c| c.dtype == DType::Text);
            texts.resize(columns.iter().filter(is_text).count(), vec![]);
            archive.column_rows(variable, &columns, rows, threads, |runs| {
                watch.go_on()?;
                let (mut numbers, mut words) = (rests.iter_mut(), texts.iter_mut());
                done += runs.first().map_or(0, Values::len) as u64;
                for run in runs {
                    if let Values::Text(run) = run {
                        words.next().ok_or_else(too_small)?.extend(run);
                        continue;
                    }
                    let rest = numbers.next().ok_or_else(too_small)?;
                    let all = std::mem::take(rest);
                    let (here, next) = all.split_at_mut_checked(run.byte_len()).ok_or_else(too_small)?;
                    *rest = next;
                    run.copy_le_bytes(here)?;
                }
                watch.progress(done, total);
                Ok(())
            })?;
            if rests.iter().all(|r| r.is_empty()) { Ok(texts) } else { Err(too_small()) }
        })
    }

    /// Decodes everything, and compares it with `originals` where there are any; what came of it, as JSON.
    #[pyo3(signature = (originals, threads=None, progress=None))]
    fn verify(
        &self,
        py: Python,
        originals: Vec<Given>,
        threads: Option<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<String> {
        let lent = originals.iter().map(Given::lend).collect::<Result<Vec<_>>>();
        let lent = lent.map_err(|e| to_python(py, &e))?;
        job::run(py, progress, usize::MAX, |watch| {
            let originals = lent.iter().map(|l| l.input(watch)).collect();
            let verified = verify::verify(&mut *self.lock(), originals, self::threads(threads)?, |e| e)?;
            Ok(verified.report().to_string())
        })
    }
}

/// A variable that was recovered: its name, the shape of a field, a field's values or a table's columns by name, the rows that are
/// lost.
type Recovered = (String, Option<Vec<usize>>, Vec<(String, Py<PyAny>)>, Vec<(usize, usize)>);

/// Recovers what is whole of a damaged archive.
#[pyfunction]
#[pyo3(signature = (bytes, model=None))]
pub fn salvage(py: Python, bytes: PyBackedBytes, model: Option<PyRef<Model>>) -> PyResult<Vec<Recovered>> {
    let decoders: Vec<_> = model.iter().map(|m| m.loaded().decoder()).collect();
    let salvaged = job::run(py, None, usize::MAX, |_| recovered(&bytes, &decoders))?;
    let tell = |s: archive::Salvaged| {
        let (shape, columns) = match s.variable {
            Variable::Field(array) => (Some(array.shape), vec![(String::new(), array.values)]),
            Variable::Table(t) => (None, t.columns.into_iter().map(|c| (c.name, c.values)).collect()),
        };
        let columns = columns.into_iter().map(|(name, values)| Ok((name, to_numpy(py, values)?)));
        let lost = s.lost.into_iter().map(|rows| (rows.start, rows.end)).collect();
        Ok((s.name, shape, columns.collect::<PyResult<_>>()?, lost))
    };
    salvaged.into_iter().map(tell).collect()
}

/// An array of one axis, or a list of texts.
fn to_numpy(py: Python, values: Values) -> PyResult<Py<PyAny>> {
    let any = with_numbers!(values, v => v.into_pyarray(py).into_any(), texts => texts.into_pyobject(py)?);
    Ok(any.unbind())
}

fn too_small() -> Error {
    Error::invalid("the output is of another size than what is read")
}
