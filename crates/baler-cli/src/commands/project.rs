//! `baler --project WORKSPACE PROJECT --mode MODE`.

use crate::args::ProjectArgs;
use crate::project::Project;
use baler::error::{Error, Result};

/// Runs it.
pub fn run(args: &ProjectArgs) -> Result<bool> {
    match (args.project.as_deref(), args.mode) {
        (Some([workspace, name]), Some(mode)) => Project::new(workspace, name)?.run(mode, args.verbose),
        _ => Err(Error::invalid(
            "want a command, or --project WORKSPACE PROJECT --mode MODE; see `baler --help`",
        )),
    }
}
