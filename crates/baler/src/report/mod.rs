//! Pictures of what was lost: fields as images, columns as histograms.

mod canvas;
mod colour;
pub mod columns;
pub mod frames;

/// A number in four significant digits, in powers of ten where that is shorter.
fn short(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 || !x.is_finite() {
        return format!("{x:.0}");
    }
    let plain = if (1e-3..1e5).contains(&size) {
        let decimals = (3 - size.log10().floor() as i32).max(0) as usize;
        format!("{x:.decimals$}")
    } else {
        format!("{x:.3e}")
    };
    match plain.split_once('e') {
        Some((digits, exponent)) => format!("{}e{exponent}", trimmed(digits)),
        None => trimmed(&plain).to_string(),
    }
}

/// Digits without the zeros that end a fraction.
fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// Least and greatest of the finite values; `None` where there are none.
fn finite_range<'a>(values: impl IntoIterator<Item = &'a f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|v| v.is_finite()).fold(None, |range, &v| match range {
        None => Some((v, v)),
        Some((low, high)) => Some((low.min(v), high.max(v))),
    })
}

/// What became of a value: how far off it is, 0 where both are the same NaN or infinity. Infinite where only
/// one of the two is finite, or they are different infinities.
fn residual(before: f64, after: f64) -> f64 {
    if before == after || (before.is_nan() && after.is_nan()) {
        0.0
    } else if before.is_finite() && after.is_finite() {
        after - before
    } else {
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (x, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (-0.5, "-0.5"),
            (1234.0, "1234"),
            (99999.0, "99999"),
            (299.123456, "299.1"),
            (0.00123456, "0.001235"),
            (1e-7, "1e-7"),
            (-1.5e20, "-1.5e20"),
            (100.0, "100"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(short(x), text);
        }
    }

    #[test]
    fn residuals_of_special_values() {
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        for (before, after, want) in [
            (1.0, 1.5, 0.5),
            (nan, nan, 0.0),
            (inf, inf, 0.0),
            (-inf, inf, inf),
            (nan, 0.0, inf),
            (0.0, nan, inf),
        ] {
            assert_eq!(residual(before, after), want);
        }
    }
}
