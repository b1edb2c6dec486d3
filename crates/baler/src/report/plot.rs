//! A rectangle between two axes, and what is drawn in it.

use super::axis::Axis;
use super::bins::Bins;
use super::colour::{FAINT, GRID, INK, LINE, Rgb};
use super::page::{Ink, Page, Point, Text};

/// A rectangle between two axes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plot {
    pub at: Point,
    pub size: (f64, f64),
    pub x: Axis,
    pub y: Axis,
}

impl Plot {
    /// Where values are on the page.
    pub fn point(&self, (x, y): (f64, f64)) -> Point {
        (
            self.at.0 + self.size.0 * self.x.place(x).clamp(0.0, 1.0),
            self.at.1 + self.size.1 * (1.0 - self.y.place(y).clamp(0.0, 1.0)),
        )
    }

    pub fn bottom(&self) -> f64 {
        self.at.1 + self.size.1
    }

    pub fn right(&self) -> f64 {
        self.at.0 + self.size.0
    }

    /// Lines across at the numbers of the upright axis, which stand to the left; its title beside them.
    pub fn across(&self, page: &mut Page, title: &str) {
        let ticks = self.y.ticks((self.size.1 / 40.0).clamp(2.0, 6.0) as usize);
        let places = ticks.marks.iter().map(|(v, _)| self.point((self.x.low, *v)).1);
        let lines = places.map(|y| vec![(self.at.0, y), (self.right(), y)]).collect();
        page.path(lines, GRID, Ink::Stroke(1.0, 0.0));
        for (v, label) in &ticks.marks {
            let y = self.point((self.x.low, *v)).1;
            page.text(Text::new((self.at.0 - 6.0, y + 4.0), label).end().colour(FAINT));
        }
        let middle = self.at.1 + self.size.1 / 2.0;
        page.text(
            Text::new((self.at.0 - 50.0, middle), ticks.title(title))
                .middle()
                .upward()
                .within(self.size.1 + 30.0),
        );
    }

    /// The lying axis: a line, its numbers, and its title beneath them.
    pub fn along(&self, page: &mut Page, title: &str) {
        let y = self.bottom();
        page.line(&[(self.at.0, y), (self.right(), y)], LINE, 1.0);
        // As many numbers as stand apart.
        let fit = |most: &usize| {
            let ticks = self.x.ticks(*most);
            let widths = ticks.marks.iter().map(|(_, l)| Text::new((0.0, 0.0), l).width() + 14.0);
            widths.sum::<f64>() < self.size.0 * 1.05
        };
        let ticks = self.x.ticks((2..=8).rev().find(fit).unwrap_or(1));
        let at = |v: f64| self.point((v, self.y.low)).0;
        let lines = ticks.marks.iter().map(|(v, _)| vec![(at(*v), y), (at(*v), y + 4.0)]).collect();
        page.path(lines, LINE, Ink::Stroke(1.0, 0.0));
        for (v, label) in &ticks.marks {
            page.text(Text::new((at(*v), y + 17.0), label).middle().colour(FAINT));
        }
        let title = Text::new((self.at.0 + self.size.0 / 2.0, y + 36.0), ticks.title(title)).middle();
        page.text(title.within(self.size.0 + 40.0));
    }

    /// The line of the lying axis without numbers.
    pub fn base(&self, page: &mut Page) {
        page.line(&[(self.at.0, self.bottom()), (self.right(), self.bottom())], LINE, 1.0);
    }

    /// From the base over every bin back to the base.
    pub fn outline(&self, bins: &Bins, height: impl Fn(usize) -> f64) -> Vec<Point> {
        let mut points = vec![self.point((bins.low, self.y.low))];
        for k in 0..bins.count {
            if k == 0 || height(k) != height(k - 1) {
                let before = if k == 0 { self.y.low } else { height(k - 1) };
                points.push(self.point((bins.edge(k), before)));
                points.push(self.point((bins.edge(k), height(k))));
            }
        }
        points.push(self.point((bins.high, height(bins.count - 1))));
        points.push(self.point((bins.high, self.y.low)));
        points
    }

    /// A dashed line upright at `x`, if that is on the axis.
    pub fn upright(&self, page: &mut Page, x: f64, colour: Rgb) {
        if (0.0..=1.0).contains(&self.x.place(x)) {
            let x = self.point((x, self.y.low)).0;
            page.dashed((x, self.at.1), (x, self.bottom()), colour);
        }
    }

    /// A word in the middle, where there is nothing to draw.
    pub fn word(&self, page: &mut Page, word: &str, colour: Rgb) {
        let at = (self.at.0 + self.size.0 / 2.0, self.at.1 + self.size.1 / 2.0 + 5.0);
        page.text(Text::new(at, word).middle().size(14.0).colour(colour).within(self.size.0));
    }

    /// A title above the left end.
    pub fn title(&self, page: &mut Page, title: &str) {
        page.text(Text::new((self.at.0, self.at.1 - 9.0), title).bold().size(13.0).colour(INK));
    }
}
