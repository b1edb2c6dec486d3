//! Bounds as they are typed: each kind holds, each name's own goes before the common one, and there is no default.

mod common;

use baler::data::{Array, Column, Dataset, Values, Variable};
use common::run::*;
use serde_json::Value;

fn column<'d>(data: &'d Dataset, name: &str) -> &'d Column {
    let Variable::Table(t) = &data.variables[0].1 else { panic!("a table") };
    t.columns.iter().find(|c| c.name == name).unwrap()
}

fn numbers(data: &Dataset, name: &str) -> Vec<f64> {
    column(data, name).values.to_f64().unwrap()
}

fn spread(v: &[f64]) -> (f64, f64) {
    let range = v.iter().copied().fold(f64::MIN, f64::max) - v.iter().copied().fold(f64::MAX, f64::min);
    let mean = v.iter().sum::<f64>() / v.len() as f64;
    (range, (v.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / v.len() as f64).sqrt())
}

#[test]
fn every_kind_of_bound_holds() {
    let place = Place::new();
    place.save("u.npy", field(&[8, 40, 50]));
    let original = place.field("u.npy");
    let (range, deviation) = spread(&original);
    let limits = [
        ("--abs 0.01", 0.01),
        ("--rel 1e-3", 1e-3 * range),
        ("--std 1e-2", 1e-2 * deviation),
        ("--lossless", 0.0),
    ];
    for (flags, limit) in limits {
        let report = place.json(&format!("compress u.npy -o u.blr --force {flags}"));
        assert_eq!(place.json("verify u.blr --against u.npy")["holds"], true, "{flags}");
        place.ok("decompress u.blr -o back.npy --force");
        let error = apart(&original, &place.field("back.npy"));
        assert!(error <= limit, "{flags}: {error} > {limit}");
        assert_eq!(report["variables"][0]["largest_error"].as_f64().unwrap(), error, "{flags}");
    }

    place.ok("compress u.npy -o u.blr --force --pwrel 1e-2");
    place.ok("decompress u.blr -o back.npy --force");
    let back = place.field("back.npy");
    assert!(original.iter().zip(&back).all(|(a, b)| (a - b).abs() <= 1e-2 * a.abs()));

    place.ok("compress u.npy -o u.blr --force --psnr 60");
    place.ok("decompress u.blr -o back.npy --force");
    let back = place.field("back.npy");
    let squares = original.iter().zip(&back).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    let psnr = 20.0 * (range / (squares / original.len() as f64).sqrt()).log10();
    assert!((60.0..66.0).contains(&psnr), "{psnr} dB");
    assert_eq!(place.json("verify u.blr --against u.npy")["holds"], true);
}

#[test]
fn without_a_bound_there_is_an_error_that_suggests_one() {
    let place = Place::new();
    place.save("u.npy", field(&[4, 8]));
    place.fails("compress u.npy -o u.blr", 2, &["no error bound for 'u'", "--rel 1e-3", "--lossless"]);
    place.fails("compress u.npy -o u.blr --abs 1 --rel 1", 2, &["cannot be used with"]);
    // Bounds for all there is will do.
    place.ok("compress u.npy -o u.blr --bound u=abs:0.1");
    assert_eq!(place.files(), ["u.blr", "u.npy"]);
}

