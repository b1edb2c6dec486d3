//! One file a command. Each resolves its flags, does its work through the library, and says what came of it; `false`
//! means that a check failed.

pub mod architecture;
mod checkpoints;
pub mod compare;
pub mod compress;
pub mod decompress;
pub mod decompress_latents;
pub mod demo;
pub mod diagnose;
pub mod export;
pub mod import;
pub mod import_config;
pub mod info;
mod info_columns;
pub mod new;
mod picture;
pub mod plot;
pub mod project;
pub mod salvage;
pub mod synth;
pub mod train;
pub mod train_field;
pub mod train_table;
pub mod trial;
pub mod verify;

use crate::args::{Coding, Reading};
use crate::formats::{self, Format, InputVariable, ReadOptions};
use crate::import::pt;
use crate::output::is_standard;
use baler::archive::{Archive, Input};
use baler::error::{Error, ErrorKind, Result};
use baler::model::any::AnyModel;
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The threads asked for, or all there are.
pub fn threads(asked: Option<usize>) -> Result<usize> {
    match asked {
        Some(0) => Err(Error::invalid("--threads 0 would do nothing; leave it out for all")),
        Some(n) => Ok(n.min(1024)),
        None => Ok(std::thread::available_parallelism().map_or(1, |n| n.get())),
    }
}

/// A model file, whole and valid.
pub fn load_model(path: &Path) -> Result<AnyModel> {
    let place = |e: Error| e.at(path.display());
    let file = open_plain(path)?;
    if formats::is_archive(path) {
        return Err(place(Error::invalid("is an archive, not a model; `baler train` makes models")));
    }
    if pt::is_one(path) {
        return Err(place(Error::invalid(
            "is PyTorch's; `baler import` makes a model file of Baler's dense ones",
        )));
    }
    if !is_model(path) {
        return Err(place(Error::corrupt(
            "is no model file, or its start is damaged; `baler train` makes one",
        )));
    }
    let mut bytes = vec![];
    BufReader::new(file).read_to_end(&mut bytes).map_err(|e| place(e.into()))?;
    AnyModel::from_bytes(&bytes).map_err(place)
}

/// Opens a plain file that holds something. Errors name it.
pub fn open_plain(path: &Path) -> Result<File> {
    let place = |e: Error| e.at(path.display());
    let meta = std::fs::metadata(path).map_err(|e| place(e.into()))?;
    if meta.is_dir() {
        return Err(place(Error::invalid("is a folder, not a file")));
    }
    if !meta.is_file() {
        return Err(place(Error::invalid("is a device or a pipe; input is read from plain files")));
    }
    if meta.len() == 0 {
        return Err(place(Error::new(ErrorKind::Truncated, "is empty")));
    }
    File::open(path).map_err(|e| place(e.into()))
}

