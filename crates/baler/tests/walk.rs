//! The front end keeps every promise: a strided walk over all f32 (`cargo run --release --example walk` takes all),
//! and millions of f64 where rounding is at its worst.

#[path = "common/exact.rs"]
mod exact;
#[path = "common/walk.rs"]
mod walk;

#[test]
fn every_1009th_f32_keeps_every_bound() {
    let cases = walk::cases();
    for ((name, _), count) in cases.iter().zip(walk::walk(&cases, 1009, 2, |_| ())) {
        assert_eq!(count.violations, 0, "{name}: {:#010x} for one", count.example);
        assert_eq!(count.coded + count.exact + count.special, (1u64 << 32).div_ceil(1009));
        assert!(
            name == "lossless" || count.special > 2 * 8_380_000 / 1009,
            "{name}: NaNs are not told apart"
        );
    }
}
