//! Numbers as colours: a grid of them as an image, and the bar that says what the colours stand for.

use super::axis::Axis;
use super::colour::{ALARM, FAINT, LINE, MISSING, Map, Rgb};
use super::page::{Image, Ink, Page, Point, Text};

/// Pixels of an image, at most, along its longer side.
const MOST: usize = 600;
/// The width of a colour bar, and the room that it takes with its numbers.
const BAR: f64 = 14.0;
pub(super) const BAR_ROOM: f64 = 76.0;

/// The numbers that the two ends of a colour map stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shade {
    pub axis: Axis,
    pub map: Map,
}

impl Shade {
    pub fn values(range: (f64, f64)) -> Shade {
        Shade { axis: Axis::linear(range), map: Map::Viridis }
    }

    pub fn differences(reach: f64) -> Shade {
        Shade { axis: Axis::symmetric(reach), map: Map::BlueRed }
    }

    /// The colour of a value: missing ones are grey, differences beyond the ends are loud.
    pub fn colour(self, value: f64) -> Rgb {
        let differences = self.map == Map::BlueRed;
        match value {
            v if differences && v.abs() > self.axis.high => ALARM,
            v if !v.is_finite() => MISSING,
            v => self.map.at(self.axis.place(v)),
        }
    }

    /// The bar and its numbers, its left upper corner at `at`.
    pub fn bar(self, page: &mut Page, at: Point, height: f64, unit: &str) {
        let colours = (0..256).map(|k| self.map.at(1.0 - k as f64 / 255.0)).collect();
        page.image(Image { at, size: (BAR, height), pixels: (1, 256), colours });
        page.frame(at, (BAR, height), LINE, 1.0);
        let ticks = self.axis.ticks((height / 30.0).clamp(2.0, 6.0) as usize);
        let y = |v: f64| at.1 + height * (1.0 - self.axis.place(v).clamp(0.0, 1.0));
        let right = at.0 + BAR;
        let lines = ticks.marks.iter().map(|(v, _)| vec![(right, y(*v)), (right + 4.0, y(*v))]).collect();
        page.path(lines, LINE, Ink::Stroke(1.0, 0.0));
        for (v, label) in &ticks.marks {
            page.text(Text::new((right + 7.0, y(*v) + 4.0), label).colour(FAINT));
        }
        let title = ticks.title(unit);
        page.text(Text::new((at.0, at.1 - 9.0), title).colour(FAINT).within(BAR_ROOM - 4.0));
    }
}

/// Rows of values.
#[derive(Clone, Copy)]
pub(super) struct Grid<'a> {
    pub data: &'a [f64],
    pub height: usize,
    pub width: usize,
    /// Makes one value of the many that fall on a pixel.
    pub reduce: fn(&mut dyn Iterator<Item = f64>) -> f64,
}

impl Grid<'_> {
    /// The image, reduced where there are more values than pixels.
    pub fn image(&self, shade: Shade, at: Point, size: (f64, f64)) -> Image {
        let (height, width) = (self.height, self.width);
        let longest = height.max(width).max(1);
        let side = |n: usize| if longest > MOST { (n * MOST).div_ceil(longest).max(24.min(n)) } else { n };
        let (tall, wide) = (side(height), side(width));
        let covered = |k: usize, n: usize, of: usize| k * n / of..((k + 1) * n / of).max(k * n / of + 1);
        let mut colours = Vec::with_capacity(tall * wide);
        for v in 0..tall {
            for u in 0..wide {
                let (rows, columns) = (covered(v, height, tall), covered(u, width, wide));
                let mut values = rows.flat_map(|r| self.data[r * width..][columns.clone()].iter().copied());
                colours.push(shade.colour((self.reduce)(&mut values)));
            }
        }
        Image { at, size, pixels: (wide, tall), colours }
    }
}

/// The mean of the finite values, NaN where there are none.
pub(super) fn mean(values: &mut dyn Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.filter(|v| v.is_finite()).fold((0.0, 0), |(sum, n), v| (sum + v, n + 1));
    if n > 0 { sum / n as f64 } else { f64::NAN }
}

/// The value farthest from zero, NaN where there is none.
pub(super) fn extreme(values: &mut dyn Iterator<Item = f64>) -> f64 {
    values.filter(|v| !v.is_nan()).fold(f64::NAN, |far, v| if far.abs() >= v.abs() { far } else { v })
}
