//! Error bounds as users state them.

use crate::error::{Error, Result};

/// What a decoded value may differ from the original by.
///
/// Within any bound, NaN, infinities, negative zero and fill values come back bit for bit; unbounded ([`Bound::None`]) they
/// are what the model makes of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Not at all.
    Lossless,
    /// |decoded - original| <= value.
    Absolute(f64),
    /// Absolute, as a share of the range (largest less smallest) of the finite values.
    Relative(f64),
    /// Absolute, as a share of the standard deviation of the finite values.
    Deviation(f64),
    /// |decoded - original| <= value x |original|.
    Pointwise(f64),
    /// A peak signal-to-noise ratio of at least this many dB: 20 log10(range / root mean square error).
    Psnr(f64),
    /// Unbounded: the autoencoder's output as it is, its error measured and recorded.
    None,
}

impl Bound {
    /// A bound by its kind's name, as on the command line: `abs`, `rel`, `std`, `pwrel`, `psnr` with a value,
    /// `lossless` and `none` without.
    pub fn new(kind: &str, value: Option<f64>) -> Result<Bound> {
        let bound = match (kind, value) {
            ("lossless", None) => Bound::Lossless,
            ("none", None) => Bound::None,
            ("abs", Some(v)) => Bound::Absolute(v),
            ("rel", Some(v)) => Bound::Relative(v),
            ("std", Some(v)) => Bound::Deviation(v),
            ("pwrel", Some(v)) => Bound::Pointwise(v),
            ("psnr", Some(v)) => Bound::Psnr(v),
            ("lossless" | "none", Some(_)) => {
                return Err(Error::invalid(format!("the bound '{kind}' takes no value")));
            }
            ("abs" | "rel" | "std" | "pwrel" | "psnr", None) => {
                return Err(Error::invalid(format!("the bound '{kind}' wants a value, such as {kind}:1e-3")));
            }
            _ => {
                return Err(Error::invalid(format!(
                    "'{kind}' is no kind of bound; there are abs, rel, std, pwrel, psnr, lossless and none"
                )));
            }
        };
        bound.check()?;
        Ok(bound)
    }

    /// Reads `KIND:VALUE` or `KIND`.
    pub fn parse(text: &str) -> Result<Bound> {
        let Some((kind, value)) = text.split_once(':') else { return Bound::new(text, None) };
        let number = value
            .trim()
            .parse()
            .map_err(|_| Error::invalid(format!("'{value}' in the bound '{text}' is no number")))?;
        Bound::new(kind, Some(number))
    }

    /// Refuses values that bound nothing: zero, negative, not a number, infinite, a pointwise share of 1 or more.
    pub fn check(&self) -> Result<()> {
        let Some(v) = self.value() else { return Ok(()) };
        if v == 0.0 && !matches!(self, Bound::Psnr(_)) {
            return Err(Error::invalid(format!(
                "a bound of 0 ({}) loses nothing; say lossless",
                self.kind()
            )));
        }
        if !(v > 0.0 && v.is_finite()) {
            return Err(Error::invalid(format!("the bound {}:{v} must be a positive number", self.kind())));
        }
        if matches!(self, Bound::Pointwise(_)) && v >= 1.0 {
            return Err(Error::invalid(format!("a pointwise-relative bound of {v:e} must be below 1")));
        }
        Ok(())
    }

    /// The kind's name, as [`Bound::parse`] takes it.
    pub fn kind(&self) -> &'static str {
        match self {
            Bound::Lossless => "lossless",
            Bound::Absolute(_) => "abs",
            Bound::Relative(_) => "rel",
            Bound::Deviation(_) => "std",
            Bound::Pointwise(_) => "pwrel",
            Bound::Psnr(_) => "psnr",
            Bound::None => "none",
        }
    }

    /// The value, of the kinds that have one.
    pub fn value(&self) -> Option<f64> {
        match *self {
            Bound::Lossless | Bound::None => None,
            Bound::Absolute(v)
            | Bound::Relative(v)
            | Bound::Deviation(v)
            | Bound::Pointwise(v)
            | Bound::Psnr(v) => Some(v),
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.value() {
            Some(v) => write!(f, "{}:{v}", self.kind()),
            None => f.write_str(self.kind()),
        }
    }
}
