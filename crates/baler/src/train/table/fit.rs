//! The network of one column: trained in float, frozen to integers.

use super::loss::{self, Target};
use super::{Column, TableOptions};
use crate::error::Result;
use crate::model::float::{DenseStage, forward_stage};
use crate::model::frozen::FrozenDense;
use crate::model::kernel::gemm::{View, product};
use crate::model::table::alphabet::Alphabet;
use crate::model::table::net::{COMPONENTS, Head, Histogram, MIXTURE_OUTPUTS, Net, Source};
use crate::train::adam::Adam;
use crate::train::freeze::{freeze, goals};
use crate::train::one_cycle;
use crate::train::rng::Random;

/// Integer inputs in one unit of a float one: a score, or half a one-hot.
const INPUT_UNIT: f32 = 1024.0;
/// The largest weight, so that one byte holds most.
const MOST_WEIGHT: f64 = 127.0;
/// The largest length of a batch's gradient.
const CLIP: f32 = 1.0;

/// What a column's network is trained on.
struct Task<'a> {
    inputs: usize,
    /// Rows x inputs.
    x: Vec<f32>,
    symbols: &'a [u16],
    /// For mixtures, of each row.
    targets: Vec<Target>,
    outputs: usize,
    count: usize,
}

/// A trained network, and what it comes to on the rows held back.
pub struct Fitted {
    /// The network.
    pub net: Net,
    /// Bits a row of symbols, without the bits below bins.
    pub bits: f64,
    /// Epochs run.
    pub epochs: usize,
}

/// Trains the network of column `number` of `columns` on the rows of `train`, and picks the best epoch by those of
/// `held_back`, or of the same rows where there are none.
pub fn fit(
    columns: &[Column],
    number: usize,
    sources: Vec<Source>,
    (train, held_back): (&[u32], &[u32]),
    hidden: usize,
    options: &TableOptions,
) -> Result<Fitted> {
    let own = &columns[number];
    let histogram = (!own.alphabet.is_class()).then(|| super::histogram::choose(columns, number, train));
    let task = task(columns, number, &sources, histogram.as_ref(), train);
    let mut random = Random::new(options.seed.wrapping_add((number as u64) << 32 | hidden as u64));
    let mut network = Network::new([task.inputs, hidden, hidden, task.outputs], &mut random);
    if sources.is_empty() {
        // Its one input is always 0: weights that nothing trains would only take digits from the biases beside them.
        let (weights, _) = network.range(0);
        network.parameters[weights].fill(0.0);
    }
    let bias = network.range(2).1;
    match &histogram {
        Some(_) => network.parameters[bias].copy_from_slice(&loss::start()),
        None => {
            let mut counts = vec![1e-4; task.count];
            train.iter().for_each(|&r| counts[own.symbols[r as usize] as usize] += 1.0 / train.len() as f32);
            let logs = counts.iter().map(|c: &f32| c.ln()).chain([0.0]);
            network.parameters[bias].iter_mut().zip(logs).for_each(|(b, l)| *b = l);
        }
    }
    let mut adam = Adam::new(network.parameters.len());
    let mut order = train.to_vec();
    let check = if held_back.is_empty() { train } else { held_back };
    let mut best = (f64::INFINITY, network.parameters.clone());
    let batch = options.batch_size.clamp(1, train.len());
    let most = options.epochs(train.len());
    let patience = options.patience.unwrap_or(most / 3 + 2);
    let total = most.saturating_mul(train.len().div_ceil(batch));
    let (mut done, mut waited, mut epochs) = (0, 0, 0);
    for _ in 0..most {
        random.shuffle(&mut order);
        for rows in order.chunks(batch) {
            network.gradient(&task, rows);
            let length = network.gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
            if length > CLIP {
                network.gradient.iter_mut().for_each(|g| *g *= CLIP / length);
            }
            let rate = options.learning_rate * one_cycle(done as f64 / total as f64);
            adam.step(&mut network.parameters, &[&network.gradient], rate);
            done += 1;
        }
        epochs += 1;
        let bits = network.bits(&task, check);
        if bits < best.0 {
            best = (bits, network.parameters.clone());
            waited = 0;
        } else {
            waited += 1;
            if waited >= patience {
                break;
            }
        }
    }
    network.parameters = best.1;
    let layers = network.freeze(&task, train, histogram.is_some())?;
    let head = histogram.map_or(Head::Classes, Head::Mixture);
    let alphabets: Vec<&Alphabet> = columns.iter().map(|c| &c.alphabet).collect();
    Ok(Fitted { net: Net::new(number, &alphabets, sources, layers, head)?, bits: best.0, epochs })
}

