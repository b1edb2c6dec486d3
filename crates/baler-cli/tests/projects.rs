//! Projects as users of Baler's Python prototype have them: its folders, its modes, its files.

mod common;

use std::fs;

use baler::data::{Array, Values, Variable};
use common::run::*;
use common::{prototype, real_data};

/// A project W/P with these settings (Python's, one a line) and this data.
fn project(settings: &str, data: Variable) -> Place {
    let place = Place::new();
    place.ok("--project W P --mode newProject");
    fs::remove_file(place.path("workspaces/W/P/config/P_config.toml")).unwrap();
    let lines: String = settings.lines().map(|l| format!("    c.{}\n", l.trim())).collect();
    let config = format!("def set_config(c):\n    c.input_path = 'workspaces/W/data/P_data.npz'\n{lines}");
    place.put("workspaces/W/P/config/P_config.py", config);
    place.save_all("workspaces/W/data/P_data.npz", &[("data", data)]);
    place
}

const OUT: &str = "workspaces/W/P/output";

fn mode(place: &Place, mode: &str) -> String {
    place.ok(&format!("--project W P --mode {mode}"))
}

fn columns(place: &Place, name: &str) -> Vec<(String, Vec<f64>)> {
    match &place.load(name).variables[0].1 {
        Variable::Table(t) => {
            t.columns.iter().map(|c| (c.name.clone(), c.values.to_f64().unwrap())).collect()
        }
        Variable::Field(_) => panic!("a table"),
    }
}

fn array(place: &Place, name: &str) -> (Vec<usize>, Vec<f64>) {
    match &place.load(name).variables[0].1 {
        Variable::Field(a) => (a.shape.clone(), a.values.to_f64().unwrap()),
        Variable::Table(_) => panic!("a field"),
    }
}

#[test]
fn training_goes_on_without_a_reader() {
    let place = project("epochs = 12\nbatch_size = 64\ncompression_ratio = 1.5", number_table(300));
    let mut child = place
        .command("--project W P --mode train --verbose")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(array(&place, &format!("{OUT}/training/loss_data.npy")).0, [2, 12]);
}

#[test]
fn a_new_project_has_its_folders_and_every_key() {
    let place = Place::new();
    place.ok("new W P");
    for folder in [
        "data",
        "P/config",
        "P/output/compressed_output",
        "P/output/decompressed_output",
        "P/output/plotting",
        "P/output/training",
    ] {
        assert!(place.path(&format!("workspaces/W/{folder}")).is_dir(), "{folder}");
    }
    let config = place.bytes("workspaces/W/P/config/P_config.toml");
    assert!(String::from_utf8(config.clone()).unwrap().contains("workspaces/W/data/P_data.npz"));
    place.put("workspaces/W/P/config/P_config.toml", "epochs = 3");
    for line in ["new W P", "--project W P --mode newProject"] {
        assert!(place.ok(line).contains("exists already"));
        assert_eq!(place.bytes("workspaces/W/P/config/P_config.toml"), b"epochs = 3");
    }
    place.ok("--project W Q --mode newProject --verbose");
    assert_eq!(files_in(&place.path("workspaces/W")), ["P", "Q", "data"]);
    for name in ["..", ".", "a/b"] {
        place.fails(&format!("new W {name}"), 2, &["no name"]);
        place.fails(&format!("--project {name} P --mode train"), 2, &["no name"]);
    }
}

