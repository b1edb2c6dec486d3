//! The command line as it is typed: flags and their texts. What they mean is resolved in `commands`.

use crate::examples;
use crate::project::Mode;
use clap::{Args, Parser, Subcommand, ValueHint};
use std::path::PathBuf;

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

/// How an input file is to be read, where it does not say so itself.
#[derive(Debug, Args)]
pub struct Reading {
    /// Lengths of the axes of a raw file (.f32, .i16, ...), slowest first
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    pub shape: Option<Vec<usize>>,
    /// A .csv has no line of names
    #[arg(long)]
    pub no_header: bool,
}

/// Where the help shows bounds.
const BOUND: &str = "Bound, one of these for all and --bound for single ones";

/// The bound, one of these.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct BoundArgs {
    /// Off by at most VALUE, in the data's units
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, help_heading = BOUND)]
    pub abs: Option<f64>,
    /// Off by at most this share of the range of finite values, of each variable or column
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, help_heading = BOUND)]
    pub rel: Option<f64>,
    /// Off by at most this share of the standard deviation
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, help_heading = BOUND)]
    pub std: Option<f64>,
    /// Each value off by at most this share of itself
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, help_heading = BOUND)]
    pub pwrel: Option<f64>,
    /// A peak signal-to-noise ratio of at least this many dB
    #[arg(long, value_name = "DB", allow_negative_numbers = true, help_heading = BOUND)]
    pub psnr: Option<f64>,
    /// Every bit comes back
    #[arg(long, help_heading = BOUND)]
    pub lossless: bool,
    /// No bound: a model's output as it is, its error measured and recorded
    #[arg(long, help_heading = BOUND)]
    pub bound_none: bool,
}

impl BoundArgs {
    /// Whether there is one.
    pub fn given(&self) -> bool {
        let values = [self.abs, self.rel, self.std, self.pwrel, self.psnr];
        values.iter().any(Option::is_some) || self.lossless || self.bound_none
    }
}

/// How much to say, and to whom.
#[derive(Debug, Args)]
pub struct Saying {
    /// Print a JSON object, for programs
    #[arg(long)]
    pub json: bool,
    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
}

/// Threads and models, as every command that codes takes them.
#[derive(Debug, Args)]
pub struct Coding {
    /// Threads to use; the result is the same with any number [default: all]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// A model file made by `baler train`
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::FilePath)]
    pub model: Option<PathBuf>,
}

/// How much work a smaller file is worth.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Level {
    /// Speed first
    Fast,
    /// The best ratio at a good speed
    Default,
    /// The smallest file, ten to twenty times slower
    Max,
}

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
    /// A bound for one variable or column, whatever the others': KIND is abs, rel, std, pwrel, psnr (with :VALUE),
    /// lossless or none
    #[arg(long = "bound", value_name = "NAME=KIND[:VALUE]", help_heading = BOUND)]
    pub bounds: Vec<String>,
    /// Bounds by name in a TOML file, lines such as pt = "std:1e-3"; --bound goes before them
    #[arg(long = "bounds", value_name = "FILE", help_heading = BOUND, value_hint = ValueHint::FilePath)]
    pub bounds_file: Option<PathBuf>,
    /// A value that stands for missing data and comes back exactly [default: found where there is one]
    #[arg(long, help_heading = BOUND, value_name = "VALUE", allow_negative_numbers = true)]
    pub fill: Option<f64>,
    /// Refer to the model by its hash instead of storing it; decompressing will need its file
    #[arg(long, requires = "model")]
    pub external_model: bool,
    /// Use this codec whatever the size: field, table, autoencoder, raw
    #[arg(long, value_name = "NAME")]
    pub codec: Option<String>,
    /// How much work a smaller file is worth
    #[arg(long, value_enum, default_value = "default")]
    pub level: Level,
    /// Values a chunk of a field, about: smaller chunks are read alone faster, larger ones are smaller in all
    #[arg(long, value_name = "VALUES", default_value_t = 1 << 21)]
    pub chunk: usize,
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
    /// The archive
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

