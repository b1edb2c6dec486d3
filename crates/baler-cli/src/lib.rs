//! What the command line is built of.

pub mod args;
pub mod commands;
pub mod formats;
pub mod output;
pub mod saying;
