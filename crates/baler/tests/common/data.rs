//! Values to code: the same on every machine.

use super::Random;
use baler::data::{Column, Values};

/// A wave with noise: the same on every machine, since only + - * make it.
pub fn wave(n: usize) -> Vec<f64> {
    let mut random = Random(n as u64);
    let (mut s, mut c) = (0.0, 1.0);
    (0..n)
        .map(|_| {
            (s, c) = (s + c * 0.25, c - (s + c * 0.25) * 0.25);
            s * 20.0 + (random.next() >> 40) as f64 * 1e-8
        })
        .collect()
}

/// Noise, blurred along every axis, and ever finer noise upon it, within +-1: what a wavelet base suits. The same on
/// every machine, since only + - * / make it.
pub fn clouds(shape: &[usize]) -> Vec<f64> {
    let mut random = Random(shape.len() as u64);
    let mut v = vec![0.0; shape.iter().product()];
    for (scale, passes) in [(300.0, 24), (10.0, 8), (1.0, 2)] {
        v.iter_mut()
            .for_each(|x| *x += ((random.next() >> 40) as f64 * (1.0 / (1 << 23) as f64) - 1.0) * scale);
        for axis in 0..shape.len() {
            let stride: usize = shape[axis + 1..].iter().product();
            (0..passes).for_each(|_| blur(&mut v, shape[axis], stride));
        }
    }
    let largest = v.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    v.into_iter().map(|x| x / largest).collect()
}

/// Each value becomes half of itself and a quarter of the two beside it, `stride` places away; lines are of `n`.
fn blur(v: &mut [f64], n: usize, stride: usize) {
    for line in v.chunks_mut(n * stride) {
        let old = line.to_vec();
        for (i, x) in line.iter_mut().enumerate() {
            let before = if i < stride { old[i] } else { old[i - stride] };
            let after = if i + stride < old.len() { old[i + stride] } else { old[i] };
            *x = *x * 0.5 + (before + after) * 0.25;
        }
    }
}

pub fn wave32(n: usize) -> Values {
    Values::F32(wave(n).into_iter().map(|x| x as f32).collect())
}

/// A wave among NaNs of two payloads, infinities, negative zeros, a fill value, and too many odd bit patterns.
pub fn pocked(n: usize) -> Vec<f64> {
    let odd = |i: usize| match i % 23 {
        0 | 1 => Some(f64::NAN),
        2 => Some(f64::from_bits(0xfff8_0000_0000_1234)),
        5 => Some(f64::INFINITY),
        6 => Some(f64::NEG_INFINITY),
        9 => Some(-0.0),
        10 | 11 => Some(1e20),
        12 if i > n / 2 => Some(f64::from_bits(0x7ff0_0000_0000_0001 + i as u64)),
        _ => None,
    };
    wave(n).into_iter().enumerate().map(|(i, x)| odd(i).unwrap_or(x)).collect()
}

/// Columns that bring out every way of coding one.
pub fn columns(rows: usize) -> Vec<Column> {
    let mut random = Random(3);
    let mut next = || random.next();
    let f: Vec<f64> = wave(rows);
    let columns = [
        ("name", Values::Text((0..rows).map(|i| ["mu", "e", "", "tau\u{e9}"][i * i % 4].into()).collect())),
        ("flag", Values::Bool((0..rows).map(|i| i % 3 == 0).collect())),
        ("same", Values::I32(vec![-7; rows])),
        ("count", Values::U8((0..rows).map(|_| (next() % 5) as u8).collect())),
        ("event", Values::U64((0..rows as u64).map(|i| (1 << 63) + i * 3).collect())),
        ("any", Values::I64((0..rows).map(|_| next() as i64).collect())),
        ("charge", Values::I16((0..rows).map(|_| [1i16, -999, 4000][next() as usize % 3]).collect())),
        ("wide", Values::U32((0..rows).map(|i| i as u32 % 40 * 1_000_003).collect())),
        ("x", Values::F32(f.iter().map(|&x| x as f32).collect())),
        ("y", Values::F64(f.iter().map(|&x| x * x).collect())),
        ("odd", Values::F64(pocked(rows))),
        ("whole", Values::F32((0..rows).map(|_| (next() % 100) as f32).collect())),
    ];
    columns.into_iter().map(|(name, values)| Column { name: name.into(), values }).collect()
}

