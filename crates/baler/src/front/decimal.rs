//! Floats that hold less than their type could: decimals of few digits, and mantissas cut short upstream. Exactly
//! coded, they are integers of a smaller range.

use super::ordered;

/// Decimal numbers of so many digits, like floats to the base 10: below 10^digits in units of 10^exponent, then in
/// decades of units ten times as large each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decimal {
    /// Significant digits, 1 to 15.
    pub digits: u8,
    /// The smallest unit's power of ten, -22 to 22.
    pub exponent: i8,
}

/// Powers of ten that are f64 exactly.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];
/// The largest power of ten by which a unit is scaled in one exact operation.
pub const MOST_EXPONENT: i8 = 22;
/// Most digits of which every number is an f64.
pub const MOST_DIGITS: u8 = 15;

impl Decimal {
    /// The number that an integer stands for, before it is rounded to the stored type: one product or quotient.
    #[inline]
    pub fn value(self, n: i64) -> f64 {
        let whole = 10u64.pow(self.digits as u32);
        let least = whole / 10;
        let a = n.unsigned_abs();
        let (m, decade) = if a < whole {
            (a, 0)
        } else {
            let decade = (a - least) / (whole - least);
            (a - decade * (whole - least), decade)
        };
        let unit = (self.exponent as i64).saturating_add(decade.min(64) as i64).min(MOST_EXPONENT as i64);
        let ten = TENS[unit.unsigned_abs() as usize];
        let x = if unit < 0 { m as f64 / ten } else { m as f64 * ten };
        if n < 0 { -x } else { x }
    }

    /// The integer that stands for `x`, if one does as `stored` rounds it.
    pub fn index(self, x: f64, stored: impl Fn(f64) -> f64) -> Option<i64> {
        let whole = 10u64.pow(self.digits as u32);
        let least = whole / 10;
        let size = x.abs();
        let mut unit = self.exponent;
        while unit < MOST_EXPONENT && size >= whole as f64 * power(unit) {
            unit += 1;
        }
        let m = if unit < 0 { size * TENS[-unit as usize] } else { size / TENS[unit as usize] }.round();
        if !(m <= whole as f64) {
            return None;
        }
        let n = (m as u64 + (unit - self.exponent) as u64 * (whole - least)) as i64;
        let n = if x < 0.0 { -n } else { n };
        (stored(self.value(n)) == x).then_some(n)
    }

    /// The decimals that a few numbers are, as their shortest form is written.
    pub fn find(shortest: impl Iterator<Item = String>) -> Option<Decimal> {
        let (mut digits, mut exponent) = (1, MOST_EXPONENT as i32);
        for text in shortest {
            let (mantissa, power) = text.split_once('e')?;
            let count = mantissa.bytes().filter(u8::is_ascii_digit).count();
            if mantissa.trim_start_matches('-') != "0" {
                digits = digits.max(count);
                exponent = exponent.min(power.parse::<i32>().ok()? + 1 - count as i32);
            }
        }
        let possible = digits <= MOST_DIGITS as usize && exponent.abs() <= MOST_EXPONENT as i32;
        possible.then_some(Decimal { digits: digits as u8, exponent: exponent as i8 })
    }
}

fn power(unit: i8) -> f64 {
    if unit < 0 { 1.0 / TENS[-unit as usize] } else { TENS[unit as usize] }
}

/// An ordered integer without its low bits, which are those of a mantissa cut short: zeros, of negatives ones.
#[inline(always)]
pub fn cut(ordered: i64, bits: u32) -> i64 {
    ordered >> bits
}

/// The inverse of [`cut`].
#[inline(always)]
pub fn uncut(k: i64, bits: u32) -> i64 {
    let low = if k < 0 { (1i64 << bits) - 1 } else { 0 };
    k.wrapping_shl(bits) | low
}

/// How many low bits nearly all of some ordered integers do without: all but one in `rare`.
pub fn cuttable(ordered: impl Iterator<Item = i64>, rare: usize) -> u32 {
    let mut counts = [0usize; 65];
    let mut total = 0;
    for n in ordered {
        counts[(n ^ (n >> 63)).trailing_zeros() as usize] += 1;
        total += 1;
    }
    let mut below = 0;
    let fits = counts.iter().position(|&c| {
        below += c;
        below * rare > total
    });
    fits.map_or(0, |b| b.min(ordered::MOST_CUT as usize) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_come_back() {
        let d = Decimal { digits: 6, exponent: -8 };
        let mut before = f64::NEG_INFINITY;
        for n in [
            -3_000_000, -1_000_000, -999_999, -1, 0, 1, 99_999, 999_999, 1_000_000, 1_899_999, 1_900_000,
            5_000_000,
        ] {
            let x = d.value(n);
            assert!(x > before, "{n}");
            before = x;
            assert_eq!(d.index(x, |x| x), Some(n));
        }
        assert_eq!(d.value(999_999), 0.00999999);
        assert_eq!(d.value(1_000_000), 0.01);
        let found =
            Decimal::find([37.5667, 2.28918, -0.837253, 0.00897285, 0.0].iter().map(|x| format!("{x:e}")));
        assert_eq!(found, Some(d));
        assert_eq!(Decimal::find([1.0f64 / 3.0].iter().map(|x| format!("{x:e}"))), None);
        // Whatever the integer, a number comes of it.
        for n in [i64::MIN, i64::MAX] {
            for exponent in [-22, 22] {
                assert!(!Decimal { digits: 15, exponent }.value(n).is_nan());
            }
        }
    }

    #[test]
    fn cut_mantissas_come_back() {
        for x in [1.5f32, -1.5, 0.0, 1e30, -1e-30] {
            let o = ordered::from_f32(f32::from_bits(x.to_bits() & !0xfff));
            assert!(cuttable([o; 8].into_iter(), 64) >= 12);
            assert_eq!(uncut(cut(o, 12), 12), o);
        }
    }
}
