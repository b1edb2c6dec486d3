//! Whether values hold to a bound, decided exactly and by other arithmetic than the library's own.
//!
//! A difference x - y is a float d and a float e, its rounding error (Knuth's two-sum), so that d + e is exact. Since
//! rounding never changes an order, d alone decides unless it equals the bound; then the sign of e does.
#![allow(dead_code)] // no user needs all of it

use baler::archive::header::Resolved;
use baler::bound::Bound;
use baler::data::Values;

/// |x - y| as a float and its rounding error, of which the sum is exact.
#[inline(always)]
pub fn distance(x: f64, y: f64) -> (f64, f64) {
    let d = x - y;
    let y_part = x - d;
    let e = (x - (d + y_part)) + (y_part - y);
    if d < 0.0 { (-d, -e) } else { (d, e) }
}

/// Whether |x - y| <= bound, all finite.
#[inline(always)]
pub fn within(x: f64, y: f64, bound: f64) -> bool {
    let (d, e) = distance(x, y);
    d < bound || d == bound && e <= 0.0
}

/// Whether |x - y| <= bound |x|, all finite, bound below 1.
#[inline(always)]
pub fn within_share(x: f64, y: f64, bound: f64) -> bool {
    // Away from underflow, where a product's rounding error would not be a float.
    let scale = if x.abs() < 1e-200 { 1e200f64.exp_of_two() } else { 1.0 };
    let (x, y) = (x * scale, y * scale);
    let (d, e) = distance(x, y);
    let p = bound * x.abs();
    // Here only is the product's own error needed, by a fused multiplication.
    d < p || d == p && e <= bound.mul_add(x.abs(), -p)
}

trait PowerOfTwo {
    fn exp_of_two(self) -> Self;
}

impl PowerOfTwo for f64 {
    /// The power of two below: a product with it is exact.
    fn exp_of_two(self) -> f64 {
        f64::from_bits(self.to_bits() & 0xfff0_0000_0000_0000)
    }
}

/// Panics unless `decoded` is within what the header promises of `original`; bits that every bound keeps included.
pub fn assert_bound(original: &Values, decoded: &Values, promise: Resolved) {
    let (bound, exact) = match (promise.bound, promise.value) {
        (Bound::Lossless, _) => (0.0, true),
        (Bound::Relative(_) | Bound::Deviation(_) | Bound::Psnr(_), Some(v)) => (v, v == 0.0),
        (b, _) => (b.value().unwrap_or(f64::INFINITY), false),
    };
    let pointwise = matches!(promise.bound, Bound::Pointwise(_));
    assert_eq!(original.len(), decoded.len());
    let mut squares = 0.0;
    let mut float = |a: f64, b: f64, bits: (u64, u64)| {
        let kept = !a.is_finite() || a == 0.0 && a.is_sign_negative() || exact || pointwise && a == 0.0;
        if bits.0 == bits.1 {
            return;
        }
        assert!(!kept && b.is_finite(), "{a:e} ({:#x}) became {b:e} under {promise:?}", bits.0);
        match promise.bound {
            Bound::Psnr(_) => squares += ((a - b) / bound) * ((a - b) / bound),
            Bound::Pointwise(_) => assert!(within_share(a, b, bound), "{a:e} became {b:e} under {promise:?}"),
            _ => assert!(within(a, b, bound), "{a:e} became {b:e} under {promise:?}"),
        }
    };
    match (original, decoded) {
        (Values::F32(a), Values::F32(b)) => {
            a.iter().zip(b).for_each(|(a, b)| {
                float(*a as f64, *b as f64, (a.to_bits() as u64, b.to_bits() as u64));
            });
        }
        (Values::F64(a), Values::F64(b)) => {
            a.iter().zip(b).for_each(|(a, b)| float(*a, *b, (a.to_bits(), b.to_bits())));
        }
        (a, b) => {
            for (a, b) in integers(a).into_iter().zip(integers(b)) {
                let off = a.abs_diff(b);
                match promise.bound {
                    Bound::Psnr(_) if !exact => squares += (off as f64 / bound) * (off as f64 / bound),
                    _ if exact || pointwise => assert_eq!(off, 0, "{a} became {b} under {promise:?}"),
                    _ => assert!(off <= bound.floor() as u128, "{a} became {b} under {promise:?}"),
                }
            }
        }
    }
    let mean = squares / original.len().max(1) as f64;
    assert!(mean <= 1.0 + 1e-9, "root mean square {} of what {promise:?} allows", mean.sqrt());
}

fn integers(values: &Values) -> Vec<i128> {
    match values {
        Values::Bool(v) => v.iter().map(|&x| x as i128).collect(),
        Values::U8(v) => v.iter().map(|&x| x as i128).collect(),
        Values::I8(v) => v.iter().map(|&x| x as i128).collect(),
        Values::U16(v) => v.iter().map(|&x| x as i128).collect(),
        Values::I16(v) => v.iter().map(|&x| x as i128).collect(),
        Values::U32(v) => v.iter().map(|&x| x as i128).collect(),
        Values::I32(v) => v.iter().map(|&x| x as i128).collect(),
        Values::U64(v) => v.iter().map(|&x| x as i128).collect(),
        Values::I64(v) => v.iter().map(|&x| x as i128).collect(),
        Values::F32(_) | Values::F64(_) | Values::Text(_) => panic!("no integers"),
    }
}
