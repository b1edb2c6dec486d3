//! Reciprocal square roots in integers (format.md, section 8.1): a table over two octaves, and a line between entries.

/// R\[i - 256\] = floor(sqrt(2^40 / i)), for i from 256 to 1024.
pub const ROOTS: [u32; 769] = {
    let mut table = [0; 769];
    let mut i = 0;
    while i < table.len() {
        table[i] = ((1u64 << 40) / (i as u64 + 256)).isqrt() as u32;
        i += 1;
    }
    table
};

/// Numbers that [`root`] takes are below this.
pub const LIMIT: u64 = 1 << 62;

/// A root in pieces.
#[derive(Debug, Clone, Copy)]
pub struct Root {
    /// n 2^(2 half), from 2^30 to 2^32.
    pub scaled: u64,
    /// Near 2^31 / sqrt(scaled), from 2^15 to 2^16.
    pub reciprocal: i64,
    /// -15 to 15.
    pub half: i32,
}

impl Root {
    /// Near sqrt(scaled), from 2^15 to 2^16.
    pub fn direct(self) -> i64 {
        ((self.scaled >> 16) as i64 * self.reciprocal) >> 15
    }
}

/// The root of n, 1 <= n < [`LIMIT`].
pub fn root(n: u64) -> Root {
    debug_assert!((1..LIMIT).contains(&n));
    let half = (31 - n.ilog2() as i32).div_euclid(2);
    let scaled = if half < 0 { n >> (-2 * half) } else { n << (2 * half) };
    let (i, f) = ((scaled >> 22) as usize - 256, (scaled >> 8 & 0x3fff) as u32);
    let reciprocal = ROOTS[i] - (((ROOTS[i] - ROOTS[i + 1]) * f) >> 14);
    Root { scaled, reciprocal: reciprocal as i64, half }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_near() {
        let near = (0..62).flat_map(|b| [1u64 << b, (1 << b) + (1 << b >> 1), (2 << b) - 1]);
        for n in near.chain(1..5000).chain((0..5000).map(|i| i * i * 7 + (1 << 30))) {
            let r = root(n);
            assert!((1 << 30..1 << 32).contains(&r.scaled) && (-15..=15).contains(&r.half), "{n}");
            let reciprocal = r.reciprocal as f64 * 2f64.powi(r.half - 31);
            assert!((reciprocal * (n as f64).sqrt() - 1.0).abs() < 6e-5, "{n}");
            let direct = r.direct() as f64 * 2f64.powi(-r.half);
            assert!((direct / (n as f64).sqrt() - 1.0).abs() < 2e-4, "{n}");
            assert!((1 << 15..=1 << 16).contains(&r.reciprocal) && r.direct() <= 1 << 16, "{n}");
        }
    }
}
