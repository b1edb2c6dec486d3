//! The field codec.
pub mod context;
pub mod domain;
pub mod kernel;
pub mod taps;
