//! Long work: without the interpreter's lock, interrupted by Ctrl-C, with its progress told.

use crate::errors::to_python;
use baler::error::{Error, Result};
use pyo3::prelude::*;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How often Python is asked whether there was a signal, and told of progress.
const TICK: Duration = Duration::from_millis(100);

/// What a job and the thread that waits for it tell each other.
#[derive(Default)]
pub struct Watch {
    stop: AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
}

impl Watch {
    /// An error once the job is not wanted any more. Its words are never seen: Python has its own exception by then.
    pub fn go_on(&self) -> Result<()> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(Error::invalid("interrupted")),
            false => Ok(()),
        }
    }

    /// Leaves word how much of how much is done.
    pub fn progress(&self, done: u64, total: u64) {
        self.total.store(total, Ordering::Relaxed);
        self.done.store(done, Ordering::Relaxed);
    }
}

/// Work on so few bytes, which nobody wants to be told of, is done before anybody would wait for a sign of it, and stays on
/// the thread that asks for it: another's start, and its empty caches, would cost a third of the time.
const LITTLE: usize = 4 << 20;

/// Runs `job` on a thread of its own while this one, which alone may run Python's signal handlers, waits. `progress` is
/// called with how much of how much is done, on this thread; what it raises ends the job, as Ctrl-C does. `bytes` is what the
/// job codes or decodes; see [`LITTLE`].
pub fn run<T: Send>(
    py: Python,
    progress: Option<Py<PyAny>>,
    bytes: usize,
    job: impl FnOnce(&Watch) -> Result<T> + Send,
) -> PyResult<T> {
    let watch = &Watch::default();
    if bytes <= LITTLE && progress.is_none() {
        let result = py.detach(|| job(watch));
        py.check_signals()?;
        return result.map_err(|e| to_python(py, &e));
    }
    let (tell, told) = mpsc::channel();
    let mut said = (0, 0);
    let mut look = move || {
        Python::attach(|py| {
            py.check_signals()?;
            let now = (watch.done.load(Ordering::Relaxed), watch.total.load(Ordering::Relaxed));
            match &progress {
                Some(progress) if now != said => {
                    said = now;
                    progress.call1(py, now).map(drop)
                }
                _ => Ok(()),
            }
        })
    };
    let (result, raised) = py.detach(move || {
        thread::scope(|scope| {
            scope.spawn(move || tell.send(job(watch)));
            let mut raised = None;
            loop {
                match told.recv_timeout(TICK) {
                    Ok(result) => return (Some(result), raised.or_else(|| look().err())),
                    Err(RecvTimeoutError::Disconnected) => return (None, raised), // it panicked, as the scope will
                    Err(RecvTimeoutError::Timeout) if raised.is_none() => {
                        raised = look().err();
                        watch.stop.store(raised.is_some(), Ordering::Relaxed);
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                }
            }
        })
    });
    match (raised, result) {
        (Some(e), _) => Err(e),
        (None, Some(result)) => result.map_err(|e| to_python(py, &e)),
        (None, None) => unreachable!("a job that ends without a result has panicked"),
    }
}
