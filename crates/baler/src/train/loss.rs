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

impl Loss {
    /// What each squared error counts in a batch of `rows` x `columns`.
    fn weight(self, rows: usize, columns: usize) -> f64 {
        match self {
            Loss::SumSquared => 1.0 / columns as f64,
            Loss::MeanSquared => 1.0 / (rows * columns) as f64,
        }
    }

    /// The part of the loss that `y` has against `target`, both part of a batch of `rows` x `columns`.
    /// Where given, `gradient` becomes its derivative by `y`.
    pub fn evaluate(
        self,
        y: &[f32],
        target: &[f32],
        (rows, columns): (usize, usize),
        gradient: Option<&mut [f32]>,
    ) -> f64 {
        let weight = self.weight(rows, columns);
        if let Some(gradient) = gradient {
            let twice = (2.0 * weight) as f32;
            for ((g, y), t) in gradient.iter_mut().zip(y).zip(target) {
                *g = twice * (y - t);
            }
        }
        // Rows in f32, their sums in f64: a batch of any size adds up.
        let squares =
            |(y, t): (&[f32], &[f32])| y.iter().zip(t).map(|(y, t)| (y - t) * (y - t)).sum::<f32>() as f64;
        y.chunks(columns).zip(target.chunks(columns)).map(squares).sum::<f64>() * weight
    }
}
