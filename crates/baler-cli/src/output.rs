//! Output that appears whole or not at all: a temporary file beside its target, synced, then renamed.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Seek, SeekFrom, Stdout, Write};
use std::path::{Path, PathBuf};

use baler::error::{Error, Result};
use tempfile::TempPath;

use crate::interrupt::Watched;

/// Bytes gathered before the operating system is asked to write them.
const BUFFER: usize = 1 << 18;

/// A file that appears under its name only once [`AtomicFile::commit`] has succeeded. Dropped before, it leaves
/// nothing behind. Buffered. Errors of `Write` and `Seek` name the file.
#[derive(Debug)]
pub struct AtomicFile {
    inner: BufWriter<File>,
    /// Where the bytes go until then; removed when dropped.
    temporary: TempPath,
    watched: Watched,
    path: PathBuf,
    force: bool,
    /// A write has failed. What follows is swallowed, since a writer's clean-up in `drop` can only fail again and
    /// has nobody to tell (zip's prints to standard error); `commit` then refuses.
    failed: bool,
    position: u64,
}

impl AtomicFile {
    /// Starts a file that is to appear at `path`; where that is a symbolic link, at the link's target.
    ///
    /// Errors where `path` exists and `force` is not set, or is not a plain file, and where its folder is missing
    /// or closed to us.
    pub fn create(path: &Path, force: bool) -> Result<AtomicFile> {
        let naming = |e: io::Error| Error::from(e).at(path.display());
        let existing = match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => {
                return Err(Error::invalid(format!("{} is a folder; name a file in it", path.display())));
            }
            Ok(meta) if !meta.is_file() => {
                return Err(Error::invalid(format!("{} is a device or a pipe, not a file", path.display())));
            }
            Ok(_) if !force => return Err(exists(path)),
            Ok(meta) => Some(meta.permissions()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(naming(e)),
        };
        let target =
            if existing.is_some() { fs::canonicalize(path).map_err(naming)? } else { path.to_owned() };
        let folder = folder_of(&target);
        let name =
            target.file_name().ok_or_else(|| Error::invalid(format!("{} names no file", path.display())))?;
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(name);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".part");
        if let Some(permissions) = existing.or_else(new_file_permissions) {
            builder.permissions(permissions);
        }
        let (file, watched) =
            Watched::create(|| builder.tempfile_in(folder)).map_err(|e| match e.kind() {
                io::ErrorKind::NotFound if !folder.is_dir() => {
                    Error::invalid(format!("{}: there is no folder {}", path.display(), folder.display()))
                }
                // (Its own words name the temporary file.)
                kind => naming(kind.into()),
            })?;
        let (file, temporary) = file.into_parts(); // whose errors do not tell of the temporary name
        let inner = BufWriter::with_capacity(BUFFER, file);
        Ok(AtomicFile { inner, temporary, watched, path: target, force, failed: false, position: 0 })
    }

    /// Writes out what is buffered, syncs it to the disk and gives the file its name.
    ///
    /// Errors, leaving nothing behind, where a write failed (now or before), and where a file of that name has
    /// appeared meanwhile and `force` is not set.
    pub fn commit(mut self) -> Result<()> {
        self.flush()?;
        if self.failed {
            return Err(Error::from(io::Error::other("an earlier write failed")).at(self.path.display()));
        }
        let AtomicFile { inner, temporary, watched, path, force, .. } = self;
        inner.get_ref().sync_all().map_err(|e| Error::from(e).at(path.display()))?;
        drop(inner);
        let renamed = if force { temporary.persist(&path) } else { temporary.persist_noclobber(&path) };
        renamed.map_err(|e| match e.error.kind() {
            io::ErrorKind::AlreadyExists => exists(&path),
            _ => Error::from(e.error).at(path.display()),
        })?;
        drop(watched);
        sync_folder(folder_of(&path));
        Ok(())
    }

    fn noted<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|e| {
            self.failed = true;
            io::Error::new(e.kind(), format!("{}: {e}", self.path.display()))
        })
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = if self.failed {
            bytes.len()
        } else {
            let result = self.inner.write(bytes);
            self.noted(result)?
        };
        self.position += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.failed {
            return Ok(());
        }
        let result = self.inner.flush();
        self.noted(result)
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = if self.failed {
            match to {
                SeekFrom::Start(p) => p,
                SeekFrom::Current(d) | SeekFrom::End(d) => self.position.saturating_add_signed(d),
            }
        } else {
            let result = self.inner.seek(to);
            self.noted(result)?
        };
        Ok(self.position)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        Ok(self.position) // asked often by zip; a real seek would flush the buffer
    }
}

/// Where a stream of bytes goes: a file that appears whole, or at once to standard output, a device or a pipe.
#[derive(Debug)]
pub enum Output {
    /// A plain file.
    File(AtomicFile),
    /// Standard output.
    Standard(BufWriter<Stdout>),
    /// A device or a named pipe, such as `/dev/null`.
    Device(BufWriter<File>, PathBuf),
}

impl Output {
    /// Starts output to `path`, where `-` is standard output. Errors as [`AtomicFile::create`] does.
    pub fn create(path: &Path, force: bool) -> Result<Output> {
        if is_standard(path) {
            return Ok(Output::Standard(BufWriter::with_capacity(BUFFER, io::stdout())));
        }
        match fs::metadata(path) {
            Ok(meta) if !meta.is_file() && !meta.is_dir() => {
                let file =
                    File::options().write(true).open(path).map_err(|e| Error::from(e).at(path.display()))?;
                Ok(Output::Device(BufWriter::with_capacity(BUFFER, file), path.to_owned()))
            }
            _ => AtomicFile::create(path, force).map(Output::File),
        }
    }

    /// Makes the output final; see [`AtomicFile::commit`].
    pub fn commit(mut self) -> Result<()> {
        match self {
            Output::File(file) => file.commit(),
            _ => Ok(self.flush()?),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Output::File(file) => file.write(bytes),
            Output::Standard(out) => out.write(bytes).map_err(|e| named(e, "standard output")),
            Output::Device(out, path) => out.write(bytes).map_err(|e| named(e, path.display())),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Output::File(file) => file.flush(),
            Output::Standard(out) => out.flush().map_err(|e| named(e, "standard output")),
            Output::Device(out, path) => out.flush().map_err(|e| named(e, path.display())),
        }
    }
}

/// Whether `path` stands for standard output.
pub fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether the reader of our output has simply gone (`baler ... | head`): no failure, and nobody to tell.
pub fn is_closed_pipe(error: &Error) -> bool {
    error.io().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

fn exists(path: &Path) -> Error {
    Error::invalid(format!("{} exists; --force overwrites it", path.display()))
}

fn named(e: io::Error, place: impl std::fmt::Display) -> io::Error {
    io::Error::new(e.kind(), format!("{place}: {e}"))
}

/// The folder that `path` lies in, `.` for a bare name.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What a file gets that was not there before: the usual rights, less the umask. (tempfile's own are 0600.)
#[cfg(unix)]
fn new_file_permissions() -> Option<Permissions> {
    Some(std::os::unix::fs::PermissionsExt::from_mode(0o666))
}

#[cfg(not(unix))]
fn new_file_permissions() -> Option<Permissions> {
    None
}

/// Makes the rename itself durable. Best effort: some file systems refuse, and the data are synced already.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
