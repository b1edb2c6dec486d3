//! Places of fields, and what a network is told of them.

use super::FieldOptions;
use crate::archive::Options;
use crate::archive::plan::{check_bounds, field_tolerance};
use crate::codec::MOST_CHUNK;
use crate::codec::field::coding::Signal;
use crate::codec::field::dispatch::fit_plain;
use crate::codec::field::learned::{Chunk, observe};
use crate::codec::field::taps::Sampling;
use crate::codec::field::view;
use crate::data::Array;
use crate::error::{Error, Result};
use crate::front::Tolerance;
use crate::model::field::FieldModel;
use crate::model::field::file::SampleProvenance;
use crate::train::rng::Random;

/// Places that are looked at, at most, in all fields together.
const MOST_PLACES: usize = 1 << 20;
/// Places in a row that are held back together to validate on.
const BLOCK: usize = 512;

/// Places of all fields, and what is learned from them.
#[derive(Default)]
pub struct Sample {
    /// Whether fields have one plane.
    pub planar: bool,
    /// Inputs, a row a place.
    pub inputs: Vec<i16>,
    /// The logarithm of the scale, to base 2, in steps.
    pub logs: Vec<i8>,
    /// The value less the linear prediction, in steps.
    pub misses: Vec<f32>,
    /// Rows to train on.
    pub train: Vec<u32>,
    /// Rows to validate on.
    pub held_back: Vec<u32>,
    /// Of each field.
    pub provenance: Vec<SampleProvenance>,
    seed: u64,
    share: f64,
    chunks: Vec<Prepared>,
}

/// A chunk, ready to be looked at.
struct Prepared {
    dims: [usize; 3],
    step: f64,
    mean: f64,
    weights: Vec<i16>,
    special: Vec<u8>,
    values: Vec<f64>,
}

/// Looks at the places of `fields`, as they are without a network.
pub fn sample(fields: &[(String, Array)], bounds: &Options, options: &FieldOptions) -> Result<Sample> {
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    check_bounds(&bounds.bounds, &names)?;
    let total: usize = fields.iter().map(|(_, a)| a.values.len()).sum();
    let share = MOST_PLACES as f64 / total.max(1) as f64;
    let mut sample = Sample { seed: options.seed, share, ..Sample::default() };
    for (number, (name, array)) in fields.iter().enumerate() {
        let dims = view(&array.shape);
        let planar = dims[0] == 1;
        if dims[0] * dims[1] < 2 || array.values.is_empty() {
            return Err(Error::invalid(format!(
                "'{name}' of shape {:?} has no rows above each other to learn from",
                array.shape
            )));
        }
        if number > 0 && planar != sample.planar {
            return Err(Error::invalid(
                "some fields have two axes, others more; train a model for each kind",
            ));
        }
        sample.planar = planar;
        let bound = prepare(&mut sample.chunks, (name, array), dims, bounds)?;
        let provenance = SampleProvenance { name: name.clone(), shape: array.shape.clone(), bound };
        sample.provenance.push(provenance);
    }
    let places = sample.observe(None);
    for (row, [chunk, place]) in places.into_iter().enumerate() {
        match key(sample.seed, chunk, place / BLOCK, 1) < options.validation {
            true => sample.held_back.push(row as u32),
            false => sample.train.push(row as u32),
        }
    }
    if sample.train.is_empty() {
        return Err(Error::invalid("there is nothing to learn from: no value is finite"));
    }
    Ok(sample)
}

impl Sample {
    /// Looks at the same places as before anew, their neighbours coded by a model: with errors as it makes them. The chunk of
    /// each and where it is there.
    pub fn observe(&mut self, model: Option<&FieldModel>) -> Vec<[usize; 2]> {
        self.inputs.clear();
        self.logs.clear();
        self.misses.clear();
        let mut places = vec![];
        for (number, c) in self.chunks.iter().enumerate() {
            let mut values = c.values.clone();
            let chunk = Chunk { dims: c.dims, weights: &c.weights, special: &c.special, values: &mut values };
            let wanted = |at| self.share >= 1.0 || key(self.seed, number, at, 0) < self.share;
            let seen = observe(c.step, c.mean, chunk, model, wanted);
            self.inputs.extend(seen.inputs);
            self.logs.extend(seen.logs);
            self.misses.extend(seen.misses);
            places.extend(seen.places.iter().map(|&place| [number, place as usize]));
        }
        places
    }
}

/// A number in [0, 1) that depends on all of these.
fn key(seed: u64, chunk: usize, at: usize, what: u64) -> f64 {
    let bits = Random::keyed(&[seed, chunk as u64, at as u64, what]).bits();
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// Appends the chunks of a field; how far off its values may be.
fn prepare(
    chunks: &mut Vec<Prepared>,
    (name, array): (&str, &Array),
    dims: [usize; 3],
    bounds: &Options,
) -> Result<f64> {
    let (tolerance, fill) = field_tolerance(name, array, bounds)?;
    let float = array.values.dtype().is_float();
    let (bound, step) = match tolerance {
        Tolerance::Absolute(b) | Tolerance::RootMeanSquare(b) if float => (b, 2.0 * b),
        Tolerance::Absolute(b) | Tolerance::RootMeanSquare(b) => (b.floor(), 2.0 * b.floor() + 1.0),
        Tolerance::Exact if !float => (0.0, 1.0),
        _ => {
            return Err(Error::invalid(format!(
                "'{name}': a model of fields learns within a bound in the data's units: --rel, --abs, --std or --psnr"
            )));
        }
    };
    if !(step > 0.0 && step.is_finite()) {
        return Err(Error::invalid(format!("'{name}': a bound of {bound} leaves nothing to learn")));
    }
    let values = array.values.to_f64().ok_or_else(|| Error::invalid("text cannot be trained on"))?;
    let is_special = |x: f64| !x.is_finite() || fill == Some(x);
    let plane = dims[1] * dims[2];
    let planes = (MOST_CHUNK / plane).max(1);
    for values in values.chunks(planes * plane) {
        let regular = || values.iter().filter(|x| !is_special(**x));
        let count = regular().count();
        if count == 0 {
            continue;
        }
        let mean = regular().map(|x| x / count as f64).sum::<f64>();
        let mut last = mean;
        let mut smooth = values.to_vec();
        for x in &mut smooth {
            last = if is_special(*x) { last } else { *x };
            *x = last;
        }
        let special: Vec<u8> = match count == values.len() {
            true => vec![],
            false => values.iter().map(|&x| is_special(x) as u8).collect(),
        };
        let dims = [values.len() / plane, dims[1], dims[2]];
        let signal = Signal { smooth: &smooth, mean, dims, step, sampling: Sampling::PLAIN };
        let weights = fit_plain(signal, false);
        chunks.push(Prepared { dims, step, mean, weights, special, values: smooth });
    }
    Ok(bound)
}
