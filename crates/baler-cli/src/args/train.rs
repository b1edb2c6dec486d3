//! What trains.

use super::shared::{BoundArgs, NamedBoundArgs, Reading, Saying};
use clap::{Args, ValueHint};
use std::path::PathBuf;

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
    /// Passes over the data, at most [default: 100, of a table 10 to 40, of a field 12]
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Learning rate [default: 0.001, of a table at most 0.016, of a field 0.004]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub lr: Option<f64>,
    /// Rows a step [default: 512, of a table 256, of a field 1024 values]
    #[arg(long, value_name = "ROWS")]
    pub batch_size: Option<usize>,
    /// Share of the rows to validate on
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, allow_negative_numbers = true)]
    pub validation: f64,
    /// Epochs without progress after which training stops [default: 100, of a table a third of all and two]
    #[arg(long, value_name = "EPOCHS")]
    pub patience: Option<usize>,
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
    #[command(flatten)]
    #[allow(missing_docs)]
    pub named: NamedBoundArgs,
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
