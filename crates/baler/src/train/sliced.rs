//! The sliced Wasserstein distance between the latents of a batch and normal noise (Kolouri et al., "Sliced Wasserstein
//! Auto-Encoders", 2018): along each of many directions, sorted latents against sorted noise.

use std::ops::Range;
use std::sync::RwLock;

use super::rng::Random;
use crate::model::float::Real;
use crate::model::kernel::gemm::{View, add_product, product};

const DIRECTIONS: usize = 2000;
/// Directions are dealt out in so many shares, whose sums are added in their order.
pub const SHARES: usize = 16;

/// The latents of a batch, noise to compare them with, and what came of it.
pub struct Sliced<R> {
    width: usize,
    latents: Vec<R>,
    noise: Vec<R>,
    key: [u64; 2],
    shares: Vec<RwLock<Share<R>>>,
}

#[derive(Default)]
struct Share<R> {
    distance: f64,
    gradient: Vec<R>,
}

impl<R: Real> Sliced<R> {
    /// For rows of `width` latents.
    pub fn new(width: usize) -> Sliced<R> {
        let shares = (0..SHARES).map(|_| RwLock::default()).collect();
        Sliced { width, latents: vec![], noise: vec![], key: [0; 2], shares }
    }

    /// Takes the latents of a batch; `key` (seed, step) draws noise and directions.
    pub fn begin<'a>(&mut self, key: [u64; 2], latents: impl Iterator<Item = &'a [R]>) {
        self.latents.clear();
        latents.for_each(|part| self.latents.extend_from_slice(part));
        self.key = key;
        let mut random = Random::keyed(&[key[0], key[1], u64::MAX]);
        self.noise = (0..self.latents.len()).map(|_| R::of(random.normal() as f64)).collect();
    }

    /// The directions of one share.
    pub fn project(&self, share: usize) {
        let (width, rows) = (self.width, self.latents.len() / self.width);
        let range: Range<usize> = DIRECTIONS * share / SHARES..DIRECTIONS * (share + 1) / SHARES;
        let mut random = Random::keyed(&[self.key[0], self.key[1], u64::MAX, share as u64]);
        let mut directions: Vec<R> =
            (0..range.len() * width).map(|_| R::of(random.normal() as f64)).collect();
        for direction in directions.chunks_exact_mut(width) {
            let length =
                direction.iter().map(|&x| x * x).sum::<R>().sqrt().max(R::of(f32::MIN_POSITIVE as f64));
            direction.iter_mut().for_each(|x| *x /= length);
        }
        let shape = (range.len(), rows, width);
        let along = |values: &[R]| {
            let mut out = vec![R::ZERO; range.len() * rows];
            product(&mut out, View::rows(&directions, width), View::rows(values, width).transposed(), shape);
            out
        };
        let (mut latents, mut noise) = (along(&self.latents), along(&self.noise));
        // Each counts so much: the weight over the number of squares that the mean is taken of.
        let weight = 100.0 / (rows * rows.saturating_sub(1)).max(1) as f64 / (DIRECTIONS * rows) as f64;
        let mut order = vec![];
        let mut distance = 0.0;
        for (latents, noise) in latents.chunks_exact_mut(rows).zip(noise.chunks_exact_mut(rows)) {
            order.clear();
            order.extend(0..rows as u32);
            order.sort_unstable_by(|&a, &b| {
                latents[a as usize].total_cmp(&latents[b as usize]).then(a.cmp(&b))
            });
            noise.sort_unstable_by(R::total_cmp);
            for (&at, &noise) in order.iter().zip(&*noise) {
                let miss = latents[at as usize] - noise;
                distance += (miss * miss).f64();
                latents[at as usize] = R::of(2.0 * weight) * miss; // now the derivative
            }
        }
        let mut share = self.shares[share].write().expect("no thread panics");
        share.distance = distance * weight;
        share.gradient.clear();
        share.gradient.resize(self.latents.len(), R::ZERO);
        let by = View::rows(&latents, rows).transposed();
        add_product(&mut share.gradient, by, View::rows(&directions, width), (rows, width, range.len()));
    }

    /// The distance, and its derivative by the latents.
    pub fn end(&self) -> (f64, Vec<R>) {
        let (mut distance, mut gradient) = (0.0, vec![R::ZERO; self.latents.len()]);
        for share in &self.shares {
            let share = share.read().expect("no thread panics");
            distance += share.distance;
            gradient.iter_mut().zip(&share.gradient).for_each(|(g, &s)| *g += s);
        }
        (distance, gradient)
    }
}
