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

/// A layer that comes as near to overflow as the proof lets it, or to what 16 bits hold of its sums, or whose multipliers clamp
/// what they do not hold.
fn random_layer(inputs: usize, outputs: usize, raw: bool, random: &mut Random) -> FrozenDense {
    let shift = 10 + (random.next() % 10) as u32;
    let kind = random.next() % 3;
    let most = if kind == 0 { 32767 } else { 65534 };
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
        let mut m = |negative| match (kind, random.next() % 4) {
            (0 | 1, _) => (random.next() % 32768) as i16,
            (_, 0) if negative => 0,
            (_, 0 | 1) => 8192,
            (_, 2) => 32767,
            _ => (8192 + random.next() % 24576) as i16,
        };
        Requantise {
            shift,
            positive: (0..outputs).map(|_| m(false)).collect(),
            negative: (0..outputs).map(|_| m(true)).collect(),
        }
    });
    FrozenDense::new(inputs, outputs, weights, bias, requantise).unwrap()
}

/// Inputs of `layer`: every other lane's take one of its outputs as far as it goes, up or down.
fn random_block(layer: &FrozenDense, random: &mut Random) -> Vec<Lanes> {
    let inputs = layer.inputs();
    let mut half =
        |lane: usize, i: usize| match (lane % 2, layer.weights().get(lane % layer.outputs() * inputs + i)) {
            (0, Some(&w)) if i < inputs => w.signum() as i32 * MAX_ACTIVATION * (1 - (lane & 2) as i32),
            _ => random.within(MAX_ACTIVATION),
        };
    (0..inputs.div_ceil(2))
        .map(|p| {
            Lanes(std::array::from_fn(|lane| (half(lane, 2 * p) & 0xffff) | half(lane, 2 * p + 1) << 16))
        })
        .collect()
}

/// How many of a narrow layer's t 16 bits do not hold.
fn beyond(layer: &FrozenDense, x: &[Lanes]) -> usize {
    let Some(shift) = layer.requantise().map(|r| r.shift).filter(|_| layer.narrow()) else { return 0 };
    let (weights, bias) = (layer.weights().to_vec(), layer.bias().to_vec());
    let sums = FrozenDense::new(layer.inputs(), layer.outputs(), weights, bias, None).unwrap();
    let mut y = vec![Lanes::ZERO; sums.lanes_out()];
    Kernel::scalar().run(&sums, x, &mut y);
    let t = |acc: i32| (acc + (1 << (shift - 1))) >> shift;
    y[..layer.outputs()].iter().flat_map(|y| y.0).filter(|&acc| t(acc) != t(acc) as i16 as i32).count()
}

#[test]
fn all_kernels_agree() {
    let kernels = Kernel::available();
    println!("kernels here: {:?}", kernels.iter().map(|k| k.name()).collect::<Vec<_>>());
    let random = &mut Random(1);
    let (mut saturated, mut not_held, mut narrow) = (0, 0, [0; 2]);
    for inputs in [1, 2, 3, 7, 16, 50, 101] {
        for outputs in (1..=27).chain([50, 99, 200]) {
            for raw in [false, true] {
                let layer = random_layer(inputs, outputs, raw, random);
                narrow[layer.narrow() as usize] += usize::from(!raw);
                let x = random_block(&layer, random);
                not_held += beyond(&layer, &x);
                let mut expected = vec![Lanes::ZERO; layer.lanes_out()];
                Kernel::scalar().run(&layer, &x, &mut expected);
                saturated +=
                    expected.iter().flat_map(|l| l.0).filter(|&v| v as i16 as i32 == MAX_ACTIVATION).count();
                let used = if raw { outputs } else { expected.len() };
                for &kernel in &kernels {
                    for rows in [LANES, 1, 7, 8, 9, 16, 17] {
                        let mut y = vec![Lanes([-1; LANES]); layer.lanes_out()];
                        kernel.run_first(&layer, &x, &mut y, rows);
                        let agree = |(y, e): (&Lanes, &Lanes)| y.0[..rows] == e.0[..rows];
                        assert!(
                            y[..used].iter().zip(&expected).all(agree),
                            "{} {inputs} to {outputs} raw {raw} of {rows} rows",
                            kernel.name()
                        );
                    }
                }
            }
        }
    }
    assert!(saturated > 1000, "only {saturated} activations reached the clamp");
    assert!(not_held > 1000, "only {not_held} sums were beyond 16 bits");
    assert!(narrow.iter().all(|&layers| layers > 30), "{narrow:?} layers are wide and narrow");
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
