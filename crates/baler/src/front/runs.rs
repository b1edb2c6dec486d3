//! Values that repeat bit for bit over whole regions: land set to 0, padding, saturated pixels.
//!
//! Their regions have edges that no prediction foresees, and spoil what is learned beside them. As a class of their own
//! ([`super::class`]) they cost little but the outline, and their neighbours are predicted as if they were not there.

use super::class::{Bits, CONSTANT, Classes, MOST_CONSTANTS, REGULAR};
use std::collections::HashMap;

/// Pairs of neighbours looked at first.
const PAIRS: usize = 4096;
/// Neighbours in a row that are looked at together.
const RUN: usize = 32;
/// Of so many pairs, one has to repeat a value for it to be worth a closer look.
const SELDOM: usize = 64;
/// The most values that are told apart.
const MOST: usize = 4;
/// Bits of an outline where a row crosses it, and how often the logarithm of the height there is paid as a number: by those
/// behind it and below it too, which see the edge among their neighbours.
///
/// Of a coast (an ocean of 330 x 360, land 0) each crossing in fact saved 8, 16 and 44 bits where the height's logarithm was
/// 2.7, 4.8 and 8.
const OUTLINE: f64 = 5.0;
const PAID: f64 = 3.0;

/// The least mean length of runs: values that merely come often, as counts do, have no outline to speak of.
const LONG: f64 = 1.5;

/// What has to be gained.
#[derive(Clone, Copy)]
pub struct Least {
    /// Bits a value.
    pub bits: f64,
    /// Whether edges count that the plane before has in the same place: as numbers they cost little, for an obstacle in a
    /// flow stays where it is.
    pub recurring: bool,
}

impl Least {
    /// Nearly anything.
    pub const ANY: Least = Least { bits: 0.002, recurring: true };
    /// So much that classes may be worth their time.
    pub const MUCH: Least = Least { bits: 0.05, recurring: false };
}

/// The bits of values that cost less as classes than as numbers; `step` is the distance between reconstructions near a
/// value, `dims` planes, rows and columns.
///
/// An edge of a region costs as a number about the logarithm of its height in steps, as a class a few bits whatever its
/// height: so a saturated summit that slopes away stays a number, and the coast of an ocean does not.
pub fn find<T: Bits>(
    values: &[T],
    [_, rows, width]: [usize; 3],
    as_f64: impl Fn(T) -> f64,
    step: impl Fn(f64) -> f64,
    least: Least,
) -> Vec<u64> {
    let mut found: Vec<u64> = frequent(values);
    found.retain(|&bits| {
        let value = as_f64(T::of_bits(bits));
        if !value.is_finite() {
            return false; // special already
        }
        let (mut count, mut edges, mut gain) = (0usize, 0usize, 0.0);
        let is = |i: usize| values[i].bits() == bits;
        for start in (0..values.len()).step_by(width.max(1)) {
            count += is(start) as usize;
            for i in start + 1..(start + width).min(values.len()) {
                count += is(i) as usize;
                if is(i) == is(i - 1) {
                    continue;
                }
                edges += 1;
                let recurs =
                    i >= rows * width && is(i - rows * width) == is(i) && is(i - rows * width - 1) != is(i);
                let height = (as_f64(values[if is(i) { i - 1 } else { i }]) - value).abs();
                // An infinite height is that of another special value: no edge to save.
                let height = if height.is_finite() { height } else { 0.0 };
                if least.recurring || !recurs {
                    gain += PAID * (1.0 + height / step(value)).log2() - OUTLINE;
                }
            }
        }
        count < values.len()
            && 2.0 * count as f64 >= LONG * edges as f64
            && gain > 200.0 + values.len() as f64 * least.bits
    });
    found
}

/// Values that often follow themselves, the most frequent first.
fn frequent<T: Bits>(values: &[T]) -> Vec<u64> {
    let runs = (PAIRS / RUN).min(values.len() / RUN);
    if runs == 0 {
        return vec![];
    }
    let apart = values.len() / runs;
    let (mut pairs, mut seen) = (0, HashMap::<u64, usize>::new());
    for run in 0..runs {
        let shake = (run as u32).wrapping_mul(2654435761) as usize >> 8;
        let start = run * apart + shake % (apart - RUN + 1);
        for pair in values[start..start + RUN].windows(2) {
            pairs += 1;
            if pair[0].bits() == pair[1].bits() {
                *seen.entry(pair[0].bits()).or_default() += 1;
            }
        }
    }
    let mut often: Vec<_> = seen.into_iter().filter(|&(_, count)| count * SELDOM > pairs).collect();
    often.sort_unstable_by_key(|&(bits, count)| (std::cmp::Reverse(count), bits));
    often.into_iter().take(MOST).map(|(bits, _)| bits).collect()
}

/// Makes classes of their own of all values with the bits of one of `found`, as far as there is room for more.
pub fn mark<T: Bits>(classes: &mut Classes, values: &[T], found: &[u64]) {
    for &bits in found {
        if classes.constants.contains(&bits) || classes.constants.len() == MOST_CONSTANTS {
            continue;
        }
        let class = CONSTANT + classes.constants.len() as u8;
        classes.constants.push(bits);
        classes.plane.resize(values.len(), REGULAR);
        for (x, old) in values.iter().zip(&mut classes.plane) {
            if *old < CONSTANT && x.bits() == bits {
                *old = class;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in 40 planes of 20 x 50, a sea at 300 with land of 0 that moves by so many columns from plane to plane.
    fn found(moves: usize, least: Least) -> Vec<u64> {
        let land = |i: usize| (i + i / 1000 * moves) % 50 < 20;
        let sea = |i: usize| 300.0 + (i % 37) as f32 * 0.01;
        let values: Vec<f32> = (0..40_000).map(|i| if land(i) { 0.0 } else { sea(i) }).collect();
        find(&values, [40, 20, 50], |x| x as f64, |_| 0.1, least)
    }

    #[test]
    fn edges_that_stay_count_where_they_are_wanted() {
        let land = vec![0f32.to_bits() as u64];
        assert_eq!(found(0, Least::ANY), land);
        assert_eq!(found(7, Least::ANY), land);
        assert_eq!(found(7, Least::MUCH), land);
        assert_eq!(found(0, Least::MUCH), [0; 0]);
    }
}
