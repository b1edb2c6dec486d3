//! One column's adaptive model: eight predictors a decision, mixed in the logistic domain.
//!
//! Mahoney's mixing of contexts (PAQ, 2005), over the forks of the column's own tree instead of the bits of bytes.

use super::context::{self, BLOCK, Given, distance, fold, spread};
use super::kernel::{Contexts, Kernel, Memory, Place, Slots, decide};
use super::tree::{Kind, Node, Tree};
use super::{Foreseen, Shape};
use crate::codec::range_coder::Coder;

/// Last values seen, by two parents' sixteenths.
const SEEN: usize = 17 * 17;

/// Errors teach by this at first, from row 1000 on and from row 6000 on.
const RATES: [i32; 3] = [24, 14, 9];

/// Codes all values of a column with a `memory` as new: an encoder reads `values`, a decoder fills them.
#[inline(always)]
pub fn run<K: Kernel, C: Coder>(
    kernel: K,
    memory: &mut Memory,
    coder: &mut C,
    shape: &Shape,
    given: &Given,
    values: &mut [i64],
) {
    let Shape { leaves, levels, foreseen, .. } = shape;
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
    let by_network = match foreseen {
        Some(Foreseen::Network(network)) => network.foresee(&given.inputs, values.len()),
        _ => vec![],
    };
    let mut seen = [0u64; SEEN];
    let (mut before, mut before2) = (0u64, 0u64);
    let mut ahead = [Contexts::default(); BLOCK];
    for row in 0..values.len() {
        let levels = coder.parts(*levels);
        let rate = RATES[(row >= 1000) as usize + (row >= 6000) as usize];
        if row % BLOCK == 0 {
            let block = (values.len() - row).min(BLOCK);
            context::owed(given, row, &mut ahead[..block]);
        }
        let mut contexts = ahead[row % BLOCK];
        let at = std::mem::take(&mut contexts.0[6]) as usize % SEEN;
        let like = seen[at];
        let step = distance(before.wrapping_sub(before2) as i64) as u32;
        contexts.0[4] = spread(contexts.0[4].wrapping_add(fold(before as i64)));
        contexts.0[5] = spread(contexts.0[5].wrapping_add(step * 0x1001));
        let code = match leaves.kind {
            _ if !C::ENCODE => 0,
            Kind::Runs => values[row].wrapping_sub(leaves.first) as u64,
            Kind::Entries => entries.partition_point(|&e| e < values[row]) as u64,
        };
        let second = match foreseen {
            None => like,
            Some(Foreseen::Linear(linear)) => {
                let before = |n: usize| row.checked_sub(n).map_or(0, |r| values[r]);
                linear.predict([before(1), before(2)], &given.parents, row).wrapping_sub(leaves.first) as u64
            }
            Some(Foreseen::Network(_)) => by_network[row].wrapping_sub(leaves.first) as u64,
        };
        let known = Known { contexts, codes: [before, second], rate };
        let code = value(kernel, coder, memory, &tree, levels, &known, code);
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
    contexts: Contexts,
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
    coder.part(0);
    while at >= 0 {
        let Node { split, kids, group, local, wide, depth } = tree.nodes[at as usize];
        if local == 1 {
            slots = memory.enter(kernel, &known.contexts, group);
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
        coder.part(1 + level as usize);
        let inside = level % 3;
        if inside == 0 {
            slots = memory.enter(kernel, &known.contexts, spread((leaf as u32) << 16 ^ path ^ 0x8000_0000));
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
    if span == 0 {
        return low; // as what follows would, but without its two divisions
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