#[test]
fn a_name_s_own_bound_goes_before_the_common_one() {
    let place = Place::new();
    place.save("e.csv", events(500));
    let original = place.load("e.csv");
    let back = |place: &Place| {
        place.ok("decompress e.blr -o back.csv --force");
        place.load("back.csv")
    };
    place.ok("compress e.csv -o e.blr --lossless --bound pt=abs:1e-3");
    let b = back(&place);
    let error = apart(&numbers(&original, "pt"), &numbers(&b, "pt"));
    assert!(error > 0.0 && error <= 1e-3, "{error}");
    for name in ["energy", "eta", "n", "tag"] {
        assert_eq!(column(&original, name), column(&b, name));
    }

    // Integers of a table are exact, unless they are named.
    place.ok("compress e.csv -o e.blr --abs 3 --force");
    let b = back(&place);
    assert_eq!(column(&original, "n"), column(&b, "n"));
    place.ok("compress e.csv -o e.blr --abs 3 --bound n=abs:2 --bound eta=lossless --force");
    let b = back(&place);
    let error = apart(&numbers(&original, "n"), &numbers(&b, "n"));
    assert!(error > 0.0 && error <= 2.0, "{error}");
    assert_eq!(column(&original, "eta"), column(&b, "eta"));

    // A variable's own serves all its columns; the last of two for one name counts.
    place.ok("compress e.csv -o e.blr --bound e=abs:1 --bound e=lossless --force");
    assert_eq!(original.variables[0].1, back(&place).variables[0].1);
    // The last '=' ends the name.
    place.put("odd.csv", "a=b,c\n1.5,2.5\n3.25,4.25\n");
    place.ok("compress odd.csv -o odd.blr --lossless --bound a=b=abs:0.1");
}

#[test]
fn bounds_wider_than_the_type_cost_no_more_than_those_that_are_not() {
    let place = Place::new();
    place.save("u.npy", field(&[40, 80]));
    place.save("e.npz", number_table(100));
    for bound in ["--abs 1e37", "--abs 3e38", "--abs 1e39", "--abs 1.7e308", "--rel 1e40"] {
        place.ok(&format!("compress u.npy -o u.blr -f {bound}"));
        assert!(place.bytes("u.blr").len() < 400, "{bound}: {} bytes", place.bytes("u.blr").len());
        assert_eq!(place.json("verify u.blr --against u.npy")["holds"], true, "{bound}");
        place.ok(&format!("compress e.npz -o e.blr -f {bound}"));
        assert_eq!(place.json("verify e.blr --against e.npz")["holds"], true, "{bound}");
    }
}

#[test]
fn text_takes_no_bound() {
    let place = Place::new();
    place.save("e.csv", events(50));
    place.fails(
        "compress e.csv -o e.blr --std 1e-3 --bound tag=abs:1",
        2,
        &["'tag' is of type text", "exact"],
    );
    place.ok("compress e.csv -o e.blr --std 1e-3 --bound tag=lossless");
}

#[test]
fn bounds_that_bound_nothing_are_refused() {
    let place = Place::new();
    place.save("u.npy", field(&[4, 8]));
    let fails =
        |flags: &str, parts: &[&str]| place.fails(&format!("compress u.npy -o u.blr {flags}"), 2, parts);
    for kind in ["abs", "rel", "std", "pwrel"] {
        fails(&format!("--{kind} 0"), &["a bound of 0", "say lossless"]);
        fails(&format!("--bound u={kind}:0"), &["a bound of 0", "say lossless"]);
    }
    for kind in ["abs", "rel", "std", "pwrel", "psnr"] {
        for value in ["-1", "NaN", "inf", "-inf"] {
            fails(&format!("--{kind}={value}"), &["must be a positive number"]);
            fails(&format!("--bound u={kind}:{value}"), &["must be a positive number"]);
        }
    }
    fails("--pwrel 1", &["below 1"]);
    fails("--abs 1e-60", &["below 1.4e-45", "f32", "say lossless"]);
    fails("--abs lots", &["invalid value 'lots'"]);
    fails("--bound u", &["NAME=KIND:VALUE", "pt=abs:1e-3"]);
    fails("--bound u=abs", &["wants a value", "abs:1e-3"]);
    fails("--bound u=abs:x", &["'x'", "no number"]);
    fails("--bound u=lossless:1", &["takes no value"]);
    fails("--bound u=l2:1", &["'l2'", "abs, rel, std"]);
    fails("--rel 1e-3 --bound v=abs:1", &["'v'", "has only u"]);
    fails("--bound-none", &["--model", "--codec autoencoder"]);
    assert_eq!(place.files(), ["u.npy"]);
}

