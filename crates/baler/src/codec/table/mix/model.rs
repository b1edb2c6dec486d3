//! One column's adaptive model: eight predictors a decision, mixed in the logistic domain.
//!
//! Mahoney's mixing of contexts (PAQ, 2005), over the forks of the column's own tree instead of the bits of bytes.

use super::context::{Given, distance, fold, spread};
use super::tree::{Kind, Leaves, Node, Tree};
use crate::codec::adaptive::{ODDS, SQUASH, STRETCH};
use crate::codec::range_coder::Coder;

/// Predictors that look up hashed slots, and all.
const HASHED: usize = 6;
const INPUTS: usize = 8;
/// Slots a predictor, as a power of two.
const SLOT_BITS: u32 = 13;
const SLOTS: usize = 1 << SLOT_BITS;
/// Last values seen, by two parents' sixteenths.
const SEEN: usize = 17 * 17;

/// A state: 22 bits of probability of a one, 10 bits of count. Even odds, nothing seen.
const NEW: u32 = 1 << 31;
const MOST_COUNT: u32 = 255;

/// 2^12 / (count + 1.6): how far a state moves.
static MOVE: [i32; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        table[n] = 40960 / (10 * n as i32 + 16);
        n += 1;
    }
    table
};

/// 2^8 sqrt(n / (n + 1.5)), n = min(count, 40): how far a state is believed.
static TRUST: [i32; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let m = if n < 40 { n as i32 } else { 40 };
        let square = 131072 * m / (2 * m + 3);
        let mut root = 0;
        while (root + 1) * (root + 1) <= square {
            root += 1;
        }
        table[n] = root;
        n += 1;
    }
    table
};

/// A slot: its tag, then the states of up to seven nodes.
type Slot = [u32; 8];
type Weights = [i32; INPUTS];

/// The adaptive state of one column.
pub struct Model {
    slots: Vec<Slot>,
    near: Vec<u32>,
    by_depth: [Weights; 32],
    by_trust: [Weights; 32],
    rate: i32,
}

/// The slots and distances of the decision at hand.
struct Place {
    slots: [usize; HASHED],
}

impl Model {
    fn new() -> Model {
        Model {
            slots: vec![[0; 8]; HASHED * SLOTS],
            near: vec![NEW; 2 * 32 * 256],
            by_depth: [[1 << 14; INPUTS]; 32],
            by_trust: [[1 << 14; INPUTS]; 32],
            rate: 0,
        }
    }

    /// Finds the slots of a group of nodes, made anew where another's are in their place.
    #[inline(always)]
    fn enter(&mut self, contexts: &[u32; HASHED], group: u32) -> Place {
        let key = group.wrapping_mul(0x9E37_79B1);
        let mut slots = [0; HASHED];
        for i in 0..HASHED {
            let h = (contexts[i] ^ key).wrapping_mul(0x2C1B_3C6D);
            let h = h ^ h >> 15;
            slots[i] = i * SLOTS + (h as usize & (SLOTS - 1));
            let tag = h >> SLOT_BITS | 1 << 31;
            let slot = &mut self.slots[slots[i]];
            if slot[0] != tag {
                *slot = [tag, NEW, NEW, NEW, NEW, NEW, NEW, NEW];
            }
        }
        Place { slots }
    }

    /// Codes one decision.
    #[inline(always)]
    fn decide<C: Coder>(
        &mut self,
        coder: &mut C,
        bit: bool,
        place: &Place,
        local: usize,
        near: [usize; 2],
        depth: usize,
    ) -> bool {
        let local = local & 7;
        let mut s = [0u32; INPUTS];
        for i in 0..HASHED {
            s[i] = self.slots[place.slots[i]][local];
        }
        for i in 0..2 {
            s[HASHED + i] = self.near[near[i]];
        }
        let mut x = [0i32; INPUTS];
        for i in 0..INPUTS {
            x[i] = (STRETCH[(s[i] >> 20) as usize] as i32 * TRUST[(s[i] & 255) as usize]) >> 8;
        }
        let seen = |i: usize, most: u32| (s[i] & 255).min(most) as usize;
        let trust = seen(1, 3) * 8 + seen(2, 1) * 4 + seen(3, 1) * 2 + seen(5, 1);
        let a = &mut self.by_depth[depth & 31];
        let b = &mut self.by_trust[trust & 31];
        let (mut dot_a, mut dot_b) = (0i32, 0i32);
        for i in 0..INPUTS {
            dot_a = dot_a.wrapping_add(a[i].wrapping_mul(x[i]) >> 8);
            dot_b = dot_b.wrapping_add(b[i].wrapping_mul(x[i]) >> 8);
        }
        let ya = (dot_a >> 8).clamp(-ODDS, ODDS);
        let yb = (dot_b >> 8).clamp(-ODDS, ODDS);
        let p = SQUASH[(((ya + yb) >> 1) + ODDS) as usize] as u32;
        let bit = coder.bit(bit, p);
        let one = (bit as i32) << 16;
        let ea = ((one - SQUASH[(ya + ODDS) as usize] as i32) * self.rate) >> 4;
        let eb = ((one - SQUASH[(yb + ODDS) as usize] as i32) * self.rate) >> 4;
        const LIMIT: i32 = 1 << 19;
        for i in 0..INPUTS {
            a[i] = (a[i] + ((x[i] * ea + (1 << 13)) >> 14)).clamp(-LIMIT, LIMIT);
            b[i] = (b[i] + ((x[i] * eb + (1 << 13)) >> 14)).clamp(-LIMIT, LIMIT);
        }
        let target = ((bit as i32) << 22) - bit as i32;
        for i in 0..INPUTS {
            let p = (s[i] >> 10) as i32;
            let n = s[i] & 1023;
            let p = p + ((((target - p) >> 3) * MOVE[(n & 255) as usize]) >> 9);
            s[i] = (p as u32) << 10 | (n + 1).min(MOST_COUNT);
        }
        for i in 0..HASHED {
            self.slots[place.slots[i]][local] = s[i];
        }
        for i in 0..2 {
            self.near[near[i]] = s[HASHED + i];
        }
        bit
    }
}

