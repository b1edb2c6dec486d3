//! Values that are integers in disguise: packed upstream by a scale and an offset, counts, tenths of a degree.
//!
//! A lattice says how an integer becomes a value, in single IEEE operations as whoever unpacked the data will have
//! done them; so every value on it comes back bit for bit. [`super::probe`] finds lattices.

use super::class::{Bits, CONSTANT, Classes};
use crate::error::{Error, Result};

/// Integers of a float lattice are at most this large either way: f64 holds them all.
pub const MOST: i64 = 1 << 53;

/// The arithmetic that made a float of an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Formula {
    /// n x scale + offset, in f64.
    Product = 1,
    /// n / scale + offset, in f64.
    Quotient = 2,
    /// n x scale + offset, in f32.
    Single = 3,
    /// [`Formula::Product`] rounded to f32, for f64 that were f32 once.
    ProductToSingle = 5,
    /// [`Formula::Quotient`] rounded to f32.
    QuotientToSingle = 6,
}

/// How integers stand for floats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lattice {
    /// The arithmetic.
    pub formula: Formula,
    /// Finite and above zero.
    pub scale: f64,
    /// Finite.
    pub offset: f64,
}

impl Lattice {
    /// A lattice from what a file says; `double` where values are f64.
    ///
    /// Errors where some integer might become a NaN, whose bits machines choose.
    pub fn new(formula: u8, scale: f64, offset: f64, double: bool) -> Result<Self> {
        let formula = match formula {
            1 => Formula::Product,
            2 => Formula::Quotient,
            3 => Formula::Single,
            5 if double => Formula::ProductToSingle,
            6 if double => Formula::QuotientToSingle,
            other => {
                return Err(Error::unsupported(format!("lattice formula {other} is of a later version")));
            }
        };
        let fits = |x: f64| if formula == Formula::Single { (x as f32).is_finite() } else { x.is_finite() };
        if !(scale > 0.0 && fits(scale) && fits(offset)) {
            return Err(Error::corrupt(format!(
                "a lattice of scale {scale} and offset {offset} is not possible"
            )));
        }
        Ok(Lattice { formula, scale, offset })
    }

    /// The value that `n` stands for; f32 fields round it once more.
    #[inline(always)]
    pub fn value(&self, n: i64) -> f64 {
        match self.formula {
            Formula::Product => n as f64 * self.scale + self.offset,
            Formula::Quotient => n as f64 / self.scale + self.offset,
            Formula::Single => (n as f32 * self.scale as f32 + self.offset as f32) as f64,
            Formula::ProductToSingle => (n as f64 * self.scale + self.offset) as f32 as f64,
            Formula::QuotientToSingle => (n as f64 / self.scale + self.offset) as f32 as f64,
        }
    }

    /// The distance of neighbouring values.
    pub fn spacing(&self) -> f64 {
        match self.formula {
            Formula::Quotient | Formula::QuotientToSingle => 1.0 / self.scale,
            _ => self.scale,
        }
    }

    /// The integer that stands for `x`, but for less than `slack`, if there is one: spacings are many units of rounding,
    /// so it can only be the nearest.
    #[inline(always)]
    pub fn index<F: Bits + FromF64>(&self, x: F, slack: f64) -> Option<i64> {
        let n = ((x.into() - self.offset) / self.spacing()).round_ties_even();
        let value = F::from_f64(self.value(n as i64));
        let near = value.bits() == x.bits() || (value.into() - x.into()).abs() < slack;
        (near && n.abs() <= MOST as f64).then_some(n as i64)
    }
}

/// Floats, rounded once from f64.
pub trait FromF64: Into<f64> + Copy {
    /// Half the distance of 1 to the next number, relative rounding's largest error.
    const ROUNDING: f64;
    /// The nearest.
    fn from_f64(x: f64) -> Self;
}

impl FromF64 for f32 {
    const ROUNDING: f64 = f32::EPSILON as f64 / 2.0;
    #[inline(always)]
    fn from_f64(x: f64) -> f32 {
        x as f32
    }
}

impl FromF64 for f64 {
    const ROUNDING: f64 = f64::EPSILON / 2.0;
    #[inline(always)]
    fn from_f64(x: f64) -> f64 {
        x
    }
}

/// The integers of `values`, each less than `slack` off or exact, and the places of those that are on no integer; special
/// places repeat the one before. Where too many are off the lattice it ends early.
pub fn to_integers<F: Bits + FromF64>(
    lattice: &Lattice,
    values: &[F],
    special: &Classes,
    slack: f64,
) -> (Vec<i64>, Vec<usize>) {
    let (mut last, mut strays) = (0, vec![]);
    let mut integers = Vec::with_capacity(values.len());
    for (i, &x) in values.iter().enumerate() {
        if special.plane.get(i).is_none_or(|&c| c < CONSTANT) {
            match lattice.index(x, slack) {
                Some(n) => last = n,
                None => strays.push(i),
            }
            if strays.len() > most_strays(values.len()) {
                break;
            }
        }
        integers.push(last);
    }
    (integers, strays)
}

/// As many of `count` values may lie off a lattice: at some 75 bits each they then cost about what a lattice must save.
pub fn most_strays(count: usize) -> usize {
    count / 64
}

/// How integers stand for integers: all are multiples of `scale` away from `offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Multiples {
    /// At least one.
    pub scale: i64,
    /// One of the values.
    pub offset: i64,
}

impl Multiples {
    /// What a file says, for a type with these limits of ordered integers.
    pub fn new(scale: i64, offset: i64, (least, most): (i64, i64)) -> Result<Self> {
        if scale < 1 || !(least..=most).contains(&offset) {
            return Err(Error::corrupt(format!("multiples of {scale} from {offset} are not possible")));
        }
        Ok(Multiples { scale, offset })
    }

    /// The integers that stand for one within the limits of a type, cut to what i64 holds.
    pub fn limits(&self, (least, most): (i64, i64)) -> (i64, i64) {
        let quotient = |end: i64| (end as i128 - self.offset as i128) / self.scale as i128;
        let cut = |n: i128| n.clamp(i64::MIN as i128, i64::MAX as i128) as i64;
        (cut(quotient(least)), cut(quotient(most)))
    }

    /// The ordered integer that `n`, within [`Multiples::limits`], stands for.
    pub fn value(&self, n: i64) -> i64 {
        n.wrapping_mul(self.scale).wrapping_add(self.offset)
    }

    /// The inverse of [`Multiples::value`].
    pub fn index(&self, x: i64) -> i64 {
        ((x as i128 - self.offset as i128) / self.scale as i128).clamp(i64::MIN as i128, i64::MAX as i128)
            as i64
    }
}
