//! `baler import-config`.

use super::{check_output, open_plain};
use crate::args::ImportConfig;
use crate::output::Output;
use crate::project::file;
use crate::saying::print;
use baler::error::Result;
use std::io::Write;

/// Runs it.
pub fn run(args: &ImportConfig) -> Result<bool> {
    open_plain(&args.input)?;
    let loaded = file::load(&args.input)?;
    loaded.warnings.iter().for_each(|w| eprintln!("warning: {}: {w}", args.input.display()));
    check_output(&args.output, &[&args.input])?;
    let mut out = Output::create(&args.output, args.force)?;
    out.write_all(file::to_toml(&loaded.config).as_bytes())?;
    out.commit()?;
    if crate::output::is_standard(&args.output) {
        return Ok(true);
    }
    print(format!("{}: every key, with what it means", args.output.display()))?;
    if !loaded.config.hls4ml.is_empty() {
        let names: Vec<&str> = loaded.config.hls4ml.iter().map(|(name, _)| name.as_str()).collect();
        print(format!("settings of hls4ml, kept and without effect here: {}", names.join(", ")))?;
    }
    Ok(true)
}
