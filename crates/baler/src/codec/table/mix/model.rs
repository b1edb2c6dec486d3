//! One column's adaptive model: eight predictors a decision, mixed in the logistic domain.
//!
//! Mahoney's mixing of contexts (PAQ, 2005), over the forks of the column's own tree instead of the bits of bytes.

use super::Shape;
use super::context::{Given, MOST_PARENTS, distance, fold, spread};
use super::kernel::{HASHED, Kernel, Memory, Place, Slots, decide};
use super::tree::{Kind, Node, Tree};
use crate::codec::range_coder::Coder;

/// Last values seen, by two parents' sixteenths.
const SEEN: usize = 17 * 17;

/// Errors teach by this at first, from row 1000 on and from row 6000 on.
const RATES: [i32; 3] = [24, 14, 9];

/// Codes all values of a column: an encoder reads `values`, a decoder fills them.
#[inline(always)]
pub fn run<K: Kernel, C: Coder>(kernel: K, coder: &mut C, shape: &Shape, given: &Given, values: &mut [i64]) {
    let Shape { leaves, levels, linear, .. } = shape;
    let tree = Tree::new(leaves);
    let entries: Vec<i64> = match leaves.kind {
        Kind::Runs => vec![],
        Kind::Entries => {
            let mut at = leaves.first;
            leaves
                .list
                .iter()
                .map(|l| {
                    let entry = at;
                    at = at.wrapping_add(l.width as i64);
                    entry
                })
                .collect()
        }
    };
    let mut memory = Memory::default();
    let mut seen = [0u64; SEEN];
    let (mut before, mut before2) = (0u64, 0u64);
    for row in 0..values.len() {
        let rate = RATES[(row >= 1000) as usize + (row >= 6000) as usize];
        let exact = |i: usize| given.parents.get(i).map_or(0, |p| fold(p.0[row]).wrapping_add(1));
        let part = |i: usize| given.parents.get(i).map_or(0, |p| p.1[row] as u32 + 1);
        let coarse = |i: usize| given.parents.get(i).map_or(0, |p| p.1[row] as u32 * 3 / 8 + 1);
        let labels = given.labels.get(row).copied().unwrap_or(0);
        let (p0, p1) = (part(0), part(1));
        let at = (p0 * 17 + p1) as usize;
        let like = seen[at];
        let same = |i: usize| given.parents.get(i).is_some_and(|p| row > 0 && p.0[row] == p.0[row - 1]);
        let same = (0..MOST_PARENTS).map(|i| (same(i) as u32) << i).sum::<u32>();
        let step = distance(before.wrapping_sub(before2) as i64) as u32;
        let contexts = [
            0x1234_5678,
            spread(exact(0).wrapping_mul(7).wrapping_add(1)),
            spread((p0 * 32 + p1) + 0x10000),
            spread((coarse(0) * 7 + coarse(1)) * 49 + coarse(2) * 7 + coarse(3) + 0x20000) ^ labels,
            spread(
                (before as u32 ^ (before >> 32) as u32).wrapping_add(0x0400_0000).wrapping_add(same << 28),
            ),
            spread((p0 << 20).wrapping_add(labels.wrapping_mul(3)).wrapping_add(step * 0x1001 + 0x777)),
        ];
        let code = match leaves.kind {
            _ if !C::ENCODE => 0,
            Kind::Runs => values[row].wrapping_sub(leaves.first) as u64,
            Kind::Entries => entries.partition_point(|&e| e < values[row]) as u64,
        };
        let second = match linear {
            None => like,
            Some(linear) => {
                let before = |n: usize| row.checked_sub(n).map_or(0, |r| values[r]);
                linear.predict([before(1), before(2)], &given.parents, row).wrapping_sub(leaves.first) as u64
            }
        };
        let known = Known { contexts, codes: [before, second], rate };
        let code = value(kernel, coder, &mut memory, &tree, *levels, &known, code);
        seen[at] = code;
        (before2, before) = (before, code);
        if !C::ENCODE {
            values[row] = match leaves.kind {
                Kind::Runs => leaves.first.wrapping_add(code as i64),
                Kind::Entries => entries[code as usize],
            };
        }
    }
}

/// What is known before a value is coded.
struct Known {
    contexts: [u32; HASHED],
    codes: [u64; 2],
    rate: i32,
}

/// Codes one value: down the tree, then by halves of its leaf, then what is left as it is.
#[inline(always)]
fn value<K: Kernel, C: Coder>(
    kernel: K,
    coder: &mut C,
    memory: &mut Memory,
    tree: &Tree,
    levels: u8,
    known: &Known,
    code: u64,
) -> u64 {
    let near = |split: u64| known.codes.map(|c| distance(c.wrapping_sub(split) as i64));
    let mut at = if tree.nodes.is_empty() { -1 } else { 0 };
    let mut slots = Slots::default();
    while at >= 0 {
        let Node { split, kids, group, local, wide, depth } = tree.nodes[at as usize];
        if local == 1 {
            slots = memory.enter(&known.contexts, group);
        }
        let place = Place::new(slots, local as u32, wide as usize, near(split));
        let right = decide(kernel, coder, memory, &place, depth as usize, known.rate, code >= split);
        at = if right { kids[1] } else { kids[0] };
    }
    let leaf = (-1 - at) as usize;
    let (mut low, mut span) = tree.spans[leaf];
    let mut path = 1u32;
    for level in 0..levels {
        if span == 0 {
            return low;
        }
        let inside = level % 3;
        if inside == 0 {
            slots = memory.enter(&known.contexts, spread((leaf as u32) << 16 ^ path ^ 0x8000_0000));
        }
        let half = span >> 1;
        let split = low.wrapping_add(half + 1);
        let wide = (64 - span.leading_zeros()).min(31) as usize;
        let local = (1 << inside) + (path & ((1 << inside) - 1));
        let depth = (tree.below[leaf] + level).min(31) as usize;
        let place = Place::new(slots, local, wide, near(split));
        let right = decide(kernel, coder, memory, &place, depth, known.rate, code >= split);
        path = path << 1 | right as u32;
        (low, span) = if right { (split, span - half - 1) } else { (low, half) };
    }
    let shift = (64 - span.leading_zeros()).saturating_sub(16);
    let rest = code.wrapping_sub(low);
    let mut back = coder.uniform((rest >> shift) as u32, (span >> shift) as u32 + 1) as u64;
    let mut left = shift;
    while left > 0 {
        let take = left.min(32);
        left -= take;
        back = back << take | coder.raw(rest >> left & ((1u64 << take) - 1), take);
    }
    low.wrapping_add(back)
}
