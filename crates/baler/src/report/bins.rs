//! Histograms.

use super::axis::Axis;

/// Bins of a histogram, unless integers are fewer.
pub(super) const BINS: usize = 200;

/// Equal bins from `low` to `high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bins {
    pub low: f64,
    pub high: f64,
    pub count: usize,
}

impl Bins {
    /// Bins for values from `low` to `high`: one an integer where those are few.
    pub fn over((low, high): (f64, f64), whole: bool) -> Bins {
        if whole && high - low < BINS as f64 {
            return Bins { low: low - 0.5, high: high + 0.5, count: (high - low) as usize + 1 };
        }
        let Axis { low, high, .. } = Axis::linear((low, high));
        Bins { low, high, count: BINS }
    }

    /// Finite values in each bin; those outside are in none.
    pub fn counts(&self, values: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; self.count];
        // Halves keep the widest of ranges from overflowing.
        let per_unit = self.count as f64 / (self.high / 2.0 - self.low / 2.0);
        for v in values.iter().filter(|v| (self.low..=self.high).contains(v)) {
            let bin = (v / 2.0 - self.low / 2.0) * per_unit;
            counts[(bin as usize).min(self.count - 1)] += 1;
        }
        counts
    }

    /// Where bin `k` begins; bin `count` would at the end.
    pub fn edge(&self, k: usize) -> f64 {
        let part = k as f64 / self.count as f64;
        self.low * (1.0 - part) + self.high * part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_value_is_counted() {
        for (low, high, whole) in [
            (0.0, 1.0, false),
            (-3.0, 5.0, true),
            (7.0, 7.0, false),
            (7.0, 7.0, true),
            (f64::MIN, f64::MAX, false),
            (-1e300, 0.0, true),
        ] {
            let bins = Bins::over((low, high), whole);
            assert_eq!(bins.counts(&[low, high, low, f64::NAN]).iter().sum::<u64>(), 3);
            assert!(bins.edge(0) <= low && bins.edge(bins.count) >= high);
        }
        assert_eq!(Bins::over((-3.0, 5.0), true).counts(&[-3.0, 5.0, 4.0, 4.0]), [1, 0, 0, 0, 0, 0, 0, 2, 1]);
    }
}
