//! The file of a model of tables: safetensors, with the model as an archive carries it as one tensor of bytes, `table`,
//! and in its metadata, as `baler-table`, the bounds that it was trained for and where it comes from.

use std::collections::BTreeMap;

use safetensors::tensor::{SafeTensors, TensorView};
use safetensors::{Dtype, serialize};
use serde::{Deserialize, Serialize};

use super::TableModel;
use crate::bound::Bound;
use crate::error::{Error, Result};

/// The layout of files that this program writes, and the only one it reads.
const FORMAT: u32 = 1;
const METADATA_KEY: &str = "baler-table";
const TENSOR: &str = "table";

/// A model of tables, what it was trained for, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainedTable {
    /// What codes.
    pub model: TableModel,
    /// The bound of each column of the sample, resolved: absolute, pointwise-relative, or lossless.
    pub bounds: Vec<(String, Bound)>,
    /// Where it comes from.
    pub provenance: TableProvenance,
}

/// Where a model of tables comes from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableProvenance {
    /// The program and its version.
    pub program: String,
    /// The seed of the first weights and of the shuffling.
    pub seed: u64,
    /// Rows of the sample.
    pub rows: u64,
    /// What each column came to.
    pub columns: Vec<ColumnProvenance>,
}

/// What the training of one column came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnProvenance {
    /// Its name.
    pub name: String,
    /// Bits a row held back, those below bins left out; none where it has no network.
    pub bits: Option<f64>,
    /// Units of its hidden layers.
    pub hidden: usize,
    /// Epochs run.
    pub epochs: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    format: u32,
    bounds: Vec<(String, String)>,
    provenance: TableProvenance,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    crc32: u32,
    description: Description,
}

impl TrainedTable {
    /// The model file. The same model gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let bytes = self.model.to_bytes();
        // Not as Display shows it, which may round.
        let text = |b: &Bound| b.value().map_or(b.kind().into(), |v| format!("{}:{v:e}", b.kind()));
        let description = Description {
            format: FORMAT,
            bounds: self.bounds.iter().map(|(n, b)| (n.clone(), text(b))).collect(),
            provenance: self.provenance.clone(),
        };
        let metadata = Metadata { crc32: checksum(&description, &bytes), description };
        let text = serde_json::to_string(&metadata).expect("numbers and strings");
        let tensor =
            TensorView::new(Dtype::U8, vec![bytes.len()], &bytes).expect("as long as its shape says");
        let entry = [(METADATA_KEY.to_string(), text)].into_iter().collect();
        serialize(BTreeMap::from([(TENSOR, tensor)]), Some(entry)).expect("one tensor")
    }

    /// The inverse of [`TrainedTable::to_bytes`]. Everything is validated. Takes memory of a few times `bytes`.
    pub fn from_bytes(bytes: &[u8]) -> Result<TrainedTable> {
        read(bytes).map_err(|e| e.at("model file"))
    }

    /// Whether `bytes` are a model file of this kind rather than an autoencoder's.
    pub fn is_one(bytes: &[u8]) -> bool {
        metadata(bytes).is_ok_and(|text| text.is_some())
    }

    /// The bound that a column was trained for.
    pub fn bound(&self, name: &str) -> Option<Bound> {
        self.bounds.iter().find(|(n, _)| n == name).map(|b| b.1)
    }
}

fn metadata(bytes: &[u8]) -> Result<Option<String>> {
    let (_, header) = SafeTensors::read_metadata(bytes)
        .map_err(|e| Error::corrupt(format!("not safetensors, or damaged: {e}")))?;
    Ok(header.metadata().as_ref().and_then(|m| m.get(METADATA_KEY)).cloned())
}

fn read(bytes: &[u8]) -> Result<TrainedTable> {
    let text =
        metadata(bytes)?.ok_or_else(|| Error::unsupported("its metadata have no entry 'baler-table'"))?;
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
    let tensor = file.tensor(TENSOR).map_err(|_| Error::corrupt("tensor 'table' is missing"))?;
    if tensor.dtype() != Dtype::U8 || file.len() != 1 || checksum(&description, tensor.data()) != crc32 {
        return Err(Error::corrupt("its checksum is wrong: the file has been changed or damaged"));
    }
    let bounds = description.bounds.into_iter().map(|(name, text)| Ok((name, Bound::parse(&text)?)));
    Ok(TrainedTable {
        model: TableModel::from_bytes(tensor.data())?,
        bounds: bounds.collect::<Result<_>>()?,
        provenance: description.provenance,
    })
}

fn checksum(description: &Description, bytes: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&serde_json::to_vec(description).expect("numbers and strings"));
    crc.update(bytes);
    crc.finalize()
}
