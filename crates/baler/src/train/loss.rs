//! What training makes small.

/// The distance of a reconstruction from its data. Named as in Baler's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Loss {
    /// Sum of squared errors of the batch / columns (`mse_sum`), Baler's default.
    #[default]
    SumSquared,
    /// Mean squared error of the batch (`mse_avg`).
    MeanSquared,
}

/// A loss, and what it is added to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Objective {
    /// The distance.
    pub loss: Loss,
    /// What the mean |activation| of each layer but the last counts beside it (`reg_param` with `l1`).
    pub sparsity: f64,
}

impl Objective {
    /// The part that the activations `y` of a layer of `width` have in a batch of `rows`.
    pub fn sparsity(self, y: &[f32], rows: usize, width: usize) -> f64 {
        let sum: f64 = y.chunks(width).map(|row| row.iter().map(|y| y.abs()).sum::<f32>() as f64).sum();
        sum * self.sparsity / (rows * width) as f64
    }

    /// Adds the derivative of [`Objective::sparsity`] to `gradient`.
    pub fn add_sparsity_gradient(self, y: &[f32], rows: usize, width: usize, gradient: &mut [f32]) {
        let step = (self.sparsity / (rows * width) as f64) as f32;
        for (g, &y) in gradient.iter_mut().zip(y) {
            *g += if y == 0.0 { 0.0 } else { step.copysign(y) };
        }
    }
}

impl Loss {
    /// What each squared error counts in a batch of `rows` x `columns`.
    fn weight(self, rows: usize, columns: usize) -> f64 {
        match self {
            Loss::SumSquared => 1.0 / columns as f64,
            Loss::MeanSquared => 1.0 / (rows * columns) as f64,
        }
    }

    /// The part of the loss that `y` has against `target`, both part of a batch of `rows` x `columns`;
    /// `gradient` becomes its derivative by `y`.
    pub fn evaluate(
        self,
        y: &[f32],
        target: &[f32],
        (rows, columns): (usize, usize),
        gradient: &mut [f32],
    ) -> f64 {
        let weight = self.weight(rows, columns);
        let twice = (2.0 * weight) as f32;
        for ((g, y), t) in gradient.iter_mut().zip(y).zip(target) {
            *g = twice * (y - t);
        }
        // Rows in f32, their sums in f64: a batch of any size adds up.
        let squares =
            |(y, t): (&[f32], &[f32])| y.iter().zip(t).map(|(y, t)| (y - t) * (y - t)).sum::<f32>() as f64;
        y.chunks(columns).zip(target.chunks(columns)).map(squares).sum::<f64>() * weight
    }
}
