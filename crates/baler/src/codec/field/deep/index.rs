//! The coder of one index: what surrounds it, as contexts, and the decisions that spell it.
//!
//! The expected magnitude is a sum over the magnitudes around and over what the predictors say of themselves, its
//! weights learned as values pass by. It sets the scale: where it is large, low bits are coded as they are and
//! contexts are in units of it, so that one set of statistics serves all bounds.

use super::mixing::{CHOICES, Decision, INPUTS, Mixing};
use crate::codec::adaptive::{Bit, Symbols};
use crate::codec::field::context::code_large;
use crate::codec::range_coder::Coder;

/// Magnitudes are capped at this where they serve as context.
pub const CAP: i64 = (1 << 30) - 1;

/// The indices around, in the order of the specification.
#[derive(Clone, Copy)]
pub struct Around {
    /// West, and the one before.
    pub w: i32,
    /// See `w`.
    pub ww: i32,
    /// North.
    pub n: i32,
    /// The one above.
    pub nn: i32,
    /// Northwest.
    pub nw: i32,
    /// Northeast.
    pub ne: i32,
    /// A plane back: the same place.
    pub u: i32,
    /// Two planes back.
    pub uu: i32,
    /// A plane back: south, north, east and west.
    pub us: i32,
    /// See `us`.
    pub un: i32,
    /// See `us`.
    pub ue: i32,
    /// See `us`.
    pub uw: i32,
}

/// What the predictors say of a value, in steps.
#[derive(Clone, Copy)]
pub struct Forecast {
    /// The local prediction less the global one.
    pub apart: f64,
    /// The sum of differences between neighbours.
    pub spread: f64,
    /// The local predictor's misses around, a weighted sum.
    pub missed: f64,
}

/// Features of the expected magnitude.
const FEATURES: usize = 8;
/// The first node of magnitudes in steps, of magnitudes in units, and that of signs.
const STEPS: usize = 1;
const UNITS: usize = 16;
const SIGN: usize = 31;
/// Unary steps before a magnitude is coded by its length.
const UNARY: u64 = 15;

/// The adaptive state of one chunk's indices.
pub struct Indices {
    weights: [f64; FEATURES],
    mixing: Mixing,
    halves: Vec<Bit>,
    lengths: Symbols,
}

/// The class of a magnitude, 2^`shift` to an octave, linear below 2^`shift` / `unit`.
#[inline(always)]
fn class(x: f64, unit: f64, shift: u32, most: usize) -> usize {
    // As an integer: its leading bits are its logarithm.
    let x = (x * unit).min(1e9) as u32;
    if x < 1 << shift {
        return x as usize;
    }
    let octave = 31 - x.leading_zeros();
    let class = ((octave - shift + 1) << shift) + (x >> (octave - shift)) - (1 << shift);
    (class as usize).min(most)
}

/// Two classes to an octave.
#[inline(always)]
fn coarse(x: f64) -> usize {
    class(x, 16.0, 1, 31)
}

/// A magnitude in eight classes.
#[inline(always)]
fn eighth(x: f64) -> usize {
    match x as u32 {
        m @ 0..=2 => m as usize,
        3 | 4 => 3,
        5..=8 => 4,
        9..=16 => 5,
        17..=39 => 6,
        _ => 7,
    }
}

/// 0, 1, 2 for minus, zero, plus.
#[inline(always)]
fn sign(k: i32) -> usize {
    (k.signum() + 1) as usize
}

/// A signed number in nine classes.
#[inline(always)]
fn ninth(k: i32) -> usize {
    (k.clamp(-4, 4) + 4) as usize
}

impl Indices {
    /// Nothing learned yet.
    pub fn new() -> Self {
        Indices {
            weights: [0.14, 0.1, 0.04, 0.1, 0.1, 0.1, 0.1, 0.1],
            mixing: Mixing::new(),
            halves: vec![Bit::NEW; 16 * CHOICES],
            lengths: Symbols::NEW,
        }
    }

