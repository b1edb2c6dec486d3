//! Archives: where fields come from and go to.

pub mod source;

pub use source::{FieldSink, FieldSource};
