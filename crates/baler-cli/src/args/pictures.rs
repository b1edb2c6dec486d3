//! What draws.

use super::shared::{Coding, Reading, Saying};
use clap::{Args, ValueHint};
use std::path::PathBuf;

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
