//! A float network of dense layers with ReLU between, and its gradient by slices of a batch.

use super::loss::loss;
use super::sample::Sample;
use crate::model::float::{DenseStage, forward_stage};
use crate::model::kernel::gemm::{View, product};
use crate::train::rng::Random;

/// Places that are computed together; sums over slices are taken in their order, whichever thread made them.
const SLICE: usize = 256;
/// Integer inputs in one unit of a float one.
pub const INPUT_UNIT: f32 = 1024.0;

/// The layers and their parameters.
pub struct Network {
    /// From inputs to outputs.
    pub stages: Vec<DenseStage>,
    /// Weights (outputs x inputs) and biases of each layer in turn.
    pub parameters: Vec<f32>,
}

/// What one slice needs.
#[derive(Default)]
struct Room {
    activations: Vec<Vec<f32>>,
    delta: [Vec<f32>; 2],
    gradient: Vec<f32>,
    nats: f64,
}

/// Room for the slices of a batch.
#[derive(Default)]
pub struct Rooms(Vec<Room>);

impl Rooms {
    /// The gradient of each slice.
    pub fn gradients(&self, places: usize) -> Vec<&[f32]> {
        self.0[..places.div_ceil(SLICE)].iter().map(|r| &r.gradient[..]).collect()
    }
}

impl Network {
    /// For layers of these widths (He et al., 2015; the last one near nothing: the linear prediction as it is).
    pub fn new(widths: &[usize], random: &mut Random) -> Network {
        let last = widths.len() - 2;
        let stage = |(i, w): (usize, &[usize])| DenseStage {
            inputs: w[0],
            outputs: w[1],
            slope: if i < last { 0.0 } else { 1.0 },
        };
        let stages: Vec<DenseStage> = widths.windows(2).enumerate().map(stage).collect();
        let mut parameters = vec![];
        for (i, s) in stages.iter().enumerate() {
            let reach = (2.0 / s.inputs as f32).sqrt() * if i < last { 1.0 } else { 0.05 };
            parameters.extend((0..s.outputs * s.inputs).map(|_| random.normal() * reach));
            parameters.extend((0..s.outputs).map(|_| 0.0));
        }
        Network { stages, parameters }
    }

    /// Where the weights and biases of a layer are.
    pub fn range(&self, layer: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let size = |s: &DenseStage| s.outputs * (s.inputs + 1);
        let first: usize = self.stages[..layer].iter().map(size).sum();
        let s = &self.stages[layer];
        let bias = first + s.outputs * s.inputs;
        (first..bias, bias..bias + s.outputs)
    }

    /// Mean nats of `places`; with `gradient` also their derivative, in the rooms.
    pub fn loss(
        &self,
        sample: &Sample,
        places: &[u32],
        gradient: bool,
        threads: usize,
        rooms: &mut Rooms,
    ) -> f64 {
        let slices: Vec<&[u32]> = places.chunks(SLICE).collect();
        if rooms.0.len() < slices.len() {
            rooms.0.resize_with(slices.len(), Room::default);
        }
        let weight = 1.0 / places.len() as f32;
        let share = slices.len().div_ceil(threads.max(1));
        let rooms = &mut rooms.0[..slices.len()];
        let run = |rooms: &mut [Room], slices: &[&[u32]]| {
            for (room, places) in rooms.iter_mut().zip(slices) {
                self.slice(sample, places, gradient.then_some(weight), room);
            }
        };
        if share == slices.len() {
            run(rooms, &slices);
        } else {
            std::thread::scope(|scope| {
                for (rooms, slices) in rooms.chunks_mut(share).zip(slices.chunks(share)) {
                    scope.spawn(move || run(rooms, slices));
                }
            });
        }
        rooms.iter().map(|r| r.nats).sum::<f64>() / places.len() as f64
    }

    /// What the layers give for some places: the activations of each, the inputs first.
    fn forward(&self, sample: &Sample, places: &[u32], activations: &mut Vec<Vec<f32>>) {
        activations.resize_with(self.stages.len() + 1, Vec::new);
        let n = self.stages[0].inputs;
        activations[0].clear();
        for &place in places {
            let row = &sample.inputs[place as usize * n..][..n];
            activations[0].extend(row.iter().map(|&x| x as f32 / INPUT_UNIT));
        }
        for i in 0..self.stages.len() {
            let (weights, bias) = self.range(i);
            let (x, y) = activations.split_at_mut(i + 1);
            y[0].resize(places.len() * self.stages[i].outputs, 0.0);
            let (weights, bias) = (&self.parameters[weights], &self.parameters[bias]);
            forward_stage(self.stages[i], weights, bias, &x[i], places.len(), &mut y[0]);
        }
    }

    fn slice(&self, sample: &Sample, places: &[u32], weight: Option<f32>, room: &mut Room) {
        self.forward(sample, places, &mut room.activations);
        let out = room.activations.last().expect("outputs");
        let [delta, below] = &mut room.delta;
        delta.clear();
        room.nats = 0.0;
        for (&place, out) in places.iter().zip(out.chunks_exact(2)) {
            let (log, miss) = (sample.logs[place as usize], sample.misses[place as usize]);
            let (nats, by) = loss([out[0], out[1]], log, miss);
            room.nats += nats as f64;
            delta.extend(by.map(|b| b * weight.unwrap_or(0.0)));
        }
        if weight.is_none() {
            return;
        }
        room.gradient.resize(self.parameters.len(), 0.0);
        for i in (0..self.stages.len()).rev() {
            let (weights, bias) = self.range(i);
            let DenseStage { inputs, outputs, .. } = self.stages[i];
            if i + 1 < self.stages.len() {
                for (d, &y) in delta.iter_mut().zip(&room.activations[i + 1]) {
                    *d = if y > 0.0 { *d } else { 0.0 };
                }
            }
            let sums = &mut room.gradient[bias];
            sums.fill(0.0);
            for row in delta.chunks_exact(outputs) {
                sums.iter_mut().zip(row).for_each(|(b, d)| *b += d);
            }
            let (dy, x) = (View::rows(delta, outputs), View::rows(&room.activations[i], inputs));
            product(&mut room.gradient[weights.clone()], dy.transposed(), x, (outputs, inputs, places.len()));
            if i > 0 {
                below.resize(places.len() * inputs, 0.0);
                let w = View::rows(&self.parameters[weights], inputs);
                product(below, dy, w, (places.len(), inputs, outputs));
                std::mem::swap(delta, below);
            }
        }
    }

    /// The largest activation of each unit of the hidden layers, for these places.
    pub fn largest(&self, sample: &Sample, places: &[u32]) -> Vec<Vec<f32>> {
        let hidden = &self.stages[..self.stages.len() - 1];
        let mut most: Vec<Vec<f32>> = hidden.iter().map(|s| vec![0.0; s.outputs]).collect();
        let mut activations = vec![];
        for places in places.chunks(SLICE) {
            self.forward(sample, places, &mut activations);
            for (most, y) in most.iter_mut().zip(&activations[1..]) {
                for row in y.chunks_exact(most.len()) {
                    most.iter_mut().zip(row).for_each(|(m, &y)| *m = m.max(y));
                }
            }
        }
        most
    }
}
