//! What training makes small.

use crate::model::float::Real;

/// The distance of a reconstruction from its data. Named as in Baler's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Loss {
    /// Sum of squared errors of the batch / columns (`mse_sum`), Baler's default.
    #[default]
    SumSquared,
    /// Mean squared error of the batch (`mse_avg`).
    MeanSquared,
    /// Mean squared error, plus the mean over rows of the earth mover's distance between the values of a row and those
    /// of its reconstruction: the mean distance of their sorted values (`emd`). (The original adds up the distances but
    /// takes no gradient of them.)
    EarthMover,
    /// As [`Loss::SumSquared`], plus the sliced Wasserstein distance between latents and normal noise
    /// (`loss_function_swae`; Kolouri et al., 2018): 2000 directions drawn anew each step, degree 2, weight
    /// 100 / (n (n - 1)) for n rows.
    SlicedWasserstein,
}

/// A loss, and what it is added to.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// The distance.
    pub loss: Loss,
    /// What the mean |activation| of each layer but the last counts beside it (`reg_param` with `l1`).
    pub sparsity: f64,
}

impl Objective {
    /// The part that the activations `y` of a layer of `width` have in a batch of `rows`.
    pub(super) fn sparsity<R: Real>(self, y: &[R], rows: usize, width: usize) -> f64 {
        let sum: f64 = y.chunks(width).map(|row| row.iter().map(|y| y.abs()).sum::<R>().f64()).sum();
        sum * self.sparsity / (rows * width) as f64
    }

    /// Adds the derivative of [`Objective::sparsity`] to `gradient`.
    pub(super) fn add_sparsity_gradient<R: Real>(
        self,
        y: &[R],
        rows: usize,
        width: usize,
        gradient: &mut [R],
    ) {
        let step = R::of(self.sparsity / (rows * width) as f64);
        for (g, &y) in gradient.iter_mut().zip(y) {
            *g += if y == R::ZERO { R::ZERO } else { step.copysign(y) };
        }
    }
}

impl Loss {
    /// What each squared error counts in a batch of `rows` x `columns`.
    fn weight(self, rows: usize, columns: usize) -> f64 {
        match self {
            Loss::SumSquared | Loss::SlicedWasserstein => 1.0 / columns as f64,
            Loss::MeanSquared | Loss::EarthMover => 1.0 / (rows * columns) as f64,
        }
    }

    /// The part of the loss that `y` has against `target`, both part of a batch of `rows` x `columns`;
    /// `gradient` becomes its derivative by `y`. What latents lose is not in it.
    pub(super) fn evaluate<R: Real>(
        self,
        y: &[R],
        target: &[R],
        (rows, columns): (usize, usize),
        gradient: &mut [R],
    ) -> f64 {
        let weight = self.weight(rows, columns);
        let twice = R::of(2.0 * weight);
        for ((g, &y), &t) in gradient.iter_mut().zip(y).zip(target) {
            *g = twice * (y - t);
        }
        // Rows in what is computed in, their sums in f64: a batch of any size adds up.
        let rows = y.chunks(columns).zip(target.chunks(columns));
        let sum = rows.map(|(y, target)| squared_distance(y, target).f64()).sum::<f64>() * weight;
        match self {
            Loss::EarthMover => sum + earth_mover(y, target, columns, weight, gradient),
            _ => sum,
        }
    }
}

/// In eight sums, so that none waits for the one before.
fn squared_distance<R: Real>(y: &[R], target: &[R]) -> R {
    let mut sums = [R::ZERO; 8];
    for (y, target) in y.chunks(8).zip(target.chunks(8)) {
        for ((sum, &y), &t) in sums.iter_mut().zip(y).zip(target) {
            *sum += (y - t) * (y - t);
        }
    }
    sums.into_iter().sum()
}

/// The distances between rows of `columns` sorted values, each value's counting `weight`; their derivative by `y` is added
/// to `gradient`.
fn earth_mover<R: Real>(y: &[R], target: &[R], columns: usize, weight: f64, gradient: &mut [R]) -> f64 {
    let (mut order, mut sorted) = (vec![], vec![]);
    let mut sum = 0.0;
    let rows = y.chunks(columns).zip(target.chunks(columns)).zip(gradient.chunks_mut(columns));
    for ((y, target), gradient) in rows {
        order.clear();
        order.extend(0..y.len() as u32);
        order.sort_unstable_by(|&a, &b| y[a as usize].total_cmp(&y[b as usize]).then(a.cmp(&b)));
        target.clone_into(&mut sorted);
        sorted.sort_unstable_by(R::total_cmp);
        for (&at, &t) in order.iter().zip(&sorted) {
            let distance = y[at as usize] - t;
            sum += distance.abs().f64();
            if distance != R::ZERO {
                gradient[at as usize] += R::of(weight).copysign(distance);
            }
        }
    }
    sum * weight
}
