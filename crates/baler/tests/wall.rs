//! What decodes never depends on what trains, exports or reports.

use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the crate") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// What decoders are made of.
const DECODING: [&str; 3] = ["model", "codec", "front"];

#[test]
fn decoding_modules_use_no_others() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = vec![];
    DECODING.iter().for_each(|module| sources(&src.join(module), &mut found));
    assert!(!found.is_empty());
    // A unit test may train what it decodes with; it is no part of what decodes.
    for path in found.into_iter().filter(|p| p.file_name().is_none_or(|name| name != "tests.rs")) {
        let text = std::fs::read_to_string(&path).expect("readable");
        for forbidden in ["train", "export", "report", "synth"] {
            let used = ["crate::", "super::super::", "super::"]
                .iter()
                .any(|p| text.contains(&format!("{p}{forbidden}")));
            assert!(!used, "{} uses {forbidden}", path.display());
        }
    }
}

/// Where only an encoder, or training, computes.
const FUSED: [&str; 2] = ["model/kernel/fma.rs", "front/formula.rs"];

#[test]
fn decoding_arithmetic_is_never_fused() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = vec![];
    DECODING.iter().for_each(|module| sources(&src.join(module), &mut found));
    for path in found.into_iter().filter(|p| FUSED.iter().all(|f| *p != src.join(f))) {
        let text = std::fs::read_to_string(&path).expect("readable");
        assert!(!text.contains("mul_add") && !text.contains("fmadd"), "{}", path.display());
    }
}
