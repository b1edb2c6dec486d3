//! Data through an archive and back: every format, several inputs, one byte for byte result, reading by parts.

mod common;

use std::fs;
use std::io::Read;

use baler::data::{Array, Values, Variable};
use common::run::*;
use common::{FIELD_TYPES, Random, assert_same_bits};

#[test]
fn archives_come_through_pipes() {
    let place = Place::new();
    place.save("u.npy", field(&[12, 20]));
    place.ok("compress u.npy -o u.blr --abs 1e-3");
    place.ok("decompress u.blr -o u2.npy");
    let piped = |line: &str| {
        let file = std::fs::File::open(place.path("u.blr")).unwrap();
        place.command(line).stdin(file).output().unwrap()
    };
    assert!(piped("decompress - -o piped.npy").status.success());
    assert!(place.bytes("piped.npy") == place.bytes("u2.npy"));
    assert!(piped("decompress - -o -").stdout == place.bytes("u2.npy"));
    assert!(String::from_utf8(piped("info -").stdout).unwrap().contains("12 x 20"));
    assert_eq!(piped("verify - --against u.npy").status.code(), Some(0));
    place.fails("decompress - -o nothing.npy", 3, &["standard input is empty"]);
    place.fails("compress - -o x.blr --abs 1", 2, &["names tell their formats"]);
}

#[test]
fn the_same_archive_from_any_number_of_threads_and_any_time() {
    let place = Place::new();
    place.save("u.npy", field(&[30, 40, 50]));
    place.save("e.csv", events(3000));
    let compress = |name: &str, threads: usize| {
        place.ok(&format!("compress u.npy e.csv -o {name} --rel 1e-3 --chunk 6000 --threads {threads}"));
        place.bytes(name)
    };
    let first = compress("1.blr", 1);
    for threads in [1, 2, 3, 16] {
        assert!(compress(&format!("again{threads}.blr"), threads) == first, "{threads} threads");
    }
    place.ok("decompress 1.blr -o 1.npy --variable u --threads 1");
    place.ok("decompress 1.blr -o 7.npy --variable u --threads 7");
    assert!(place.bytes("1.npy") == place.bytes("7.npy"));
    place.fails("compress u.npy -o x.blr --rel 1 --threads 0", 2, &["--threads 0"]);
}

#[test]
fn all_types_come_back_from_lossless() {
    let place = Place::new();
    let mut random = Random(5);
    let all: Vec<_> = FIELD_TYPES
        .iter()
        .map(|&t| (t.name(), Variable::Field(Array::new(vec![3, 4, 5], random.values(t, 60)).unwrap())))
        .collect();
    place.save_all("all.npz", &all);
    place.ok("compress all.npz -o all.blr --lossless");
    place.ok("decompress all.blr -o back.npz");
    assert_same_bits(&place.load("all.npz"), &place.load("back.npz"));
    // A type by itself as raw values.
    for t in ["f64", "i16", "bool"] {
        place.ok(&format!("decompress all.blr -o {t}.{t} --variable {t}"));
        place.ok(&format!("compress {t}.{t} --shape 3,4,5 -o {t}.blr --lossless"));
        place.ok(&format!("decompress {t}.blr -o again.{t}"));
        assert_eq!(place.bytes(&format!("{t}.{t}")), place.bytes(&format!("again.{t}")));
        assert_eq!(place.json(&format!("verify {t}.blr --against {t}.{t} --shape 3,4,5"))["holds"], true);
    }
}

#[test]
fn odd_shapes_come_back() {
    let place = Place::new();
    for (i, shape) in
        [&[][..], &[0], &[3, 0, 2], &[1], &[7], &[1, 1, 1, 9], &[2, 3, 2, 3, 2]].iter().enumerate()
    {
        place.save(&format!("{i}.npy"), field(shape));
        for bound in ["--rel 1e-3", "--lossless"] {
            place.ok(&format!("compress {i}.npy -o u.blr {bound} --force"));
            place.ok("decompress u.blr -o back.npy --force");
            place.ok(&format!("verify u.blr --against {i}.npy"));
            place.ok("info u.blr");
            assert_eq!(place.bytes("back.npy").len(), place.bytes(&format!("{i}.npy")).len());
        }
        assert_same_bits(
            &place.load(&format!("{i}.npy")),
            &baler::data::Dataset {
                variables: vec![(i.to_string(), place.load("back.npy").variables.remove(0).1)],
            },
        );
    }
}