/// `baler new`.
#[derive(Debug, Args)]
pub struct New {
    /// The workspace: a folder of projects and their data
    pub workspace: String,
    /// The project
    pub project: String,
}

/// `baler import-config`.
#[derive(Debug, Args)]
pub struct ImportConfig {
    /// The configuration: P_config.py
    #[arg(value_hint = ValueHint::FilePath)]
    pub input: PathBuf,
    /// The file to write: P_config.toml; - is standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// Replace the output if it exists
    #[arg(short, long)]
    pub force: bool,
}

/// `baler export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The model: an autoencoder
    #[arg(value_hint = ValueHint::FilePath)]
    pub input: PathBuf,
    /// The file to write: model.onnx
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// Which half
    #[arg(long, value_enum, value_name = "PART", default_value_t = Part::Both)]
    pub part: Part,
    /// The frozen network, whole numbers to the last bit, rather than the float one
    #[arg(long)]
    pub integer: bool,
    /// Replace the output if it exists
    #[arg(short, long)]
    pub force: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub saying: Saying,
}

/// A part of an autoencoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// rows to latents and reconstruction
    Both,
    /// rows to latents
    Encoder,
    /// latents to reconstruction
    Decoder,
}

/// `baler import`.
#[derive(Debug, Args)]
pub struct Import {
    /// A model of Baler's Python prototype or of one's own in PyTorch, model.pt or .safetensors; or an autoencoder or an
    /// encoder in ONNX, model.onnx
    #[arg(value_hint = ValueHint::FilePath)]
    pub input: PathBuf,
    /// The decoder, where it is a file of its own
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub decoder: Option<PathBuf>,
    /// The name of the value between encoder and decoder in one ONNX file [default: the first of two outputs]
    #[arg(long, value_name = "NAME", conflicts_with = "decoder")]
    pub latents: Option<String>,
    /// The model file to write
    #[arg(short, long, value_name = "MODEL", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// Which model the tensors are of: a name of Baler's zoo, or a .toml file that describes the layers, as `baler train`
    /// takes them [default: by the tensors, where they are of a dense model of Baler's]
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub model: Option<String>,
    /// Baler's normalization_features.npy [default: that in the compressed.npz of --calibrate, or none]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub normalization: Option<PathBuf>,
    /// Data to choose the integer scales on, or Baler's compressed.npz of them, which also tells names and normalisation
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub calibrate: Option<PathBuf>,
    /// Replace the output if it exists
    #[arg(short, long)]
    pub force: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub saying: Saying,
}

/// `baler info`.
#[derive(Debug, Args)]
pub struct Info {
    /// An archive, or a model file
    #[arg(value_hint = ValueHint::FilePath)]
    pub input: PathBuf,
    /// Print a JSON object, for programs
    #[arg(long)]
    pub json: bool,
}

/// `baler verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The archive
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

/// Where a picture goes.
#[derive(Debug, Args)]
pub struct PictureArgs {
    /// The picture to write: .svg .png .pdf, and .gif or .apng for a field that moves; - is standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// The format to write, whatever the file's extension: svg, png, pdf, apng, gif
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// Of .svg and .png a file a page, numbered: look-01.png, look-02.png [default: all pages on one sheet]
    #[arg(long)]
    pub pages: bool,
    /// Replace the output if it exists
    #[arg(short, long)]
    pub force: bool,
}

