//! When to slow down, and when to stop.

/// Lowers the learning rate when the loss no longer falls, as PyTorch's `ReduceLROnPlateau` does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plateau {
    /// Epochs without improvement (by 1e-4 of the best) that are let pass.
    pub patience: usize,
    /// What the learning rate is multiplied with.
    pub factor: f64,
    /// The least it becomes.
    pub minimum: f64,
}

impl Default for Plateau {
    fn default() -> Self {
        Plateau { patience: 50, factor: 0.5, minimum: 1e-6 }
    }
}

/// Ends training when the loss no longer falls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EarlyStopping {
    /// Epochs without improvement after which training ends.
    pub patience: usize,
    /// The least fall of the loss that counts as one.
    pub min_delta: f64,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        EarlyStopping { patience: 100, min_delta: 0.0 }
    }
}

/// Counts epochs since the loss last fell.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    /// The least loss so far.
    pub best: f64,
    /// Epochs since then.
    pub waited: usize,
}

impl Watch {
    /// Before the first epoch.
    pub fn new() -> Watch {
        Watch { best: f64::INFINITY, waited: 0 }
    }

    /// Takes the loss of an epoch; whether it is below `threshold(best so far)`.
    fn improves(&mut self, loss: f64, threshold: impl Fn(f64) -> f64) -> bool {
        let improved = loss < threshold(self.best);
        if improved {
            self.best = loss;
        }
        self.waited = if improved { 0 } else { self.waited + 1 };
        improved
    }
}

impl Plateau {
    /// The learning rate after an epoch of this `loss`.
    pub(super) fn next(&self, watch: &mut Watch, loss: f64, learning_rate: f64) -> f64 {
        if !watch.improves(loss, |best| best * (1.0 - 1e-4)) && watch.waited > self.patience {
            watch.waited = 0;
            return (learning_rate * self.factor).max(self.minimum).min(learning_rate);
        }
        learning_rate
    }
}

impl EarlyStopping {
    /// Takes the loss of an epoch.
    pub(super) fn see(&self, watch: &mut Watch, loss: f64) {
        watch.improves(loss, |best| best - self.min_delta);
    }

    /// Whether to stop.
    pub(super) fn is_over(&self, watch: &Watch) -> bool {
        watch.waited > 0 && watch.waited >= self.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_after_patience_and_not_below_its_minimum() {
        let (plateau, mut watch) = (Plateau { patience: 2, factor: 0.1, minimum: 1e-3 }, Watch::new());
        let mut rate = 0.05;
        let rates: Vec<f64> = [1.0, 0.5, 0.5, 0.49999, 0.5, 0.5, 0.5, 0.5, 0.4]
            .map(|loss| {
                rate = plateau.next(&mut watch, loss, rate);
                rate
            })
            .into();
        let low = 0.05 * 0.1;
        assert_eq!(rates, [0.05, 0.05, 0.05, 0.05, low, low, low, 1e-3, 1e-3]);
    }

    #[test]
    fn stopping_waits_for_patience() {
        let (stopping, mut watch) = (EarlyStopping { patience: 2, min_delta: 0.1 }, Watch::new());
        let stops = [1.0, 0.95, 0.85, 0.8, 0.8].map(|loss| {
            stopping.see(&mut watch, loss);
            stopping.is_over(&watch)
        });
        assert_eq!(stops, [false, false, false, false, true]);
    }
}
