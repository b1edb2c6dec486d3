//! Tables row by row: NumPy's structured arrays, and every format read and written in pieces.

mod common;

use std::fs;

use baler::data::{DType, Table, Values, Variable};
use baler_cli::formats::{InputVariable, ReadOptions, WriteOptions, columns_of, create, open};
use common::*;

/// A column of every type that records take.
fn every_type(rows: usize) -> Table {
    let mut random = Random(3);
    let columns: Vec<_> = FIELD_TYPES.iter().map(|&t| (t.name(), random.values(t, rows))).collect();
    table(&columns)
}

/// As NumPy 2 writes it.
fn records(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': ({shape}), }}\n");
    [b"\x93NUMPY\x01\x00".as_slice(), &(text.len() as u16).to_le_bytes(), text.as_bytes(), values].concat()
}

#[test]
fn records_of_every_type_come_back() {
    let folder = scratch();
    for rows in [0, 1, 4095, 10_000] {
        let path = folder.path().join(format!("t{rows}.npy"));
        let data = one(&format!("t{rows}"), Variable::Table(every_type(rows)));
        write(&path, &data).unwrap();
        assert_same_bits(&read(&path).unwrap(), &data);
    }
}

#[test]
fn records_are_numpy_s_byte_for_byte() {
    let folder = scratch();
    let path = folder.path().join("d.npy");
    let columns = [("pt", Values::F32(vec![0.0; 2])), ("ok", Values::Bool(vec![false; 2]))];
    write(&path, &one("d", Variable::Table(table(&columns)))).unwrap();
    let padding = " ".repeat(35);
    let header = format!(
        "{{'descr': [('pt', '<f4'), ('ok', '|b1')], 'fortran_order': False, 'shape': (2,), }}{padding}\n"
    );
    let numpy = [b"\x93NUMPY\x01\x00v\x00".as_slice(), header.as_bytes(), &[0; 10]].concat();
    assert_eq!(fs::read(&path).unwrap(), numpy);
}

#[test]
fn gaps_text_and_big_endian_members_are_read() {
    let descr = "[('a', '|u1'), ('', '|V7'), ('id', '>i2'), ('n', '<U2')]";
    let row = |a: u8, id: [u8; 2], n: [u8; 2]| {
        [&[a, 9, 9, 9, 9, 9, 9, 9][..], &id, &[n[0], 0, 0, 0, n[1], 0, 0, 0]].concat()
    };
    let values = [row(7, [1, 0], *b"ab"), row(8, [255, 254], *b"c\0")].concat();
    let data = read_bytes("t.npy", &records(descr, "2,", &values)).unwrap();
    let Variable::Table(t) = &data.variables[0].1 else { panic!("a table") };
    let expected = [
        ("a", Values::U8(vec![7, 8])),
        ("id", Values::I16(vec![256, -2])),
        ("n", Values::Text(vec!["ab".into(), "c".into()])),
    ];
    assert_eq!(*t, table(&expected));
}

#[test]
fn records_that_make_no_table_are_named() {
    for (descr, shape, says) in [
        ("[('a', '<f4'), ('a', '<f4')]", "0,", "two members named 'a'"),
        ("[]", "9999999999,", "hold nothing"),
        ("[('a', '<f4')]", "0, 2", "a.ravel()"),
        ("[('a', '<f4')", "0,", "'(' belongs"),
        ("[('a')]", "0,", "',' belongs"),
        ("[('a', '<f4')]", "9223372036854775807,", "can be addressed"),
        ("[('a', '<U4294967295'), ('b', '<f4')]", "2,", "promises"),
    ] {
        fails_with(read_bytes("t.npy", &records(descr, shape, &[])), &[says]);
    }
    let intact = records("[('a', '<f4'), ('', '|V3'), ('n', '<U1')]", "2,", &[0; 22]);
    assert!(read_bytes("t.npy", &intact).is_ok());
    for bit in 0..intact.len() * 8 {
        let mut damaged = intact.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let _ = read_bytes("t.npy", &damaged); // an error or other values, never a panic
        let _ = read_bytes("t.npy", &intact[..bit / 8]);
    }
}

