//! AVX2, with BMI2 and POPCNT. The plain sibling is `mod.rs`.
#![allow(unsafe_code)] // loads and stores through pointers

use std::arch::x86_64::*;

use super::super::super::domain::LANES;
use super::super::token::{DIRECT, RawReader, RawWriter};
use super::{Block, PLACES, Vectors};
use crate::cpu::{Avx2, Portable};

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

    #[inline(always)]
    fn shift<T: Copy>(self, mut lanes: [T; LANES], first: T) -> [T; LANES] {
        if size_of::<T>() != 4 {
            return Portable.shift(lanes, first);
        }
        // SAFETY: `self` proves that the processor has AVX2; the lanes are eight values of four bytes, the first is one.
        unsafe { shift(lanes.as_mut_ptr().cast(), (&raw const first).cast()) };
        lanes
    }

    #[inline(always)]
    fn split(
        self,
        folded: &[u16; PLACES],
        classes: &[u8; PLACES],
        raw: &mut RawWriter,
    ) -> Option<[u8; PLACES]> {
        // SAFETY: `self` proves that the processor has AVX2, BMI2 and POPCNT.
        unsafe { split(folded, classes, raw) }
    }

    #[inline(always)]
    fn join(self, tokens: &[u8; PLACES], classes: &[u8; PLACES], raw: &mut RawReader) -> [i16; PLACES] {
        // SAFETY: `self` proves that the processor has AVX2, BMI2 and POPCNT.
        unsafe { join(tokens, classes, raw) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; PLACES]) -> __m128i {
    // SAFETY: sixteen bytes are there.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

/// How many raw bits places of these classes have: [`token::shift`](super::super::token::shift).
#[inline]
#[target_feature(enable = "avx2")]
fn shifts(classes: __m128i) -> __m128i {
    let above = _mm_subs_epu8(classes, _mm_set1_epi8(11));
    _mm_and_si128(_mm_srli_epi16::<1>(above), _mm_set1_epi8(0x7f))
}

/// Sixteen numbers, looked up by bytes below sixteen: their low bytes and their high ones.
#[inline]
#[target_feature(enable = "avx2")]
fn numbers(low: [u8; PLACES], high: [u8; PLACES], by: __m128i) -> __m256i {
    let (low, high) = (_mm_shuffle_epi8(load(&low), by), _mm_shuffle_epi8(load(&high), by));
    _mm256_set_m128i(_mm_unpackhi_epi8(low, high), _mm_unpacklo_epi8(low, high))
}

/// 2 to the power of `shifts`.
#[inline]
#[target_feature(enable = "avx2")]
fn powers(shifts: __m128i) -> __m256i {
    const LOW: [u8; PLACES] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];
    const HIGH: [u8; PLACES] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128];
    numbers(LOW, HIGH, shifts)
}

/// The words of a vector.
#[inline]
#[target_feature(enable = "avx2")]
fn words(v: __m256i) -> [u64; 4] {
    [
        _mm256_extract_epi64::<0>(v) as u64,
        _mm256_extract_epi64::<1>(v) as u64,
        _mm256_extract_epi64::<2>(v) as u64,
        _mm256_extract_epi64::<3>(v) as u64,
    ]
}

/// See `mod.rs`. Raw bits of four places at a time are gathered from their fields of 16 bits.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn split(folded: &[u16; PLACES], classes: &[u8; PLACES], raw: &mut RawWriter) -> Option<[u8; PLACES]> {
    // 2 to the power of 16 - shift, so that the high half of a product is shifted; 0 for no shift.
    const LOW: [u8; PLACES] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 64, 32, 16, 8, 4, 2];
    const HIGH: [u8; PLACES] = [0, 128, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0];
    let shifts = shifts(load(classes));
    // SAFETY: sixteen values of two bytes are there.
    let folded = unsafe { _mm256_loadu_si256(folded.as_ptr().cast()) };
    let high = _mm256_mulhi_epu16(folded, numbers(LOW, HIGH, shifts));
    let none = _mm256_cmpeq_epi16(_mm256_cvtepu8_epi16(shifts), _mm256_setzero_si256());
    let tokens = _mm256_blendv_epi8(high, folded, none);
    let most = _mm256_set1_epi16(DIRECT as i16 - 1);
    let fine = _mm256_cmpeq_epi16(_mm256_min_epu16(tokens, most), tokens);
    let ones = _mm256_set1_epi16(-1);
    let fine = _mm256_andnot_si256(_mm256_cmpeq_epi16(folded, ones), fine);
    if _mm256_movemask_epi8(fine) != -1 {
        return None;
    }
    for (fields, mask) in words(folded).into_iter().zip(words(_mm256_add_epi16(powers(shifts), ones))) {
        raw.put(_pext_u64(fields, mask), mask.count_ones());
    }
    let (low, high) = (_mm256_castsi256_si128(tokens), _mm256_extracti128_si256::<1>(tokens));
    let mut out = [0; PLACES];
    // SAFETY: there is room for sixteen bytes.
    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), _mm_packus_epi16(low, high)) };
    Some(out)
}

/// See `mod.rs`.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn join(tokens: &[u8; PLACES], classes: &[u8; PLACES], raw: &mut RawReader) -> [i16; PLACES] {
    let powers = powers(shifts(load(classes)));
    let ones = _mm256_set1_epi16(-1);
    let masks = words(_mm256_add_epi16(powers, ones));
    let mut fields = [0; 4];
    for (fields, mask) in fields.iter_mut().zip(masks) {
        *fields = _pdep_u64(raw.take(mask.count_ones()), mask) as i64;
    }
    let low = _mm256_set_epi64x(fields[3], fields[2], fields[1], fields[0]);
    let high = _mm256_mullo_epi16(_mm256_cvtepu8_epi16(load(tokens)), powers);
    let folded = _mm256_or_si256(high, low);
    let sign = _mm256_sub_epi16(_mm256_setzero_si256(), _mm256_and_si256(folded, _mm256_set1_epi16(1)));
    let mut out = [0; PLACES];
    let indices = _mm256_xor_si256(_mm256_srli_epi16::<1>(folded), sign);
    // SAFETY: there is room for sixteen values of two bytes.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), indices) };
    out
}

/// Eight values of four bytes moved up by one.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn shift(lanes: *mut f32, first: *const f32) {
    let up = _mm256_setr_epi32(0, 0, 1, 2, 3, 4, 5, 6);
    // SAFETY: the caller's eight values and its one.
    unsafe {
        let moved = _mm256_permutevar8x32_ps(_mm256_loadu_ps(lanes), up);
        let first = _mm256_castps128_ps256(_mm_load_ss(first));
        _mm256_storeu_ps(lanes, _mm256_blend_ps::<1>(moved, first));
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
