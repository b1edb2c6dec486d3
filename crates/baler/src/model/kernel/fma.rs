//! Float matrix products by AVX2 and FMA, for matrices as small as layers are.
//!
//! Sums stay in registers: 6 rows x 16 columns, each step 12 multiply-adds, 2 loads and 6 broadcasts, so that two
//! multiply-adds a cycle are the limit. (4 x 24 has fewer loads, but the compiler spills a sum and loses half.) Columns are
//! gathered 16 at a time, [`DEPTH`] steps deep, so that they stay in the first-level cache while all rows pass; rows are
//! read where they stand. Where few rows meet many steps, and both stand along the sum, gathering would cost as much as
//! multiplying: then sums of eight lanes each, 3 rows x 4 columns, are added across at the end.
//!
//! Fused: a product and a sum round once here, twice elsewhere, and sums are cut otherwise than the crate's. That is fine for
//! training and for the float reference, whose last bits are nobody's promise, and for nothing else: no decoder comes here. On
//! one machine a result depends on the shapes alone, never on threads.
//!
//! The sibling everywhere else is the crate `gemm-f32`, beside which, on the layers of the model `AE`, 128 rows at a time, a
//! Zen 3 core takes three quarters of the time. A Zen 4 core, which runs AVX-512 in halves, takes 0.85 of what the crate's
//! AVX-512 takes (486 and 575 us); this kernel in registers of 16, 12 rows x 32 columns, took 493 us.
#![allow(unsafe_code)] // loads and stores through pointers

use std::arch::x86_64::*;
use std::mem::MaybeUninit;
use std::sync::LazyLock;

/// Values of a register.
const LANES: usize = 8;
/// Steps of a sum at once: so many of 16 columns take half of a first-level cache.
const DEPTH: usize = 256;
/// The same where nothing is gathered.
const DOT_DEPTH: usize = 512;
/// With fewer rows, columns that stand side by side are read where they stand.
const GATHER_FROM: usize = 16;

/// A matrix that is read.
#[derive(Clone, Copy)]
pub struct Matrix {
    /// Its first element.
    pub at: *const f32,
    /// From row to row, and from column to column.
    pub stride: (usize, usize),
}

impl Matrix {
    fn from(self, row: usize, column: usize) -> Matrix {
        Matrix { at: self.at.wrapping_add(row * self.stride.0 + column * self.stride.1), ..self }
    }
}

/// A matrix that is written, whose columns stand side by side.
#[derive(Clone, Copy)]
pub struct Output {
    /// Its first element.
    pub at: *mut f32,
    /// From row to row.
    pub stride: usize,
    /// Whether products are added to what is there.
    pub add: bool,
    /// Added to each column, unless null; then the activation of this slope follows.
    pub bias: *const f32,
    /// For negative values.
    pub slope: f32,
}

impl Output {
    fn from(self, row: usize, column: usize) -> Output {
        let bias = if self.bias.is_null() { self.bias } else { self.bias.wrapping_add(column) };
        Output { at: self.at.wrapping_add(row * self.stride + column), bias, ..self }
    }

    /// For the part of the sums from step `first` of all to before `end`.
    fn part(self, first: usize, end: usize, all: usize) -> Output {
        let bias = if end == all { self.bias } else { std::ptr::null() };
        Output { add: self.add || first > 0, bias, ..self }
    }
}

/// Proof that the CPU has AVX2 and FMA.
#[derive(Clone, Copy)]
pub struct Fma(());

impl Fma {
    /// The proof, where the CPU gives it and has nothing that is twice as fast, for which the crate has kernels.
    pub fn new() -> Option<Fma> {
        let fits = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        (fits && (!is_x86_feature_detected!("avx512f") || has_halved_registers())).then_some(Fma(()))
    }

    /// `c` = `a` `b`, with what `c` says before and after; m x n by m x k and k x n.
    ///
    /// # Safety
    ///
    /// All elements of the three must be there, `c` must be apart from the others, `n` values behind `bias` unless it is
    /// null, and a stride of each of `a` and `b` must be 1.
    pub unsafe fn multiply(self, c: Output, a: Matrix, b: Matrix, shape: (usize, usize, usize)) {
        // SAFETY: `self` proves that the CPU has the features, the caller the rest.
        unsafe {
            match b.stride.1 != 1 && a.stride.1 == 1 && prefers_dots(shape) {
                true => dots(c, a, b, shape),
                false => outer(c, a, b, shape),
            }
        }
    }
}

