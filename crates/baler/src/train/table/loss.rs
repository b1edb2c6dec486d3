//! Bits of the true symbol under a network's float outputs, and their gradient: what `codec::table::net::distribution`
//! computes in integers.

use crate::model::table::net::{COMPONENTS, MIXTURE_OUTPUTS};

const C: usize = COMPONENTS;
/// Of the logarithms of widths: what the integers can say.
const WIDTHS: (f32, f32) = (-6.9, 2.0);
/// The least probability of a symbol.
const LEAST: f32 = 1.0 / 65536.0;

/// What the loss of a mixture needs to know of a row.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Scores of the true bin's edges, in units of a normal quantile; infinite at the ends.
    pub low: f32,
    /// See `low`.
    pub high: f32,
    /// The score of the symbol before; not a number where there is none.
    pub before: f32,
    /// Whether the symbol is the one before.
    pub same: bool,
    /// Its share of the histogram.
    pub share: f32,
}

/// The share of a bell below z e-foldings from its middle, and its density there.
fn bell(z: f32) -> (f32, f32) {
    let t = (1.0 - z.abs() / 16.0).max(0.0);
    let (t2, t4) = (t * t, t * t * t * t);
    let t15 = t4 * t4 * t4 * t2 * t;
    let e = t15 * t;
    let tail = (3.0 - e) * e * 0.25;
    (if z < 0.0 { tail } else { 1.0 - tail }, (3.0 - 2.0 * e) * t15 * 0.25)
}

/// Nats of a row of a mixture of `symbols`; `gradient` becomes the loss's, times `weight`.
pub fn mixture(out: &[f32], row: &Target, symbols: usize, weight: f32, gradient: &mut [f32]) -> f32 {
    let copies = !row.before.is_nan();
    let log = |i: usize| if i < C { out[i] } else { out[2 * C + i] };
    let most = (0..C + 2).map(log).fold(f32::MIN, f32::max);
    let mut w: [f32; C + 2] =
        std::array::from_fn(|i| if i == C && !copies { 0.0 } else { (log(i) - most).exp() });
    let sum = w.iter().sum::<f32>();
    w.iter_mut().for_each(|w| *w /= sum);
    let mut value = [0.0; C + 2];
    let mut slope = [(0.0, 0.0); C];
    for c in 0..C {
        let middle = out[C + c] + if c == 0 && copies { row.before } else { 0.0 };
        let width = out[2 * C + c];
        let k = (-width.clamp(WIDTHS.0, WIDTHS.1)).exp();
        let at = |edge: f32| match edge.is_finite() {
            true => {
                let z = (edge - middle) * k;
                let (share, density) = bell(z);
                (share, density, density * z)
            }
            false => (if edge > 0.0 { 1.0 } else { 0.0 }, 0.0, 0.0),
        };
        let (low, high) = (at(row.low), at(row.high));
        value[c] = high.0 - low.0;
        let inside = width > WIDTHS.0 && width < WIDTHS.1;
        slope[c] = ((low.1 - high.1) * k, if inside { low.2 - high.2 } else { 0.0 });
    }
    value[C] = row.same as u8 as f32;
    value[C + 1] = row.share;
    let p: f32 = w.iter().zip(&value).map(|(w, v)| w * v).sum();
    let scale = 1.0 - symbols as f32 * LEAST;
    let q = p * scale + LEAST;
    let g = -weight * scale / q;
    for i in 0..C + 2 {
        gradient[if i < C { i } else { 2 * C + i }] = g * w[i] * (value[i] - p);
    }
    for c in 0..C {
        gradient[C + c] = g * w[c] * slope[c].0;
        gradient[2 * C + c] = g * w[c] * slope[c].1;
    }
    -q.ln()
}

/// Nats of a row of classes: the logarithms, and what is added to that of the class `before`.
pub fn classes(out: &[f32], symbol: usize, before: Option<usize>, weight: f32, gradient: &mut [f32]) -> f32 {
    let n = out.len() - 1;
    let log = |c: usize| out[c] + if before == Some(c) { out[n] } else { 0.0 };
    let most = (0..n).map(log).fold(f32::MIN, f32::max);
    let sum: f32 = (0..n).map(|c| (log(c) - most).exp()).sum();
    let scale = 1.0 - n as f32 * LEAST;
    let p = (log(symbol) - most).exp() / sum;
    let q = p * scale + LEAST;
    let g = -weight * scale / q * p;
    gradient[n] = 0.0;
    for c in 0..n {
        let share = (log(c) - most).exp() / sum;
        gradient[c] = g * ((c == symbol) as u8 as f32 - share);
        if before == Some(c) {
            gradient[n] = gradient[c];
        }
    }
    -q.ln()
}

/// Biases of the last layer to start from: bells of several widths side by side, few copies, some histogram.
pub fn start() -> [f32; MIXTURE_OUTPUTS] {
    [0.0, 0.0, 0.0, 0.0, 0.0, 1.2, -2.0, -0.7, -0.7, -2.0, -0.5]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gradient equals the loss's differences.
    fn check(out: &[f32], loss: impl Fn(&[f32], &mut [f32]) -> f32) {
        let mut gradient = vec![0.0; out.len()];
        loss(out, &mut gradient);
        for i in 0..out.len() {
            let at = |by: f32| {
                let mut out = out.to_vec();
                out[i] += by;
                loss(&out, &mut vec![0.0; out.len()]) as f64
            };
            let slope = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!(
                (slope - gradient[i] as f64).abs() < 3e-3 * (1.0 + slope.abs()),
                "{i}: {slope} {gradient:?}"
            );
        }
    }

    #[test]
    fn gradients_are_those_of_the_losses() {
        let out = [0.3, -0.2, 0.5, 0.1, -0.6, 0.4, -0.9, 0.2, -0.3, -0.5, 0.1];
        for (low, high) in [(-0.2, 0.3), (f32::NEG_INFINITY, -0.4), (0.7, f32::INFINITY), (0.5, 0.51)] {
            for before in [0.25, f32::NAN] {
                let row = Target { low, high, before, same: low < 0.0, share: 0.07 };
                check(&out, |out, g| mixture(out, &row, 100, 1.0, g));
            }
        }
        for before in [None, Some(1), Some(2)] {
            check(&[0.2, -1.0, 0.7, 0.4], |out, g| classes(out, 2, before, 1.0, g));
        }
    }
}
