//! Mode 3: values that upstream packed to integers are coded as those integers.

use super::apart::repeated;
use super::coding::{Choice, Way};
use super::recurring::likely;
use super::{How, Level, Mode, Whole, read_integers, write_integers};
use crate::codec::bytes::{Reader, put_varint, put_zigzag};
use crate::codec::class_plane;
use crate::data::{DType, Values};
use crate::error::{Error, Result};
use crate::front::class::{self, Bits, CONSTANT, Classes, Rule, classify};
use crate::front::lattice::{self, Formula, FromF64, Lattice, Multiples};
use crate::front::probe::{self, Found};
use crate::front::{Tolerance, ordered, runs};
use crate::with_numbers;

/// The format's tag of [`Multiples`]; other formulas are floats'.
const MULTIPLES: u8 = 0;

/// Codes `values` as integers of the lattice that they lie on: `None` where they lie on none, or where the bound is so
/// coarse that it costs more to keep to the lattice than to leave it.
pub(super) fn encode(values: &Values, tolerance: Tolerance, how: &How) -> Option<(Vec<u8>, Values)> {
    match values {
        Values::F32(v) => encode_floats(v, tolerance, how, Values::F32),
        Values::F64(v) => encode_floats(v, tolerance, how, Values::F64),
        Values::Bool(_) | Values::Text(_) => None,
        _ => encode_multiples(values, tolerance, how),
    }
}

/// The inverse of [`encode`], behind the mode byte.
pub(super) fn decode(
    mut r: Reader,
    dtype: DType,
    dims: [usize; 3],
    walk: Way,
    portable: bool,
) -> Result<Values> {
    let formula = r.u8("lattice formula")?;
    if (formula == MULTIPLES) == dtype.is_float() {
        return Err(Error::corrupt(format!("lattice formula {formula} is not for {dtype}")));
    }
    if formula == MULTIPLES {
        let limits = ordered::limits(dtype);
        let multiples = Multiples::new(r.zigzag("scale")?, r.zigzag("offset")?, limits)?;
        let (classes, integers) = read(r, dims, multiples.limits(limits), walk, portable)?;
        let mut values = from_multiples(&multiples, &integers, dtype);
        with_numbers!(&mut values, v => class::restore(v, &classes), _ => {});
        return Ok(values);
    }
    let lattice = Lattice::new(formula, r.f64("scale")?, r.f64("offset")?, dtype == DType::F64)?;
    let (classes, integers) = read(r, dims, RANGE, walk, portable)?;
    Ok(match dtype {
        DType::F32 => Values::F32(from_lattice(&lattice, &integers, &classes)),
        _ => Values::F64(from_lattice(&lattice, &integers, &classes)),
    })
}

/// What integers of a float lattice may be.
const RANGE: (i64, i64) = (-lattice::MOST, lattice::MOST);

/// Samples looked at for a lattice: values off it may hide it in one. (The fast level looks at one.)
const SAMPLES: usize = 3;

/// The largest reach at which a lattice can be the better code.
const FARTHEST: f64 = 8.0;

/// How far integers whose values are `spacing` apart may be off within `bound`, where they are the better code.
///
/// A lattice has reconstructions (2 reach + 1) spacings apart, floats on none 2 bounds: fewer are fewer bits. Where the
/// two are about alike, predictions in floats need not be rounded: at a reach of 327, 10 % fewer bytes of a wind.
fn reach(bound: f64, spacing: f64) -> Option<i64> {
    let reach = (bound / spacing).floor();
    (reach <= FARTHEST && (2.0 * reach + 1.0) * spacing > 2.0 * bound).then_some(reach.max(0.0) as i64)
}

/// What is left of a bound when values' own rounding is taken away; of whole numbers, all.
fn less_rounding<F: FromF64>(bound: f64, lattice: &Lattice, values: &[F], special: &Classes) -> f64 {
    if lattice.formula == Formula::Product && lattice.scale.fract() == 0.0 && lattice.offset.fract() == 0.0 {
        return bound;
    }
    let regular = |(i, &x): (usize, &F)| match special.plane.get(i) {
        Some(&c) if c >= CONSTANT => 0.0,
        _ => x.into().abs(),
    };
    let largest = values.iter().enumerate().map(regular).fold(0.0f64, f64::max);
    bound - 4.0 * F::ROUNDING * (largest + bound)
}

