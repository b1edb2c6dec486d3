//! Plain loops, compiled once more for wide registers.
#![allow(unsafe_code)] // calls what not every CPU can run

/// Runs `f` compiled for AVX2 where the CPU has it. The compiler neither fuses nor reorders, so it gives the same bits.
#[inline(always)]
pub fn wide<T>(f: impl FnOnce() -> T) -> T {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn with_avx2<T>(f: impl FnOnce() -> T) -> T {
            f()
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has it.
            return unsafe { with_avx2(f) };
        }
    }
    f()
}
