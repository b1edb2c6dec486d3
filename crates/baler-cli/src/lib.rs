//! What the command line is built of.

pub mod args;
pub mod commands;
pub mod examples;
pub mod formats;
pub mod import;
pub mod interrupt;
pub mod named_bounds;
pub mod output;
pub mod program;
pub mod project;
pub mod saying;
