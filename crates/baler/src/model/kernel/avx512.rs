//! AVX-512: sixteen rows a register, 12 outputs x 32 rows held in twenty-four accumulators. Two kernels that
//! differ in one step: BW multiplies pairs and adds, VNNI does both in one instruction.
//!
//! The plain sibling is `scalar.rs`.
#![allow(unsafe_code)] // loads and stores through pointers

use std::arch::x86_64::*;

use super::pack::{Packed, TILE};
use super::{FrozenDense, LANES, Lanes, MAX_ACTIVATION};

/// Pairs of inputs up to which outputs are summed two at a time: twenty-four accumulators and what requantising takes are more
/// than there are registers, and to spill them is not worth so few products (9 % of the time of networks of tables).
const FEW: usize = 8;

/// Proof that the CPU has AVX-512 F and BW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512(());

/// Proof that the CPU has AVX-512 F, BW and VNNI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vnni(());

impl Avx512 {
    /// The proof, where the CPU gives it.
    pub fn new() -> Option<Avx512> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")).then_some(Avx512(()))
    }

    /// See [`Kernel::run`](super::Kernel::run), which has checked the lengths.
    pub fn run(self, layer: &FrozenDense, x: &[Lanes], y: &mut [Lanes]) {
        // SAFETY: `self` proves that the CPU has these features.
        unsafe { bw::run(layer, x, y) }
    }
}

impl Vnni {
    /// The proof, where the CPU gives it.
    pub fn new() -> Option<Vnni> {
        (Avx512::new().is_some() && is_x86_feature_detected!("avx512vnni")).then_some(Vnni(()))
    }

    /// See [`Kernel::run`](super::Kernel::run), which has checked the lengths.
    pub fn run(self, layer: &FrozenDense, x: &[Lanes], y: &mut [Lanes]) {
        // SAFETY: `self` proves that the CPU has these features.
        unsafe { vnni::run(layer, x, y) }
    }
}

/// The kernel for one set of `features`, whose step is acc = `dot`(acc, x, w).
macro_rules! kernel {
    ($name:ident, $features:literal, $dot:expr) => {
        mod $name {
            use super::*;

            #[target_feature(enable = $features)]
            pub fn run(layer: &FrozenDense, x: &[Lanes], y: &mut [Lanes]) {
                let shift = layer.requantise().map_or(0, |r| r.shift);
                let packed = layer.packed();
                let (x, y) = (&x[..packed.pairs], &mut y[..layer.lanes_out()]);
                for (first, width, weights) in packed.tiles() {
                    match width {
                        12 => outputs::<12>(packed, first, weights, shift, x, y),
                        10 => outputs::<10>(packed, first, weights, shift, x, y),
                        8 => outputs::<8>(packed, first, weights, shift, x, y),
                        6 => outputs::<6>(packed, first, weights, shift, x, y),
                        4 => outputs::<4>(packed, first, weights, shift, x, y),
                        _ => outputs::<2>(packed, first, weights, shift, x, y),
                    }
                }
            }

            /// The sums of the `part`-th `M` of a tile's `N` outputs.
            #[inline]
            #[target_feature(enable = $features)]
            fn sums<const N: usize, const M: usize>(
                part: usize,
                bias: &[i32; N],
                weights: &[[i32; N]],
                x: &[Lanes],
            ) -> [[__m512i; 2]; M] {
                // Not `bias.map`: its closure is compiled without the feature, and costs a third of the time.
                let mut acc = [[_mm512_setzero_si512(); 2]; M];
                for (acc, &b) in acc.iter_mut().zip(&bias.as_chunks::<M>().0[part]) {
                    *acc = [_mm512_set1_epi32(b); 2];
                }
                for (x, w) in x.iter().zip(weights) {
                    // SAFETY: a `Lanes` is two registers long and aligned to 64 bytes.
                    let (x0, x1) = unsafe {
                        let x = x.0.as_ptr().cast::<__m512i>();
                        (_mm512_load_si512(x), _mm512_load_si512(x.add(1)))
                    };
                    for (acc, &w) in acc.iter_mut().zip(&w.as_chunks::<M>().0[part]) {
                        let w = _mm512_set1_epi32(w);
                        acc[0] = $dot(acc[0], x0, w);
                        acc[1] = $dot(acc[1], x1, w);
                    }
                }
                acc
            }

            /// The tile of outputs `first` to `first + N` of one block.
            #[target_feature(enable = $features)]
            fn outputs<const N: usize>(
                packed: &Packed,
                first: usize,
                weights: &[i32],
                shift: u32,
                x: &[Lanes],
                y: &mut [Lanes],
            ) {
                const { assert!(N.is_multiple_of(2) && N <= TILE && LANES == 32) };
                let bias: &[i32; N] = packed.bias[first..][..N].try_into().expect("N biases");
                let weights = weights.as_chunks::<N>().0;
                let y_pairs = first / 2..first / 2 + N / 2;
                if let Some(multipliers) = packed.narrow.get(y_pairs).filter(|_| x.len() <= FEW) {
                    for (i, (&m, y)) in multipliers.iter().zip(&mut y[first / 2..]).enumerate() {
                        let [low, high] = sums::<N, 2>(i, bias, weights, x);
                        let pair = |h: usize| narrow([low[h], high[h]], m, shift);
                        store([pair(0), pair(1)], y);
                    }
                    return;
                }
                let acc = sums::<N, N>(0, bias, weights, x);
                if packed.multipliers.is_empty() {
                    for (acc, y) in acc.iter().zip(&mut y[first..][..N]) {
                        store(*acc, y);
                    }
                } else if let Some(multipliers) = packed.narrow.get(first / 2..first / 2 + N / 2) {
                    for ((acc, &m), y) in acc.chunks_exact(2).zip(multipliers).zip(&mut y[first / 2..]) {
                        let pair = |h: usize| narrow([acc[0][h], acc[1][h]], m, shift);
                        store([pair(0), pair(1)], y);
                    }
                } else {
                    let multipliers = &packed.multipliers[first..][..N];
                    let pairs = acc.chunks_exact(2).zip(multipliers.chunks_exact(2));
                    for ((acc, m), y) in pairs.zip(&mut y[first / 2..]) {
                        let pair = |h: usize| {
                            let low = requantise(acc[0][h], m[0], shift);
                            let high = requantise(acc[1][h], m[1], shift);
                            _mm512_mask_blend_epi16(0xaaaa_aaaa, low, _mm512_slli_epi32::<16>(high))
                        };
                        store([pair(0), pair(1)], y);
                    }
                }
            }
        }
    };
}
kernel!(bw, "avx512f,avx512bw", |acc, x, w| _mm512_add_epi32(acc, _mm512_madd_epi16(x, w)));
kernel!(vnni, "avx512f,avx512bw,avx512vnni", |acc, x, w| _mm512_dpwssd_epi32(acc, x, w));

