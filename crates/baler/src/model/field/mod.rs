//! A model of fields: a tiny integer network that corrects the linear prediction of a value from its neighbours, and tells how
//! far off it may be (format.md, sections 5.8 and 8.2).

mod compact;
pub mod file;

pub use compact::LAYOUT;

use super::frozen::FrozenDense;
use crate::codec::field::learned::{self, inputs};
use crate::codec::field::taps::tap_count;
use crate::error::{Error, Result};

/// Hidden layers, and units of one, at most.
pub const MOST_HIDDEN: usize = 3;
/// See [`MOST_HIDDEN`].
pub const MOST_UNITS: usize = 128;
/// What a network gives: a correction, and a class.
pub const OUTPUTS: usize = 2;

/// The network. To hold one is to know that it can be run.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldModel {
    planar: bool,
    layers: Vec<FrozenDense>,
    gains: [f32; OUTPUTS],
}

impl FieldModel {
    /// A model of `layers`, the last of which gives accumulators, to be multiplied by `gains`: what is told in scales, and in
    /// quarters of an octave. `planar`: for chunks of one plane; otherwise of several.
    pub fn new(planar: bool, layers: Vec<FrozenDense>, gains: [f32; OUTPUTS]) -> Result<FieldModel> {
        let wrong = |what: String| Err(Error::corrupt(what));
        let Some((last, hidden)) = layers.split_last() else { return wrong("no layers".into()) };
        if !(1..=MOST_HIDDEN).contains(&hidden.len())
            || hidden.iter().any(|l| l.outputs() > MOST_UNITS || l.requantise().is_none())
        {
            return wrong(format!(
                "1 to {MOST_HIDDEN} hidden layers of at most {MOST_UNITS} units are possible"
            ));
        }
        let chained = layers.windows(2).all(|l| l[0].outputs() == l[1].inputs());
        if layers[0].inputs() != width(planar)
            || last.outputs() != OUTPUTS
            || last.requantise().is_some()
            || !chained
        {
            return wrong("its layers do not fit".into());
        }
        if let Some(bad) = gains.iter().find(|g| !(**g > 0.0 && **g <= 1024.0)) {
            return wrong(format!("a gain of {bad}"));
        }
        Ok(FieldModel { planar, layers, gains })
    }

    /// Whether it is for chunks of one plane; otherwise of several.
    pub fn planar(&self) -> bool {
        self.planar
    }

    /// Whether it serves chunks of (planes, rows, columns).
    pub fn serves(&self, dims: [usize; 3]) -> bool {
        let [nz, ny, _] = dims;
        nz * ny > 1 && (nz == 1) == self.planar && learned::serves(dims)
    }

    /// The layers.
    pub fn layers(&self) -> &[FrozenDense] {
        &self.layers
    }

    /// Units of the hidden layers.
    pub fn hidden(&self) -> Vec<usize> {
        self.layers[1..].iter().map(FrozenDense::inputs).collect()
    }

    /// What accumulators are multiplied by.
    pub fn gains(&self) -> [f32; OUTPUTS] {
        self.gains
    }
}

/// Values that go in.
pub fn width(planar: bool) -> usize {
    inputs(tap_count(if planar { [1, 2, 2] } else { [2, 2, 2] }))
}