#[test]
fn special_values_come_back_and_do_not_count() {
    let place = Place::new();
    let mut v: Vec<f32> = (0..4000).map(|i| (i as f32 * 0.01).sin()).collect();
    let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::from_bits(0x7fc0_1234)];
    special.iter().enumerate().for_each(|(i, &s)| v[i * 700 + 3] = s);
    place.save("u.npy", Variable::Field(Array::new(vec![40, 100], Values::F32(v.clone())).unwrap()));
    let report = place.json("compress u.npy -o u.blr --rel 1e-3");
    let resolved = report["variables"][0]["bound"]["resolved"].as_f64().unwrap();
    assert!((resolved - 2e-3).abs() < 1e-5, "the range is of finite values alone: {resolved}");
    place.ok("decompress u.blr -o back.npy");
    let Variable::Field(back) = place.load("back.npy").variables.remove(0).1 else { panic!("a field") };
    let Values::F32(back) = back.values else { panic!("f32") };
    special.iter().enumerate().for_each(|(i, s)| assert_eq!(back[i * 700 + 3].to_bits(), s.to_bits()));

    let land: Vec<f32> = v.iter().enumerate().map(|(i, &x)| if i % 3 == 0 { -999.0 } else { x }).collect();
    place.save("w.npy", Variable::Field(Array::new(vec![40, 100], Values::F32(land)).unwrap()));
    let report = place.json("compress w.npy -o w.blr --rel 1e-3 --fill -999");
    let resolved = report["variables"][0]["bound"]["resolved"].as_f64().unwrap();
    assert!((resolved - 2e-3).abs() < 1e-5, "the fill value is not of the range: {resolved}");
    place.save("i.npy", Variable::Field(Array::new(vec![2], Values::U8(vec![1, 2])).unwrap()));
    place.fails("compress i.npy -o i.blr --abs 1 --fill 300", 2, &["300", "u8"]);
}

#[test]
fn the_report_is_complete() {
    let place = Place::new();
    place.save("u.npy", field(&[4, 30, 30]));
    place.save("e.csv", events(300));
    let made = place.json("compress u.npy e.csv -o all.blr --rel 1e-3 --bound pt=abs:0.01");
    let told = place.json("info all.blr");
    assert!(made["seconds"].is_number() && made["mb_per_s"].is_number());
    assert_eq!(made["variables"], told["variables"]);
    assert_eq!(told["stored_bytes"], place.bytes("all.blr").len());
    let texts: usize = (0..300).map(|i| if i % 3 == 2 { 2 } else { 3 }).sum(); // with the ends of their lines
    assert_eq!(told["original_bytes"], 4 * 30 * 30 * 4 + 300 * 4 * 8 + texts);
    let ratio = told["original_bytes"].as_f64().unwrap() / told["stored_bytes"].as_f64().unwrap();
    assert!((told["ratio"].as_f64().unwrap() - ratio).abs() < 1e-9);
    let u = &told["variables"][0];
    for (key, value) in [("name", "u"), ("type", "f32"), ("codec", "field"), ("kind", "field")] {
        assert_eq!(u[key], value);
    }
    assert_eq!(u["shape"], serde_json::json!([4, 30, 30]));
    assert_eq!((&u["bound"]["kind"], &u["bound"]["value"]), (&Value::from("rel"), &Value::from(1e-3)));
    assert!(u["largest_error"].as_f64().unwrap() <= u["bound"]["resolved"].as_f64().unwrap());
    assert!(u["bytes"].as_u64().unwrap() > 0 && u["ratio"].is_number());
    let columns = told["variables"][1]["columns"].as_array().unwrap();
    let of = |key: &str| columns.iter().map(|c| c[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("name"), ["pt", "energy", "eta", "n", "tag"]);
    assert_eq!(of("type"), ["f64", "f64", "f64", "i64", "text"]);
    let kinds: Vec<_> = columns.iter().map(|c| c["bound"]["kind"].clone()).collect();
    assert_eq!(kinds, ["abs", "rel", "rel", "lossless", "lossless"]);
    assert!(columns.iter().all(|c| c["largest_error"].is_number()));

    let told = place.ok("info all.blr");
    for part in ["largest error", "4 x 30 x 30", "rel:1e-3", "abs:0.01", "lossless", "times smaller"] {
        assert!(told.contains(part), "'{part}' is not in\n{told}");
    }
}
