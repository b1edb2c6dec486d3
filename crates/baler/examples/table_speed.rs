//! Speed of the two modes of tables, one thread, memory to memory: for each .npy file (f32, rows by columns), its rows
//! so often behind themselves that they fill a chunk of 65 536, within a share of each column's deviation. The net is
//! trained on the file's own rows, and codes all columns that it has a network for; columns are integers before and after.
//! usage: cargo run --release -p baler --example table_speed -- SHARE FILE.npy ...
mod support;

use baler::archive::Options;
use baler::bound::Bound;
use baler::codec::bytes::Reader;
use baler::codec::table;
use baler::codec::table::column::map;
use baler::codec::table::net::{self, Known};
use baler::data::{Column, DType, Table, Values};
use baler::error::Error;
use baler::front::{Target, Tolerance};
use baler::model::table::alphabet::Scale;
use baler::train::table::{TableOptions, train_within};
use std::ops::ControlFlow;
use support::{npy, timed};

/// Rows that are coded: a chunk's.
const CHUNK: usize = 1 << 16;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let share: f64 = args[0].parse().expect("a share of the deviation");
    for file in &args[1..] {
        let (shape, v) = npy(file);
        let &[_, width] = &shape[..] else { panic!("rows by columns") };
        let column = |c: usize, rows: usize| Column {
            name: format!("c{c}"),
            values: Values::F32((0..rows).map(|r| v[(r * width + c) % v.len()]).collect()),
        };
        let sample = Table { columns: (0..width).map(|c| column(c, v.len() / width)).collect() };
        let rows = CHUNK;
        let chunk = Table { columns: (0..width).map(|c| column(c, rows)).collect() };
        let options = Options { bound: Some(Bound::Deviation(share)), ..Options::default() };
        let trained =
            train_within(&sample, &options, &TableOptions::default(), |_| ControlFlow::Continue(()));
        let trained = trained.expect("trains");
        let targets: Vec<Target> = (chunk.columns.iter())
            .map(|c| match trained.bounds.iter().find(|b| b.0 == c.name) {
                Some(&(_, Bound::Absolute(bound))) => Tolerance::Absolute(bound).into(),
                _ => Tolerance::Exact.into(),
            })
            .collect();
        let names: Vec<&str> = chunk.columns.iter().map(|c| c.name.as_str()).collect();
        let values: Vec<Values> = chunk.columns.iter().map(|c| c.values.clone()).collect();
        let bytes = 4 * rows * width;
        let report = |what: &str, coded: usize, bytes: usize, encode: f64, decode: f64| {
            println!(
                "{file} {what}: ratio {:.2}, {:.1} / {:.1} MB/s in / out",
                bytes as f64 / coded as f64,
                bytes as f64 / 1e6 / encode,
                bytes as f64 / 1e6 / decode
            );
        };

        let ((payload, _), encode) = timed(|| table::encode(&values, &names, &targets, None).expect("codes"));
        let dtypes = vec![DType::F32; width];
        let no_model = |_| Err(Error::invalid("no model"));
        let (_, decode) =
            timed(|| table::decode(&payload, rows, &names, &dtypes, no_model).expect("decodes"));
        report("mix", payload.len(), bytes, encode, decode);

        let model = &trained.model;
        let columns: Vec<(usize, Scale, Vec<i64>)> = (model.columns().iter().enumerate())
            .map(|(number, c)| {
                let at = names.iter().position(|n| *n == c.name).expect("a column of the table");
                let mapped = map(&values[at], targets[at]);
                (number, Scale::of(&mapped.map, DType::F32).expect("a scale"), mapped.integers)
            })
            .collect();
        let known = || {
            let mut known = Known::new(model, rows);
            columns.iter().for_each(|(number, scale, integers)| known.put(*number, Some(*scale), integers));
            known
        };
        let (coded, encode) = timed(|| {
            let mut known = known();
            let code = |(number, scale, integers): &(usize, Scale, Vec<i64>)| {
                net::encode(&mut known, *number, *scale, integers).expect("codes")
            };
            columns.iter().map(code).collect::<Vec<_>>()
        });
        let (_, decode) = timed(|| {
            // A column sees those before it.
            let mut known = Known::new(model, rows);
            for ((number, scale, integers), _) in
                columns.iter().zip(&coded).filter(|(_, coded)| coded.is_none())
            {
                known.put(*number, Some(*scale), integers);
            }
            for ((number, scale, _), coded) in columns.iter().zip(&coded) {
                if let Some(coded) = coded {
                    std::hint::black_box(
                        net::decode(&mut known, *number, *scale, Reader::new(coded)).expect("decodes"),
                    );
                }
            }
        });
        let through = coded.iter().flatten().count();
        let size = coded.iter().flatten().map(Vec::len).sum();
        report(&format!("net ({through} of {width} columns)"), size, 4 * rows * through, encode, decode);
    }
}
