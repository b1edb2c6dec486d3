//! Least squares of a network's planes, by Levenberg's (1944) and Marquardt's (1963) steps.

use super::fit::Sample;

/// Rows whose gradients are added to the normal equations together.
const TOGETHER: usize = 4;

/// What a network of these `weights` makes of a row `x`, and with `gradient` its derivatives by each weight.
#[inline(always)]
pub fn evaluate(weights: &[f64], x: &[f64], gradient: Option<&mut [f64]>) -> f64 {
    let plane = |w: &[f64]| w[0] + w[1..].iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
    let (base, units) = weights.split_at(x.len() + 1);
    let units = units.chunks_exact(2 * base.len()).map(|unit| {
        let (z, a) = (plane(&unit[..base.len()]), plane(&unit[base.len()..]));
        let q = 1.0 / (1.0 + z * z).sqrt();
        (z * q, a, q * q * q)
    });
    let Some(gradient) = gradient else { return plane(base) + units.map(|(h, a, _)| h * a).sum::<f64>() };
    let mut y = plane(base);
    let (first, rest) = gradient.split_at_mut(base.len());
    let fill = |to: &mut [f64], factor: f64| {
        to[0] = factor;
        to[1..].iter_mut().zip(x).for_each(|(to, x)| *to = factor * x);
    };
    fill(first, 1.0);
    for ((h, a, slope), to) in units.zip(rest.chunks_exact_mut(2 * base.len())) {
        y += h * a;
        let (gate, passing) = to.split_at_mut(base.len());
        fill(gate, a * slope);
        fill(passing, h);
    }
    y
}

/// The upper triangle of a symmetric matrix, row by row, and a right side: weighted sums over rows.
pub struct Normal {
    n: usize,
    matrix: Vec<f64>,
    right: Vec<f64>,
}

impl Normal {
    /// Of `n` unknowns: weighted sums over `rows`, for each of which `row` fills its terms and returns weight and right side.
    #[inline(always)]
    pub fn new(n: usize, rows: usize, mut row: impl FnMut(usize, &mut [f64]) -> (f64, f64)) -> Normal {
        let mut normal = Normal { n, matrix: vec![0.0; n * n], right: vec![0.0; n] };
        let mut terms: [Vec<f64>; TOGETHER] = std::array::from_fn(|_| vec![0.0; n]);
        for first in (0..rows).step_by(TOGETHER) {
            let mut weights = [0.0; TOGETHER];
            for (i, terms) in terms.iter_mut().enumerate().take(rows - first) {
                let (weight, right) = row(first + i, terms);
                weights[i] = weight;
                normal.right.iter_mut().zip(&*terms).for_each(|(r, t)| *r += weight * right * t);
            }
            let [a, b, c, d] = &terms;
            for (i, line) in normal.matrix.chunks_exact_mut(n).enumerate() {
                let [wa, wb, wc, wd] = [a, b, c, d].map(|t| t[i]);
                let [wa, wb, wc, wd] = [wa * weights[0], wb * weights[1], wc * weights[2], wd * weights[3]];
                let (a, b, c, d) = (&a[i..], &b[i..], &c[i..], &d[i..]);
                for (j, sum) in line[i..].iter_mut().enumerate() {
                    *sum += wa * a[j] + wb * b[j] + wc * c[j] + wd * d[j];
                }
            }
        }
        normal
    }

    /// The solution with the diagonal grown by a share `damping` of itself, by Cholesky's decomposition.
    #[inline(always)]
    pub fn solve(&self, damping: f64) -> Option<Vec<f64>> {
        let n = self.n;
        let mut u = self.matrix.clone();
        let mut x = self.right.clone();
        for i in 0..n {
            u[i * n + i] = u[i * n + i] * (1.0 + damping) + 1e-12;
        }
        // Line by line, each taken from those below at once: unlike inner products, that goes in vectors.
        for i in 0..n {
            let (done, below) = u.split_at_mut((i + 1) * n);
            let line = &mut done[i * n + i..];
            let root = (line[0] > 0.0).then(|| line[0].sqrt())?;
            line.iter_mut().for_each(|u| *u /= root);
            x[i] /= root;
            let known = x[i];
            for (x, u) in x[i + 1..].iter_mut().zip(&line[1..]) {
                *x -= known * u;
            }
            for (j, other) in below.chunks_exact_mut(n).enumerate() {
                let factor = line[j + 1];
                for (o, u) in other[i + 1 + j..].iter_mut().zip(&line[j + 1..]) {
                    *o -= factor * u;
                }
            }
        }
        for i in (0..n).rev() {
            let known: f64 = u[i * n + i + 1..(i + 1) * n].iter().zip(&x[i + 1..]).map(|(u, x)| u * x).sum();
            x[i] = (x[i] - known) / u[i * n + i];
        }
        x.iter().all(|x| x.is_finite()).then_some(x)
    }
}

/// Improves `weights` on a sample by at most so many steps, errors below `floor` or the typical one counting as squares and
/// others by their size: some rows may follow no law.
#[inline(always)]
pub fn improve(weights: &mut Vec<f64>, sample: &Sample, floor: f64, steps: usize) {
    let errors = |w: &[f64]| -> Vec<f64> { sample.rows().map(|(x, y)| y - evaluate(w, x, None)).collect() };
    let loss =
        |errors: &[f64], scale: f64| errors.iter().map(|e| (e * e + scale * scale).sqrt()).sum::<f64>();
    let mut now = errors(weights);
    let mut scale = floor.max(typical(&now));
    let mut damping = 1e-2;
    let mut stalled = 0;
    for _ in 0..steps {
        let before = loss(&now, scale);
        let normal = Normal::new(weights.len(), now.len(), |row, terms| {
            evaluate(weights, sample.row(row), Some(terms));
            (1.0 / (now[row] * now[row] + scale * scale).sqrt(), now[row])
        });
        let better = (0..6).find_map(|_| {
            let step = normal.solve(damping);
            let next: Option<Vec<f64>> = step.map(|s| weights.iter().zip(s).map(|(w, s)| w + s).collect());
            let found = next.map(|next| (errors(&next), next)).filter(|(e, _)| loss(e, scale) < before);
            damping = if found.is_some() { (damping / 6.0).max(1e-9) } else { damping * 4.0 };
            found
        });
        let Some((errors, next)) = better else { return };
        stalled = if loss(&errors, scale) > 0.99 * before { stalled + 1 } else { 0 };
        (now, *weights) = (errors, next);
        if stalled == 3 {
            return;
        }
        scale = floor.max(scale.min(typical(&now)));
    }
}

/// The median size.
pub fn typical(errors: &[f64]) -> f64 {
    let mut sizes: Vec<f64> = errors.iter().map(|e| e.abs()).collect();
    let middle = sizes.len() / 2;
    *sizes.select_nth_unstable_by(middle, f64::total_cmp).1
}
