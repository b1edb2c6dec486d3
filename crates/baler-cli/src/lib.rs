//! What the command line is built of: the formats it reads and writes, and files that appear whole or not at all.

pub mod formats;
pub mod output;
