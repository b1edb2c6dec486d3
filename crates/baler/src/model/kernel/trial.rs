//! A trial before use. A kernel that this project's tests have never run on a CPU like the one at hand must not decide
//! what an archive decodes to: it first has to equal the scalar one here, on layers of every size of remainder.

use super::{Kernel, LANES, Lanes};
use crate::model::frozen::{FrozenDense, MAX_ACTIVATION, Requantise};

/// Whether `kernel` equals the scalar one on some six hundred small layers. Takes some milliseconds.
pub fn agrees(kernel: Kernel) -> bool {
    let mut state = 1u64;
    let mut next = move |limit: i64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 33) as i64) % (2 * limit + 1) - limit
    };
    (1..=40usize).all(|outputs| {
        [1usize, 2, 7, 16, 26].into_iter().all(|inputs| {
            let weights: Vec<i16> =
                (0..inputs * outputs).map(|_| next(3200 / inputs as i64) as i16).collect();
            let bias: Vec<i32> = (0..outputs).map(|_| next(100_000) as i32).collect();
            let multipliers = Requantise {
                shift: 8,
                positive: (0..outputs).map(|_| (8000 + next(8000)) as i16).collect(),
                negative: (0..outputs).map(|_| (80 + next(80)) as i16).collect(),
            };
            // What 16 bits cannot hold is clamped.
            let clamping = Requantise {
                shift: 8,
                positive: (0..outputs).map(|_| (14_100 + next(5900)) as i16).collect(),
                negative: (0..outputs).map(|o| (14_100 + next(5900)) as i16 * (o % 3 > 0) as i16).collect(),
            };
            let mut x = vec![Lanes::ZERO; inputs.div_ceil(2)];
            for i in 0..inputs {
                for lane in 0..LANES {
                    let value = next(MAX_ACTIVATION as i64) as i16 as u16 as i32;
                    x[i / 2].0[lane] |= value << (16 * (i % 2));
                }
            }
            [None, Some(multipliers), Some(clamping)].into_iter().all(|requantise| {
                let layer = FrozenDense::new(inputs, outputs, weights.clone(), bias.clone(), requantise);
                let layer = layer.expect("small weights cannot overflow");
                let run = |kernel: Kernel| {
                    let mut y = vec![Lanes::ZERO; layer.lanes_out()];
                    kernel.run(&layer, &x, &mut y);
                    y
                };
                let written = if layer.requantise().is_some() { outputs.div_ceil(2) } else { outputs };
                run(kernel)[..written] == run(Kernel::scalar())[..written]
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_that_this_cpu_has_passes() {
        for kernel in Kernel::available() {
            assert!(agrees(kernel), "{}", kernel.name());
        }
    }
}
