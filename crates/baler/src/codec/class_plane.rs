//! The coder of a plane of classes (see `front::class`): mostly runs, so mostly "as the one before".

use super::adaptive::{Bit, Symbols};
use super::bytes::{Reader, put_bytes, put_varint};
use super::range_coder::{Coder, Decoder, Encoder};
use crate::error::{Error, Result};
use crate::front::class::{CONSTANT, Classes, MOST_CONSTANTS, NEGATIVE, OWN};

/// Classes in a block of a row, which may be a copy of another.
const BLOCK: usize = 16;

/// How a plane is coded.
#[derive(Clone, Copy)]
struct Layout {
    /// Classes in a row.
    width: usize,
    /// Where masks stay in their places from plane to plane, how many classes a plane has; 0 elsewhere.
    back: usize,
    /// Whether rows are cut into blocks.
    blocks: bool,
}

/// The contexts of classes coded one by one.
struct Contexts {
    as_back: [Bit; 64],
    as_west: [Bit; 64],
    as_north: [Bit; 16],
    symbols: [Symbols; 16],
}

impl Contexts {
    const NEW: Contexts = Contexts {
        as_back: [Bit::NEW; 64],
        as_west: [Bit::NEW; 64],
        as_north: [Bit::NEW; 16],
        symbols: [Symbols::NEW; 16],
    };

    /// Codes the class at `i` in place: an encoder reads it, a decoder fills it.
    ///
    /// Where masks stay in their places from plane to plane, first whether a class is that which a plane has `back` places
    /// ago, given whether its neighbours are. Then whether it is that of the one before (west), given which of its
    /// neighbours are; then whether it is that of the one above (north), then the class.
    #[inline(always)]
    fn code<C: Coder>(&mut self, coder: &mut C, plane: &mut [u8], i: usize, layout: Layout) {
        let Layout { width, back, .. } = layout;
        let before = |back: usize| i.checked_sub(back).map_or(0, |j| plane[j]);
        let (w, ww, n) = (before(1), before(2), before(width));
        let (nw, ne) = (before(width + 1), if width > 1 { before(width - 1) } else { 0 });
        if back > 0 && i >= back {
            let p = before(back);
            let context = (w == before(back + 1)) as usize
                | ((n == before(back + width)) as usize) << 1
                | ((ne == before(back + width - 1)) as usize) << 2
                | ((p == w) as usize) << 3
                | ((p == n) as usize) << 4
                | ((p == before(back - 1)) as usize) << 5;
            if self.as_back[context].code(coder, plane[i] == p) {
                plane[i] = p;
                return;
            }
        }
        let context = (w == n) as usize
            | ((n == ne) as usize) << 1
            | ((nw == w) as usize) << 2
            | ((ww == w) as usize) << 3
            | ((w != 0) as usize) << 4
            | ((ne == w) as usize) << 5;
        let x = plane[i];
        plane[i] = if self.as_west[context].code(coder, x == w) {
            w
        } else if self.as_north[(n == ne) as usize | ((n == nw) as usize) << 1 | ((w == n) as usize) << 2]
            .code(coder, x == n)
        {
            n
        } else {
            self.symbols[w as usize & 15].code(coder, x as usize) as u8
        };
    }
}

/// Codes `plane` in place: an encoder reads it, a decoder fills it.
///
/// In blocks, first whether all of a block is as in the row above, or in the plane before: most are, and then nothing else
/// has to be asked.
fn code<C: Coder>(coder: &mut C, plane: &mut [u8], layout: Layout) {
    let Layout { width, back, blocks } = layout;
    let mut contexts = Contexts::NEW;
    if !blocks {
        for i in 0..plane.len() {
            contexts.code(coder, plane, i, layout);
        }
        return;
    }
    let mut copies = [Bit::NEW; 8];
    // Of each block of the last row, whether it was a copy.
    let mut above = vec![true; width.div_ceil(BLOCK)];
    for row in (0..plane.len()).step_by(width.max(1)) {
        let mut west = true;
        for (start, above) in (row..row + width).step_by(BLOCK).zip(&mut above) {
            let end = (start + BLOCK).min(row + width);
            let far = if back > 0 && start >= back { back } else { width };
            let (coded, rest) = plane.split_at_mut(start);
            let like = start
                .checked_sub(far)
                .map_or(&[0; BLOCK][..end - start], |from| &coded[from..][..end - start]);
            let block = &mut rest[..end - start];
            let alike = like.iter().all(|&c| c == like[0]);
            let context = west as usize | (*above as usize) << 1 | (alike as usize) << 2;
            let copy = copies[context].code(coder, block == like);
            if copy {
                block.copy_from_slice(like);
            } else {
                for i in start..end {
                    contexts.code(coder, plane, i, layout);
                }
            }
            (west, *above) = (copy, copy);
        }
    }
}

