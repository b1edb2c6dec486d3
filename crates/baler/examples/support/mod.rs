//! What the examples that measure share.
#![allow(dead_code)] // no example needs all of it

use std::time::Instant;

/// Shape and values of an .npy file of f32.
pub fn npy(path: &str) -> (Vec<usize>, Vec<f32>) {
    let b = std::fs::read(path).expect("readable");
    let n = u16::from_le_bytes([b[8], b[9]]) as usize;
    let head = std::str::from_utf8(&b[10..10 + n]).expect("text");
    let shape = head.split("'shape': (").nth(1).expect("shape").split(')').next().expect("shape");
    let shape = shape.split(',').filter_map(|s| s.trim().parse().ok()).collect();
    (shape, b[10 + n..].chunks_exact(4).map(|c| f32::from_le_bytes(c.try_into().expect("four"))).collect())
}

/// The outcome of `work`, and the least seconds of five runs: others' work only ever adds to it.
pub fn timed<T>(mut work: impl FnMut() -> T) -> (T, f64) {
    let mut once = || {
        let begun = Instant::now();
        let out = work();
        (out, begun.elapsed().as_secs_f64())
    };
    let others = (0..4).map(|_| once().1).fold(f64::INFINITY, f64::min);
    let (out, seconds) = once();
    (out, seconds.min(others))
}
