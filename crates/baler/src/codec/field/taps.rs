//! The causal neighbourhood of stage 2 and its least-squares fit.

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

/// The fit sees about this many values, in runs of [`RUN`]: for 31 weights more samples gain nothing measurable.
const ENOUGH: usize = 32_768;
const RUN: usize = 16;

/// Fits the weights of a chunk's taps to `v` (values less their mean, special values smoothed over), in units of
/// 2^-14, by least squares.
///
/// Each sample weighs 1 / (1 + local spread / step): bits grow with the logarithm of the error, so a large error
/// where nothing is predictable must not outvote many small ones. The quantisation noise that the decoder's
/// neighbours will carry, step^2 / 12 each, enters as a ridge: without it the filter would amplify noise.
/// Cost: about 25 operations a value.
pub fn fit<F: Real>(v: &[F], dims: [usize; 3], step: f64) -> Vec<i16> {
    let n = tap_count(dims);
    let [nz, ny, nx] = dims;
    // Only places whose whole neighbourhood exists; small chunks shed axes until there are such places.
    let margin = |len: usize, before: usize, after: usize| {
        if len > before + after { before..len - after } else { 0..0 }
    };
    let zs = if nz > 1 { margin(nz, 3, 0) } else { 0..1 };
    let ys = if ny > 1 { margin(ny, 3, 2) } else { 0..1 };
    let xs = margin(nx, 3, 2);
    let usable = zs.len() * ys.len() * xs.len();
    if usable < 4 * n {
        return fallback(dims);
    }
    let offsets: Vec<isize> =
        TAPS[..n].iter().map(|&(z, y, x)| (z * ny as isize + y) * nx as isize + x).collect();
    let sparsity = (usable / ENOUGH).max(1);
    let mut a = vec![[0.0f64; 32]; n];
    let mut b = vec![0.0f64; n];
    let mut total = 0.0;
    let mut features = [0.0f64; 32];
    let mut turn = 0;
    for z in zs {
        for y in ys.clone() {
            for start in xs.clone().step_by(RUN) {
                turn += 1;
                // A stride prime to the run count would alias with regular grids; a fixed hash does not.
                if sparsity > 1 && (turn as u32).wrapping_mul(2654435761) >> 16 >= 65536 / sparsity as u32 {
                    continue;
                }
                for x in start..(start + RUN).min(xs.end) {
                    let at = (z * ny + y) * nx + x;
                    for (f, &o) in features.iter_mut().zip(&offsets) {
                        *f = v[(at as isize + o) as usize].to_f64();
                    }
                    let target = v[at].to_f64();
                    let spread = if n > 3 {
                        (features[0] - features[4]).abs()
                            + (features[5] - features[4]).abs()
                            + (features[5] - features[6]).abs()
                    } else {
                        (features[0] - features[1]).abs() * 3.0
                    };
                    let weight = 1.0 / (1.0 + spread / step);
                    total += weight;
                    for i in 0..n {
                        let scaled = weight * features[i];
                        b[i] += scaled * target;
                        for (sum, f) in a[i].iter_mut().zip(&features) {
                            *sum += scaled * f;
                        }
                    }
                }
            }
        }
    }
    for i in 0..n {
        a[i][i] += total * step * step / 12.0 + 1e-12 * a[i][i];
    }
    match solve(a, b, n) {
        Some(w) => w.into_iter().map(|w| (w * 16384.0).round().clamp(-32768.0, 32767.0) as i16).collect(),
        None => fallback(dims),
    }
}

/// The weights where there is nothing to fit: the Lorenzo predictor of the plane, or the value before.
fn fallback(dims: [usize; 3]) -> Vec<i16> {
    let mut w = vec![0; tap_count(dims)];
    w[0] = 16384;
    if w.len() > 3 {
        (w[4], w[5]) = (-16384, 16384);
    }
    w
}

/// Solves the symmetric positive definite `a` x = `b` by Cholesky's decomposition; `None` where it is not.
fn solve(mut a: Vec<[f64; 32]>, mut b: Vec<f64>, n: usize) -> Option<Vec<f64>> {
    for j in 0..n {
        for i in j..n {
            let dot: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
            let s = a[i][j] - dot;
            if i == j {
                if !(s > 0.0 && s.is_finite()) {
                    return None;
                }
                a[j][j] = s.sqrt();
            } else {
                a[i][j] = s / a[j][j];
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
    b.iter().all(|w| w.is_finite()).then_some(b)
}
