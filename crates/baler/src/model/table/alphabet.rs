//! The symbols that a column's integers become: bins of integers, and one symbol for all that no bin holds.

use crate::codec::table::column::Map;
use crate::data::DType;
use crate::error::{Error, Result};
use crate::front::pointwise::MOST_GRAIN;

/// Symbols of a column at most, its escape included.
pub const MOST_SYMBOLS: usize = 4096;
/// Columns of at most so many symbols have a feature for each.
pub const MOST_CLASSES: usize = 16;
/// Scores, the normal quantiles of a column's distribution in units of 1/4096, stay within +- this.
pub const MOST_SCORE: i16 = 16383;
/// Integers of bins stay within +- this, so that f64 holds them.
pub const MOST_EDGE: i64 = 1 << 52;

/// What one step of a column's integers means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// An integer stands for itself times this unit.
    Linear(f64),
    /// Ordered bits of floats of this type.
    Ordered(DType),
    /// Pointwise-relative cells of floats of this type: bound and grain.
    Cells(DType, f64, u32),
}

impl Scale {
    /// The scale of a mapped column of `dtype`; texts have none.
    pub fn of(map: &Map, dtype: DType) -> Option<Scale> {
        Some(match map {
            Map::Ordered if dtype.is_float() => Scale::Ordered(dtype),
            Map::Ordered | Map::Whole => Scale::Linear(1.0),
            Map::Uniform(u) => Scale::Linear(u.step),
            Map::Pointwise(bound, grain) => Scale::Cells(dtype, *bound, *grain),
            Map::Coarse(reach) => Scale::Linear(reach.saturating_mul(2).saturating_add(1) as f64),
            Map::Texts(_) | Map::Decimal(_) | Map::Cut(_) => return None,
        })
    }

    /// Fails where a decoder could not compute with it.
    pub fn check(&self) -> Result<()> {
        let fine = match *self {
            Scale::Linear(unit) => unit.is_finite() && unit > 0.0,
            Scale::Ordered(dtype) => dtype.is_float(),
            Scale::Cells(dtype, bound, grain) => {
                dtype.is_float() && bound > 0.0 && bound < 1.0 && grain <= MOST_GRAIN
            }
        };
        if fine { Ok(()) } else { Err(Error::corrupt(format!("no scale of integers: {self:?}"))) }
    }
}

/// One bin: the integers from `first` on, 2^`log` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bin {
    /// Its least integer.
    pub first: i64,
    /// The binary logarithm of its width, at most 52.
    pub log: u32,
}

impl Bin {
    /// The least integer beyond it.
    pub fn end(self) -> i64 {
        self.first + (1i64 << self.log)
    }
}

/// The bins of a column in ascending order, and where they lie in its distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct Alphabet {
    scale: Scale,
    bins: Vec<Bin>,
    /// Of the lower edge of each bin, and of the last one's upper.
    scores: Vec<i16>,
    /// Of the linear feature: what becomes 0, and what one integer adds.
    centre: f64,
    gain: f64,
}

impl Alphabet {
    /// An alphabet, once it is seen to be one: bins that are disjoint and ascend, scores that do not descend.
    pub fn new(scale: Scale, bins: Vec<Bin>, scores: Vec<i16>, centre: f64, gain: f64) -> Result<Alphabet> {
        let wrong = |what: &str| Err(Error::corrupt(format!("alphabet: {what}")));
        scale.check()?;
        if bins.is_empty() || bins.len() >= MOST_SYMBOLS || scores.len() != bins.len() + 1 {
            return wrong("its size");
        }
        let within =
            |b: &Bin| b.log <= 52 && b.first.unsigned_abs() <= MOST_EDGE as u64 && b.end() <= MOST_EDGE;
        if !bins.iter().all(within) || !bins.is_sorted_by(|a, b| a.end() <= b.first) {
            return wrong("bins that overlap or are too large");
        }
        if !scores.is_sorted() || scores.iter().any(|s| s.unsigned_abs() > MOST_SCORE as u16) {
            return wrong("scores that descend or are too large");
        }
        if !(centre.is_finite() && gain.is_finite() && centre.abs() < 1e16 && gain.abs() < 1e9) {
            return wrong("its linear feature");
        }
        Ok(Alphabet { scale, bins, scores, centre, gain })
    }

    /// What an integer means.
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// The bins.
    pub fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// Scores of the bins' edges, one more than there are bins.
    pub fn scores(&self) -> &[i16] {
        &self.scores
    }

    /// Centre and gain of the linear feature.
    pub fn line(&self) -> (f64, f64) {
        (self.centre, self.gain)
    }

    /// Symbols: the bins, and the escape, the last.
    pub fn symbols(&self) -> usize {
        self.bins.len() + 1
    }

    /// Whether each symbol has a feature of its own.
    pub fn is_class(&self) -> bool {
        self.symbols() <= MOST_CLASSES
    }

    /// Inputs that a column of this alphabet gives to a net, in pairs.
    pub fn pairs(&self) -> usize {
        match self.bins.len() {
            n if self.is_class() && n > 2 => (n + 1).div_ceil(2),
            _ => 1,
        }
    }

