//! What a float network computes in: singles or doubles.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

use crate::model::kernel::gemm::Product;

/// What training computes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Precision {
    /// 24 bits: fast, and finer than what integers of 16 keep of the weights.
    #[default]
    #[serde(rename = "f32")]
    Single,
    /// 53 bits, at half the speed and twice the memory or more.
    #[serde(rename = "f64")]
    Double,
}

impl Precision {
    /// Whether it is the default.
    pub fn is_single(&self) -> bool {
        *self == Precision::Single
    }
}

/// f32 or f64. (Sealed by [`Product`], which is not reached from outside.)
pub trait Real:
    Product
    + Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Which of the two.
    const PRECISION: Precision;

    /// The nearest to `x`.
    fn of(x: f64) -> Self;
    /// Exactly the same.
    fn f64(self) -> f64;
    /// As of the primitive types, like all that follow.
    fn sqrt(self) -> Self;
    /// e to this power.
    fn exp(self) -> Self;
    /// The error function.
    fn erf(self) -> Self;
    /// Without the sign.
    fn abs(self) -> Self;
    /// With the sign of another.
    fn copysign(self, sign: Self) -> Self;
    /// The larger one.
    fn max(self, other: Self) -> Self;
    /// An order in which NaN have places.
    fn total_cmp(&self, other: &Self) -> std::cmp::Ordering;
}

macro_rules! real {
    ($t:ident, $precision:ident, $erf:ident) => {
        impl Real for $t {
            const ZERO: $t = 0.0;
            const ONE: $t = 1.0;
            const PRECISION: Precision = Precision::$precision;

            fn of(x: f64) -> $t {
                x as $t
            }
            fn f64(self) -> f64 {
                self as f64
            }
            fn sqrt(self) -> $t {
                $t::sqrt(self)
            }
            fn exp(self) -> $t {
                $t::exp(self)
            }
            fn erf(self) -> $t {
                libm::$erf(self)
            }
            fn abs(self) -> $t {
                $t::abs(self)
            }
            fn copysign(self, sign: $t) -> $t {
                $t::copysign(self, sign)
            }
            fn max(self, other: $t) -> $t {
                $t::max(self, other)
            }
            fn total_cmp(&self, other: &$t) -> std::cmp::Ordering {
                $t::total_cmp(self, other)
            }
        }
    };
}

real!(f32, Single, erff);
real!(f64, Double, erf);
