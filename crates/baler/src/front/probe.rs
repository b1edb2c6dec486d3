//! Finds the lattice that floats, or integers, lie on.
//!
//! From a sample alone, so that data on no lattice cost next to nothing. Differences of sorted neighbours are multiples of
//! the spacing, but for rounding: an approximate greatest common divisor gives a first guess (Euclid's algorithm, stopped
//! where rounding begins), which longer and longer spans then sharpen, as phases are unwrapped. What is left is to name
//! the arithmetic: of few candidates ([`super::formula`]) the one that gives every bit back.

use super::class::{Bits, CONSTANT, Classes};
use super::formula;
use super::lattice::{FromF64, Lattice, Multiples, most_strays, to_integers};

/// Values looked at, in runs, for neighbours are closest.
const SAMPLE: usize = 2048;
const RUN: usize = 32;
/// A lattice closer than so many units of rounding would save nothing, and could not be told from noise.
const CLOSEST: f64 = 16.0;
/// Values on a lattice, as integers counted from one of them.
pub(super) struct Comb {
    /// Values and their integers, in ascending order.
    pub teeth: Vec<(f64, i64)>,
    /// The distance of neighbouring values and how wrong it may be.
    pub spacing: f64,
    /// See `spacing`.
    pub doubt: f64,
    /// The largest relative error of a value.
    pub rounding: f64,
    /// The largest error of a difference of two.
    pub unit: f64,
}

/// Values found on a lattice.
pub struct Found {
    /// The lattice.
    pub lattice: Lattice,
    /// How far it may be off in its integers.
    pub reach: i64,
    /// An integer a value; special places and strays hold any.
    pub integers: Vec<i64>,
    /// The places of values off the lattice.
    pub strays: Vec<usize>,
}

/// The lattice that nearly all regular values lie on, if there is one that `allow` finds worth it: that says how far
/// integers may be off, and how far values may then be off their integers' (0: not at all). Up to `samples` samples are looked
/// at.
pub fn find<F: Bits + FromF64>(
    values: &[F],
    special: &Classes,
    samples: usize,
    allow: impl Fn(&Lattice) -> Option<(i64, f64)>,
) -> Option<Found> {
    let (mut best, mut more): (Option<Found>, Vec<f64>) = (None, vec![]);
    // What a sample has not shown, the values off the lattice found in it will.
    for _ in 0..4 {
        let Some((lattice, reach, slack)) = in_sample(values, special, samples, &more, &allow) else { break };
        let (integers, strays) = to_integers(&lattice, values, special, slack);
        more.extend(strays.iter().take(512).map(|&i| values[i].into()));
        if best.as_ref().is_some_and(|b| b.strays.len() <= strays.len()) {
            break;
        }
        let done = strays.is_empty();
        best = Some(Found { lattice, reach, integers, strays });
        if done {
            break;
        }
    }
    best.filter(|found| found.strays.len() <= most_strays(values.len()))
}

/// The lattice of a sample and `more`, its reach and slack.
fn in_sample<F: Bits + FromF64>(
    values: &[F],
    special: &Classes,
    samples: usize,
    more: &[f64],
    allow: impl Fn(&Lattice) -> Option<(i64, f64)>,
) -> Option<(Lattice, i64, f64)> {
    let size = (values.len() / 32).clamp(256, SAMPLE);
    let named = |turn| {
        let mut some = sample(values, special, size, turn);
        some.extend_from_slice(more);
        some.sort_unstable_by(f64::total_cmp);
        some.dedup();
        // f64 that were f32 once carry the rounding of those.
        let single = F::ROUNDING < f32::ROUNDING && some.iter().all(|&x| x as f32 as f64 == x);
        let rounding = if single { f32::ROUNDING } else { F::ROUNDING };
        let comb = comb(&some, rounding)?;
        // A search may take about as long as coding does, where nothing but the very arithmetic will do.
        let fitted = formula::fitted(&comb, single);
        let (reach, slack) = allow(&fitted)?;
        let effort = values.len() * if slack > 0.0 { 1 } else { 32 } + (1 << 16);
        let exact = formula::name(&comb, single, effort, |x| F::from_f64(x).into());
        let lattice = exact.or((slack > 0.0).then_some(fitted))?;
        Some((lattice, reach, slack))
    };
    (0..samples).find_map(named)
}

