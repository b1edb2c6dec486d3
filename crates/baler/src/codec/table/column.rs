//! One column of one chunk: values to integers by the front end, integers to bytes, and back.

use super::{integers, texts};
use crate::codec::bytes::{Reader, put_bytes, put_varint};
use crate::codec::class_plane;
use crate::data::{DType, Values};
use crate::error::{Error, Result};
use crate::front::class::{self, Bits, CONSTANT, Classes, NEGATIVE, Rule, classify};
use crate::front::decimal::{Decimal, MOST_DIGITS, MOST_EXPONENT, cut, cuttable, uncut};
use crate::front::pointwise::{self, Layout, MOST_GRAIN, Pointwise};
use crate::front::uniform::Uniform;
use crate::front::{Target, Tolerance, ordered};
use crate::with_numbers;
use std::collections::HashMap;

/// How a column's values became integers. The format's map byte.
#[derive(Debug, Clone, PartialEq)]
pub enum Map {
    /// Integers and ordered floats, exactly.
    Ordered,
    /// Floats that are all whole numbers, exactly.
    Whole,
    /// Multiples of a step.
    Uniform(Uniform),
    /// Cells of pointwise-relative width: bound and grain.
    Pointwise(f64, u32),
    /// Numbers in a list of texts.
    Texts(Vec<String>),
    /// Integers within +-reach, by multiples of 2 reach + 1.
    Coarse(i64),
    /// Floats that are decimals of few digits, exactly.
    Decimal(Decimal),
    /// Ordered floats of which so many low bits say nothing, exactly.
    Cut(u32),
}

/// A column as integers: what tells the special values apart, how to get values back, and the integers, of which
/// those in special places mean nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// Special values.
    pub classes: Classes,
    /// The way back.
    pub map: Map,
    /// An integer a value.
    pub integers: Vec<i64>,
}

/// Strings decoded from one chunk, all columns together, take at most this many bytes.
pub const MOST_TEXT: usize = 1 << 28;

/// Maps a column to integers, as its `target` says.
pub fn map(values: &Values, target: Target) -> Mapped {
    map_by(values, target, None)
}

/// A step that is this much of the largest possible is taken for the sake of a model that was trained with it.
const FINEST_STEP: f64 = 0.8;

/// As [`map`], but with this step where it serves the tolerance about as well as one that is made for it.
pub fn map_by(values: &Values, Target { tolerance, fill }: Target, step: Option<f64>) -> Mapped {
    match (values, tolerance) {
        (Values::Text(v), _) => map_texts(v),
        (Values::F32(v), Tolerance::Exact) => map_exact(v, values, fill),
        (Values::F64(v), Tolerance::Exact) => map_exact(v, values, fill),
        (Values::F32(v), Tolerance::Pointwise(b)) => map_pointwise(v, b, pointwise::F32, fill),
        (Values::F64(v), Tolerance::Pointwise(b)) => map_pointwise(v, b, pointwise::F64, fill),
        (Values::F32(v), Tolerance::Absolute(b)) => {
            map_uniform(v, values, (b, step), fill, f32::EPSILON as f64, |x| x as f32 as f64)
        }
        (Values::F64(v), Tolerance::Absolute(b)) => {
            map_uniform(v, values, (b, step), fill, f64::EPSILON, |x| x)
        }
        (_, Tolerance::Absolute(b)) => map_coarse(values, b as i64, fill),
        _ => {
            Mapped { classes: Classes::default(), map: Map::Ordered, integers: ordered::to_integers(values) }
        }
    }
}

fn map_coarse(values: &Values, reach: i64, fill: Option<u64>) -> Mapped {
    let classes = with_numbers!(values, v => classify(v, Rule::Exact, fill), _ => Classes::default());
    let step = reach.saturating_mul(2).saturating_add(1);
    let mut last = 0;
    let index = |(i, &x): (usize, &i64)| {
        if classes.plane.get(i).is_none_or(|&c| c < CONSTANT) {
            last = x.div_euclid(step) + (x.rem_euclid(step) > reach) as i64;
        }
        last
    };
    let integers = ordered::to_integers(values).iter().enumerate().map(index).collect();
    Mapped { classes, map: Map::Coarse(reach), integers }
}

