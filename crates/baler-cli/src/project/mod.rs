//! Projects: a configuration, its data and all that is made of them, in the folders of Baler's Python prototype.
//!
//! Of the prototype are the names of the folders, of the modes and of the side files (`loss_data.npy`,
//! `normalization_features.npy`, `activations.npy`, `decompressed.npz`); models and archives are
//! `model.safetensors` and `compressed.blr`.

pub mod activations;
pub mod cast;
pub mod config;
pub mod data;
pub mod file;
pub mod literal;
mod modes;
pub mod python;
pub mod settings;
mod token;

use std::path::{Path, PathBuf};

use baler::error::{Error, Result};
use config::Config;

use crate::saying::print;

/// What to do with a project. Named as the prototype's modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Make its folders and its configuration
    #[value(name = "newProject")]
    New,
    /// Fit the model to the data
    Train,
    /// Compress the data with the model
    Compress,
    /// Get the data back
    Decompress,
    /// Draw what was lost
    Plot,
    /// Tell how small it is, all counted
    Info,
    /// Tell what the layers of the model do
    Diagnose,
    /// Compress in every way that there is, side by side
    Compare,
    /// Say what there is instead of hls4ml
    #[value(name = "convert_with_hls4ml")]
    Hls4ml,
}

/// A project, as far as its place goes.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its workspace.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// `workspaces/WORKSPACE/PROJECT`.
    root: PathBuf,
}

/// Folders within a project.
const FOLDERS: [&str; 5] = [
    "config",
    "output/compressed_output",
    "output/decompressed_output",
    "output/plotting",
    "output/training",
];

/// Files within a project, in the order in which they come to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// The model.
    Model,
    /// A training that was interrupted.
    Checkpoint,
    /// Losses of each epoch: 2 x epochs, of training and of validation.
    Losses,
    /// Minimum and range of each column.
    Ranges,
    /// Mean activations: layers x nodes.
    Activations,
    /// The archive.
    Archive,
    /// What it decodes to.
    Decompressed,
    /// The folder of pictures.
    Pictures,
    /// The prototype's model.
    PrototypeModel,
    /// The prototype's archive: its latents.
    PrototypeArchive,
}

impl Project {
    /// The project of that name, in the folder that the command runs in. Errors where a name is no name of a folder.
    pub fn new(workspace: &str, name: &str) -> Result<Project> {
        for part in [workspace, name] {
            let plain = !part.is_empty() && part.chars().all(|c| !c.is_control() && !"/\\\"".contains(c));
            if !plain || [".", ".."].contains(&part) {
                return Err(Error::invalid(format!("'{part}' is no name for a workspace or a project")));
            }
        }
        let root = Path::new("workspaces").join(workspace).join(name);
        Ok(Project { workspace: workspace.into(), name: name.into(), root })
    }

    /// Where a file of the project is.
    pub fn path(&self, output: Output) -> PathBuf {
        let path = match output {
            Output::Model => "compressed_output/model.safetensors",
            Output::Checkpoint => "training/checkpoint.safetensors",
            Output::Losses => "training/loss_data.npy",
            Output::Ranges => "training/normalization_features.npy",
            Output::Activations => "training/activations.npy",
            Output::Archive => "compressed_output/compressed.blr",
            Output::Decompressed => "decompressed_output/decompressed.npz",
            Output::Pictures => "plotting",
            Output::PrototypeModel => "compressed_output/model.pt",
            Output::PrototypeArchive => "compressed_output/compressed.npz",
        };
        self.root.join("output").join(path)
    }

    /// As [`Project::path`], of what must be there; `mode` makes it.
    pub fn existing(&self, output: Output, mode: &str) -> Result<PathBuf> {
        let path = self.path(output);
        if !path.exists() {
            return Err(Error::new(
                baler::error::ErrorKind::Io,
                format!("{}: is not there; `--mode {mode}` makes it", path.display()),
            ));
        }
        Ok(path)
    }

    fn config_path(&self, extension: &str) -> PathBuf {
        self.root.join("config").join(format!("{}_config.{extension}", self.name))
    }

    /// Makes the folders and a configuration with every key in it. A project that is there is left as it is, with a
    /// message.
    pub fn create(&self, verbose: bool) -> Result<()> {
        let place = |path: &Path| {
            let path = path.display().to_string();
            move |e: std::io::Error| Error::from(e).at(path)
        };
        if self.root.exists() {
            return print(format!("{} exists already, and is left as it is", self.root.display()));
        }
        let workspace = self.root.parent().expect("has been joined").join("data");
        for folder in FOLDERS.iter().map(|f| self.root.join(f)).chain([workspace.clone()]) {
            std::fs::create_dir_all(&folder).map_err(place(&folder))?;
            if verbose {
                print(format!("made {}", folder.display()))?;
            }
        }
        let data = workspace.join(format!("{}_data.npz", self.name));
        let config = Config {
            input_path: data.to_string_lossy().into_owned(),
            compression_ratio: Some(2.0),
            ..Config::default()
        };
        let path = self.config_path("toml");
        std::fs::write(&path, file::to_toml(&config)).map_err(place(&path))?;
        print(format!(
            "{}: put the data at {}, see to {}, then\n  baler --project {} {} --mode train",
            self.root.display(),
            data.display(),
            path.display(),
            self.workspace,
            self.name
        ))
    }

    /// The settings, of TOML or else of the prototype's Python; warnings go to standard error.
    pub fn config(&self, verbose: bool) -> Result<Config> {
        let (ours, python) = (self.config_path("toml"), self.config_path("py"));
        let path = match (ours.exists(), python.exists()) {
            (true, both) => {
                if both {
                    eprintln!("note: {} is read, and {} is not", ours.display(), python.display());
                }
                ours
            }
            (false, true) => python,
            (false, false) => {
                return Err(Error::new(
                    baler::error::ErrorKind::Io,
                    format!(
                        "{}: No such file; `baler new {} {}` makes a project",
                        ours.display(),
                        self.workspace,
                        self.name
                    ),
                ));
            }
        };
        let loaded = file::load(&path)?;
        loaded.warnings.iter().for_each(|w| eprintln!("warning: {}: {w}", path.display()));
        if verbose {
            print(format!("settings of {}", path.display()))?;
        }
        Ok(loaded.config)
    }

    /// Runs one mode.
    pub fn run(&self, mode: Mode, verbose: bool) -> Result<bool> {
        if mode == Mode::New {
            return self.create(verbose).map(|()| true);
        }
        let config = self.config(verbose)?;
        let session = modes::Session { project: self, config: &config, verbose };
        match mode {
            Mode::New => {}
            Mode::Train => modes::train::run(&session)?,
            Mode::Compress => modes::compress::run(&session)?,
            Mode::Decompress => modes::decompress::run(&session)?,
            Mode::Plot => modes::plot::run(&session)?,
            Mode::Info => modes::info::run(&session)?,
            Mode::Diagnose => modes::diagnose::run(&session)?,
            Mode::Compare => return modes::compare::run(&session),
            Mode::Hls4ml => return Err(modes::no_hls4ml(&config)),
        }
        Ok(true)
    }
}
