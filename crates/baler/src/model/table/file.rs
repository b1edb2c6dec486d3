//! The file of a model of tables: safetensors, with the model as an archive carries it as one tensor of bytes, `table`,
//! and in its metadata, as `baler-table`, the bounds that it was trained for and where it comes from.

use serde::{Deserialize, Serialize};

use super::TableModel;
use crate::bound::Bound;
use crate::error::{Error, Result};
use crate::model::sealed::Sealed;

const FILE: Sealed = Sealed { key: "baler-table", tensor: "table", format: 1 };

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

impl TrainedTable {
    /// The model file. The same model gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Not as Display shows it, which may round.
        let text = |b: &Bound| b.value().map_or(b.kind().into(), |v| format!("{}:{v:e}", b.kind()));
        let description = Description {
            format: FILE.format,
            bounds: self.bounds.iter().map(|(n, b)| (n.clone(), text(b))).collect(),
            provenance: self.provenance.clone(),
        };
        FILE.write(description, &self.model.to_bytes())
    }

    /// The inverse of [`TrainedTable::to_bytes`]. Everything is validated. Takes memory of a few times `bytes`.
    pub fn from_bytes(bytes: &[u8]) -> Result<TrainedTable> {
        let read = || {
            let (Description { bounds, provenance, .. }, model) = FILE.read(bytes)?;
            let bounds = bounds.into_iter().map(|(name, text)| Ok((name, Bound::parse(&text)?)));
            let model = TableModel::from_bytes(&model)?;
            Ok(TrainedTable { model, bounds: bounds.collect::<Result<_>>()?, provenance })
        };
        read().map_err(|e: Error| e.at("model file"))
    }

    /// Whether `bytes` are a model file of this kind rather than an autoencoder's.
    pub fn is_one(bytes: &[u8]) -> bool {
        FILE.is_one(bytes)
    }

    /// The bound that a column was trained for.
    pub fn bound(&self, name: &str) -> Option<Bound> {
        self.bounds.iter().find(|(n, _)| n == name).map(|b| b.1)
    }
}
