//! Models as they are used: trained, embedded or referred to by hash, left out where they do not pay, refused where
//! they do not fit.

mod common;

use baler::data::{Array, Column, Dataset, Table, Values, Variable};
use common::run::*;

const QUICK: &str = "--epochs 3 --batch-size 64 --quiet";

fn table_with_model() -> Place {
    let place = Place::new();
    place.save("t.npz", number_table(600));
    place.ok(&format!("train t.npz -o m.safetensors --latent 2 {QUICK}"));
    place
}

fn columns(data: Dataset) -> Vec<Column> {
    match data.variables.into_iter().next().unwrap().1 {
        Variable::Table(t) => t.columns,
        Variable::Field(_) => panic!("a table"),
    }
}

#[test]
fn training_follows_its_flags_and_its_seed() {
    let place = Place::new();
    place.save("t.npz", number_table(400));
    let train = |flags: &str| place.json(&format!("train t.npz --force --batch-size 64 {flags}"));
    let a = train("-o a.safetensors --ratio 1.5 --epochs 3 --seed 7 --threads 1");
    for (key, value) in [("features", 3), ("latents", 2), ("epochs", 3), ("rows", 400)] {
        assert_eq!(a[key], value, "{key}");
    }
    assert_eq!(a["losses"].as_array().unwrap().len(), 3);
    assert_eq!(a["bytes"], place.bytes("a.safetensors").len());
    assert!(a["validation_loss"].is_number());
    train("-o b.safetensors --ratio 1.5 --epochs 3 --seed 7 --threads 3");
    assert!(place.bytes("a.safetensors") == place.bytes("b.safetensors"), "same seed, same model");
    train("-o c.safetensors --ratio 1.5 --epochs 3 --seed 8");
    assert!(place.bytes("a.safetensors") != place.bytes("c.safetensors"));
    let d = train("-o d.safetensors --epochs 2 --validation 0 --columns eta,pt --latent 1");
    assert!(d["validation_loss"].is_null());
    assert_eq!(place.json("info d.safetensors")["names"], serde_json::json!(["eta", "pt"]));
    let told = place.ok("info a.safetensors");
    for part in ["architecture", "AE", "pt, energy, eta", "sha256"] {
        assert!(told.contains(part), "'{part}' is not in\n{told}");
    }
}

#[test]
fn foolish_training_is_refused() {
    let place = Place::new();
    place.save("t.npz", number_table(50));
    place.save("e.csv", events(50));
    place.save("line.npy", field(&[50]));
    let fails = |input: &str, flags: &str, parts: &[&str]| {
        place.fails(&format!("train {input} -o m.safetensors {flags}"), 2, parts);
    };
    fails("t.npz", "--epochs 0", &["epochs", "at least 1"]);
    fails("t.npz", "--batch-size 0", &["batch size"]);
    fails("t.npz", "--lr -1", &["learning rate", "positive"]);
    fails("t.npz", "--lr NaN", &["learning rate"]);
    fails("t.npz", "--validation 1", &["below 1"]);
    fails("t.npz", "--validation -0.1", &["at least 0"]);
    fails("t.npz", "--ratio 0.5", &["ratio 0.5", "at least 1"]);
    fails("t.npz", "--latent 0", &["--latent 0"]);
    fails("t.npz", "--ratio 2 --latent 2", &["cannot be used with"]);
    fails("t.npz", "--model GPT", &["'GPT'", "CFD_dense_AE"]);
    fails("t.npz", "--variable x", &["'x'", "there are data"]);
    fails("e.csv", "--columns pt,tag", &["'tag'", "pt, energy"]);
    fails("line.npy", "", &["no frames"]);
    assert_eq!(place.files(), ["e.csv", "line.npy", "t.npz"]);
    place.put("m.safetensors", "precious");
    fails("t.npz", "--epochs 1000000", &["exists", "--force"]); // told before the training, not after
    place.fails("train no.npz -o n.safetensors", 3, &["no.npz"]);
}

