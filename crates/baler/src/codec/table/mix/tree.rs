//! The binary tree by which a column's values are coded: leaves are runs of neighbouring integers, or single ones,
//! balanced by how often they occur.

use crate::codec::adaptive::{Bit, Symbols};
use crate::codec::range_coder::Coder;
use crate::error::{Error, Result};

/// A tree has at most this many leaves.
pub const MOST_LEAVES: usize = 4096;
/// Weights of leaves are powers of two up to this exponent.
pub const MOST_WEIGHT: u32 = 15;
/// Bits below the leading one that a rounded width keeps.
const KEPT: u32 = 2;

/// How the leaves lie.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(u8)]
pub enum Kind {
    /// Each begins where the one before ends: codes are offsets from the first.
    Runs = 0,
    /// Single integers with gaps between: codes are their numbers.
    Entries = 1,
}

/// A leaf as it is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leaf {
    /// How many integers there are from its first to the next leaf's.
    pub width: u64,
    /// About how often it occurs, as a power of two.
    pub weight: u32,
}

/// All leaves of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaves {
    /// How they lie.
    pub kind: Kind,
    /// The smallest integer.
    pub first: i64,
    /// In rising order, at least one.
    pub list: Vec<Leaf>,
}

/// A place in the tree where it forks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Node {
    /// The first code of the right side.
    pub split: u64,
    /// Left and right: nodes, or leaves as -1 - number.
    pub kids: [i32; 2],
    /// Names the group of up to three levels of nodes that share slots.
    pub group: u32,
    /// Number in the group: 1 for its root, then 2 n and 2 n + 1.
    pub local: u8,
    /// Bits of the number of codes below.
    pub wide: u8,
    /// Levels above, at most 31.
    pub depth: u8,
}

/// A tree to walk.
pub struct Tree {
    /// Forks; none where there is one leaf. The first is the root.
    pub nodes: Vec<Node>,
    /// First code and number of codes less one, of each leaf.
    pub spans: Vec<(u64, u64)>,
    /// Levels above each leaf, at most 31.
    pub below: Vec<u8>,
}

impl Tree {
    /// The tree over `leaves`: forks where both sides weigh the most alike.
    pub fn new(leaves: &Leaves) -> Tree {
        let mut start = 0u64;
        let spans: Vec<(u64, u64)> = leaves
            .list
            .iter()
            .enumerate()
            .map(|(i, leaf)| match leaves.kind {
                Kind::Entries => (i as u64, 0),
                Kind::Runs => {
                    let at = start;
                    start = start.wrapping_add(leaf.width);
                    (at, leaf.width - 1)
                }
            })
            .collect();
        let mut sums = vec![0u64];
        for leaf in &leaves.list {
            sums.push(sums[sums.len() - 1] + (1 << leaf.weight));
        }
        let mut tree = Tree { nodes: vec![], below: vec![0; spans.len()], spans };
        tree.grow(&sums, 0, leaves.list.len(), (0, 1, 0));
        tree
    }

    /// Adds what is above the leaves `from..to`; `place` is its group, its number there and its depth.
    fn grow(&mut self, sums: &[u64], from: usize, to: usize, place: (u32, u8, u8)) -> i32 {
        let (group, local, depth) = place;
        if to - from == 1 {
            self.below[from] = depth.min(31);
            return -1 - from as i32;
        }
        // The first fork whose left side has at least half, or the one before if that is nearer to it.
        let half = sums[from] + sums[to];
        let after = (from + 1 + sums[from + 1..to].partition_point(|&s| 2 * s < half)).min(to - 1);
        let near = |i: usize| (2 * sums[i]).abs_diff(half);
        let fork = if after - 1 > from && near(after - 1) <= near(after) { after - 1 } else { after };
        let id = self.nodes.len();
        let group = if local == 1 { id as u32 } else { group };
        let last = self.spans[to - 1];
        let codes = last.0.wrapping_add(last.1).wrapping_sub(self.spans[from].0);
        self.nodes.push(Node {
            split: self.spans[fork].0,
            kids: [0; 2],
            group,
            local,
            wide: (64 - codes.leading_zeros()).min(31) as u8,
            depth: depth.min(31),
        });
        let next = |side: u8| match local {
            4.. => (0, 1, depth.saturating_add(1)),
            _ => (group, 2 * local + side, depth.saturating_add(1)),
        };
        let left = self.grow(sums, from, fork, next(0));
        let right = self.grow(sums, fork, to, next(1));
        self.nodes[id].kids = [left, right];
        id as i32
    }
}

/// Rounds a width to what a stored one keeps, never to nothing.
pub fn rounded(width: u64) -> u64 {
    let place = width.max(1).ilog2();
    let drop = place.saturating_sub(KEPT);
    width.max(1) >> drop << drop
}

/// Codes the leaves of a column; an encoder reads them, a decoder returns what it reads.
pub fn code<C: Coder>(coder: &mut C, leaves: &Leaves, count: usize) -> Result<Vec<Leaf>> {
    let mut weights = [Symbols::FLAT; 16];
    let mut high = Symbols::FLAT;
    let mut low = [Symbols::FLAT; 16];
    let mut exact = [Bit::NEW; 2];
    let (mut weight_before, mut exact_before) = (0, 0);
    let mut total = 0u64;
    (0..count)
        .map(|i| {
            let leaf = leaves.list.get(i).copied().unwrap_or(Leaf { width: 1, weight: 0 });
            let weight = weights[weight_before].code(coder, leaf.weight as usize);
            weight_before = weight;
            let is_exact = exact[exact_before].code(coder, rounded(leaf.width) != leaf.width);
            exact_before = is_exact as usize;
            let place = leaf.width.max(1).ilog2() as usize;
            let top = high.code(coder, place / 4);
            let place = (top * 4 + (low[top].code(coder, place % 4) & 3)) as u32;
            let drop = if is_exact { 0 } else { place.saturating_sub(KEPT) };
            let bits = place - drop;
            let value = leaf.width >> drop & ((1u64 << bits) - 1);
            let above = if bits > 32 { coder.raw(value >> 32, bits - 32) } else { 0 };
            let value = above << 32 | coder.raw(value & u32::MAX as u64, bits.min(32));
            let width = (1u64 << place) + (value << drop);
            total = total
                .checked_add(width)
                .ok_or_else(|| Error::corrupt("a column's leaves reach beyond 64 bits"))?;
            Ok(Leaf { width, weight: weight as u32 })
        })
        .collect()
}
