//! The settings of a project: every key of Baler's, and some that it did not have.
//!
//! The list below is the one place where a key has its name, its type, its default and the words that explain it to
//! users; reading, writing and the commented file follow from it.

use super::literal::{Literal, Setting};

/// What a user is told of a key.
pub struct Key {
    /// Its name, in both forms of configuration.
    pub name: &'static str,
    /// The group in which it is written.
    pub group: &'static str,
    /// What it means, in lines.
    pub help: &'static [&'static str],
    /// What it might be, where it may be left out.
    pub example: &'static str,
}

macro_rules! settings {
    ($($group:literal { $($(#[doc = $help:literal])+ $name:ident: $type:ty = $default:expr, $example:literal;)+ })+) => {
        /// The settings of a project.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(non_snake_case)] // users know RHO so
        pub struct Config {
            $($($(#[doc = $help])+ pub $name: $type,)+)+
            /// Settings of hls4ml, kept as they were found.
            pub hls4ml: Vec<(String, Literal)>,
        }

        impl Default for Config {
            fn default() -> Config {
                Config { $($($name: $default,)+)+ hls4ml: vec![] }
            }
        }

        /// Every key, in the order in which they are written.
        pub const KEYS: &[Key] = &[
            $($(Key { name: stringify!($name), group: $group, help: &[$($help),+], example: $example },)+)+
        ];

        impl Config {
            /// Sets a key; `None` where there is none of that name. Errors with what is wanted instead.
            fn set(&mut self, name: &str, value: &Literal) -> Option<Result<(), &'static str>> {
                match name {
                    $($(stringify!($name) => Some(Setting::read(value).map(|v| self.$name = v)),)+)+
                    _ => None,
                }
            }

            /// The value of a key.
            pub fn get(&self, name: &str) -> Option<Literal> {
                match name {
                    $($(stringify!($name) => Some(self.$name.write()),)+)+
                    _ => None,
                }
            }
        }
    };
}

settings! {
    "The data" {
        /// The data: an .npz with `data` and `names`, or any file that `baler compress` reads.
        input_path: String = String::new(), "";
        /// 1: rows of columns (events, particles). 2: frames of height x width (fields).
        data_dimension: usize = 1, "";
        /// A type for each column, applied after decompression: "float64", "int", "bool", ...
        type_list: Vec<String> = vec![], "";
        /// [1, h, w] cuts frames into blocks of h x w values by a plain reshape; each is then a row for the model.
        convert_to_blocks: Option<Vec<usize>> = None, "[1, 25, 25]";
    }
    "The model" {
        /// A model of the zoo: AE, CFD_dense_AE, AE_Dropout_BN, FPGA_prototype_model, Conv_AE, Conv_AE_GDN,
        /// Conv_AE_3D, PJ_Conv_AE or TransformerAE.
        model_name: String = "AE".into(), "";
        /// "dense" or "convolutional", as the prototype has it; the name says it already.
        model_type: String = "dense".into(), "";
        /// Values in a row (of columns, or of a frame's pixels) over latents kept.
        compression_ratio: Option<f64> = None, "2.0";
        /// Latents kept, where there is no compression_ratio.
        latent_space_size: Option<usize> = None, "12";
        /// Columns of the data; found from the data, and only checked.
        number_of_columns: Option<usize> = None, "24";
        /// Each column brought to [0, 1] by its least and greatest value before training.
        apply_normalization: bool = true, "";
        /// The data are normalised already, and pass as they are.
        custom_norm: bool = false, "";
        /// Another normalisation: "min_max", "standard" (mean 0, deviation 1), "quantile", "log", "identity", or "auto" for
        /// the one that trains best; it goes before apply_normalization and custom_norm.
        normalization: Option<String> = None, "\"auto\"";
        /// Of Conv_AE_3D alone: whether a dense layer makes the latents.
        compress_to_latent_space: bool = false, "";
    }
    "Training" {
        /// Passes over the data at most.
        epochs: usize = 5, "";
        /// The learning rate of the first epoch.
        lr: f64 = 0.001, "";
        /// Rows a step.
        batch_size: usize = 512, "";
        /// Share of the rows held back to validate on; 0 watches the training loss instead.
        test_size: f64 = 0.0, "";
        /// Whether training stops when the loss has not fallen for early_stopping_patience epochs.
        early_stopping: bool = true, "";
        /// Epochs without a fall that are let pass before it stops.
        early_stopping_patience: usize = 100, "";
        /// The least fall of the loss that counts as one.
        min_delta: f64 = 0.0, "";
        /// Whether the learning rate is halved (down to 1e-6) when the loss has not fallen for lr_scheduler_patience epochs.
        lr_scheduler: bool = true, "";
        /// Epochs without a fall that are let pass before it is halved.
        lr_scheduler_patience: usize = 50, "";
        /// Whether each epoch takes the rows in another order. (Baler's prototype took them in the file's.)
        shuffle: bool = true, "";
        /// What training computes in: "f32", or "f64" as the prototype's dense models did, at half the speed.
        precision: String = "f32".into(), "";
        /// The same seed gives the same model, with any number of threads.
        seed: u64 = 1, "";
        /// Training is always deterministic here: this has no effect.
        deterministic_algorithm: bool = true, "";
    }
    "The loss" {
        /// Sum of squared errors of a batch over its columns: what is made small unless another loss is asked for.
        mse_sum: bool = true, "";
        /// Mean squared error, and with l1 the sparsity of activations.
        mse_avg: bool = false, "";
        /// Mean squared error, and the earth mover's distance between each row's values and its reconstruction's.
        emd: bool = false, "";
        /// "loss_function_swae": mse_sum, and the sliced Wasserstein distance of the latents to a normal distribution.
        custom_loss_function: Option<String> = None, "\"loss_function_swae\"";
        /// Whether mse_avg adds reg_param times the mean size of each layer's activations. (Not to mse_sum: the
        /// prototype's never did.)
        l1: bool = true, "";
        /// What the sparsity of l1 counts beside the error.
        reg_param: f64 = 0.001, "";
        /// No effect, as in the prototype, which has no loss that uses it.
        RHO: f64 = 0.05, "";
    }
    "Compression" {
        /// How far decoded values may be off: "none" (the model's output as it is), or a bound that every value obeys:
        /// "rel:1e-3" (a thousandth of the column's range), "std:1e-3", "abs:0.01", "pwrel:0.01", "psnr:60",
        /// "lossless". Within a bound the model is used only where that makes the file smaller.
        bound: String = "none".into(), "";
        /// How much work a smaller file is worth: "fast", "default" or "max".
        level: String = "default".into(), "";
        /// The prototype's way to a bound, and here it is one: unless `bound` says otherwise, no value is off by more than
        /// error_bounded_requirement percent of itself.
        save_error_bounded_deltas: bool = false, "";
        /// Percent of itself that a value may be off.
        error_bounded_requirement: Option<f64> = None, "10.0";
        /// Whether decompressed.npz is deflated. (Archives are entropy-coded whatever this says.)
        extra_compression: bool = false, "";
    }
    "Files" {
        /// Whether training keeps a checkpoint every intermittent_saving_patience epochs. An interrupted training then goes
        /// on from training/checkpoint.safetensors.
        intermittent_model_saving: bool = false, "";
        /// Epochs from one checkpoint to the next.
        intermittent_saving_patience: usize = 100, "";
        /// Whether mean activations are kept for `--mode diagnose`.
        activation_extraction: bool = false, "";
        /// No effect: the model file holds encoder and decoder, and an archive its decoder alone.
        separate_model_saving: bool = false, "";
    }
}

/// Settings of hls4ml, by its names.
pub const HLS4ML: [&str; 15] = [
    "default_reuse_factor",
    "default_precision",
    "Strategy",
    "Part",
    "ClockPeriod",
    "IOType",
    "InputShape",
    "ProjectName",
    "OutputDir",
    "InputData",
    "OutputPredictions",
    "csim",
    "synth",
    "cosim",
    "export",
];

/// What became of a key.
pub enum Outcome {
    /// It is set.
    Known,
    /// There is no such key; those that are near.
    Unknown(Vec<&'static str>),
}

impl Config {
    /// Takes one key. Errors where its value is of the wrong type, saying what is wanted.
    pub fn take(&mut self, name: &str, value: Literal) -> Result<Outcome, String> {
        match self.set(name, &value) {
            Some(Ok(())) => Ok(Outcome::Known),
            Some(Err(wanted)) => Err(format!("{name} = {value}: want {wanted}")),
            None if HLS4ML.contains(&name) => {
                self.hls4ml.retain(|(known, _)| known != name);
                self.hls4ml.push((name.into(), value));
                Ok(Outcome::Known)
            }
            None => Ok(Outcome::Unknown(near(name))),
        }
    }
}

/// Keys that a mistyped one may have meant.
fn near(name: &str) -> Vec<&'static str> {
    if name.len() > 64 {
        return vec![];
    }
    let known = KEYS.iter().map(|k| k.name).chain(HLS4ML);
    let lower = name.to_lowercase();
    let mut found: Vec<(usize, &str)> = known.map(|k| (distance(&lower, &k.to_lowercase()), k)).collect();
    found.retain(|(d, k)| *d <= 2.max(k.len() / 5));
    found.sort();
    found.into_iter().map(|(_, k)| k).take(3).collect()
}

/// Insertions, deletions and replacements that make `b` of `a` (Levenshtein, 1966).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, c) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &d) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(c != d);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
