//! Every kernel against the scalar one, bit for bit, and the scalar one against itself.

use super::*;

#[test]
fn all_kernels_agree() {
    for kernel in Kernel::available() {
        println!("{}", kernel.name());
        for seed in 0..3000 {
            assert!(
                trial::run(kernel, seed) == trial::run(Kernel::scalar(), seed),
                "{} {seed}",
                kernel.name()
            );
        }
    }
}

#[test]
fn what_is_found_is_what_is_looked_up() {
    for symbols in [2, 3, 17, 700] {
        let outputs: Vec<Lanes> =
            (0..6).map(|o| Lanes(std::array::from_fn(|s| (o * 7 + s as i32) % 40 - 20))).collect();
        let edges: Vec<i32> = (0..symbols).map(|i| ((i * 20 - 7000) << 16) | (i * 60)).collect();
        let step = Step {
            outputs: &outputs,
            before: &Lanes([1; LANES]),
            score: &Lanes([-100; LANES]),
            class: &Lanes::ZERO,
            edges: &edges,
            symbols,
            active: LANES,
        };
        for at in (0..1 << 16).step_by(211) {
            let found = Kernel::scalar().find(true, &step, &Lanes([at; LANES]));
            assert_eq!(Kernel::scalar().look_up(true, &step, &found.symbol), found);
            assert!((0..LANES).all(|s| (found.start.0[s]..found.start.0[s] + found.size.0[s]).contains(&at)));
        }
    }
}
