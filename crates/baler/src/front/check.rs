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
