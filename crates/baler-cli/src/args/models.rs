//! Projects, and models that go out to other programs or come in.

use super::shared::Saying;
use clap::{Args, ValueHint};
use std::path::PathBuf;

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
