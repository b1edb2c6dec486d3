//! What columns cost, and what hostile bytes do.

use super::mix::linear::Linear;
use super::mix::{Foreseen, network};
use super::*;
use crate::codec::bytes::put_varint;
use crate::front::Tolerance;

/// Names for columns, and no model: what these tests do not look at.
fn names(count: usize) -> Vec<&'static str> {
    ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"][..count].to_vec()
}

fn no_model<'m>(_: usize) -> Result<&'m crate::model::any::AnyDecoder> {
    Err(Error::corrupt("no model"))
}

fn encode(columns: &[Values], tolerances: &[Tolerance]) -> Result<(Vec<u8>, Vec<Values>)> {
    let targets: Vec<Target> = tolerances.iter().map(|&t| t.into()).collect();
    super::encode(columns, &names(columns.len()), &targets, None)
}

fn decode(payload: &[u8], rows: usize, dtypes: &[DType]) -> Result<Vec<Values>> {
    super::decode(payload, rows, &names(dtypes.len()), dtypes, no_model)
}

fn decode_some(p: &[u8], rows: usize, dtypes: &[DType], wanted: &[bool]) -> Result<Vec<Option<Values>>> {
    super::decode_some(p, rows, &names(dtypes.len()), dtypes, wanted, no_model)
}

fn random(seed: u64) -> impl FnMut(u64) -> i64 {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 33) % below) as i64
    }
}

const ROWS: usize = 20_000;

/// Codes a table exactly, checks what comes back, and returns each column's bits a row.
fn bits(columns: &[Values]) -> Vec<f64> {
    let rows = columns[0].len();
    let (payload, decoded) = encode(columns, &vec![Tolerance::Exact; columns.len()]).unwrap();
    assert_eq!(decoded, columns);
    let dtypes: Vec<DType> = columns.iter().map(Values::dtype).collect();
    assert_eq!(decode(&payload, rows, &dtypes).unwrap(), columns);
    // Each alone is the same as all together.
    for c in 0..columns.len() {
        let wanted: Vec<bool> = (0..columns.len()).map(|i| i == c).collect();
        assert_eq!(decode_some(&payload, rows, &dtypes, &wanted).unwrap()[c].as_ref(), Some(&columns[c]));
    }
    let mut r = Reader::new(&payload);
    columns.iter().map(|_| r.bytes("column").unwrap().len() as f64 * 8.0 / rows as f64).collect()
}

fn integers(f: impl FnMut(i64) -> i64) -> Values {
    Values::I64((0..ROWS as i64).map(f).collect())
}

#[test]
fn what_says_nothing_costs_nothing() {
    let mut r = random(1);
    let base: Vec<i64> = (0..ROWS).map(|_| r(100_000)).collect();
    let of = |f: &dyn Fn(i64) -> i64| Values::I64(base.iter().map(|&b| f(b)).collect());
    let columns = [
        of(&|b| b),
        of(&|b| b),                               // a copy
        of(&|b| 7 - 3 * b),                       // linear
        of(&|b| b / 2000 * (b / 2000)),           // told by the first
        integers(|_| -5),                         // constant
        integers(|i| 1000 + i),                   // identifier
        integers(|i| 1_600_000_000_000 + i * 40), // timestamp
    ];
    let bits = bits(&columns);
    assert!((16.5..16.8).contains(&bits[0]), "{bits:?}");
    for c in [1, 2, 4, 5, 6] {
        assert!(bits[c] < 0.02, "{c}: {bits:?}");
    }
    assert!(bits[3] < 2.0, "{bits:?}");
}

#[test]
fn what_says_little_costs_little() {
    let mut r = random(2);
    let (mut time, mut r2) = (0, random(8));
    let columns = [
        integers(|_| (r(100) < 3) as i64),        // a rare flag: entropy 0.194
        integers(|i| [4, 17, 9][i as usize % 3]), // a cycle
        integers(|i| i * i / 100),                // sorted, smooth
        integers(|i| i / 50),                     // an identifier of 50 rows each
        integers(|_| {
            time += 1 + r2(16); // sorted, steps of 4 bits that cannot be foreseen
            time
        }),
    ];
    let bits = bits(&columns);
    for (c, most) in [0.22, 0.03, 1.4, 0.2, 4.2].into_iter().enumerate() {
        assert!(bits[c] < most, "{c}: {bits:?}");
    }
}

