//! Columns through models: round trips on every kernel's lanes, what the model has not seen, other scales, hostile bytes.

use super::*;
use crate::codec::table::column::Map;
use crate::data::DType;
use crate::front::uniform::Uniform;
use crate::train::table::{SampleColumn, TableOptions, train_table};
use std::ops::ControlFlow;

struct Random(u64);

impl Random {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as i64 % limit
    }
}

const STEP: Scale = Scale::Linear(0.25);
const WHOLE: Scale = Scale::Linear(1.0);

/// Four columns that hang together: a class, a number about it, one that repeats, and one of wide range.
fn columns(rows: usize, seed: u64) -> Vec<Vec<i64>> {
    let mut r = Random(seed);
    let mut all = vec![vec![]; 4];
    let mut last = 0;
    for _ in 0..rows {
        let class = r.below(5) * r.below(2);
        let number = class * 40 + r.below(20) + r.below(20);
        last = if r.below(3) == 0 { r.below(4000) } else { last };
        let wide = (number << 12) + r.below(1 << 14) - 5000;
        all.iter_mut().zip([class * 7 - 9, number, last, wide]).for_each(|(c, v)| c.push(v));
    }
    all
}

fn scales() -> [Scale; 4] {
    [WHOLE, STEP, WHOLE, STEP]
}

fn model(hidden: usize) -> TableModel {
    trained(columns(1200, 1), hidden)
}

fn trained(sample: Vec<Vec<i64>>, hidden: usize) -> TableModel {
    let sample = sample.into_iter().zip(scales()).enumerate();
    let sample = sample.map(|(i, (integers, scale))| SampleColumn { name: format!("c{i}"), scale, integers });
    let options =
        TableOptions { epochs: Some(3), hidden: vec![hidden], threads: 1, ..TableOptions::default() };
    train_table(&sample.collect::<Vec<_>>(), &options, |_| ControlFlow::Continue(())).unwrap()
}

/// The table's column that is column `number` of the model.
fn column(model: &TableModel, number: usize) -> usize {
    model.columns()[number].name[1..].parse().unwrap()
}

/// All columns there and back; the bytes of each.
fn round_trip(model: &TableModel, table: &[Vec<i64>], scales: [Scale; 4]) -> Vec<Vec<u8>> {
    let rows = table[0].len();
    let (mut known, mut later) = (Known::new(model, rows), Known::new(model, rows));
    for n in 0..4 {
        let c = column(model, n);
        known.put(n, Some(scales[c]), &table[c]);
    }
    (0..4)
        .map(|n| {
            let c = column(model, n);
            let coded = encode(&mut known, n, scales[c], &table[c]).unwrap().unwrap();
            let back = decode(&mut later, n, scales[c], Reader::new(&coded)).unwrap();
            assert!(back == table[c], "column {c} of {rows} rows");
            coded
        })
        .collect()
}

#[test]
fn rows_of_every_number_come_back() {
    let model = model(4);
    assert_eq!(TableModel::from_bytes(&model.to_bytes()).unwrap(), model);
    for rows in [1, 2, 31, 33, 500, 1025, 5000] {
        round_trip(&model, &columns(rows, 7), scales());
    }
}

#[test]
fn a_class_tells_of_a_number() {
    let (table, model) = (columns(4000, 3), model(8));
    let coded = round_trip(&model, &table, scales());
    let n = (0..4).find(|&n| column(&model, n) == 1).unwrap();
    let mut alone = vec![];
    integers::write(&mut alone, &table[1]);
    assert!(coded[n].len() * 10 < alone.len() * 9, "{} bytes, {} alone", coded[n].len(), alone.len());
}

#[test]
fn columns_that_nothing_tells_of_come_back() {
    let made = |rows, seed| {
        let mut r = Random(seed);
        [3, 500, 9, 70_000].map(|limit| (0..rows).map(|_| r.below(limit)).collect::<Vec<i64>>()).to_vec()
    };
    let model = trained(made(1500, 5), 4);
    let alone = |c: &ColumnModel| c.net.as_ref().is_some_and(|n| n.sources.is_empty());
    let without = model.columns().iter().filter(|c| alone(c)).count();
    assert!(without >= 2, "{without} without sources: chance may give one to a column");
    assert_eq!(TableModel::from_bytes(&model.to_bytes()).unwrap(), model);
    for rows in [1, 40, 3000] {
        round_trip(&model, &made(rows, 6), scales());
    }
}

