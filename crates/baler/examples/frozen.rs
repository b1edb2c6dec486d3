//! What freezing costs: every model of the zoo trained briefly, and the root mean square error of its frozen form over
//! that of its float one, with how fast its frozen decoder runs.
//!
//!     cargo run --release -p baler --example frozen [EPOCHS] [MODEL...]
//!
//! on made-up flow frames (convolutional models) and jets (the others).

use baler::bound::Bound;
use baler::data::Values;
use baler::model::zoo;
use baler::synth;
use baler::train::{TrainOptions, train};
use std::ops::ControlFlow;
use std::time::Instant;
