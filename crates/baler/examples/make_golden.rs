//! Writes the golden files of `tests/golden.rs` that are not there yet, and adds them to the list. Files that are
//! there stay as they are: that old files still decode is what they are for.

#[path = "../tests/common/mod.rs"]
mod common;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    std::fs::create_dir_all(&folder)?;
    let mut list = OpenOptions::new().create(true).append(true).open(folder.join("decoded.sha256"))?;
    let more =
        common::based().into_iter().chain(common::networked()).chain([common::foreseen(), common::listed()]);
    for seed in common::seeds().into_iter().chain(more) {
        let stem = format!("v{}-{}", baler::archive::record::VERSION, seed.name.replace(' ', "-"));
        let path = folder.join(&stem).with_extension("blr");
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let mut file = match file {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                println!("{stem}: is there, stays");
                continue;
            }
            file => file?,
        };
        assert!(seed.bytes.len() < 4096, "{stem} has {} bytes", seed.bytes.len());
        file.write_all(&seed.bytes)?;
        if let Some(decoder) = seed.models.first() {
            std::fs::write(path.with_extension("decoder"), decoder.to_bytes())?;
        }
        let values = common::decode_all(&seed.bytes, &seed.models).expect("just written");
        let hash = common::hex(&common::values_hash(&values));
        writeln!(list, "{hash}  {stem}.blr")?;
        println!("{stem}: {} bytes", seed.bytes.len());
    }
    Ok(())
}