#[test]
fn a_table_goes_all_the_way_and_comes_back_without_its_original() {
    let settings = "epochs = 4\nbatch_size = 64\ncompression_ratio = 1.5\ntest_size = 0.2\nactivation_extraction = True\n\
                    type_list = ['float64', 'int']";
    let place = project(settings, number_table(600));
    assert!(mode(&place, "train").contains("AE 3 to 2, 4 epochs"));
    let (shape, losses) = array(&place, &format!("{OUT}/training/loss_data.npy"));
    assert_eq!(shape, [2, 4]);
    assert!(losses.iter().all(|l| l.is_finite()) && losses[..4] != losses[4..]);
    let (shape, ranges) = array(&place, &format!("{OUT}/training/normalization_features.npy"));
    assert_eq!(shape, [2, 3]);
    let original = columns(&place, "workspaces/W/data/P_data.npz");
    for (c, (_, values)) in original.iter().enumerate() {
        let low = values.iter().copied().fold(f64::MAX, f64::min);
        let high = values.iter().copied().fold(f64::MIN, f64::max);
        assert_eq!((ranges[c], ranges[3 + c]), (low, high - low));
    }
    let (shape, activations) = array(&place, &format!("{OUT}/training/activations.npy"));
    assert_eq!(shape, [6, 200], "layers of 200, 100, 50, 50, 100, 200 nodes");
    assert_eq!(activations.iter().filter(|x| x.is_nan()).count(), 2 * (100 + 150));

    assert!(mode(&place, "compress").contains("bound none"));
    assert!(mode(&place, "compare").contains("autoencoder alone"));
    let said = mode(&place, "diagnose");
    assert!(said.contains("en1") && said.contains("de3"), "{said}");

    fs::rename(place.path("workspaces/W/data/P_data.npz"), place.path("kept.npz")).unwrap();
    fs::remove_file(place.path(&format!("{OUT}/compressed_output/model.safetensors"))).unwrap();
    let ran = place.run("--project W P --mode decompress");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("2 types for 3 columns"), "{}", ran.err);
    let back = columns(&place, &format!("{OUT}/decompressed_output/decompressed.npz"));
    assert_eq!(back.iter().map(|c| c.0.as_str()).collect::<Vec<_>>(), ["pt", "energy", "eta"]);
    assert!(back[1].1.iter().all(|x| x.fract() == 0.0) && back[0].1.iter().any(|x| x.fract() != 0.0));
    for mode in ["train", "plot", "info", "compare"] {
        place.fails(&format!("--project W P --mode {mode}"), 3, &["P_data.npz"]);
    }
    fs::rename(place.path("kept.npz"), place.path("workspaces/W/data/P_data.npz")).unwrap();
    mode(&place, "plot");
    assert!(place.bytes(&format!("{OUT}/plotting/comparison.pdf")).starts_with(b"%PDF"));
    let said = mode(&place, "info");
    for part in [
        "% the size of the original",
        "Compression ratio: ",
        "Combined, the actual compression ratio is: ",
        "Everything counted",
        "without the model",
    ] {
        assert!(said.contains(part), "'{part}' is not in\n{said}");
    }
}

#[test]
fn frames_in_blocks_come_back_as_frames() {
    let settings = "data_dimension = 2\nmodel_name = 'CFD_dense_AE'\nepochs = 3\nbatch_size = 8\ncompression_ratio = 6\n\
                    apply_normalization = False\ncustom_norm = True\nconvert_to_blocks = [1, 4, 6]\nextra_compression = True";
    let place = project(settings, field(&[10, 8, 12]));
    assert!(mode(&place, "train").contains("CFD_dense_AE 24 to 4"));
    assert!(!place.path(&format!("{OUT}/training/normalization_features.npy")).exists());
    mode(&place, "compress");
    fs::remove_file(place.path("workspaces/W/data/P_data.npz")).unwrap();
    mode(&place, "decompress");
    let (shape, values) = array(&place, &format!("{OUT}/decompressed_output/decompressed.npz"));
    assert_eq!(shape, [10, 8, 12]);
    let Variable::Field(original) = field(&[10, 8, 12]) else { unreachable!() };
    assert!(apart(&values, &original.values.to_f64().unwrap()) < 6.0, "in the order of the original");
    let deflated = place.bytes(&format!("{OUT}/decompressed_output/decompressed.npz"));
    assert!(deflated.len() < 10 * 8 * 12 * 4);
    place.save_all("workspaces/W/data/P_data.npz", &[("data", field(&[10, 8, 12]))]);
    mode(&place, "plot");
    assert_eq!(files_in(&place.path(&format!("{OUT}/plotting"))).len(), 10 + 1, "and the loss");
}

