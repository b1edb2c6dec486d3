//! A barrier that spins for a moment before it sleeps: phases of a batch take some hundred microseconds, of which
//! waking a thread takes a good part.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

/// Looks at the others before sleeping, some 20 microseconds.
const SPINS: usize = 1000;

/// Lets threads go on once all have come.
pub struct Barrier {
    threads: usize,
    come: AtomicUsize,
    generation: AtomicUsize,
    sleep: Mutex<()>,
    wake: Condvar,
}

impl Barrier {
    /// For so many threads.
    pub fn new(threads: usize) -> Barrier {
        let (come, generation) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Barrier { threads, come, generation, sleep: Mutex::new(()), wake: Condvar::new() }
    }

    /// Waits for all threads.
    pub fn wait(&self) {
        let generation = self.generation.load(Ordering::Acquire);
        if self.come.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.come.store(0, Ordering::Relaxed);
            let _asleep = self.sleep.lock().expect("nothing panics here");
            self.generation.store(generation.wrapping_add(1), Ordering::Release);
            self.wake.notify_all();
            return;
        }
        for _ in 0..SPINS {
            if self.generation.load(Ordering::Acquire) != generation {
                return;
            }
            std::hint::spin_loop();
        }
        let mut asleep = self.sleep.lock().expect("nothing panics here");
        while self.generation.load(Ordering::Acquire) == generation {
            asleep = self.wake.wait(asleep).expect("nothing panics here");
        }
    }
}