/// Appends `classes` of planes, rows and columns as many as `dims` says; nothing but a zero where all are regular.
pub fn write(out: &mut Vec<u8>, classes: &Classes, dims: [usize; 3]) {
    let plane = &classes.plane;
    if plane.is_empty() {
        out.push(0);
        return;
    }
    let [nz, ny, nx] = dims;
    let unlike = |back: usize| plane.iter().zip(&plane[back..]).filter(|(a, b)| a != b).count();
    let back = if nz > 1 && unlike(ny * nx) < unlike(1) { ny * nx } else { 0 };
    let layout = Layout { width: nx, back, blocks: nx >= BLOCK };
    out.push(1 + (back > 0) as u8 + 2 * layout.blocks as u8);
    put_varint(out, classes.constants.len() as u64);
    classes.constants.iter().for_each(|&bits| put_varint(out, bits));
    put_varint(out, classes.own.len() as u64);
    classes.own.iter().for_each(|bits| out.extend_from_slice(&bits.to_le_bytes()));
    let mut coder = Encoder::with_capacity(plane.len() / 16);
    code(&mut coder, &mut plane.clone(), layout);
    put_bytes(out, &coder.finish().0);
}

/// The inverse of [`write()`]; what it returns is consistent.
pub fn read(r: &mut Reader, dims: [usize; 3]) -> Result<Classes> {
    let [nz, ny, nx] = dims;
    let flag = r.u8("class flag")?;
    let back = match flag {
        0 => return Ok(Classes::default()),
        1 | 3 => 0,
        2 | 4 if nz > 1 => ny * nx,
        other => return Err(Error::unsupported(format!("class flag {other} is of a later version"))),
    };
    let n = r.count(MOST_CONSTANTS, "number of special values")?;
    let constants = (0..n).map(|_| r.varint("special value")).collect::<Result<Vec<_>>>()?;
    let n = r.count(r.remaining() / 8, "number of own values")?;
    let own = (0..n).map(|_| r.u64("own value")).collect::<Result<Vec<_>>>()?;
    let mut plane = vec![0; nz * ny * nx];
    let layout = Layout { width: nx, back, blocks: flag > 2 };
    code(&mut Decoder::new(r.bytes("classes")?, &[]), &mut plane, layout);
    let known = |&c: &u8| c <= NEGATIVE || c == OWN || ((c - CONSTANT) as usize) < constants.len();
    if !plane.iter().all(known) || plane.iter().filter(|&&c| c == OWN).count() != own.len() {
        return Err(Error::corrupt("the classes name special values that are not there"));
    }
    Ok(Classes { plane, constants, own })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::class::{Rule, classify, restore};

    #[test]
    fn planes_round_trip_and_runs_cost_little() {
        let shapes = [
            [1usize, 1, 1],
            [1, 2, 1],
            [1, 1, 63],
            [1, 50, 100],
            [5, 10, 100],
            [70, 1, 70],
            [4, 9, 13],
            [3, 5, 16],
        ];
        for dims in shapes {
            let count = dims.iter().product();
            for kind in 0..5 {
                let values: Vec<f32> = (0..count)
                    .map(|i| match kind {
                        0 => f32::NAN,
                        1 if i % 100 < 40 => f32::INFINITY,
                        2 => f32::from_bits(0x7f80_0001 + (i * 7919 % 31) as u32),
                        3 if i % 3 == 0 => -0.0,
                        4 if i % (dims[1] * dims[2]) % 13 < 4 => f32::NAN,
                        _ => i as f32,
                    })
                    .collect();
                let classes = classify(&values, Rule::Bounded, Some(5f32.to_bits() as u64));
                let mut out = vec![];
                write(&mut out, &classes, dims);
                let mut r = Reader::new(&out);
                let back = read(&mut r, dims).unwrap();
                r.finish("plane").unwrap();
                assert_eq!(back, classes);
                let mut values2 = values.clone();
                values2.iter_mut().zip(&classes.plane).filter(|(_, c)| **c != 0).for_each(|(x, _)| *x = 7.0);
                restore(&mut values2, &back);
                assert!(values.iter().zip(&values2).all(|(a, b)| a.to_bits() == b.to_bits()));
                let most = 60 + count / 50 + if kind == 4 { dims[1] * dims[2] / 4 } else { 0 };
                assert!(kind == 2 || out.len() < most, "{} for {dims:?} of kind {kind}", out.len());
                assert!(dims[0] > 1 || out[0] % 2 == 1 || out[0] == 0, "planes where there is one");
                assert!(out[0] == 0 || (out[0] > 2) == (dims[2] >= BLOCK), "{dims:?} of kind {kind}");
                assert!(kind != 4 || dims[0] < 5 || out[0] == 4, "{dims:?} of kind {kind}");
            }
        }
    }
}
