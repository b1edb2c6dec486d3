//! A net's first layer as tables: what each symbol of each source adds to the sums of its units.
//!
//! Its inputs are functions of symbols, of which there are few: a row of a table a source takes the place of looking up
//! features and of multiplying them by weights, which took a third of a net's time. Sums of integers that cannot overflow
//! are the same in any order.

use super::kernel::{LANES, Lanes};
use super::lanes::Laned;
use crate::model::frozen::FrozenDense;
use crate::model::table::alphabet::Alphabet;

/// Units whose sums lie together.
pub const UNITS: usize = 8;

/// A number for each of [`UNITS`] units.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[repr(align(32))]
pub struct Units(pub [i32; UNITS]);

/// Eight units of the layer; those beyond its last are zeros.
#[derive(Debug, Clone)]
pub struct Group {
    /// Where the sums begin: half a unit of what they lose included.
    pub bias: Units,
    /// The multipliers for t >= 0; for t < 0 they are 0.
    pub multipliers: Units,
    /// For each source, what is added for each of its symbols and, last, for what is not there.
    pub tables: Vec<Vec<Units>>,
}

/// A first layer.
#[derive(Debug, Clone)]
pub struct First {
    /// Its units.
    pub groups: Vec<Group>,
    /// Bits that its sums lose.
    pub shift: u32,
    /// Whether 16 bits can hold what is left of them, which SIMD asks for.
    pub narrow: bool,
}

impl First {
    /// The tables of `layer`, whose inputs are those of `sources`, in order: an alphabet each and, where they are known
    /// before, the symbols in lanes.
    pub fn new(layer: &FrozenDense, sources: &[(&Alphabet, Option<&Laned>)]) -> First {
        let requantise = layer.requantise().expect("a model's first layer gives activations");
        debug_assert!(requantise.negative.iter().all(|&m| m == 0));
        let units = |first: usize, of: &dyn Fn(usize) -> i32| {
            Units(std::array::from_fn(|u| if first + u < layer.outputs() { of(first + u) } else { 0 }))
        };
        let mut groups: Vec<Group> = (0..layer.outputs())
            .step_by(UNITS)
            .map(|first| Group {
                bias: units(first, &|o| layer.bias()[o] + (1 << (requantise.shift - 1))),
                multipliers: units(first, &|o| requantise.positive[o] as i32),
                tables: vec![],
            })
            .collect();
        let mut input = 0;
        for (alphabet, known) in sources {
            let (pairs, features) = (alphabet.pairs(), alphabet.features());
            let occurs = known.map(|k| k.occurring(alphabet.symbols() + 1));
            for (g, group) in groups.iter_mut().enumerate() {
                let weights: Vec<[Units; 2]> = (0..pairs)
                    .map(|p| {
                        let weight =
                            |o: usize, i: usize| layer.weights()[o * layer.inputs() + input + i] as i32;
                        [0, 1].map(|half| units(g * UNITS, &|o| weight(o, 2 * p + half)))
                    })
                    .collect();
                let mut table = vec![Units::default(); alphabet.symbols() + 1];
                for (symbol, sums) in table.iter_mut().enumerate() {
                    if occurs.as_ref().is_some_and(|o| !o[symbol]) {
                        continue;
                    }
                    for (pair, [low, high]) in features[symbol * pairs..].iter().zip(&weights) {
                        let (x, y) = (*pair as i16 as i32, pair >> 16);
                        for (s, (l, h)) in sums.0.iter_mut().zip(low.0.iter().zip(&high.0)) {
                            *s += l * x + h * y;
                        }
                    }
                }
                group.tables.push(table);
            }
            input += 2 * pairs;
        }
        First { groups, shift: requantise.shift, narrow: layer.narrow() }
    }

    /// Pairs of activations that come out.
    pub fn lanes_out(&self) -> usize {
        self.groups.len() * UNITS / 2
    }

    /// Holds a step's symbols within the tables.
    pub fn check(&self, symbols: &[&[u16; LANES]], out: &[Lanes]) {
        assert!(out.len() >= self.lanes_out() && self.groups.iter().all(|g| g.tables.len() == symbols.len()));
    }
}
