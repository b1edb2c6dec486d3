//! Normal equations of a linear predictor, as they grow and as they are solved.
//!
//! A decoder does all of this, so every sum has its order: products are added sample by sample, and the decomposition
//! goes column by column, so that vectors run along independent sums and never across one.

/// Most taps of a predictor.
pub const TAPS: usize = 32;
/// Values learned from at a time.
pub const BATCH: usize = 8;
/// Lanes of a vector.
const LANES: usize = 8;
/// Vectors of the lower triangle: each row reaches as far as the vector of its diagonal.
const VECTORS: usize = LANES * (1 + 2 + 3 + 4);

/// What predicts a value: its neighbours' differences from the value before, in steps.
pub type Features = [f64; TAPS];

/// A value to learn from.
#[derive(Clone, Copy)]
pub struct Sample {
    /// Its neighbours.
    pub features: Features,
    /// What they should have predicted.
    pub target: f64,
    /// How much it counts.
    pub weight: f64,
}

impl Sample {
    /// Of no weight.
    pub const NONE: Sample = Sample { features: [0.0; TAPS], target: 0.0, weight: 0.0 };
}

/// Weighted sums of products of features with each other and with the target.
#[derive(Clone)]
pub struct Normal {
    products: [[f64; LANES]; VECTORS],
    targets: [[f64; LANES]; TAPS / LANES],
    weight: f64,
}

/// The first vector of row `i` of the triangle.
const fn row(i: usize) -> usize {
    let group = i / LANES;
    LANES * group * (group + 1) / 2 + i % LANES * (group + 1)
}

impl Normal {
    /// Of no samples.
    pub const NEW: Normal =
        Normal { products: [[0.0; LANES]; VECTORS], targets: [[0.0; LANES]; TAPS / LANES], weight: 0.0 };

    /// The sums over a batch, of which the first `n` features count.
    #[inline(always)]
    pub fn of(batch: &[Sample; BATCH], n: usize) -> Normal {
        let mut sums = Normal::NEW;
        for i in 0..n {
            let scaled: [f64; BATCH] = std::array::from_fn(|s| batch[s].weight * batch[s].features[i]);
            for (group, sum) in sums.products[row(i)..].iter_mut().take(i / LANES + 1).enumerate() {
                for (sample, scaled) in batch.iter().zip(scaled) {
                    for (x, f) in sum.iter_mut().zip(&sample.features.as_chunks::<LANES>().0[group]) {
                        *x += scaled * f;
                    }
                }
            }
            for (sample, scaled) in batch.iter().zip(scaled) {
                sums.targets[i / LANES][i % LANES] += scaled * sample.target;
            }
        }
        for sample in batch {
            sums.weight += sample.weight;
        }
        sums
    }

    /// Adds `share` times the sums of `other`.
    #[inline(always)]
    pub fn add(&mut self, other: &Normal, share: f64, n: usize) {
        for (a, b) in self.products.iter_mut().zip(&other.products).take(row(n)) {
            for (a, b) in a.iter_mut().zip(b) {
                *a += share * b;
            }
        }
        for (a, b) in self.targets.as_flattened_mut().iter_mut().zip(other.targets.as_flattened()) {
            *a += share * b;
        }
        self.weight += share * other.weight;
    }

    /// The total weight of the samples.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// The first `n` weights, drawn toward `prior` as if by `ridge` samples of one step along each feature: the
    /// solution of (A + ridge) w = b + ridge x prior by Cholesky's decomposition. `prior` itself where A is close
    /// to singular or a weight is beyond use.
    #[inline(always)]
    pub fn solve(&self, ridge: f64, prior: &Features, n: usize) -> Features {
        let mut columns = [[0.0; TAPS]; TAPS];
        for i in 0..n {
            for (k, &x) in self.products[row(i)..].as_flattened()[..=i].iter().enumerate() {
                columns[k][i] = x;
            }
            columns[i][i] += ridge + 1e-10 * columns[i][i];
        }
        let mut w: Features = [0.0; TAPS];
        for (i, w) in w.iter_mut().enumerate().take(n) {
            *w = self.targets[i / LANES][i % LANES] + ridge * prior[i];
        }
        let mut inverses = [0.0; TAPS];
        for k in 0..n {
            let pivot = columns[k][k];
            let whole = self.products[row(k)..].as_flattened()[k] + ridge;
            if !(pivot > 1e-12 * whole) {
                return *prior;
            }
            let inverse = 1.0 / pivot.sqrt();
            inverses[k] = inverse;
            w[k] *= inverse;
            let (done, rest) = columns.split_at_mut(k + 1);
            let column = &mut done[k];
            column[k..n].iter_mut().for_each(|x| *x *= inverse);
            for i in k + 1..n {
                w[i] -= column[i] * w[k];
            }
            for (j, other) in (k + 1..n).zip(rest) {
                let factor = column[j];
                let start = j / LANES; // what lies above the diagonal is never read
                let vectors = other.as_chunks_mut::<LANES>().0[start..n / LANES].iter_mut();
                for (x, c) in vectors.zip(&column.as_chunks::<LANES>().0[start..]) {
                    for (x, c) in x.iter_mut().zip(c) {
                        *x -= factor * c;
                    }
                }
            }
        }
        for k in (0..n).rev() {
            let mut sum = w[k];
            for i in k + 1..n {
                sum -= columns[k][i] * w[i];
            }
            w[k] = sum * inverses[k];
        }
        if w.iter().all(|w| w.abs() < 64.0) { w } else { *prior }
    }
}

/// The sum of products, in eight lanes that are then added crosswise.
#[inline(always)]
pub fn dot(weights: &Features, features: &Features) -> f64 {
    let mut sums = [0.0; LANES];
    for (w, f) in weights.as_chunks::<LANES>().0.iter().zip(features.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            sums[lane] += w[lane] * f[lane];
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}
