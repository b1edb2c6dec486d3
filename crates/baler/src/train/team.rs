//! Threads that share the batches of an epoch, with results that do not depend on how many there are.
//!
//! A batch is cut into slices by its length alone, and goes in phases: slices forward and back, as far as they can without
//! the others (batch norm and the sliced Wasserstein loss look at the whole batch), then the parameters, block by block.
//! Whichever thread does a part, sums over slices are taken in their order; so a seed gives the same bits on one thread and on
//! many.

use std::ops::Range;
use std::sync::RwLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::backward::norm_sums;
use super::barrier::Barrier;
use super::loss::{Loss, Objective};
use super::network::{Block, Network, Norm};
use super::slice::{Pass, Slice, read};
use super::sliced::{self, Sliced};
use super::update;
use crate::model::float::Real;
use crate::model::float::pointwise::EPSILON;

/// Slices of a batch at most.
const MOST_SLICES: usize = 8;
/// Rows of a slice at least where a weight is used once a row: with fewer, reading the weights costs more than
/// multiplying by them. Convolutions use each of theirs for many pixels.
const LEAST_ROWS: usize = 16;
/// Values that the gradients of all slices may have together.
const MOST_GRADIENTS: usize = 1 << 27;
/// The weight of a batch in the running statistics of batch norm.
const MOMENTUM: f64 = 0.1;

/// What all threads read.
struct Job {
    /// Rows of the data, in the order in which batches take them.
    order: Vec<u32>,
    batch: Range<usize>,
    /// Steps so far; dropout and noise are drawn by it.
    step: u64,
    learning_rate: f64,
    training: bool,
    phase: Phase,
}

#[derive(Clone, PartialEq)]
enum Phase {
    /// Slices: load their rows where `nodes` begin; run the nodes; sum up what batch norm `measure` will see.
    Forward {
        nodes: Range<usize>,
        measure: Option<usize>,
    },
    /// Directions of the sliced Wasserstein distance.
    Project,
    /// Slices: run the last nodes, compare, and in training go back through `back` and sum up for batch norm `sums`.
    Turn {
        nodes: Range<usize>,
        back: Range<usize>,
        sums: Option<usize>,
    },
    /// Slices: go back.
    Backward {
        back: Range<usize>,
        sums: Option<usize>,
    },
    /// Blocks of parameters.
    Update,
    Quit,
}

/// The threads' leader.
pub struct Team<'a, R> {
    network: &'a Network,
    data: &'a [R],
    objective: Objective,
    seed: u64,
    threads: usize,
    job: RwLock<Job>,
    pub(super) blocks: Vec<RwLock<Block<R>>>,
    pub(super) norms: Vec<RwLock<Norm<R>>>,
    pub(super) slices: Vec<RwLock<Slice<R>>>,
    sliced: RwLock<Sliced<R>>,
    next: AtomicUsize,
    barrier: Barrier,
}