/// `baler plot`.
#[derive(Debug, Args)]
pub struct Plot {
    /// The original data; or alone: a model file, whose losses are drawn
    #[arg(value_hint = ValueHint::FilePath)]
    pub original: PathBuf,
    /// What came back of it: an archive, or a file of decoded data
    #[arg(value_hint = ValueHint::FilePath)]
    pub decoded: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub picture: PictureArgs,
    /// Only this variable
    #[arg(long, value_name = "NAME")]
    pub variable: Option<String>,
    /// Only these columns of a table, a page each
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub columns: Option<Vec<String>>,
    /// Frames of a field: for each axis that is not drawn a number, A:B or : for all
    /// [default: the frame that lost most, and the histograms of all values; of an animation all]
    #[arg(long, value_name = "N,...")]
    pub frame: Option<String>,
    /// The axes of a field's frame, down and across, numbered from 0 [default: the last two]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub axes: Option<Vec<usize>>,
    /// The unit of a field's values, to stand beside them
    #[arg(long, value_name = "UNIT")]
    pub unit: Option<String>,
    /// Frames of an animation a second
    #[arg(long, value_name = "N", default_value_t = 10.0)]
    pub fps: f64,
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

/// `baler diagnose`.
#[derive(Debug, Args)]
pub struct Diagnose {
    /// A model file; or alone: activations.npy as the Python prototype writes it
    #[arg(value_hint = ValueHint::FilePath)]
    pub model: PathBuf,
    /// Data such as it was trained on
    #[arg(value_hint = ValueHint::FilePath)]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub picture: PictureArgs,
    /// Only this variable [default: the first]
    #[arg(long, value_name = "NAME")]
    pub variable: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: Reading,
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

/// Where the help shows what a model of a table has not.
const AUTOENCODER: &str = "Autoencoders";

/// `baler train`.
#[derive(Debug, Args)]
pub struct Train {
    /// A sample of the data
    #[arg(value_hint = ValueHint::FilePath)]
    pub input: PathBuf,
    /// More samples, of which --kind field learns too
    #[arg(value_hint = ValueHint::FilePath)]
    pub more: Vec<PathBuf>,
    /// The model file to write
    #[arg(short, long, value_name = "MODEL", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// What to train: an autoencoder, or a model of a table's columns or of a field's values, which makes these smaller within a
    /// bound
    #[arg(long, value_enum, default_value = "autoencoder")]
    pub kind: TrainKind,
    /// The autoencoder: a name of Baler's zoo (AE, CFD_dense_AE, AE_Dropout_BN, FPGA_prototype_model, Conv_AE,
    /// Conv_AE_GDN, Conv_AE_3D, PJ_Conv_AE, TransformerAE), or a .toml file that describes its layers [default: AE]
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub model: Option<String>,
    /// Features over latents: how much smaller a row gets [default: 2]
    #[arg(long, value_name = "R", conflicts_with = "latent", allow_negative_numbers = true)]
    pub ratio: Option<f64>,
    /// Number of latents
    #[arg(long, value_name = "Z")]
    pub latent: Option<usize>,
    /// Units of the hidden layers of --kind field [default: 32,16]
    #[arg(long, value_name = "N,...", value_delimiter = ',')]
    pub hidden: Option<Vec<usize>>,
    /// Passes over the data, at most [default: 100, of a table 10, of a field 12]
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Learning rate [default: 0.001, of a table at most 0.008, of a field 0.004]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub lr: Option<f64>,
    /// Rows a step [default: 512, of a table 256, of a field 1024 values]
    #[arg(long, value_name = "ROWS")]
    pub batch_size: Option<usize>,
    /// Share of the rows to validate on
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, allow_negative_numbers = true)]
    pub validation: f64,
    /// Epochs without progress after which training stops
    #[arg(long, value_name = "EPOCHS", default_value_t = 100)]
    pub patience: usize,
    /// Epochs without progress after which the learning rate is halved
    #[arg(long, value_name = "EPOCHS", default_value_t = 50, help_heading = AUTOENCODER)]
    pub plateau: usize,
    /// What is made small
    #[arg(long, value_enum, default_value = "mse-sum", help_heading = AUTOENCODER)]
    pub loss: LossName,
    /// What the mean |activation| of each layer counts beside the loss
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0, allow_negative_numbers = true, help_heading = AUTOENCODER)]
    pub l1: f64,
    /// How features are brought to one scale
    #[arg(long, value_enum, default_value = "min-max", alias = "normalization", help_heading = AUTOENCODER)]
    pub normalisation: NormalisationName,
    /// Cut a field into boxes of this shape along its last axes, rather than into frames; each is a row of the model's.
    /// Those at the edges may hang over. As many lengths as the field has axes make boxes of several frames
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', conflicts_with_all = ["runs", "columns"], help_heading = AUTOENCODER)]
    pub tiles: Option<Vec<usize>>,
    /// Take values as they lie in memory for rows of this shape (the prototype's convert_to_blocks, a plain reshape)
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', help_heading = AUTOENCODER)]
    pub runs: Option<Vec<usize>>,
    /// Take the rows in their order in each epoch
    #[arg(long, help_heading = AUTOENCODER)]
    pub no_shuffle: bool,
    /// What training computes in
    #[arg(long, value_enum, default_value = "f32", help_heading = AUTOENCODER)]
    pub precision: PrecisionName,
    /// Epochs between checkpoints, MODEL.checkpoint, removed in the end; 0 for none, also where interrupted [default: 1,
    /// or more where writing them would take over a twentieth of the time, but not over 10 s' worth]
    #[arg(long, value_name = "N", help_heading = AUTOENCODER)]
    pub checkpoint_every: Option<usize>,
    /// Go on with the training that left MODEL.checkpoint, to the same bits as if it had not stopped; give the same
    /// flags again
    #[arg(long, help_heading = AUTOENCODER)]
    pub resume: bool,
    /// Keep the model of every N epochs as a file of its own, as model.100.safetensors
    #[arg(long, value_name = "N", help_heading = AUTOENCODER)]
    pub save_every: Option<usize>,
    /// The same seed gives the same model, with any number of threads
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Train on this variable [default: the first]
    #[arg(long, value_name = "NAME")]
    pub variable: Option<String>,
    /// Train on these columns of a table [default: all numbers but 64-bit integers; with --kind table all but texts]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub columns: Option<Vec<String>>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub bound: BoundArgs,
    /// A bound for one column, whatever the others': as `baler compress` takes it
    #[arg(long = "bound", value_name = "NAME=KIND[:VALUE]", help_heading = BOUND)]
    pub bounds: Vec<String>,
    /// Bounds by name in a TOML file, lines such as pt = "std:1e-3"; --bound goes before them
    #[arg(long = "bounds", value_name = "FILE", help_heading = BOUND, value_hint = ValueHint::FilePath)]
    pub bounds_file: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: Reading,
    /// Threads to use [default: all]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Replace the output if it exists
    #[arg(short, long)]
    pub force: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub saying: Saying,
}

