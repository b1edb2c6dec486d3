//! Files of others' formats for the command line, read by libraries of Python's.

use baler::error::{Error, ErrorKind};
use baler_cli::formats::foreign;
use pyo3::prelude::*;
use std::io;
use std::path::Path;

/// Makes `reader(path, into)` of Python's what reads foreign files.
pub fn set_reader(reader: Py<PyAny>) {
    foreign::set_reader(Box::new(move |path: &Path, into: &Path| {
        Python::attach(|py| match reader.call1(py, (path, into)) {
            Ok(_) => Ok(()),
            Err(e) => Err(of_python(py, &e)),
        })
    }));
}

/// The library's error of a kind that an exception of the package tells; any other is of the file.
fn of_python(py: Python, e: &PyErr) -> Error {
    let class = e.get_type(py).name().map(|n| n.to_string()).unwrap_or_default();
    let message = e.value(py).to_string();
    match class.as_str() {
        "InvalidArgumentError" => Error::invalid(message),
        "UnsupportedError" => Error::unsupported(message),
        "LimitExceededError" => Error::new(ErrorKind::LimitExceeded, message),
        "NotFoundError" => Error::from(io::Error::from_raw_os_error(2)),
        _ => Error::corrupt(format!("cannot be read: {class}: {message}")),
    }
}
