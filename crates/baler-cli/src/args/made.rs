//! Data made to try things on.

use super::shared::Saying;
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// `baler synth`.
#[derive(Debug, Args)]
pub struct Synth {
    /// flow: x-velocity past a square, by lattice Boltzmann; jets: a table of collider jets
    #[arg(value_enum)]
    pub kind: SynthKind,
    /// flow: FRAMES,HEIGHT,WIDTH; jets: ROWS
    #[arg(long, value_name = "N[,N,N]", value_delimiter = ',')]
    pub size: Vec<usize>,
    /// The file to write: .npy or .f32 for a flow, .npz or .csv for jets
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// The same seed gives the same data, on any machine
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Replace the output if it exists
    #[arg(short, long)]
    pub force: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub saying: Saying,
}

/// What `baler synth` makes.
#[derive(Debug, Clone, Copy, PartialEq, clap::ValueEnum)]
pub enum SynthKind {
    /// A flow past a square.
    Flow,
    /// Collider jets.
    Jets,
}

/// `baler demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// The folder for its files
    #[arg(short, long, value_name = "FOLDER", default_value = "baler-demo", value_hint = ValueHint::DirPath)]
    pub output: PathBuf,
    /// Epochs of training; fewer are faster and worse [default: 60, with --quick 5]
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Less data and few epochs: a few seconds in all, and ratios that say little
    #[arg(long)]
    pub quick: bool,
    /// Threads to use [default: all]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub saying: Saying,
}
