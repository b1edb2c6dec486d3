//! Axes: where a number stands between two ends, and which numbers stand beside it.

use super::numbers::{number, power, signed};

/// What an axis goes from and to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    pub low: f64,
    pub high: f64,
    /// Decades evenly; both ends are then positive.
    pub logarithmic: bool,
}

/// Numbers beside an axis: where, and as what, in units of a power of ten.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ticks {
    pub marks: Vec<(f64, String)>,
    pub power: i32,
}

impl Ticks {
    /// The axis's title, with the power of ten that the numbers are to be taken times.
    pub fn title(&self, title: &str) -> String {
        match self.power {
            0 => title.to_string(),
            exponent => format!("{title}  (×{})", power(exponent)).trim_start().to_string(),
        }
    }
}

impl Axis {
    /// From the least value to the greatest; a constant is put in the middle.
    pub fn linear((low, high): (f64, f64)) -> Axis {
        let room = match (low, high) {
            (0.0, 0.0) => 1.0,
            _ if !(high / 2.0 - low / 2.0).is_normal() => (low.abs() * 0.1).max(f64::MIN_POSITIVE),
            _ => 0.0,
        };
        Axis { low: (low - room).max(f64::MIN), high: (high + room).min(f64::MAX), logarithmic: false }
    }

    /// Over positive values.
    pub fn logarithmic((low, high): (f64, f64)) -> Axis {
        let low = low.clamp(f64::MIN_POSITIVE, f64::MAX / 2.0);
        Axis { low, high: high.clamp(low * 1.001, f64::MAX), logarithmic: true }
    }

    /// Symmetric about zero.
    pub fn symmetric(reach: f64) -> Axis {
        let reach = if reach > 0.0 { reach.clamp(f64::MIN_POSITIVE, f64::MAX) } else { 1.0 };
        Axis { low: -reach, high: reach, logarithmic: false }
    }

    /// Longer at both ends by a share of its length.
    pub fn padded(self, share: f64) -> Axis {
        let Axis { low, high, logarithmic } = self;
        if logarithmic {
            let factor = 10f64.powf((high.log10() - low.log10()) * share);
            let (low, high) = ((low / factor).max(f64::MIN_POSITIVE), (high * factor).min(f64::MAX));
            return Axis { low, high, logarithmic };
        }
        let room = high * share - low * share;
        Axis { low: (low - room).max(f64::MIN), high: (high + room).min(f64::MAX), logarithmic }
    }

    /// Where a value stands between the ends, from 0 to 1. Halves keep the widest of ranges from overflowing.
    pub fn place(self, value: f64) -> f64 {
        if self.logarithmic {
            return (value.log10() - self.low.log10()) / (self.high.log10() - self.low.log10());
        }
        (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)
    }

    /// About `most` round numbers: more where there would be fewer than three.
    pub fn ticks(self, most: usize) -> Ticks {
        let of = |most| if self.logarithmic { self.decades(most) } else { self.steps(most) };
        (most..2 * most).map(of).find(|t| t.marks.len() >= 3).unwrap_or_else(|| of(2 * most))
    }

    fn steps(self, most: usize) -> Ticks {
        let Axis { low, high, .. } = self;
        let ends = || Ticks { marks: [low, high].map(|v| (v, number(v))).into(), power: 0 };
        let part = high / most as f64 - low / most as f64; // the whole would overflow for the widest of ranges
        if !part.is_normal() {
            return ends();
        }
        let decade = 10f64.powf(part.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|k| k * decade).into_iter().find(|s| *s >= part * 0.999);
        let Some(step) = step.filter(|s| s.is_normal()) else { return ends() };
        let largest = low.abs().max(high.abs()).log10().floor() as i32;
        let exponent = if (-3..5).contains(&largest) { 0 } else { largest };
        let unit = 10f64.powi(exponent);
        if !unit.is_normal() || (low / step).abs().max((high / step).abs()) > 1e12 {
            return ends();
        }
        let decimals = (-((step / unit).log10() + 1e-9).floor()).clamp(0.0, 15.0) as usize;
        let multiples = (low / step - 1e-9).ceil() as i64..=(high / step + 1e-9).floor() as i64;
        let label = |v: f64| signed(format!("{:.decimals$}", if v == 0.0 { 0.0 } else { v / unit }));
        let marks = multiples.map(|k| k as f64 * step).map(|v| (v, label(v))).collect();
        Ticks { marks, power: exponent }
    }

