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
    let mut sums = Sums::new(n);
    let mut run = Run::NEW;
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
                let at = (z * ny + y) * nx + start;
                let count = RUN.min(xs.end - start);
                let part = |offset: isize| &v[(at as isize + offset) as usize..][..count];
                for (feature, &offset) in run.features.iter_mut().zip(&offsets) {
                    set(feature, part(offset), mean);
                }
                set(&mut run.targets, part(0), mean);
                let spreads = nearest.spreads(&run.features);
                for s in 0..RUN {
                    run.weights[s] = 1.0 / (1.0 + spreads[s] / step);
                }
                run.weights[count..].fill(0.0);
                sums.add(&run, n);
            }
        }
    }
    let products: [[f64; 32]; 32] = std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let (most, least) = (i.max(j), i.min(j));
            if most < n { sums.products[triangular(most) + least].iter().sum() } else { 0.0 }
        })
    });
    let targets: [f64; 32] = sums.targets.map(|lanes| lanes.iter().sum());
    let [square, weight] = [sums.square, sums.weight].map(|lanes| lanes.iter().sum::<f64>());
    // Noise of a twelfth at first: errors spread evenly over a step.
    let mut noise = 1.0 / 12.0;
    let mut solution = None;
    for _ in 0..3 {
        let mut a = products;
        let mut b = targets;
        for i in 0..n {
            a[i][i] += weight * step * step * noise + 1e-12 * a[i][i];
        }
        let Some(()) = solve(&mut a, &mut b, n) else { break };
        // Where predictions are much better than a step, what they miss is mostly left as it is: the noise is no
        // larger than that.
        let missed: f64 = square
            + (0..n)
                .map(|i| b[i] * ((0..n).map(|j| b[j] * products[i][j]).sum::<f64>() - 2.0 * targets[i]))
                .sum::<f64>();
        let share = (missed / weight).max(0.0) / (step * step);
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

/// A run of samples, side by side.
type Samples = [f64; RUN];

/// The values of a run less their mean; what lies behind its end stays as it is.
#[inline(always)]
fn set<F: Real>(samples: &mut Samples, values: &[F], mean: f64) {
    for (sample, x) in samples.iter_mut().zip(values) {
        *sample = x.to_f64() - mean;
    }
}

/// Samples on their way into the sums.
struct Run {
    /// By tap.
    features: [Samples; 32],
    targets: Samples,
    weights: Samples,
}

impl Run {
    const NEW: Run = Run { features: [[0.0; RUN]; 32], targets: [0.0; RUN], weights: [0.0; RUN] };
}

/// Sums of a quarter of all samples each.
type Lanes = [f64; 4];

/// Adds the products of two runs.
#[inline(always)]
fn add(lanes: &mut Lanes, a: &Samples, b: &Samples) {
    let mut p = [0.0; RUN];
    for s in 0..RUN {
        p[s] = a[s] * b[s];
    }
    for lane in 0..4 {
        lanes[lane] += (p[lane] + p[4 + lane]) + (p[8 + lane] + p[12 + lane]);
    }
}

/// How many places of a lower triangle come before row `i`.
fn triangular(i: usize) -> usize {
    i * (i + 1) / 2
}

/// The normal equations as they grow.
struct Sums {
    /// Of weighted products of features: the lower triangle, row by row.
    products: Vec<Lanes>,
    /// Of weighted products of features and the target.
    targets: [Lanes; 32],
    /// Of weighted squares of the target.
    square: Lanes,
    weight: Lanes,
}

impl Sums {
    /// For `n` taps.
    fn new(n: usize) -> Sums {
        Sums {
            products: vec![[0.0; 4]; triangular(n)],
            targets: [[0.0; 4]; 32],
            square: [0.0; 4],
            weight: [0.0; 4],
        }
    }

    #[inline(always)]
    fn add(&mut self, run: &Run, n: usize) {
        let Run { features, targets, weights } = run;
        let scaled = |samples: &Samples| -> Samples { std::array::from_fn(|s| weights[s] * samples[s]) };
        add(&mut self.weight, weights, &[1.0; RUN]);
        add(&mut self.square, &scaled(targets), targets);
        let mut rest = &mut self.products[..];
        for i in 0..n {
            let one = scaled(&features[i]);
            add(&mut self.targets[i], &one, targets);
            let (row, rows) = rest.split_at_mut(i + 1);
            for (sum, other) in row.iter_mut().zip(features) {
                add(sum, &one, other);
                // Never met before the fit is lost anyway. A way out of the loop keeps compilers from adding four products
                // side by side, which takes shuffles and twice the time.
                if sum[0].is_nan() {
                    break;
                }
            }
            rest = rows;
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

    /// How much the values next to each one predicted differ.
    #[inline(always)]
    fn spreads(&self, f: &[Samples; 32]) -> Samples {
        let (w, w2) = (&f[self.west], &f[self.west2]);
        match self.north {
            None => std::array::from_fn(|s| (w[s] - w2[s]).abs() * 3.0),
            Some(north) => {
                let [nw, n, ne] = north.map(|tap| &f[tap]);
                std::array::from_fn(|s| (w[s] - nw[s]).abs() + (n[s] - nw[s]).abs() + (n[s] - ne[s]).abs())
            }
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