/// What training computes in.
#[derive(Debug, Clone, Copy, PartialEq, clap::ValueEnum)]
pub enum PrecisionName {
    /// single precision
    #[value(alias = "single")]
    F32,
    /// double precision, as the prototype's AE: half as fast; the weights are kept in singles
    #[value(alias = "double")]
    F64,
}

/// A loss.
#[derive(Debug, Clone, Copy, PartialEq, clap::ValueEnum)]
pub enum LossName {
    /// sum of squared errors / columns
    MseSum,
    /// mean squared error
    MseAvg,
    /// mean squared error + earth mover's distance between the sorted values of a row
    Emd,
    /// as mse-sum + sliced Wasserstein distance of the latents to normal noise
    Swae,
}

/// A normalisation.
#[derive(Debug, Clone, Copy, PartialEq, clap::ValueEnum)]
pub enum NormalisationName {
    /// the range of each feature to [0, 1]
    MinMax,
    /// mean 0, standard deviation 1
    Standard,
    /// each feature's distribution to the normal one
    Quantile,
    /// signed logarithm
    Log,
    /// values as they are
    None,
    /// the one of these with the fewest bits after a short training
    Auto,
}

/// What `baler train` makes.
#[derive(Debug, Clone, Copy, PartialEq, clap::ValueEnum)]
pub enum TrainKind {
    /// An autoencoder.
    Autoencoder,
    /// A model of a table's columns.
    Table,
    /// A model of a field's values.
    Field,
}

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
