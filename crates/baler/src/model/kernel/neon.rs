//! NEON, which every 64-bit ARM has: four rows a register, up to 12 outputs x 8 rows held in twenty-four accumulators.
//!
//! The plain sibling is `scalar.rs`.
#![allow(unsafe_code)] // loads and stores through pointers

use std::arch::aarch64::*;

use super::pack::{Packed, TILE};
use super::{FrozenDense, LANES, Lanes, MAX_ACTIVATION};

/// Rows of a register, and of a step.
const WIDE: usize = 4;
const ROWS: usize = 2 * WIDE;

/// Proof that the CPU has NEON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neon(());

impl Neon {
    /// The proof, where the CPU gives it.
    pub fn new() -> Option<Neon> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Neon(()))
    }

    /// See [`Kernel::run`](super::Kernel::run), which has checked the lengths.
    pub fn run(self, layer: &FrozenDense, x: &[Lanes], y: &mut [Lanes], rows: usize) {
        // SAFETY: `self` proves that the CPU has NEON.
        unsafe { run(layer, x, y, rows) }
    }
}

#[target_feature(enable = "neon")]
fn run(layer: &FrozenDense, x: &[Lanes], y: &mut [Lanes], rows: usize) {
    let shift = layer.requantise().map_or(0, |r| r.shift);
    let packed = layer.packed();
    let (x, y) = (&x[..packed.pairs], &mut y[..layer.lanes_out()]);
    for (first, width, weights) in packed.tiles() {
        for row in (0..rows.min(LANES)).step_by(ROWS) {
            let part = Part { packed, first, weights, shift, row };
            match width {
                12 => outputs::<12>(part, x, y),
                10 => outputs::<10>(part, x, y),
                8 => outputs::<8>(part, x, y),
                6 => outputs::<6>(part, x, y),
                4 => outputs::<4>(part, x, y),
                _ => outputs::<2>(part, x, y),
            }
        }
    }
}

/// A tile's outputs of eight rows.
#[derive(Clone, Copy)]
struct Part<'a> {
    packed: &'a Packed,
    first: usize,
    weights: &'a [i32],
    shift: u32,
    row: usize,
}

#[inline]
#[target_feature(enable = "neon")]
fn load(lanes: &Lanes, row: usize) -> int32x4_t {
    let part: &[i32; WIDE] = lanes.0[row..row + WIDE].try_into().expect("four rows");
    // SAFETY: four values are read.
    unsafe { vld1q_s32(part.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn store(lanes: &mut Lanes, row: usize, value: int32x4_t) {
    let part: &mut [i32; WIDE] = (&mut lanes.0[row..row + WIDE]).try_into().expect("four rows");
    // SAFETY: four values are written.
    unsafe { vst1q_s32(part.as_mut_ptr(), value) }
}

#[target_feature(enable = "neon")]
fn outputs<const N: usize>(part: Part, x: &[Lanes], y: &mut [Lanes]) {
    const { assert!(N.is_multiple_of(2) && N <= TILE && LANES.is_multiple_of(ROWS)) };
    let Part { packed, first, weights, shift, row } = part;
    let bias: &[i32; N] = packed.bias[first..][..N].try_into().expect("N biases");
    let mut acc = [[vdupq_n_s32(0); 2]; N];
    for (acc, &b) in acc.iter_mut().zip(bias) {
        *acc = [vdupq_n_s32(b); 2];
    }
    for (x, w) in x.iter().zip(weights.as_chunks::<N>().0) {
        let (a, b) = (vreinterpretq_s16_s32(load(x, row)), vreinterpretq_s16_s32(load(x, row + WIDE)));
        // One input of eight rows each.
        let (even, odd) = (vuzp1q_s16(a, b), vuzp2q_s16(a, b));
        for (acc, &w) in acc.iter_mut().zip(w) {
            let (w0, w1) = (vdupq_n_s16(w as i16), vdupq_n_s16((w >> 16) as i16));
            acc[0] = vmlal_s16(acc[0], vget_low_s16(even), vget_low_s16(w0));
            acc[1] = vmlal_high_s16(acc[1], even, w0);
            acc[0] = vmlal_s16(acc[0], vget_low_s16(odd), vget_low_s16(w1));
            acc[1] = vmlal_high_s16(acc[1], odd, w1);
        }
    }
    for h in 0..2 {
        let row = row + h * WIDE;
        if packed.multipliers.is_empty() {
            for (acc, y) in acc.iter().zip(&mut y[first..][..N]) {
                store(y, row, acc[h]);
            }
        } else if let Some(multipliers) = packed.narrow.get(first / 2..first / 2 + N / 2) {
            for ((acc, &m), y) in acc.chunks_exact(2).zip(multipliers).zip(&mut y[first / 2..]) {
                store(y, row, narrow([acc[0][h], acc[1][h]], m, shift));
            }
        } else {
            let multipliers = &packed.multipliers[first..][..N];
            let pairs = acc.chunks_exact(2).zip(multipliers.chunks_exact(2));
            for ((acc, m), y) in pairs.zip(&mut y[first / 2..]) {
                let low = requantise(acc[0][h], m[0], shift);
                let high = requantise(acc[1][h], m[1], shift);
                store(y, row, vsliq_n_s32::<16>(low, high));
            }
        }
    }
}

/// The activations of two outputs whose t 16 bits can hold, side by side.
#[target_feature(enable = "neon")]
fn narrow(acc: [int32x4_t; 2], m: [i32; 2], shift: u32) -> int32x4_t {
    let shift = vdupq_n_s32(-(shift as i32));
    let t = vqmovn_high_s32(vqmovn_s32(vshlq_s32(acc[0], shift)), vshlq_s32(acc[1], shift));
    let t = vzip1q_s16(t, vextq_s16::<4>(t, t));
    let of = |m: i32| vreinterpretq_s16_s32(vdupq_n_s32(m));
    let m = vbslq_s16(vcltzq_s16(t), of(m[1]), of(m[0]));
    let y = vminq_s16(vqrdmulhq_s16(t, m), vdupq_n_s16(MAX_ACTIVATION as i16));
    vreinterpretq_s32_s16(vmaxq_s16(y, vdupq_n_s16(-MAX_ACTIVATION as i16)))
}

/// As in `scalar.rs`, of a sum that has its half.
#[target_feature(enable = "neon")]
fn requantise(acc: int32x4_t, m: [i32; 2], shift: u32) -> int32x4_t {
    let t = vshlq_s32(acc, vdupq_n_s32(-(shift as i32)));
    let m = vbslq_s32(vcltzq_s32(t), vdupq_n_s32(m[1]), vdupq_n_s32(m[0]));
    let y = vshrq_n_s32::<15>(vaddq_s32(vmulq_s32(t, m), vdupq_n_s32(1 << 14)));
    vmaxq_s32(vminq_s32(y, vdupq_n_s32(MAX_ACTIVATION)), vdupq_n_s32(-MAX_ACTIVATION))
}
