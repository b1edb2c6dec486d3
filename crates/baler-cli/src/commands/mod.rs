//! One file a command. Each resolves its flags, does its work through the library, and says what came of it; `false`
//! means that a check failed.

pub mod compress;
pub mod decompress;
pub mod demo;
pub mod info;
pub mod salvage;
pub mod synth;
pub mod train;
pub mod verify;

use crate::args::{Coding, Reading};
use crate::formats::{self, InputVariable, ReadOptions};
use baler::archive::{Archive, Input};
use baler::error::{Error, ErrorKind, Result};
use baler::model::Model;
use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
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
pub fn load_model(path: &Path) -> Result<Model> {
    let place = |e: Error| e.at(path.display());
    let bytes = std::fs::read(path).map_err(|e| place(e.into()))?;
    Model::from_bytes(&bytes).map_err(place)
}

/// The model of the flags, where there is one.
pub fn model_of(coding: &Coding) -> Result<Option<Model>> {
    coding.model.as_deref().map(load_model).transpose()
}

/// The variables of all of `paths`, names made unique by their file's where they clash.
pub fn open_inputs(paths: &[PathBuf], reading: &Reading) -> Result<Vec<Input>> {
    let options = ReadOptions {
        shape: reading.shape.clone(),
        header: reading.no_header.then_some(false),
        ..ReadOptions::default()
    };
    let mut taken = HashSet::new();
    let mut inputs = vec![];
    for path in paths {
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
                InputVariable::Table { table, .. } => Input::Table(name, table),
            });
        }
    }
    Ok(inputs)
}

/// An archive on disk.
pub type FileArchive = Archive<BufReader<File>>;

/// Opens an archive, with the model of the flags if it refers to one.
pub fn open_archive(path: &Path, model: Option<&Model>) -> Result<FileArchive> {
    let place = |e: Error| e.at(path.display());
    let file = File::open(path).map_err(|e| place(e.into()))?;
    let decoders: Vec<_> = model.iter().map(|m| m.frozen.decoder.clone()).collect();
    Archive::open(BufReader::with_capacity(1 << 16, file), &decoders).map_err(place)
}

/// The number of the variable named, or of all.
pub fn variables(archive: &FileArchive, name: Option<&str>) -> Result<Vec<usize>> {
    let all = &archive.header().variables;
    match name {
        None => Ok((0..all.len()).collect()),
        Some(name) => match all.iter().position(|v| v.name == name) {
            Some(i) => Ok(vec![i]),
            None => {
                let names: Vec<_> = all.iter().map(|v| v.name.as_str()).collect();
                Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!("there is no variable '{name}'; there are {}", names.join(", ")),
                ))
            }
        },
    }
}