#[test]
fn an_archive_needs_no_model_that_it_embeds() {
    let place = table_with_model();
    let report = place.json("compress t.npz -o t.blr --std 1e-2 --model m.safetensors --codec autoencoder");
    assert_eq!(report["variables"][0]["codec"], "autoencoder");
    assert!(report["model_bytes"].as_u64().unwrap() > 0);
    assert!(report["ratio_without_model"].as_f64() > report["ratio"].as_f64());
    assert_eq!(report["models"][0]["embedded"], true);
    place.ok("decompress t.blr -o back.npz");
    assert_eq!(place.json("verify t.blr --against t.npz")["holds"], true);
    assert!(place.ok("info t.blr").contains("(embedded)"));
    let said = place.ok("compress t.npz -o again.blr --std 1e-2 --model m.safetensors --codec autoencoder");
    assert!(said.contains("of which the model takes"), "{said}");
    assert!(place.bytes("t.blr") == place.bytes("again.blr"));
}

#[test]
fn an_external_model_is_asked_for_by_its_hash() {
    let place = table_with_model();
    place.ok(&format!("train t.npz -o other.safetensors --latent 2 --seed 9 {QUICK}"));
    let hash = place.json("info m.safetensors")["sha256"].as_str().unwrap().to_string();
    let other = place.json("info other.safetensors")["sha256"].as_str().unwrap().to_string();
    let report = place.json(
        "compress t.npz -o t.blr --std 1e-2 --model m.safetensors --external-model --codec autoencoder",
    );
    assert_eq!(report["models"][0]["sha256"], hash, "the hash by which `info` tells a model");
    assert_eq!(report["model_bytes"], 0);
    for command in ["decompress t.blr -o back.npz", "verify t.blr", "verify t.blr --against t.npz"] {
        place.fails(command, 3, &["t.blr", &hash, "--model"]);
        place.fails(&format!("{command} --model other.safetensors"), 3, &["t.blr", &hash, &other]);
        place.ok(&format!("{command} --model m.safetensors"));
    }
    assert!(place.ok("info t.blr").contains("to be supplied"));
    place.fails("salvage t.blr -o s.npz", 3, &[&hash, "--model"]);
    place.ok("salvage t.blr -o s.npz --model m.safetensors");
    place.fails("compress t.npz -o x.blr --std 1 --external-model", 2, &["--model"]);
}

#[test]
fn a_model_alone_compresses_without_bound() {
    let place = table_with_model();
    place.save("u.npy", field(&[40, 6, 8]));
    place.ok(&format!("train u.npy -o f.safetensors --model CFD_dense_AE --ratio 8 {QUICK}"));
    for (data, model) in [("t.npz", "m.safetensors"), ("u.npy", "f.safetensors")] {
        let line =
            format!("compress {data} -o x.blr --force --bound-none --codec autoencoder --model {model}");
        let report = place.json(&line);
        let v = &report["variables"][0];
        let told = if v["columns"].is_array() { &v["columns"][0] } else { v };
        assert_eq!(told["bound"]["kind"], "none");
        let largest = told["largest_error"].as_f64().unwrap();
        let out = format!("back.{}", &data[2..]);
        place.ok(&format!("decompress x.blr -o {out}"));
        let (a, b) = (place.load(data), place.load(&out));
        let first = |d: Dataset| match d.variables.into_iter().next().unwrap().1 {
            Variable::Field(a) => a.values.to_f64().unwrap(),
            Variable::Table(t) => t.columns[0].values.to_f64().unwrap(),
        };
        assert_eq!(apart(&first(a), &first(b)), largest, "{data}: the error is measured");
        let verified = place.json(&format!("verify x.blr --against {data}"));
        assert_eq!(verified["holds"], true);
        assert_eq!(verified["variables"][0]["largest_error"], largest);
        assert!(place.ok("info x.blr").contains("none"));
    }
    place.fails("compress u.npy -o y.blr --bound-none --model f.safetensors", 2, &["--codec autoencoder"]);
    // What the model does not serve needs a bound; a table's other columns are exact.
    place.save("v.npy", field(&[5, 5]));
    let both = "compress u.npy v.npy -o y.blr --bound-none --codec autoencoder --model f.safetensors";
    place.fails(both, 2, &["'v'", "--bound v=rel:1e-3"]);
    let report = place.json(&format!("{both} --bound v=rel:1e-3"));
    let codec = |i: usize| report["variables"][i]["codec"].clone();
    assert_eq!((codec(0), codec(1)), ("autoencoder".into(), "field".into()));
    place.save("e.csv", events(100));
    place.ok("compress e.csv -o e.blr --bound-none --codec autoencoder --model m.safetensors");
    place.ok("decompress e.blr -o e2.csv");
    let (a, b) = (columns(place.load("e.csv")), columns(place.load("e2.csv")));
    assert_eq!(a[3..], b[3..]);
    assert_ne!(a[0], b[0]);
}