fn map_texts(v: &[String]) -> Mapped {
    let mut known: HashMap<&str, i64> = HashMap::new();
    let mut texts = vec![];
    let mut number = |s| {
        *known.entry(s).or_insert_with(|| {
            texts.push(String::from(s));
            texts.len() as i64 - 1
        })
    };
    let integers = v.iter().map(|s| number(s.as_str())).collect();
    Mapped { classes: Classes::default(), map: Map::Texts(texts), integers }
}

fn map_exact<F: Bits + Into<f64>>(v: &[F], values: &Values, fill: Option<u64>) -> Mapped {
    let classes = classify(v, Rule::Bounded, fill);
    if let Some(integers) = whole(v, &classes) {
        return Mapped { classes, map: Map::Whole, integers };
    }
    let classes = classify(v, Rule::Exact, fill);
    let mut integers = ordered::to_integers(values);
    let mut last = 0;
    for (integer, &class) in integers.iter_mut().zip(&classes.plane) {
        // Special values are told by the classes already.
        if class >= CONSTANT {
            *integer = last;
        }
        last = *integer;
    }
    Mapped { classes, map: Map::Ordered, integers }
}

/// The regular values as whole numbers, where they all are; special places repeat the one before.
fn whole<F: Bits + Into<f64>>(v: &[F], classes: &Classes) -> Option<Vec<i64>> {
    let mut last = 0;
    v.iter()
        .enumerate()
        .map(|(i, &x)| {
            if classes.plane.get(i).is_none_or(|&c| c < CONSTANT) {
                let x: f64 = x.into();
                last = (x.abs() < 9007199254740992.0 && x == x.trunc()).then_some(x as i64)?;
            }
            Some(last)
        })
        .collect()
}

fn map_uniform<F: Bits + Into<f64>>(
    v: &[F],
    values: &Values,
    (bound, step): (f64, Option<f64>),
    fill: Option<u64>,
    epsilon: f64,
    stored: impl Fn(f64) -> f64,
) -> Mapped {
    let mut classes = classify(v, Rule::Bounded, fill);
    if let Some(integers) = whole(v, &classes) {
        return Mapped { classes, map: Map::Whole, integers };
    }
    let regular = |i: usize| classes.plane.get(i).is_none_or(|&c| c < CONSTANT);
    let scale = v.iter().enumerate().filter(|&(i, _)| regular(i)).map(|(_, &x)| {
        let x: f64 = x.into();
        x.abs()
    });
    let (count, sum, largest) =
        scale.fold((0u64, 0.0, 0.0f64), |(n, s, m), x| (n + 1, s + x * 1e-6, m.max(x)));
    let usual = if count == 0 { 0.0 } else { sum / count as f64 * 8e6 };
    let uniform = match step {
        Some(step) if step <= 2.0 * bound && step >= FINEST_STEP * 2.0 * bound => Uniform { step },
        _ => Uniform::new(bound, largest.min(usual), epsilon),
    };
    let mut last = 0;
    let mut misses = vec![];
    let integers = v
        .iter()
        .enumerate()
        .map(|(i, &x)| {
            if classes.plane.get(i).is_none_or(|&c| c < CONSTANT) {
                match uniform.index(x.into(), bound, &stored) {
                    Some(index) => last = index,
                    None => misses.push(i),
                }
            }
            last
        })
        .collect();
    if misses.len() * 8 > v.len() {
        // The bound is about as fine as the type itself: its own bits are the better code.
        return map_exact(v, values, fill);
    }
    class::make_own(&mut classes, v, &misses);
    Mapped { classes, map: Map::Uniform(uniform), integers }
}

