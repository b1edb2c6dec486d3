//! Ctrl-C: the temporary files of outputs that were begun are taken away before the program ends. A training may ask to
//! be told instead, so that it ends with its epoch and leaves a checkpoint; a second Ctrl-C then ends the program.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

/// What a program ended by Ctrl-C exits with, by the shells' custom.
const INTERRUPTED: i32 = 130;

/// Whether the next interruption only leaves word in [`ASKED`].
static PATIENT: AtomicBool = AtomicBool::new(false);
static ASKED: AtomicBool = AtomicBool::new(false);
static BEGUN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn begun() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    BEGUN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes over SIGINT, SIGTERM and SIGHUP (on Windows, Ctrl-C). Best effort: without it the program still ends, and
/// leaves a hidden `.part` file behind; the output that was there before is whole either way.
pub fn watch() {
    let _ = ctrlc::set_handler(|| {
        if PATIENT.swap(false, Ordering::SeqCst) {
            ASKED.store(true, Ordering::SeqCst);
            return eprintln!("interrupted: this epoch is finished and kept; once more ends at once");
        }
        end("interrupted; nothing was written");
    });
}

/// From here on the first interruption only makes [`asked`] true.
pub fn be_patient() {
    PATIENT.store(true, Ordering::SeqCst);
}

/// Whether there was an interruption since [`be_patient`].
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Ends the program as interrupted, saying why.
pub fn end(message: &str) -> ! {
    let files = begun(); // held to the end: nothing new is begun
    files.iter().for_each(|f| drop(std::fs::remove_file(f)));
    eprintln!("{message}");
    std::process::exit(INTERRUPTED)
}

/// A temporary file that an interruption removes, for as long as this lives.
#[derive(Debug)]
pub struct Watched(PathBuf);

impl Watched {
    /// Makes a temporary file; there is no moment at which it exists and is not watched.
    pub fn create(make: impl FnOnce() -> io::Result<NamedTempFile>) -> io::Result<(NamedTempFile, Watched)> {
        let mut files = begun();
        let file = make()?;
        let path = absolute(file.path());
        files.insert(path.clone());
        Ok((file, Watched(path)))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        begun().remove(&self.0);
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
