//! The last look before a chunk is written: every value within its tolerance, and by how much it is off.

use super::Tolerance;
use super::class::{Bits, number_of};
use crate::cpu::{Cpu, Job, best};
use crate::data::Values;
use crate::with_numbers;

/// The largest error of `decoded` against `original`, over finite values: absolute, or for pointwise bounds relative
/// to the original. `None` where a value breaks `tolerance`, or where one that must come back bit for bit does not.
pub fn largest_error(original: &Values, decoded: &Values, tolerance: Tolerance) -> Option<f64> {
    match (original, decoded, tolerance) {
        (Values::F32(a), Values::F32(b), t) => floats(a, b, t),
        (Values::F64(a), Values::F64(b), t) => floats(a, b, t),
        (a, b, Tolerance::Exact) => (a == b).then_some(0.0),
        (a, b, t) => {
            let (a, b) = (super::ordered::to_integers(a), super::ordered::to_integers(b));
            let largest = a.iter().zip(&b).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0) as f64;
            (a.len() == b.len() && largest <= allowed(t)).then_some(largest)
        }
    }
}

/// The largest absolute difference that a tolerance of whole numbers allows.
fn allowed(tolerance: Tolerance) -> f64 {
    match tolerance {
        Tolerance::Absolute(b) => b,
        Tolerance::Exact | Tolerance::Pointwise(_) => 0.0,
        Tolerance::RootMeanSquare(_) | Tolerance::None => f64::INFINITY,
    }
}

fn floats<F: Bits + Into<f64>>(original: &[F], decoded: &[F], tolerance: Tolerance) -> Option<f64> {
    if original.len() != decoded.len() {
        return None;
    }
    // An error may be at most `absolute` + `relative` x |original|; a comparison with NaN does not hold.
    let (absolute, relative) = match tolerance {
        Tolerance::Exact => (-1.0, 0.0),
        Tolerance::Absolute(bound) => (bound, 0.0),
        Tolerance::Pointwise(bound) => (0.0, bound),
        Tolerance::RootMeanSquare(_) => (f64::MAX, 0.0),
        Tolerance::None => return Some(unbounded(original, decoded)),
    };
    best(Look { original, decoded, absolute, relative }, false)
}

/// A look at every value.
struct Look<'a, F> {
    original: &'a [F],
    decoded: &'a [F],
    absolute: f64,
    relative: f64,
}

impl<F: Bits + Into<f64>> Job for Look<'_, F> {
    type Outcome = Option<f64>;
    /// Without a way out, eight values at a time: compilers make vectors of it.
    #[inline(always)]
    fn run(self, _: impl Cpu) -> Option<f64> {
        let Look { original, decoded, absolute, relative } = self;
        let share = relative > 0.0;
        let ((a, a_rest), (b, b_rest)) = (original.as_chunks::<8>(), decoded.as_chunks::<8>());
        let mut last = [[F::of_bits(0); 8]; 2];
        last[0][..a_rest.len()].copy_from_slice(a_rest);
        last[1][..b_rest.len()].copy_from_slice(b_rest);
        let mut largest = [0.0f64; 8];
        let mut fails = [false; 8];
        for (a, b) in a.iter().zip(b).chain([(&last[0], &last[1])]) {
            for lane in 0..8 {
                let (a, b) = (a[lane], b[lane]);
                let (x, y): (f64, f64) = (a.into(), b.into());
                let error = (x - y).abs();
                // A lost infinity is no error that any share of it could excuse.
                let within = (error <= f64::MAX)
                    & (error <= absolute + relative * x.abs())
                    & (a.bits() != F::NEGATIVE_ZERO);
                let same = a.bits() == b.bits();
                fails[lane] |= !(within | same);
                let error = if same { 0.0 } else { error };
                let error = if share { error / x.abs() } else { error };
                largest[lane] = if error > largest[lane] { error } else { largest[lane] };
            }
        }
        (fails == [false; 8]).then(|| largest.into_iter().fold(0.0, f64::max))
    }
}

/// The largest error between values that are finite on both sides.
fn unbounded<F: Bits + Into<f64>>(original: &[F], decoded: &[F]) -> f64 {
    let error = |(&a, &b): (&F, &F)| -> f64 { (a.into() - b.into()).abs() };
    original.iter().zip(decoded).map(error).filter(|e| e.is_finite()).fold(0.0, f64::max)
}

/// What breaks a tolerance.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Breaches {
    /// Values that do.
    pub count: u64,
    /// The first of them.
    pub first: Option<usize>,
    /// The largest error of all values, as [`largest_error`] has it; infinite where a value that is finite on one side is not on
    /// the other, or another NaN.
    pub largest: f64,
}

/// Looks for the values that break `tolerance`, or are a `fill` that has not come back. Cost: as [`largest_error`] where none
/// does, and some hundred times as much for those that do.
pub fn breaches(original: &Values, decoded: &Values, tolerance: Tolerance, fill: Option<u64>) -> Breaches {
    let mut found = Breaches::default();
    look_into(original, decoded, (tolerance, fill), 0, &mut found);
    found
}