/// One value in so many may be off its column's lattice: it is special then.
const RARE: usize = 64;

/// As [`map`], but floats on a lattice of decimals or of short mantissas become its integers where these cost less. (The autoencoder codec, which codes what a model misses, has no use for them.)
pub fn map_finely(values: &Values, target: Target) -> Mapped {
    let mapped = map(values, target);
    if !matches!(mapped.map, Map::Ordered | Map::Uniform(_)) {
        return mapped;
    }
    let candidates = match values {
        Values::F32(v) => lattices(v, values, target.fill, |x| format!("{x:e}"), |x| x as f32 as f64),
        Values::F64(v) => lattices(v, values, target.fill, |x| format!("{x:e}"), |x| x),
        _ => return mapped,
    };
    // Plain coding of a run of them tells: a lattice may be of the smaller range and yet be finer where values are.
    let cost = |m: &Mapped| {
        let mut out = vec![];
        integers::write(&mut out, &m.integers[..m.integers.len().min(TRIED)]);
        out.len() + 8 * m.classes.own.len()
    };
    let best = candidates.into_iter().map(|m| (cost(&m), m)).min_by_key(|c| c.0);
    let usual = cost(&mapped);
    best.filter(|b| b.0 < usual).map_or(mapped, |b| b.1)
}

/// Values by whose cost lattices are compared.
const TRIED: usize = 4096;

fn lattices<F: Bits + Into<f64>>(
    v: &[F],
    values: &Values,
    fill: Option<u64>,
    text: impl Fn(F) -> String,
    stored: impl Fn(f64) -> f64,
) -> Vec<Mapped> {
    let classes = classify(v, Rule::Bounded, fill);
    let regular = |i: &usize| classes.plane.get(*i).is_none_or(|&c| c < CONSTANT);
    let places: Vec<usize> = (0..v.len()).filter(regular).collect();
    let on = |map: Map, index: &dyn Fn(usize) -> Option<i64>| {
        let (mut classes, mut last, mut misses) = (classes.clone(), 0, vec![]);
        let mut integers = vec![0; v.len()];
        let mut next = places.iter().peekable();
        for (i, integer) in integers.iter_mut().enumerate() {
            if next.next_if(|&&p| p == i).is_some() {
                match index(i) {
                    Some(k) => last = k,
                    None => misses.push(i),
                }
            }
            *integer = last;
        }
        if misses.len() * RARE > places.len() {
            return None;
        }
        class::make_own(&mut classes, v, &misses);
        Some(Mapped { classes, map, integers })
    };
    let mut out = vec![];
    let step = places.len().div_ceil(256).max(1);
    if let Some(d) = Decimal::find(places.iter().step_by(step).map(|&i| text(v[i]))) {
        out.extend(on(Map::Decimal(d), &|i| d.index(v[i].into(), &stored)));
    }
    let ordered = ordered::to_integers(values);
    let bits = cuttable(places.iter().map(|&i| ordered[i]), RARE);
    if bits > 0 {
        let index = |i: usize| Some(cut(ordered[i], bits)).filter(|&k| uncut(k, bits) == ordered[i]);
        out.extend(on(Map::Cut(bits), &index));
    }
    out
}

fn map_pointwise<F: Bits>(v: &[F], bound: f64, layout: Layout, fill: Option<u64>) -> Mapped {
    let map = Pointwise::best(layout, bound);
    let classes = classify(v, Rule::Pointwise, fill);
    let mut last = 0;
    let index = |(i, &x): (usize, &F)| {
        if classes.plane.get(i).is_none_or(|&c| c < CONSTANT) {
            last = map.index(x.bits() & !layout.sign());
        }
        last
    };
    let integers = v.iter().enumerate().map(index).collect();
    Mapped { classes, map: Map::Pointwise(bound, map.grain()), integers }
}

