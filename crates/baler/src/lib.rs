//! Baler: learned compression of scientific data within a guaranteed error bound.
//!
//! The modules, in the order in which data flows:

// What comes in, and how far off it may come back.
pub mod bound;
pub mod data;
pub mod error;
pub mod statistics;

// The only place that loses anything: values and a bound to integers.
pub mod front;

// The frozen bits: everything that a decoder computes. None of these use what follows them.
pub mod codec;
pub mod model;

// What all of these run on.
mod cpu;

// Files.
pub mod archive;

// Float: fitting models, taking them elsewhere, making example data, looking at what was lost.
pub mod export;
pub mod quality;
#[cfg(feature = "pictures")]
pub mod report;
pub mod synth;
pub mod train;
