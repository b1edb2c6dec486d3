//! AVX2: eight rows a register, 6 outputs x 16 rows held in twelve accumulators (of few rows, x 8 in six).
//!
//! Each step of two inputs costs 12 multiply-add-pairs, 12 additions and 8 loads, six of them broadcasts; two
//! multiplies a cycle are the limit. The plain sibling is `scalar.rs`.
#![allow(unsafe_code)] // loads and stores through pointers

use std::arch::x86_64::*;

use super::pack::{Packed, TILE};
use super::{FrozenDense, LANES, Lanes, MAX_ACTIVATION};

/// Rows in a register.
const WIDE: usize = 8;

/// Proof that the CPU has AVX2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

impl Avx2 {
    /// The proof, where the CPU gives it.
    pub fn new() -> Option<Avx2> {
        is_x86_feature_detected!("avx2").then_some(Avx2(()))
    }

    /// See [`Kernel::run`](super::Kernel::run), which has checked the lengths.
    pub fn run(self, layer: &FrozenDense, x: &[Lanes], y: &mut [Lanes], rows: usize) {
        // SAFETY: `self` proves that the CPU has AVX2.
        unsafe { run(layer, x, y, rows) }
    }
}

#[target_feature(enable = "avx2")]
fn run(layer: &FrozenDense, x: &[Lanes], y: &mut [Lanes], rows: usize) {
    let shift = layer.requantise().map_or(0, |r| r.shift);
    let packed = layer.packed();
    let (x, y) = (&x[..packed.pairs], &mut y[..layer.lanes_out()]);
    for (first, width, weights) in packed.tiles() {
        let mut column = 0;
        while column < width {
            let part =
                Part { packed, first: first + column, stride: width, weights: &weights[column..], shift };
            column += match (width - column, rows) {
                (6 | 10 | 12, ..=WIDE) => outputs::<6, 1>(part, x, y, rows),
                (4 | 8, ..=WIDE) => outputs::<4, 1>(part, x, y, rows),
                (_, ..=WIDE) => outputs::<2, 1>(part, x, y, rows),
                (6 | 10 | 12, _) => outputs::<6, 2>(part, x, y, rows),
                (4 | 8, _) => outputs::<4, 2>(part, x, y, rows),
                (_, _) => outputs::<2, 2>(part, x, y, rows),
            };
        }
    }
}

/// Some outputs of a layer: `first` and those after it, whose weights stand in `weights` at intervals of `stride`.
struct Part<'a> {
    packed: &'a Packed,
    first: usize,
    stride: usize,
    weights: &'a [i32],
    shift: u32,
}

