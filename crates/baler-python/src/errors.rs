//! The library's errors as Python's: `baler.errors` has a class for each kind.

use baler::error::{Error, ErrorKind};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// The name of the class of a kind.
fn class(e: &Error) -> &'static str {
    match e.kind() {
        ErrorKind::Corrupt => "CorruptError",
        ErrorKind::Truncated => "TruncatedError",
        ErrorKind::Unsupported => "UnsupportedError",
        ErrorKind::InvalidArgument => "InvalidArgumentError",
        ErrorKind::LimitExceeded => "LimitExceededError",
        ErrorKind::MissingModel => "MissingModelError",
        ErrorKind::Io => match e.io().map(std::io::Error::kind) {
            Some(std::io::ErrorKind::NotFound) => "NotFoundError",
            _ => "InputOutputError",
        },
        _ => "BalerError",
    }
}

/// The exception that tells of `e`.
pub fn to_python(py: Python, e: &Error) -> PyErr {
    let raised = || py.import("baler.errors")?.getattr("told")?.call1((class(e), e.to_string()));
    match raised() {
        Ok(exception) => PyErr::from_value(exception),
        Err(_) => PyRuntimeError::new_err(e.to_string()), // a package without its own files
    }
}
