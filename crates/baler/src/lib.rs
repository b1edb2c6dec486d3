//! Baler: learned compression of scientific data within a guaranteed error bound.

pub mod data;
pub mod error;
pub mod report;
pub mod synth;
