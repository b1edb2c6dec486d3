//! Bringing the features of a row to one scale before the first layer, and back behind the last.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How each feature's offset and scale are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NormalisationKind {
    /// The range of the training data becomes [0, 1].
    MinMax,
    /// Values pass as they are.
    Identity,
}

/// normalised = (value - offset) / scale, feature by feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalisation {
    /// How `offset` and `scale` were found.
    pub kind: NormalisationKind,
    /// The value that becomes 0.
    pub offset: Vec<f64>,
    /// The distance that becomes 1; positive. A constant feature has 1.
    pub scale: Vec<f64>,
}

impl Normalisation {
    /// Fits to `rows` of finite values, `features` each. Errors where a range overflows f64.
    pub fn fit(kind: NormalisationKind, rows: &[f64], features: usize) -> Result<Normalisation> {
        let (mut offset, mut scale) = (vec![0.0; features], vec![1.0; features]);
        if kind == NormalisationKind::MinMax && !rows.is_empty() {
            let mut maximum = rows[..features].to_vec();
            offset.copy_from_slice(&rows[..features]);
            for row in rows.chunks_exact(features) {
                for ((min, max), &x) in offset.iter_mut().zip(&mut maximum).zip(row) {
                    *min = min.min(x);
                    *max = max.max(x);
                }
            }
            for (scale, (max, min)) in scale.iter_mut().zip(maximum.iter().zip(&offset)) {
                let range = max - min;
                *scale = if range > 0.0 { range } else { 1.0 };
            }
        }
        Normalisation { kind, offset, scale }.checked()
    }

    /// Itself, if every number in it is one that can be computed with.
    pub fn checked(self) -> Result<Normalisation> {
        let sound =
            |(o, s): (&f64, &f64)| o.is_finite() && s.is_finite() && *s > 0.0 && (1.0 / s).is_finite();
        match self.offset.iter().zip(&self.scale).position(|pair| !sound(pair)) {
            Some(i) => Err(Error::invalid(format!(
                "feature {i} cannot be normalised: offset {:e}, range {:e}",
                self.offset[i], self.scale[i]
            ))),
            None if self.offset.len() != self.scale.len() => Err(Error::invalid("as many offsets as scales")),
            None => Ok(self),
        }
    }

    /// Normalised values of whole `rows`.
    pub fn apply(&self, rows: &[f64]) -> Vec<f32> {
        let scales = || self.offset.iter().zip(&self.scale);
        rows.chunks(self.offset.len())
            .flat_map(|row| {
                row.iter().zip(scales()).map(|(x, (offset, scale))| ((x - offset) / scale) as f32)
            })
            .collect()
    }

    /// The inverse of [`Normalisation::apply`].
    pub fn invert(&self, rows: &[f32]) -> Vec<f64> {
        let scales = || self.offset.iter().zip(&self.scale);
        rows.chunks(self.offset.len())
            .flat_map(|row| row.iter().zip(scales()).map(|(&x, (offset, scale))| x as f64 * scale + offset))
            .collect()
    }
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
    }

    #[test]
    fn ranges_beyond_f64_are_refused() {
        for pair in [[-1.7e308, 1.7e308], [0.0, 1e-310]] {
            assert!(Normalisation::fit(NormalisationKind::MinMax, &pair, 1).is_err(), "{pair:?}");
        }
    }
}
