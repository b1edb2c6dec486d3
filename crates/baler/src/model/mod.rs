//! Models: what they are made of, how they run in float and in integers, and their files.
//!
//! A model is fitted in float and frozen to small integers ([`freeze`]); only the integers ([`autoencoder`])
//! take part in decoding, so that every machine decodes the same bits. The scheme is that of Jacob et al.,
//! "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference" (2018),
//! wider (16-bit weights, 14-bit activations) and with a proof per neuron that no sum overflows.

pub mod any;
pub mod autoencoder;
mod block;
pub mod blocks;
mod compact;
pub mod field;
mod file;
pub mod float;
pub mod freeze;
pub mod frozen;
pub mod hash;
pub mod kernel;
pub mod layers;
pub mod network;
pub mod normalise;
pub mod output;
mod sealed;
pub mod table;
pub(crate) mod tensors;
mod user;
pub mod zoo;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use autoencoder::FrozenModel;
use float::{FloatModel, Precision};
use layers::Architecture;
use normalise::Normalisation;

/// A trained model: its float network, and the frozen one made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The layers.
    pub architecture: Architecture,
    /// Between the user's units and the float network's.
    pub normalisation: Normalisation,
    /// What training fitted.
    pub float: FloatModel,
    /// What codes.
    pub frozen: FrozenModel,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The program and its version.
    pub program: String,
    /// The seed of the first weights, of the split and of the shuffling.
    pub seed: u64,
    /// What training computed in.
    #[serde(default, skip_serializing_if = "Precision::is_single")]
    pub precision: Precision,
    /// Rows that the model was trained on, and those held back to validate it.
    pub rows: u64,
    /// Rows left out because some value was not finite.
    pub rows_left_out: u64,
    /// What each epoch came to.
    pub history: Vec<Epoch>,
}

/// What one epoch of training came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Mean loss of its batches.
    pub train_loss: f64,
    /// Mean loss of the validation batches afterwards, where rows were held back.
    pub validation_loss: Option<f64>,
    /// The learning rate it was run with.
    pub learning_rate: f64,
}

impl Model {
    /// Values in a row.
    pub fn features(&self) -> usize {
        self.frozen.features()
    }

    /// Latents in a row.
    pub fn latents(&self) -> usize {
        self.frozen.latents()
    }

    /// `rows` (rows x features, in the user's units) through the float network and back: what the frozen one
    /// approximates. For reports of quality; its last bits differ between machines.
    pub fn reconstruct_float(&self, rows: &[f64]) -> Vec<f64> {
        let normal = self.normalisation.apply(rows);
        self.normalisation.invert(&float::forward(self.float.layers(), self.architecture.sequence, &normal))
    }

    /// `rows` through the frozen network and back.
    pub fn reconstruct(&self, rows: &[f64]) -> Result<Vec<f64>> {
        let mut out = vec![0.0; rows.len()];
        self.frozen.decode(&self.frozen.encode(rows)?, &mut out)?;
        Ok(out)
    }
}
