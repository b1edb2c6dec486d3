//! Threads that share the batches of an epoch, with results that do not depend on how many there are.
//!
//! A batch is cut into slices by its length alone. Whichever thread computes a slice, the gradients are added
//! up in the order of the slices, by one thread; so a seed gives the same bits on one thread and on many.

use std::ops::Range;
use std::sync::{Barrier, Mutex, RwLock};

use super::adam::Adam;
use super::gradient::Slice;
use super::loss::Objective;
use super::parameters::Network;

/// Slices of a batch at most: each holds a gradient of its own.
const MOST_SLICES: usize = 8;
/// Rows of a slice at least: with fewer, reading the weights costs more than multiplying by them.
const LEAST_ROWS: usize = 32;
/// Rows x parameters of a slice at least, so that its work outweighs the wait for the others (some 0.2 ms). A
/// batch of 512 of the model `AE` makes four.
const LEAST_WORK: usize = 12 << 20;

/// What all threads read.
struct Job {
    parameters: Vec<f32>,
    /// Rows of the data, in the order in which batches take them.
    order: Vec<u32>,
    batch: Range<usize>,
    step: Step,
}

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Gradient,
    Loss,
    Quit,
}

/// The threads' leader.
pub struct Team<'a> {
    network: &'a Network,
    data: &'a [f32],
    objective: Objective,
    threads: usize,
    job: RwLock<Job>,
    slices: Vec<Mutex<Slice>>,
    barrier: Barrier,
}

impl<'a> Team<'a> {
    /// Up to `threads` threads for batches of `batch_size` of `data`.
    pub fn new(
        network: &'a Network,
        data: &'a [f32],
        parameters: Vec<f32>,
        objective: Objective,
        batch_size: usize,
        threads: usize,
    ) -> Team<'a> {
        let count = slice_count(batch_size, network.len);
        let threads = threads.clamp(1, count);
        Team {
            network,
            data,
            objective,
            threads,
            job: RwLock::new(Job { parameters, order: vec![], batch: 0..0, step: Step::Quit }),
            slices: (0..count).map(|_| Mutex::new(Slice::new(network))).collect(),
            barrier: Barrier::new(threads),
        }
    }

    /// Runs `lead` while the other threads wait for its batches.
    pub fn run<T>(&self, lead: impl FnOnce(&Self) -> T) -> T {
        std::thread::scope(|scope| {
            for thread in 1..self.threads {
                scope.spawn(move || while self.work(thread) {});
            }
            let _dismissal = Dismissal(self);
            lead(self)
        })
    }

    /// The parameters now.
    pub fn parameters(&self) -> Vec<f32> {
        self.job.read().expect("no thread panics").parameters.clone()
    }

    /// Trains on the rows of `order`, batch by batch; gives the mean loss of the batches.
    pub fn train_epoch(&self, order: &[u32], batch_size: usize, adam: &mut Adam, learning_rate: f64) -> f64 {
        self.each_batch(order, batch_size, Step::Gradient, |slices| {
            let guards: Vec<_> = slices.iter().map(|s| s.lock().expect("no thread panics")).collect();
            let gradients: Vec<&[f32]> = guards.iter().map(|s| &s.gradient[..]).collect();
            let mut job = self.job.write().expect("no thread panics");
            adam.step(&mut job.parameters, &gradients, learning_rate);
        })
    }

    /// The mean loss of batches of the rows of `order`.
    pub fn evaluate(&self, order: &[u32], batch_size: usize) -> f64 {
        self.each_batch(order, batch_size, Step::Loss, |_| ())
    }

    fn each_batch(
        &self,
        order: &[u32],
        batch_size: usize,
        step: Step,
        mut after: impl FnMut(&[Mutex<Slice>]),
    ) -> f64 {
        self.job.write().expect("no thread panics").order = order.to_vec();
        let mut total = 0.0;
        for first in (0..order.len()).step_by(batch_size) {
            let batch = first..(first + batch_size).min(order.len());
            let slices = &self.slices[..slice_count(batch.len(), self.network.len)];
            {
                let mut job = self.job.write().expect("no thread panics");
                (job.batch, job.step) = (batch, step);
            }
            self.work(0);
            total += slices.iter().map(|s| s.lock().expect("no thread panics").loss).sum::<f64>();
            after(slices);
        }
        total / order.len().div_ceil(batch_size) as f64
    }

    /// One thread's share of a step; whether there will be another.
    fn work(&self, thread: usize) -> bool {
        self.barrier.wait(); // the job is set
        let going_on = self.share(thread);
        self.barrier.wait(); // the slices are done
        going_on
    }

    fn share(&self, thread: usize) -> bool {
        let job = self.job.read().unwrap_or_else(|e| e.into_inner());
        if job.step == Step::Quit {
            return false;
        }
        let rows = &job.order[job.batch.clone()];
        let count = slice_count(rows.len(), self.network.len);
        for i in (thread..count).step_by(self.threads) {
            let mut slice = self.slices[i].lock().expect("no thread panics");
            let part = &rows[rows.len() * i / count..rows.len() * (i + 1) / count];
            slice.forward(self.network, &job.parameters, self.data, part, rows.len(), self.objective);
            if job.step == Step::Gradient {
                slice.backward(self.network, &job.parameters, part.len(), rows.len(), self.objective);
            }
        }
        true
    }
}

/// Sends the other threads home when the leader is done, or panics (in the caller's progress report, say).
struct Dismissal<'t, 'a>(&'t Team<'a>);

impl Drop for Dismissal<'_, '_> {
    fn drop(&mut self) {
        self.0.job.write().unwrap_or_else(|e| e.into_inner()).step = Step::Quit;
        self.0.work(0);
    }
}

/// Slices of a batch of `rows` rows, whatever the number of threads; more rows never make fewer.
fn slice_count(rows: usize, parameters: usize) -> usize {
    (rows.saturating_mul(parameters) / LEAST_WORK).min(rows / LEAST_ROWS).clamp(1, MOST_SLICES)
}