/// Whether the CPU runs AVX-512 as two halves (AMD's family 25, Zen 4), so that it multiplies no more a cycle than AVX2 does.
fn has_halved_registers() -> bool {
    // Asked once: under a hypervisor an answer takes longer than a product.
    static ANSWER: LazyLock<bool> = LazyLock::new(|| {
        // SAFETY: every CPU with AVX-512 knows these leaves.
        #[allow(unused_unsafe)] // safe in later versions of Rust
        let [maker, version] = unsafe { [__cpuid(0), __cpuid(1)] };
        let family = ((version.eax >> 8) & 0xf) + ((version.eax >> 20) & 0xff);
        let name = [maker.ebx, maker.edx, maker.ecx].map(u32::to_le_bytes);
        name.as_flattened() == b"AuthenticAMD" && family == 25
    });
    *ANSWER
}

/// Compares what both ways take, in 80ths of a cycle: two multiply-adds a cycle or nearly, a cycle for each value that
/// is gathered across, three for each sum that is added across.
fn prefers_dots((m, n, k): (usize, usize, usize)) -> bool {
    m * n * (5 * k + 260) < m * k * n.div_ceil(LANES) * 40 + n * k * 80
}

/// Sixteen columns after the other.
///
/// # Safety
///
/// As of [`Fma::multiply`].
#[target_feature(enable = "avx2,fma")]
unsafe fn outer(c: Output, a: Matrix, b: Matrix, (m, n, k): (usize, usize, usize)) {
    let mut gathered = Gathered([MaybeUninit::uninit(); DEPTH * 2 * LANES]);
    for first in (0..k).step_by(DEPTH) {
        let depth = DEPTH.min(k - first);
        let (c, a) = (c.part(first, first + depth, k), a.from(0, first));
        for column in (0..n).step_by(2 * LANES) {
            let columns = (n - column).min(2 * LANES);
            let width = columns.next_multiple_of(LANES);
            let mut b = b.from(first, column);
            // SAFETY: what is gathered are the `columns` of `b` from here on, of which there are as many.
            unsafe {
                if b.stride.1 != 1 || columns != width || m >= GATHER_FROM {
                    b = gather(b, depth, columns, width, &mut gathered);
                }
                match width {
                    LANES => each_tile::<1>(c.from(0, column), a, b, (m, columns, depth)),
                    _ => each_tile::<2>(c.from(0, column), a, b, (m, columns, depth)),
                }
            }
        }
    }
}

/// Columns that are worked on; aligned so that no load crosses a cache line.
#[repr(C, align(64))]
struct Gathered([MaybeUninit<f32>; DEPTH * 2 * LANES]);

/// `depth` rows of the first `columns` of `b`, one behind the other, each filled up to `width` with zeros.
///
/// # Safety
///
/// `b` must have them; depth <= [`DEPTH`], columns <= width <= 2 [`LANES`].
#[target_feature(enable = "avx2,fma")]
unsafe fn gather(b: Matrix, depth: usize, columns: usize, width: usize, gathered: &mut Gathered) -> Matrix {
    let to = gathered.0.as_mut_ptr().cast::<f32>();
    let end = columns.next_multiple_of(LANES);
    debug_assert!(end == width && depth <= DEPTH && width <= 2 * LANES);
    for column in (0..width).step_by(LANES) {
        let here = (columns - column).min(LANES);
        let (from, mask) = (b.from(0, column), mask(here));
        // SAFETY: `to` has `depth` rows of `width`; `mask` and `here` keep reads within the columns that are there.
        unsafe {
            if b.stride.1 == 1 {
                for p in 0..depth {
                    let values = match here {
                        LANES => _mm256_loadu_ps(from.from(p, 0).at),
                        _ => _mm256_maskload_ps(from.from(p, 0).at, mask),
                    };
                    _mm256_store_ps(to.add(p * width + column), values);
                }
                continue;
            }
            let whole = depth / LANES * LANES;
            for p in (0..whole).step_by(LANES) {
                let mut block = [_mm256_setzero_ps(); LANES];
                for (i, row) in block.iter_mut().enumerate().take(here) {
                    *row = _mm256_loadu_ps(from.from(p, i).at);
                }
                for (i, row) in transpose(block).into_iter().enumerate() {
                    _mm256_store_ps(to.add((p + i) * width + column), row);
                }
            }
            for p in whole..depth {
                for i in 0..LANES {
                    *to.add(p * width + column + i) = if i < here { *from.from(p, i).at } else { 0.0 };
                }
            }
        }
    }
    Matrix { at: to, stride: (width, 1) }
}

