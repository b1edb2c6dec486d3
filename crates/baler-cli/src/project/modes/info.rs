//! `--mode info`: the prototype's lines, and then what is true.

use std::path::{Path, PathBuf};

use super::Session;
use crate::commands::{info, open_archive};
use crate::project::Output;
use crate::saying::{bytes, number, print, ratio};
use baler::error::{Error, Result};

/// What the prototype calls MB.
const MEBI: f64 = (1 << 20) as f64;

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |meta| meta.len())
}

/// A number rounded as Python's `round(x, 4)` shows it: no zeros at the end but one.
fn rounded(x: f64) -> String {
    format!("{:?}", (x * 1e4).round() / 1e4)
}

/// Runs it.
pub fn run(session: &Session) -> Result<()> {
    let project = session.project;
    let input = PathBuf::from(&session.config.input_path);
    let original = size(&input);
    if original == 0 {
        return Err(Error::from(std::io::Error::from(std::io::ErrorKind::NotFound)).at(input.display()));
    }
    let (ours, theirs) = (project.path(Output::Archive), project.path(Output::PrototypeArchive));
    let own = ours.exists() || !theirs.exists();
    let archive = if own { project.existing(Output::Archive, "compress")? } else { theirs };
    let model = project.path(if own { Output::Model } else { Output::PrototypeModel });
    let beside = [model, project.path(Output::Losses), project.path(Output::Ranges)];
    let (compressed, beside): (u64, u64) = (size(&archive), beside.iter().map(|p| size(p)).sum());

    print(
        "================================== \n Information about your compression \n================================== ",
    )?;
    let share = (compressed as f64 / original as f64 * 1e4).round() / 1e2;
    print(format!("\nCompressed file is {share:?}% the size of the original\n"))?;
    print(format!("File size before compression: {} MB\n", rounded(original as f64 / MEBI)))?;
    print(format!("Compressed file size: {} MB\n", rounded(compressed as f64 / MEBI)))?;
    let decompressed = project.path(Output::Decompressed);
    if decompressed.exists() {
        print(format!("De-compressed file size: {} MB\n", rounded(size(&decompressed) as f64 / MEBI)))?;
    }
    print(format!("Compression ratio: {}\n", rounded(ratio(original, compressed))))?;
    print(format!("The meta-data saved has a total size of: {} MB\n", rounded(beside as f64 / MEBI)))?;
    print(format!(
        "Combined, the actual compression ratio is: {}",
        rounded(ratio(original, compressed + beside))
    ))?;
    print("\n ==================================\n")?;

    if !own {
        return print(format!(
            "Everything counted, {} makes of {} the {} without which nothing decodes: {} times smaller.",
            archive.display(),
            bytes(original),
            bytes(compressed + beside),
            number(ratio(original, compressed + beside))
        ));
    }
    print(format!("Everything counted, {} is all that decoding takes:", archive.display()))?;
    info::show(&info::report(&mut open_archive(&archive, None)?)?)
}
