//! Fits models to data, in float, and freezes them.
//!
//! A seed gives the same model on the same CPU whatever the number of threads, and whether training was interrupted and
//! resumed or not; other CPUs may add in another order and give another, equally good one. Computed in f32, or where asked
//! in f64: with data normalised in f64 the rounding of either stays far below what small networks miss. Nothing here takes
//! part in decoding.

mod adam;
mod automatic;
mod backward;
mod barrier;
mod checkpoint;
mod course;
mod fit;
mod loss;
mod network;
mod options;
mod rng;
mod schedule;
mod slice;
mod sliced;
pub mod table;
mod team;
#[cfg(test)]
mod tests;
mod transformer;
mod update;

pub use checkpoint::Checkpoint;
pub use fit::{EpochReport, Fitted, fit, train};
pub use loss::{Loss, Objective};
pub use options::TrainOptions;
pub use schedule::{EarlyStopping, Plateau};
