//! `--mode decompress`: the archive alone is enough; of the prototype's, its `compressed.npz` and `model.pt`.

use super::Session;
use super::compress::SHAPE;
use crate::commands::decompress_latents::{frozen_difference, network};
use crate::commands::import::told;
use crate::commands::{open_archive, threads};
use crate::import::latents;
use crate::project::{Output, cast, data};
use crate::saying::{bytes, print};
use baler::data::Variable;
use baler::error::{Error, Result};

/// Runs it.
pub fn run(session: &Session) -> Result<()> {
    let archive = session.project.path(Output::Archive);
    let prototype = session.project.path(Output::PrototypeArchive);
    let decoded = match archive.exists() || !prototype.exists() {
        true => own(session)?,
        false => prototypes(session)?,
    };
    let (decoded, note) = cast::cast(decoded, &session.config.type_list)?;
    if let Some(note) = note {
        eprintln!("note: {note}");
    }
    let size = decoded.byte_len() as u64;
    session.write(Output::Decompressed, decoded)?;
    print(format!("{}: {}", session.project.path(Output::Decompressed).display(), bytes(size)))
}

/// The data of `compressed.blr`.
fn own(session: &Session) -> Result<Variable> {
    let path = session.project.existing(Output::Archive, "compress")?;
    let mut archive = open_archive(&path, None)?;
    let decoded = archive.read(0, None, threads(None)?).map_err(|e| e.at(path.display()))?;
    let shape = archive.description().and_then(|d| d.get(SHAPE)).and_then(|s| s.as_array());
    let shape =
        shape.map(|s| s.iter().filter_map(|n| n.as_u64().map(|n| n as usize)).collect::<Vec<usize>>());
    data::unblocked(decoded, shape).map_err(|e| e.at(path.display()))
}

/// The data of the prototype's `compressed.npz`, as it would decode them. It does not tell the shape of frames;
/// where the original is at hand that does, and else rows stay rows.
fn prototypes(session: &Session) -> Result<Variable> {
    let path = session.project.path(Output::PrototypeArchive);
    let deltas = path.with_file_name("compressed_deltas.npz.gz");
    if deltas.exists() {
        eprintln!("note: {} holds pickled corrections, which are not read", deltas.display());
    }
    let ours = session.project.path(Output::Model);
    let model = if ours.exists() { ours } else { session.project.path(Output::PrototypeModel) };
    let (network, model) = network(&model)?;
    let compressed = latents::open(&path)?;
    let decoded = compressed.decode(&network, &[]).map_err(|e| e.at(path.display()))?;
    let difference = frozen_difference(&compressed, &network, model.as_deref(), &decoded)?;
    print(format!(
        "{}: decoded in float, as Baler's Python prototype would; {}",
        path.display(),
        told(difference)
    ))?;
    let shape = match data::load(session.config) {
        Ok(Variable::Field(a)) if session.config.data_dimension == 2 => Some(a.shape),
        Ok(_) => None,
        Err(e) => {
            session.tell(format!("the shape of the original is not known: {e}"))?;
            None
        }
    };
    match data::unblocked(decoded, shape) {
        Ok(variable) => Ok(variable),
        Err(e) => Err(Error::at(e, path.display())),
    }
}