fn encode_floats<F: Bits + FromF64>(
    values: &[F],
    tolerance: Tolerance,
    how: &How,
    wrap: impl Fn(Vec<F>) -> Values,
) -> Option<(Vec<u8>, Values)> {
    let allow = |lattice: &Lattice, classes: &Classes| match tolerance {
        Tolerance::Absolute(bound) => {
            let spacing = lattice.spacing();
            let left = if bound < spacing { bound } else { less_rounding(bound, lattice, values, classes) };
            let reach = reach(left, spacing)?;
            Some((reach, (bound - reach as f64 * spacing).min(spacing / 4.0)))
        }
        Tolerance::Pointwise(bound) => finer_than(lattice, bound, values, classes).then_some((0, 0.0)),
        _ => Some((0, 0.0)),
    };
    let samples = if how.level == Level::Fast { 1 } else { SAMPLES };
    let find = |classes: &Classes| probe::find(values, classes, samples, |lattice| allow(lattice, classes));
    // On a lattice repeated values are cheaper numbers than off it; off the lattice they may hide it.
    let mut classes = classify(values, Rule::Bounded, how.fill);
    let Found { lattice, reach, mut integers, mut strays } = match find(&classes) {
        Some(found) if how.repeated.is_empty() => found,
        Some(found) => {
            let repeated =
                repeated(&wrap(values.to_vec()), how.dims, tolerance, found.lattice.spacing(), how.level);
            runs::mark(&mut classes, values, &repeated);
            found
        }
        None if how.repeated.is_empty() => return None,
        None => {
            classes = how.classify(values, Rule::Bounded);
            find(&classes)?
        }
    };
    strays.retain(|&i| classes.plane.get(i).is_none_or(|&c| c < CONSTANT));
    class::make_own(&mut classes, values, &strays);
    let choice = how.choice();
    Some(write_floats(&lattice, &classes, &mut integers, reach, how, choice, wrap))
}

/// A chunk of floats as integers of a lattice.
fn write_floats<F: Bits + FromF64>(
    lattice: &Lattice,
    classes: &Classes,
    integers: &mut [i64],
    reach: i64,
    how: &How,
    choice: Choice,
    wrap: impl Fn(Vec<F>) -> Values,
) -> (Vec<u8>, Values) {
    let mut out = vec![Mode::Lattice as u8, lattice.formula as u8];
    out.extend_from_slice(&lattice.scale.to_le_bytes());
    out.extend_from_slice(&lattice.offset.to_le_bytes());
    write(&mut out, classes, integers, (reach, RANGE), how, choice);
    (out, wrap(from_lattice(lattice, integers, classes)))
}

/// Codes `values` on their lattice, or as the integers that they are, to the very one, by differences that recur: `None`
/// where they lie on no lattice or do not look it. That may be fewer bits than a bound of many spacings would take.
pub(super) fn encode_recurring(
    values: &Values,
    tolerance: Tolerance,
    how: &How,
) -> Option<(Vec<u8>, Values)> {
    match values {
        Values::F32(v) => recurring_floats(v, tolerance, how, Values::F32),
        Values::F64(v) => recurring_floats(v, tolerance, how, Values::F64),
        Values::Bool(_) | Values::Text(_) => None,
        _ => {
            let mut integers = ordered::to_integers(values);
            if !likely(&integers, how.dims[2]) {
                return None;
            }
            let classes = with_numbers!(values, v => how.classify(v, Rule::Exact), _ => Classes::default());
            let mut out = vec![Mode::Integers as u8];
            let range = ordered::limits(values.dtype());
            write(&mut out, &classes, &mut integers, (0, range), how, Choice::Recurring);
            Some((out, values.clone()))
        }
    }
}

fn recurring_floats<F: Bits + FromF64>(
    values: &[F],
    tolerance: Tolerance,
    how: &How,
    wrap: impl Fn(Vec<F>) -> Values,
) -> Option<(Vec<u8>, Values)> {
    let mut classes = classify(values, Rule::Bounded, how.fill);
    let slack = |lattice: &Lattice| match tolerance {
        Tolerance::Absolute(bound) => bound.min(lattice.spacing() / 4.0),
        _ => 0.0,
    };
    let found = probe::find(values, &classes, SAMPLES, |lattice| Some((0, slack(lattice))))?;
    let Found { lattice, mut integers, mut strays, .. } = found;
    if !likely(&integers, how.dims[2]) {
        return None;
    }
    strays.retain(|&i| classes.plane.get(i).is_none_or(|&c| c < CONSTANT));
    class::make_own(&mut classes, values, &strays);
    Some(write_floats(&lattice, &classes, &mut integers, 0, how, Choice::Recurring, wrap))
}

