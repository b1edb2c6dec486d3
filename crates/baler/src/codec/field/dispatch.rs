//! [`walk`] compiled for the processor at hand. The same source, so the same single operations and the same bits:
//! only the width of the vectors differs. (Rust never fuses a product into a sum.)
#![allow(unsafe_code)]

use super::domain::{Absolute, Domain, Integers};
use super::kernel::{LANES, walk};
use crate::codec::range_coder::{Coder, Decoder, Encoder};

/// A domain whose walk may be compiled more than once.
pub trait Walkable: Domain {
    /// [`walk`], as fast as this processor can; `plain` forces the portable build of it.
    fn encode(
        self,
        coders: &mut [Encoder; LANES],
        dims: [usize; 3],
        weights: &[i16],
        special: &[u8],
        values: &mut [Self::Value],
        plain: bool,
    );
    /// The inverse of [`Walkable::encode`].
    fn decode(
        self,
        coders: &mut [Decoder; LANES],
        dims: [usize; 3],
        weights: &[i16],
        special: &[u8],
        values: &mut [Self::Value],
        plain: bool,
    );
}

macro_rules! walkable {
    ($domain:ty, $module:ident) => {
        mod $module {
            use super::*;
            type Value = <$domain as Domain>::Value;

            pub fn plain<C: Coder>(
                d: $domain,
                c: &mut [C; LANES],
                dims: [usize; 3],
                w: &[i16],
                s: &[u8],
                v: &mut [Value],
            ) {
                walk(d, c, dims, w, s, v)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
            pub fn avx2<C: Coder>(
                d: $domain,
                c: &mut [C; LANES],
                dims: [usize; 3],
                w: &[i16],
                s: &[u8],
                v: &mut [Value],
            ) {
                walk(d, c, dims, w, s, v)
            }

            pub fn best<C: Coder>(
                d: $domain,
                c: &mut [C; LANES],
                dims: [usize; 3],
                w: &[i16],
                s: &[u8],
                v: &mut [Value],
                force_plain: bool,
            ) {
                #[cfg(target_arch = "x86_64")]
                if !force_plain
                    && is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("bmi1")
                    && is_x86_feature_detected!("bmi2")
                    && is_x86_feature_detected!("lzcnt")
                {
                    // SAFETY: the processor has just been seen to have every feature that the function is compiled for.
                    return unsafe { avx2(d, c, dims, w, s, v) };
                }
                let _ = force_plain;
                plain(d, c, dims, w, s, v)
            }
        }

        impl Walkable for $domain {
            fn encode(
                self,
                c: &mut [Encoder; LANES],
                dims: [usize; 3],
                w: &[i16],
                s: &[u8],
                v: &mut [Self::Value],
                plain: bool,
            ) {
                $module::best(self, c, dims, w, s, v, plain)
            }
            fn decode(
                self,
                c: &mut [Decoder; LANES],
                dims: [usize; 3],
                w: &[i16],
                s: &[u8],
                v: &mut [Self::Value],
                plain: bool,
            ) {
                $module::best(self, c, dims, w, s, v, plain)
            }
        }
    };
}
walkable!(Absolute<f32>, single);
walkable!(Absolute<f64>, double);
walkable!(Integers, integers);
