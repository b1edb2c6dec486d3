//! ONNX: what is written is valid and computes what the library does, in onnxruntime where Python has it; and it is read
//! back.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use baler::export::onnx::read::read;
use baler::export::onnx::{Part, Precision, export};
use baler::model::layers::{Architecture, Layer};
use baler::model::normalise::NormalisationKind;
use baler::model::{Model, zoo};
use baler::train::{TrainOptions, train};

/// Rows with structure and noise, of numbers of very different size.
fn rows(count: usize, features: usize) -> Vec<f64> {
    let wave = |r: usize, f: usize| ((r * 7 + 1) as f64 * 0.11 * (f % 9 + 1) as f64).sin();
    let noise = |r: usize, f: usize| ((r * 7919 + f * 104_729) % 997) as f64 / 997.0;
    let value = |i: usize| {
        let (r, f) = (i / features, i % features);
        (wave(r, f) + 0.2 * noise(r, f)) * 10f64.powi(f as i32 % 4 - 2) + (f % 3) as f64 * 1e3
    };
    (0..count * features).map(value).collect()
}

fn trained(architecture: Architecture, normalisation: NormalisationKind) -> Model {
    let features = architecture.features();
    let options = TrainOptions {
        epochs: 2,
        batch_size: 32,
        threads: 1,
        normalisation,
        ..TrainOptions::new(architecture)
    };
    train(&rows(96, features), &[], &options, |_| ControlFlow::Continue(())).unwrap()
}

/// Every model of the zoo, and every kind of normalisation.
fn models() -> Vec<(String, Model)> {
    let mut models = vec![];
    for name in zoo::NAMES {
        let shape: &[usize] = match name {
            "Conv_AE_3D" => &[3, 9, 10],
            _ if name.contains("Conv") => &[9, 10],
            _ => &[12],
        };
        models.push((
            name.to_string(),
            trained(zoo::by_name(name, shape, 5).unwrap(), NormalisationKind::MinMax),
        ));
    }
    for kind in [NormalisationKind::Standard, NormalisationKind::Quantile, NormalisationKind::Log] {
        models.push((format!("{kind:?}"), trained(zoo::by_name("AE", &[6], 3).unwrap(), kind)));
    }
    models
}

fn bytes<const N: usize>(values: impl Iterator<Item = [u8; N]>) -> Vec<u8> {
    values.flatten().collect()
}

#[test]
fn onnxruntime_computes_the_same() {
    let python = std::env::var("BALER_PYTHON").unwrap_or("python3".into());
    let there = Command::new(&python).args(["-c", "import numpy, onnx, onnxruntime"]).output();
    if !there.is_ok_and(|o| o.status.success()) {
        eprintln!(
            "skipped: {python} with numpy, onnx and onnxruntime is not at hand; BALER_PYTHON names another"
        );
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("onnx");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    for (name, model) in models() {
        let sample = rows(70, model.features()); // two sequences, the second shorter
        put(&format!("{name}.rows"), &bytes(sample.iter().map(|x| x.to_le_bytes())));
        let float = model.reconstruct_float(&sample);
        put(&format!("{name}.float"), &bytes(float.iter().map(|x| x.to_le_bytes())));
        for (part, suffix) in [(Part::Both, "both"), (Part::Encoder, "encoder"), (Part::Decoder, "decoder")] {
            put(&format!("{name}.float.{suffix}.onnx"), &export(&model, part, Precision::Float).unwrap());
            put(&format!("{name}.integer.{suffix}.onnx"), &export(&model, part, Precision::Integer).unwrap());
        }
        let latents = model.frozen.encode(&sample).unwrap();
        put(&format!("{name}.latents"), &bytes(latents.iter().map(|&x| i64::from(x).to_le_bytes())));
        let exact = model.reconstruct(&sample).unwrap();
        put(&format!("{name}.integer"), &bytes(exact.iter().map(|x| x.to_le_bytes())));
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx_check.py");
    let run = Command::new(&python).arg(script).arg(&folder).output().unwrap();
    assert!(
        run.status.success(),
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
}

#[test]
fn float_graphs_are_read_back() {
    for (name, model) in models() {
        let both = export(&model, Part::Both, Precision::Float).unwrap();
        let halves = [Part::Encoder, Part::Decoder].map(|p| export(&model, p, Precision::Float).unwrap());
        let chain = model
            .float
            .layers()
            .all(|l| !matches!(l.layer, Layer::Gelu | Layer::Gdn { .. } | Layer::Transformer { .. }));
        let affine = model.normalisation.affine();
        let results = [read(&both, None, None), read(&halves[0], Some(&halves[1]), None)];
        for result in results {
            let (Some((offset, scale)), true) = (affine, chain) else {
                let error = result.unwrap_err().to_string();
                assert!(error.contains("node '"), "{name}: {error}");
                continue;
            };
            let back = result.unwrap();
            assert_eq!(back.normalisation, Some((offset.to_vec(), scale.to_vec())), "{name}");
            assert_eq!(back.architecture.features(), model.features());
            assert_eq!(back.architecture.latents().unwrap(), model.latents());
            let weights = |m: &baler::model::float::FloatModel| {
                m.layers().map(|l| l.tensors.clone()).filter(|t| !t.is_empty()).collect::<Vec<_>>()
            };
            assert!(weights(&back.float) == weights(&model.float), "{name}");
        }
    }
}

#[test]
fn what_is_no_model_is_an_error() {
    let model = trained(zoo::by_name("FPGA_prototype_model", &[3], 2).unwrap(), NormalisationKind::MinMax);
    let file = export(&model, Part::Both, Precision::Float).unwrap();
    for end in 0..file.len() {
        let _ = read(&file[..end], None, None); // an error, or a graph cut where a field ends: never a panic
    }
    let mut damaged = file.clone();
    for bit in 0..file.len() * 8 {
        damaged[bit / 8] ^= 1 << (bit % 8);
        let _ = read(&damaged, None, None);
        damaged[bit / 8] ^= 1 << (bit % 8);
    }
    let encoder = export(&model, Part::Encoder, Precision::Float).unwrap();
    for (file, latents, says) in [
        (&b"no model at all"[..], None, "not ONNX"),
        (b"", None, "no graph"),
        (&encoder, None, "where do the latents stand"),
        (&file, Some("nowhere"), "'nowhere' is no value"),
    ] {
        let error = read(file, None, latents).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