#[target_feature(enable = "avx512f,avx512bw")]
fn store(values: [__m512i; 2], y: &mut Lanes) {
    // SAFETY: a `Lanes` is two registers long and aligned to 64 bytes.
    unsafe {
        _mm512_store_si512(y.0.as_mut_ptr().cast(), values[0]);
        _mm512_store_si512(y.0.as_mut_ptr().add(16).cast(), values[1]);
    }
}

/// The activations of two outputs whose t 16 bits can hold, side by side.
#[target_feature(enable = "avx512f,avx512bw")]
fn narrow(acc: [__m512i; 2], m: [i32; 2], shift: u32) -> __m512i {
    let shift = _mm_cvtsi32_si128(shift as i32);
    let t = _mm512_packs_epi32(_mm512_sra_epi32(acc[0], shift), _mm512_sra_epi32(acc[1], shift));
    let t = _mm512_shuffle_epi8(
        t,
        _mm512_broadcast_i32x4(_mm_setr_epi16(
            0x0100, 0x0908, 0x0302, 0x0b0a, 0x0504, 0x0d0c, 0x0706, 0x0f0e,
        )),
    );
    let negative = _mm512_movepi16_mask(t);
    let m = _mm512_mask_blend_epi16(negative, _mm512_set1_epi32(m[0]), _mm512_set1_epi32(m[1]));
    let y = _mm512_min_epi16(_mm512_mulhrs_epi16(t, m), _mm512_set1_epi16(MAX_ACTIVATION as i16));
    _mm512_max_epi16(y, _mm512_set1_epi16(-MAX_ACTIVATION as i16))
}

/// As in `scalar.rs`, of a sum that has its half.
#[target_feature(enable = "avx512f,avx512bw")]
fn requantise(acc: __m512i, m: [i32; 2], shift: u32) -> __m512i {
    let t = _mm512_sra_epi32(acc, _mm_cvtsi32_si128(shift as i32));
    let negative = _mm512_cmplt_epi32_mask(t, _mm512_setzero_si512());
    let m = _mm512_mask_blend_epi32(negative, _mm512_set1_epi32(m[0]), _mm512_set1_epi32(m[1]));
    let y = _mm512_add_epi32(_mm512_mullo_epi32(t, m), _mm512_set1_epi32(1 << 14));
    let y = _mm512_min_epi32(_mm512_srai_epi32::<15>(y), _mm512_set1_epi32(MAX_ACTIVATION));
    _mm512_max_epi32(y, _mm512_set1_epi32(-MAX_ACTIVATION))
}
