//! What makes, reads, checks and compares archives.

use super::shared::{BOUND, BoundArgs, Coding, NamedBoundArgs, Reading, Saying, levels};
use baler::archive::Level;
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// `baler compress`.
#[derive(Debug, Args)]
pub struct Compress {
    /// Files to compress: .npy .npz .csv or raw (.f32 .f64 .i16 ...)
    #[arg(required = true, value_hint = ValueHint::FilePath)]
    pub inputs: Vec<PathBuf>,
    /// The archive to write; - is standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub bound: BoundArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub named: NamedBoundArgs,
    /// A value that stands for missing data and comes back exactly, in every variable and column that can hold it [default: found
    /// where there is one]
    #[arg(long, help_heading = BOUND, value_name = "VALUE", allow_negative_numbers = true)]
    pub fill: Option<f64>,
    /// Refer to the model by its hash instead of storing it; decompressing will need its file
    #[arg(long, requires = "model")]
    pub external_model: bool,
    /// Use this codec whatever the size: field, table, autoencoder, raw
    #[arg(long, value_name = "NAME")]
    pub codec: Option<String>,
    /// How much work a smaller file is worth
    #[arg(long, value_parser = levels(), default_value = Level::Default.name())]
    pub level: Level,
    /// Values a chunk of a field, about: smaller chunks are read alone faster, larger ones are smaller in all
    #[arg(long, value_name = "VALUES", default_value_t = 1 << 21)]
    pub chunk: usize,
    /// Rows a chunk of a table: as for fields
    #[arg(long, value_name = "ROWS", default_value_t = 1 << 16)]
    pub chunk_rows: usize,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: Reading,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub coding: Coding,
    /// Replace the output if it exists
    #[arg(short, long)]
    pub force: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub saying: Saying,
}

/// `baler decompress`.
#[derive(Debug, Args)]
pub struct Decompress {
    /// The archive; - is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub input: PathBuf,
    /// The file to write: .npy .npz .csv or raw (.f32 ...); - is standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// The format to write, whatever the file's extension: npy, npz, csv, f32, ... [default on standard output: npy,
    /// and csv for a table]
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// Only rows A to B (B not included) of the leading axis; reads no more than it needs
    #[arg(long, value_name = "A:B")]
    pub select: Option<String>,
    /// Only this variable
    #[arg(long, value_name = "NAME")]
    pub variable: Option<String>,
    /// Only these columns of a table, in this order; decodes little else
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub columns: Option<Vec<String>>,
    /// Of a compressed.npz of Baler's Python prototype: the shape of a frame, which it does not tell
    #[arg(long, value_name = "N,N", value_delimiter = ',')]
    pub frame: Option<Vec<usize>>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub coding: Coding,
    /// Replace the output if it exists
    #[arg(short, long)]
    pub force: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub saying: Saying,
}

/// `baler compare`.
#[derive(Debug, Args)]
pub struct Compare {
    /// The data
    #[arg(value_hint = ValueHint::FilePath)]
    pub input: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub bound: BoundArgs,
    /// This variable of the file [default: the first]
    #[arg(long, value_name = "NAME")]
    pub variable: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: Reading,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub coding: Coding,
    /// Print a JSON object, for programs
    #[arg(long)]
    pub json: bool,
}

/// `baler info`.
#[derive(Debug, Args)]
pub struct Info {
    /// An archive (- is standard input), or a model file
    #[arg(value_hint = ValueHint::FilePath)]
    pub input: PathBuf,
    /// The model file that the archive refers to: it tells which columns explain those that the model codes
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::FilePath)]
    pub model: Option<PathBuf>,
    /// Print a JSON object, for programs
    #[arg(long)]
    pub json: bool,
}

/// `baler verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The archive; - is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub input: PathBuf,
    /// The original data, to check every value against its bound
    #[arg(long, value_name = "INPUT", num_args = 1.., value_hint = ValueHint::FilePath)]
    pub against: Vec<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: Reading,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub coding: Coding,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub saying: Saying,
}

/// `baler salvage`.
#[derive(Debug, Args)]
pub struct Salvage {
    /// The damaged archive
    #[arg(value_hint = ValueHint::FilePath)]
    pub input: PathBuf,
    /// The file to write: .npy .npz .csv or raw; what is lost is NaN, or zero where the type has none
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// A model file that the archive refers to
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::FilePath)]
    pub model: Option<PathBuf>,
    /// Replace the output if it exists
    #[arg(short, long)]
    pub force: bool,
    /// Print a JSON object, for programs
    #[arg(long)]
    pub json: bool,
}
