//! The modes of a project, one file each.

pub mod compare;
pub mod compress;
pub mod decompress;
pub mod diagnose;
pub mod info;
pub mod plot;
pub mod train;

use std::path::Path;

use super::config::Config;
use super::{Output, Project};
use crate::commands::import::{check_features, network_of, ranges_of};
use crate::commands::train::{save, whole_sample};
use crate::commands::{load_model, not_autoencoder};
use crate::formats::{self, WriteOptions};
use crate::import::{Calibration, model};
use crate::output::AtomicFile;
use crate::saying::print;
use baler::data::{Array, Dataset, Values, Variable};
use baler::error::{Error, Result};
use baler::model::Model;
use baler::model::any::AnyModel;

/// What every mode works with.
pub struct Session<'a> {
    /// The project.
    pub project: &'a Project,
    /// Its settings.
    pub config: &'a Config,
    /// Whether to say more.
    pub verbose: bool,
}

impl Session<'_> {
    /// Says what only who asked for more wants to read.
    pub fn tell(&self, text: impl std::fmt::Display) -> Result<()> {
        if self.verbose { print(text) } else { Ok(()) }
    }

    /// A file of the project, written anew.
    fn write(&self, output: Output, variable: Variable) -> Result<()> {
        let path = self.project.path(output);
        let deflate = self.config.extra_compression && output == Output::Decompressed;
        let options = WriteOptions { force: true, deflate, ..WriteOptions::default() };
        let data = Dataset { variables: vec![(super::data::NAME.into(), variable)] };
        formats::create(&path, &options)?.write(&data)?;
        self.tell(format!("wrote {}", path.display()))
    }

    /// An array of two axes, written anew.
    fn write_rows(&self, output: Output, width: usize, values: Vec<f64>) -> Result<()> {
        let rows = values.len().checked_div(width).unwrap_or(0);
        self.write(output, Variable::Field(Array::new(vec![rows, width], Values::F64(values))?))
    }

    /// The project's model; one of the prototype's is imported where there is no other.
    fn model(&self) -> Result<Box<Model>> {
        let (ours, prototype) = (self.project.path(Output::Model), self.project.path(Output::PrototypeModel));
        if !ours.exists() && prototype.exists() {
            return self.import(&prototype, &ours).map(Box::new);
        }
        match load_model(&self.project.existing(Output::Model, "train")?)? {
            AnyModel::Autoencoder(m) => Ok(m),
            _ => Err(not_autoencoder(&ours)),
        }
    }

    /// A `model.pt` of the prototype's, calibrated on the project's data and kept as ours.
    fn import(&self, from: &Path, to: &Path) -> Result<Model> {
        let network = network_of(from, Some(&self.config.model_name))?;
        let ranges = match self.config.apply_normalization {
            true => ranges_of(&self.project.path(Output::Ranges))?,
            false => None,
        };
        let (data, _) = super::data::blocked(super::data::load(self.config)?, self.config)?;
        let sample = whole_sample(&data)?;
        check_features(network.features(), sample.features).map_err(|e| e.at(&self.config.input_path))?;
        let model =
            model(&network, ranges.as_ref(), sample.names, Calibration::Data(&sample.rows), "model.pt")?;
        save(&model, AtomicFile::create(to, false)?)?;
        print(format!("{}: imported from {}", to.display(), from.display()))?;
        Ok(model)
    }
}

/// Why there is no conversion with hls4ml, and what there is.
pub fn no_hls4ml(config: &Config) -> Error {
    let kept: Vec<&str> = config.hls4ml.iter().map(|(name, _)| name.as_str()).collect();
    let kept = match kept.len() {
        0 => String::new(),
        _ => format!(" (the settings {} are kept)", kept.join(", ")),
    };
    Error::unsupported(format!(
        "convert_with_hls4ml: hls4ml is not run from here{kept}. What there is: output/compressed_output/model.safetensors \
         holds the model in float (encoder.N.weight, decoder.N.weight, ...), which Python reads with safetensors and \
         hls4ml then converts, and in integers of 16 bits (frozen...), which are what an FPGA would compute, bit for bit"
    ))
}
