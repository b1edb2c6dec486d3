//! `.csv`: types found, mistakes named, values given back.

mod common;

use std::fs;

use baler::data::{Table, Values, Variable};
use baler::error::Result;
use baler_cli::formats::{ReadOptions, WriteOptions, create, open};
use common::*;

fn parse_with(text: impl AsRef<[u8]>, options: &ReadOptions) -> Result<Table> {
    let folder = scratch();
    let path = folder.path().join("t.csv");
    fs::write(&path, text).unwrap();
    match open(&path, options)?.load()?.variables.remove(0) {
        (name, Variable::Table(table)) if name == "t" => Ok(table),
        _ => panic!("no table of that name"),
    }
}

fn parse(text: impl AsRef<[u8]>) -> Result<Table> {
    parse_with(text, &ReadOptions::default())
}

fn texts(texts: &[&str]) -> Values {
    Values::Text(texts.iter().map(|t| t.to_string()).collect())
}

#[test]
fn types_follow_the_entries() {
    let table =
        parse("i, x ,kind,big,long\n1,2.5,EB,18446744073709551615,7\n-3,1e3,,0,9007199254740993\n").unwrap();
    let names: Vec<_> = table.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["i", "x", "kind", "big", "long"]);
    let values: Vec<_> = table.columns.into_iter().map(|c| c.values).collect();
    assert_eq!(
        values,
        [
            Values::I64(vec![1, -3]),
            Values::F64(vec![2.5, 1000.0]),
            texts(&["EB", ""]),
            Values::U64(vec![u64::MAX, 0]),
            Values::I64(vec![7, 9007199254740993]),
        ]
    );
}

#[test]
fn missing_numbers_are_nan_and_identifiers_are_never_rounded() {
    let table = parse("a,b,c,d,e\n1,,9007199254740993,,NaN\n,nan,,,\n3,NaN,5, ,\n").unwrap();
    let a = table.columns[0].values.to_f64().unwrap();
    assert!(a[0] == 1.0 && a[1].is_nan() && a[2] == 3.0);
    let b = table.columns[1].values.to_f64().unwrap();
    assert!(b.iter().all(|x| x.is_nan()));
    assert_eq!(table.columns[2].values, texts(&["9007199254740993", "", "5"]));
    assert_eq!(table.columns[3].values, texts(&["", "", " "]));
    assert!(matches!(table.columns[4].values, Values::F64(_)));
    let too_long = "a\n123456789012345678901234567890\n2\n";
    assert_eq!(parse(too_long).unwrap().columns[0].values, texts(&["123456789012345678901234567890", "2"]));
    let longer = "1234567890123456789012345678901234567890";
    assert_eq!(parse(format!("a\n{longer}\n2\n")).unwrap().columns[0].values, texts(&[longer, "2"]));
    assert_eq!(parse("zip\n00501\n10001\n").unwrap().columns[0].values, texts(&["00501", "10001"]));
    let mut zips: Vec<String> = (0..400).map(|i| format!("{i:05}")).collect();
    zips.push("K1A0B1".into());
    assert!(matches!(
        parse(format!("zip\n{}\n", zips.join("\n"))).unwrap().columns[0].values,
        Values::Text(_)
    ));
    assert_eq!(parse("x\n007.5\n1\n").unwrap().columns[0].values, Values::F64(vec![7.5, 1.0]));
    assert_eq!(parse("x\n00\n1.5\n").unwrap().columns[0].values, Values::F64(vec![0.0, 1.5]));
}

#[test]
fn minus_zero_and_infinities_are_floats() {
    let table = parse("a,b\n-0,inf\n1,-inf\n").unwrap();
    let Values::F64(a) = &table.columns[0].values else { panic!() };
    assert!(a[0] == 0.0 && a[0].is_sign_negative());
    assert_eq!(table.columns[1].values, Values::F64(vec![f64::INFINITY, f64::NEG_INFINITY]));
}

#[test]
fn dialects() {
    let expected = table(&[("a b", Values::I64(vec![1, 3])), ("c", texts(&["x", "y \"z\"\n,;\tw"]))]);
    for (text, what) in [
        ("a b,c\n1,x\n3,\"y \"\"z\"\"\n,;\tw\"\n", "commas"),
        ("\u{feff}a b,c\r\n1,x\r\n3,\"y \"\"z\"\"\n,;\tw\"", "BOM, CRLF, no last line end"),
        ("a b;c\n1;x\n3;\"y \"\"z\"\"\n,;\tw\"\n", "semicolons"),
        ("a b\tc\n1\tx\n3\t\"y \"\"z\"\"\n,;\tw\"\n\n\n", "tabs, blank lines"),
        ("\"a b\",\"c\"\n\"1\",\"x\"\n\"3\",\"y \"\"z\"\"\n,;\tw\"\n", "all quoted"),
    ] {
        assert_eq!(parse(text).unwrap(), expected, "{what}");
    }
}