/// Whether a lattice is closer than what a relative `bound` leaves of the values: fewer bits in the geometric mean of some.
fn finer_than<F: Bits + FromF64>(lattice: &Lattice, bound: f64, values: &[F], special: &Classes) -> bool {
    let some = (0..values.len()).step_by(values.len() / 4096 + 1);
    let regular = some.filter(|&i| special.plane.get(i).is_none_or(|&c| c < CONSTANT));
    let bits = regular.map(|i| {
        let x: f64 = values[i].into();
        // A zero costs both ways about the same.
        if x == 0.0 { 0.0 } else { (2.0 * bound * x.abs() / lattice.spacing()).log2().max(-30.0) }
    });
    bits.sum::<f64>() < 0.0
}

fn encode_multiples(values: &Values, tolerance: Tolerance, how: &How) -> Option<(Vec<u8>, Values)> {
    let classes = with_numbers!(values, v => how.classify(v, Rule::Exact), _ => Classes::default());
    let integers = ordered::to_integers(values);
    let multiples = match classes.plane.is_empty() {
        true => probe::multiples(&integers)?,
        false => {
            let regular = integers.iter().zip(&classes.plane).filter(|(_, c)| **c == class::REGULAR);
            probe::multiples(&regular.map(|(&x, _)| x).collect::<Vec<_>>())?
        }
    };
    let reach = match tolerance {
        Tolerance::Absolute(bound) => {
            let reach = bound as i64 / multiples.scale;
            let mine = (2 * reach as i128 + 1) * multiples.scale as i128;
            (mine > 2 * bound as i128).then_some(reach)?
        }
        _ => 0,
    };
    let mut integers: Vec<i64> = integers.iter().map(|&x| multiples.index(x)).collect();
    let mut out = vec![Mode::Lattice as u8, MULTIPLES];
    put_zigzag(&mut out, multiples.scale);
    put_zigzag(&mut out, multiples.offset);
    let limits = multiples.limits(ordered::limits(values.dtype()));
    write(&mut out, &classes, &mut integers, (reach, limits), how, how.choice());
    let mut decoded = from_multiples(&multiples, &integers, values.dtype());
    with_numbers!(&mut decoded, v => class::restore(v, &classes), _ => {});
    Some((out, decoded))
}

fn from_multiples(multiples: &Multiples, integers: &[i64], dtype: DType) -> Values {
    let integers: Vec<i64> = integers.iter().map(|&n| multiples.value(n)).collect();
    ordered::from_integers(&integers, dtype)
}

fn from_lattice<F: Bits + FromF64>(lattice: &Lattice, integers: &[i64], classes: &Classes) -> Vec<F> {
    let mut values: Vec<F> = integers.iter().map(|&n| F::from_f64(lattice.value(n))).collect();
    class::restore(&mut values, classes);
    values
}

/// Appends classes and integers, within a reach and limits, which become what the decoder will find.
fn write(
    out: &mut Vec<u8>,
    classes: &Classes,
    integers: &mut [i64],
    (reach, limits): (i64, (i64, i64)),
    how: &How,
    choice: Choice,
) {
    class_plane::write(out, classes, how.dims);
    put_varint(out, reach as u64);
    let whole = Whole { dims: how.dims, reach, limits, classes, portable: how.portable };
    let walk = write_integers(out, &whole, integers, choice);
    out[0] |= walk.to_bits();
}

/// The inverse of [`write`].
fn read(
    mut r: Reader,
    dims: [usize; 3],
    limits: (i64, i64),
    walk: Way,
    portable: bool,
) -> Result<(Classes, Vec<i64>)> {
    let classes = class_plane::read(&mut r, dims)?;
    let reach = r.count(i64::MAX as usize, "reach")? as i64;
    let whole = Whole { dims, reach, limits, classes: &classes, portable };
    let integers = read_integers(r, &whole, walk)?;
    Ok((classes, integers))
}
