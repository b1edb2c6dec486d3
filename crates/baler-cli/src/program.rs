//! The whole program as a function: parses the line, runs one command, turns its result into an exit code. The Python
//! package calls it as well, so that its `baler` is this one.

use crate::args::{Cli, Command};
use crate::formats::foreign;
use crate::{commands, interrupt, output, saying};
use baler::error::{ErrorKind, Result};
use clap::{CommandFactory, Parser};
use std::ffi::OsString;

/// Runs a line of `words`, the program's name first; its exit code. Ends the process itself where the line is wrong or
/// asks for help, and where it is interrupted.
pub fn main(words: impl IntoIterator<Item = OsString>) -> u8 {
    interrupt::watch();
    let Cli { command, project } = Cli::parse_from(words);
    let result = match command {
        Some(command) => run(command),
        None => commands::project::run(&project),
    };
    foreign::forget();
    match result {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(e) if output::is_closed_pipe(&e) => 0, // whoever read has seen enough
        Err(e) => {
            eprintln!("error: {e}");
            if e.kind() == ErrorKind::InvalidArgument { 2 } else { 3 }
        }
    }
}

fn run(command: Command) -> Result<bool> {
    match command {
        Command::Compress(args) => commands::compress::run(&args),
        Command::Decompress(args) => commands::decompress::run(&args),
        Command::Info(args) => commands::info::run(&args),
        Command::Verify(args) => commands::verify::run(&args),
        Command::Salvage(args) => commands::salvage::run(&args),
        Command::Plot(args) => commands::plot::run(&args),
        Command::Diagnose(args) => commands::diagnose::run(&args),
        Command::Train(args) => commands::train::run(&args),
        Command::Compare(args) => commands::compare::run(&args),
        Command::New(args) => commands::new::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::Import(args) => commands::import::run(&args),
        Command::ImportConfig(args) => commands::import_config::run(&args),
        Command::Synth(args) => commands::synth::run(&args),
        Command::Demo(args) => commands::demo::run(&args),
        Command::Completions { shell } => {
            let mut script = vec![]; // first to memory: clap_complete panics where its reader has gone
            clap_complete::generate(shell, &mut Cli::command(), "baler", &mut script);
            saying::print(String::from_utf8_lossy(&script).trim_end()).map(|()| true)
        }
    }
}
