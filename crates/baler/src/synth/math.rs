//! Elementary functions from single IEEE operations: the same bits on every machine, where libm's differ.
//!
//! Written for reproducibility, not for the last digit: about 1e-12 is far more than made-up data needs.

/// 2^x for |x| < 1000; relative error below 1e-13. Taylor's series of 2^f for |f| <= 1/2, then the
/// exponent by its bits.
pub(super) fn exp2(x: f64) -> f64 {
    let whole = (x + 0.5).floor();
    let t = (x - whole) * std::f64::consts::LN_2;
    let series = (1..=13).rev().fold(1.0, |sum, k| 1.0 + t * (1.0 / k as f64) * sum);
    series * f64::from_bits(((whole as i64 + 1023) as u64) << 52)
}

/// Binary logarithm of a positive normal number; error below 1e-14 of the larger of 1 and the result.
/// The mantissa is brought to [0.75, 1.5), where 2 artanh((m - 1) / (m + 1)) converges fast.
pub(super) fn log2(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i64 - 1023;
    let mut m = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    if m >= 1.5 {
        m *= 0.5;
        exponent += 1;
    }
    let r = (m - 1.0) / (m + 1.0);
    let r2 = r * r;
    let series = (0..=11).rev().fold(0.0, |sum, k| 1.0 / (2 * k + 1) as f64 + r2 * sum);
    exponent as f64 + 2.0 * std::f64::consts::LOG2_E * r * series
}

/// x^y for positive x.
pub(super) fn pow(x: f64, y: f64) -> f64 {
    exp2(y * log2(x))
}

/// Sine and cosine of `turns` times 2 pi; error below 1e-11. Taylor's series at an eighth of the angle
/// reduced to half a turn, then doubled three times.
pub(super) fn sin_cos_turns(turns: f64) -> (f64, f64) {
    let t = (turns - (turns + 0.5).floor()) * (std::f64::consts::TAU / 8.0);
    let t2 = t * t;
    // 1 - t2 / (n (n + 1)) (1 - t2 / ((n + 2) (n + 3)) (...)), with the divisions left to the compiler.
    let series = |first: u32| {
        let terms = (0..6).rev().map(|k| 2 * k + first);
        terms.fold(1.0, |sum, n| 1.0 - t2 * (1.0 / (n * (n + 1)) as f64) * sum)
    };
    let (mut sin, mut cos) = (t * series(2), series(1));
    for _ in 0..3 {
        (sin, cos) = (2.0 * sin * cos, (cos - sin) * (cos + sin));
    }
    (sin, cos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_libm() {
        for k in -3000..3000 {
            let x = k as f64 * 0.0137;
            assert!((exp2(x) / x.exp2() - 1.0).abs() < 1e-13, "exp2({x})");
            let y = x.exp2();
            assert!((log2(y) - y.log2()).abs() < 1e-14 * x.abs().max(1.0), "log2({y})");
            let (sin, cos) = sin_cos_turns(x);
            let angle = x * std::f64::consts::TAU;
            assert!((sin - angle.sin()).abs() < 1e-10 && (cos - angle.cos()).abs() < 1e-10, "{x} turns");
        }
        assert_eq!((exp2(0.0), log2(1.0), log2(8.0), exp2(-3.0)), (1.0, 0.0, 3.0, 0.125));
    }
}