/// Columns of which the last follows from the others, but for rounding.
pub fn lawful(rows: usize) -> Vec<Column> {
    let mut random = Random(11);
    let [a, b] = [0; 2].map(|_| (0..rows).map(|_| random.below(60) as f64 - 20.0).collect::<Vec<_>>());
    let of = |i: usize| (a[i] * b[i] / 3.0).round() as i16;
    let law = Values::I16((0..rows).map(of).collect());
    [("a", Values::F64(a.clone())), ("b", Values::F64(b.clone())), ("law", law)]
        .map(|(name, values)| Column { name: name.into(), values })
        .into()
}

/// Columns that tell of each other: mixed, and functions of others.
pub fn related(rows: usize) -> Vec<Column> {
    let mut random = Random(7);
    let mut below = |n: usize| random.below(n) as i64;
    let kind: Vec<i64> = (0..rows).map(|_| below(3) + below(2)).collect();
    let energy: Vec<i64> = kind.iter().map(|k| 1000 * k * k + below(150)).collect();
    let near: Vec<i64> = energy.iter().map(|e| e * 7 / 5 + below(9)).collect();
    let code: Vec<i64> = kind.iter().map(|k| [11, -13, 211, 22, 5][*k as usize]).collect();
    let sum: Vec<i64> = energy.iter().zip(&near).map(|(a, b)| a + b - 5).collect();
    let wide: Vec<i64> = energy.iter().map(|e| (e << 40) + below(1 << 30)).collect();
    let steps: Vec<i64> = kind.iter().scan(0, |t, k| Some(std::mem::replace(t, *t + 1 + 50 * k))).collect();
    let tenths = |v: &[i64]| v.iter().map(|&x| x as f64 / 10.0).collect::<Vec<_>>();
    let columns = [
        ("kind", Values::I32(kind.iter().map(|&k| k as i32).collect())),
        ("energy", Values::I64(energy.clone())),
        ("near", Values::F64(tenths(&near))),
        ("code", Values::I16(code.iter().map(|&c| c as i16).collect())),
        ("sum", Values::I64(sum)),
        ("copy", Values::I64(energy)),
        ("wide", Values::I64(wide)),
        ("steps", Values::U32(steps.iter().map(|&t| t as u32).collect())),
        ("short", Values::F32(near.iter().map(|&x| x as f32 / 64.0).collect())),
    ];
    columns.into_iter().map(|(name, values)| Column { name: name.into(), values }).collect()
}

/// A class and numbers about it, for a model of tables.
pub fn kin(rows: usize) -> Vec<Column> {
    let mut random = Random(17);
    let class: Vec<i16> = (0..rows).map(|i| (i * i % 7 / 2) as i16).collect();
    let near = |&c: &i16| c as f32 * 3.0 + random.below(40) as f32 * 0.1;
    let number: Vec<f32> = class.iter().map(near).collect();
    let column = |name: &str, values| Column { name: name.into(), values };
    vec![
        column("x", Values::F32(number)),
        column("class", Values::I16(class)),
        column("y", Values::F64(wave(rows))),
        column("name", Values::Text((0..rows).map(|i| ["mu", "e"][i % 2].into()).collect())),
    ]
}

/// Rows of three values that hang together.
pub fn rows(n: usize) -> Vec<f64> {
    wave(n).into_iter().flat_map(|x| [x, 2.0 * x + 1.0, -x * x]).collect()
}

/// Whole numbers in rows of `nx` whose differences from what three neighbours foretell are any of three.
pub fn recurring(n: usize, nx: usize) -> Vec<i32> {
    let mut random = Random(9);
    let mut v = vec![0; n];
    for i in 0..n {
        let before = |distance: usize| if i >= distance { v[i - distance] } else { 0 };
        let (w, up) = (if i % nx > 0 { before(1) } else { 0 }, before(nx));
        let corner = if i % nx > 0 { before(nx + 1) } else { 0 };
        v[i] = w + up - corner + [-181, 0, 269][random.below(3)];
    }
    v
}
