//! Golden files: what a released version wrote decodes to the same bytes forever. `golden/decoded.sha256` lists each
//! file's SHA-256 of all its decoded values, little-endian, chunk after chunk in the order of the file.
//!
//! `cargo run --example make_golden` adds files, one for each feature of the format; it never makes one anew.

mod common;

use baler::model::any::AnyDecoder;
use common::{decode_all, hex, values_hash};
use std::path::Path;

#[test]
fn golden_files_decode_to_what_they_always_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let Ok(list) = std::fs::read_to_string(folder.join("decoded.sha256")) else {
        eprintln!("no golden files yet: the format is not settled");
        return;
    };
    let mut listed = vec![];
    for line in list.lines() {
        let (hash, name) = line.split_once("  ").unwrap();
        let bytes = std::fs::read(folder.join(name)).unwrap();
        assert!(bytes.len() < 4096, "{name} is no small file");
        // A model that the archive only names lies beside it.
        let model = std::fs::read(folder.join(name).with_extension("decoder")).ok();
        let models: Vec<AnyDecoder> = model.iter().map(|m| AnyDecoder::from_bytes(m).unwrap()).collect();
        let values = decode_all(&bytes, &models).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(hex(&values_hash(&values)), hash, "{name} decodes to other values");
        listed.push(name.to_string());
    }
    for entry in std::fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.ends_with(".blr") || listed.contains(&name), "{name} is not listed");
    }
}
