//! AVX2, with BMI2. The plain sibling is `mod.rs`.
#![allow(unsafe_code)] // loads and stores through pointers

use std::arch::x86_64::*;

use super::super::super::domain::LANES;
use super::{Block, Portable, Vectors};

/// Proof that the processor has AVX2 and BMI2. All that takes it must be inlined into code that is compiled for them, or
/// it is slow.
#[derive(Clone, Copy)]
pub struct Avx2(());

impl Avx2 {
    /// The proof, where the processor gives it.
    pub fn new() -> Option<Avx2> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2")).then_some(Avx2(()))
    }
}

impl Vectors for Avx2 {
    #[inline(always)]
    fn transpose<T: Copy>(self, from: &Block<T>, to: &mut Block<T>) {
        if size_of::<T>() != 4 {
            return Portable.transpose(from, to);
        }
        // SAFETY: `self` proves that the processor has AVX2; both blocks are 64 values of four bytes, of a type that
        // may hold any that another of its own held.
        unsafe { transpose(from.as_ptr().cast(), to.as_mut_ptr().cast()) };
    }
}

/// Columns become rows, in 64 values of four bytes.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn transpose(from: *const __m256, to: *mut __m256) {
    let mut a = [_mm256_setzero_ps(); LANES];
    for (i, a) in a.iter_mut().enumerate() {
        // SAFETY: the caller's blocks hold eight vectors each.
        *a = unsafe { _mm256_loadu_ps(from.add(i).cast()) };
    }
    let mut b = a;
    for i in 0..4 {
        b[2 * i] = _mm256_unpacklo_ps(a[2 * i], a[2 * i + 1]);
        b[2 * i + 1] = _mm256_unpackhi_ps(a[2 * i], a[2 * i + 1]);
    }
    let mut c = b;
    for i in [0, 4] {
        c[i] = _mm256_shuffle_ps::<0x44>(b[i], b[i + 2]);
        c[i + 1] = _mm256_shuffle_ps::<0xee>(b[i], b[i + 2]);
        c[i + 2] = _mm256_shuffle_ps::<0x44>(b[i + 1], b[i + 3]);
        c[i + 3] = _mm256_shuffle_ps::<0xee>(b[i + 1], b[i + 3]);
    }
    for i in 0..4 {
        // SAFETY: as above.
        unsafe {
            _mm256_storeu_ps(to.add(i).cast(), _mm256_permute2f128_ps::<0x20>(c[i], c[i + 4]));
            _mm256_storeu_ps(to.add(i + 4).cast(), _mm256_permute2f128_ps::<0x31>(c[i], c[i + 4]));
        }
    }
}