/// Standard input as a file without a name, which can be read at any place.
fn standard_input() -> Result<File> {
    let mut file = tempfile::tempfile()?;
    if std::io::copy(&mut std::io::stdin().lock(), &mut file)? == 0 {
        return Err(Error::new(ErrorKind::Truncated, "standard input is empty"));
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// Refuses an output that would replace what it is made from.
pub fn check_output(output: &Path, inputs: &[&Path]) -> Result<()> {
    let Ok(real) = std::fs::canonicalize(output) else { return Ok(()) };
    match inputs.iter().find(|i| std::fs::canonicalize(i).is_ok_and(|i| i == real)) {
        Some(_) => Err(Error::invalid(format!(
            "{} is input and output; name another file to write",
            output.display()
        ))),
        None => Ok(()),
    }
}

/// The model of the flags, where there is one.
pub fn model_of(coding: &Coding) -> Result<Option<AnyModel>> {
    coding.model.as_deref().map(load_model).transpose()
}

/// An error: only an autoencoder serves.
pub fn not_autoencoder(path: &Path) -> Error {
    Error::invalid(format!("{}: is a model of tables or of fields, not an autoencoder", path.display()))
}

/// The variables of all of `paths`, names made unique by their file's where they clash.
pub fn open_inputs(paths: &[PathBuf], reading: &Reading) -> Result<Vec<Input<'static>>> {
    let options = ReadOptions {
        shape: reading.shape.clone(),
        header: reading.no_header.then_some(false),
        ..ReadOptions::default()
    };
    let mut taken = HashSet::new();
    let mut inputs = vec![];
    for path in paths {
        if is_standard(path) {
            return Err(Error::invalid("-: data are read from files, whose names tell their formats"));
        }
        for variable in formats::open(path, &options)?.variables {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let mut name = variable.name().to_string();
            if !taken.insert(name.clone()) {
                name = format!("{stem}.{name}");
                if !taken.insert(name.clone()) {
                    return Err(Error::invalid(format!("{}: a second variable '{name}'", path.display())));
                }
            }
            inputs.push(match variable {
                InputVariable::Field { source, .. } => Input::Field(name, source),
                InputVariable::Table { source, .. } => Input::Table(name, source),
            });
        }
    }
    Ok(inputs)
}

/// An archive on disk.
pub type FileArchive = Archive<BufReader<File>>;

/// Opens an archive, with the model of the flags if it refers to one.
///
/// Errors where it is none, saying what it seems to be, and where the model is not the one that it refers to.
pub fn open_archive(path: &Path, model: Option<&AnyModel>) -> Result<FileArchive> {
    let place = |e: Error| e.at(path.display());
    let piped = is_standard(path);
    let file = if piped { standard_input()? } else { open_plain(path)? };
    if !piped && !formats::is_archive(path) {
        if is_model(path) {
            return Err(place(Error::corrupt("is a model, not an archive; `baler info` tells of it")));
        }
        if Format::of(path).is_ok() {
            return Err(place(Error::corrupt("is no Baler archive; `baler compress` makes one from data")));
        }
    }
    let decoders: Vec<_> = model.iter().map(|m| m.decoder()).collect();
    let archive = Archive::open(BufReader::with_capacity(1 << 16, file), &decoders).map_err(place)?;
    let external: Vec<_> = archive.header().models.iter().filter(|m| !m.embedded).collect();
    if let (Some(given), Some(wanted)) = (decoders.first(), external.first()) {
        let hash = given.hash();
        if external.iter().all(|m| m.hash != hash) {
            return Err(place(Error::new(
                ErrorKind::MissingModel,
                format!(
                    "was made with the model {}, and the one given is {}; give the other with --model",
                    wanted.hash, hash
                ),
            )));
        }
    }
    Ok(archive)
}

/// An error of an archive's data, named by its file, and with the way to what is still whole.
pub fn of_data(e: Error, path: &Path) -> Error {
    match e.kind() {
        ErrorKind::Corrupt | ErrorKind::Truncated => {
            let hint = "`baler salvage` recovers what is whole";
            Error::new(e.kind(), format!("{}: {e}; {hint}", path.display()))
        }
        _ => e.at(path.display()),
    }
}

/// An error of another file while an archive is decoded: it ends the decoding, and is told as it is.
#[derive(Default)]
pub struct Elsewhere(Option<Error>);

impl Elsewhere {
    /// Keeps the error, and gives one that ends the decoding.
    pub fn keep(&mut self, e: Error) -> Error {
        self.0 = Some(e);
        Error::invalid("ended by another file's error")
    }

    /// The error that was kept, or what `place` makes of the decoding's.
    pub fn or(self, place: impl FnOnce(Error) -> Error) -> impl FnOnce(Error) -> Error {
        |e| self.0.unwrap_or_else(|| place(e))
    }
}

/// Whether a file starts as safetensors do: the length of their JSON, and then a brace.
pub fn is_model(path: &Path) -> bool {
    let mut start = [0; 9];
    File::open(path).and_then(|mut f| f.read_exact(&mut start)).is_ok() && start[8] == b'{'
}

/// The number of the variable named, or of all.
pub fn variables(archive: &FileArchive, name: Option<&str>) -> Result<Vec<usize>> {
    match name {
        None => Ok((0..archive.header().variables.len()).collect()),
        Some(name) => Ok(vec![archive.find(name)?]),
    }
}
