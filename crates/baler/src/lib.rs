//! Baler: learned compression of scientific data within a guaranteed error bound.

pub mod archive;
pub mod bound;
pub mod codec;
pub mod data;
pub mod error;
pub mod front;
pub mod model;
pub mod train;
