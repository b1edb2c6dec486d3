//! All weights and biases of a network in one vector, so that the optimiser sees only numbers.

use std::ops::Range;

use super::rng::Random;
use crate::error::Result;
use crate::model::float::FloatModel;
use crate::model::layers::{Architecture, DenseStage};

/// Where each stage of a network keeps its weights and biases.
#[derive(Debug, Clone)]
pub struct Network {
    /// Encoder, then decoder.
    pub stages: Vec<DenseStage>,
    offsets: Vec<usize>,
    /// Parameters in all.
    pub len: usize,
}

impl Network {
    /// The stages of `architecture`, end to end.
    pub fn new(architecture: &Architecture) -> Result<Network> {
        let mut stages = architecture.encoder_stages()?;
        stages.extend(architecture.decoder_stages()?);
        let mut len = 0;
        let mut offset = |s: &DenseStage| {
            let at = len;
            len += (s.inputs + 1) * s.outputs;
            at
        };
        let offsets = stages.iter().map(&mut offset).collect();
        Ok(Network { stages, offsets, len })
    }

    /// The weights of stage `i`.
    pub fn weights(&self, i: usize) -> Range<usize> {
        self.offsets[i]..self.offsets[i] + self.stages[i].inputs * self.stages[i].outputs
    }

    /// The biases of stage `i`, right behind its weights.
    pub fn bias(&self, i: usize) -> Range<usize> {
        let end = self.weights(i).end;
        end..end + self.stages[i].outputs
    }

    /// First parameters: uniform within 1 / sqrt(inputs), as PyTorch's `Linear` has them.
    pub fn initialise(&self, random: &mut Random) -> Vec<f32> {
        let mut parameters = Vec::with_capacity(self.len);
        for stage in &self.stages {
            let limit = 1.0 / (stage.inputs as f32).sqrt();
            parameters.extend((0..(stage.inputs + 1) * stage.outputs).map(|_| random.signed_unit() * limit));
        }
        parameters
    }

    /// The parameters as layers.
    pub fn model(&self, architecture: &Architecture, parameters: &[f32]) -> Result<FloatModel> {
        let mut dense = 0;
        FloatModel::new(architecture, |_, _, layer| {
            if layer.layer.tensors(&layer.input).is_empty() {
                return Ok(vec![]);
            }
            dense += 1;
            Ok([self.weights(dense - 1), self.bias(dense - 1)].map(|r| parameters[r].to_vec()).into())
        })
    }
}