#[test]
fn several_inputs_make_one_archive() {
    let place = Place::new();
    place.save("a.npy", field(&[4, 20]));
    place.save("b.npy", field(&[5, 30]));
    place.save("e.csv", events(100));
    place.save_all("m.npz", &[("a", field(&[3, 3])), ("c", field(&[2, 2]))]);
    place.ok("compress a.npy b.npy e.csv m.npz -o all.blr --rel 1e-3");
    let told = place.json("info all.blr");
    let names: Vec<_> = told["variables"].as_array().unwrap().iter().map(|v| v["name"].clone()).collect();
    assert_eq!(names, ["a", "b", "e", "m.a", "c"]);
    place.ok("verify all.blr --against a.npy b.npy e.csv m.npz");
    place.fails("verify all.blr --against a.npy", 2, &["no variable 'b'"]);
    place.ok("decompress all.blr -o e2.csv --variable e");
    place.ok("decompress all.blr -o b2.npy --variable b");
    assert_eq!(place.field("b2.npy").len(), 150);
    place.fails("decompress all.blr -o x.npy", 2, &["one field, not 5 variables", ".npz"]);
    place.fails("decompress all.blr -o x.csv", 2, &["one table"]);
    place.fails("decompress all.blr -o x.npy --variable d", 2, &["'d'", "a, b, e, m.a, c"]);
    place.fails("decompress all.blr -o x.npy --variable e", 2, &["table", ".csv"]);
    place.fails("decompress all.blr -o x.f64 --variable a", 2, &["f32", "not .f64"]);
}

#[test]
fn balers_own_layout_comes_back_as_it_was() {
    let place = Place::new();
    let unnamed = |v: Variable| baler::data::Dataset { variables: vec![("data".into(), v)] };
    common::write(&place.path("t.npz"), &unnamed(number_table(200))).unwrap();
    common::write(&place.path("f.npz"), &unnamed(field(&[6, 10, 10]))).unwrap();
    for name in ["t", "f"] {
        place.ok(&format!("compress {name}.npz -o {name}.blr --lossless"));
        place.ok(&format!("decompress {name}.blr -o back-{name}.npz"));
        assert!(place.bytes(&format!("{name}.npz")) == place.bytes(&format!("back-{name}.npz")), "{name}");
    }
    // A .csv becomes the same layout, where its columns allow it.
    place.save("t.csv", number_table(200));
    place.ok("compress t.csv -o c.blr --rel 1e-4");
    place.ok("decompress c.blr -o c.npz");
    assert!(matches!(&place.load("c.npz").variables[0].1, Variable::Table(t) if t.columns.len() == 3));
    place.save("text.csv", events(20));
    place.ok("compress text.csv -o text.blr --lossless");
    place.fails("decompress text.blr -o text.npz", 2, &["'tag'", "text", ".csv"]);
}

#[test]
fn csv_comes_back() {
    let place = Place::new();
    place.save("e.csv", events(400));
    place.ok("compress e.csv -o e.blr --lossless");
    place.ok("decompress e.blr -o back.csv");
    assert!(place.bytes("e.csv") == place.bytes("back.csv"));
    let rows = place.bytes("e.csv").iter().filter(|&&b| b == b'\n').count() - 1;
    assert_eq!(place.json("info e.blr")["variables"][0]["shape"][0], rows);
    place.put("plain.csv", "1,2.5\n3,4.5\n");
    place.ok("compress plain.csv --no-header -o plain.blr --lossless");
    place.ok("decompress plain.blr -o plain2.csv");
    assert_eq!(place.bytes("plain2.csv"), b"c0,c1\n1,2.5\n3,4.5\n");
}

#[test]
fn standard_output_takes_one_variable() {
    let place = Place::new();
    place.save("u.npy", field(&[5, 6]));
    place.save("e.csv", events(50));
    place.ok("compress u.npy -o u.blr --lossless");
    place.ok("compress e.csv -o e.blr --lossless");
    place.ok("compress u.npy e.csv -o both.blr --lossless");
    let out = |line: &str| {
        let ran = place.run(line);
        assert_eq!(ran.code, 0, "{line}: {}", ran.err);
        ran.out
    };
    assert!(out("decompress u.blr -o -") == place.bytes("u.npy"));
    assert!(out("decompress e.blr -o -") == place.bytes("e.csv"));
    assert!(out("decompress both.blr -o - --variable e") == place.bytes("e.csv"));
    assert!(out("decompress u.blr -o - --format npy --json") == place.bytes("u.npy"));
    place.ok("decompress u.blr -o u.f32");
    assert!(out("decompress u.blr -o - --format f32") == place.bytes("u.f32"));
    assert!(out("decompress u.blr -o - --format .f32 --select 1:2") == place.bytes("u.f32")[24..48]);
    assert!(out("compress u.npy -o - --lossless") == place.bytes("u.blr"));
    place.fails("decompress both.blr -o -", 2, &["one variable", "--variable from u, e"]);
    place.fails("decompress u.blr -o - --format npz", 2, &["npz", "npy, csv and raw"]);
    place.fails("decompress u.blr -o - --format hdf5", 2, &["'hdf5'", ".npy"]);
    place.fails("decompress e.blr -o - --format npy", 2, &["table"]);
    // A format by name goes before the extension.
    place.ok("decompress u.blr -o u.dat --format f32");
    assert!(place.bytes("u.dat") == place.bytes("u.f32"));
}

