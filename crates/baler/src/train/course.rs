//! What an epoch leaves to the next, all that a checkpoint keeps.

use super::network::{Block, Norm};
use super::schedule::Watch;
use crate::model::Epoch;
use crate::model::float::Real;
use crate::model::tensors::Number;

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
    /// The least loss so far, that of the best parameters.
    pub least: f64,
}

/// All parameters between two epochs.
#[derive(Debug, Clone, PartialEq)]
pub struct State<R> {
    /// With all that Adam knows, and the values of the epoch with the least loss.
    pub blocks: Vec<Block<R>>,
    /// Of batch norms, without what is of a batch.
    pub norms: Vec<Norm<R>>,
}

/// A state in either precision.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyState {
    /// In singles.
    Single(State<f32>),
    /// In doubles.
    Double(State<f64>),
}

/// A precision that states are kept in.
pub trait Kept: Real + Number {
    /// Says which it is.
    fn any(state: State<Self>) -> AnyState;
    /// The inverse of [`Kept::any`], if it is this one.
    fn own(state: AnyState) -> Option<State<Self>>;
}

impl Kept for f32 {
    fn any(state: State<f32>) -> AnyState {
        AnyState::Single(state)
    }
    fn own(state: AnyState) -> Option<State<f32>> {
        if let AnyState::Single(state) = state { Some(state) } else { None }
    }
}

impl Kept for f64 {
    fn any(state: State<f64>) -> AnyState {
        AnyState::Double(state)
    }
    fn own(state: AnyState) -> Option<State<f64>> {
        if let AnyState::Double(state) = state { Some(state) } else { None }
    }
}