#[test]
fn bounds_of_a_project_hold() {
    let table = || number_table(300);
    for (settings, bound) in [
        ("bound = 'rel:1e-3'\nepochs = 1", "rel:1e-3"),
        ("save_error_bounded_deltas = True\nerror_bounded_requirement = 10\nepochs = 1", "pwrel:0.1"),
    ] {
        let place = project(settings, table());
        mode(&place, "train");
        assert!(mode(&place, "compress").contains(bound), "{bound}");
        mode(&place, "decompress");
        let before = columns(&place, "workspaces/W/data/P_data.npz");
        for ((_, a), (_, b)) in
            before.iter().zip(columns(&place, &format!("{OUT}/decompressed_output/decompressed.npz")))
        {
            let range = a.iter().fold(f64::MIN, |m, &x| m.max(x)) - a.iter().fold(f64::MAX, |m, &x| m.min(x));
            for (a, b) in a.iter().zip(&b) {
                let allowed = if bound == "rel:1e-3" { 1e-3 * range } else { 0.1 * a.abs() };
                assert!((a - b).abs() <= allowed * (1.0 + 1e-12), "{a} {b}");
            }
        }
    }
}

#[test]
fn every_loss_trains_and_a_checkpoint_is_gone_on_with() {
    for loss in ["mse_avg = True", "emd = True", "custom_loss_function = 'loss_function_swae'"] {
        let place = project(&format!("{loss}\nepochs = 2\nbatch_size = 64"), number_table(200));
        assert!(mode(&place, "train").contains("2 epochs"), "{loss}");
    }
    let settings = |epochs: usize| {
        format!(
            "epochs = {epochs}\nbatch_size = 64\nintermittent_model_saving = True\nintermittent_saving_patience = 2"
        )
    };
    let place = project(&settings(6), number_table(200));
    let config = place.path("workspaces/W/P/config/P_config.py");
    let model = format!("{OUT}/compressed_output/model.safetensors");
    mode(&place, "train");
    let whole = place.bytes(&model);
    let checkpoint = format!("{OUT}/training/checkpoint.safetensors");
    assert!(!place.path(&checkpoint).exists(), "gone when the training is done");
    // A training that ends for want of time, when its checkpoint of epoch 4 has been written.
    let mut command = place.command("--project W P --mode train --verbose");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("epochs = 6", "epochs = 1000000")).unwrap();
    let mut running = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    for _ in 0..600 {
        if place.path(&checkpoint).exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    running.kill().unwrap();
    running.wait().unwrap();
    let kept = place.bytes(&checkpoint);
    let said = {
        fs::write(&config, text.replace("epochs = 6", "epochs = 1000000").replace("64", "32")).unwrap();
        let ran = place.run("--project W P --mode train");
        assert_eq!(ran.code, 2);
        ran.err
    };
    assert!(said.contains("another batch size"), "{said}");
    place.put(&checkpoint, &kept);
    let done = baler::train::Checkpoint::from_bytes(&kept).unwrap().epochs();
    fs::write(&config, text.replace("epochs = 6", &format!("epochs = {}", done + 1))).unwrap();
    assert!(mode(&place, "train").contains(&format!("goes on after {done} epochs")));
    assert_eq!(array(&place, &format!("{OUT}/training/loss_data.npy")).0, [2, done + 1]);
    assert!(!place.path(&checkpoint).exists() && place.bytes(&model) != whole);
}

#[test]
fn integers_and_rows_without_names_are_data_too() {
    let values = (0..600).map(|i| (i * i) % 97).collect();
    let place =
        project("epochs = 2", Variable::Field(Array::new(vec![200, 3], Values::I32(values)).unwrap()));
    for m in ["train", "compress", "decompress", "plot", "info"] {
        mode(&place, m);
    }
    assert_eq!(array(&place, &format!("{OUT}/decompressed_output/decompressed.npz")).0, [200, 3]);
}

