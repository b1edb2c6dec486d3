//! Values that a bound must not touch, told apart from the rest before anything is predicted.
//!
//! NaNs, infinities, negative zero and fill values come back bit for bit, and their places must not spoil the
//! prediction of their neighbours. So each value gets a class; only those of class [`REGULAR`] and [`NEGATIVE`]
//! are numbers to the codecs.

use crate::cpu::{Cpu, Job, best};
use crate::data::{DType, Values};
use std::collections::HashMap;

/// An ordinary number.
pub const REGULAR: u8 = 0;
/// An ordinary number coded by its magnitude, whose sign is minus (pointwise bounds only).
pub const NEGATIVE: u8 = 1;
/// The first class of one particular bit pattern.
pub const CONSTANT: u8 = 2;
/// A special value whose bits follow on their own: there are too many different ones.
pub const OWN: u8 = 15;
/// How many different patterns have a class.
pub const MOST_CONSTANTS: usize = (OWN - CONSTANT) as usize;

/// The classes of a run of values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Classes {
    /// A class a value; empty where all are [`REGULAR`].
    pub plane: Vec<u8>,
    /// The bit patterns of classes [`CONSTANT`], `CONSTANT + 1`, ...
    pub constants: Vec<u64>,
    /// The bits of each value of class [`OWN`], in order.
    pub own: Vec<u64>,
}

/// What counts as special.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Not finite, or the fill value: all that would spoil an exact coding's predictions.
    Exact,
    /// Also negative zero.
    Bounded,
    /// Also zero, whose logarithm is far from everything; and signs are told apart.
    Pointwise,
}

/// A value's bits, without sign or size lost.
pub trait Bits: Copy {
    /// The bits of negative zero; of integers, which have none, never asked for.
    const NEGATIVE_ZERO: u64;

    /// The bits, in the low end.
    fn bits(self) -> u64;
    /// The inverse of [`Bits::bits`].
    fn of_bits(bits: u64) -> Self;
    /// Its class but for constants: [`REGULAR`], [`NEGATIVE`] or, for special ones, [`CONSTANT`].
    fn class(self, rule: Rule) -> u8;
}

macro_rules! float_bits {
    ($t:ty, $u:ty) => {
        impl Bits for $t {
            const NEGATIVE_ZERO: u64 = (-0.0 as $t).to_bits() as u64;
            #[inline(always)]
            fn bits(self) -> u64 {
                self.to_bits() as u64
            }
            #[inline(always)]
            fn of_bits(bits: u64) -> Self {
                <$t>::from_bits(bits as $u)
            }
            #[inline(always)]
            fn class(self, rule: Rule) -> u8 {
                match rule {
                    _ if !self.is_finite() => CONSTANT,
                    Rule::Exact => REGULAR,
                    Rule::Bounded => CONSTANT * (self.to_bits() == (-0.0 as $t).to_bits()) as u8,
                    Rule::Pointwise if self == 0.0 => CONSTANT,
                    Rule::Pointwise => NEGATIVE * (self < 0.0) as u8,
                }
            }
        }
    };
}
float_bits!(f32, u32);
float_bits!(f64, u64);

macro_rules! integer_bits {
    ($($t:ty)*) => {$(
        impl Bits for $t {
            const NEGATIVE_ZERO: u64 = u64::MAX;
            #[inline(always)]
            fn bits(self) -> u64 {
                self as u64
            }
            #[inline(always)]
            fn of_bits(bits: u64) -> Self {
                bits as $t
            }
            #[inline(always)]
            fn class(self, _: Rule) -> u8 {
                REGULAR
            }
        }
    )*};
}
integer_bits!(u8 i8 u16 i16 u32 i32 u64 i64);

impl Bits for bool {
    const NEGATIVE_ZERO: u64 = u64::MAX;
    fn bits(self) -> u64 {
        self as u64
    }
    fn of_bits(bits: u64) -> Self {
        bits != 0
    }
    fn class(self, _: Rule) -> u8 {
        REGULAR
    }
}

/// The class of a value but for which constant it is.
#[inline(always)]
fn class_of<T: Bits>(x: T, rule: Rule, fill: Option<u64>) -> u8 {
    if fill == Some(x.bits()) { CONSTANT } else { x.class(rule) }
}

/// Whether no value is anything but regular.
struct AllRegular<'a, T> {
    values: &'a [T],
    rule: Rule,
    fill: Option<u64>,
}

impl<T: Bits> Job for AllRegular<'_, T> {
    type Outcome = bool;
    /// Without a way out of the inner loop, compilers look at many values at once.
    #[inline(always)]
    fn run(self, _: impl Cpu) -> bool {
        for part in self.values.chunks(256) {
            let mut any = REGULAR;
            for &x in part {
                any |= class_of(x, self.rule, self.fill);
            }
            if any != REGULAR {
                return false;
            }
        }
        true
    }
}

