//! Jobs done in parallel, results taken in order, memory bounded.

use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard};

struct Source<N> {
    next: N,
    issued: usize,
    done: bool,
}

struct Sink<T, S> {
    take: S,
    taken: usize,
    waiting: BTreeMap<usize, T>,
    error: Option<Error>,
}

/// Draws jobs from `next` one by one, does `work` on `threads` threads, hands results to `take` in the jobs' order.
///
/// At most three jobs a thread are under way or wait for an earlier one. The first error, in order, ends it all; so does a
/// panic, which is passed on once every thread is done.
pub fn in_order<J: Send, T: Send>(
    threads: usize,
    next: impl FnMut() -> Option<Result<J>> + Send,
    work: impl Fn(J) -> Result<T> + Sync,
    take: impl FnMut(T) -> Result<()> + Send,
) -> Result<()> {
    let threads = threads.max(1);
    let source = Mutex::new(Source { next, issued: 0, done: false });
    let sink = Mutex::new(Sink { take, taken: 0, waiting: BTreeMap::new(), error: None });
    let moved_on = Condvar::new();
    std::thread::scope(|scope| {
        let run = || {
            let _alarm = Alarm(|| {
                // Others may wait for what this thread will never hand in.
                lock(&sink).error.get_or_insert_with(|| Error::invalid("a thread has panicked"));
                moved_on.notify_all();
            });
            loop {
                let (number, job) = {
                    let mut source = lock(&source);
                    if source.done {
                        return;
                    }
                    let Some(job) = (source.next)() else {
                        source.done = true;
                        return;
                    };
                    source.done = job.is_err();
                    source.issued += 1;
                    (source.issued - 1, job)
                };
                let result = job.and_then(&work);
                let mut sink = lock(&sink);
                sink.waiting.insert(number, result);
                while sink.error.is_none() {
                    let taken = sink.taken;
                    let Some(result) = sink.waiting.remove(&taken) else { break };
                    sink.taken += 1;
                    sink.error = result.and_then(&mut sink.take).err();
                }
                moved_on.notify_all();
                while sink.error.is_none() && sink.taken + 2 * threads <= number {
                    sink = moved_on.wait(sink).unwrap_or_else(|e| e.into_inner());
                }
                if sink.error.is_some() {
                    lock(&source).done = true;
                    return;
                }
            }
        };
        for _ in 1..threads {
            scope.spawn(run);
        }
        run();
    });
    match sink.into_inner().unwrap_or_else(|e| e.into_inner()).error {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Rings where its thread panics.
struct Alarm<F: Fn()>(F);

impl<F: Fn()> Drop for Alarm<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)()
        }
    }
}

/// A panic elsewhere is passed on when the scope ends; until then the state behind the lock is still sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_the_first_error_wins() {
        for threads in [1, 2, 3, 8] {
            let mut numbers = 0..500u64;
            let mut seen = vec![];
            let slow = |n: u64| {
                if n.is_multiple_of(7) {
                    std::thread::yield_now();
                }
                Ok(n)
            };
            in_order(threads, || numbers.next().map(Ok), slow, |n| Ok(seen.push(n))).unwrap();
            assert_eq!(seen, (0..500).collect::<Vec<_>>());

            let mut numbers = 0..500u64;
            let mut seen = 0;
            let fails = |n| if n >= 40 { Err(Error::corrupt(format!("{n}"))) } else { Ok(n) };
            let e = in_order(threads, || numbers.next().map(Ok), fails, |_| Ok(seen += 1)).unwrap_err();
            assert_eq!((e.to_string().as_str(), seen), ("40", 40));
        }
    }

    #[test]
    fn a_panic_ends_it_all() {
        for threads in [1, 2, 3, 8] {
            for place in 0..3 {
                let mut numbers = 0..500u64;
                let next = || numbers.next().inspect(|&n| assert!(place != 0 || n != 40)).map(Ok);
                let work = |n| {
                    assert!(place != 1 || n != 40);
                    Ok(n)
                };
                let take = |n| {
                    assert!(place != 2 || n != 40);
                    Ok(())
                };
                let run = || in_order(threads, next, work, take);
                assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
            }
        }
    }
}