impl<'a, R: Real> Team<'a, R> {
    /// Up to `threads` threads for batches of `batch_size` of `data`; `step` steps have been taken before.
    pub fn new(
        network: &'a Network,
        data: &'a [R],
        (blocks, norms): (Vec<Block<R>>, Vec<Norm<R>>),
        objective: Objective,
        batch_size: usize,
        (seed, step): (u64, u64),
        threads: usize,
    ) -> Team<'a, R> {
        let count = slice_count(batch_size, network);
        let threads = threads.clamp(1, count.max(network.blocks.len()).min(64));
        let job =
            Job { order: vec![], batch: 0..0, step, learning_rate: 0.0, training: false, phase: Phase::Quit };
        Team {
            network,
            data,
            objective,
            seed,
            threads,
            job: RwLock::new(job),
            blocks: blocks.into_iter().map(RwLock::new).collect(),
            norms: norms.into_iter().map(RwLock::new).collect(),
            slices: (0..count).map(|_| RwLock::new(Slice::new(network))).collect(),
            sliced: RwLock::new(Sliced::new(network.nodes[network.encoder].inputs())),
            next: AtomicUsize::new(0),
            barrier: Barrier::new(threads),
        }
    }

    /// Runs `lead` while the other threads wait for its batches.
    pub fn run<T>(&self, lead: impl FnOnce(&Self) -> T) -> T {
        std::thread::scope(|scope| {
            for _ in 1..self.threads {
                scope.spawn(|| while self.work() {});
            }
            let _dismissal = Dismissal(self);
            lead(self)
        })
    }

    /// Takes the parameters as they are for the best so far.
    pub fn keep(&self) {
        self.blocks.iter().for_each(|block| write(block).keep = true);
        for norm in &self.norms {
            let norm = &mut *write(norm);
            norm.best.clone_from(&norm.running);
        }
    }

    /// The best parameters, and running statistics of batch norms.
    pub fn best(self) -> (Vec<Vec<R>>, Vec<[Vec<R>; 2]>) {
        let blocks = self.blocks.into_iter().map(|b| owned(b).into_best()).collect();
        (blocks, self.norms.into_iter().map(|n| owned(n).best).collect())
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        read(&self.job).step
    }

    /// Trains on the rows of `order`, batch by batch; gives the mean loss of the batches.
    pub fn train_epoch(&self, order: &[u32], batch_size: usize, learning_rate: f64) -> f64 {
        self.each_batch(order, batch_size, Some(learning_rate))
    }

    /// The mean loss of batches of the rows of `order`, as after training.
    pub fn evaluate(&self, order: &[u32], batch_size: usize) -> f64 {
        self.each_batch(order, batch_size, None)
    }

    fn each_batch(&self, order: &[u32], batch_size: usize, learning_rate: Option<f64>) -> f64 {
        self.begin(order, learning_rate);
        let mut total = 0.0;
        for first in (0..order.len()).step_by(batch_size) {
            total += self.batch(first..(first + batch_size).min(order.len()));
            if learning_rate.is_some() {
                self.phase(Phase::Update);
                write(&self.job).step += 1;
            }
        }
        total / order.len().div_ceil(batch_size) as f64
    }

    /// Sets what the batches to come have in common; without a learning rate they are as after training.
    pub(super) fn begin(&self, order: &[u32], learning_rate: Option<f64>) {
        let mut job = write(&self.job);
        order.clone_into(&mut job.order);
        job.training = learning_rate.is_some();
        job.learning_rate = learning_rate.unwrap_or(0.0);
    }

    /// The loss of a batch, and in training its gradient.
    pub(super) fn batch(&self, rows: Range<usize>) -> f64 {
        let (training, key) = {
            let mut job = write(&self.job);
            job.batch = rows;
            (job.training, [self.seed, job.step])
        };
        let network = self.network;
        let norms: &[usize] = if training { &network.norms } else { &[] };
        let (mut at, mut loss) = (0, 0.0);
        let forward = |nodes, measure| self.phase(Phase::Forward { nodes, measure });
        let latents = (self.objective.loss == Loss::SlicedWasserstein).then_some(network.encoder);
        let mut stops: Vec<_> =
            norms.iter().map(|&n| (n, true)).chain(latents.map(|at| (at, false))).collect();
        stops.sort_unstable();
        for (stop, is_norm) in stops {
            forward(at..stop, is_norm.then_some(stop));
            at = stop;
            match is_norm {
                true => self.take_statistics(stop),
                false => loss += self.compare_latents(key),
            }
        }
        let last = norms.last().copied();
        let back = if training { last.map_or(0, |n| n + 1)..network.nodes.len() } else { 0..0 };
        self.phase(Phase::Turn { nodes: at..network.nodes.len(), back, sums: last });
        let slices = self.current();
        loss += slices.iter().map(|s| read(s).loss).sum::<f64>();
        for (i, &norm) in norms.iter().enumerate().rev() {
            self.take_gradients(norm);
            let sums = i.checked_sub(1).map(|before| norms[before]);
            self.phase(Phase::Backward { back: sums.map_or(0, |n| n + 1)..norm + 1, sums });
        }
        loss
    }

    /// The slices that the batch at hand uses.
    pub(super) fn current(&self) -> &[RwLock<Slice<R>>] {
        &self.slices[..slice_count(read(&self.job).batch.len(), self.network)]
    }

    /// Sums over the batch for batch norm at `node`, and how many values they are of.
    fn totals(&self, node: usize) -> ([Vec<f64>; 2], f64) {
        let layer = &self.network.nodes[node];
        let mut totals = [(); 2].map(|_| vec![0.0; layer.input[0]]);
        let mut rows = 0;
        for slice in self.current() {
            let slice = read(slice);
            rows += slice.rows;
            for (total, sum) in totals.iter_mut().zip(&slice.sums) {
                total.iter_mut().zip(sum).for_each(|(t, s)| *t += s);
            }
        }
        (totals, (rows * layer.inputs() / layer.input[0]) as f64)
    }

    fn norm(&self, node: usize) -> &RwLock<Norm<R>> {
        let number = self.network.norms.iter().position(|&n| n == node);
        &self.norms[number.expect("a batch norm")]
    }

    /// Mean and deviation of the batch; the running ones follow.
    fn take_statistics(&self, node: usize) {
        let ([sum, squares], n) = self.totals(node);
        let norm = &mut *write(self.norm(node));
        norm.batch.iter_mut().for_each(Vec::clear);
        for (c, (sum, squares)) in sum.iter().zip(&squares).enumerate() {
            let mean = sum / n;
            let variance = (squares / n - mean * mean).max(0.0);
            norm.batch[0].push(R::of(mean));
            norm.batch[1].push(R::of(1.0 / (variance + EPSILON).sqrt()));
            let unbiased = variance * n / (n - 1.0).max(1.0);
            for (running, now) in norm.running.iter_mut().zip([mean, unbiased]) {
                running[c] = R::of((1.0 - MOMENTUM) * running[c].f64() + MOMENTUM * now);
            }
        }
    }

    fn take_gradients(&self, node: usize) {
        let (totals, n) = self.totals(node);
        let norm = &mut *write(self.norm(node));
        for (gradient, total) in norm.gradient.iter_mut().zip(&totals) {
            gradient.clear();
            gradient.extend(total.iter().map(|t| R::of(t / n)));
        }
    }

    fn compare_latents(&self, key: [u64; 2]) -> f64 {
        {
            let slices: Vec<_> = self.current().iter().map(read).collect();
            write(&self.sliced).begin(key, slices.iter().map(|s| s.input(self.network.encoder)));
        }
        self.phase(Phase::Project);
        let (distance, gradient) = read(&self.sliced).end();
        let mut rest = &gradient[..];
        for slice in self.current() {
            let mut slice = write(slice);
            let n = slice.input(self.network.encoder).len();
            slice.latent_gradient = rest.split_off(..n).expect("as many as latents").to_vec();
        }
        distance
    }

    /// Has all threads do one phase.
    fn phase(&self, phase: Phase) {
        write(&self.job).phase = phase;
        self.work();
    }

    /// One thread's share of a phase; whether there will be another.
    fn work(&self) -> bool {
        self.barrier.wait(); // the job is set
        let going_on = self.share();
        self.barrier.wait(); // its parts are done
        if going_on {
            // Every thread sets it, none goes on before the leader's next phase.
            self.next.store(0, Ordering::Relaxed);
        }
        going_on
    }

    fn share(&self) -> bool {
        let job = self.job.read().unwrap_or_else(|e| e.into_inner());
        let rows = &job.order[job.batch.clone()];
        let parts = match job.phase {
            Phase::Quit => return false,
            Phase::Update => self.network.blocks.len(),
            Phase::Project => sliced::SHARES,
            _ => slice_count(rows.len(), self.network),
        };
        let pass = self.pass(&job);
        loop {
            let part = self.next.fetch_add(1, Ordering::Relaxed);
            if part >= parts {
                return true;
            }
            match &job.phase {
                Phase::Update => update::step(
                    &pass,
                    &self.slices[..slice_count(rows.len(), self.network)],
                    part,
                    job.learning_rate,
                ),
                Phase::Project => read(&self.sliced).project(part),
                phase => {
                    let cut = |i: usize| cut(rows.len(), i, parts, self.network.sequence);
                    let (first, end) = (cut(part), cut(part + 1));
                    self.run_slice(&pass, phase, &mut write(&self.slices[part]), &rows[first..end], first);
                }
            }
        }
    }

    fn run_slice(&self, pass: &Pass<R>, phase: &Phase, slice: &mut Slice<R>, rows: &[u32], first: usize) {
        let network = self.network;
        let forward = |slice: &mut Slice<R>, nodes: &Range<usize>| {
            if nodes.start == 0 {
                slice.load(network, self.data, rows, first);
            }
            slice.forward(pass, nodes.clone());
        };
        let sum_up = |slice: &mut Slice<R>, sums: Option<usize>| {
            if let Some(node) = sums {
                norm_sums(slice, &network.nodes[node], node);
            }
        };
        match phase {
            Phase::Forward { nodes, measure } => {
                forward(slice, nodes);
                if let Some(node) = measure {
                    slice.measure(network, *node);
                }
            }
            Phase::Turn { nodes, back, sums } => {
                forward(slice, nodes);
                slice.evaluate(pass);
                slice.backward(pass, back.clone());
                sum_up(slice, *sums);
            }
            Phase::Backward { back, sums } => {
                slice.backward(pass, back.clone());
                sum_up(slice, *sums);
            }
            Phase::Project | Phase::Update | Phase::Quit => unreachable!("no phase of slices"),
        }
    }

    #[cfg(test)]
    pub(super) fn pass_now(&self) -> Pass<'_, R> {
        self.pass(&read(&self.job))
    }

    fn pass<'p>(&'p self, job: &Job) -> Pass<'p, R> {
        Pass {
            network: self.network,
            blocks: &self.blocks,
            norms: &self.norms,
            training: job.training,
            key: [self.seed, job.step],
            batch: job.batch.len(),
            objective: self.objective,
        }
    }
}