#[test]
fn floats_cost_the_bits_they_hold() {
    let mut r = random(3);
    let mut uniform = move || (r(1 << 30) as f64 + 0.5) / (1u64 << 30) as f64;
    let columns = [
        Values::F64((0..ROWS).map(|_| uniform()).collect()), // 30 bits each, however they are written
        Values::F64((0..ROWS).map(|_| (uniform() * 1e4).round() / 100.0).collect()), // cents up to 100: 13.3
        Values::F32(
            (0..ROWS).map(|_| f32::from_bits((1.0 + uniform() as f32).to_bits() & !0x1fff)).collect(),
        ), // 10
        Values::F64((0..ROWS).map(|_| (uniform() * 1e6).round() * 1e3).collect()), // whole numbers: 20 to 30
    ];
    let bits = bits(&columns);
    for (c, most) in [33.0, 13.5, 10.3, 30.2].into_iter().enumerate() {
        assert!(bits[c] < most, "{c}: {bits:?}");
    }
}

#[test]
fn columns_tell_of_each_other() {
    let mut r = random(4);
    let kind: Vec<i64> = (0..ROWS).map(|_| r(8)).collect();
    let noisy: Vec<i64> = kind.iter().map(|k| k * k * 1000 + r(16)).collect();
    let sum: Vec<i64> = (0..ROWS).map(|i| kind[i] + noisy[i]).collect();
    let bits = bits(&[Values::I64(kind), Values::I64(noisy), Values::I64(sum)]);
    assert!(bits.iter().sum::<f64>() < 7.3, "{bits:?}");
}

#[test]
fn every_processor_codes_alike() {
    let mut r = random(5);
    let parents: Vec<Vec<i64>> = (0..4).map(|p| (0..3000).map(|_| r(3 << (5 * p))).collect()).collect();
    let columns = Columns::new(parents);
    let mut values: Vec<i64> = (0..3000).map(|i| columns.integers(i % 4)[i] * 5 + r(100)).collect();
    values[7] = i64::MIN;
    values[8] = i64::MAX;
    let mut columns = columns;
    for (own, on) in [(0, vec![]), (4, vec![3, 1, 0, 2]), (2, vec![2, 3, 0, 1, 1])] {
        let mut on = mix::On { parents: on[..own].to_vec(), labels: on[own..].to_vec(), inputs: vec![] };
        let leaves = mix::fit::leaves(&values);
        let candidates: Vec<&[i64]> = (0..4).map(|c| columns.integers(c)).collect();
        let product: Vec<i64> = candidates[1].iter().zip(candidates[2]).map(|(a, b)| a * b).collect();
        let network = network::fit(&product, &candidates, candidates.len()).unwrap();
        on.inputs = network.inputs().collect();
        let given = columns.given(&on);
        let linear = Linear::fit(&values, &given.parents).filter(|_| own > 0);
        for foreseen in [None, linear.map(Foreseen::Linear), Some(Foreseen::Network(network))] {
            for levels in [0, 3, 16] {
                let (leaves, foreseen) = (leaves.clone(), foreseen.clone());
                let shape = mix::Shape { leaves, levels, delta: false, foreseen };
                let [fast, plain] = [false, true].map(|plain| mix::codes(&values, &shape, &given, plain));
                assert_eq!(fast, plain, "{own} parents, {levels} levels");
            }
        }
    }
}

/// A section of exact integers: their map, and what follows.
fn section(integers: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 0];
    out.extend_from_slice(integers);
    out
}

fn table(sections: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![];
    sections.iter().for_each(|s| put_bytes(&mut out, s));
    out
}

#[test]
fn circles_and_unknown_columns_are_refused() {
    let copy = |of: u8| section(&[8, 1, of, 0, 2, 0]);
    let constant = section(&[0, 10]);
    let dtypes = [DType::I64; 3];
    let back = decode(&table(&[copy(2), constant.clone(), copy(1)]), 4, &dtypes).unwrap();
    assert!(back.iter().all(|c| *c == Values::I64(vec![5; 4])));
    for (a, b, c) in [(0, 0, 1), (1, 2, 0), (1, 0, 1), (2, 1, 0)] {
        let e = decode(&table(&[copy(a), copy(b), copy(c)]), 4, &dtypes).unwrap_err();
        assert!(e.to_string().contains("conditioned on"), "{e}");
    }
    assert!(decode(&table(&[copy(3), constant.clone(), constant]), 4, &dtypes).is_err());
}

