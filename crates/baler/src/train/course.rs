//! What an epoch leaves to the next, all that a checkpoint keeps.

use super::network::{Block, Norm};
use super::schedule::Watch;
use super::slice::read;
use super::team::Team;
use crate::model::Epoch;

/// Losses so far, and what follows from them.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// Of each epoch.
    pub history: Vec<Epoch>,
    /// Of the next epoch.
    pub learning_rate: f64,
    /// For the plateau.
    pub slowing: Watch,
    /// For early stopping.
    pub stopping: Watch,
    /// The least loss so far, that of `best`.
    pub least: f64,
    /// The parameters with it.
    pub best: Snapshot,
}

/// Parameters at one time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// Of each block.
    pub blocks: Vec<Vec<f32>>,
    /// Running mean and variance of each batch norm.
    pub running: Vec<[Vec<f32>; 2]>,
}

impl Snapshot {
    /// Takes the place of an earlier one, and its memory.
    pub fn take(&mut self, team: &Team) {
        self.blocks.resize(team.blocks.len(), vec![]);
        for (own, block) in self.blocks.iter_mut().zip(&team.blocks) {
            own.clone_from(&read(block).values);
        }
        self.running = team.norms.iter().map(|norm| read(norm).running.clone()).collect();
    }

    /// The parameters as slices, a block each.
    pub fn values(&self) -> Vec<&[f32]> {
        self.blocks.iter().map(|b| &b[..]).collect()
    }
}

/// The team's parameters with all that Adam knows.
pub fn state(team: &Team) -> (Vec<Block>, Vec<Norm>) {
    let norm = |norm: &Norm| Norm { running: norm.running.clone(), ..Norm::default() };
    (
        team.blocks.iter().map(|b| read(b).clone()).collect(),
        team.norms.iter().map(|n| norm(&read(n))).collect(),
    )
}
