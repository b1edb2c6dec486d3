//! Files of others' formats (ROOT, HDF5, netCDF, Zarr, FITS, Parquet), which the Python package reads for the command:
//! its libraries turn each into an `.npz`, which is read instead and then removed.

use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use baler::error::{Error, Result};
use tempfile::TempPath;

use crate::interrupt::Watched;

/// Extensions of theirs, and the extra of the Python package that reads each.
const EXTRAS: [(&str, &str); 9] = [
    ("root", "root"),
    ("h5", "hdf5"),
    ("hdf5", "hdf5"),
    ("nc", "hdf5"),
    ("zarr", "zarr"),
    ("fits", "fits"),
    ("fit", "fits"),
    ("fts", "fits"),
    ("parquet", "parquet"),
];

/// Writes what the first path names into the second, an `.npz`.
pub type Reader = Box<dyn Fn(&Path, &Path) -> Result<()> + Send + Sync>;

static READER: OnceLock<Reader> = OnceLock::new();

/// Files made in place of others, until the command ends.
static MADE: Mutex<Vec<(TempPath, Watched)>> = Mutex::new(vec![]);

/// Hands over what reads foreign files; the first one counts.
pub fn set_reader(reader: Reader) {
    let _ = READER.set(reader);
}

/// Removes all files made.
pub fn forget() {
    MADE.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// The extra that reads `path`, where it is a foreign file, or `FILE:PART` of one.
pub fn extra_of(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let ends = |name: &str, extension: &str| name.strip_suffix(extension).is_some_and(|n| n.ends_with('.'));
    let whole = path.to_string_lossy().to_lowercase();
    let holds = |extension: &str| whole.contains(&format!(".{extension}:"));
    EXTRAS.iter().find(|(e, _)| ends(&name, e) || holds(e)).map(|(_, extra)| *extra)
}

/// Makes an `.npz` of the foreign file `path`, and tells its path to `read` of it.
///
/// Errors where nothing here reads such files, saying what would.
pub fn with_plain<T>(path: &Path, extra: &str, read: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let reader = READER.get().ok_or_else(|| {
        Error::unsupported(format!(
            "such files are read by the Python package's `baler`: pip install 'baler[{extra}]'"
        ))
    })?;
    let temporary = || tempfile::Builder::new().prefix("baler-").suffix(".npz").tempfile();
    let (file, watched) = Watched::create(temporary).map_err(Error::from)?;
    let made = file.into_temp_path();
    reader(path, &made)?;
    let result = read(&made);
    MADE.lock().unwrap_or_else(PoisonError::into_inner).push((made, watched));
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use baler::error::ErrorKind;

    #[test]
    fn foreign_files_are_told_by_their_names() {
        for (name, extra) in [
            ("a/b.root:Events", Some("root")),
            ("a/b.root:folder/Events", Some("root")),
            ("b.H5", Some("hdf5")),
            ("b.h5:group/u", Some("hdf5")),
            ("b.zarr/", Some("zarr")),
            ("b.nc", Some("hdf5")),
            ("b.npz", None),
            ("root", None),
            ("a.root/b.npy", None),
            ("broot", None),
        ] {
            assert_eq!(extra_of(Path::new(name)), extra, "{name}");
        }
    }

    #[test]
    fn without_a_reader_the_extra_is_named() {
        let e = with_plain(Path::new("b.h5"), "hdf5", |_| Ok(())).unwrap_err();
        assert!(e.kind() == ErrorKind::Unsupported && e.to_string().contains("pip install 'baler[hdf5]'"));
    }
}
