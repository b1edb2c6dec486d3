//! Bringing the features of a row to one scale before the first layer, and back behind the last.
//!
//! Two mechanisms serve all kinds, so that freezing needs no more. *Affine*: normalised = (value - offset) / scale; folded
//! into the integers' scales. *Piecewise*: a monotone curve of straight pieces through [`KNOTS`] knots that are evenly
//! spaced in the normalised unit. A decoder finds a knot by a floor and goes on from it by one product and one sum
//! ([`Curve::invert`] states the operations), so logarithms and quantiles decode alike on every machine; the encoder
//! finds the piece by bisection, and its division may be its own.

use serde::{Deserialize, Serialize};

use super::float::Real;
use crate::error::{Error, Result};

/// Knots of a [`Curve`].
pub const KNOTS: usize = 257;
/// Rows that a curve is fitted to, at most.
const SAMPLE: usize = 1 << 17;
/// Normal scores reach so far.
const MOST_SCORE: f64 = 4.0;

/// How values are normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NormalisationKind {
    /// The range of the training data becomes [0, 1]. Affine.
    MinMax,
    /// Mean 0 and standard deviation 1. Affine.
    Standard,
    /// Each feature's distribution becomes the normal one, within +-4 deviations. Piecewise.
    Quantile,
    /// Signed logarithm sign(x) ln(1 + |x| / s), its range to [0, 1]; s is the least but a tenth of magnitudes. Piecewise.
    Log,
    /// Values pass as they are. Affine.
    Identity,
    /// One of the others but the last, chosen by training. No normalisation is of this kind.
    Auto,
}

/// What brings features to one scale, and back.
#[derive(Debug, Clone, PartialEq)]
pub enum Normalisation {
    /// normalised = (value - offset) / scale, feature by feature.
    Affine {
        /// How `offset` and `scale` were found.
        kind: NormalisationKind,
        /// The value that becomes 0.
        offset: Vec<f64>,
        /// The distance that becomes 1; positive. A constant feature has 1.
        scale: Vec<f64>,
    },
    /// normalised = curve(value), feature by feature.
    Piecewise {
        /// How the curves were found.
        kind: NormalisationKind,
        /// One a feature.
        curves: Vec<Curve>,
    },
}

/// A monotone curve of straight pieces.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The normalised value of the first knot.
    pub low: f64,
    /// Knots in a normalised unit; positive.
    pub density: f64,
    /// The value at each of [`KNOTS`] knots, none below the one before.
    pub knots: Vec<f64>,
}

impl Curve {
    fn new(low: f64, density: f64, knots: Vec<f64>) -> Result<Curve> {
        Curve { low, density, knots }.checked()
    }

    /// Itself, if it is one that can be computed with.
    pub fn checked(self) -> Result<Curve> {
        let k = &self.knots;
        let finite = [self.low, self.density, 1.0 / self.density].iter().chain(k).all(|x| x.is_finite());
        let range = k.last().zip(k.first()).map_or(f64::NAN, |(last, first)| last - first);
        let rises = k.windows(2).all(|pair| pair[0] <= pair[1]);
        match k.len() == KNOTS && finite && rises && range.is_finite() && self.density > 0.0 {
            true => Ok(self),
            false => Err(Error::invalid("a curve of normalisation does not rise through finite knots")),
        }
    }

    /// The normalised value; values beyond the knots become the last ones, those of a level piece its middle.
    pub fn apply(&self, value: f64) -> f64 {
        let k = &self.knots;
        let (from, to) = (k.partition_point(|&x| x < value), k.partition_point(|&x| x <= value));
        let at = match from {
            _ if from < to => (from + to - 1) as f64 / 2.0,
            0 => 0.0,
            KNOTS => (KNOTS - 1) as f64,
            _ => (from - 1) as f64 + (value - k[from - 1]) / (k[from] - k[from - 1]),
        };
        self.low + at / self.density
    }

