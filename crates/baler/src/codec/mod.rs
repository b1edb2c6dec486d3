//! The frozen part: everything that a decoder computes.
pub mod adaptive;
pub mod bytes;
pub mod class_plane;
pub mod field;
pub mod range_coder;
pub mod table;
