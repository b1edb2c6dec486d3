//! A block of rows on its way through frozen steps, and how single values of it are read and written.

use super::kernel::{LANES, Lanes};

/// Two neighbours of a row as one lane.
pub fn pair(low: i16, high: i16) -> i32 {
    low as u16 as i32 | (high as i32) << 16
}

/// Value `i` of every row.
pub fn value(x: &[Lanes], i: usize) -> [i32; LANES] {
    let shift = if i.is_multiple_of(2) { 16 } else { 0 };
    x[i / 2].0.map(|pair| pair << shift >> 16)
}

/// Sets value `i` of every row, which must fit 16 bits.
pub fn set(y: &mut [Lanes], i: usize, values: [i32; LANES]) {
    let (shift, other) = if i.is_multiple_of(2) { (0, !0xffff) } else { (16, 0xffff) };
    for (y, v) in y[i / 2].0.iter_mut().zip(values) {
        *y = *y & other | (v & 0xffff) << shift;
    }
}

/// Copies `count` values from place `from` of `x` to place `at` of `y`.
pub fn copy(y: &mut [Lanes], mut at: usize, x: &[Lanes], mut from: usize, mut count: usize) {
    if !at.is_multiple_of(2) && count > 0 {
        set(y, at, value(x, from));
        (at, from, count) = (at + 1, from + 1, count - 1);
    }
    let (pairs, first) = (&mut y[at / 2..][..count / 2], &x[from / 2..]);
    if from.is_multiple_of(2) {
        pairs.copy_from_slice(&first[..count / 2]);
    } else {
        for (y, x) in pairs.iter_mut().zip(first.windows(2)) {
            for (y, (a, b)) in y.0.iter_mut().zip(x[0].0.iter().zip(&x[1].0)) {
                *y = a >> 16 & 0xffff | b << 16;
            }
        }
    }
    if !count.is_multiple_of(2) {
        set(y, at + count - 1, value(x, from + count - 1));
    }
}

/// Room for the activations of one block before and behind a step, and for what steps set aside.
pub struct Block {
    /// What the last step gave: pairs of activations, or an accumulator each behind a raw step.
    pub x: Vec<Lanes>,
    /// Where the next one writes.
    pub y: Vec<Lanes>,
    /// What was kept for a later sum.
    pub kept: Vec<Lanes>,
    /// Gathered columns of a convolution, squares.
    pub columns: Vec<Lanes>,
    /// What a kernel made of the columns.
    pub sums: Vec<Lanes>,
}

impl Block {
    /// Room for so many [`Lanes`] of activations, of columns and of sums.
    pub fn new(widest: usize, columns: usize, sums: usize) -> Block {
        let room = |n| vec![Lanes::ZERO; n];
        Block { x: room(widest), y: room(widest), kept: vec![], columns: room(columns), sums: room(sums) }
    }

    /// Ends a step: what it wrote is the next one's input.
    pub fn swap(&mut self) {
        std::mem::swap(&mut self.x, &mut self.y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_keep_their_neighbours() {
        let mut x = vec![Lanes::ZERO; 8];
        (0..16).for_each(|i| set(&mut x, i, std::array::from_fn(|lane| 100 * i as i32 - 8 * lane as i32)));
        for at in 0..5 {
            for from in 0..5 {
                for count in 0..9 {
                    let mut y = vec![Lanes([pair(-3, 5); LANES]); 8];
                    copy(&mut y, at, &x, from, count);
                    for i in 0..16 {
                        let expected = match i >= at && i < at + count {
                            true => value(&x, from + i - at),
                            false => [[-3, 5][i % 2]; LANES],
                        };
                        assert_eq!(value(&y, i), expected, "{at} {from} {count}");
                    }
                }
            }
        }
    }
}