fn look_into(
    original: &Values,
    decoded: &Values,
    (tolerance, fill): (Tolerance, Option<u64>),
    start: usize,
    found: &mut Breaches,
) {
    let kept = tolerance == Tolerance::None || fill_is_kept(original, decoded, fill);
    let error = largest_error(original, decoded, tolerance).filter(|_| kept);
    let n = original.len().min(decoded.len());
    if error.is_some() || n == 0 {
        found.largest = found.largest.max(error.unwrap_or(0.0));
    } else if n == 1 {
        found.count += 1;
        found.first.get_or_insert(start);
        let [x, y] = [original, decoded].map(|v| v.to_f64().map_or(f64::NAN, |v| v[0]));
        let share = if let Tolerance::Pointwise(_) = tolerance { x.abs() } else { 1.0 };
        let error = if x == y { 0.0 } else { (x - y).abs() / share };
        found.largest = found.largest.max(if error.is_nan() { f64::INFINITY } else { error });
    } else {
        for part in [0..n / 2, n / 2..n] {
            let start = start + part.start;
            look_into(&original.slice(part.clone()), &decoded.slice(part), (tolerance, fill), start, found);
        }
    }
}

/// Whether every value with the bits of `fill` comes back with them.
pub fn fill_is_kept(original: &Values, decoded: &Values, fill: Option<u64>) -> bool {
    fn kept<T: Bits, U: Bits>(a: &[T], b: &[U], fill: u64) -> bool {
        a.iter().zip(b).all(|(a, b)| (a.bits() != fill) | (b.bits() == fill))
    }
    let Some(fill) = fill else { return true };
    with_numbers!(original, a => with_numbers!(decoded, b => kept(a, b, fill), _ => false), _ => true)
}

/// Root mean square error over the values that count, 0 of none: the finite ones but for `fill`. Squares are taken of shares
/// of the largest error, so that none overflows.
pub fn root_mean_square(original: &Values, decoded: &Values, fill: Option<u64>) -> f64 {
    let (Some(a), Some(b)) = (original.to_f64(), decoded.to_f64()) else { return 0.0 };
    let counts = counting(original, fill);
    let errors = || a.iter().zip(&b).filter(|(x, _)| counts(**x)).map(|(x, y)| (x - y).abs());
    let largest = errors().fold(0.0, f64::max);
    if largest == 0.0 {
        return 0.0;
    }
    let shares: f64 = errors().map(|e| (e / largest) * (e / largest)).sum();
    largest * (shares / errors().count() as f64).sqrt()
}

/// How many values count where errors are measured: see [`root_mean_square`].
pub fn count_finite(values: &Values, fill: Option<u64>) -> usize {
    let counts = counting(values, fill);
    values.to_f64().map_or(0, |v| v.into_iter().filter(|&x| counts(x)).count())
}

/// Whether a value of the type of `values` counts.
fn counting(values: &Values, fill: Option<u64>) -> impl Fn(f64) -> bool {
    let fill = fill.and_then(|bits| number_of(bits, values.dtype())).unwrap_or(f64::NAN);
    move |x: f64| x.is_finite() && x != fill
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaches_are_those_that_a_look_at_each_value_finds() {
        let original: Vec<f32> = (0..97).map(|i| (i * i % 31) as f32).collect();
        for every in [1, 2, 7, 50, 200] {
            let off = |(i, &x): (usize, &f32)| if i % every == every / 2 { x + 0.5 } else { x + 0.01 };
            let mut decoded: Vec<f32> = original.iter().enumerate().map(off).collect();
            for (count, at) in [(0, None), (1, Some(f32::NAN))] {
                if let Some(lost) = at {
                    decoded[96] = lost;
                }
                let broken = |i: &usize| !((original[*i] - decoded[*i]).abs() <= 0.1);
                let (a, b) = (Values::F32(original.clone()), Values::F32(decoded.clone()));
                let found = breaches(&a, &b, Tolerance::Absolute(0.1), None);
                assert_eq!(found.count, (0..97).filter(broken).count() as u64);
                assert_eq!(found.first, (0..97).find(broken));
                let largest = if count == 1 { f64::INFINITY } else { found.largest };
                assert_eq!(found.largest, largest);
                assert!(count == 1 || (found.largest - if every < 200 { 0.5 } else { 0.01 }).abs() < 1e-5);
            }
        }
        let (a, b) = (Values::I16(vec![3, -5, 9]), Values::I16(vec![3, 5, 9]));
        let found = breaches(&a, &b, Tolerance::Exact, None);
        assert_eq!(found, Breaches { count: 1, first: Some(1), largest: 10.0 });
        let fill = breaches(&a, &Values::I16(vec![3, -5, 8]), Tolerance::Absolute(1.0), Some(9));
        assert_eq!((fill.count, fill.first), (1, Some(2)));
    }
}