/// About `size` regular values, in runs, other ones each `turn`.
fn sample<F: Bits + FromF64>(values: &[F], classes: &Classes, size: usize, turn: usize) -> Vec<f64> {
    let runs = (size / RUN).min(values.len() / RUN).max(1);
    let apart = values.len() / runs;
    let mut some = Vec::with_capacity(size + RUN);
    for run in 0..runs {
        // Every n-th place would alias with regular grids; a fixed hash does not.
        let shake = ((run * 3 + turn) as u32).wrapping_mul(2654435761) as usize >> 8;
        let start = run * apart + shake % (apart.saturating_sub(RUN) + 1);
        let places = start..(start + RUN).min(values.len());
        let regular = |&i: &usize| classes.plane.get(i).is_none_or(|&c| c < CONSTANT);
        some.extend(places.filter(regular).map(|i| values[i].into()));
    }
    some
}

/// Fits a comb to sorted, distinct values, each off by at most `rounding` of itself.
fn comb(some: &[f64], rounding: f64) -> Option<Comb> {
    let largest = some.first()?.abs().max(some.last()?.abs());
    let unit = 2.0 * largest * rounding;
    let mut gaps: Vec<f64> = some.windows(2).map(|w| w[1] - w[0]).collect();
    gaps.sort_unstable_by(f64::total_cmp);
    let least = CLOSEST * unit;
    let (mut spacing, mut doubt) = divisor(&gaps, unit, least)?;
    // From the middle outwards, each span a little longer than those that have sharpened the spacing.
    let middle = some.len() / 2;
    let anchor = some[middle];
    let (mut teeth, mut strays) = (vec![(anchor, 0)], 0);
    let (mut below, mut above) = (middle, middle + 1);
    while below > 0 || above < some.len() {
        let down = below > 0 && (above == some.len() || anchor - some[below - 1] <= some[above] - anchor);
        let x = if down { some[below - 1] } else { some[above] };
        if down {
            below -= 1
        } else {
            above += 1
        }
        let span = x - anchor;
        let n = (span / spacing).round_ties_even();
        let unsure = n.abs() * doubt + 2.0 * unit;
        if unsure > spacing / 4.0 || (span - n * spacing).abs() > unsure || n.abs() > (1u64 << 50) as f64 {
            strays += 1;
            continue;
        }
        if 2.0 * unit < doubt * n.abs() {
            (spacing, doubt) = (span / n, 2.0 * unit / n.abs());
        }
        teeth.push((x, n as i64));
    }
    if strays * 8 > some.len() || teeth.len() < 2 {
        return None;
    }
    teeth.sort_unstable_by_key(|t| t.1);
    Some(Comb { teeth, spacing, doubt, rounding, unit })
}

/// What ascending `gaps` are multiples of, each but for two `unit`s, and how wrong that may be; at least `least`.
fn divisor(gaps: &[f64], unit: f64, least: f64) -> Option<(f64, f64)> {
    // The smallest gaps are mostly one spacing each, and their mean is less wrong than any one.
    let smallest = *gaps.first()?;
    let alike = gaps.iter().take_while(|&&gap| gap <= smallest + 2.5 * unit).count() as f64;
    let (mut g, mut doubt) = (gaps[..alike as usize].iter().sum::<f64>() / alike, 2.0 * unit / alike.sqrt());
    // Every failure at least halves the guess, so that these are more than there can be.
    for _ in 0..64 {
        if g < least {
            return None;
        }
        let mut rest = None;
        for &gap in gaps {
            let n = (gap / g).round_ties_even();
            let unsure = n * doubt + 2.0 * unit;
            if unsure > g / 4.0 {
                break;
            }
            let left = (gap - n * g).abs();
            if left > unsure {
                rest = Some((left, unsure));
                break;
            }
            if 2.0 * unit < doubt * n {
                (g, doubt) = (gap / n, 2.0 * unit / n);
            }
        }
        match rest {
            None => return Some((g, doubt)),
            Some((left, unsure)) => (g, doubt) = (left, unsure),
        }
    }
    None
}

/// What all of `integers` are multiples of, counted from one of them, where that is more than one.
pub fn multiples(integers: &[i64]) -> Option<Multiples> {
    let &offset = integers.first()?;
    let mut scale = 0u64;
    for x in integers {
        let mut difference = x.abs_diff(offset);
        // Most differences are multiples already: one division each, and an end where nothing is shared.
        while difference != 0 {
            (scale, difference) = (difference, if scale == 0 { 0 } else { scale % difference });
        }
        if scale == 1 {
            return None;
        }
    }
    let scale = i64::try_from(scale).ok().filter(|&s| s > 1)?;
    Some(Multiples { scale, offset })
}
