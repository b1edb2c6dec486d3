//! Integer dense layers on blocks of rows: a scalar definition, and SIMD that equals it bit for bit.
//!
//! A block holds [`LANES`] rows, column by column: element `p` of a slice of [`Lanes`] holds features 2p (low
//! 16 bits) and 2p + 1 (high 16 bits) of every row, the shape that multiply-add-pairs instructions take. Since
//! a [`FrozenDense`] proves that no sum can overflow, the order of summation does not matter and
//! all kernels agree; the tests hold them to it.

use super::frozen::{FrozenDense, MAX_ACTIVATION};

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod fma;
pub(crate) mod gemm;
#[cfg(target_arch = "aarch64")]
mod neon;
mod pack;
mod scalar;
#[cfg(test)]
mod tests;
mod trial;
pub(crate) mod wide;

pub(super) use pack::Packed;

/// Rows in a block: two AVX-512 or four AVX2 registers.
pub const LANES: usize = 32;

/// One 32-bit value for each row of a block; aligned so that no vector load crosses a cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Lanes(pub [i32; LANES]);

impl Lanes {
    /// All zeros.
    pub const ZERO: Lanes = Lanes([0; LANES]);
}

/// A way to run integer layers. To hold one is to know that this CPU can run it: all but
/// [`Kernel::scalar`] come from a check at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "x86_64")]
    Vnni(avx512::Vnni),
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Neon),
}

impl Kernel {
    /// Plain integer arithmetic, everywhere.
    pub fn scalar() -> Kernel {
        Kernel(Kind::Scalar)
    }

    /// All that this CPU can run, slowest first; the scalar one is always there.
    pub fn available() -> Vec<Kernel> {
        #[allow(unused_mut)]
        let mut kernels = vec![Kind::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            kernels.extend(avx2::Avx2::new().map(Kind::Avx2));
            kernels.extend(avx512::Avx512::new().map(Kind::Avx512));
            kernels.extend(avx512::Vnni::new().map(Kind::Vnni));
        }
        #[cfg(target_arch = "aarch64")]
        kernels.extend(neon::Neon::new().map(Kind::Neon));
        kernels.into_iter().map(Kernel).collect()
    }

    /// The fastest of [`Kernel::available`] that passes its trial against the scalar one, which is held once.
    pub fn best() -> Kernel {
        static BEST: std::sync::OnceLock<Kernel> = std::sync::OnceLock::new();
        let find = || Self::available().into_iter().rev().find(|&k| trial::agrees(k));
        *BEST.get_or_init(|| find().unwrap_or(Kernel::scalar()))
    }

    /// `scalar`, `avx2`, `avx512bw`, `avx512vnni` or `neon`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => "avx512bw",
            #[cfg(target_arch = "x86_64")]
            Kind::Vnni(_) => "avx512vnni",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(_) => "neon",
        }
    }

    /// One layer on one block. `x` holds the inputs in pairs, at least ceil(inputs / 2) [`Lanes`]. A layer
    /// that requantises writes its activations in pairs, ceil(outputs / 2) [`Lanes`]; one that does not
    /// writes its accumulators, one [`Lanes`] an output. `y` must have room for [`FrozenDense::lanes_out`].
    pub fn run(self, layer: &FrozenDense, x: &[Lanes], y: &mut [Lanes]) {
        self.run_first(layer, x, y, LANES)
    }

    /// As [`Kernel::run`], but only the first `rows` rows of what is written mean anything.
    pub fn run_first(self, layer: &FrozenDense, x: &[Lanes], y: &mut [Lanes], rows: usize) {
        assert!(x.len() >= layer.inputs().div_ceil(2) && y.len() >= layer.lanes_out(), "block too short");
        let _ = rows; // some do them all
        match self.0 {
            Kind::Scalar if layer.requantise().is_some() => scalar::activations(layer, x, y),
            Kind::Scalar => scalar::raw(layer, x, y),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(k) => k.run(layer, x, y, rows),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(k) => k.run(layer, x, y),
            #[cfg(target_arch = "x86_64")]
            Kind::Vnni(k) => k.run(layer, x, y),
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(k) => k.run(layer, x, y, rows),
        }
    }
}
