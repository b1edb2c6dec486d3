//! The command `baler`: parses the line, runs one command, turns its result into an exit code.

use baler::error::ErrorKind;
use baler_cli::args::{Cli, Command};
use baler_cli::{commands, interrupt, output, saying};
use clap::{CommandFactory, Parser};
use std::process::ExitCode;

/// Chunks are megabytes, and so are their buffers. The system's allocator gives such blocks back to the kernel and takes
/// them anew for every chunk, page fault by page fault.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    interrupt::watch();
    let Cli { command, project } = Cli::parse();
    let result = match command {
        Some(command) => run(command),
        None => commands::project::run(&project),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(e) if output::is_closed_pipe(&e) => ExitCode::SUCCESS, // whoever read has seen enough
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::from(if e.kind() == ErrorKind::InvalidArgument { 2 } else { 3 })
        }
    }
}

fn run(command: Command) -> baler::error::Result<bool> {
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
