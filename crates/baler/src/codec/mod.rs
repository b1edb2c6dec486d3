//! The frozen part: everything that a decoder computes.

pub mod adaptive;
pub mod autoencoder;
pub mod bytes;
pub mod candidate;
pub mod chunk;
pub mod class_plane;
pub mod field;
pub mod range_coder;
pub mod table;

/// Most values of a field's chunk, and most cells of a table's: what a reader may have to hold at a time.
pub const MOST_CHUNK: usize = 1 << 24;
