//! The causal neighbourhood of stage 2 and its least-squares fit.

use super::coding::Signal;
use super::domain::Real;

/// A neighbour's place relative to the value predicted: planes, rows and columns back (or ahead within them).
pub type Tap = (isize, isize, isize);

/// The 31 neighbours, in the order in which products are summed. The first three are on the value's own row, and
/// added last; the first twelve lie in its plane and serve where there is only one.
pub const TAPS: [Tap; 31] = [
    (0, 0, -1),
    (0, 0, -2),
    (0, 0, -3),
    (0, -1, -2),
    (0, -1, -1),
    (0, -1, 0),
    (0, -1, 1),
    (0, -1, 2),
    (0, -2, -1),
    (0, -2, 0),
    (0, -2, 1),
    (0, -3, 0),
    (-1, 0, -2),
    (-1, 0, -1),
    (-1, 0, 0),
    (-1, 0, 1),
    (-1, 0, 2),
    (-1, -1, -1),
    (-1, -1, 0),
    (-1, -1, 1),
    (-1, 1, -1),
    (-1, 1, 0),
    (-1, 1, 1),
    (-1, -2, 0),
    (-1, 2, 0),
    (-2, 0, 0),
    (-2, 0, -1),
    (-2, 0, 1),
    (-2, -1, 0),
    (-2, 1, 0),
    (-3, 0, 0),
];

/// How many of [`TAPS`] serve a chunk of `dims` = (planes, rows, columns).
pub fn tap_count(dims: [usize; 3]) -> usize {
    match dims {
        [1, 1, _] => 3,
        [1, ..] => 12,
        _ => 31,
    }
}

/// Which values a fit sees, in runs of [`RUN`].
#[derive(Debug, Clone, Copy)]
pub struct Sampling {
    /// About so many, ...
    pub enough: usize,
    /// ... and no more than one in so many, so that the fit of a small chunk takes less time than its coding, ...
    pub sparse: usize,
    /// ... unless that leaves fewer than about this.
    pub few: usize,
}
const RUN: usize = 16;

impl Sampling {
    /// The plain walk's. More samples gain its 31 weights less than they cost: half as many again, 0.07 % of the bytes for 3 %
    /// of the time.
    pub const PLAIN: Sampling = Sampling { enough: 20_480, sparse: 4, few: 8192 };
}

/// Fits the weights of a chunk's taps to `v` less `mean` (special values smoothed over), in units of 2^-14,
/// by least squares.
///
/// Each sample weighs 1 / (1 + local spread / step): bits grow with the logarithm of the error, so a large error
/// where nothing is predictable must not outvote many small ones. The quantisation noise that the decoder's
/// neighbours will carry enters as a ridge: without it the filter would amplify noise. It is step^2 / 12 each where
/// predictions miss by steps, and what they miss where that is less; so the fit is solved again with what it left.
/// (Walking the chunk once and fitting anew to what the decoder will see gave no more, for twice the time.)
/// Cost: about 600 operations a sample.
#[inline(always)]
pub fn fit<F: Real>(signal: Signal<F>, taps: &[Tap]) -> Vec<i16> {
    let Signal { smooth: v, mean, dims, step, sampling } = signal;
    let mean = mean.to_f64();
    let n = taps.len();
    let [nz, ny, nx] = dims;
    // Only places whose whole neighbourhood exists.
    let margin = |len: usize, before: usize, after: usize| {
        if len > before + after { before..len - after } else { 0..0 }
    };
    let zs = if nz > 1 { margin(nz, 3, 0) } else { 0..1 };
    let ys = if ny > 1 { margin(ny, 3, 2) } else { 0..1 };
    let xs = margin(nx, 3, 2);
    let usable = zs.len() * ys.len() * xs.len();
    if usable < 4 * n {
        return fallback(taps);
    }
    let offsets: Vec<isize> = taps.iter().map(|&(z, y, x)| (z * ny as isize + y) * nx as isize + x).collect();
    let Sampling { enough, sparse, few } = sampling;
    let sparsity = (usable / enough).max((usable / few).clamp(1, sparse));
    let mut sums = Sums::NEW;
    let mut batch = Batch::NEW;
    let nearest = Nearest::of(taps);
    let mut turn = 0u32;
    for z in zs {
        for y in ys.clone() {
            for start in xs.clone().step_by(RUN) {
                turn += 1;
                // Every n-th run would alias with regular grids; a fixed hash does not.
                if sparsity > 1 && turn.wrapping_mul(2654435761) >> 16 >= 65536 / sparsity as u32 {
                    continue;
                }
                for x in start..(start + RUN).min(xs.end) {
                    let at = (z * ny + y) * nx + x;
                    let features = batch.features[batch.filled].as_flattened_mut();
                    for (f, &o) in features.iter_mut().zip(&offsets) {
                        *f = v[(at as isize + o) as usize].to_f64() - mean;
                    }
                    let spread = nearest.spread(features) / step;
                    batch.targets[batch.filled] = v[at].to_f64() - mean;
                    batch.weights[batch.filled] = 1.0 / (1.0 + spread);
                    batch.filled += 1;
                    if batch.filled == BATCH {
                        sums.add(&batch, n);
                        batch.filled = 0;
                    }
                }
            }
        }
    }
    batch.weights[batch.filled..].fill(0.0);
    sums.add(&batch, n);
    let products: [[f64; 32]; 32] =
        std::array::from_fn(|i| std::array::from_fn(|j| sums.products[i.max(j)][i.min(j) / 8][i.min(j) % 8]));
    // Noise of a twelfth at first: errors spread evenly over a step.
    let mut noise = 1.0 / 12.0;
    let mut solution = None;
    for _ in 0..3 {
        let mut a = products;
        let mut b = sums.targets;
        for i in 0..n {
            a[i][i] += sums.weight * step * step * noise + 1e-12 * a[i][i];
        }
        let Some(()) = solve(&mut a, &mut b, n) else { break };
        // Where predictions are much better than a step, what they miss is mostly left as it is: the noise is no
        // larger than that.
        let missed: f64 = sums.square
            + (0..n)
                .map(|i| b[i] * ((0..n).map(|j| b[j] * products[i][j]).sum::<f64>() - 2.0 * sums.targets[i]))
                .sum::<f64>();
        let share = (missed / sums.weight).max(0.0) / (step * step);
        noise = share / (1.0 + 12.0 * share);
        solution = Some(b);
    }
    match solution {
        Some(b) => {
            let fixed = |w: &f64| (w * 16384.0).round().clamp(-32768.0, 32767.0) as i16;
            b[..n].iter().map(fixed).collect()
        }
        None => fallback(taps),
    }
}

