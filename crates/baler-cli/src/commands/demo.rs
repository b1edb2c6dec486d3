//! `baler demo`.
use crate::args::Demo;
use baler::error::Result;
/// Runs it.
pub fn run(_args: &Demo) -> Result<bool> {
    Ok(true)
}
