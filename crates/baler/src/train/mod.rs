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
pub mod field;
mod fit;
mod freeze;
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

/// The learning rate's course (Smith and Topin, 2018): up from a 25th in three tenths of the steps, then down to nothing.
pub(in crate::train) fn one_cycle(done: f64) -> f64 {
    let wave = |x: f64| 0.5 - 0.5 * (std::f64::consts::PI * x).cos();
    match done {
        d if d < 0.3 => 0.04 + 0.96 * wave(d / 0.3),
        d => wave(1.0 - (d - 0.3) / 0.7).max(1e-4),
    }
}