#[test]
fn a_first_line_of_numbers_is_no_header_unless_said() {
    let bare = parse("1,2.5\n3,4\n").unwrap();
    assert_eq!(bare, table(&[("c0", Values::I64(vec![1, 3])), ("c1", Values::F64(vec![2.5, 4.0]))]));
    assert_eq!(parse("5\n").unwrap().rows(), 1);
    assert_eq!(parse("1,\n3,4\n").unwrap().rows(), 2);
    assert_eq!(parse("a,\n3,4\n").unwrap().columns[1].name, "c1");
    let with = |header| ReadOptions { header: Some(header), ..Default::default() };
    assert_eq!(
        parse_with("1,2\n3,4\n", &with(true)).unwrap(),
        table(&[("1", Values::I64(vec![3])), ("2", Values::I64(vec![4]))])
    );
    assert_eq!(parse_with("a,b\nc,d\n", &with(false)).unwrap().columns[0].values, texts(&["a", "c"]));
    assert_eq!(parse("a,b\n").unwrap().rows(), 0);
}

#[test]
fn mistakes_are_named_with_their_line() {
    fails_with(parse("a,b\n1,2\n3,4,5\n"), &["t.csv", "line 3", "3 entries", "2 are expected"]);
    fails_with(parse("a,b\n\"1\n1\",2\n3\n"), &["line 4", "1 entries"]);
    fails_with(parse(b"a,b\n1,\xe9\n"), &["line 2", "UTF-8"]);
    fails_with(parse(""), &["t.csv", "empty"]);
    fails_with(parse("\n\n"), &["blank"]);

    let mut text = String::from("run,pt\n");
    (0..300).for_each(|i| text.push_str(&format!("{i},{i}.5\n")));
    let slip = text.replace("\n150,150.5", "\n150,15o.5");
    fails_with(parse(slip), &["line 152", "'pt'", "'15o.5'"]);
    let mixed = text.replace("1.5\n", "x\n"); // 30 of 300
    assert!(matches!(parse(mixed).unwrap().columns[1].values, Values::Text(_)));
}

fn round_trip(data: &Table, options: &WriteOptions) -> Table {
    let folder = scratch();
    let path = folder.path().join("t.csv");
    create(&path, options).unwrap().write(&one("t", Variable::Table(data.clone()))).unwrap();
    let back = open(&path, &ReadOptions { header: Some(options.header), ..Default::default() }).unwrap();
    match back.load().unwrap().variables.remove(0).1 {
        Variable::Table(table) => table,
        _ => panic!(),
    }
}

#[test]
fn tables_come_back_equal() {
    let mut random = Random(11);
    for case in 0..40 {
        let rows = 1 + random.below(30);
        let mut floats: Vec<f64> = (0..rows).map(|_| f64::from_bits(random.next())).collect();
        floats[0] = [0.1, -0.0, 5e-324, f64::MAX, 1e16, 1.0][case % 6];
        let alphabet = ["a", "b", ",", ";", "\t", "\"", "\n", "\r", " ", "é", "1", "NaN", "=", "#"];
        let words = (0..rows).map(|i| {
            let word: String = (0..random.below(5)).map(|_| alphabet[random.below(alphabet.len())]).collect();
            if i == 0 { format!("x{word}") } else { word }
        });
        let words: Vec<String> = words.collect();
        let integers: Vec<i64> = (0..rows).map(|_| random.next() as i64 >> random.below(64)).collect();
        let data = table(&[
            ("f", Values::F64(floats.clone())),
            ("w, \"w\"", Values::Text(words.clone())),
            ("i", Values::I64(integers)),
            ("u", Values::U64((0..rows).map(|_| random.next() | 1 << 63).collect())),
        ]);
        let separator = b",;\t"[case % 3];
        let back =
            round_trip(&data, &WriteOptions { header: case % 2 == 0, separator, ..Default::default() });
        for (a, b) in data.columns.iter().zip(&back.columns) {
            match (&a.values, &b.values) {
                (Values::F64(a), Values::F64(b)) => {
                    // NaN comes back as NaN; which one, text does not say.
                    assert!(
                        a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan())
                    );
                }
                // Words that all happen to be numbers are numbers; the first here never is.
                (a, b) => assert_eq!(a, b, "case {case}"),
            }
        }
    }
}

#[test]
fn narrow_types_are_written_with_their_own_digits() {
    let folder = scratch();
    let path = folder.path().join("t.csv");
    let data = table(&[
        ("f", Values::F32(vec![0.1, 1.0, 1e-30])),
        ("b", Values::Bool(vec![true, false, true])),
        ("i", Values::I8(vec![-128, 0, 127])),
    ]);
    write(&path, &one("t", Variable::Table(data))).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "f,b,i\n0.1,1,-128\n1.0,0,0\n1e-30,1,127\n");
    fails_with(
        write(
            &folder.path().join("u.csv"),
            &one("u", Variable::Field(Random(1).array(baler::data::DType::F32))),
        ),
        &["u.csv", "'u' is a field", ".npy"],
    );
}

#[test]
fn one_column_with_empty_entries_keeps_its_rows() {
    let data = table(&[("w", texts(&["a", "", "b"]))]);
    assert_eq!(round_trip(&data, &WriteOptions::default()), data);
}

#[test]
fn real_events() {
    let Some(path) = real_data("cms_zee.csv") else { return };
    let data = read(&path).unwrap();
    let Variable::Table(events) = &data.variables[0].1 else { panic!() };
    assert_eq!(data.variables[0].0, "cms_zee");
    assert_eq!(events.columns.len(), 22);
    let types: Vec<_> = events.columns.iter().take(7).map(|c| c.values.dtype().name()).collect();
    assert_eq!(types, ["i64", "i64", "f64", "f64", "f64", "i64", "text"]);
    assert_eq!(&round_trip(events, &WriteOptions::default()), events);
}