fn task<'a>(
    columns: &'a [Column],
    number: usize,
    sources: &[Source],
    histogram: Option<&Histogram>,
    train: &[u32],
) -> Task<'a> {
    let own = &columns[number];
    let rows = own.symbols.len();
    let inputs = sources.iter().map(|s| 2 * columns[s.column].alphabet.pairs()).sum::<usize>().max(1);
    let mut x = vec![0.0; rows * inputs];
    let mut first = 0;
    for s in sources {
        let source = &columns[s.column];
        let width = 2 * source.alphabet.pairs();
        let features: Vec<f32> = (0..=source.alphabet.symbols())
            .flat_map(|symbol| (0..width).map(move |i| (symbol, i)))
            .map(|(symbol, i)| source.alphabet.feature(symbol, i) as f32 / INPUT_UNIT)
            .collect();
        for row in 0..rows {
            let Some(&symbol) = row.checked_add_signed(-s.lag as isize).and_then(|r| source.symbols.get(r))
            else {
                continue;
            };
            x[row * inputs + first..][..width].copy_from_slice(&features[symbol as usize * width..][..width]);
        }
        first += width;
    }
    let (outputs, targets) = match histogram {
        None => (own.alphabet.symbols() + 1, vec![]),
        Some(h) => (MIXTURE_OUTPUTS, targets(columns, own, h, train)),
    };
    Task { inputs, x, symbols: &own.symbols, targets, outputs, count: own.alphabet.symbols() }
}

fn targets(columns: &[Column], own: &Column, histogram: &Histogram, train: &[u32]) -> Vec<Target> {
    let bins = own.alphabet.bins().len();
    let score = |i: usize| own.alphabet.scores()[i] as f32 / 4096.0;
    let sums: Vec<u64> = histogram.masses.chunks(bins).map(|m| m.iter().map(|&m| m as u64).sum()).collect();
    let mut learnt = vec![false; own.symbols.len()];
    train.iter().for_each(|&r| learnt[r as usize] = true);
    let target = |row: usize| {
        let symbol = own.symbols[row] as usize;
        let before = row.checked_sub(1).map(|r| own.symbols[r] as usize).filter(|&b| b < bins);
        let class = histogram.given.map_or(0, |g| columns[g].symbols[row] as usize);
        // What a row adds to the histogram itself must not count for it: of unseen rows nothing would be there.
        let own_mass = learnt[row] as u64;
        let mass = histogram.masses[class * bins + symbol.min(bins - 1)] as u64;
        let share = mass.saturating_sub(own_mass) as f32 / sums[class].saturating_sub(own_mass).max(1) as f32;
        Target {
            low: if symbol == 0 { f32::NEG_INFINITY } else { score(symbol) },
            high: if symbol + 1 >= bins { f32::INFINITY } else { score(symbol + 1) },
            before: before.map_or(f32::NAN, |b| (score(b) + score(b + 1)) * 0.5),
            same: before == Some(symbol),
            share,
        }
    };
    (0..own.symbols.len()).map(target).collect()
}

/// A float network of three layers, its gradient, and room for a batch.
struct Network {
    stages: [DenseStage; 3],
    parameters: Vec<f32>,
    gradient: Vec<f32>,
    activations: [Vec<f32>; 4],
    delta: [Vec<f32>; 2],
}

impl Network {
    fn new(widths: [usize; 4], random: &mut Random) -> Network {
        let stage = |i: usize| DenseStage {
            inputs: widths[i],
            outputs: widths[i + 1],
            slope: if i < 2 { 0.0 } else { 1.0 },
        };
        let stages = [stage(0), stage(1), stage(2)];
        let mut parameters = vec![];
        for s in &stages {
            let reach = 1.0 / (s.inputs as f32).sqrt();
            parameters.extend((0..s.outputs * (s.inputs + 1)).map(|_| random.signed_unit() * reach));
        }
        let gradient = vec![0.0; parameters.len()];
        Network { stages, parameters, gradient, activations: Default::default(), delta: Default::default() }
    }

    /// Where the weights and biases of a layer are.
    fn range(&self, layer: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let size = |s: &DenseStage| s.outputs * (s.inputs + 1);
        let first: usize = self.stages[..layer].iter().map(size).sum();
        let s = &self.stages[layer];
        let bias = first + s.outputs * s.inputs;
        (first..bias, bias..bias + s.outputs)
    }