/// Codes all values of a column: an encoder reads `values`, a decoder fills them.
#[inline(always)]
pub fn run<C: Coder>(coder: &mut C, leaves: &Leaves, levels: u8, given: &Given, values: &mut [i64]) {
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
    let mut model = Model::new();
    let mut seen = [0u64; SEEN];
    let (mut before, mut before2) = (0u64, 0u64);
    for row in 0..values.len() {
        model.rate = if row < 1000 {
            24
        } else if row < 6000 {
            14
        } else {
            9
        };
        let exact = |i: usize| given.parents.get(i).map_or(0, |p| fold(p.0[row]).wrapping_add(1));
        let part = |i: usize| given.parents.get(i).map_or(0, |p| p.1[row] as u32 + 1);
        let coarse = |i: usize| given.parents.get(i).map_or(0, |p| p.1[row] as u32 * 3 / 8 + 1);
        let labels = given.labels.get(row).copied().unwrap_or(0);
        let (p0, p1) = (part(0), part(1));
        let at = (p0 * 17 + p1) as usize;
        let like = seen[at];
        let step = distance(before.wrapping_sub(before2) as i64) as u32;
        let contexts = [
            0x1234_5678,
            spread(exact(0).wrapping_mul(7).wrapping_add(1)),
            spread((p0 * 32 + p1) + 0x10000),
            spread((coarse(0) * 7 + coarse(1)) * 49 + coarse(2) * 7 + coarse(3) + 0x20000) ^ labels,
            spread((before as u32 ^ (before >> 32) as u32).wrapping_add(0x0400_0000)),
            spread((p0 << 20).wrapping_add(labels.wrapping_mul(3)).wrapping_add(step * 0x1001 + 0x777)),
        ];
        let code = match leaves.kind {
            _ if !C::ENCODE => 0,
            Kind::Runs => values[row].wrapping_sub(leaves.first) as u64,
            Kind::Entries => entries.partition_point(|&e| e < values[row]) as u64,
        };
        let code = value(coder, &mut model, &tree, levels, &contexts, [before, like], code);
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

/// Codes one value: down the tree, then by halves of its leaf, then what is left as it is.
#[inline(always)]
fn value<C: Coder>(
    coder: &mut C,
    model: &mut Model,
    tree: &Tree,
    levels: u8,
    contexts: &[u32; HASHED],
    known: [u64; 2],
    code: u64,
) -> u64 {
    let near = |split: u64, wide: usize| {
        let of = |i: usize| (i * 32 + wide) * 256 + distance(known[i].wrapping_sub(split) as i64);
        [of(0), of(1)]
    };
    let mut at = if tree.nodes.is_empty() { -1 } else { 0 };
    let mut place = Place { slots: [0; HASHED] };
    while at >= 0 {
        let Node { split, kids, group, local, wide, depth } = tree.nodes[at as usize];
        if local == 1 {
            place = model.enter(contexts, group);
        }
        let right = model.decide(
            coder,
            code >= split,
            &place,
            local as usize,
            near(split, wide as usize),
            depth as usize,
        );
        at = kids[right as usize];
    }
    let leaf = (-1 - at) as usize;
    let (mut low, mut span) = tree.spans[leaf];
    let mut path = 1u32;
    for level in 0..levels {
        if span == 0 {
            return low;
        }
        if level % 3 == 0 {
            place = model.enter(contexts, spread((leaf as u32) << 16 ^ path ^ 0x8000_0000));
        }
        let half = span >> 1;
        let split = low.wrapping_add(half + 1);
        let wide = (64 - span.leading_zeros()).min(31) as usize;
        let local = (1 << (level % 3)) | (path & ((1 << (level % 3)) - 1)) as usize;
        let depth = (tree.below[leaf] + level).min(31) as usize;
        let right = model.decide(coder, code >= split, &place, local, near(split, wide), depth);
        path = path << 1 | right as u32;
        (low, span) = if right { (split, span - half - 1) } else { (low, half) };
    }
    let shift = (64 - span.leading_zeros()).saturating_sub(16);
    let rest = code.wrapping_sub(low);
    let high = coder.uniform((rest >> shift) as u32, (span >> shift) as u32 + 1) as u64;
    let mut left = shift;
    let mut rest_back = high;
    while left > 0 {
        let take = left.min(32);
        left -= take;
        rest_back = rest_back << take | coder.raw(rest >> left & ((1u64 << take) - 1), take);
    }
    low.wrapping_add(rest_back)
}
