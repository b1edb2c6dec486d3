//! The bits of an index under a logistic distribution, and their derivative.

use std::f32::consts::LN_2;

/// The logarithm of a spread stays within these, so that no likelihood vanishes.
const NARROWEST: f32 = -4.0;
const WIDEST: f32 = 30.0;

/// A logistic function.
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// ln (1 + e^x).
fn softplus(x: f32) -> f32 {
    if x > 15.0 { x } else { x.exp().ln_1p() }
}

/// Natural logarithm of the spread that a network with the output `o` tells at a place whose scale has this logarithm to base 2.
pub fn spread(o: f32, log: i8) -> f32 {
    log as f32 * LN_2 + o - 1.0
}

/// Nats of the cell in which a value lies that the linear prediction misses by so many steps, where the network gives `out`:
/// correction in scales, and spread; and their derivatives by `out`.
pub fn loss(out: [f32; 2], log: i8, miss: f32) -> (f32, [f32; 2]) {
    let scale = (log as f32).exp2();
    let wide = spread(out[1], log);
    let clamped = wide.clamp(NARROWEST, WIDEST);
    let inverse = (-clamped).exp();
    let off = miss - scale * out[0];
    // P(off - 1/2 ... off + 1/2) = S(u) S(-l) (1 - e^(l - u)), S the logistic function.
    let (u, l) = ((off.abs() + 0.5) * inverse, (off.abs() - 0.5) * inverse);
    let nats = softplus(l) + softplus(-u) - (-(-inverse).exp_m1()).max(1e-30).ln();
    let (by_l, by_u) = (sigmoid(l), sigmoid(-u));
    let by_off = (by_l - by_u) * inverse * off.signum();
    let rest = if inverse > 80.0 { 0.0 } else { inverse / inverse.exp_m1() };
    let by_wide = if wide == clamped { by_u * u - by_l * l + rest } else { 0.0 };
    (nats, [-scale * by_off, by_wide])
}
