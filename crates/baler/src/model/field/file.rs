//! The file of a model of fields: safetensors, with the model as an archive carries it as one tensor of bytes, `field`, and
//! in its metadata, as `baler-field`, where it comes from.

use serde::{Deserialize, Serialize};

use super::FieldModel;
use crate::error::{Error, Result};
use crate::model::Epoch;
use crate::model::sealed::Sealed;

const FILE: Sealed = Sealed { key: "baler-field", tensor: "field", format: 1 };

/// A model of fields, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainedField {
    /// What codes.
    pub model: FieldModel,
    /// Where it comes from.
    pub provenance: FieldProvenance,
}

/// Where a model of fields comes from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldProvenance {
    /// The program and its version.
    pub program: String,
    /// The seed of the first weights and of the shuffling.
    pub seed: u64,
    /// What it was trained on.
    pub samples: Vec<SampleProvenance>,
    /// Bits a value of the network and of the linear prediction alone, each with the best spread that it knows, on values that
    /// were held back (where none were, on all).
    pub bits: [f64; 2],
    /// What each epoch came to, in bits a value.
    pub history: Vec<Epoch>,
}

/// A field of the sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleProvenance {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// How far off values may be, in its units.
    pub bound: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    format: u32,
    provenance: FieldProvenance,
}

impl TrainedField {
    /// The model file. The same model gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let description = Description { format: FILE.format, provenance: self.provenance.clone() };
        FILE.write(description, &self.model.to_bytes())
    }

    /// The inverse of [`TrainedField::to_bytes`]. Everything is validated. Takes memory of a few times `bytes`.
    pub fn from_bytes(bytes: &[u8]) -> Result<TrainedField> {
        let read = || {
            let (Description { provenance, .. }, model) = FILE.read(bytes)?;
            Ok(TrainedField { model: FieldModel::from_bytes(&model)?, provenance })
        };
        read().map_err(|e: Error| e.at("model file"))
    }

    /// Whether `bytes` are a model file of this kind.
    pub fn is_one(bytes: &[u8]) -> bool {
        FILE.is_one(bytes)
    }
}