#[test]
fn a_model_that_does_not_pay_is_left_out_and_it_is_said() {
    let place = table_with_model();
    place.save("u.npy", field(&[500, 6, 8]));
    place.ok(&format!("train u.npy -o f.safetensors --latent 4 {QUICK}"));
    let more = ["", " --chunk 1000", " --chunk 7000 --threads 3"];
    let cases = [("t.npz", "m.safetensors", "--std 1e-2"), ("u.npy", "f.safetensors", "--rel 1e-3")];
    for (data, model, bound) in cases {
        for flags in more {
            let line = format!("compress {data} {bound}{flags} --force");
            place.ok(&format!("{line} -o plain.blr"));
            let said = place.ok(&format!("{line} -o with.blr --model {model}"));
            let why = ["it makes nothing smaller", "share it over more data with --external-model"];
            assert!(said.contains("the model is not used: it "), "{said}");
            assert!(why.iter().any(|w| said.contains(w)), "{said}");
            let sizes = ["with.blr", "plain.blr"].map(|n| place.bytes(n).len());
            assert!(sizes[0] <= sizes[1] + 64, "{data}{flags}: {sizes:?}");
            let report = place.json(&format!("{line} -o with.blr --model {model}"));
            assert!(report["model_left_out"].is_string());
            assert_eq!(report["models"], serde_json::json!([]));
        }
    }
    let said = place.ok("compress t.npz -o x.blr --std 1e-2 --model m.safetensors --codec table");
    assert!(said.contains("the codec table was asked for"), "{said}");
}

#[test]
fn models_that_do_not_fit_or_are_no_models() {
    let place = table_with_model();
    let renamed = columns(place.load("t.npz"))
        .into_iter()
        .map(|c| Column { name: format!("{}2", c.name), values: c.values })
        .collect();
    place.save("r.npz", Variable::Table(Table { columns: renamed }));
    let compress = |data: &str, model: &str, code: i32, parts: &[&str]| {
        place.fails(&format!("compress {data} -o x.blr --std 1e-2 --model {model}"), code, parts);
    };
    compress("r.npz", "m.safetensors", 2, &["rows of 3 values named pt, energy, eta", "nothing in the data"]);
    place.save("u.npy", field(&[10, 4]));
    compress("u.npy", "m.safetensors", 2, &["rows of 3 values"]);
    place.ok(&format!("train u.npy -o f.safetensors --latent 1 {QUICK}"));
    compress("t.npz", "f.safetensors", 2, &["rows of 4 values"]);
    compress("t.npz", "none.safetensors", 3, &["none.safetensors", "No such file"]);
    compress("t.npz", ".", 2, &["folder"]);
    compress("t.npz", "t.npz", 3, &["t.npz", "is no model"]);
    place.ok("compress t.npz -o t.blr --lossless");
    compress("t.npz", "t.blr", 2, &["t.blr", "is an archive, not a model"]);
    place.put("empty.safetensors", "");
    compress("t.npz", "empty.safetensors", 3, &["empty.safetensors", "is empty"]);
    let whole = place.bytes("m.safetensors");
    place.put("cut.safetensors", &whole[..whole.len() / 2]);
    compress("t.npz", "cut.safetensors", 3, &["cut.safetensors", "damaged"]);
    for at in [0, 9, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        place.put("bad.safetensors", bytes);
        compress("t.npz", "bad.safetensors", 3, &["bad.safetensors"]);
        place.fails("info bad.safetensors", 3, &["bad.safetensors"]);
    }
    assert!(!place.path("x.blr").exists());
}

