//! Any values in any shape under any bound: compressed, opened, decoded, and within the bound, which is judged by
//! exact arithmetic of its own.
#![no_main]

#[path = "../../crates/baler/tests/common/mod.rs"]
mod common;
#[path = "../../crates/baler/tests/common/exact.rs"]
mod exact;

use baler::archive::header::Kind;
use baler::archive::{Archive, Input, Options, compress};
use baler::bound::Bound;
use baler::data::{Array, Column, DType, Table, Values, Variable};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(|bytes: &[u8]| {
    let Some((head, data)) = bytes.split_first_chunk::<12>() else { return };
    let dtype = DType::ALL[head[0] as usize % 11];
    let size = dtype.size().expect("no text");
    let n = (data.len() / size).min(2000);
    let data: Vec<u8> =
        data[..n * size].iter().map(|&b| if dtype == DType::Bool { b & 1 } else { b }).collect();
    let values = Values::from_le_bytes(dtype, &data).expect("whole values");
    let value = f64::from_le_bytes(head[4..].try_into().expect("eight bytes"));
    let bound = match head[1] % 7 {
        0 => Bound::Lossless,
        1 => Bound::Absolute(value),
        2 => Bound::Relative(value),
        3 => Bound::Deviation(value),
        4 => Bound::Pointwise(value),
        5 => Bound::Psnr(value),
        // A power of ten that fits most values.
        _ => Bound::Absolute(10f64.powi(head[4] as i8 as i32 / 4)),
    };
    let shape = match head[2] % 4 {
        0 => vec![n],
        1 => vec![n / 7, 7],
        2 => vec![n / 30, 5, 6],
        _ => vec![n / 48, 2, 3, 8],
    };
    let used = values.slice(0..shape.iter().product());
    let chunk = 1 + head[3] as usize * 8;
    let options = Options { bound: Some(bound), chunk, chunk_rows: chunk, ..Options::default() };
    let table = head[2] >= 128;
    let input = if table {
        let column = Column { name: "x".into(), values: used.clone() };
        Input::Table("t".into(), Box::new(Table::new(vec![column]).expect("one column")))
    } else {
        Input::Field("u".into(), Box::new(Array::new(shape, used.clone()).expect("as long as its shape")))
    };
    let mut out = vec![];
    if compress(vec![input], &options, &mut out).is_err() {
        return; // a bound that makes no sense
    }
    let mut archive = Archive::open(Cursor::new(&out[..]), &[]).expect("just written");
    let kind = archive.header().variables[0].kind.clone();
    let (back, resolved) = match (archive.read(0, None, 1).expect("just written"), kind) {
        (Variable::Field(a), Kind::Field(f)) => (a.values, f.bound),
        (Variable::Table(t), Kind::Table(h)) => {
            (t.columns.into_iter().next().expect("one column").values, h.columns[0].bound)
        }
        _ => panic!("another kind of variable"),
    };
    exact::assert_bound(&used, &back, resolved);
});
