//! Code compiled for the processor at hand. The same source, so the same single operations and the same bits: only the
//! width of the vectors differs. (Rust never fuses a product into a sum.) What compilers do not make vectors of is written
//! twice, moves bits alone, and is held equal by tests: see [`Vectors`].
#![allow(unsafe_code)] // calls of what was compiled for more than is known of every processor

use crate::codec::field::fast::vectors::Vectors;

/// Proof that a processor has what some code wants.
pub trait Cpu: Vectors {}

/// Any processor.
#[derive(Clone, Copy)]
pub struct Portable;

impl Cpu for Portable {}

/// A processor that has been seen to have AVX2, BMI1, BMI2, LZCNT and POPCNT. What takes this must be inlined into code that
/// is compiled for them, or it is slow.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub struct Avx2(());

#[cfg(target_arch = "x86_64")]
impl Cpu for Avx2 {}

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    /// The proof, where the processor gives it.
    pub fn new() -> Option<Avx2> {
        let has = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        has.then_some(Avx2(()))
    }
}

/// Work worth compiling more than once. `run` and all that it calls must be inlined, or it is compiled only once.
pub trait Job {
    /// What comes of it.
    type Outcome;
    /// Does it.
    fn run(self, cpu: impl Cpu) -> Self::Outcome;
}

/// Runs a job as fast as this processor can; `portable` keeps to the portable build.
pub fn best<J: Job>(job: J, portable: bool) -> J::Outcome {
    #[cfg(target_arch = "x86_64")]
    if let Some(cpu) = Avx2::new().filter(|_| !portable) {
        // SAFETY: the processor has been seen to have every feature that the function is compiled for.
        return unsafe { avx2(job, cpu) };
    }
    let _ = portable;
    job.run(Portable)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn avx2<J: Job>(job: J, cpu: Avx2) -> J::Outcome {
    job.run(cpu)
}
