//! A block of rows on its way through frozen layers.

use super::frozen::FrozenDense;
use super::kernel::{Kernel, Lanes};
use crate::error::{Error, Result};

/// Two neighbours of a row as one lane.
pub fn pair(low: i16, high: i16) -> i32 {
    low as u16 as i32 | (high as i32) << 16
}

/// Whether there are layers, each taking what the one before gives.
pub fn check_chain(layers: &[FrozenDense]) -> Result<()> {
    if layers.is_empty() {
        return Err(Error::corrupt("no layers"));
    }
    match layers.windows(2).position(|w| w[0].outputs() != w[1].inputs()) {
        Some(i) => Err(Error::corrupt(format!(
            "layer {}: takes {} values where the one before gives {}",
            i + 1,
            layers[i + 1].inputs(),
            layers[i].outputs()
        ))),
        None => Ok(()),
    }
}

/// Room for the activations of one block, before and behind a layer.
pub struct Block {
    x: Vec<Lanes>,
    y: Vec<Lanes>,
}

impl Block {
    /// Room for the widest of `layers`.
    pub fn new(layers: &[FrozenDense]) -> Block {
        let widest = layers.iter().map(|l| l.lanes_out().max(l.inputs().div_ceil(2))).max().unwrap_or(0);
        Block { x: vec![Lanes::ZERO; widest], y: vec![Lanes::ZERO; widest] }
    }

    /// Where the inputs of the first layer go.
    pub fn input(&mut self) -> &mut [Lanes] {
        &mut self.x
    }

    /// Runs the layers; gives what the last one wrote.
    pub fn run(&mut self, kernel: Kernel, layers: &[FrozenDense]) -> &[Lanes] {
        for layer in layers {
            kernel.run(layer, &self.x, &mut self.y);
            std::mem::swap(&mut self.x, &mut self.y);
        }
        &self.x
    }
}
