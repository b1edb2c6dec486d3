//! A trial before use, as that of the dense layers' kernels: a kernel that this project's tests have never run on a CPU
//! like the one at hand has to equal the scalar one there before it decides what an archive decodes to.

use super::{Intervals, Kernel, LANES, Lanes, Step};
use crate::codec::table::net::first::{First, Group, Units};

/// Everything that one random step gives: what is found, what is looked up, the states after, the activations of a first
/// layer.
pub fn run(kernel: Kernel, seed: u64) -> (Intervals, Intervals, Lanes, usize, Vec<i32>) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
    let mut below = |limit: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 33) % limit) as i32
    };
    let mixture = below(2) == 0;
    let symbols = match (mixture, below(3)) {
        (false, _) => 2 + below(15),
        (true, 0) => 2 + below(14),
        (true, _) => 2 + below(1500),
    };
    let wild = if below(3) == 0 { 8191 } else { 80 };
    let mut output = || below(2 * wild as u64 + 1) - wild;
    let outputs: Vec<Lanes> =
        (0..9).map(|_| Lanes(std::array::from_fn(|_| (output() & 0xffff) | output() << 16))).collect();
    let classes = 1 + below(3);
    let mut edges = vec![];
    for _ in 0..if mixture { classes } else { 0 } {
        let mut scores: Vec<i32> = (0..symbols).map(|_| below(32767) - 16383).collect();
        let mut shares: Vec<i32> = (0..symbols).map(|_| below(65536)).collect();
        scores.sort_unstable();
        shares.sort_unstable();
        scores[symbols as usize - 1] = 32767;
        edges.extend(scores.iter().zip(&shares).map(|(a, b)| a << 16 | b));
    }
    let mut lanes = |limit: i32| Lanes(std::array::from_fn(|_| below(limit as u64)));
    let before = Lanes(lanes(symbols + 1).0.map(|s| s - 1));
    let score = Lanes(lanes(32767).0.map(|s| s - 16383));
    let class = if mixture { Lanes(lanes(classes).0.map(|c| c * symbols)) } else { Lanes::ZERO };
    let (at, wanted) = (lanes(1 << 16), lanes(symbols));
    let mut states = Lanes(std::array::from_fn(|s| at.0[s] | lanes(1 << 16).0[s] << 16));
    let active = 1 + lanes(LANES as i32).0[0] as usize;
    let words: Vec<u16> = lanes(1 << 16).0[..seed as usize % 32].iter().map(|&w| w as u16).collect();
    let step = Step {
        outputs: &outputs,
        before: &before,
        score: &score,
        class: &class,
        edges: &edges,
        symbols,
        active,
    };
    let found = kernel.find(mixture, &step, &at);
    let mut drawn = seed as usize % 3;
    kernel.advance(&mut states, &found, active, &words, &mut drawn);
    let looked_up = kernel.look_up(mixture, &step, &wanted);
    let mut units = |limit: i32| Units(std::array::from_fn(|_| below(2 * limit as u64 + 1) - limit));
    // Sums of up to 1.8 million: 16 bits hold them once they have lost six; when they have lost five, multipliers clamp the rest.
    let (shift, least) = if seed.is_multiple_of(4) { (5, 8192) } else { (6 + seed as u32 % 9, 0) };
    let group = |_| Group {
        bias: units(1 << 20),
        multipliers: Units(units(32767 - least).0.map(|m| m.abs() + least)),
        tables: (0..3).map(|_| (0..9).map(|_| units(1 << 18)).collect()).collect(),
    };
    let layer = First { groups: (0..1 + seed / 4 % 2).map(group).collect(), shift, narrow: true };
    let symbols: [[u16; LANES]; 3] = std::array::from_fn(|_| std::array::from_fn(|_| below(9) as u16));
    let mut out = vec![Lanes::ZERO; layer.lanes_out()];
    kernel.first(&layer, &symbols.each_ref(), active, &mut out);
    let activations = out.iter().flat_map(|o| o.0[..active].to_vec()).collect();
    (found, looked_up, states, drawn, activations)
}

/// Whether `kernel` equals the scalar one on a hundred random steps. Takes a few milliseconds.
pub fn agrees(kernel: Kernel) -> bool {
    (0..100).all(|seed| run(kernel, seed) == run(Kernel::scalar(), seed))
}
