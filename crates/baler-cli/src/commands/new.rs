//! `baler new`.

use crate::args::New;
use crate::project::Project;
use baler::error::Result;

/// Runs it.
pub fn run(args: &New) -> Result<bool> {
    Project::new(&args.workspace, &args.project)?.create(false)?;
    Ok(true)
}