    /// Runs `rows`; what each layer gives stays.
    fn forward(&mut self, task: &Task, rows: &[u32]) {
        let n = self.stages[0].inputs;
        self.activations[0].clear();
        for &row in rows {
            self.activations[0].extend_from_slice(&task.x[row as usize * n..][..n]);
        }
        for i in 0..3 {
            let (weights, bias) = self.range(i);
            let (x, y) = self.activations.split_at_mut(i + 1);
            y[0].resize(rows.len() * self.stages[i].outputs, 0.0);
            let (weights, bias) = (&self.parameters[weights], &self.parameters[bias]);
            forward_stage(self.stages[i], weights, bias, &x[i], rows.len(), &mut y[0]);
        }
    }

    /// Nats of `rows`, and in `delta[0]` their gradient by the outputs, over `weight`.
    fn loss(&mut self, task: &Task, rows: &[u32], weight: f32) -> f64 {
        let n = task.outputs;
        self.delta[0].resize(rows.len() * n, 0.0);
        let mut sum = 0.0;
        let each =
            rows.iter().zip(self.activations[3].chunks_exact(n)).zip(self.delta[0].chunks_exact_mut(n));
        for ((&row, out), gradient) in each {
            let row = row as usize;
            sum += match task.targets.get(row) {
                Some(target) => loss::mixture(out, target, task.count, weight, gradient),
                None => {
                    let before = row.checked_sub(1).map(|r| task.symbols[r] as usize);
                    loss::classes(out, task.symbols[row] as usize, before, weight, gradient)
                }
            } as f64;
        }
        sum
    }

    fn gradient(&mut self, task: &Task, rows: &[u32]) {
        self.forward(task, rows);
        self.loss(task, rows, 1.0 / rows.len() as f32);
        for i in (0..3).rev() {
            let (weights, bias) = self.range(i);
            let DenseStage { inputs, outputs, .. } = self.stages[i];
            let [delta, below] = &mut self.delta;
            if i < 2 {
                for (d, &y) in delta.iter_mut().zip(&self.activations[i + 1]) {
                    *d = if y > 0.0 { *d } else { 0.0 };
                }
            }
            let sums = &mut self.gradient[bias];
            sums.fill(0.0);
            for row in delta.chunks_exact(outputs) {
                sums.iter_mut().zip(row).for_each(|(b, d)| *b += d);
            }
            let (dy, x) = (View::rows(delta, outputs), View::rows(&self.activations[i], inputs));
            product(&mut self.gradient[weights.clone()], dy.transposed(), x, (outputs, inputs, rows.len()));
            if i > 0 {
                below.resize(rows.len() * inputs, 0.0);
                let w = View::rows(&self.parameters[weights], inputs);
                product(below, dy, w, (rows.len(), inputs, outputs));
                std::mem::swap(delta, below);
            }
        }
    }

    /// Bits a row of `rows`.
    fn bits(&mut self, task: &Task, rows: &[u32]) -> f64 {
        let mut sum = 0.0;
        for rows in rows.chunks(512) {
            self.forward(task, rows);
            sum += self.loss(task, rows, 0.0);
        }
        sum / rows.len() as f64 / std::f64::consts::LN_2
    }

    /// To integers, with the scales of activations that the rows of `train` ask for.
    fn freeze(&mut self, task: &Task, train: &[u32], mixture: bool) -> Result<[FrozenDense; 3]> {
        let mut most = [vec![0f32; self.stages[0].outputs], vec![0f32; self.stages[1].outputs]];
        for rows in train.chunks(512) {
            self.forward(task, rows);
            for (i, most) in most.iter_mut().enumerate() {
                for row in self.activations[i + 1].chunks_exact(most.len()) {
                    most.iter_mut().zip(row).for_each(|(m, &y)| *m = m.max(y));
                }
            }
        }
        let ln2 = std::f64::consts::LN_2;
        let last: Vec<f64> = (0..task.outputs)
            .map(|o| match (mixture, o / COMPONENTS) {
                (true, 1) => 1.0 / 256.0,
                (true, 2) => ln2 / 8.0,
                _ => ln2 / 16.0,
            })
            .collect();
        let mut steps = vec![1.0 / INPUT_UNIT as f64; task.inputs];
        let mut frozen = vec![];
        for i in 0..3 {
            let (weights, bias) = self.range(i);
            let (weights, bias) = (&self.parameters[weights], &self.parameters[bias]);
            let goal = most.get(i).map_or_else(|| last.clone(), |most| goals(weights, bias, &steps, most));
            frozen.push(freeze(weights, bias, &steps, &goal, i == 2, MOST_WEIGHT)?);
            steps = goal;
        }
        Ok(frozen.try_into().expect("three layers"))
    }
}
