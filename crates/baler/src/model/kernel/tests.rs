//! Every kernel against the scalar one, bit for bit.

use super::super::frozen::{MAX_ACTIVATION, Requantise};
use super::*;

/// A small generator of test values (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In -`to` to `to`, both included, the ends as often as all between.
    fn within(&mut self, to: i32) -> i32 {
        match self.next() % 4 {
            0 => to,
            1 => -to,
            _ => (self.next() % (2 * to as u64 + 1)) as i32 - to,
        }
    }
}

/// A layer that comes as near to overflow as the proof lets it, or to what 16 bits hold of its sums.
fn random_layer(inputs: usize, outputs: usize, raw: bool, random: &mut Random) -> FrozenDense {
    let shift = 10 + (random.next() % 10) as u32;
    let most = if random.next().is_multiple_of(2) { 65534 } else { 32767 };
    let budget = if raw { i64::MAX } else { (most << shift) - (1 << (shift - 1)) };
    let budget = budget.min((1 << 31) - (1 << 20));
    let weight = (budget / (MAX_ACTIVATION as i64 * inputs as i64)).min(32767) as i32;
    let weights: Vec<i16> = (0..inputs * outputs).map(|_| random.within(weight) as i16).collect();
    let bias = (0..outputs)
        .map(|o| {
            let sum: i64 = weights[o * inputs..][..inputs].iter().map(|w| w.abs() as i64).sum();
            random.within((budget - 1 - sum * MAX_ACTIVATION as i64).min(1 << 30) as i32)
        })
        .collect();
    let requantise = (!raw).then(|| {
        let mut m = || (random.next() % 32768) as i16;
        Requantise {
            shift,
            positive: (0..outputs).map(|_| m()).collect(),
            negative: (0..outputs).map(|_| m()).collect(),
        }
    });
    FrozenDense::new(inputs, outputs, weights, bias, requantise).unwrap()
}

fn random_block(inputs: usize, random: &mut Random) -> Vec<Lanes> {
    let mut half = || random.within(MAX_ACTIVATION);
    (0..inputs.div_ceil(2))
        .map(|_| Lanes(std::array::from_fn(|_| (half() & 0xffff) | half() << 16)))
        .collect()
}

#[test]
fn all_kernels_agree() {
    let kernels = Kernel::available();
    println!("kernels here: {:?}", kernels.iter().map(|k| k.name()).collect::<Vec<_>>());
    let random = &mut Random(1);
    let (mut saturated, mut narrow) = (0, [0; 2]);
    for inputs in [1, 2, 3, 7, 16, 50, 101] {
        for outputs in (1..=27).chain([50, 99, 200]) {
            for raw in [false, true] {
                let layer = random_layer(inputs, outputs, raw, random);
                narrow[layer.narrow() as usize] += usize::from(!raw);
                let x = random_block(inputs, random);
                let mut expected = vec![Lanes::ZERO; layer.lanes_out()];
                Kernel::scalar().run(&layer, &x, &mut expected);
                saturated +=
                    expected.iter().flat_map(|l| l.0).filter(|&v| v as i16 as i32 == MAX_ACTIVATION).count();
                for &kernel in &kernels {
                    let mut y = vec![Lanes([-1; LANES]); layer.lanes_out()];
                    kernel.run(&layer, &x, &mut y);
                    let used = if raw { outputs } else { y.len() };
                    assert!(
                        y[..used] == expected[..used],
                        "{} {inputs} to {outputs} raw {raw}",
                        kernel.name()
                    );
                }
            }
        }
    }
    assert!(saturated > 1000, "only {saturated} activations reached the clamp");
    assert!(narrow.iter().all(|&layers| layers > 50), "{narrow:?} layers are wide and narrow");
}

#[test]
fn a_layer_by_hand() {
    // 3 inputs, 2 outputs: acc = [10 + 2*100 - 3*50 + 0, -10 + ...]; M of 2^14 with shift 1 is a quarter.
    let requantise = Requantise { shift: 1, positive: vec![1 << 14, 1 << 14], negative: vec![1 << 13, 0] };
    let layer = FrozenDense::new(3, 2, vec![2, -3, 1, -2, 3, 1], vec![10, -10], Some(requantise)).unwrap();
    let x = [Lanes([100 | 50 << 16; LANES]), Lanes([(-7i32) & 0xffff; LANES])];
    for kernel in Kernel::available() {
        let mut y = [Lanes::ZERO];
        kernel.run(&layer, &x, &mut y);
        // acc 10 + 200 - 150 - 7 = 53, t = 27, y = (27 * 2^14 + 2^14) >> 15 = 14
        // acc -10 - 200 + 150 - 7 = -67, t = -33, M = 0, y = 0
        assert_eq!(y[0].0, [14; LANES], "{}", kernel.name());
    }
}
