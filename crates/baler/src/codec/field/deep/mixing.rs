//! One binary decision, its probability mixed from ten adaptive counters.
//!
//! Mixing in the logistic domain, with weights chosen by small contexts and a last correction by what such
//! probabilities were worth before, is Mahoney's (PAQ8, 2006). All in 32-bit integers, which sum up in any order.

use crate::codec::adaptive::{ODDS, squash, stretch};
use crate::codec::range_coder::Coder;

/// Counters that are mixed.
pub const INPUTS: usize = 10;
/// Kinds of decision: zero or not, the steps of small and of large magnitudes, the sign.
pub const NODES: usize = 32;
/// Values of an input's context.
pub const CONTEXTS: usize = 1024;
/// Values of the two contexts that choose weights and corrections.
pub const CHOICES: usize = 48;

/// Inputs as vectors have them: the counters, a constant, nothing.
const WIDE: usize = 16;
/// Most of a weight: 8.
const MOST: i32 = 1 << 19;
/// A counter's age stops here.
const OLD: u32 = 255;

/// The probability that a bit is one, 22 bits, and below it an age of 10 bits.
#[derive(Clone, Copy)]
struct Counter(u32);

/// 65536 / (age + 1.5).
static SPEED: [i32; OLD as usize + 1] = {
    let mut table = [0; OLD as usize + 1];
    let mut age = 0;
    while age <= OLD as usize {
        table[age] = (131072 / (2 * age + 3)) as i32;
        age += 1;
    }
    table
};

/// 256 age / (age + 0.6): how much a counter of this age is believed.
static BELIEF: [i32; OLD as usize + 1] = {
    let mut table = [0; OLD as usize + 1];
    let mut age = 0;
    while age <= OLD as usize {
        table[age] = (1280 * age / (5 * age + 3)) as i32;
        age += 1;
    }
    table
};

impl Counter {
    const NEW: Counter = Counter(1 << 31);

    #[inline(always)]
    fn odds(self) -> i32 {
        (stretch(self.0 >> 20) * BELIEF[(self.0 & 1023) as usize]) >> 8
    }

    #[inline(always)]
    fn update(&mut self, bit: bool) {
        let (p, age) = ((self.0 >> 10) as i32, self.0 & 1023);
        let target = if bit { (1 << 22) - 1 } else { 0 };
        let p = p + (((target - p) as i64 * SPEED[age as usize] as i64) >> 16) as i32;
        self.0 = (p as u32) << 10 | (age + 1).min(OLD);
    }
}

/// From how many uses on weights learn as slowly as they ever do.
const SETTLED: i32 = 259;

/// 1920 / (16 + uses), but at least 6: a table, since a division takes as long as half of a mix.
static PACE: [i32; SETTLED as usize + 1] = {
    let mut table = [0; SETTLED as usize + 1];
    let mut used = 0;
    while used <= SETTLED {
        let pace = 120 * 16 / (16 + used);
        table[used as usize] = if pace > 6 { pace } else { 6 };
        used += 1;
    }
    table
};

/// Weights of one choice, 16.16 fixed point, and how often they were used.
#[derive(Clone, Copy)]
struct Weights {
    of: [i32; WIDE],
    used: i32,
}

impl Weights {
    const NEW: Weights = {
        let mut of = [0; WIDE];
        let mut i = 0;
        while i < INPUTS {
            of[i] = 19661;
            i += 1;
        }
        Weights { of, used: 0 }
    };

    #[inline(always)]
    fn odds(&self, inputs: &[i32; WIDE]) -> i32 {
        let mut sum = 0;
        for (w, i) in self.of.iter().zip(inputs) {
            sum += (w * i) >> 8;
        }
        (sum >> 8).clamp(-ODDS, ODDS)
    }

    #[inline(always)]
    fn update(&mut self, inputs: &[i32; WIDE], odds: i32, bit: bool) {
        let speed = PACE[self.used as usize];
        self.used = (self.used + 1).min(SETTLED);
        let error = ((((bit as i32) << 16) - squash(odds)) * speed) >> 4;
        for (w, i) in self.of.iter_mut().zip(inputs) {
            *w = (*w + ((i * error + (1 << 13)) >> 14)).clamp(-MOST, MOST);
        }
    }
}

/// Places of a correction's curve; log-odds between two of them.
const PLACES: usize = 33;
const BETWEEN: i32 = 2 * ODDS / (PLACES as i32 - 1);

/// What bits turned out to be, 22 bits, where the mix had said so much.
type Curve = [i32; PLACES];

fn straight() -> Curve {
    std::array::from_fn(|i| squash(i as i32 * BETWEEN - ODDS) << 6)
}

/// The contexts of a decision.
#[derive(Clone, Copy)]
pub struct Decision {
    /// Below [`NODES`].
    pub node: usize,
    /// A context for each counter, below [`CONTEXTS`].
    pub contexts: [u16; INPUTS],
    /// What chooses weights and corrections, below [`CHOICES`]: the first both, the second weights, the third
    /// corrections.
    pub choices: [usize; 3],
}

/// Everything that a chunk's decisions adapt.
pub struct Mixing {
    counters: Vec<Counter>,
    weights: [Vec<Weights>; 2],
    curves: [Vec<Curve>; 2],
}

impl Mixing {
    /// Nothing learned yet.
    pub fn new() -> Self {
        let weights = || vec![Weights::NEW; NODES * CHOICES];
        let curves = || vec![straight(); NODES * CHOICES];
        Mixing {
            counters: vec![Counter::NEW; INPUTS * CONTEXTS * NODES],
            weights: [weights(), weights()],
            curves: [curves(), curves()],
        }
    }

    /// Codes a bit and learns from it.
    #[inline(always)]
    pub fn code<C: Coder>(&mut self, coder: &mut C, bit: bool, decision: &Decision) -> bool {
        let &Decision { node, contexts, choices: [first, second, third] } = decision;
        let places: [usize; INPUTS] =
            std::array::from_fn(|i| (i * CONTEXTS + contexts[i] as usize) * NODES + node);
        let mut inputs = [0; WIDE];
        inputs[INPUTS] = 256;
        for (input, &place) in inputs.iter_mut().zip(&places) {
            *input = self.counters[place].odds();
        }
        let [a, b] = &mut self.weights;
        let sets = [&mut a[node * CHOICES + first], &mut b[node * CHOICES + second]];
        let odds = [sets[0].odds(&inputs), sets[1].odds(&inputs)];
        let mixed = (odds[0] + odds[1]) >> 1;

        let along = mixed + ODDS;
        let place = (along / BETWEEN).min(PLACES as i32 - 2);
        let part = along - place * BETWEEN;
        let near = (place + (part >= BETWEEN / 2) as i32) as usize;
        let [d, e] = &mut self.curves;
        let curves = [&mut d[node * CHOICES + first], &mut e[node * CHOICES + third]];
        let mut p = 2 * squash(mixed);
        for curve in &curves {
            let (low, high) = (curve[place as usize], curve[place as usize + 1]);
            p += ((low * (BETWEEN - part) + high * part) / BETWEEN) >> 6;
        }
        let bit = coder.bit(bit, (p >> 2).clamp(16, 65520) as u32);

        for (set, odds) in sets.into_iter().zip(odds) {
            set.update(&inputs, odds, bit);
        }
        for curve in curves {
            let target = if bit { (1 << 22) - 1 } else { 0 };
            curve[near] += (target - curve[near]) >> 6;
        }
        for place in places {
            self.counters[place].update(bit);
        }
        bit
    }
}
