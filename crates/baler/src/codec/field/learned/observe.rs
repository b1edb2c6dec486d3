//! What a network is to learn: what it would be told of places of a field, and what the linear prediction misses there.

use super::super::domain::{Absolute, Real};
use super::super::taps::TAPS;
use super::inputs::{Each, Told};
use super::{Chunk, Network, Predictor, walk};
use crate::codec::range_coder::Coder;
use crate::model::field::FieldModel;
use crate::model::kernel::LANES;

/// Of some places of a field.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Inputs, a row a place.
    pub inputs: Vec<i16>,
    /// The logarithm of the scale, to base 2, in steps.
    pub logs: Vec<i8>,
    /// The value less the linear prediction, in steps.
    pub misses: Vec<f32>,
    /// The values' places in the field.
    pub places: Vec<u32>,
}

/// Walks through the field as its encoder would by the network of `model`, or without one, and looks at those of its regular
/// places that `wanted` names: so neighbours carry the errors that they will carry.
pub fn observe(
    step: f64,
    mean: f64,
    chunk: Chunk<f64>,
    model: Option<&FieldModel>,
    wanted: impl Fn(usize) -> bool,
) -> Observed {
    let width = super::inputs(chunk.weights.len());
    let inverse = 1.0 / step;
    let domain = Absolute::<f64>::new(step, mean, step);
    let mut observer = Observer {
        network: model.map(|model| Network::new(model, false)),
        originals: chunk.values.to_vec(),
        mean,
        inverse,
        wanted,
        told: [[0; MOST_INPUTS]; LANES],
        width,
        logs: [0; LANES],
        linear: [0.0; LANES],
        seen: Observed::default(),
    };
    walk(domain, &mut [Silent, Silent], chunk, &mut observer);
    observer.seen
}

/// Inputs, in whole pairs.
const MOST_INPUTS: usize = super::inputs(TAPS.len()).next_multiple_of(2);

struct Observer<'a, F> {
    network: Option<Network<'a>>,
    originals: Vec<f64>,
    mean: f64,
    inverse: f64,
    wanted: F,
    told: [[i16; MOST_INPUTS]; LANES],
    width: usize,
    logs: Each<i32>,
    linear: Each<f64>,
    seen: Observed,
}

impl<F: Fn(usize) -> bool> Predictor for Observer<'_, F> {
    fn predict<W: Real>(&mut self, told: &Told<W>, corrections: &mut Each<f32>, classes: &mut Each<i32>) {
        match &mut self.network {
            Some(network) => network.predict(told, corrections, classes),
            None => (*corrections, *classes) = ([0.0; LANES], [0; LANES]),
        }
        for (p, pair) in told.inputs.iter().enumerate() {
            for (to, &pair) in self.told.iter_mut().zip(&pair.0) {
                (to[2 * p], to[2 * p + 1]) = (pair as i16, (pair >> 16) as i16);
            }
        }
        self.logs = told.log;
        self.linear = told.linear.map(|p| p.to_f64());
    }

    fn see(&mut self, lane: usize, at: usize) {
        if !(self.wanted)(at) {
            return;
        }
        self.seen.inputs.extend_from_slice(&self.told[lane][..self.width]);
        self.seen.logs.push(self.logs[lane] as i8);
        self.seen.misses.push(((self.originals[at] - self.mean - self.linear[lane]) * self.inverse) as f32);
        self.seen.places.push(at as u32);
    }
}

/// Codes nothing.
struct Silent;

impl Coder for Silent {
    const ENCODE: bool = true;
    fn bit(&mut self, bit: bool, _: u32) -> bool {
        bit
    }
    fn symbol(&mut self, symbol: usize, _: &[i16; 16]) -> usize {
        symbol
    }
    fn uniform(&mut self, value: u32, _: u32) -> u32 {
        value
    }
    fn raw(&mut self, value: u64, _: u32) -> u64 {
        value
    }
}
