//! Numbers as they are written in pictures.

/// A number in four significant digits, in powers of ten where that is shorter: 299.1, 1.5×10⁻⁷.
pub fn number(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 || !x.is_finite() {
        return signed(format!("{x:.0}").replace("inf", "∞"));
    }
    if (1e-3..1e5).contains(&size) {
        let decimals = (3 - size.log10().floor() as i32).max(0) as usize;
        return signed(trimmed(&format!("{x:.decimals$}")).to_string());
    }
    let text = format!("{x:.3e}");
    let (digits, exponent) = text.split_once('e').expect("as the format says");
    let power = power(exponent.parse().expect("an exponent"));
    signed(match trimmed(digits) {
        "1" => power,
        "-1" => format!("-{power}"),
        digits => format!("{digits}×{power}"),
    })
}

/// Ten to a power: 10⁻⁷.
pub(super) fn power(exponent: i32) -> String {
    let raised = |c: char| match c {
        '-' => '⁻',
        digit => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit.to_digit(10).unwrap_or(0) as usize],
    };
    format!("10{}", exponent.to_string().chars().map(raised).collect::<String>())
}

/// A count, its thousands apart.
pub(super) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (k, digit) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(digit);
    }
    out
}

/// With the sign that is as wide as a plus.
pub(super) fn signed(text: String) -> String {
    text.replace('-', "−")
}

/// Digits without the zeros that end a fraction.
fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (x, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (-0.5, "−0.5"),
            (1234.0, "1234"),
            (99999.0, "99999"),
            (299.123456, "299.1"),
            (0.00123456, "0.001235"),
            (1e-7, "10⁻⁷"),
            (-1e-7, "−10⁻⁷"),
            (-1.5e20, "−1.5×10²⁰"),
            (100.0, "100"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "−∞"),
        ] {
            assert_eq!(number(x), text);
        }
        assert_eq!(count(1234567), "1\u{a0}234\u{a0}567");
        assert_eq!(count(123), "123");
    }
}