    /// The value at a normalised one. In f64, each operation rounded: t = (y - low) x density, clamped to 0 ... KNOTS - 1
    /// (a NaN to 0); i = trunc(t), at most KNOTS - 2; value = knot(i) + (t - i) x (knot(i + 1) - knot(i)).
    pub fn invert(&self, y: f64) -> f64 {
        let t = ((y - self.low) * self.density).max(0.0).min((KNOTS - 1) as f64);
        let i = (t as usize).min(KNOTS - 2);
        self.knots[i] + (t - i as f64) * (self.knots[i + 1] - self.knots[i])
    }
}

impl Normalisation {
    /// Fits to `rows` of finite values, `features` each. Errors where a range overflows f64.
    pub fn fit(kind: NormalisationKind, rows: &[f64], features: usize) -> Result<Normalisation> {
        if rows.is_empty() {
            let (offset, scale) = (vec![0.0; features], vec![1.0; features]);
            return Ok(Normalisation::Affine { kind: NormalisationKind::Identity, offset, scale });
        }
        match kind {
            NormalisationKind::Auto => {
                Err(Error::invalid("a normalisation is chosen automatically only by training"))
            }
            NormalisationKind::Quantile | NormalisationKind::Log => {
                let stride = (rows.len() / features).div_ceil(SAMPLE);
                let sorted = |f: usize| {
                    let column = rows.iter().skip(f).step_by(features * stride);
                    let mut column: Vec<f64> = column.copied().collect();
                    column.sort_unstable_by(f64::total_cmp);
                    column
                };
                let curve = if kind == NormalisationKind::Log { logarithm } else { scores };
                let curves =
                    (0..features).map(|f| curve(&sorted(f)).map_err(|e| e.at(format!("feature {f}"))));
                Ok(Normalisation::Piecewise { kind, curves: curves.collect::<Result<_>>()? })
            }
            _ => {
                let (offset, scale) = match kind {
                    NormalisationKind::MinMax => ranges(rows, features),
                    NormalisationKind::Standard => deviations(rows, features),
                    _ => (vec![0.0; features], vec![1.0; features]),
                };
                Normalisation::Affine { kind, offset, scale }.checked()
            }
        }
    }

    /// Itself, if every number in it is one that can be computed with.
    pub fn checked(self) -> Result<Normalisation> {
        let (offset, scale) = match self {
            Normalisation::Affine { ref offset, ref scale, .. } => (offset, scale),
            Normalisation::Piecewise { kind, curves } => {
                let curves = curves.into_iter().map(Curve::checked).collect::<Result<_>>()?;
                return Ok(Normalisation::Piecewise { kind, curves });
            }
        };
        let sound =
            |(o, s): (&f64, &f64)| o.is_finite() && s.is_finite() && *s > 0.0 && (1.0 / s).is_finite();
        match offset.iter().zip(scale).position(|pair| !sound(pair)) {
            Some(i) => Err(Error::invalid(format!(
                "feature {i} cannot be normalised: offset {:e}, range {:e}",
                offset[i], scale[i]
            ))),
            None if offset.len() != scale.len() => Err(Error::invalid("as many offsets as scales")),
            None => Ok(self),
        }
    }

    /// How it was found.
    pub fn kind(&self) -> NormalisationKind {
        match self {
            Normalisation::Affine { kind, .. } | Normalisation::Piecewise { kind, .. } => *kind,
        }
    }

    /// Values in a row.
    pub fn features(&self) -> usize {
        match self {
            Normalisation::Affine { offset, .. } => offset.len(),
            Normalisation::Piecewise { curves, .. } => curves.len(),
        }
    }

    /// Offsets and scales, where it is affine.
    pub fn affine(&self) -> Option<(&[f64], &[f64])> {
        match self {
            Normalisation::Affine { offset, scale, .. } => Some((offset, scale)),
            Normalisation::Piecewise { .. } => None,
        }
    }

    /// The curve of each feature; none where it is affine.
    pub fn curves(&self) -> &[Curve] {
        match self {
            Normalisation::Affine { .. } => &[],
            Normalisation::Piecewise { curves, .. } => curves,
        }
    }

    /// Normalised values of whole `rows`.
    pub fn apply(&self, rows: &[f64]) -> Vec<f32> {
        self.apply_in(rows)
    }

