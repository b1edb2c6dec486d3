//! One lane after the other, in plain integers: the definition that every other kernel must match bit for bit.

use super::{Intervals, LANES, Lanes, Step};
use crate::codec::table::net::distribution::{BITS, Mixture, ONE, classes};
use crate::codec::table::net::first::{First, UNITS};
use crate::model::frozen::MAX_ACTIVATION;
use crate::model::table::alphabet::MOST_CLASSES;

/// Output `o` of lane `s`, of outputs in pairs.
fn output(outputs: &[Lanes], o: usize, s: usize) -> i32 {
    let pair = outputs[o / 2].0[s];
    if o.is_multiple_of(2) { pair as i16 as i32 } else { pair >> 16 }
}

/// The activations of a first layer.
pub fn first(layer: &First, symbols: &[&[u16; LANES]], active: usize, out: &mut [Lanes]) {
    for (group, out) in layer.groups.iter().zip(out.chunks_exact_mut(UNITS / 2)) {
        for s in 0..active {
            let mut sums = group.bias.0;
            for (table, symbols) in group.tables.iter().zip(symbols) {
                sums.iter_mut().zip(table[symbols[s] as usize].0).for_each(|(sum, more)| *sum += more);
            }
            let activation = |u: usize| {
                let t = (sums[u] >> layer.shift).max(0);
                ((t * group.multipliers.0[u] + (1 << 14)) >> 15).min(MAX_ACTIVATION)
            };
            for (p, out) in out.iter_mut().enumerate() {
                out.0[s] = (activation(2 * p) & 0xffff) | activation(2 * p + 1) << 16;
            }
        }
    }
}

fn mixture(step: &Step, s: usize) -> Mixture {
    let out: [i32; 11] = std::array::from_fn(|o| output(step.outputs, o, s));
    let before = (step.before.0[s] >= 0).then(|| (step.before.0[s], step.score.0[s]));
    Mixture::new(&out, before)
}

/// The cumulative frequency below a symbol in lane `s`.
fn below(step: &Step, mixture: &Mixture, s: usize, symbol: i32) -> u32 {
    match symbol {
        0 => 0,
        i if i == step.symbols => ONE,
        i => {
            let edge = step.edges[(step.class.0[s] + i) as usize];
            mixture.below(i, edge >> 16, edge & 0xffff, step.symbols)
        }
    }
}

/// The symbols whose intervals hold `at`.
pub fn find_mixture(step: &Step, at: &Lanes) -> Intervals {
    let mut found = Intervals::ZERO;
    for s in 0..step.active {
        let m = mixture(step, s);
        let (mut low, mut high) = ((0, 0), (step.symbols, ONE));
        while high.0 - low.0 > 1 {
            let middle = (low.0 + high.0) >> 1;
            let value = below(step, &m, s, middle);
            *(if value <= at.0[s] as u32 { &mut low } else { &mut high }) = (middle, value);
        }
        found.set(s, low.0, low.1, high.1 - low.1);
    }
    found
}

/// The intervals of `symbols`.
pub fn mixture_of(step: &Step, symbols: &Lanes) -> Intervals {
    let mut found = Intervals::ZERO;
    for s in 0..step.active {
        let m = mixture(step, s);
        let symbol = symbols.0[s];
        let start = below(step, &m, s, symbol);
        found.set(s, symbol, start, below(step, &m, s, symbol + 1) - start);
    }
    found
}

fn frequencies(step: &Step, s: usize) -> [u32; MOST_CLASSES] {
    let n = step.symbols as usize;
    let out: [i32; MOST_CLASSES + 1] =
        std::array::from_fn(|o| if o <= n { output(step.outputs, o, s) } else { 0 });
    let mut all = [0; MOST_CLASSES];
    classes(&out, usize::try_from(step.before.0[s]).ok(), &mut all[..n]);
    all
}

/// As [`find_mixture`], of classes.
pub fn find_class(step: &Step, at: &Lanes) -> Intervals {
    let mut found = Intervals::ZERO;
    for s in 0..step.active {
        let f = frequencies(step, s);
        let (mut symbol, mut start) = (0, 0);
        while start + f[symbol] <= at.0[s] as u32 {
            start += f[symbol];
            symbol += 1;
        }
        found.set(s, symbol as i32, start, f[symbol]);
    }
    found
}

/// As [`mixture_of`], of classes.
pub fn class_of(step: &Step, symbols: &Lanes) -> Intervals {
    let mut found = Intervals::ZERO;
    for s in 0..step.active {
        let f = frequencies(step, s);
        let symbol = symbols.0[s] as usize;
        found.set(s, symbol as i32, f[..symbol].iter().sum(), f[symbol]);
    }
    found
}

/// Takes the intervals off the states; those that become too small draw a word, lane after lane.
pub fn advance(states: &mut Lanes, found: &Intervals, active: usize, words: &[u16], at: &mut usize) {
    for s in 0..active.min(LANES) {
        let x = states.0[s] as u32;
        let (start, size) = (found.start.0[s] as u32, found.size.0[s] as u32);
        let mut x = size * (x >> BITS) + (x & (ONE - 1)) - start;
        if x < ONE {
            x = x << BITS | words.get(*at).copied().unwrap_or(0) as u32;
            *at += 1;
        }
        states.0[s] = x as i32;
    }
}
