//! What several commands take: how to read, bounds, levels, how to speak.

use baler::archive::Level;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueHint};
use std::path::PathBuf;

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
pub(super) const BOUND: &str = "Bound, one of these for all and --bound for single ones";

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

/// Bounds by name.
#[derive(Debug, Args)]
pub struct NamedBoundArgs {
    /// A bound for one variable or column, whatever the others': KIND is abs, rel, std, pwrel, psnr (with :VALUE),
    /// lossless or none
    #[arg(long = "bound", value_name = "NAME=KIND[:VALUE]", help_heading = BOUND)]
    pub bounds: Vec<String>,
    /// Bounds by name in a TOML file, lines such as pt = "std:1e-3"; --bound goes before them
    #[arg(long = "bounds", value_name = "FILE", help_heading = BOUND, value_hint = ValueHint::FilePath)]
    pub bounds_file: Option<PathBuf>,
}

impl NamedBoundArgs {
    /// Whether one was said.
    pub fn given(&self) -> bool {
        !self.bounds.is_empty() || self.bounds_file.is_some()
    }
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

/// What `--level` takes, and what each level is for.
pub fn levels() -> impl TypedValueParser<Value = Level> {
    let told = |level: Level| {
        let help = match level {
            Level::Fast => "Speed first",
            Level::Default => "The best ratio at a good speed",
            Level::Max => "The smallest file, ten to twenty times slower",
        };
        PossibleValue::new(level.name()).help(help)
    };
    PossibleValuesParser::new(Level::ALL.map(told)).try_map(|name| Level::from_name(&name))
}
