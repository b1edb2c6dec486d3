//! The front end: where a bound turns into integers, and the only place that loses anything.
//!
//! Each map here is a pair: values to integers, integers to values. All behind it is exact.

pub mod check;
pub mod class;
pub mod decimal;
mod formula;
pub mod lattice;
pub mod ordered;
pub mod pointwise;
pub mod probe;
pub mod runs;
pub mod uniform;

use crate::bound::Bound;
use crate::data::DType;
use crate::error::{Error, Result};
use crate::statistics::Statistics;

/// A bound once the variable's statistics are known: what one chunk has to hold to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// Every bit.
    Exact,
    /// |decoded - original| <= value.
    Absolute(f64),
    /// |decoded - original| <= value x |original|.
    Pointwise(f64),
    /// Root mean square error of each chunk, and so of the whole, at most this.
    RootMeanSquare(f64),
    /// Anything goes.
    None,
}

/// What the values of a run have to hold to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// How far off they may come back.
    pub tolerance: Tolerance,
    /// The bits of the one that stands for missing data, which comes back exactly.
    pub fill: Option<u64>,
}

impl From<Tolerance> for Target {
    fn from(tolerance: Tolerance) -> Target {
        Target { tolerance, fill: None }
    }
}

impl Tolerance {
    /// The tolerance of values of `dtype` with `statistics` under `bound`.
    ///
    /// Relative bounds of constant data, and bounds below one of integers, leave nothing to lose: exact.
    /// Errors where an absolute bound is smaller than the type's smallest number.
    pub fn resolve(bound: Bound, dtype: DType, statistics: &Statistics) -> Result<Tolerance> {
        bound.check()?;
        if !dtype.is_number() {
            return Ok(Tolerance::Exact);
        }
        let absolute = |value: f64| match dtype {
            DType::F32 | DType::F64 if value > 0.0 && value.is_finite() => Tolerance::Absolute(value),
            DType::F32 | DType::F64 => Tolerance::Exact,
            _ if value >= 1.0 => Tolerance::Absolute(value.min(4.6e18).floor()),
            _ => Tolerance::Exact,
        };
        Ok(match bound {
            Bound::Lossless => Tolerance::Exact,
            Bound::Absolute(v) => {
                let least = if dtype == DType::F32 { f32::from_bits(1) as f64 } else { f64::from_bits(1) };
                if dtype.is_float() && v < least {
                    return Err(Error::invalid(format!(
                        "the bound abs:{v:e} is below {least:.1e}, the smallest number of {dtype}; say lossless"
                    )));
                }
                absolute(v)
            }
            // The product must not exceed the true share. The range and the product may each have been rounded up by
            // half a unit in the last place, together by less than two units of the result.
            Bound::Relative(v) => absolute((v * statistics.range()).next_down().next_down()),
            Bound::Deviation(v) => absolute((v * statistics.deviation()).next_down()),
            Bound::Pointwise(v) if dtype.is_float() => Tolerance::Pointwise(v),
            Bound::Pointwise(_) => Tolerance::Exact,
            Bound::Psnr(v) => match statistics.range() * 10f64.powf(-v / 20.0) {
                rms if rms > 0.0 && rms.is_finite() => Tolerance::RootMeanSquare(rms),
                _ => Tolerance::Exact,
            },
            Bound::None => Tolerance::None,
        })
    }
}
