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

/// The finite values of a variable, summed up. Fill values are left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// How many there are.
    pub count: u64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Their mean.
    pub mean: f64,
    /// Sum of squared differences from the mean.
    pub squares: f64,
}

/// Hands out values eight at a time, fewer at the end.
#[inline(always)]
fn in_eights(values: impl Iterator<Item = f64>, mut take: impl FnMut(&[f64; 8], usize)) {
    let (mut eight, mut some) = ([0.0; 8], 0);
    for v in values {
        eight[some] = v;
        some += 1;
        if some == 8 {
            take(&eight, 8);
            some = 0;
        }
    }
    take(&eight, some);
}

impl Statistics {
    /// Of no values.
    pub const EMPTY: Statistics =
        Statistics { count: 0, min: f64::INFINITY, max: f64::NEG_INFINITY, mean: 0.0, squares: 0.0 };

    /// Of the finite ones among `values`. Sums are kept in eight lanes, so that they need not wait for each other.
    pub fn of(values: impl Iterator<Item = f64> + Clone) -> Statistics {
        const LANES: usize = 8;
        let mut count = 0;
        // Halved while summed, so that values near the largest float do not overflow.
        let (mut least, mut most, mut halves) =
            ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES], [0.0; LANES]);
        let finite = values.filter(|v| v.is_finite());
        in_eights(finite.clone(), |eight, some| {
            count += some as u64;
            for lane in 0..some {
                least[lane] = if eight[lane] < least[lane] { eight[lane] } else { least[lane] };
                most[lane] = if eight[lane] > most[lane] { eight[lane] } else { most[lane] };
                halves[lane] += eight[lane] * 0.5;
            }
        });
        if count == 0 {
            return Statistics::EMPTY;
        }
        let mean = halves.into_iter().sum::<f64>() / count as f64 * 2.0;
        let (mut rest, mut squares) = ([0.0; LANES], [0.0; LANES]);
        in_eights(finite, |eight, some| {
            for lane in 0..some {
                let d = eight[lane] - mean;
                rest[lane] += d;
                squares[lane] += d * d;
            }
        });
        let (rest, squares) = (rest.into_iter().sum::<f64>(), squares.into_iter().sum::<f64>());
        Statistics {
            count,
            min: least.into_iter().fold(f64::INFINITY, f64::min),
            max: most.into_iter().fold(f64::NEG_INFINITY, f64::max),
            mean,
            // What rounding left in the mean is taken out of the squares (Chan, Golub and LeVeque, 1983): it would
            // add to them, and a bound relative to the deviation must not grow.
            squares: (squares - rest * rest / count as f64).max(0.0),
        }
    }

    /// Of the values of both (Chan, Golub and LeVeque, 1979).
    pub fn merge(self, other: Statistics) -> Statistics {
        if self.count == 0 || other.count == 0 {
            return if self.count == 0 { other } else { self };
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let apart = other.mean - self.mean;
        Statistics {
            count: self.count + other.count,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            mean: self.mean + apart * (b / (a + b)),
            squares: self.squares + other.squares + apart * apart * (a / (a + b)) * b,
        }
    }

    /// Largest less smallest; 0 of no values.
    pub fn range(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.max - self.min).max(0.0) }
    }

    /// Standard deviation of the population, never more than half its range.
    pub fn deviation(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.squares / self.count as f64).sqrt().min(self.range() * 0.5) }
    }
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
            return Err(Error::invalid(format!("a pointwise-relative bound of {v} must be below 1")));
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