    /// Codes an index; `None` stands for a value that is to be coded exactly.
    #[inline(always)]
    pub fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        index: Option<i64>,
        around: &Around,
        forecast: &Forecast,
    ) -> Option<i64> {
        let features = features(around, forecast);
        let expected = self.expected(&features);
        let mut shift = 0;
        let mut scale = 1.0;
        while expected * scale >= 2.0 {
            scale *= 0.5;
            shift += 1;
        }
        let (magnitudes, signs) = decisions(around, forecast, expected, scale, shift);
        let coded = self.spell(coder, index, shift, magnitudes, signs);
        self.learn(&features, expected, coded);
        coded
    }

    #[inline(always)]
    fn expected(&self, features: &[f64; FEATURES]) -> f64 {
        let w = &self.weights;
        let lane = |i: usize| w[i] * features[i] + w[i + 4] * features[i + 4];
        ((lane(0) + lane(2)) + (lane(1) + lane(3))).min(CAP as f64)
    }

    /// A step of normalised least mean squares; weights stay positive.
    #[inline(always)]
    fn learn(&mut self, features: &[f64; FEATURES], expected: f64, coded: Option<i64>) {
        let lane = |i: usize| features[i] * features[i] + features[i + 4] * features[i + 4];
        let norm = 1.0 + ((lane(0) + lane(2)) + (lane(1) + lane(3)));
        let magnitude = coded.map_or(CAP, |k| k.unsigned_abs().min(CAP as u64) as i64);
        let step = 0.002 * (magnitude as f64 - expected) / norm;
        for (w, f) in self.weights.iter_mut().zip(features) {
            *w += step * f;
            if *w < 0.0 {
                *w = 0.0;
            }
        }
    }

    /// An index as decisions. Small ones: not zero? minus? more, more ... Large ones: minus? then the magnitude (of a
    /// negative one, less one) in units of 2^shift the same way, then its low bits. The sign is worth its decision even
    /// there: on which side of the blend the local prediction lies foretells it.
    #[inline(always)]
    fn spell<C: Coder>(
        &mut self,
        coder: &mut C,
        index: Option<i64>,
        shift: u32,
        mut magnitudes: Decision,
        signs: Decision,
    ) -> Option<i64> {
        let negative = index.is_some_and(|k| k < 0);
        let magnitude = index.map_or(u64::MAX, |k| if k < 0 { !k } else { k } as u64);
        if shift > 0 {
            let negative = self.mixing.code(coder, negative, &signs);
            let (high, half) =
                self.units(coder, UNITS, magnitude >> shift, index.is_none(), &mut magnitudes)?;
            let low = magnitude & ((1 << shift) - 1);
            let half = self.halves[half].code(coder, low >> (shift - 1) != 0) as u64;
            let rest = coder.raw(low & ((1 << (shift - 1)) - 1), shift - 1);
            let k = (high << shift | half << (shift - 1) | rest) as i64;
            return Some(if negative { !k } else { k });
        }
        magnitudes.node = 0;
        if !self.mixing.code(coder, index != Some(0), &magnitudes) {
            return Some(0);
        }
        let negative = self.mixing.code(coder, negative, &signs);
        let more = if index.is_some_and(|k| k > 0) { magnitude.wrapping_sub(1) } else { magnitude };
        let more = self.units(coder, STEPS, more, index.is_none(), &mut magnitudes)?.0 as i64;
        Some(if negative { !more } else { more.wrapping_add(1) })
    }

    /// A magnitude, one by one; and the counter of the bit below it.
    #[inline(always)]
    fn units<C: Coder>(
        &mut self,
        coder: &mut C,
        first: usize,
        magnitude: u64,
        escape: bool,
        decision: &mut Decision,
    ) -> Option<(u64, usize)> {
        let level = decision.choices[0];
        let half = |units: u64| units as usize * CHOICES + level;
        for units in 0..UNARY {
            decision.node = first + units as usize;
            if !self.mixing.code(coder, magnitude > units, decision) {
                return Some((units, half(units)));
            }
        }
        Some((code_large(coder, &mut self.lengths, magnitude, escape)?, half(UNARY)))
    }
}