/// Where chunks lie, by their sync bytes and lengths, is not for users: all but the wanted ones are spoiled whole.
#[test]
fn a_selection_reads_only_its_chunks() {
    let place = Place::new();
    place.save("u.npy", field(&[64, 30, 40]));
    place.ok("compress u.npy -o u.blr --rel 1e-4 --chunk 4800"); // four rows a chunk
    place.ok("decompress u.blr -o whole.npy");
    let whole = place.field("whole.npy");
    let archive = baler::archive::Archive::open(fs::File::open(place.path("u.blr")).unwrap(), &[]).unwrap();
    let entries = archive.chunk_entries(0);
    assert_eq!(entries.len(), 16);
    let mut bytes = place.bytes("u.blr");
    for (i, e) in entries.iter().enumerate().filter(|(i, _)| !(5..=6).contains(i)) {
        let at = e.offset as usize;
        bytes[at + 8..at + e.length as usize].fill(i as u8);
    }
    place.put("damaged.blr", &bytes);
    for (select, rows) in [("20:28", 20..28), ("21:22", 21..22), ("23:25", 23..25), ("27:27", 27..27)] {
        place.ok(&format!("decompress damaged.blr -o part.npy --select {select} --force"));
        assert_eq!(place.field("part.npy"), whole[rows.start * 1200..rows.end * 1200], "{select}");
    }
    place.fails("decompress damaged.blr -o no.npy --select 19:21", 3, &["damaged.blr", "chunk 4", "salvage"]);
    place.fails("decompress damaged.blr -o no.npy", 3, &["chunk 0"]);
    for (select, rows) in [(":4", 0..4), ("60:", 60..64), (":", 0..64)] {
        place.ok(&format!("decompress u.blr -o part.npy --select {select} --force"));
        assert_eq!(place.field("part.npy"), whole[rows.start * 1200..rows.end * 1200], "{select}");
    }
    for wrong in ["5", "a:b", "4:2", "0:65", "-1:2", "1:2:3"] {
        place.fails(&format!("decompress u.blr -o no.npy --select={wrong}"), 2, &["--select"]);
    }
    place.save("s.npy", field(&[]));
    place.ok("compress s.npy -o s.blr --lossless");
    place.fails("decompress s.blr -o no.npy --select 0:1", 2, &["no axis"]);
    assert!(!place.path("no.npy").exists());
}

#[test]
fn rows_of_a_table_can_be_selected() {
    let place = Place::new();
    place.save("e.csv", events(1000));
    place.ok("compress e.csv -o e.blr --lossless");
    place.ok("decompress e.blr -o part.csv --select 990:");
    let mut all = String::new();
    fs::File::open(place.path("e.csv")).unwrap().read_to_string(&mut all).unwrap();
    let lines: Vec<_> = all.lines().collect();
    let part = String::from_utf8(place.bytes("part.csv")).unwrap();
    assert_eq!(part.lines().skip(1).collect::<Vec<_>>(), lines[991..]);
}

#[test]
fn codecs_by_name() {
    let place = Place::new();
    place.save("u.npy", field(&[8, 30, 30]));
    place.save("e.csv", events(100));
    let codec = |line: &str| place.json(line)["variables"][0]["codec"].clone();
    assert_eq!(codec("compress u.npy -o 1.blr --rel 1e-2 --codec field"), "field");
    assert_eq!(codec("compress u.npy -o 2.blr --rel 1e-2 --codec raw"), "raw");
    assert_eq!(codec("compress e.csv -o 3.blr --rel 1e-2 --codec table"), "table");
    place.fails("compress u.npy -o x.blr --rel 1e-2 --codec table", 2, &["for tables", "leave --codec out"]);
    place.fails("compress e.csv -o x.blr --rel 1e-2 --codec field", 2, &["for fields"]);
    place.fails("compress e.csv -o x.blr --rel 1e-2 --codec raw", 2, &["text"]);
    place.fails("compress u.npy -o x.blr --rel 1e-2 --codec zstd", 2, &["'zstd'", "field, table"]);
    place.fails("compress u.npy -o x.blr --rel 1e-2 --codec autoencoder", 2, &["baler train", "--model"]);
    // What a codec does not serve is coded as it is best.
    let both = place.json("compress u.npy e.csv -o 4.blr --rel 1e-2 --codec table");
    assert_eq!(both["variables"][0]["codec"], "field");
    let constant = Variable::Field(Array::new(vec![50], Values::F32(vec![2.5; 50])).unwrap());
    place.save("c.npy", constant);
    assert_eq!(codec("compress c.npy -o c.blr --rel 1e-2"), "constant");
}