    fn decades(self, most: usize) -> Ticks {
        let (low, high) = (self.low.log10(), self.high.log10());
        let decades: Vec<i32> = ((low - 1e-9).ceil() as i32..=(high + 1e-9).floor() as i32).collect();
        let plain = |v: f64| if (1e-2..1e4).contains(&v) { number(v) } else { power_label(v) };
        if decades.len() < 3 {
            let digits: &[f64] =
                if high - low < 0.7 { &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0] } else { &[1.0, 2.0, 5.0] };
            let around = low.floor() as i32..=high.floor() as i32;
            let marks = around.flat_map(|e| digits.iter().map(move |d| d * 10f64.powi(e)));
            let inside = |v: &f64| (low - 1e-9..=high + 1e-9).contains(&v.log10());
            return Ticks { marks: marks.filter(inside).map(|v| (v, plain(v))).collect(), power: 0 };
        }
        let skip = decades.len().div_ceil(most) as i32;
        let small = decades[0] >= -2 && *decades.last().expect("three") <= 3;
        let label = |e: i32| if small { number(10f64.powi(e)) } else { power(e) };
        let kept = decades.into_iter().filter(|e| e % skip == 0);
        Ticks { marks: kept.map(|e| (10f64.powi(e), label(e))).collect(), power: 0 }
    }
}

/// A number in two digits and a power of ten.
fn power_label(v: f64) -> String {
    number(format!("{v:.1e}").parse().unwrap_or(v))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis, most: usize) -> String {
        let ticks = axis.ticks(most);
        let labels: Vec<_> = ticks.marks.iter().map(|(_, l)| l.as_str()).collect();
        ticks.title(&labels.join(" "))
    }

    #[test]
    fn numbers_are_round() {
        let linear = |low, high| labels(Axis::linear((low, high)), 5);
        assert_eq!(linear(0.0, 1.0), "0.0 0.2 0.4 0.6 0.8 1.0");
        assert_eq!(linear(-3.0, 5.0), "−2 0 2 4");
        assert_eq!(linear(299.99, 300.01), "299.990 299.995 300.000 300.005 300.010");
        assert_eq!(linear(0.0, 25000.0), "0 5000 10000 15000 20000 25000");
        assert_eq!(linear(-2e-5, 2e-5), "−2 −1 0 1 2  (×10⁻⁵)");
        assert_eq!(linear(7.0, 7.0), "6.5 7.0 7.5");
        let log = |low, high| labels(Axis::logarithmic((low, high)), 5);
        assert_eq!(log(0.5, 300.0), "1 10 100");
        assert_eq!(log(1e-7, 1.0), "10⁻⁶ 10⁻⁴ 10⁻² 10⁰");
        assert_eq!(log(0.02, 0.2), "0.02 0.05 0.1 0.2");
    }

    /// Every tick is on its axis, whatever that goes from and to.
    #[test]
    fn ticks_are_inside() {
        let ends = [
            f64::MIN,
            -1e300,
            -7.5,
            -1e-300,
            -5e-324,
            0.0,
            5e-324,
            1e-9,
            0.1,
            0.1 + 1e-15,
            3.0,
            1e9,
            f64::MAX,
        ];
        for (i, &low) in ends.iter().enumerate() {
            for &high in &ends[i..] {
                for axis in [Axis::linear((low, high)), Axis::linear((low, high)).padded(0.05)] {
                    let ticks = axis.ticks(6);
                    assert!(ticks.marks.len() < 20);
                    for (v, label) in ticks.marks {
                        let place = axis.place(v);
                        assert!((-0.01..=1.01).contains(&place), "{v} in {axis:?} at {place}");
                        assert!(label.chars().count() < 20, "{label}");
                    }
                }
                if low > 0.0 {
                    let ticks = Axis::logarithmic((low, high)).padded(0.03).ticks(6);
                    assert!(ticks.marks.len() < 20, "{ticks:?}");
                }
            }
        }
    }
}