/// What the expected magnitude is a sum of.
#[inline(always)]
fn features(a: &Around, forecast: &Forecast) -> [f64; FEATURES] {
    let m = |k: i32| k.unsigned_abs() as f64;
    let most = 60000.0;
    [
        m(a.w) + m(a.n) + m(a.u),
        (m(a.nw) + m(a.ne)) + (m(a.uw) + m(a.ue)) + (m(a.un) + m(a.us)),
        m(a.ww) + m(a.nn) + m(a.uu),
        (forecast.spread * 0.1).min(most),
        forecast.apart.abs().min(most),
        (forecast.missed * 0.1).min(most),
        m(a.ue) + m(a.us),
        0.3,
    ]
}

/// The contexts of magnitudes and of signs.
#[inline(always)]
fn decisions(a: &Around, forecast: &Forecast, expected: f64, scale: f64, shift: u32) -> (Decision, Decision) {
    let m = |k: i32| k.unsigned_abs() as f64;
    let (w, n, u) = (m(a.w), m(a.n), m(a.u));
    let direct = w + n + u;
    let diagonal = (m(a.nw) + m(a.ne)) + (m(a.uw) + m(a.ue)) + (m(a.un) + m(a.us));
    let far = m(a.ww) + m(a.nn) + m(a.uu);
    let level = match shift {
        0 => class(expected, 32.0, 2, 47),
        _ => 28 + ((expected * scale - 1.0) * 16.0) as usize,
    };
    let plain = coarse((direct + 0.5 * diagonal + 0.35 * far) * (scale / 7.05));
    let spread = coarse(forecast.spread * (scale * 0.25));
    let apart = coarse(forecast.apart.abs() * (scale * 2.0));
    let missed = coarse(forecast.missed * (scale * 0.2));
    let third = scale / 3.0;
    let contexts = [
        level,
        (eighth(w * scale) * 8 + eighth(n * scale)) * 8 + eighth(u * scale),
        spread * 32 + plain,
        coarse(diagonal * (scale / 6.0)) * 32 + coarse(direct * third),
        coarse((w + m(a.ww) + m(a.nw)) * third) * 32 + coarse((n + m(a.nn) + m(a.ne)) * third),
        level / 2 * 32 + spread,
        apart * 32 + plain,
        missed * 32 + level / 2,
        coarse((u + m(a.uu)) * (scale * 0.5)) * 32 + coarse((w + n) * (scale * 0.5)),
        missed * 32 + apart,
    ];
    let contexts: [u16; INPUTS] = contexts.map(|c| c as u16);
    let magnitudes = Decision { node: 0, contexts, choices: [level, apart, missed] };

    let apart_class = class(forecast.apart.abs(), 16.0, 1, 7);
    let lean = if forecast.apart < 0.0 { 8 - apart_class } else { 8 + apart_class };
    let signs = (sign(a.w) * 3 + sign(a.n)) * 3 + sign(a.u);
    let contexts = [
        signs,
        lean,
        lean * 27 + signs,
        ninth(a.w) * 9 + ninth(a.n),
        ninth(a.u) * 9 + ninth(a.ue),
        ninth(a.w) * 16 + lean,
        ninth(a.nw) * 9 + ninth(a.ne),
        ninth(a.w) * 9 + ninth(a.ww),
        ninth(a.u) * 9 + ninth(a.us),
        ninth(a.n) * 9 + ninth(a.nn),
    ];
    let contexts: [u16; INPUTS] = contexts.map(|c| c as u16);
    (magnitudes, Decision { node: SIGN, contexts, choices: [level, apart, missed] })
}