#[test]
fn names_that_python_cannot_quote_are_refused() {
    let folder = scratch();
    for (name, holds) in [("it's", true), ("a \"b\"", true), ("both ' and \"", false), ("a\\b", false)] {
        let path = folder.path().join(format!("t{}.npy", name.len()));
        let data = one(&format!("t{}", name.len()), Variable::Table(table(&[(name, Values::I8(vec![1]))])));
        match write(&path, &data) {
            Ok(()) => assert_same_bits(&read(&path).unwrap(), &data),
            Err(e) => assert!(!holds && e.to_string().contains(".csv"), "{name}: {e}"),
        }
    }
}

#[test]
fn any_rows_of_any_format_are_those_of_the_whole() {
    let folder = scratch();
    let rows = 10_000;
    let like_csv = table(&[
        ("n", Values::I64((0..rows as i64).map(|i| i * i % 977).collect())),
        ("x", Values::F64((0..rows).map(|i| if i % 7 == 0 { f64::NAN } else { i as f64 * 0.1 }).collect())),
        ("s", Values::Text((0..rows).map(|i| ["a,\"b\"\nc", "", "é"][i % 3].into()).collect())),
    ]);
    let numbers = table(&[("a", Values::F32(vec![0.5; rows])), ("b", Values::F32(vec![-1.5; rows]))]);
    for (extension, whole) in [("csv", like_csv), ("npy", every_type(rows)), ("npz", numbers)] {
        let path = folder.path().join("data").with_extension(extension);
        let mut sink = create(&path, &WriteOptions::default())
            .unwrap()
            .table("data", &columns_of(&whole), rows)
            .unwrap();
        for start in (0..rows).step_by(777) {
            let range = start..rows.min(start + 777);
            let runs: Vec<Values> = whole.columns.iter().map(|c| c.values.slice(range.clone())).collect();
            sink.write(&runs).unwrap();
        }
        sink.finish().unwrap();
        assert_same_bits(&read(&path).unwrap(), &one("data", Variable::Table(whole.clone())));

        let mut input = open(&path, &ReadOptions::default()).unwrap();
        let InputVariable::Table { source, .. } = &mut input.variables[0] else { panic!("a table") };
        for range in [0..0, 0..5, 4090..4100, 9_999..10_000, 3..4, 4096..8192, 0..rows, rows..rows] {
            let part = source.read(range.clone()).unwrap();
            let expected: Vec<Values> = whole.columns.iter().map(|c| c.values.slice(range.clone())).collect();
            let bits = |runs: &[Values]| runs.iter().map(le_bytes).collect::<Vec<_>>();
            assert!(bits(&part) == bits(&expected), "{extension} {range:?}");
        }
        assert!(source.read(0..rows + 1).is_err());
    }
}

#[test]
fn sinks_hold_their_writers_to_columns_and_rows() {
    let folder = scratch();
    let columns = [("a".to_string(), DType::I8)];
    for extension in ["csv", "npy", "npz"] {
        let path = folder.path().join("x").with_extension(extension);
        let sink = || create(&path, &WriteOptions::default()).unwrap().table("x", &columns, 2).unwrap();
        assert!(sink().write(&[Values::I8(vec![1; 3])]).is_err(), "too many");
        assert!(sink().write(&[Values::I16(vec![1])]).is_err(), "another type");
        assert!(sink().write(&[]).is_err(), "no columns");
        let mut short = sink();
        short.write(&[Values::I8(vec![1])]).unwrap();
        fails_with(short.finish(), &["1 rows early"]);
        assert!(!path.exists());
    }
}

#[test]
fn records_in_an_npz_are_tables_of_their_own() {
    use std::io::Write;
    let folder = scratch();
    let path = folder.path().join("x.npz");
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
        for (name, value) in [("muons", 1u8), ("jets", 2)] {
            let options = zip::write::SimpleFileOptions::default().compression_method(method);
            zip.start_file(format!("{name}.npy"), options).unwrap();
            zip.write_all(&records("[('n', '|u1'), ('ok', '|b1')]", "2,", &[value, 1, value, 0])).unwrap();
        }
        zip.finish().unwrap();
        let expected = |n| table(&[("n", Values::U8(vec![n; 2])), ("ok", Values::Bool(vec![true, false]))]);
        let tables =
            [("muons", expected(1)), ("jets", expected(2))].map(|(n, t)| (n.into(), Variable::Table(t)));
        assert_eq!(read(&path).unwrap().variables, tables);
    }
}