#[test]
fn what_is_missing_or_makes_no_sense_is_told() {
    let place = project("epochs = 2", number_table(50));
    let fails = |mode: &str, code: i32, parts: &[&str]| {
        place.fails(&format!("--project W P --mode {mode}"), code, parts)
    };
    fails("compress", 3, &["model.safetensors", "--mode train"]);
    fails("decompress", 3, &["compressed.blr", "--mode compress"]);
    fails("plot", 3, &["decompressed.npz", "--mode decompress"]);
    fails("info", 3, &["compressed.blr", "--mode compress"]);
    fails("diagnose", 3, &["activations.npy", "activation_extraction"]);
    fails("convert_with_hls4ml", 3, &["hls4ml", "model.safetensors", "safetensors"]);
    place.fails("--project W none --mode train", 3, &["none_config.toml", "baler new W none"]);
    place.fails("--project W P", 2, &["--mode"]);
    place.fails("--mode train", 2, &["--project"]);
    place.fails("--project W P --mode fly", 2, &["newProject", "convert_with_hls4ml"]);
    for (settings, code, parts) in [
        ("custom_loss_function = 'mine'", 2, &["custom_loss_function", "'mine'"][..]),
        ("normalization = 'most'", 2, &["normalization", "'most'"]),
        ("model_name = 'AEE'", 2, &["model_name", "'AEE'"]),
        ("data_dimension = 2", 2, &["data_dimension = 2", "frames x height x width"]),
        ("data_dimension = 4", 2, &["data_dimension = 4"]),
        ("number_of_columns = 24", 2, &["number_of_columns = 24", "3 columns"]),
        ("convert_to_blocks = [1, 2, 2]", 2, &["convert_to_blocks"]),
        ("lr = 'fast'", 2, &["P_config.py:3: lr", "want a number"]),
        ("lr = 0.1 * 2", 2, &["P_config.py:3:16:", "'*'"]),
        ("input_path = 'elsewhere.npz'", 3, &["elsewhere.npz"]),
    ] {
        let place = project(settings, number_table(50));
        place.fails("--project W P --mode train", code, parts);
        assert!(!place.path(&format!("{OUT}/compressed_output/model.safetensors")).exists());
    }
}

#[test]
fn ways_are_compared_side_by_side() {
    let place = Place::new();
    place.save("u.npy", field(&[12, 16, 20]));
    let report = place.json("compare u.npy --rel 1e-2");
    let names: Vec<&str> =
        report["ways"].as_array().unwrap().iter().map(|w| w["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["plain codecs, fast", "plain codecs", "plain codecs, max", "lossless"]);
    assert_eq!(report["holds"], true);
    place.ok("train u.npy -o m.safetensors --model CFD_dense_AE --epochs 1 --quiet");
    assert!(place.ok("compare u.npy --rel 1e-2 --model m.safetensors").contains("autoencoder alone"));
    place.fails("compare u.npy", 2, &["--rel 1e-3"]);
    place.fails("compare u.npy --bound-none", 2, &["--bound-none"]);
    assert_eq!(place.files(), ["m.safetensors", "u.npy"]);
}

/// Projects that the prototype has left: its model and its latents are enough, and become ours.
#[test]
fn the_prototypes_own_projects_go_on() {
    let (Some(made), Some(data)) = (prototype("pfcands"), real_data("cms_pfcands.npz")) else { return };
    let place = project("compression_ratio = 1.6\nmodel_name = 'AE'", number_table(5));
    let put = |from: &str, to: &str| fs::copy(made.join(from), place.path(&format!("{OUT}/{to}"))).unwrap();
    put("model.pt", "compressed_output/model.pt");
    put("compressed.npz", "compressed_output/compressed.npz");
    put("normalization_features.npy", "training/normalization_features.npy");
    fs::remove_file(place.path("workspaces/W/data/P_data.npz")).unwrap();
    assert!(mode(&place, "decompress").contains("in float"));
    let ours = columns(&place, &format!("{OUT}/decompressed_output/decompressed.npz"));
    fs::copy(made.join("decompressed.npz"), place.path("theirs.npz")).unwrap();
    for ((name, a), (_, b)) in ours.iter().zip(columns(&place, "theirs.npz")) {
        let range = b.iter().fold(f64::MIN, |m, &x| m.max(x)) - b.iter().fold(f64::MAX, |m, &x| m.min(x));
        assert!(apart(a, &b) <= 1e-6 * range, "{name}");
    }
    fs::copy(data, place.path("workspaces/W/data/P_data.npz")).unwrap();
    assert!(mode(&place, "info").contains("without which nothing decodes"));
    assert!(mode(&place, "compress").contains("imported from"));
    mode(&place, "decompress");
    assert!(mode(&place, "info").contains("is all that decoding takes"));
}
