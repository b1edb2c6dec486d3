//! The command line as it is typed: flags and their texts. What they mean is resolved in `commands`.

mod archives;
mod made;
mod models;
mod pictures;
mod shared;
mod train;

pub use archives::*;
pub use made::*;
pub use models::*;
pub use pictures::*;
pub use shared::*;
pub use train::*;

use crate::examples;
use crate::project::Mode;
use clap::{Args, Parser, Subcommand};

/// Learned compression of scientific data within a guaranteed error bound.
#[derive(Debug, Parser)]
#[command(
    name = "baler",
    version,
    after_help = examples::ALL,
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    override_usage = "baler COMMAND ...\n       baler --project WORKSPACE PROJECT --mode MODE [--verbose]"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub project: ProjectArgs,
}

/// Where the help shows them.
const PROJECT: &str = "Projects, as in Baler's Python prototype";

/// A project and what to do with it.
#[derive(Debug, Args)]
pub struct ProjectArgs {
    /// A project, in workspaces/WORKSPACE/PROJECT
    #[arg(long, num_args = 2, value_names = ["WORKSPACE", "PROJECT"], requires = "mode", help_heading = PROJECT)]
    pub project: Option<Vec<String>>,
    /// What to do with it
    #[arg(long, value_enum, requires = "project", help_heading = PROJECT)]
    pub mode: Option<Mode>,
    /// Say more
    #[arg(long, requires = "project", help_heading = PROJECT)]
    pub verbose: bool,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compress files within an error bound
    #[command(after_help = examples::COMPRESS)]
    Compress(Compress),
    /// Get the data back
    #[command(after_help = examples::DECOMPRESS)]
    Decompress(Decompress),
    /// Tell what an archive or a model holds
    #[command(after_help = examples::INFO)]
    Info(Info),
    /// Check every checksum, and with --against every bound
    #[command(after_help = examples::VERIFY)]
    Verify(Verify),
    /// Draw what was lost, or how a training went: SVG, PNG, PDF, or an animation
    #[command(after_help = examples::PLOT)]
    Plot(Plot),
    /// Draw the mean activations of a model's nodes
    #[command(after_help = examples::DIAGNOSE)]
    Diagnose(Diagnose),
    /// Recover what is whole of a damaged archive
    #[command(after_help = examples::SALVAGE)]
    Salvage(Salvage),
    /// Train a model on a sample
    #[command(after_help = examples::TRAIN)]
    Train(Box<Train>),
    /// Begin a project: folders, and a configuration with every key explained
    #[command(after_help = examples::NEW)]
    New(New),
    /// Write a model in the format of others: ONNX
    #[command(after_help = examples::EXPORT)]
    Export(Export),
    /// Take over a model: of Baler's Python prototype, of one's own in PyTorch, or ONNX
    #[command(after_help = examples::IMPORT)]
    Import(Import),
    /// Turn a configuration of the prototype's (P_config.py) into TOML
    #[command(after_help = examples::IMPORT_CONFIG)]
    ImportConfig(ImportConfig),
    /// Compress in every way that there is, and show sizes, errors and speeds side by side
    ///
    /// Speeds leave out what is written to disk; of work shorter than a quarter of a second they are those of the fastest of up to five runs.
    #[command(after_help = examples::COMPARE)]
    Compare(Compare),
    /// Make example data: a flow past a square, collider jets
    #[command(after_help = examples::SYNTH)]
    Synth(Synth),
    /// Make data, train, compress, decompress, verify, and show pictures
    #[command(after_help = examples::DEMO)]
    Demo(Demo),
    /// Print a completion script for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}
