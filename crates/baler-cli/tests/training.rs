//! Training as it is asked for: models of one's own, normalisations, losses, and trainings that were interrupted.

mod common;

use common::run::*;
use std::time::{Duration, Instant};

const OWN: &str = r#"
name = "mine"
[[encoder]]
kind = "dense"
outputs = 8
[[encoder]]
kind = "relu"
[[encoder]]
kind = "dense"
outputs = "latents"
[[decoder]]
kind = "dense"
outputs = "features"
"#;

#[test]
fn a_model_of_ones_own_trains() {
    let place = Place::new();
    place.save("t.npz", number_table(300));
    place.put("mine.toml", OWN);
    let told = place.json("train t.npz -o m.safetensors --model mine.toml --latent 1 --epochs 2");
    assert_eq!((told["model"].as_str(), told["latents"].as_u64()), (Some("mine"), Some(1)));
    let fails = |from: &str, to: &str, flags: &str, parts: &[&str]| {
        place.put("other.toml", OWN.replacen(from, to, 1));
        place.fails(&format!("train t.npz -o x.safetensors --model other.toml {flags}"), 2, parts);
    };
    fails("\"features\"", "4", "", &["other.toml", "[4]", "[3]"]);
    fails("\"relu\"", "\"swish\"", "", &["encoder: layer 1", "swish"]);
    fails("\"latents\"", "2", "--latent 1", &["gives 2 latents", "--latent"]);
    fails("[[decoder]]", "[[decoder]", "", &["other.toml", "expected"]);
    place.fails("train t.npz -o x.safetensors --model none.toml", 3, &["none.toml"]);
}

#[test]
fn fields_are_cut_into_tiles_and_runs() {
    let place = Place::new();
    place.save("u.npy", field(&[6, 19, 22]));
    for (cut, model, features) in [
        ("--tiles 8,8", "PJ_Conv_AE", 64),
        ("--tiles 2,8,10", "Conv_AE_3D", 160),
        ("--tiles 22", "AE", 22),
        ("--runs 6,11", "Conv_AE", 66),
        ("--runs 50", "FPGA_prototype_model", 50),
    ] {
        let told = place.json(&format!(
            "train u.npy -o m.safetensors -f --model {model} {cut} --latent 4 --epochs 3 --batch-size 16"
        ));
        assert_eq!(told["features"], features, "{cut}");
        place.ok("compress u.npy -o u.blr -f --bound-none --codec autoencoder --model m.safetensors");
        place.ok("decompress u.blr -o back.npy -f");
        // Not yet near the data, after so few epochs, but of their size.
        let apart = apart(&place.field("back.npy"), &place.field("u.npy"));
        assert!(apart < 30.0, "{cut}: off by {apart}, five times the range of the data");
        place.ok("compress u.npy -o u.blr -f --rel 1e-2 --codec autoencoder --model m.safetensors");
        place.ok("verify u.blr --against u.npy");
    }
    let fails = |flags: &str, parts: &[&str]| {
        place.fails(&format!("train u.npy -o x.safetensors {flags}"), 2, parts);
    };
    fails("--tiles 0,8", &["[0, 8]", "hold nothing"]);
    fails("--tiles 2,2,2,2", &["[6, 19, 22]", "[2, 2, 2, 2]"]);
    fails("--tiles 2,2 --runs 4", &["cannot be used with"]);
    place.save("t.npz", number_table(20));
    place.fails("train t.npz -o x.safetensors --runs 4", 2, &["this is a table"]);
}

#[test]
fn losses_and_normalisations_are_chosen() {
    let place = Place::new();
    place.save("t.npz", number_table(200));
    for (i, flags) in [
        "--loss mse-avg --l1 0.01",
        "--loss emd --no-shuffle",
        "--loss swae",
        "--precision f64 --normalisation standard",
    ]
    .iter()
    .enumerate()
    {
        place.ok(&format!("train t.npz -o m{i}.safetensors --epochs 2 --batch-size 50 --quiet {flags}"));
    }
    assert_eq!(place.json("info m2.safetensors")["precision"], "f32");
    assert_eq!(place.json("info m3.safetensors")["precision"], "f64");
    let auto = place.json("train t.npz -o a.safetensors --epochs 2 --normalization standard --save-every 1");
    assert_eq!(auto["normalisation"], "standard");
    assert!(place.files().contains(&"a.2.safetensors".to_string()));
    assert!(place.bytes("a.1.safetensors") != place.bytes("a.2.safetensors"));
    place.fails("train t.npz -o x.safetensors --l1 -1", 2, &["sparsity"]);
    place.fails("train t.npz -o x.safetensors --resume", 2, &["x.safetensors.checkpoint", "--resume"]);
}

#[test]
fn a_killed_training_goes_on_to_the_same_model() {
    let place = Place::new();
    place.save("t.npz", number_table(400));
    let flags = "--epochs 400 --batch-size 16 --patience 1000 --threads 1 --checkpoint-every 1 --quiet";
    place.ok(&format!("train t.npz -o whole.safetensors {flags}"));
    let mut training = place.command(&format!("train t.npz -o m.safetensors {flags}")).spawn().unwrap();
    let begun = Instant::now();
    while !place.files().contains(&"m.safetensors.checkpoint".to_string()) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no checkpoint");
        std::thread::sleep(Duration::from_millis(2));
    }
    training.kill().unwrap();
    training.wait().unwrap();
    place.fails(&format!("train t.npz -o m.safetensors {flags} --resume --seed 2"), 2, &["another seed"]);
    place.ok(&format!("train t.npz -o m.safetensors {flags} --resume"));
    assert!(place.bytes("m.safetensors") == place.bytes("whole.safetensors"));
    assert!(!place.files().contains(&"m.safetensors.checkpoint".to_string()));
}