#[test]
fn rows_that_are_not_finite_are_left_out_of_the_training_and_come_back_all_the_same() {
    let place = Place::new();
    let mut values = wave(&[60, 5]).values.to_f64().unwrap();
    values[7] = f64::NAN;
    values[200] = f64::INFINITY;
    place.save("u.npy", Variable::Field(Array::new(vec![60, 5], Values::F64(values.clone())).unwrap()));
    let said = place.ok("train u.npy -o m.safetensors --latent 2 --epochs 2");
    assert!(said.contains("2 rows left out of the training"), "{said}");
    place.ok("compress u.npy -o u.blr --abs 1e-3 --model m.safetensors --codec autoencoder");
    place.ok("verify u.blr --against u.npy");
    place.ok("decompress u.blr -o back.npy");
    let back = place.field("back.npy");
    assert!(back[7].is_nan() && back[200] == f64::INFINITY);
}

#[test]
fn a_model_of_a_table_is_trained_used_and_told_of() {
    let place = Place::new();
    place.save("t.npz", number_table(3000));
    place.fails("train --kind table t.npz -o m.safetensors", 2, &["no error bound"]);
    place.fails(
        "train --kind table t.npz --std 1e-2 --ratio 2 -o m.safetensors",
        2,
        &["--ratio", "autoencoder"],
    );
    place.fails("train t.npz --std 1e-2 -o m.safetensors", 2, &["--kind table"]);
    let unknown = "train --kind table t.npz --std 1e-2 --bound w=abs:1 -o m.safetensors";
    place.fails(unknown, 2, &["a bound is given for 'w'"]);
    let trained = place.json("train --kind table t.npz --std 1e-2 --epochs 2 -o m.safetensors");
    assert_eq!(trained["kind"], "table");
    assert_eq!(place.json("info m.safetensors")["kind"], "table model");

    // Without a bound the model's own holds; another may be given.
    for (name, flags) in [("own", ""), ("other", "--std 2e-2"), ("hash", "--external-model")] {
        place.ok(&format!("compress t.npz -o {name}.blr --model m.safetensors --codec table {flags}"));
        place.ok(&format!("decompress {name}.blr -o {name}.npz --model m.safetensors"));
        place.ok(&format!("verify {name}.blr --against t.npz --model m.safetensors"));
    }
    assert!(place.bytes("hash.blr").len() < place.bytes("own.blr").len());
    assert_eq!(place.bytes("hash.npz"), place.bytes("own.npz"));
    place.fails("decompress hash.blr -o no.npz", 3, &["model", "--model"]);
    place.ok("decompress own.blr -o alone.npz");

    // What explains the columns that it codes (of few rows, on which mixing is still cold) the model tells.
    place.save("few.npz", number_table(150));
    place.ok("compress few.npz -o few.blr --model m.safetensors --codec table --external-model");
    let explained = |line: &str| {
        let told = place.json(line);
        let of_net = |c: &&serde_json::Value| c["codings"][0]["name"] == "net";
        let columns = told["variables"][0]["columns"].as_array().unwrap().iter().filter(of_net);
        columns.map(|c| c["explained_by"].as_array().unwrap().len()).sum::<usize>()
    };
    assert_eq!(explained("info few.blr"), 0);
    assert!(explained("info few.blr --model m.safetensors") > 0);
    place.fails("info m.safetensors --model m.safetensors", 2, &["goes with an archive"]);

    place.save("line.npy", field(&[50]));
    place.fails("compress line.npy -o l.blr --abs 1 --model m.safetensors", 2, &["columns named"]);
}

/// A field of bent waves, which no linear function of neighbours foretells.
fn bent(phase: f64) -> Variable {
    let at = |i: usize| {
        let (z, y, x) = ((i / 576) as f64, (i / 24 % 24) as f64, (i % 24) as f64);
        let wave = (x * 0.45 + phase).sin() * (y * 0.37).cos() + (z * 0.3 + x * 0.2).sin();
        (wave.max(0.1) + 0.3 * wave.abs()) as f32
    };
    let values = Values::F32((0..8 * 576).map(at).collect());
    Variable::Field(Array { shape: vec![8, 24, 24], values })
}

