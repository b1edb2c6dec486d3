//! The file of a model of fields: safetensors, with the model as an archive carries it as one tensor of bytes, `field`, and
//! in its metadata, as `baler-field`, where it comes from.

use std::collections::BTreeMap;

use safetensors::tensor::{SafeTensors, TensorView};
use safetensors::{Dtype, serialize};
use serde::{Deserialize, Serialize};

use super::FieldModel;
use crate::error::{Error, Result};
use crate::model::Epoch;

/// The layout of files that this program writes, and the only one it reads.
const FORMAT: u32 = 1;
const METADATA_KEY: &str = "baler-field";
const TENSOR: &str = "field";

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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    crc32: u32,
    description: Description,
}

impl TrainedField {
    /// The model file. The same model gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let bytes = self.model.to_bytes();
        let description = Description { format: FORMAT, provenance: self.provenance.clone() };
        let metadata = Metadata { crc32: checksum(&description, &bytes), description };
        let text = serde_json::to_string(&metadata).expect("numbers and strings");
        let tensor =
            TensorView::new(Dtype::U8, vec![bytes.len()], &bytes).expect("as long as its shape says");
        let entry = [(METADATA_KEY.to_string(), text)].into_iter().collect();
        serialize(BTreeMap::from([(TENSOR, tensor)]), Some(entry)).expect("one tensor")
    }

    /// The inverse of [`TrainedField::to_bytes`]. Everything is validated. Takes memory of a few times `bytes`.
    pub fn from_bytes(bytes: &[u8]) -> Result<TrainedField> {
        read(bytes).map_err(|e| e.at("model file"))
    }

    /// Whether `bytes` are a model file of this kind.
    pub fn is_one(bytes: &[u8]) -> bool {
        metadata(bytes).is_ok_and(|text| text.is_some())
    }
}

fn metadata(bytes: &[u8]) -> Result<Option<String>> {
    let (_, header) = SafeTensors::read_metadata(bytes)
        .map_err(|e| Error::corrupt(format!("not safetensors, or damaged: {e}")))?;
    Ok(header.metadata().as_ref().and_then(|m| m.get(METADATA_KEY)).cloned())
}

fn read(bytes: &[u8]) -> Result<TrainedField> {
    let text =
        metadata(bytes)?.ok_or_else(|| Error::unsupported("its metadata have no entry 'baler-field'"))?;
    let json: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| Error::corrupt(format!("description: {e}")))?;
    if json["description"]["format"].as_u64().is_some_and(|f| f != FORMAT as u64) {
        return Err(Error::unsupported(format!(
            "has format {} where this program reads {FORMAT}; it may need a newer baler",
            json["description"]["format"]
        )));
    }
    let Metadata { crc32, description } =
        serde_json::from_str(&text).map_err(|e| Error::corrupt(format!("description: {e}")))?;
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| Error::corrupt(format!("not safetensors, or damaged: {e}")))?;
    let tensor = file.tensor(TENSOR).map_err(|_| Error::corrupt("tensor 'field' is missing"))?;
    if tensor.dtype() != Dtype::U8 || file.len() != 1 || checksum(&description, tensor.data()) != crc32 {
        return Err(Error::corrupt("its checksum is wrong: the file has been changed or damaged"));
    }
    Ok(TrainedField { model: FieldModel::from_bytes(tensor.data())?, provenance: description.provenance })
}

fn checksum(description: &Description, bytes: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&serde_json::to_vec(description).expect("numbers and strings"));
    crc.update(bytes);
    crc.finalize()
}
