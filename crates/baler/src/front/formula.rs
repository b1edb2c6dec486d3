//! Which arithmetic made the values of a comb: the second half of [`super::probe`].
//!
//! Scales people choose are tried first: reciprocals of whole numbers, short decimals, those as f32. Any other scale and offset
//! are fitted: for values that were rounded once, from more precision than they have, whatever lies in the middle of what
//! the rounding allows; for arithmetic in the values' own precision the very numbers that were used, up to a search over
//! the integer that the offset stands at.

use super::lattice::{Formula, FromF64, Lattice, most_strays};
use super::probe::Comb;

/// Integers of packed data lie in the range of i16 or u16.
const PACKED: std::ops::RangeInclusive<i64> = -32768..=65535;
/// Places away from the best fit at which a scale or an offset is tried.
const AROUND: i64 = 4;

/// The arithmetic of higher precision, for values (`single`: f64) that were f32 once.
fn formulas(single: bool) -> [Formula; 2] {
    match single {
        true => [Formula::ProductToSingle, Formula::QuotientToSingle],
        false => [Formula::Product, Formula::Quotient],
    }
}

/// The lattice amid all those near the values, whatever their last bits.
pub(super) fn fitted(comb: &Comb, single: bool) -> Lattice {
    let (scale, offset) = fit(comb);
    Lattice { formula: formulas(single)[0], scale, offset }
}

/// The lattice that gives back nearly all values bit for bit; `single` where f64 were f32 once. `stored` rounds to the
/// values' type, `effort` is how many values may be compared in a search.
pub(super) fn name(comb: &Comb, single: bool, effort: usize, stored: impl Fn(f64) -> f64) -> Option<Lattice> {
    let [product, quotient] = formulas(single);
    let least = most_strays(comb.teeth.len());
    let mut best = Best { comb, stored, least, found: None, effort };
    let (scale, offset) = fit(comb);
    let scales = scales(comb, scale);
    if let Some(shift) = aligned(comb) {
        let whole = (1.0 / comb.spacing).round();
        if whole >= 1.0 && (comb.spacing - 1.0 / whole).abs() <= comb.doubt {
            let formula = if whole == 1.0 { product } else { quotient };
            best.try_one(formula, whole, 0.0, shift);
        }
        let through_zero = fit_through_zero(comb, shift);
        for &scale in scales.iter().chain([&through_zero]) {
            best.try_one(product, scale, 0.0, shift);
        }
    }
    best.try_one(product, scale, offset, 0);
    if best.done() {
        return best.found;
    }
    // From here on wrong candidates are many: each has to go after a few misses.
    best.least = best.least.min(comb.teeth.len() / 512);
    // The values' own arithmetic: how product and sum were rounded depends on where zero was.
    let is_single = comb.rounding == f32::ROUNDING;
    let formula = if is_single { Formula::Single } else { product };
    let largest = comb.teeth.iter().fold(0.0f64, |m, t| m.max(t.0.abs()));
    let (first, last) = (comb.teeth[0].1, comb.teeth[comb.teeth.len() - 1].1);
    for &scale in &scales {
        for shift in PACKED.start() - first..=PACKED.end() - last {
            // The value at integer 0 of this alignment; the smaller it is, the less its last bits matter.
            let centre = (-shift as f64).mul_add(scale, offset);
            let (start, step) = if is_single {
                let start = centre as f32;
                (start as f64, start.next_up() as f64 - start as f64)
            } else {
                (centre, centre.next_up() - centre)
            };
            // Offsets that people choose are short decimals too.
            for power in [10.0, 100.0, 1e3] {
                let decimal = (centre * power).round() / power;
                if (decimal - centre).abs() <= comb.unit {
                    let decimal = if is_single { decimal as f32 as f64 } else { decimal };
                    best.try_one(formula, scale, decimal, shift);
                    break;
                }
            }
            let around = (largest * comb.rounding / step.abs()).clamp(1.0, AROUND as f64) as i64;
            for i in -around..=around {
                best.try_one(formula, scale, start + i as f64 * step, shift);
            }
            if best.done() || best.effort == 0 {
                return best.found;
            }
        }
    }
    best.found
}

/// The lattice with the fewest values off it so far.
struct Best<'a, S> {
    comb: &'a Comb,
    stored: S,
    /// How many values may yet be compared.
    effort: usize,
    /// Fewer misses than this, or as many, are asked of the next.
    least: usize,
    found: Option<Lattice>,
}

