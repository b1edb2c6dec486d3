//! The encoder's choices for a mixed column: the leaves of its tree.

use super::tree::{Kind, Leaf, Leaves, MOST_LEAVES, MOST_WEIGHT, rounded};

/// Columns of at most this many values get a leaf for each.
const FEW: usize = 300;

/// Leaves for `values`, of which there is at least one.
pub fn leaves(values: &[i64]) -> Leaves {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let first = sorted[0];
    let n = sorted.len();
    // Distinct values and how many of each there are.
    let mut runs: Vec<(i64, usize)> = vec![];
    for &v in &sorted {
        match runs.last_mut() {
            Some((last, count)) if *last == v => *count += 1,
            _ => runs.push((v, 1)),
        }
    }
    let weight = |count: usize| {
        let scaled = (count as u64 * 16384).div_ceil(n as u64);
        (64 - scaled.leading_zeros()).min(MOST_WEIGHT)
    };
    if runs.len() <= FEW.min(n / 8 + 2).min(MOST_LEAVES) {
        let list = runs
            .iter()
            .enumerate()
            .map(|(i, &(v, count))| {
                let next = runs.get(i + 1).map_or(v.wrapping_add(1), |r| r.0);
                Leaf { width: next.wrapping_sub(v) as u64, weight: weight(count) }
            })
            .collect();
        return Leaves { kind: Kind::Entries, first, list };
    }
    let target = (n / 200).clamp(8, 96);
    // Offsets from the first at which leaves begin; an exact one is not to be rounded.
    let offset = |v: i64| v.wrapping_sub(first) as u64;
    let last = offset(sorted[n - 1]);
    let mut cuts: Vec<(u64, bool)> = (1..target).map(|i| (offset(sorted[i * n / target]), false)).collect();
    for &(v, count) in &runs {
        if count > n / target {
            cuts.push((offset(v), true));
            if offset(v) < last {
                cuts.push((offset(v) + 1, true));
            }
        }
    }
    cuts.sort_unstable_by_key(|&(at, exact)| (at, !exact));
    cuts.dedup_by_key(|c| c.0);
    let mut starts = vec![0u64];
    for (at, exact) in cuts {
        let before = starts[starts.len() - 1];
        if at > before {
            let width = if exact { at - before } else { rounded(at - before) };
            starts.push(before + width);
        }
    }
    let count_below = |code: u64| sorted.partition_point(|&v| offset(v) < code);
    let list = (0..starts.len())
        .map(|i| {
            let end = starts.get(i + 1).copied();
            let inside = end.map_or(n, count_below) - count_below(starts[i]);
            // The last is as wide as the values need, rounded up.
            let need = last.wrapping_sub(starts[i]).saturating_add(1);
            let width = end.map_or_else(|| need, |e| e - starts[i]);
            Leaf { width, weight: weight(inside) }
        })
        .collect();
    Leaves { kind: Kind::Runs, first, list }
}
