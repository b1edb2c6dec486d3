//! The Python module `baler._baler`: conversions between Python and the library, and nothing else. What users see is in
//! `python/baler`, which gives this module plain bytes, names of types and shapes.

mod archive;
mod compress;
mod errors;
mod foreign;
mod input;
mod job;
mod model;

use pyo3::prelude::*;

/// See the command's own: archives are coded in buffers of megabytes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the command line; its exit code. `reader` writes a foreign file, by its path, into an `.npz` of another.
#[pyfunction]
#[pyo3(signature = (words, reader=None))]
fn main(py: Python, words: Vec<std::ffi::OsString>, reader: Option<Py<PyAny>>) -> u8 {
    reader.into_iter().for_each(foreign::set_reader);
    py.detach(|| baler_cli::program::main(words))
}

/// The module.
#[pymodule]
fn _baler(module: &Bound<PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<archive::Archive>()?;
    module.add_class::<model::Model>()?;
    module.add_function(wrap_pyfunction!(archive::salvage, module)?)?;
    module.add_function(wrap_pyfunction!(compress::compress, module)?)?;
    module.add_function(wrap_pyfunction!(model::train, module)?)?;
    module.add_function(wrap_pyfunction!(main, module)?)
}