impl<S: Fn(f64) -> f64> Best<'_, S> {
    fn done(&self) -> bool {
        self.found.is_some() && self.least == 0
    }

    /// Tries a lattice whose integers are those of the comb plus `shift`.
    fn try_one(&mut self, formula: Formula, scale: f64, offset: f64, shift: i64) {
        if self.done() {
            return;
        }
        let Ok(lattice) = Lattice::new(formula as u8, scale, offset, true) else { return };
        // In no order, so that misses at one end are met soon.
        let teeth = &self.comb.teeth;
        let stride = [1, 769][(teeth.len() > 769 && !teeth.len().is_multiple_of(769)) as usize];
        let (mut misses, mut at) = (0, 0);
        for _ in 0..teeth.len() {
            let (x, n) = teeth[at];
            at = (at + stride) % teeth.len();
            misses += ((self.stored)(lattice.value(n + shift)) != x) as usize;
            self.effort = self.effort.saturating_sub(1);
            if misses > self.least {
                return;
            }
        }
        if self.found.is_none() || misses < self.least {
            (self.least, self.found) = (misses, Some(lattice));
        }
    }
}

/// The integer that the comb's zero stands for if zero itself is on the lattice.
fn aligned(comb: &Comb) -> Option<i64> {
    let anchor = comb.teeth.iter().find(|t| t.1 == 0)?.0;
    let n = (anchor / comb.spacing).round_ties_even();
    let unsure = n.abs() * comb.doubt + 2.0 * comb.unit;
    let near = (anchor - n * comb.spacing).abs() <= unsure.min(comb.spacing / 4.0);
    (near && n.abs() < (1u64 << 52) as f64).then_some(n as i64)
}

/// Scales worth trying: short decimals, of f64 and of f32, the best fit and its neighbours.
fn scales(comb: &Comb, fitted: f64) -> Vec<f64> {
    let mut scales = vec![];
    let near = |s: f64| (s - comb.spacing).abs() <= comb.doubt;
    for digits in 0..17 {
        let decimal = format!("{:.*e}", digits, fitted);
        let parsed: f64 = decimal.parse().expect("a number just written");
        if near(parsed) {
            scales.push(parsed);
            scales.push(parsed as f32 as f64);
            break;
        }
    }
    let (mut up, mut down) = (fitted as f32, fitted as f32);
    scales.push(up as f64);
    if comb.rounding == f32::ROUNDING {
        for _ in 0..AROUND {
            (up, down) = (up.next_up(), down.next_down());
            scales.extend([up as f64, down as f64]);
        }
    } else {
        let (mut up, mut down) = (fitted, fitted);
        scales.push(fitted);
        for _ in 0..AROUND {
            (up, down) = (up.next_up(), down.next_down());
            scales.extend([up, down]);
        }
    }
    scales.retain(|&s| near(s) && s > 0.0);
    scales
}

/// The scale amid all those whose products round to the values.
fn fit_through_zero(comb: &Comb, shift: i64) -> f64 {
    let ends = |x: f64| {
        let half = f64::from_bits(x.to_bits() & f64::INFINITY.to_bits()) * comb.rounding;
        (x - half, x + half)
    };
    let teeth = comb.teeth.iter().filter(|t| t.1 + shift != 0);
    let (low, high) = teeth.fold((f64::NEG_INFINITY, f64::INFINITY), |(low, high), &(x, n)| {
        let (from, to) = ends(x);
        let (a, b) = (from / (n + shift) as f64, to / (n + shift) as f64);
        (low.max(a.min(b)), high.min(a.max(b)))
    });
    (low + high) / 2.0
}

/// The scale and offset amid all those whose sums round to the values: the room that the roundings leave an offset is a
/// concave function of the scale.
fn fit(comb: &Comb) -> (f64, f64) {
    let anchor = comb.teeth.iter().find(|t| t.1 == 0).map_or(0.0, |t| t.0);
    let room = |scale: f64| {
        comb.teeth.iter().fold((f64::NEG_INFINITY, f64::INFINITY), |(low, high), &(x, n)| {
            let power = f64::from_bits(x.to_bits() & f64::INFINITY.to_bits());
            let half = (power * comb.rounding).max(comb.unit * 1e-6);
            let residual = (-(n as f64)).mul_add(scale, x - anchor);
            (low.max(residual - half), high.min(residual + half))
        })
    };
    let width = |scale| {
        let (low, high) = room(scale);
        high - low
    };
    let (mut low, mut high) = (comb.spacing - comb.doubt, comb.spacing + comb.doubt);
    for _ in 0..48 {
        let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if width(a) > width(b) { high = b } else { low = a }
    }
    let scale = (low + high) / 2.0;
    let (low, high) = room(scale);
    (scale, anchor + (low + high) / 2.0)
}