/// Rows and columns of a block exchanged.
#[target_feature(enable = "avx2,fma")]
fn transpose(r: [__m256; LANES]) -> [__m256; LANES] {
    // Pairs of rows, then pairs of pairs: t[i] holds columns of four rows in each half.
    let mut t = r;
    for i in [0, 2, 4, 6] {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    let mut u = t;
    for i in [0, 4] {
        u[i] = _mm256_shuffle_ps::<0x44>(t[i], t[i + 2]);
        u[i + 1] = _mm256_shuffle_ps::<0xee>(t[i], t[i + 2]);
        u[i + 2] = _mm256_shuffle_ps::<0x44>(t[i + 1], t[i + 3]);
        u[i + 3] = _mm256_shuffle_ps::<0xee>(t[i + 1], t[i + 3]);
    }
    let mut out = u;
    for i in 0..4 {
        out[i] = _mm256_permute2f128_ps::<0x20>(u[i], u[i + 4]);
        out[i + 4] = _mm256_permute2f128_ps::<0x31>(u[i], u[i + 4]);
    }
    out
}

/// All rows of V registers of columns: tiles as high as twelve sums allow, and of nearly the same height.
///
/// # Safety
///
/// As of [`Fma::multiply`]; `b` must have V x [`LANES`] columns, `c` so many as the shape says.
#[target_feature(enable = "avx2,fma")]
unsafe fn each_tile<const V: usize>(c: Output, a: Matrix, b: Matrix, (m, n, k): (usize, usize, usize)) {
    let tiles = m.div_ceil(12 / V);
    let mut row = 0;
    for i in 0..tiles {
        let height = (m - row).div_ceil(tiles - i);
        let (c, a) = (c.from(row, 0), a.from(row, 0));
        macro_rules! tile {
            ($($height:literal)*) => {
                match height {
                    // SAFETY: so many rows are left.
                    $($height => unsafe { tile::<$height, V>(c, a, b, n, k) },)*
                    _ => unreachable!("at most 12 / V"),
                }
            };
        }
        match V {
            1 => tile!(1 2 3 4 5 6 7 8 9 10 11 12),
            _ => tile!(1 2 3 4 5 6),
        }
        row += height;
    }
}

/// M rows of V registers of columns, of which `n` are there.
///
/// # Safety
///
/// As of [`each_tile`].
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const M: usize, const V: usize>(c: Output, a: Matrix, b: Matrix, n: usize, k: usize) {
    // SAFETY: the caller's.
    let sums = unsafe { accumulate::<M, V>(a, b, k) };
    let rest = n - (V - 1) * LANES;
    for (i, sums) in sums.iter().enumerate() {
        for (v, &sum) in sums.iter().enumerate() {
            let c = c.from(i, v * LANES);
            // SAFETY: so many columns are there.
            unsafe {
                match v + 1 < V || rest == LANES {
                    true => finish::<true>(c, sum, mask(LANES)),
                    false => finish::<false>(c, sum, mask(rest)),
                }
            }
        }
    }
}

/// Sums of `k` steps. (Apart, so that all of them get registers.)
///
/// # Safety
///
/// As of [`each_tile`].
#[target_feature(enable = "avx2,fma")]
#[inline(never)]
unsafe fn accumulate<const M: usize, const V: usize>(a: Matrix, b: Matrix, k: usize) -> [[__m256; V]; M] {
    let mut acc = [[_mm256_setzero_ps(); V]; M];
    let (mut x, mut w) = (a.at, b.at);
    for _ in 0..k {
        // SAFETY: M values of `a` stand behind `x` at its stride, V x LANES of `b` behind `w`; both go on by a step.
        unsafe {
            let mut weights = [_mm256_setzero_ps(); V];
            for (v, weights) in weights.iter_mut().enumerate() {
                *weights = _mm256_loadu_ps(w.add(v * LANES));
            }
            for (i, acc) in acc.iter_mut().enumerate() {
                let x = _mm256_broadcast_ss(&*x.add(i * a.stride.0));
                for (acc, w) in acc.iter_mut().zip(weights) {
                    *acc = _mm256_fmadd_ps(x, w, *acc);
                }
            }
        }
        (x, w) = (x.wrapping_add(a.stride.1), w.wrapping_add(b.stride.0));
    }
    acc
}

/// Writes eight sums, or with `mask` fewer.
///
/// # Safety
///
/// `c` must have them.
#[target_feature(enable = "avx2,fma")]
unsafe fn finish<const ALL: bool>(c: Output, mut sum: __m256, mask: __m256i) {
    // SAFETY: as many as the mask says are there.
    unsafe {
        let load = |at| if ALL { _mm256_loadu_ps(at) } else { _mm256_maskload_ps(at, mask) };
        if c.add {
            sum = _mm256_add_ps(load(c.at), sum);
        }
        if !c.bias.is_null() {
            sum = _mm256_add_ps(sum, load(c.bias));
            let bent = _mm256_mul_ps(sum, _mm256_set1_ps(c.slope));
            let positive = _mm256_cmp_ps::<_CMP_GT_OQ>(sum, _mm256_setzero_ps());
            sum = _mm256_blendv_ps(bent, sum, positive);
        }
        match ALL {
            true => _mm256_storeu_ps(c.at, sum),
            false => _mm256_maskstore_ps(c.at, mask, sum),
        }
    }
}

/// As [`finish`] for four, without a mask: stores under one are slow.
///
/// # Safety
///
/// As of [`finish`].
#[target_feature(enable = "avx2,fma")]
unsafe fn finish_four(c: Output, mut sum: __m128) {
    // SAFETY: the caller's.
    unsafe {
        if c.add {
            sum = _mm_add_ps(_mm_loadu_ps(c.at), sum);
        }
        if !c.bias.is_null() {
            sum = _mm_add_ps(sum, _mm_loadu_ps(c.bias));
            let bent = _mm_mul_ps(sum, _mm_set1_ps(c.slope));
            sum = _mm_blendv_ps(bent, sum, _mm_cmpgt_ps(sum, _mm_setzero_ps()));
        }
        _mm_storeu_ps(c.at, sum);
    }
}

/// The first `n` lanes.
#[target_feature(enable = "avx2,fma")]
fn mask(n: usize) -> __m256i {
    _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
}

/// Rows of `a` with columns of `b`, both along the sum.
///
/// # Safety
///
/// As of [`Fma::multiply`]; steps of a sum must stand side by side in both.
#[target_feature(enable = "avx2,fma")]
unsafe fn dots(c: Output, a: Matrix, b: Matrix, (m, n, k): (usize, usize, usize)) {
    for first in (0..k).step_by(DOT_DEPTH) {
        let depth = DOT_DEPTH.min(k - first);
        let c = c.part(first, first + depth, k);
        for column in (0..n).step_by(4) {
            for row in (0..m).step_by(3) {
                let (c, a, b) = (c.from(row, column), a.from(row, first), b.from(first, column));
                macro_rules! dot {
                    ($($m:literal $n:literal),*) => {
                        match (3.min(m - row), 4.min(n - column)) {
                            // SAFETY: so many rows and columns are left.
                            $(($m, $n) => unsafe { dot::<$m, $n>(c, a, b, depth) },)*
                            _ => unreachable!("at most 3 x 4"),
                        }
                    };
                }
                dot!(1 1, 1 2, 1 3, 1 4, 2 1, 2 2, 2 3, 2 4, 3 1, 3 2, 3 3, 3 4);
            }
        }
    }
}

/// M x N sums.
///
/// # Safety
///
/// As of [`dots`].
#[target_feature(enable = "avx2,fma")]
unsafe fn dot<const M: usize, const N: usize>(c: Output, a: Matrix, b: Matrix, k: usize) {
    let mut acc = [[_mm256_setzero_ps(); 4]; M];
    let whole = k / LANES * LANES;
    // SAFETY: reads stay within `k` steps of M rows and N columns, writes within N columns of M rows.
    unsafe {
        for p in (0..whole).step_by(LANES) {
            let mut x = [_mm256_setzero_ps(); M];
            for (i, x) in x.iter_mut().enumerate() {
                *x = _mm256_loadu_ps(a.from(i, p).at);
            }
            for j in 0..N {
                let w = _mm256_loadu_ps(b.from(p, j).at);
                for i in 0..M {
                    acc[i][j] = _mm256_fmadd_ps(x[i], w, acc[i][j]);
                }
            }
        }
        if whole < k {
            let mask = mask(k - whole);
            for j in 0..N {
                let w = _mm256_maskload_ps(b.from(whole, j).at, mask);
                for i in 0..M {
                    let x = _mm256_maskload_ps(a.from(i, whole).at, mask);
                    acc[i][j] = _mm256_fmadd_ps(x, w, acc[i][j]);
                }
            }
        }
        let columns = mask(N);
        for (i, [s0, s1, s2, s3]) in acc.into_iter().enumerate() {
            let sums = _mm256_hadd_ps(_mm256_hadd_ps(s0, s1), _mm256_hadd_ps(s2, s3));
            let sums = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps::<1>(sums));
            match N {
                4 => finish_four(c.from(i, 0), sums),
                _ => finish::<false>(c.from(i, 0), _mm256_castps128_ps256(sums), columns),
            }
        }
    }
}
