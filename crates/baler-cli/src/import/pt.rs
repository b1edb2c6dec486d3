//! PyTorch's model files (`.pt`, since its version 1.6): a zip of a pickle, which says what tensors there are, and of
//! their values, a member a storage.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use baler::data::{Array, Values};
use baler::error::{Error, Result};
use zip::{CompressionMethod, ZipArchive};

use super::pickle::{self, View};

/// The tensors of a state dict, by name, in the file's order.
///
/// Errors where the file is no such zip, where its pickle asks for more than tensors (see [`pickle`]), and where a
/// tensor is not within its storage. Takes memory of a few times the file.
pub fn open(path: &Path) -> Result<Vec<(String, Array)>> {
    let open = || -> Result<_> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        read(file, length)
    };
    open().map_err(|e| e.at(path.display()))
}

/// Whether a file is a zip that holds a pickle of PyTorch's.
pub fn is_one(path: &Path) -> bool {
    let archive = File::open(path).ok().and_then(|file| ZipArchive::new(file).ok());
    archive.is_some_and(|archive| folder(&archive).is_some())
}

/// As [`open`], of a file of `length` bytes.
pub fn read(input: impl Read + Seek, length: u64) -> Result<Vec<(String, Array)>> {
    let old = "; files of PyTorch before 1.6, and others than of torch.save, are not read";
    let mut archive = ZipArchive::new(input)
        .map_err(|e| Error::corrupt(format!("is no zip, as torch.save writes it ({e}){old}")))?;
    let folder = folder(&archive)
        .ok_or_else(|| Error::unsupported(format!("is a zip without PyTorch's data.pkl{old}")))?;
    if member(&mut archive, &format!("{folder}byteorder"), 16).is_ok_and(|order| order != b"little") {
        return Err(Error::unsupported("was saved on a big-endian machine"));
    }
    let views = pickle::state_dict(&member(&mut archive, &format!("{folder}data.pkl"), pickle::LIMIT)?)?;
    // Tensors may share a storage; no more is made of a file than some times what is in it.
    let mut room = length.saturating_mul(4);
    let mut storages: HashMap<&str, Vec<u8>> = HashMap::new();
    let mut tensors = vec![];
    for (name, view) in &views {
        let place = |e: Error| e.at(format!("tensor '{}'", name.escape_debug()));
        let bytes = match storages.remove(view.key.as_str()) {
            Some(bytes) => bytes,
            None => member(&mut archive, &format!("{folder}data/{}", view.key), length).map_err(place)?,
        };
        let array = gather(view, &bytes).map_err(place)?;
        room = room.checked_sub(array.values.byte_len() as u64).ok_or_else(|| {
            place(Error::corrupt("the tensors are many times larger than the file that holds them"))
        })?;
        storages.insert(&view.key, bytes);
        tensors.push((name.clone(), array));
    }
    Ok(tensors)
}

/// What the names of all members begin with: whatever stands before the first `data.pkl`.
fn folder(archive: &ZipArchive<impl Read + Seek>) -> Option<String> {
    let names = archive.file_names().filter_map(|name| name.ok());
    names
        .filter_map(|n| n.strip_suffix("data.pkl").map(String::from))
        .find(|f| f.is_empty() || f.ends_with('/'))
}

/// A member, whole. PyTorch stores without compressing: what is compressed is none of its own, and might be a bomb.
fn member(archive: &mut ZipArchive<impl Read + Seek>, name: &str, limit: u64) -> Result<Vec<u8>> {
    let place = |e: Error| e.at(format!("'{}'", name.escape_debug()));
    let mut entry = archive.by_name(name).map_err(|e| place(Error::corrupt(e.to_string())))?;
    if entry.compression() != CompressionMethod::Stored {
        return Err(place(Error::unsupported("is compressed, as torch.save never does")));
    }
    if entry.size() > limit {
        return Err(place(Error::unsupported(format!("{} bytes are more than it may have", entry.size()))));
    }
    let (size, mut bytes) = (entry.size(), vec![]);
    (&mut entry).take(size + 1).read_to_end(&mut bytes).map_err(|e| place(Error::corrupt(e.to_string())))?;
    if bytes.len() as u64 != size {
        return Err(place(Error::truncated(format!("does not have the {size} bytes that it claims"))));
    }
    Ok(bytes)
}

/// The values of a view, in C order.
fn gather(view: &View, storage: &[u8]) -> Result<Array> {
    let size = view.dtype.size().expect("numbers") as u64;
    if view.stored.checked_mul(size) != Some(storage.len() as u64) {
        return Err(Error::corrupt(format!("{} bytes are no {} values", storage.len(), view.stored)));
    }
    let count = view.shape.iter().try_fold(1u64, |a, &b| a.checked_mul(b));
    let count = count.filter(|&n| n <= view.stored).ok_or_else(|| {
        Error::corrupt(format!("a shape of {:?} in a storage of {} values", view.shape, view.stored))
    })?;
    if count > 0 {
        let axes = view.shape.iter().zip(&view.stride);
        let last = axes
            .into_iter()
            .try_fold(view.offset, |at, (&n, &step)| at.checked_add((n - 1).checked_mul(step)?));
        if last.is_none_or(|last| last >= view.stored) {
            return Err(Error::corrupt("reaches beyond its storage"));
        }
    }
    let mut bytes = Vec::with_capacity((count * size) as usize);
    let mut index = vec![0; view.shape.len()];
    for _ in 0..count {
        let at = index.iter().zip(&view.stride).map(|(i, step)| i * step).sum::<u64>() + view.offset;
        bytes.extend_from_slice(&storage[(at * size) as usize..][..size as usize]);
        for (i, &n) in index.iter_mut().zip(&view.shape).rev() {
            *i += 1;
            if *i < n {
                break;
            }
            *i = 0;
        }
    }
    let shape = view.shape.iter().map(|&n| n as usize).collect();
    Array::new(shape, Values::from_le_bytes(view.dtype, &bytes)?)
}