/// Values of `dtype` back from integers, the inverse of [`map`] within its tolerance. `text` is what the chunk's
/// strings may still take, [`MOST_TEXT`] at first: a short list makes many long copies.
pub fn unmap(mapped: &Mapped, dtype: DType, text: &mut usize) -> Result<Values> {
    let k = &mapped.integers;
    let mut values = match (&mapped.map, dtype) {
        (Map::Ordered, DType::Text) | (Map::Texts(_), _)
            if dtype != DType::Text || !matches!(mapped.map, Map::Texts(_)) =>
        {
            return Err(Error::corrupt(format!("a column of {dtype} is mapped as another type's")));
        }
        (Map::Ordered, _) => ordered::from_integers(k, dtype),
        (Map::Texts(texts), _) => {
            let find = |&i: &i64| usize::try_from(i).ok().and_then(|i| texts.get(i));
            let found = k.iter().map(find).collect::<Option<Vec<_>>>();
            let found = found.ok_or_else(|| Error::corrupt("a text is not in its column's list"))?;
            let bytes = found.iter().map(|s| s.len()).sum();
            *text = text.checked_sub(bytes).ok_or_else(|| {
                Error::new(
                    crate::error::ErrorKind::LimitExceeded,
                    "a chunk's texts take over 256 MiB; fewer rows a chunk (--chunk-rows) would do",
                )
            })?;
            Values::Text(found.into_iter().cloned().collect())
        }
        (Map::Whole, DType::F32) => Values::F32(k.iter().map(|&i| i as f32).collect()),
        (Map::Whole, DType::F64) => Values::F64(k.iter().map(|&i| i as f64).collect()),
        (Map::Uniform(u), DType::F32) => Values::F32(k.iter().map(|&i| u.value(i) as f32).collect()),
        (Map::Uniform(u), DType::F64) => Values::F64(k.iter().map(|&i| u.value(i)).collect()),
        (Map::Decimal(d), DType::F32) => Values::F32(k.iter().map(|&i| d.value(i) as f32).collect()),
        (Map::Decimal(d), DType::F64) => Values::F64(k.iter().map(|&i| d.value(i)).collect()),
        (Map::Cut(bits), DType::F32 | DType::F64) => {
            ordered::from_integers(&k.iter().map(|&i| uncut(i, *bits)).collect::<Vec<_>>(), dtype)
        }
        (Map::Pointwise(b, g), DType::F32) => Values::F32(pointwise_back(mapped, *b, *g, pointwise::F32)),
        (Map::Pointwise(b, g), DType::F64) => Values::F64(pointwise_back(mapped, *b, *g, pointwise::F64)),
        (Map::Coarse(reach), _) if dtype.is_number() && !dtype.is_float() => {
            let (least, most) = ordered::limits(dtype);
            let step = reach.saturating_mul(2).saturating_add(1);
            let back: Vec<i64> = k.iter().map(|&i| i.saturating_mul(step).clamp(least, most)).collect();
            ordered::from_integers(&back, dtype)
        }
        _ => return Err(Error::corrupt(format!("a column of {dtype} is mapped as another type's"))),
    };
    with_numbers!(&mut values, v => class::restore(v, &mapped.classes), _ => {});
    Ok(values)
}

fn pointwise_back<F: Bits>(mapped: &Mapped, bound: f64, grain: u32, layout: Layout) -> Vec<F> {
    let map = Pointwise::new(layout, bound, grain);
    let sign = |i: usize| if mapped.classes.plane.get(i) == Some(&NEGATIVE) { layout.sign() } else { 0 };
    let of = |(i, &k): (usize, &i64)| F::of_bits(map.magnitude(k) | sign(i));
    mapped.integers.iter().enumerate().map(of).collect()
}

