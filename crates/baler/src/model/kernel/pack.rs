//! A layer in the order in which SIMD kernels read it.

use super::super::frozen::Requantise;

/// Outputs that share one stream of weights: what AVX-512 keeps in registers at once, twice what AVX2 does.
pub const TILE: usize = 12;

/// Pairs of weights (input 2p low, 2p + 1 high, as in [`Lanes`](super::Lanes)), in tiles of up to [`TILE`]
/// outputs: within a tile, pair by pair, the weights of all its outputs lie together, so that a kernel reads
/// one stream from start to end. Outputs are padded with zeros to an even number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The tiles, end to end.
    pub weights: Vec<i32>,
    /// Where the sum of each output begins, padded: its bias and, where the layer requantises, the half that rounds.
    pub bias: Vec<i32>,
    /// Multipliers for t >= 0 and t < 0, padded; empty where the layer does not requantise.
    pub multipliers: Vec<[i32; 2]>,
    /// The same for two outputs at a time (the second in the high 16 bits), where 16 bits can hold every t: then one
    /// rounding product of 16 bits is the whole requantising. Empty where they cannot.
    pub narrow: Vec<[i32; 2]>,
    /// Outputs, padded.
    pub outputs: usize,
    /// Pairs of inputs.
    pub pairs: usize,
}

impl Packed {
    /// Packs a layer of `weights` (outputs x inputs), of which it is known whether every t is `narrow`.
    pub fn new(
        inputs: usize,
        weights: &[i16],
        bias: &[i32],
        requantise: Option<&Requantise>,
        narrow: bool,
    ) -> Packed {
        let pairs = inputs.div_ceil(2);
        let outputs = bias.len().next_multiple_of(2);
        let at = |o: usize, i: usize| if o < bias.len() && i < inputs { weights[o * inputs + i] } else { 0 };
        let mut packed = Vec::with_capacity(outputs * pairs);
        for first in (0..outputs).step_by(TILE) {
            for p in 0..pairs {
                for o in first..(first + TILE).min(outputs) {
                    packed.push(at(o, 2 * p) as u16 as i32 | (at(o, 2 * p + 1) as i32) << 16);
                }
            }
        }
        let half = requantise.map_or(0, |r| 1 << (r.shift - 1));
        let mut bias: Vec<i32> = bias.iter().map(|b| b + half).collect();
        bias.resize(outputs, 0);
        let mut multipliers = requantise.map_or(vec![], |r| {
            r.positive.iter().zip(&r.negative).map(|(&p, &n)| [p as i32, n as i32]).collect::<Vec<_>>()
        });
        if requantise.is_some() {
            multipliers.resize(outputs, [0; 2]);
        }
        let two = |m: &[[i32; 2]]| [m[0][0] | m[1][0] << 16, m[0][1] | m[1][1] << 16];
        let narrow = if narrow { multipliers.chunks_exact(2).map(two).collect() } else { vec![] };
        Packed { weights: packed, bias, multipliers, narrow, outputs, pairs }
    }

    /// The tiles in turn: their first output, how many outputs they have (an even number), their weights.
    #[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
    pub fn tiles(&self) -> impl Iterator<Item = (usize, usize, &[i32])> {
        (0..self.outputs).step_by(TILE).map(|first| {
            let width = TILE.min(self.outputs - first);
            (first, width, &self.weights[first * self.pairs..][..width * self.pairs])
        })
    }
}
