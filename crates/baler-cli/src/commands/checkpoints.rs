//! The checkpoint beside a model that is being trained: written now and then and when training is interrupted, gone on with,
//! removed once the model is there.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use baler::error::{Error, Result};
use baler::train::{Checkpoint, EpochReport};

use crate::output::AtomicFile;

/// Where `--checkpoint-every` does not say: after each epoch, so long as writing takes no more than a share of the time that
/// training takes; and however long it takes, when this has passed.
const SHARE: u32 = 20;
const PAUSE: Duration = Duration::from_secs(10);

/// When to write one, and where.
pub struct Checkpoints {
    path: PathBuf,
    every: Option<usize>,
    last: Instant,
    /// How long the last one took to write.
    cost: Duration,
}

impl Checkpoints {
    /// Beside the model file: its name with `.checkpoint` behind. `every` counts epochs; 0 is never.
    pub fn beside(model: &Path, every: Option<usize>) -> Checkpoints {
        let mut path = model.as_os_str().to_owned();
        path.push(".checkpoint");
        Checkpoints { path: path.into(), every, last: Instant::now(), cost: Duration::ZERO }
    }

    /// The checkpoint to go on with.
    pub fn read(&self) -> Result<Checkpoint> {
        let place = |e: Error| e.at(self.path.display());
        if !self.path.exists() {
            return Err(Error::invalid(format!(
                "{}: there is no checkpoint to resume; leave --resume out to begin",
                self.path.display()
            )));
        }
        Checkpoint::from_bytes(&std::fs::read(&self.path).map_err(|e| place(e.into()))?).map_err(place)
    }

    /// Writes one if it is time.
    pub fn after(&mut self, report: &EpochReport) -> Result<()> {
        let due = match self.every {
            Some(every) => every > 0 && report.epoch.is_multiple_of(every),
            None => self.last.elapsed() >= PAUSE.min(SHARE * self.cost),
        };
        if due { self.write(report) } else { Ok(()) }
    }

    /// Writes one.
    pub fn write(&mut self, report: &EpochReport) -> Result<()> {
        let begun = Instant::now();
        let mut out = AtomicFile::create(&self.path, true)?;
        report.write_checkpoint(&mut out)?;
        out.commit()?;
        self.last = Instant::now();
        self.cost = self.last - begun;
        Ok(())
    }

    /// Removes it, if there is one: the model is there.
    pub fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
