//! Every value as an integer of the same order, exactly.
//!
//! Integers are themselves (u64 with its top bit flipped). Floats are their bits, with the magnitude of negatives
//! complemented, so that neighbouring floats are neighbouring integers (Lindstrom and Isenburg, fpzip, 2006).

use crate::data::{DType, Values};

/// An f32's integer: -0 just below +0, NaNs at both ends.
#[inline(always)]
pub fn from_f32(x: f32) -> i64 {
    let bits = x.to_bits() as i32;
    (bits ^ (bits >> 31 & i32::MAX)) as i64
}

/// The inverse of [`from_f32`].
#[inline(always)]
pub fn to_f32(i: i64) -> f32 {
    let i = i as i32;
    f32::from_bits((i ^ (i >> 31 & i32::MAX)) as u32)
}

/// An f64's integer.
#[inline(always)]
pub fn from_f64(x: f64) -> i64 {
    let bits = x.to_bits() as i64;
    bits ^ (bits >> 63 & i64::MAX)
}

/// The inverse of [`from_f64`].
#[inline(always)]
pub fn to_f64(i: i64) -> f64 {
    f64::from_bits((i ^ (i >> 63 & i64::MAX)) as u64)
}

/// All of `values` as integers; text has none, and gives an empty list.
pub fn to_integers(values: &Values) -> Vec<i64> {
    match values {
        Values::Bool(v) => v.iter().map(|&x| x as i64).collect(),
        Values::U8(v) => v.iter().map(|&x| x as i64).collect(),
        Values::I8(v) => v.iter().map(|&x| x as i64).collect(),
        Values::U16(v) => v.iter().map(|&x| x as i64).collect(),
        Values::I16(v) => v.iter().map(|&x| x as i64).collect(),
        Values::U32(v) => v.iter().map(|&x| x as i64).collect(),
        Values::I32(v) => v.iter().map(|&x| x as i64).collect(),
        Values::U64(v) => v.iter().map(|&x| (x ^ 1 << 63) as i64).collect(),
        Values::I64(v) => v.clone(),
        Values::F32(v) => v.iter().map(|&x| from_f32(x)).collect(),
        Values::F64(v) => v.iter().map(|&x| from_f64(x)).collect(),
        Values::Text(_) => vec![],
    }
}

/// The inverse of [`to_integers`], for integers within [`limits`] of `dtype`; others wrap.
pub fn from_integers(integers: &[i64], dtype: DType) -> Values {
    let i = integers.iter();
    match dtype {
        DType::Bool => Values::Bool(i.map(|&x| x != 0).collect()),
        DType::U8 => Values::U8(i.map(|&x| x as u8).collect()),
        DType::I8 => Values::I8(i.map(|&x| x as i8).collect()),
        DType::U16 => Values::U16(i.map(|&x| x as u16).collect()),
        DType::I16 => Values::I16(i.map(|&x| x as i16).collect()),
        DType::U32 => Values::U32(i.map(|&x| x as u32).collect()),
        DType::I32 => Values::I32(i.map(|&x| x as i32).collect()),
        DType::U64 => Values::U64(i.map(|&x| x as u64 ^ 1 << 63).collect()),
        DType::I64 => Values::I64(integers.to_vec()),
        DType::F32 => Values::F32(i.map(|&x| to_f32(x)).collect()),
        DType::F64 => Values::F64(i.map(|&x| to_f64(x)).collect()),
        DType::Text => Values::Text(vec![]),
    }
}

/// Low bits that an integer may be cut by: more than any float's mantissa has.
pub const MOST_CUT: u32 = 56;

/// The smallest and largest integer of `dtype`.
pub fn limits(dtype: DType) -> (i64, i64) {
    match dtype {
        DType::Bool => (0, 1),
        DType::U8 => (0, u8::MAX as i64),
        DType::I8 => (i8::MIN as i64, i8::MAX as i64),
        DType::U16 => (0, u16::MAX as i64),
        DType::I16 => (i16::MIN as i64, i16::MAX as i64),
        DType::U32 => (0, u32::MAX as i64),
        DType::I32 | DType::F32 => (i32::MIN as i64, i32::MAX as i64),
        DType::U64 | DType::I64 | DType::F64 | DType::Text => (i64::MIN, i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_every_bit_returns() {
        let bits32 =
            (0..u32::MAX - 70_000).step_by(65_537).chain([0, 1, 1 << 31, (1 << 31) + 1, 0x7f80_0000]);
        let mut all: Vec<f32> = bits32.map(f32::from_bits).collect();
        assert!(all.iter().all(|&x| to_f32(from_f32(x)).to_bits() == x.to_bits()));
        all.retain(|x| !x.is_nan());
        all.sort_by(|a, b| a.partial_cmp(b).unwrap());
        assert!(all.windows(2).all(|w| w[0] == w[1] || from_f32(w[0]) < from_f32(w[1])));
        for x in [0.0, -0.0, 1.5, -1.5, f64::MIN, f64::MAX, f64::INFINITY, f64::NAN, -f64::NAN, 5e-324] {
            assert_eq!(to_f64(from_f64(x)).to_bits(), x.to_bits());
        }
        for v in [Values::U64(vec![0, 1, u64::MAX, 1 << 63]), Values::I64(vec![i64::MIN, -1, i64::MAX])] {
            assert_eq!(from_integers(&to_integers(&v), v.dtype()), v);
        }
    }
}