fn owned<T>(lock: RwLock<T>) -> T {
    lock.into_inner().expect("no thread panics")
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().expect("no thread panics")
}

/// Sends the other threads home when the leader is done, or panics (in the caller's progress report, say).
struct Dismissal<'t, 'a, R: Real>(&'t Team<'a, R>);

impl<R: Real> Drop for Dismissal<'_, '_, R> {
    fn drop(&mut self) {
        self.0.job.write().unwrap_or_else(|e| e.into_inner()).phase = Phase::Quit;
        self.0.work();
    }
}

/// Slices of a batch of `rows` rows, whatever the number of threads; more rows never make fewer. A power of two, so that
/// few threads have equal shares.
fn slice_count(rows: usize, network: &Network) -> usize {
    let weights: usize = network.blocks.iter().map(|b| b.len).sum();
    let least = if network.work > 4 * weights { 1 } else { LEAST_ROWS };
    let whole = rows.div_ceil(network.sequence);
    let by_slice = |block: &super::network::BlockSpec| if block.outputs.is_empty() { block.len } else { 0 };
    let gradients: usize = network.blocks.iter().map(by_slice).sum();
    let most = MOST_SLICES.min(MOST_GRADIENTS / gradients.max(1));
    let wanted = (rows.saturating_mul(network.work) / network.least_work)
        .min(rows / least)
        .min(whole)
        .clamp(1, most.max(1));
    1 << wanted.ilog2()
}

/// Where slice `i` of `slices` begins: at a whole number of sequences.
fn cut(rows: usize, i: usize, slices: usize, sequence: usize) -> usize {
    (rows.div_ceil(sequence) * i / slices * sequence).min(rows)
}