#[test]
fn hostile_mixed_columns_end() {
    let mut r = random(6);
    let base: Vec<i64> = (0..300).map(|_| r(50)).collect();
    let told: Vec<i64> = base.iter().map(|b| b * b * 97 + r(60)).collect();
    let columns = [Values::I64(base), Values::I64(told)];
    let (payload, _) = encode(&columns, &[Tolerance::Exact; 2]).unwrap();
    let dtypes = [DType::I64; 2];
    let mut head = Reader::new(&payload);
    let first = head.bytes("column").unwrap().to_vec();
    let second = head.bytes("column").unwrap().to_vec();
    assert_eq!(second[2], 6, "the second column is mixed");
    for at in 2..second.len().min(24) {
        for byte in (0..=255).step_by(5) {
            let mut hostile = second.clone();
            hostile[at] = byte;
            let _ = decode(&table(&[first.clone(), hostile]), 300, &dtypes);
        }
    }
    // The widest leaves and every kind, over noise.
    for kind in [0, 1, 2, 3, 4, 8] {
        for levels in [0, 1, 16] {
            let mut hostile = vec![6, 1, 0, 1, kind, levels];
            if kind == 8 {
                hostile.extend([0, 1, 0]);
                hostile.extend([255; 8]); // not numbers
                hostile.push(1);
                (0..6).for_each(|_| hostile.extend(f32::MAX.to_le_bytes()));
            }
            put_varint(&mut hostile, u64::MAX);
            put_varint(&mut hostile, 40);
            let noise: Vec<u8> = (0..200).map(|_| r(256) as u8).collect();
            put_bytes(&mut hostile, &noise);
            hostile.extend_from_slice(&noise);
            let _ = decode(&table(&[first.clone(), section(&hostile)]), 300, &dtypes);
        }
    }
}

/// What particles' tables hold besides momenta and directions: no function of them to the bit, as all are rounded.
#[test]
fn laws_between_rounded_columns_are_learned() {
    let mut r = random(9);
    let mut uniform = move || (r(1 << 30) as f64 + 0.5) / (1u64 << 30) as f64;
    let pt: Vec<f64> = (0..ROWS).map(|_| 10.0 - 15.0 * uniform().ln()).collect();
    let eta: Vec<f64> = (0..ROWS).map(|_| 3.0 * (uniform() + uniform() - 1.0)).collect();
    let phi: Vec<f64> = (0..ROWS).map(|_| std::f64::consts::TAU * (uniform() - 0.5)).collect();
    let of = |f: &dyn Fn(usize) -> f64| -> Vec<f64> { (0..ROWS).map(f).collect() };
    let (px, py) = (of(&|i| pt[i] * phi[i].cos()), of(&|i| pt[i] * phi[i].sin()));
    let energy = of(&|i| pt[i] * eta[i].cosh());
    let columns = [pt, eta, phi, px, py, energy].map(|c| Values::F32(c.iter().map(|&x| x as f32).collect()));
    let bounds = columns.each_ref().map(|c| {
        let c = c.to_f64().unwrap();
        let mean = c.iter().sum::<f64>() / ROWS as f64;
        Tolerance::Absolute(
            1e-3 * (c.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / ROWS as f64).sqrt(),
        )
    });
    let (payload, decoded) = encode(&columns, &bounds).unwrap();
    let dtypes = [DType::F32; 6];
    assert_eq!(decode(&payload, ROWS, &dtypes).unwrap(), decoded);
    let mut reader = Reader::new(&payload);
    let bits = columns.each_ref().map(|_| reader.bytes("column").unwrap().len() as f64 * 8.0 / ROWS as f64);
    let parts = describe::describe(&payload, ROWS, &names(6), no_model).unwrap();
    for c in 3..6 {
        assert!(bits[c] < 4.5, "{bits:?}");
        assert_eq!(parts[c].coding, describe::Coding::Law);
    }
    assert_eq!((parts[3].on[0].min(parts[3].on[1]), parts[3].on[0].max(parts[3].on[1])), (0, 2));
}

#[test]
fn columns_far_apart_are_not_compared() {
    let mut state = 5u64;
    let mut noise = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as i64
    };
    let mut columns: Vec<Vec<i64>> = (0..700).map(|_| (0..60).map(|_| noise()).collect()).collect();
    columns[30] = columns[27].clone();
    columns[690] = columns[60].clone();
    let coded = super::choose::code(columns);
    assert!(coded[30].len() < 10 && coded[690].len() > 100, "{} {}", coded[30].len(), coded[690].len());
}