#[test]
fn what_the_sample_had_not_comes_back() {
    let model = model(4);
    let wild: Vec<i64> = (0..700).map(|i| if i % 3 == 0 { i64::MIN + i } else { i64::MAX - i * i }).collect();
    let table = [wild.clone(), wild.clone(), wild, columns(700, 2)[3].clone()];
    round_trip(&model, &table, scales());
    for unit in [1e-9, 0.1, 0.2499999, 0.3, 7.0, 1e12] {
        let table = columns(700, 9);
        round_trip(&model, &table, [WHOLE, Scale::Linear(unit), Scale::Linear(unit), STEP]);
    }
}

#[test]
fn scales_that_do_not_compare_have_only_escapes() {
    let model = model(4);
    let table = columns(600, 5);
    let mut known = Known::new(&model, 600);
    for n in 0..4 {
        known.put(n, (n > 1).then_some(scales()[column(&model, n)]), &table[column(&model, n)]);
    }
    for n in [2, 3] {
        let c = column(&model, n);
        let coded = encode(&mut known, n, scales()[c], &table[c]).unwrap().unwrap();
        assert_eq!(decode(&mut known, n, scales()[c], Reader::new(&coded)).unwrap(), table[c]);
        assert!(encode(&mut known, n, Scale::Ordered(DType::F32), &table[c]).unwrap().is_none());
        assert!(decode(&mut known, n, Scale::Ordered(DType::F32), Reader::new(&coded)).is_err());
    }
    let map = Map::Uniform(Uniform { step: 0.25 });
    assert_eq!(Scale::of(&map, DType::F64), Some(STEP));
}

#[test]
fn damaged_columns_never_panic() {
    let model = model(4);
    let table = columns(300, 5);
    let coded = round_trip(&model, &table, scales());
    let mut known = Known::new(&model, 300);
    for n in 0..4 {
        known.put(n, Some(scales()[column(&model, n)]), &table[column(&model, n)]);
    }
    for (n, coded) in coded.iter().enumerate() {
        let scale = scales()[column(&model, n)];
        for bit in 0..coded.len().min(40) * 8 {
            let mut damaged = coded.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let _ = decode(&mut known, n, scale, Reader::new(&damaged));
        }
        for end in 0..coded.len().min(40) {
            let _ = decode(&mut known, n, scale, Reader::new(&coded[..end]));
        }
        known.put(n, Some(scale), &table[column(&model, n)]);
    }
}

#[test]
fn damaged_models_never_panic() {
    let table = columns(40, 5);
    let bytes = model(2).to_bytes();
    for end in (0..bytes.len()).step_by(3) {
        assert!(TableModel::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
    }
    assert!(TableModel::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    let mut whole = 0;
    for bit in (0..bytes.len() * 8).step_by(23) {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        // What the bytes still describe is a model, if another one: it must run.
        if let Ok(model) = TableModel::from_bytes(&damaged) {
            let names: Vec<&str> = model.columns().iter().map(|c| c.name.as_str()).collect();
            if names.iter().all(|n| ["c0", "c1", "c2", "c3"].contains(n)) && bit % 5 == 0 {
                let mut known = Known::new(&model, 40);
                for n in 0..4 {
                    known.put(n, Some(scales()[column(&model, n)]), &table[column(&model, n)]);
                }
                for n in 0..4 {
                    let c = column(&model, n);
                    if let Some(coded) = encode(&mut known, n, scales()[c], &table[c]).unwrap() {
                        assert_eq!(
                            decode(&mut known, n, scales()[c], Reader::new(&coded)).unwrap(),
                            table[c]
                        );
                    }
                }
            }
            whole += 1;
        }
    }
    assert!(whole > 30, "only {whole} of the damaged models are any");
}