/// Tells the classes of `values` apart by `rule`; `fill` is the bits of a value that is special too.
pub fn classify<T: Bits>(values: &[T], rule: Rule, fill: Option<u64>) -> Classes {
    let class = |x: T| class_of(x, rule, fill);
    let mut classes = Classes::default();
    if best(AllRegular { values, rule, fill }, false) {
        return classes;
    }
    let mut known = HashMap::new();
    let mut last = (u64::MAX, OWN); // specials come in runs
    classes.plane = values
        .iter()
        .map(|&x| {
            let class = class(x);
            if class < CONSTANT {
                return class;
            }
            let bits = x.bits();
            if last.1 == OWN || last.0 != bits {
                let next = CONSTANT + known.len() as u8;
                let class = if next < OWN {
                    *known.entry(bits).or_insert(next)
                } else {
                    known.get(&bits).copied().unwrap_or(OWN)
                };
                last = (bits, class);
            }
            if last.1 == OWN {
                classes.own.push(bits);
            }
            last.1
        })
        .collect();
    let mut constants: Vec<_> = known.into_iter().collect();
    constants.sort_unstable_by_key(|&(_, class)| class);
    classes.constants = constants.into_iter().map(|(bits, _)| bits).collect();
    classes
}

/// Makes the values at `places` special, with their own bits.
pub fn make_own<T: Bits>(classes: &mut Classes, values: &[T], places: &[usize]) {
    if places.is_empty() {
        return;
    }
    classes.plane.resize(values.len(), REGULAR);
    places.iter().for_each(|&i| classes.plane[i] = OWN);
    classes.own = (0..values.len()).filter(|&i| classes.plane[i] == OWN).map(|i| values[i].bits()).collect();
}

/// Puts the special values back in their places, the inverse of [`classify`].
///
/// `classes` must be consistent: as many own bits as places of class [`OWN`], no constant beyond the list.
pub fn restore<T: Bits>(values: &mut [T], classes: &Classes) {
    let mut own = classes.own.iter();
    for (x, &class) in values.iter_mut().zip(&classes.plane) {
        match class {
            REGULAR | NEGATIVE => {}
            OWN => *x = T::of_bits(*own.next().expect("consistent classes")),
            constant => *x = T::of_bits(classes.constants[(constant - CONSTANT) as usize]),
        }
    }
}

/// The number that `bits` are in a type.
pub fn number_of(bits: u64, dtype: DType) -> Option<f64> {
    let size = dtype.size()?;
    Values::from_le_bytes(dtype, &bits.to_le_bytes()[..size]).ok()?.to_f64()?.first().copied()
}

/// The fill value that `values` seem to mark missing data with, where none was declared: a pattern in at least one
/// of two hundred, at the very top or bottom, and farther from all others than a thousand times their spread.
///
/// Looks at some four thousand values first, and at all of them only where those raise the suspicion.
pub fn find_fill(values: &Values) -> Option<u64> {
    fn search<T: Bits + PartialOrd>(v: &[T], as_f64: impl Fn(T) -> f64 + Copy) -> Option<u64> {
        let some: Vec<T> = v.iter().step_by(v.len() / 4096 + 1).copied().collect();
        search_all(&some, as_f64).and_then(|_| search_all(v, as_f64))
    }
    fn search_all<T: Bits + PartialOrd>(v: &[T], as_f64: impl Fn(T) -> f64) -> Option<u64> {
        let ends = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)))
        };
        let finite = || v.iter().map(|&x| as_f64(x)).filter(|x| x.is_finite());
        let (least, most) = ends(&mut finite());
        let candidate = |end: f64| {
            let hits = finite().filter(|&x| x == end).count();
            let (a, b) = ends(&mut finite().filter(|&x| x != end));
            let apart = (end - a).abs().min((end - b).abs());
            // Two values alone may be a flag: then it has to look like nothing else.
            let spread = if a == b { a.abs().max(1.0) } else { (b - a).max(a.abs().max(b.abs()) * 1e-3) };
            (hits * 200 >= v.len() && a <= b && apart > 1000.0 * spread).then_some(end)
        };
        let end = candidate(most).or_else(|| candidate(least))?;
        v.iter().find(|&&x| as_f64(x) == end).map(|x| x.bits())
    }
    match values {
        Values::F32(v) => search(v, |x| x as f64),
        Values::F64(v) => search(v, |x| x),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found among so many of one value and of others.
    fn found(fill: f32, others: &[f32]) -> bool {
        let value = |i: usize| if i.is_multiple_of(10) { fill } else { others[i % others.len()] };
        find_fill(&Values::F32((0..9000).map(value).collect())) == Some(fill.to_bits() as u64)
    }

    #[test]
    fn sentinels_are_found_and_flags_are_none() {
        let some = [270.0, 271.5, 273.1, 280.2, 290.0, 301.7, 299.9];
        for (fill, others, is) in [
            (1e20, &some[..], true),
            (-9.99e8, &some, true),
            (0.0, &some, false),
            (350.0, &some, false),
            (1.0, &[0.0], false),
            (0.0, &[1.0], false),
            (-1.0, &[1.0], false),
            (-9999.0, &[0.0], true),
            (1e20, &[5.0], true),
        ] {
            assert_eq!(found(fill, others), is, "{fill} among {others:?}");
        }
    }
}
