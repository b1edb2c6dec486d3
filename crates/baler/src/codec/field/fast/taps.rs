//! The neighbourhood of the fast walk: a smaller one than the plain walk's, in the order in which products are summed.

use super::super::domain::Real;
use super::super::taps::Tap;

/// Those of planes before.
pub const BACK: [Tap; 10] = [
    (-2, 0, 0),
    (-1, -1, -1),
    (-1, -1, 0),
    (-1, -1, 1),
    (-1, 0, -1),
    (-1, 0, 0),
    (-1, 0, 1),
    (-1, 1, -1),
    (-1, 1, 0),
    (-1, 1, 1),
];

/// Those of the plane itself. The value just before comes last: a value waits for no more than a product and a sum.
pub const ROW: [Tap; 6] = [(0, -2, 0), (0, -1, -1), (0, -1, 0), (0, -1, 1), (0, 0, -2), (0, 0, -1)];

/// The taps that serve a chunk of `dims`.
pub fn taps([nz, ..]: [usize; 3]) -> Vec<Tap> {
    if nz == 1 { ROW.to_vec() } else { BACK.into_iter().chain(ROW).collect() }
}

/// Their weights.
pub struct Weights<W> {
    /// By [`BACK`]; none where there is one plane.
    pub back: Option<[W; BACK.len()]>,
    /// By [`ROW`].
    pub row: [W; ROW.len()],
}

impl<W: Real> Weights<W> {
    /// From the format's, one for each of [`taps`].
    pub fn new(weights: &[i16]) -> Self {
        let (back, row) = weights.split_at(weights.len() - ROW.len());
        Weights {
            back: (!back.is_empty()).then(|| std::array::from_fn(|i| W::weight(back[i]))),
            row: std::array::from_fn(|i| W::weight(row[i])),
        }
    }
}