    /// As [`Normalisation::apply`], in either precision.
    pub fn apply_in<R: Real>(&self, rows: &[f64]) -> Vec<R> {
        let mut out = Vec::with_capacity(rows.len());
        for row in rows.chunks(self.features()) {
            match self {
                Normalisation::Affine { offset, scale, .. } => {
                    let scales = offset.iter().zip(scale);
                    out.extend(row.iter().zip(scales).map(|(x, (o, s))| R::of((x - o) / s)));
                }
                Normalisation::Piecewise { curves, .. } => {
                    out.extend(row.iter().zip(curves).map(|(&x, curve)| R::of(curve.apply(x))));
                }
            }
        }
        out
    }

    /// The inverse of [`Normalisation::apply`].
    pub fn invert(&self, rows: &[f32]) -> Vec<f64> {
        let mut out = Vec::with_capacity(rows.len());
        for row in rows.chunks(self.features()) {
            match self {
                Normalisation::Affine { offset, scale, .. } => {
                    let scales = offset.iter().zip(scale);
                    out.extend(row.iter().zip(scales).map(|(&y, (o, s))| y as f64 * s + o));
                }
                Normalisation::Piecewise { curves, .. } => {
                    out.extend(row.iter().zip(curves).map(|(&y, curve)| curve.invert(y as f64)));
                }
            }
        }
        out
    }
}

fn ranges(rows: &[f64], features: usize) -> (Vec<f64>, Vec<f64>) {
    let mut minimum = rows[..features].to_vec();
    let mut maximum = minimum.clone();
    for row in rows.chunks_exact(features) {
        for ((min, max), &x) in minimum.iter_mut().zip(&mut maximum).zip(row) {
            *min = min.min(x);
            *max = max.max(x);
        }
    }
    let scale = maximum.iter().zip(&minimum).map(|(max, min)| positive(max - min));
    (minimum.clone(), scale.collect())
}

fn deviations(rows: &[f64], features: usize) -> (Vec<f64>, Vec<f64>) {
    let n = (rows.len() / features) as f64;
    let mut mean = vec![0.0; features];
    for row in rows.chunks_exact(features) {
        mean.iter_mut().zip(row).for_each(|(m, x)| *m += x / n);
    }
    let mut variance = vec![0.0; features];
    for row in rows.chunks_exact(features) {
        for ((v, m), x) in variance.iter_mut().zip(&mean).zip(row) {
            *v += (x - m) * (x - m) / n;
        }
    }
    let scale = variance.iter().map(|v| positive(v.sqrt())).collect();
    (mean, scale)
}

/// A distance, or 1 where there is none.
fn positive(distance: f64) -> f64 {
    if distance > 0.0 { distance } else { 1.0 }
}

/// Normal scores of a sorted column.
fn scores(sorted: &[f64]) -> Result<Curve> {
    let density = (KNOTS - 1) as f64 / (2.0 * MOST_SCORE);
    let last = sorted.len() - 1;
    let knot = |i: usize| {
        let share =
            0.5 * (1.0 + libm::erf((i as f64 / density - MOST_SCORE) * std::f64::consts::FRAC_1_SQRT_2));
        let at = match i {
            0 => 0.0,
            _ if i == KNOTS - 1 => last as f64,
            _ => share * last as f64,
        };
        let below = at as usize;
        let (from, to) = (sorted[below], sorted[(below + 1).min(last)]);
        (from + (at - below as f64) * (to - from)).clamp(from, to)
    };
    Curve::new(-MOST_SCORE, density, (0..KNOTS).map(knot).collect())
}