/// Appends all of a column but its integers.
pub fn write_map(out: &mut Vec<u8>, mapped: &Mapped) {
    match &mapped.map {
        Map::Ordered => out.push(0),
        Map::Whole => out.push(1),
        Map::Uniform(u) => {
            out.push(2);
            out.extend_from_slice(&u.step.to_le_bytes());
        }
        Map::Pointwise(bound, grain) => {
            out.push(3);
            out.extend_from_slice(&bound.to_le_bytes());
            out.push(*grain as u8);
        }
        Map::Texts(texts) => {
            let coded = texts::write(texts);
            let plain: usize = texts.iter().map(|t| t.len() + 1).sum();
            // A length is a byte at least.
            if coded.len() + 4 < plain {
                out.push(8);
                put_varint(out, texts.len() as u64);
                put_bytes(out, &coded);
            } else {
                out.push(4);
                put_varint(out, texts.len() as u64);
                texts.iter().for_each(|t| put_bytes(out, t.as_bytes()));
            }
        }
        Map::Coarse(reach) => {
            out.push(5);
            put_varint(out, *reach as u64);
        }
        Map::Decimal(d) => out.extend([6, d.digits, d.exponent as u8]),
        Map::Cut(bits) => out.extend([7, *bits as u8]),
    }
    class_plane::write(out, &mapped.classes, [1, mapped.integers.len(), 1]);
}

/// The inverse of [`write_map`], for `count` values whose integers are to follow. `room` is what a chunk's lists of texts may
/// still take, [`MOST_TEXT`] at first.
pub fn read_map(r: &mut Reader, count: usize, room: &mut usize) -> Result<Mapped> {
    let map = match r.u8("column map")? {
        0 => Map::Ordered,
        1 => Map::Whole,
        2 => Map::Uniform(Uniform { step: r.f64("step")? }),
        3 => {
            let (bound, grain) = (r.f64("pointwise bound")?, r.u8("segments an octave")? as u32);
            if !(bound > 0.0 && bound < 1.0) || grain > MOST_GRAIN {
                return Err(Error::corrupt(format!(
                    "pointwise bound {bound} with grain {grain} is not possible"
                )));
            }
            Map::Pointwise(bound, grain)
        }
        4 => {
            let n = r.count(r.remaining(), "number of texts")?;
            Map::Texts((0..n).map(|_| r.string("text")).collect::<Result<_>>()?)
        }
        5 => Map::Coarse(r.count(i64::MAX as usize, "reach")? as i64),
        6 => {
            let (digits, exponent) = (r.u8("digits")?, r.u8("exponent of ten")? as i8);
            if !(1..=MOST_DIGITS).contains(&digits) || !(-MOST_EXPONENT..=MOST_EXPONENT).contains(&exponent) {
                return Err(Error::corrupt(format!(
                    "decimals of {digits} digits x 10^{exponent} are not possible"
                )));
            }
            Map::Decimal(Decimal { digits, exponent })
        }
        7 => Map::Cut(r.count(ordered::MOST_CUT as usize, "low bits")? as u32),
        8 => {
            let n = r.count(count, "number of texts")?; // each occurs
            Map::Texts(texts::read(r.bytes("texts")?, n, room).map_err(|e| e.at("texts"))?)
        }
        m => return Err(Error::unsupported(format!("column map {m} is of a later version"))),
    };
    let classes = class_plane::read(r, [1, count, 1])?;
    Ok(Mapped { classes, map, integers: vec![] })
}

/// Appends a whole column.
pub fn write(out: &mut Vec<u8>, mapped: &Mapped) {
    write_map(out, mapped);
    integers::write(out, &mapped.integers);
}

/// The inverse of [`write()`]; reads to the end of its input.
pub fn read(mut r: Reader, count: usize, dtype: DType, text: &mut usize) -> Result<Values> {
    let mut mapped = read_map(&mut r, count, &mut { MOST_TEXT })?;
    mapped.integers = integers::read(r, count)?;
    unmap(&mapped, dtype, text)
}