/// `N` outputs of the first `rows` rows of one block, `R` registers of rows at a time.
#[target_feature(enable = "avx2")]
fn outputs<const N: usize, const R: usize>(part: Part, x: &[Lanes], y: &mut [Lanes], rows: usize) -> usize {
    let Part { packed, first, stride, weights, shift } = part;
    const { assert!(N.is_multiple_of(2) && N <= TILE) };
    let bias: &[i32; N] = packed.bias[first..][..N].try_into().expect("N biases");
    assert!(x.is_empty() || weights.len() >= (x.len() - 1) * stride + N);
    for row in (0..rows.min(LANES)).step_by(R * WIDE) {
        // Not `bias.map`: its closure is compiled without the feature, and costs a third of the time.
        let mut acc = [[_mm256_setzero_si256(); R]; N];
        for (acc, &b) in acc.iter_mut().zip(bias) {
            *acc = [_mm256_set1_epi32(b); R];
        }
        let mut w = weights.as_ptr();
        for x in x {
            // SAFETY: rows `row` to `row + 8 R` are within the 32 of a `Lanes`, aligned to 64 bytes; `w` has
            // advanced by `stride` a step, so the assertion above holds N weights behind it.
            unsafe {
                let x = x.0.as_ptr().add(row).cast::<__m256i>();
                let mut held = [_mm256_load_si256(x); R];
                for r in 1..R {
                    held[r] = _mm256_load_si256(x.add(r));
                }
                for (o, acc) in acc.iter_mut().enumerate() {
                    let w = _mm256_set1_epi32(*w.add(o));
                    for r in 0..R {
                        acc[r] = _mm256_add_epi32(acc[r], _mm256_madd_epi16(held[r], w));
                    }
                }
                w = w.wrapping_add(stride);
            }
        }
        if packed.multipliers.is_empty() {
            for (acc, y) in acc.iter().zip(&mut y[first..][..N]) {
                store(*acc, y, row);
            }
        } else if let Some(multipliers) = packed.narrow.get(first / 2..first / 2 + N / 2) {
            for ((acc, &m), y) in acc.chunks_exact(2).zip(multipliers).zip(&mut y[first / 2..]) {
                let mut pairs = [_mm256_setzero_si256(); R];
                for r in 0..R {
                    pairs[r] = narrow([acc[0][r], acc[1][r]], m, shift);
                }
                store(pairs, y, row);
            }
        } else {
            let multipliers = &packed.multipliers[first..][..N];
            for ((acc, m), y) in acc.chunks_exact(2).zip(multipliers.chunks_exact(2)).zip(&mut y[first / 2..])
            {
                let mut pairs = [_mm256_setzero_si256(); R];
                for r in 0..R {
                    let low = requantise(acc[0][r], m[0], shift);
                    let high = requantise(acc[1][r], m[1], shift);
                    pairs[r] = _mm256_blend_epi16::<0b10101010>(low, _mm256_slli_epi32::<16>(high));
                }
                store(pairs, y, row);
            }
        }
    }
    N
}

#[target_feature(enable = "avx2")]
fn store<const R: usize>(values: [__m256i; R], y: &mut Lanes, row: usize) {
    for (y, value) in y.0[row..row + R * WIDE].chunks_exact_mut(WIDE).zip(values) {
        // SAFETY: `y` holds eight values, at a multiple of 32 bytes.
        unsafe { _mm256_store_si256(y.as_mut_ptr().cast(), value) }
    }
}

/// The activations of two outputs whose t 16 bits can hold, side by side.
#[target_feature(enable = "avx2")]
fn narrow(acc: [__m256i; 2], m: [i32; 2], shift: u32) -> __m256i {
    let shift = _mm_cvtsi32_si128(shift as i32);
    let t = _mm256_packs_epi32(_mm256_sra_epi32(acc[0], shift), _mm256_sra_epi32(acc[1], shift));
    let t = _mm256_shuffle_epi8(
        t,
        _mm256_broadcastsi128_si256(_mm_setr_epi16(
            0x0100, 0x0908, 0x0302, 0x0b0a, 0x0504, 0x0d0c, 0x0706, 0x0f0e,
        )),
    );
    let negative = _mm256_srai_epi16::<15>(t);
    let m = _mm256_blendv_epi8(_mm256_set1_epi32(m[0]), _mm256_set1_epi32(m[1]), negative);
    let y = _mm256_min_epi16(_mm256_mulhrs_epi16(t, m), _mm256_set1_epi16(MAX_ACTIVATION as i16));
    _mm256_max_epi16(y, _mm256_set1_epi16(-MAX_ACTIVATION as i16))
}

/// As in `scalar.rs`, of a sum that has its half.
#[target_feature(enable = "avx2")]
fn requantise(acc: __m256i, m: [i32; 2], shift: u32) -> __m256i {
    let t = _mm256_sra_epi32(acc, _mm_cvtsi32_si128(shift as i32));
    let negative = _mm256_cmpgt_epi32(_mm256_setzero_si256(), t);
    let m = _mm256_blendv_epi8(_mm256_set1_epi32(m[0]), _mm256_set1_epi32(m[1]), negative);
    let y = _mm256_add_epi32(_mm256_mullo_epi32(t, m), _mm256_set1_epi32(1 << 14));
    let y = _mm256_min_epi32(_mm256_srai_epi32::<15>(y), _mm256_set1_epi32(MAX_ACTIVATION));
    _mm256_max_epi32(y, _mm256_set1_epi32(-MAX_ACTIVATION))
}