/// A signed logarithm of a sorted column.
fn logarithm(sorted: &[f64]) -> Result<Curve> {
    let mut magnitudes: Vec<f64> = sorted.iter().filter(|x| **x != 0.0).map(|x| x.abs()).collect();
    magnitudes.sort_unstable_by(f64::total_cmp);
    let unit = magnitudes.get(magnitudes.len() / 10).copied().unwrap_or(1.0);
    // Beyond 2^52 units the 1 is lost, and the quotient might overflow.
    const FAR: f64 = (1u64 << 52) as f64;
    let log = |x: f64| {
        let far = x.abs() * FAR.recip() > unit;
        (if far { x.abs().ln() - unit.ln() } else { (x.abs() / unit).ln_1p() }).copysign(x)
    };
    let magnitude = |y: f64| if y > FAR.ln() { (y + unit.ln()).exp() } else { y.exp_m1() * unit };
    let (first, last) = (sorted[0], sorted[sorted.len() - 1]);
    let (low, high) = (log(first), log(last));
    let mut before = first;
    let knot = |i: usize| {
        let y = low + (high - low) * (i as f64 / (KNOTS - 1) as f64);
        let x = magnitude(y.abs()).copysign(y);
        before = if i == KNOTS - 1 { last } else { x.clamp(before, last) };
        if i == 0 { first } else { before }
    };
    Curve::new(0.0, (KNOTS - 1) as f64, (0..KNOTS).map(knot).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_becomes_0_to_1_and_comes_back() {
        let tiny = 2f64.powi(-1000);
        let rows = [-2.0, 7.0, tiny, 6.0, 7.0, 3.0 * tiny, 2.0, 7.0, 2.0 * tiny];
        let fitted = Normalisation::fit(NormalisationKind::MinMax, &rows, 3).unwrap();
        let normal = fitted.apply(&rows);
        assert_eq!(normal, [0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.5, 0.0, 0.5]);
        assert_eq!(fitted.invert(&normal), rows);
        let identity = Normalisation::fit(NormalisationKind::Identity, &rows, 3).unwrap();
        assert_eq!(identity.apply(&rows[..2]), [-2.0, 7.0]);
        let standard = Normalisation::fit(NormalisationKind::Standard, &[1.0, 3.0, 5.0, 7.0], 1).unwrap();
        assert_eq!(standard.affine(), Some((&[4.0][..], &[5f64.sqrt()][..])));
    }

    #[test]
    fn curves_rise_and_come_back() {
        // A long tail of both signs; few values; a constant; zeros.
        let tail: Vec<f64> = (0..1000).map(|i| ((i - 400) as f64 / 50.0).powi(5)).collect();
        let few: Vec<f64> = (0..1000).map(|i| (i * i % 7) as f64).collect();
        for kind in [NormalisationKind::Quantile, NormalisationKind::Log] {
            for (column, within) in [
                (&tail, 0.01),
                (&few, 1e-6),
                (&vec![3.5; 9], 0.0),
                (&vec![0.0; 9], 0.0),
                (&vec![-1e300, 1e-300], 1e-6),
            ] {
                let fitted = Normalisation::fit(kind, column, 1).unwrap();
                let normal = fitted.apply(column);
                let back = fitted.invert(&normal);
                let range = column.iter().fold(0.0, |a: f64, x| a.max(x.abs()));
                for (x, y) in column.iter().zip(&back) {
                    assert!(
                        (x - y).abs() <= within * (x.abs() + range * 1e-3),
                        "{kind:?}: {x} came back as {y}"
                    );
                }
                let most = if kind == NormalisationKind::Log { 1.0 } else { 4.0 };
                assert!(normal.iter().all(|y| y.abs() <= most));
                let mut pairs: Vec<_> = column.iter().zip(&normal).collect();
                pairs.sort_by(|a, b| a.0.total_cmp(b.0));
                assert!(pairs.windows(2).all(|p| p[0].1 <= p[1].1));
                // Beyond what was seen, and what is no number.
                for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308] {
                    let Normalisation::Piecewise { curves, .. } = &fitted else {
                        panic!("{kind:?} is affine")
                    };
                    assert!(curves[0].invert(odd).is_finite() && !curves[0].apply(odd.max(-1e308)).is_nan());
                }
            }
        }
        assert!(Normalisation::fit(NormalisationKind::Quantile, &[-1.7e308, 1.7e308], 1).is_err());
    }

    #[test]
    fn ranges_beyond_f64_are_refused() {
        for pair in [[-1.7e308, 1.7e308], [0.0, 1e-310]] {
            assert!(Normalisation::fit(NormalisationKind::MinMax, &pair, 1).is_err(), "{pair:?}");
        }
    }
}