    /// The inputs of a symbol, in units of 1/1024: the score of its bin's middle, then for classes a one-hot of 2,
    /// otherwise the integer itself on a line. The escape's are zero.
    pub fn feature(&self, symbol: usize, input: usize) -> i16 {
        let Some(bin) = self.bins.get(symbol) else { return 0 };
        match input {
            0 => ((self.scores[symbol] as i32 + self.scores[symbol + 1] as i32) >> 3) as i16,
            _ if self.is_class() => {
                if self.pairs() > 1 && input == symbol + 1 {
                    2048
                } else {
                    0
                }
            }
            _ => {
                let middle = bin.first as f64 + (1u64 << bin.log) as f64 * 0.5;
                let line = (middle - self.centre) * self.gain;
                line.clamp(-3072.0, 3072.0) as i16
            }
        }
    }

    /// The inputs of every symbol as pairs, symbol after symbol, and a last row of zeros for what is not there.
    pub fn features(&self) -> Vec<i32> {
        let pairs = self.pairs();
        let pair = |s: usize, p: usize| {
            self.feature(s, 2 * p) as u16 as i32 | (self.feature(s, 2 * p + 1) as i32) << 16
        };
        let rows = (0..=self.symbols()).flat_map(|s| (0..pairs).map(move |p| (s, p)));
        rows.map(|(s, p)| pair(s, p)).collect()
    }

    /// The bins' edges, first and end, in integers of another scale; `None` where the two scales do not compare.
    pub fn edges(&self, scale: Scale) -> Option<Vec<(i64, i64)>> {
        let plain = || self.bins.iter().map(|b| (b.first, b.end())).collect();
        match (self.scale, scale) {
            (a, b) if a == b => Some(plain()),
            // Of hostile units of opposite signs bins would end before they begin.
            (Scale::Linear(from), Scale::Linear(to)) if from / to > 0.0 => {
                // Where the model's unit begins the bin, half a unit below its first integer.
                let edge = |e: i64| ((e as f64 - 0.5) * from / to).ceil().clamp(-4.5e15, 4.5e15) as i64;
                Some(self.bins.iter().map(|b| (edge(b.first), edge(b.end()))).collect())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alphabet(n: i64) -> Alphabet {
        let bins = (0..n).map(|i| Bin { first: i * 4, log: 2 }).collect();
        let scores = (0..=n).map(|i| (i * 10) as i16).collect();
        Alphabet::new(Scale::Linear(0.5), bins, scores, 2.0, 0.25).unwrap()
    }

    #[test]
    fn other_units_move_the_edges() {
        let a = alphabet(3);
        assert_eq!(a.edges(Scale::Linear(0.5)).unwrap(), [(0, 4), (4, 8), (8, 12)]);
        assert_eq!(a.edges(Scale::Linear(1.0)).unwrap(), [(0, 2), (2, 4), (4, 6)]);
        for foreign in [-0.5, f64::NAN, f64::INFINITY] {
            assert_eq!(a.edges(Scale::Linear(foreign)), None, "{foreign}");
        }
        assert_eq!(a.edges(Scale::Linear(1e300)).unwrap(), [(0, 1), (1, 1), (1, 1)]);
        assert!(a.edges(Scale::Linear(1e-300)).unwrap().iter().all(|e| e.0 <= e.1));
        assert_eq!(a.edges(Scale::Ordered(DType::F32)), None);
    }

    #[test]
    fn classes_have_a_feature_each() {
        let a = alphabet(5);
        assert_eq!(a.pairs(), 3);
        assert_eq!(a.features().len(), 7 * 3);
        assert_eq!(
            a.features()[2 * 3..3 * 3],
            [5, 2048 << 16, 0].map(|x: i32| if x == 5 { 50 >> 3 } else { x })
        );
        assert!(a.features()[5 * 3..].iter().all(|&x| x == 0));
        assert_eq!(alphabet(40).pairs(), 1);
    }

    #[test]
    fn what_is_no_alphabet_is_refused() {
        let bins =
            |list: &[(i64, u32)]| list.iter().map(|&(first, log)| Bin { first, log }).collect::<Vec<_>>();
        let new = |b: &[(i64, u32)], s: &[i16], unit| {
            Alphabet::new(Scale::Linear(unit), bins(b), s.to_vec(), 0.0, 1.0).is_ok()
        };
        assert!(new(&[(0, 1), (2, 0)], &[-1, 0, 0], 1.0));
        assert!(!new(&[(0, 1), (1, 0)], &[-1, 0, 0], 1.0));
        assert!(!new(&[(0, 53)], &[0, 0], 1.0) && !new(&[(i64::MAX, 0)], &[0, 0], 1.0));
        assert!(!new(&[(i64::MIN, 0)], &[0, 0], 1.0));
        assert!(!new(&[(0, 1)], &[1, 0], 1.0) && !new(&[(0, 1)], &[0, i16::MAX], 1.0));
        assert!(!new(&[], &[0], 1.0) && !new(&[(0, 0)], &[0, 0], 0.0) && !new(&[(0, 0)], &[0, 0], f64::NAN));
    }
}
