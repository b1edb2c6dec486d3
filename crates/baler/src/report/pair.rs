//! A column, or all values of a field, before and after.

use crate::data::{Table, Values};
use crate::error::{Error, Result};
use crate::front::Tolerance;

/// A column, or all values of a field, before and after.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// Its name.
    pub name: &'a str,
    /// The unit of its values, empty where none is known.
    pub unit: &'a str,
    /// What there was.
    pub before: &'a Values,
    /// What came back: as many values of the same type.
    pub after: &'a Values,
    /// How far off it was allowed to be; [`Tolerance::None`] where that is not known.
    pub tolerance: Tolerance,
}

/// The columns of two tables; `tolerances` has one for each.
///
/// Errors where the tables differ in their columns' names, types or lengths.
pub fn pairs<'a>(before: &'a Table, after: &'a Table, tolerances: &[Tolerance]) -> Result<Vec<Pair<'a>>> {
    if before.columns.len() != after.columns.len() || tolerances.len() != before.columns.len() {
        let (b, a, t) = (before.columns.len(), after.columns.len(), tolerances.len());
        return Err(Error::invalid(format!("{b} columns before, {a} after, and {t} bounds of them")));
    }
    let columns = before.columns.iter().zip(&after.columns).zip(tolerances);
    columns
        .map(|((b, a), &tolerance)| {
            let (kind, other) = ((b.values.dtype(), b.values.len()), (a.values.dtype(), a.values.len()));
            if b.name != a.name {
                return Err(Error::invalid(format!("column '{}' is '{}' after", b.name, a.name)));
            }
            if kind != other {
                return Err(Error::invalid(format!(
                    "column '{}' has {} values of {} before, {} of {} after",
                    b.name, kind.1, kind.0, other.1, other.0
                )));
            }
            Ok(Pair { name: &b.name, unit: "", before: &b.values, after: &a.values, tolerance })
        })
        .collect()
}

/// What became of a value: how far off it is, 0 where both are the same NaN or infinity. Infinite where only
/// one of the two is finite, or they are different infinities.
pub(super) fn residual(before: f64, after: f64) -> f64 {
    if before == after || (before.is_nan() && after.is_nan()) {
        0.0
    } else if before.is_finite() && after.is_finite() {
        after - before
    } else {
        f64::INFINITY
    }
}

/// The largest of the finite residuals, or their root mean square, as a share of what was allowed; `None` where
/// everything was.
pub(super) fn share_of_bound(tolerance: Tolerance, before: &[f64], lost: &[f64]) -> Option<f64> {
    let summary = Summary::of(lost).filter(|s| s.largest() > 0.0);
    let Some(summary) = summary else { return (tolerance != Tolerance::None).then_some(0.0) };
    Some(match tolerance {
        Tolerance::None => return None,
        Tolerance::Exact => f64::INFINITY,
        Tolerance::Absolute(bound) => summary.largest() / bound,
        Tolerance::RootMeanSquare(bound) => summary.rms / bound,
        Tolerance::Pointwise(share) => {
            let lost = before.iter().zip(lost).filter(|(_, d)| d.is_finite() && **d != 0.0);
            lost.map(|(b, d)| d.abs() / (share * b.abs())).fold(0.0, f64::max)
        }
    })
}

/// A share of the bound that says it is broken, and not by a rounding of the share.
pub(super) fn is_broken(share: f64) -> bool {
    share > 1.0 + 1e-9
}

/// Least and greatest of the finite values; `None` where there are none.
pub(super) fn finite_range<'a>(values: impl IntoIterator<Item = &'a f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|v| v.is_finite()).fold(None, |range, &v| match range {
        None => Some((v, v)),
        Some((low, high)) => Some((low.min(v), high.max(v))),
    })
}

/// What there is to say of residuals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Summary {
    pub mean: f64,
    pub rms: f64,
    pub low: f64,
    pub high: f64,
    /// Values that are finite on one side only.
    pub broken: usize,
}

impl Summary {
    /// Of the finite ones; `None` where there are none.
    pub fn of(residuals: &[f64]) -> Option<Summary> {
        let (low, high) = finite_range(residuals)?;
        let finite = || residuals.iter().filter(|r| r.is_finite());
        // In shares of the largest, which squares cannot overflow.
        let (n, unit) = (finite().count() as f64, low.abs().max(high.abs()).max(f64::MIN_POSITIVE));
        let mean = finite().map(|r| r / unit).sum::<f64>() / n * unit;
        let rms = (finite().map(|r| (r / unit).powi(2)).sum::<f64>() / n).sqrt() * unit;
        Some(Summary { mean, rms, low, high, broken: residuals.len() - n as usize })
    }

    pub fn largest(&self) -> f64 {
        self.low.abs().max(self.high.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Column;

    #[test]
    fn residuals_of_special_values() {
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        for (before, after, want) in [
            (1.0, 1.5, 0.5),
            (nan, nan, 0.0),
            (inf, inf, 0.0),
            (-inf, inf, inf),
            (nan, 0.0, inf),
            (0.0, nan, inf),
        ] {
            assert_eq!(residual(before, after), want);
        }
    }

    #[test]
    fn a_summary_of_what_is_finite() {
        assert_eq!(Summary::of(&[f64::INFINITY]), None);
        let s = Summary::of(&[3.0, -4.0, f64::INFINITY]).unwrap();
        assert_eq!((s.mean, s.low, s.high, s.broken, s.largest()), (-0.5, -4.0, 3.0, 1, 4.0));
        assert!((s.rms - 12.5f64.sqrt()).abs() < 1e-12);
        assert_eq!(Summary::of(&[f64::MAX, -f64::MAX]).unwrap().rms, f64::MAX);
    }

    #[test]
    fn shares_of_every_bound() {
        let (before, lost) = ([1.0, -4.0, f64::NAN], [0.5, -1.0, f64::INFINITY]);
        for (tolerance, share) in [
            (Tolerance::None, None),
            (Tolerance::Exact, Some(f64::INFINITY)),
            (Tolerance::Absolute(4.0), Some(0.25)),
            (Tolerance::Pointwise(1.0), Some(0.5)),
            (Tolerance::RootMeanSquare(0.625f64.sqrt()), Some(1.0)),
        ] {
            assert_eq!(share_of_bound(tolerance, &before, &lost), share);
            assert!(share_of_bound(tolerance, &before, &[0.0; 3]).is_none_or(|s| s == 0.0));
        }
        assert!(is_broken(1.1) && !is_broken(1.0));
    }

    #[test]
    fn tables_must_match() {
        let table = |name: &str, values| Table::new(vec![Column { name: name.into(), values }]).unwrap();
        let a = table("a", Values::U8(vec![1]));
        assert!(pairs(&a, &a, &[Tolerance::Exact]).is_ok());
        for other in
            [table("b", Values::U8(vec![1])), table("a", Values::I8(vec![1])), table("a", Values::U8(vec![]))]
        {
            assert!(pairs(&a, &other, &[Tolerance::Exact]).is_err());
        }
        assert!(pairs(&a, &a, &[]).is_err() && pairs(&Table::default(), &Table::default(), &[]).is_ok());
    }
}