#[test]
fn a_model_of_fields_is_trained_told_of_and_used() {
    let place = Place::new();
    place.save("a.npy", bent(0.0));
    place.save("b.npy", bent(1.0));
    place.save("flat.npy", field(&[9, 9]));
    place.save("t.npz", number_table(50));
    let how = "--abs 1e-3 --hidden 8,4 --epochs 2";
    let trained = place.json(&format!("train --kind field a.npy b.npy -o m.safetensors {how}"));
    assert_eq!(trained["hidden"], serde_json::json!([8, 4]));
    assert_eq!(trained["samples"].as_array().unwrap().len(), 2);
    let told = place.json("info m.safetensors");
    let hash = told["sha256"].as_str().unwrap();
    assert_eq!((&told["kind"], &told["epochs"]), (&"field model".into(), &2.into()));
    assert!(place.ok("info m.safetensors").contains("three axes or more"));

    let compress = "compress a.npy --abs 1e-3 --codec field --model m.safetensors";
    place.ok(&format!("{compress} -o embedded.blr"));
    place.ok(&format!("{compress} -o beside.blr --external-model"));
    assert!(place.bytes("beside.blr").len() < place.bytes("embedded.blr").len());
    place.ok("verify embedded.blr --against a.npy");
    place.ok("decompress embedded.blr -o one.npy");
    place.fails("decompress beside.blr -o two.npy", 3, &[hash]);
    place.ok("decompress beside.blr -o two.npy --model m.safetensors");
    assert!(place.bytes("one.npy") == place.bytes("two.npy"));
    place.ok("decompress embedded.blr -o part.npy --select 2:4");
    assert_eq!(place.field("part.npy"), place.field("one.npy")[2 * 576..4 * 576]);
    // Where its codec is not asked for, it is embedded if it pays, or it is said why not.
    let left = place.json("compress a.npy --abs 1e-3 --model m.safetensors -o c.blr");
    assert!(left["model_left_out"].is_string() != (left["model_bytes"].as_u64().unwrap() > 0), "{left}");

    // Chunks on which it was tried are what they would be: with any number of threads, and where it is left out, or serves one
    // variable of two.
    place.ok("compress a.npy --abs 1e-3 -o plain.blr");
    let two = "compress a.npy flat.npy --abs 1e-3 --model m.safetensors";
    for chunk in [100_000, 1200] {
        let way = format!("--chunk {chunk} --force");
        for (line, plain) in
            [("compress a.npy --abs 1e-3 --model m.safetensors", "a.npy"), (two, "a.npy flat.npy")]
        {
            for more in ["", "--external-model"] {
                let told = place.json(&format!("{line} {more} {way} --threads 1 -o one.blr"));
                place.ok(&format!("{line} {more} {way} --threads 3 -o three.blr"));
                assert!(place.bytes("one.blr") == place.bytes("three.blr"), "{line} {more} {way}");
                place.ok(&format!("verify one.blr --against {plain} --model m.safetensors"));
                if told["model_left_out"].is_string() {
                    place.ok(&format!("compress {plain} --abs 1e-3 {way} -o plain.blr"));
                    assert!(place.bytes("one.blr") == place.bytes("plain.blr"), "{line} {more} {way}");
                }
            }
        }
    }

    place.fails("compress flat.npy --abs 1 --model m.safetensors -o d.blr", 2, &["three or more axes"]);
    place.fails("train --kind field t.npz --abs 1 -o n.safetensors", 2, &["--kind table"]);
    place.fails("train --kind field a.npy -o n.safetensors", 2, &["bound"]);
    place.fails("train --kind field a.npy --lossless -o n.safetensors", 2, &["--rel"]);
    place.fails(&format!("train --kind field a.npy flat.npy -o n.safetensors {how}"), 2, &["axes"]);
    let unknown = "train --kind field a.npy --abs 1 --bound w=abs:1 -o n.safetensors";
    place.fails(unknown, 2, &["a bound is given for 'w'", "only a"]);
    place.fails("train --kind field a.npy --abs 1 --hidden 0 -o n.safetensors", 2, &["hidden"]);
    place.fails("train a.npy b.npy -o n.safetensors", 2, &["--kind field"]);
}
