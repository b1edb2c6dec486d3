//! Tables as they are used: some of their columns and rows, what each column costs, bounds from a file, models on rows
//! that are unlike their sample.

mod common;

use baler::archive::{Codec, Input, Options, compress};
use baler::bound::Bound;
use baler::data::{Column, Dataset, Table, Values, Variable};
use baler::model::any::ModelRef;
use baler::model::table::file::TrainedTable;
use common::run::*;
use serde_json::Value;
use std::fs::File;

fn columns(data: Dataset) -> Vec<Column> {
    match data.variables.into_iter().next().unwrap().1 {
        Variable::Table(t) => t.columns,
        Variable::Field(_) => panic!("a table"),
    }
}

/// Events in chunks of `chunk` rows, `e.blr` in `place`.
fn events_in_chunks(place: &Place, rows: usize, chunk: usize) {
    let Variable::Table(t) = events(rows) else { unreachable!() };
    let options = Options { bound: Some(Bound::Deviation(1e-3)), chunk_rows: chunk, ..Options::default() };
    let mut out = File::create(place.path("e.blr")).unwrap();
    compress(vec![Input::Table("e".into(), Box::new(t))], &options, &mut out).unwrap();
}

/// The columns named of a .csv, at rows `rows`, as text.
fn cut(csv: &str, names: &[&str], rows: std::ops::Range<usize>) -> Vec<String> {
    let mut lines = csv.lines().map(|l| l.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let places: Vec<usize> = names.iter().map(|n| head.iter().position(|h| h == n).unwrap()).collect();
    let line = |cells: &Vec<&str>| places.iter().map(|&p| cells[p]).collect::<Vec<_>>().join(",");
    let body: Vec<Vec<&str>> = lines.skip(rows.start).take(rows.len()).collect();
    std::iter::once(&head).chain(&body).map(line).collect()
}

#[test]
fn columns_come_in_the_order_asked_and_with_the_rows_asked() {
    let place = Place::new();
    events_in_chunks(&place, 4_000, 1_500);
    place.ok("decompress e.blr -o all.csv");
    let all = String::from_utf8(place.bytes("all.csv")).unwrap();
    for names in [&["energy", "pt"][..], &["tag"], &["n", "tag", "eta"], &["pt", "energy", "eta", "n", "tag"]]
    {
        for (select, rows) in [("", 0..4_000), ("--select 1400:1600", 1_400..1_600), ("--select 7:7", 7..7)] {
            let asked = names.join(",");
            place.ok(&format!("decompress e.blr -o part.csv --force --columns {asked} {select}"));
            let part = String::from_utf8(place.bytes("part.csv")).unwrap();
            assert!(part.lines().eq(cut(&all, names, rows)), "--columns {asked} {select}");
        }
    }
    place.ok("decompress e.blr -o two.npz --columns eta,pt --select 3999:");
    let two = columns(place.load("two.npz"));
    assert_eq!(two.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["eta", "pt"]);
    assert_eq!(place.run("decompress e.blr -o - --columns n --select 0:2 --quiet").text(), "n\n0\n1\n");
}

#[test]
fn foolish_columns_are_refused() {
    let place = Place::new();
    place.save("e.csv", events(50));
    place.save("u.npy", field(&[50]));
    place.save_all("ab.npz", &[("a", field(&[9])), ("b", field(&[9]))]);
    for name in ["e.csv", "u.npy", "ab.npz"] {
        place.ok(&format!("compress {name} -o {name}.blr --abs 0.1"));
    }
    place.ok("compress e.csv u.npy -o both.blr --abs 0.1");
    let fails = |line: &str, parts: &[&str]| place.fails(&format!("decompress {line} -o o.csv"), 2, parts);
    fails("e.csv.blr --columns pt,Eta", &["no column 'Eta'", "pt, energy, eta, n, tag"]);
    fails("e.csv.blr --columns pt,pt", &["'pt' twice"]);
    fails("e.csv.blr --columns pt --select 0:51", &["leaves the 50 rows"]);
    fails("u.npy.blr --columns pt", &["is a field, which has no columns"]);
    fails("ab.npz.blr --columns pt", &["no table"]);
    assert!(!place.files().contains(&"o.csv".into()));
    place.ok("decompress both.blr -o o.csv --columns eta");
}

/// A damaged chunk is told by its bytes, also where not all of its columns are read; rows of other chunks come back.
#[test]
fn some_columns_of_a_damaged_chunk_are_refused() {
    let place = Place::new();
    events_in_chunks(&place, 4_000, 1_500);
    let mut bytes = place.bytes("e.blr");
    let end = bytes.len();
    bytes[end / 2] ^= 4;
    place.put("bad.blr", bytes);
    place.fails("decompress bad.blr -o o.csv --columns n", 3, &["checksum", "salvage"]);
    place.ok("decompress bad.blr -o o.csv --columns n --select 0:100");
}

#[test]
fn info_tells_what_columns_cost_and_what_explains_them() {
    let place = Place::new();
    events_in_chunks(&place, 9_000, 3_500);
    let told = place.json("info e.blr");
    let told = &told["variables"][0];
    let columns = told["columns"].as_array().unwrap();
    let bytes: u64 = columns.iter().map(|c| c["bytes"].as_u64().unwrap()).sum();
    let stored = told["bytes"].as_u64().unwrap();
    assert!(bytes < stored && stored < bytes + 3 * 32, "{bytes} of {stored}: records have little else");
    for c in columns {
        let bits = c["bytes"].as_f64().unwrap() * 8.0 / 9_000.0;
        assert!((c["bits_a_row"].as_f64().unwrap() - bits).abs() < 1e-9, "{c}");
        let chunks: u64 =
            c["codings"].as_array().unwrap().iter().map(|w| w["chunks"].as_u64().unwrap()).sum();
        assert_eq!(chunks, 3, "{c}");
        assert_eq!(c["without_model"], serde_json::json!([]));
    }
    assert_eq!(columns[0]["explained_by"], serde_json::json!([]), "the first has none before it");
    assert_eq!(columns[1]["codings"], serde_json::json!([{"name": "mix", "chunks": 3}]));
    assert_eq!(columns[1]["explained_by"][0], "pt");
    let shown = place.ok("info e.blr");
    let lines: Vec<&str> = shown.lines().skip_while(|l| !l.starts_with("column")).collect();
    assert!(lines[0].contains("bits a row") && lines[0].contains("explained by"), "{shown}");
    assert!(lines[2].starts_with("energy") && lines[2].contains("mix") && lines[2].contains("pt"), "{shown}");
    assert!(lines.last().unwrap().starts_with("all"), "{shown}");
}

#[test]
fn info_tells_of_damaged_chunks_and_of_empty_tables() {
    let place = Place::new();
    events_in_chunks(&place, 4_000, 1_500);
    let mut bytes = place.bytes("e.blr");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    place.put("bad.blr", bytes);
    assert_eq!(place.json("info bad.blr")["variables"][0]["damaged_chunks"], 1);
    assert!(place.ok("info bad.blr").contains("1 chunk of e damaged"));
    place.put("none.csv", "pt,eta\n");
    place.ok("compress none.csv -o none.blr --abs 1");
    assert!(place.ok("info none.blr").contains("eta"));
    place.save("t.npz", number_table(300));
    place.ok("compress t.npz -o raw.blr --lossless --codec raw");
    assert!(place.ok("info raw.blr").contains("not coded by columns"));
}

#[test]
fn bounds_come_from_a_file_and_flags_go_before_it() {
    let place = Place::new();
    place.save("e.csv", events(300));
    place.put("b.toml", "# by column\npt = \"abs:0.5\"\n\"eta\" = 'lossless'\nn = \"abs:2\"\n");
    place.ok("compress e.csv -o e.blr --std 1e-3 --bounds b.toml --bound pt=abs:0.25");
    let told = place.json("info e.blr");
    let bounds: Vec<String> = told["variables"][0]["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| format!("{}:{}", c["bound"]["kind"].as_str().unwrap(), c["bound"]["value"]))
        .collect();
    assert_eq!(bounds, ["abs:0.25", "std:0.001", "lossless:null", "abs:2.0", "lossless:null"]);
    place.ok("verify e.blr --against e.csv");
    // A file alone will do where it bounds all there is; training takes the same.
    place.put("all.toml", "pt = \"std:1e-2\"\nenergy = \"std:1e-2\"\neta = \"abs:0.01\"\nn = \"lossless\"\n");
    place.ok("compress e.csv -o all.blr --bounds all.toml");
    place.ok("train --kind table e.csv --bounds all.toml --epochs 1 -o m.safetensors");
    place.fails("train e.csv --bounds all.toml -o a.safetensors", 2, &["--kind table"]);
}

#[test]
fn foolish_bounds_files_are_refused_with_their_line() {
    let place = Place::new();
    place.save("e.csv", events(50));
    let fails = |toml: &str, parts: &[&str]| {
        place.put("b.toml", toml);
        place.fails("compress e.csv -o e.blr --std 1e-3 --bounds b.toml", 2, parts);
    };
    fails("eta = \"abs:1\"\nptt = \"abs:1\"\n", &["b.toml, line 2", "'ptt'", "there are e, pt, energy"]);
    fails("\n\npt = \"tight:1\"\n", &["line 3", "'pt'", "'tight' is no kind of bound"]);
    fails("pt = \"abs:-1\"\n", &["line 1", "'pt'"]);
    fails("pt = \"abs\"\n", &["line 1", "wants a value"]);
    fails("eta = \"lossless\"\npt = 1e-3\n", &["line 2", "pt = \"std:1e-3\""]);
    fails("eta = \"lossless\"\npt.x = \"abs:1\"\n", &["line 2", "quotes"]);
    fails("pt = \"abs:1\"\neta = \"abs:1\"\npt = \"abs:2\"\n", &["line 3", "no TOML", "duplicate"]);
    fails("pt = \n", &["line 1", "no TOML"]);
    place.put("bytes.toml", [0xFF, 0xFE]);
    place.fails("compress e.csv -o e.blr --abs 1 --bounds bytes.toml", 2, &["bytes.toml", "UTF-8"]);
    place.fails("compress e.csv -o e.blr --abs 1 --bounds none.toml", 3, &["none.toml"]);
    assert!(!place.files().contains(&"e.blr".into()));
}

/// Rows as [`number_table`]'s, and then as many of another kind under the same names.
fn drifted(rows: usize, unlike: impl Fn(&[Vec<f64>], usize) -> Vec<f64>) -> Table {
    let Variable::Table(like) = number_table(rows) else { unreachable!() };
    let values: Vec<Vec<f64>> = like.columns.iter().map(|c| c.values.to_f64().unwrap()).collect();
    let columns = like.columns.iter().enumerate().map(|(i, c)| {
        let all = values[i].iter().copied().chain(unlike(&values, i)).collect();
        Column { name: c.name.clone(), values: Values::F64(all) }
    });
    Table::new(columns.collect()).unwrap()
}

/// A model of `number_table`, trained as users do.
fn trained(place: &Place) -> TrainedTable {
    place.save("t.npz", number_table(3000));
    place.ok("train --kind table t.npz --std 1e-2 --epochs 3 -o m.safetensors");
    TrainedTable::from_bytes(&place.bytes("m.safetensors")).unwrap()
}

/// Each way of being unlike the sample: rows torn apart, columns exchanged, another scale, spikes.
type Unlike = fn(&[Vec<f64>], usize) -> Vec<f64>;
const UNLIKE: [(&str, Unlike); 4] = [
    ("torn", |v, i| (0..v[i].len()).map(|r| v[i][r * (601 + 106 * i) % v[i].len()]).collect()),
    ("exchanged", |v, i| v[(i + 1) % 3].clone()),
    ("scaled", |v, i| v[i].iter().map(|x| x * 1000.0 - 7e4).collect()),
    ("spikes", |v, i| v[i].iter().map(|x| if *x > 1.0 { 50.0 } else { (x * 3.0).floor() }).collect()),
];

#[test]
fn a_model_costs_next_to_nothing_on_rows_unlike_its_sample() {
    let place = Place::new();
    let trained = trained(&place);
    for (name, unlike) in UNLIKE {
        let data = drifted(3000, unlike);
        let length = |with: bool, bounds: &[(String, Bound)]| {
            let model = with.then_some((&trained).into());
            let codec = Some(Codec::Table);
            let options =
                Options { bounds: bounds.to_vec(), model, codec, chunk_rows: 1500, ..Options::default() };
            let mut out = std::io::Cursor::new(vec![]);
            compress(vec![Input::Table("t".into(), Box::new(data.clone()))], &options, &mut out).unwrap();
            place.put("t.blr", out.get_ref());
            out.get_ref().len() as f64
        };
        // The same bounds for both: the model's own.
        let bounds: Vec<(String, Bound)> =
            data.columns.iter().map(|c| (c.name.clone(), trained.bound(&c.name).unwrap())).collect();
        let without = length(false, &bounds);
        let with = length(true, &bounds);
        let told = place.json("info t.blr");
        let model = told["model_bytes"].as_f64().unwrap();
        assert!(model > 0.0 && with <= 1.02 * without + model, "{name}: {with}, {without} and {model}");

        // Some columns are what they are in the whole, whichever of them the model codes.
        place.ok("decompress t.blr -o all.npz --force --select 1000:4000");
        let all = columns(place.load("all.npz"));
        for c in &all {
            let line = format!("decompress t.blr -o one.npz --force --select 1000:4000 --columns {}", c.name);
            place.ok(&line);
            assert_eq!(columns(place.load("one.npz")), std::slice::from_ref(c), "{name}");
        }

        let columns = told["variables"][0]["columns"].as_array().unwrap().clone();
        let says = |c: &Value, n: &str| c["codings"].as_array().unwrap().iter().any(|w| w["name"] == n);
        assert!(columns.iter().any(|c| says(c, "net")), "{name}: the model serves the rows of its kind");
        let late = |c: &Value| c["without_model"].as_array().unwrap().iter().any(|r| r[1] == 6000);
        assert!(name == "torn" || columns.iter().any(late), "{name}: and not the others: {columns:?}");
        if columns.iter().any(late) {
            let shown = place.ok("info t.blr");
            assert!(shown.contains("rows without the model") && shown.contains(":6000"), "{shown}");
        }
    }
}

#[test]
fn chunks_on_which_a_model_is_tried_are_what_they_would_be() {
    let place = Place::new();
    let trained = trained(&place);
    let (data, unlike) = (number_table(3000), drifted(1500, |v, i| v[(i + 1) % 3].clone()));
    let Variable::Table(data) = data else { unreachable!() };
    let archive = |table: &Table, model: Option<ModelRef>, asked: bool, chunk_rows, threads| {
        let codec = asked.then_some(Codec::Table);
        let bound = Some(Bound::Deviation(1e-2));
        let options = Options {
            bound,
            model,
            codec,
            chunk_rows,
            threads,
            embed: chunk_rows != 400,
            ..Options::default()
        };
        let mut out = vec![];
        let summary = compress(vec![Input::Table("t".into(), Box::new(table))], &options, &mut out).unwrap();
        (out, summary.model_left_out)
    };
    // Of 2 chunks all are tried, of 7 some.
    for chunk_rows in [1500, 400] {
        let (chosen, left_out) = archive(&data, Some((&trained).into()), false, chunk_rows, 1);
        let pays = chunk_rows == 400; // where the model is not in the archive
        assert_eq!(left_out.is_none(), pays, "{left_out:?}");
        let asked = pays.then(|| (&trained).into());
        assert!(chosen == archive(&data, asked, pays, chunk_rows, 1).0);
        assert!(chosen == archive(&data, Some((&trained).into()), false, chunk_rows, 3).0);
    }
    // And of which the first is another's than the second: a model that pays for one alone.
    let (chosen, _) = archive(&unlike, Some((&trained).into()), false, 400, 2);
    assert!(chosen == archive(&unlike, Some((&trained).into()), true, 400, 1).0);
}
