//! Training, and freezing to integers.

use std::f64::consts::LN_2;
use std::ops::ControlFlow;

use super::network::{INPUT_UNIT, Network, Rooms};
use super::sample::Sample;
use super::{FieldOptions, FieldReport};
use crate::error::{Error, Result};
use crate::model::Epoch;
use crate::model::field::{FieldModel, OUTPUTS, width};
use crate::model::frozen::FrozenDense;
use crate::train::adam::Adam;
use crate::train::freeze::{freeze, goals};
use crate::train::one_cycle;
use crate::train::rng::Random;

/// The largest weight: those of the last layer are few and may be finer.
const MOST_WEIGHT: f64 = 127.0;
const MOST_LAST_WEIGHT: f64 = 2047.0;
/// The largest length of a batch's gradient.
const CLIP: f32 = 1.0;
/// The class of an index whose distribution has a spread of one step: its mean magnitude is 1.39 times the spread.
const CLASS_OF_ONE: f64 = 14.0;

/// A trained network.
pub struct Fitted {
    pub model: FieldModel,
    /// Of the network and of the linear prediction, see [`FieldProvenance`](crate::model::field::file::FieldProvenance).
    pub bits: [f64; 2],
    pub history: Vec<Epoch>,
}

/// Trains on the sample, and picks the best epoch.
pub fn fit(
    sample: &mut Sample,
    options: &FieldOptions,
    mut progress: impl FnMut(&FieldReport) -> ControlFlow<()>,
) -> Result<Fitted> {
    let mut random = Random::new(options.seed);
    let widths = [&[width(sample.planar)], &options.hidden[..], &[OUTPUTS]].concat();
    let mut network = Network::new(&widths, &mut random);
    let mut adam = Adam::new(network.parameters.len());
    let mut rooms = Rooms::default();
    let check = if sample.held_back.is_empty() { sample.train.clone() } else { sample.held_back.clone() };
    let linear = linear_bits(sample, &check);
    let mut order = sample.train.clone();
    let batch = options.batch_size.min(order.len());
    let total = options.epochs.saturating_mul(order.len().div_ceil(batch));
    let mut best = (f64::INFINITY, network.parameters.clone());
    let (mut done, mut waited, mut history) = (0, 0, vec![]);
    for epoch in 1..=options.epochs {
        random.shuffle(&mut order);
        let (mut sum, mut rate) = (0.0, 0.0);
        for places in order.chunks(batch) {
            sum += network.loss(sample, places, true, options.threads, &mut rooms) * places.len() as f64;
            let gradients = rooms.gradients(places.len());
            let mut gradient = gradients[0].to_vec();
            for more in &gradients[1..] {
                gradient.iter_mut().zip(*more).for_each(|(g, m)| *g += m);
            }
            let length = gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
            if length > CLIP {
                gradient.iter_mut().for_each(|g| *g *= CLIP / length);
            }
            rate = options.learning_rate * one_cycle(done as f64 / total as f64);
            adam.step(&mut network.parameters, &[&gradient], rate);
            done += 1;
        }
        // Neighbours carry the errors that this very network makes, for the next epoch and to judge this one: from those of
        // another it learns where in their cells values lie, which its own do not tell.
        sample.observe(Some(&frozen(&network, sample)?));
        let bits = network.loss(sample, &check, false, options.threads, &mut rooms) / LN_2;
        let result = Epoch {
            train_loss: sum / order.len() as f64 / LN_2,
            validation_loss: (!sample.held_back.is_empty()).then_some(bits),
            learning_rate: rate,
        };
        history.push(result);
        waited = if bits < best.0 { 0 } else { waited + 1 };
        if bits < best.0 {
            best = (bits, network.parameters.clone());
        }
        let enough = waited > 0 && waited >= options.patience; // (a patience of 0 still goes on after the best)
        if progress(&FieldReport { epoch, result }).is_break() || enough {
            break;
        }
    }
    if !best.0.is_finite() {
        return Err(Error::invalid("training diverged; try a lower --lr"));
    }
    network.parameters = best.1;
    let model = frozen(&network, sample)?;
    Ok(Fitted { model, bits: [best.0, linear], history })
}

/// Bits a value of the linear prediction with the best spread for each scale.
fn linear_bits(sample: &Sample, places: &[u32]) -> f64 {
    let mut by_log = std::collections::BTreeMap::<i8, Vec<f32>>::new();
    places
        .iter()
        .map(|&p| p as usize)
        .for_each(|p| by_log.entry(sample.logs[p]).or_default().push(sample.misses[p]));
    let nats = |misses: &[f32], log: i8, o: f32| -> f64 {
        misses.iter().map(|&m| super::loss::loss([0.0, o], log, m).0 as f64).sum()
    };
    let each = by_log.iter().map(|(&log, misses)| {
        let tries = (-24..=12).map(|o| nats(misses, log, o as f32 * 0.25));
        tries.fold(f64::INFINITY, f64::min)
    });
    each.sum::<f64>() / places.len() as f64 / LN_2
}

/// To integers, with the scales of activations that the sample asks for.
fn frozen(network: &Network, sample: &Sample) -> Result<FieldModel> {
    let most = network.largest(sample, &sample.train);
    let mut steps = vec![1.0 / INPUT_UNIT as f64; network.stages[0].inputs];
    let mut layers = vec![];
    for (i, most) in most.iter().enumerate() {
        let (weights, bias) = network.range(i);
        let (weights, bias) = (&network.parameters[weights], &network.parameters[bias]);
        let goals = goals(weights, bias, &steps, most);
        layers.push(freeze(weights, bias, &steps, &goals, false, MOST_WEIGHT)?);
        steps = goals;
    }
    // The first output is in scales; the second, of the spread's logarithm, in quarters of an octave above the scale's class.
    let (weights, bias) = network.range(most.len());
    let (weights, bias) = (&network.parameters[weights], &network.parameters[bias]);
    let quarter = 4.0 / LN_2;
    let units = [(1.0, 0.0), (quarter, CLASS_OF_ONE + 0.5 - quarter)];
    let (mut integers, mut biases, mut gains) = (vec![], vec![], [0.0; OUTPUTS]);
    for ((w, &b), ((unit, offset), gain)) in
        weights.chunks_exact(steps.len()).zip(bias).zip(units.into_iter().zip(&mut gains))
    {
        let scaled: Vec<f64> = w.iter().zip(&steps).map(|(&w, s)| w as f64 * s * unit).collect();
        let bias = b as f64 * unit + offset;
        let largest = scaled.iter().fold(0.0, |a: f64, w| a.max(w.abs()));
        *gain =
            (largest / MOST_LAST_WEIGHT).max(bias.abs() / (1u64 << 28) as f64).clamp(1e-30, 1024.0) as f32;
        integers.extend(scaled.iter().map(|w| (w / *gain as f64).round() as i16));
        biases.push((bias / *gain as f64).round() as i32);
    }
    layers.push(FrozenDense::new(steps.len(), OUTPUTS, integers, biases, None)?);
    FieldModel::new(sample.planar, layers, gains)
}
