//! What a decoder's integers stand for, in the user's units: straight lines, one or several a feature.
//!
//! Several make what follows the last layer exact: an activation (ReLU is the line of its offset below 0), and the
//! inverse of a normalisation that is no straight line itself.

use crate::error::{Error, Result};

/// A straight line: `n as f64 * scale + offset`, a product and a sum, never fused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutputScale {
    /// The value of one step of the integer.
    pub scale: f64,
    /// The value of an integer of 0.
    pub offset: f64,
}

impl OutputScale {
    fn at(self, n: i32) -> f64 {
        n as f64 * self.scale + self.offset
    }
}

/// A feature's lines.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines {
    /// The line of the smallest integers.
    pub first: OutputScale,
    /// From each start on, in rising order, another.
    pub more: Vec<(i32, OutputScale)>,
}

impl Lines {
    fn at(&self, n: i32) -> f64 {
        match self.more.partition_point(|(start, _)| *start <= n) {
            0 => self.first.at(n),
            i => self.more[i - 1].1.at(n),
        }
    }
}

/// The lines of all features.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    sets: Vec<Lines>,
    /// Whether each set is a single line.
    plain: bool,
}

impl Output {
    /// Lines for each feature, or the same for all. Errors where starts do not rise, or where an integer would give a
    /// value that is not finite.
    pub fn new(sets: Vec<Lines>) -> Result<Output> {
        let finite = |s: &OutputScale| (s.scale.abs() * (1u64 << 31) as f64 + s.offset.abs()).is_finite();
        for (i, lines) in sets.iter().enumerate() {
            if !(finite(&lines.first) && lines.more.iter().all(|(_, s)| finite(s))) {
                return Err(Error::corrupt(format!(
                    "output scale of feature {i} gives values that are not finite"
                )));
            }
            if lines.more.windows(2).any(|w| w[0].0 >= w[1].0) {
                return Err(Error::corrupt(format!("output lines of feature {i} are not in order")));
            }
        }
        let plain = sets.iter().all(|lines| lines.more.is_empty());
        Ok(Output { sets, plain })
    }

    /// A single line for each feature.
    pub fn affine(scales: Vec<OutputScale>) -> Result<Output> {
        Output::new(scales.into_iter().map(|first| Lines { first, more: vec![] }).collect())
    }

    /// The lines: one set a feature, or one for all.
    pub fn sets(&self) -> &[Lines] {
        &self.sets
    }

    /// The line of each feature, where each has but one of its own.
    pub fn scales(&self, features: usize) -> Option<Vec<OutputScale>> {
        (self.plain && self.sets.len() == features).then(|| self.sets.iter().map(|l| l.first).collect())
    }

    /// Whether there are lines for so many features.
    pub fn serves(&self, features: usize) -> bool {
        self.sets.len() == features || self.sets.len() == 1
    }

    /// Fills rows of `features` values from `integer(feature, row)`, a tile of features at a time so that both stay in
    /// cache.
    pub fn apply(&self, integer: impl Fn(usize, usize) -> i32, features: usize, out: &mut [f64]) {
        const TILE: usize = 16;
        let set = |i: usize| &self.sets[if self.sets.len() == 1 { 0 } else { i }];
        for first in (0..features).step_by(TILE) {
            for (lane, row) in out.chunks_exact_mut(features).enumerate() {
                let tile = row[first..].iter_mut().take(TILE).zip(first..);
                match self.plain {
                    true => tile.for_each(|(out, i)| *out = set(i).first.at(integer(i, lane))),
                    false => tile.for_each(|(out, i)| *out = set(i).at(integer(i, lane))),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_begin_where_they_say() {
        let line = |scale, offset| OutputScale { scale, offset };
        let more = vec![(0, line(2.0, 5.0)), (10, line(0.5, 20.0))];
        let output = Output::new(vec![Lines { first: line(0.0, 5.0), more }]).unwrap();
        let integers = [-7, -1, 0, 3, 9, 10, 11];
        let mut out = vec![0.0; 7];
        output.apply(|i, _| integers[i], 7, &mut out);
        assert_eq!(out, [5.0, 5.0, 5.0, 11.0, 23.0, 25.0, 25.5]);
        let unordered = vec![(0, line(1.0, 0.0)), (0, line(1.0, 0.0))];
        assert!(Output::new(vec![Lines { first: line(1.0, 0.0), more: unordered }]).is_err());
        assert!(Output::affine(vec![line(1e300, 0.0)]).is_err());
        assert!(Output::affine(vec![line(1.0, f64::NAN)]).is_err());
    }
}
