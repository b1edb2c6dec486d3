//! What the step of a field's floats is chosen by.

use super::Float;
use crate::cpu::{Cpu, Job, best};
use crate::front::class::{Classes, REGULAR};

/// What regular values are like.
pub struct Moments {
    /// Their mean.
    pub mean: f64,
    /// The mean of magnitudes.
    pub magnitude: f64,
    /// The largest magnitude.
    pub largest: f64,
}

/// Those of `values`, special ones left out.
pub fn moments<F: Float>(values: &[F], classes: &Classes, portable: bool) -> Moments {
    if classes.plane.is_empty() {
        return best(Measure(values), portable);
    }
    let regular = |(x, &class): (&F, &u8)| (class == REGULAR).then_some(*x);
    let (mut sum, mut magnitudes, mut largest, mut count) = (0.0f64, 0.0f64, 0.0f64, 0);
    for x in values.iter().zip(&classes.plane).filter_map(regular) {
        let x: f64 = x.into();
        count += 1;
        sum += x * DOWN;
        magnitudes += x.abs() * DOWN;
        largest = if x.abs() > largest { x.abs() } else { largest };
    }
    let share = |sum: f64| sum / count.max(1) as f64 / DOWN;
    Moments { mean: share(sum), magnitude: share(magnitudes), largest }
}

/// Values are scaled down, so that no sum overflows.
const DOWN: f64 = 1.0 / (1u64 << 32) as f64;

/// [`moments`] of regular values alone, in eight lanes, so that sums need not wait for each other.
struct Measure<'a, F>(&'a [F]);

impl<F: Float> Job for Measure<'_, F> {
    type Outcome = Moments;
    #[inline(always)]
    fn run(self, _: impl Cpu) -> Moments {
        const LANES: usize = 8;
        let (mut sums, mut magnitudes, mut largest) = ([0.0f64; LANES], [0.0f64; LANES], [0.0f64; LANES]);
        let (parts, rest) = self.0.as_chunks::<LANES>();
        let mut last = [F::default(); LANES];
        last[..rest.len()].copy_from_slice(rest);
        // By index, in the loop itself: in a closure the sums would lie in memory.
        for part in parts.iter().chain([&last]) {
            for lane in 0..LANES {
                let x: f64 = part[lane].into();
                sums[lane] += x * DOWN;
                magnitudes[lane] += x.abs() * DOWN;
                largest[lane] = if x.abs() > largest[lane] { x.abs() } else { largest[lane] };
            }
        }
        let share = |sums: [f64; LANES]| sums.iter().sum::<f64>() / self.0.len().max(1) as f64 / DOWN;
        let largest = largest.into_iter().fold(0.0, f64::max);
        Moments { mean: share(sums), magnitude: share(magnitudes), largest }
    }
}