/// The normal equations as they grow, in whole vectors of eight.
struct Sums {
    /// Of weighted products of features: rows of the lower triangle, as far as the vector of the diagonal.
    products: [[[f64; 8]; 4]; 32],
    /// Of weighted products of features and the target.
    targets: [f64; 32],
    /// Of weighted squares of the target.
    square: f64,
    weight: f64,
}

/// Samples added at a time: sums then wait in registers, not in memory.
const BATCH: usize = 8;

/// Samples on their way into the sums.
struct Batch {
    features: [[[f64; 8]; 4]; BATCH],
    targets: [f64; BATCH],
    weights: [f64; BATCH],
    filled: usize,
}

impl Batch {
    const NEW: Batch =
        Batch { features: [[[0.0; 8]; 4]; BATCH], targets: [0.0; BATCH], weights: [0.0; BATCH], filled: 0 };
}

impl Sums {
    const NEW: Sums = Sums { products: [[[0.0; 8]; 4]; 32], targets: [0.0; 32], square: 0.0, weight: 0.0 };

    #[inline(always)]
    fn add(&mut self, batch: &Batch, n: usize) {
        let Batch { features, targets, weights, .. } = batch;
        for s in 0..BATCH {
            self.weight += weights[s];
            self.square += weights[s] * targets[s] * targets[s];
        }
        for i in 0..n {
            let mut scaled = [0.0; BATCH];
            for s in 0..BATCH {
                scaled[s] = weights[s] * features[s][i / 8][i % 8];
                self.targets[i] += scaled[s] * targets[s];
            }
            for k in 0..i / 8 + 1 {
                let mut sums = self.products[i][k];
                for s in 0..BATCH {
                    for lane in 0..8 {
                        sums[lane] += scaled[s] * features[s][k][lane];
                    }
                }
                self.products[i][k] = sums;
            }
        }
    }
}

/// Where the taps next to a value stand in a list of taps.
struct Nearest {
    west: usize,
    west2: usize,
    /// North-west, north and north-east, where there are rows.
    north: Option<[usize; 3]>,
}

impl Nearest {
    fn of(taps: &[Tap]) -> Nearest {
        let place = |tap: Tap| taps.iter().position(|&t| t == tap);
        let north = [place((0, -1, -1)), place((0, -1, 0)), place((0, -1, 1))];
        Nearest {
            west: place((0, 0, -1)).expect("a tap of every list"),
            west2: place((0, 0, -2)).expect("a tap of every list"),
            north: if let [Some(a), Some(b), Some(c)] = north { Some([a, b, c]) } else { None },
        }
    }

    /// How much the values next to the one predicted differ.
    #[inline(always)]
    fn spread(&self, f: &[f64]) -> f64 {
        match self.north {
            None => (f[self.west] - f[self.west2]).abs() * 3.0,
            Some([nw, n, ne]) => (f[self.west] - f[nw]).abs() + (f[n] - f[nw]).abs() + (f[n] - f[ne]).abs(),
        }
    }
}

/// The weights where there is nothing to fit: the Lorenzo predictor of the plane, or the value before.
pub fn fallback(taps: &[Tap]) -> Vec<i16> {
    let near = Nearest::of(taps);
    let mut w = vec![0; taps.len()];
    w[near.west] = 16384;
    if let Some([nw, n, _]) = near.north {
        (w[nw], w[n]) = (-16384, 16384);
    }
    w
}

/// Solves the symmetric positive definite `a` x = `b`, of which the first `n` rows and the lower triangle count, by
/// Cholesky's decomposition, and leaves x in `b`; `None` where it is not positive definite.
fn solve(a: &mut [[f64; 32]; 32], b: &mut [f64; 32], n: usize) -> Option<()> {
    for j in 0..n {
        for i in j..n {
            let dot: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
            let s = a[i][j] - dot;
            if i > j {
                a[i][j] = s / a[j][j];
            } else if s > 0.0 && s.is_finite() {
                a[j][j] = s.sqrt();
            } else {
                return None;
            }
        }
    }
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| a[i][k] * b[k]).sum();
        b[i] = (b[i] - dot) / a[i][i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| a[k][i] * b[k]).sum();
        b[i] = (b[i] - dot) / a[i][i];
    }
    b[..n].iter().all(|w| w.is_finite()).then_some(())
}
