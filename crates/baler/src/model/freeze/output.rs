//! What the integers behind the last layer stand for in the user's units: an activation behind it and the inverse of
//! the normalisation, as straight lines.

use super::super::normalise::{Curve, Normalisation};
use super::super::output::{Lines, Output, OutputScale};
use crate::error::{Error, Result};

/// For each feature behind the last layer: step, offset, and the slope of integers below 0.
pub type Stands = Vec<(f64, f64, f64)>;

/// The lines of all features.
pub fn output(stands: &Stands, normalisation: &Normalisation) -> Result<Output> {
    let sets: Vec<Lines> = match normalisation.affine() {
        Some((offset, scale)) => {
            let each = stands.iter().zip(offset.iter().zip(scale));
            each.map(|(&stand, (&o, &s))| affine(stand, o, s)).collect()
        }
        None => {
            let each = stands.iter().zip(normalisation.curves());
            each.map(|(&stand, curve)| curved(stand, curve)).collect::<Result<_>>()?
        }
    };
    // Where there is more than one line, layout 1 is no choice, and one set for all is shorter.
    let one = sets.windows(2).all(|w| w[0] == w[1]) && !sets[0].more.is_empty();
    Output::new(if one { sets[..1].to_vec() } else { sets })
}

fn affine((step, offset, slope): (f64, f64, f64), o: f64, s: f64) -> Lines {
    let line = |slope: f64| OutputScale { scale: step * slope * s, offset: offset * s + o };
    Lines { first: line(slope), more: if slope == 1.0 { vec![] } else { vec![(0, line(1.0))] } }
}

fn curved((step, offset, slope): (f64, f64, f64), curve: &Curve) -> Result<Lines> {
    if step <= 0.0 {
        return Err(Error::unsupported("a feature that falls where its integers rise, behind a curve"));
    }
    let mut lines = pieces(curve, step * slope, offset);
    if slope != 1.0 {
        lines.retain(|(start, _)| *start < 0.0);
        let rising = pieces(curve, step, offset);
        let at = rising.iter().rposition(|(start, _)| *start <= 0.0).expect("the first begins below all");
        lines.push((0.0, rising[at].1));
        lines.extend_from_slice(&rising[at + 1..]);
    }
    let mut made = Lines { first: lines[0].1, more: vec![] };
    for &(start, line) in &lines[1..] {
        let start = start.ceil();
        if start > i32::MAX as f64 {
            break;
        }
        match (start <= i32::MIN as f64, made.more.last_mut()) {
            (true, _) => made.first = line,
            (_, Some(last)) if last.0 == start as i32 => last.1 = line,
            _ => made.more.push((start as i32, line)),
        }
    }
    Ok(made)
}

/// The pieces of a curve over integers that stand for offset + step x integer, each with its start.
fn pieces(curve: &Curve, step: f64, offset: f64) -> Vec<(f64, OutputScale)> {
    let flat = |value: f64| OutputScale { scale: 0.0, offset: value };
    if step == 0.0 {
        return vec![(f64::NEG_INFINITY, flat(curve.invert(offset)))];
    }
    let knots = &curve.knots;
    let start = |i: usize| (curve.low + i as f64 / curve.density - offset) / step;
    let mut pieces = vec![(f64::NEG_INFINITY, flat(knots[0]))];
    for (i, pair) in knots.windows(2).enumerate() {
        let rise = (pair[1] - pair[0]) * curve.density;
        let at_zero = pair[0] + (offset - curve.low - i as f64 / curve.density) * rise;
        pieces.push((start(i), OutputScale { scale: rise * step, offset: at_zero }));
    }
    pieces.push((start(knots.len() - 1), flat(knots[knots.len() - 1])));
    pieces
}
