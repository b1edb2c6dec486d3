//! The coder of a plane of classes (see `front::class`): mostly runs, so mostly "as the one before".

use super::adaptive::{Bit, Symbols};
use super::bytes::{Reader, put_bytes, put_varint};
use super::range_coder::{Coder, Decoder, Encoder};
use crate::error::{Error, Result};
use crate::front::class::{CONSTANT, Classes, MOST_CONSTANTS, NEGATIVE, OWN};

/// Codes `plane`, rows of `width`, in place: an encoder reads it, a decoder fills it.
///
/// First whether a value is of the class of the one before (west), given which of its neighbours are; then whether
/// it is of the class above (north), then the class.
fn code<C: Coder>(coder: &mut C, plane: &mut [u8], width: usize) {
    let mut as_west = [Bit::NEW; 64];
    let mut as_north = [Bit::NEW; 16];
    let mut symbols = [Symbols::NEW; 16];
    for i in 0..plane.len() {
        let before = |back: usize| i.checked_sub(back).map_or(0, |j| plane[j]);
        let (w, ww, n) = (before(1), before(2), before(width));
        let (nw, ne) = (before(width + 1), if width > 1 { before(width - 1) } else { 0 });
        let context = (w == n) as usize
            | ((n == ne) as usize) << 1
            | ((nw == w) as usize) << 2
            | ((ww == w) as usize) << 3
            | ((w != 0) as usize) << 4
            | ((ne == w) as usize) << 5;
        let x = plane[i];
        plane[i] = if as_west[context].code(coder, x == w) {
            w
        } else if as_north[(n == ne) as usize | ((n == nw) as usize) << 1 | ((w == n) as usize) << 2]
            .code(coder, x == n)
        {
            n
        } else {
            symbols[w as usize & 15].code(coder, x as usize) as u8
        };
    }
}

/// Appends `classes` of rows of `width`; nothing but a zero where all are regular.
pub fn write(out: &mut Vec<u8>, classes: &Classes, width: usize) {
    if classes.plane.is_empty() {
        out.push(0);
        return;
    }
    out.push(1);
    put_varint(out, classes.constants.len() as u64);
    classes.constants.iter().for_each(|&bits| put_varint(out, bits));
    put_varint(out, classes.own.len() as u64);
    classes.own.iter().for_each(|bits| out.extend_from_slice(&bits.to_le_bytes()));
    let mut coder = Encoder::with_capacity(classes.plane.len() / 16);
    code(&mut coder, &mut classes.plane.clone(), width.max(1));
    put_bytes(out, &coder.finish().0);
}

/// The inverse of [`write`], for `count` values; what it returns is consistent.
pub fn read(r: &mut Reader, count: usize, width: usize) -> Result<Classes> {
    match r.u8("class flag")? {
        0 => return Ok(Classes::default()),
        1 => {}
        other => return Err(Error::unsupported(format!("class flag {other} is of a later version"))),
    }
    let n = r.count(MOST_CONSTANTS, "number of special values")?;
    let constants = (0..n).map(|_| r.varint("special value")).collect::<Result<Vec<_>>>()?;
    let n = r.count(r.remaining() / 8, "number of own values")?;
    let own = (0..n).map(|_| r.u64("own value")).collect::<Result<Vec<_>>>()?;
    let mut plane = vec![0; count];
    code(&mut Decoder::new(r.bytes("classes")?, &[]), &mut plane, width.max(1));
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
        for count in [1usize, 2, 63, 5000] {
            for kind in 0..4 {
                let values: Vec<f32> = (0..count)
                    .map(|i| match kind {
                        0 => f32::NAN,
                        1 if i % 100 < 40 => f32::INFINITY,
                        2 => f32::from_bits(0x7f80_0001 + (i * 7919 % 31) as u32),
                        3 if i % 3 == 0 => -0.0,
                        _ => i as f32,
                    })
                    .collect();
                let classes = classify(&values, Rule::Bounded, Some(5f32.to_bits() as u64));
                let mut out = vec![];
                write(&mut out, &classes, 100);
                let mut r = Reader::new(&out);
                let back = read(&mut r, count, 100).unwrap();
                r.finish("plane").unwrap();
                assert_eq!(back, classes);
                let mut values2 = values.clone();
                values2.iter_mut().zip(&classes.plane).filter(|(_, c)| **c != 0).for_each(|(x, _)| *x = 7.0);
                restore(&mut values2, &back);
                assert!(values.iter().zip(&values2).all(|(a, b)| a.to_bits() == b.to_bits()));
                assert!(kind == 2 || out.len() < 60 + count / 50, "{} for {count} of kind {kind}", out.len());
            }
        }
    }
}
