//! A page: what is on it, in units of 1/96 inch, y downward. Everything is one of three marks, so that a format is a
//! short file.

use super::colour::{INK, Rgb};
use super::font::{self, Weight};

/// A picture: shapes, texts and images on white.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) marks: Vec<Mark>,
}

/// A point, x and y.
pub(super) type Point = (f64, f64);

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mark {
    Path(Path),
    Text(Text),
    Image(Image),
}

/// Straight lines, open or closed, filled or drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    pub lines: Vec<Vec<Point>>,
    pub closed: bool,
    pub colour: Rgb,
    pub ink: Ink,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ink {
    Fill,
    /// A line of this width; dashed with strokes and gaps of the second, if that is not 0.
    Stroke(f64, f64),
    /// A disc of this diameter at every point.
    Dots(f64),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A line of text; `at` is on its baseline.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    pub at: Point,
    pub text: String,
    pub size: f64,
    pub weight: Weight,
    pub anchor: Anchor,
    /// Read upward.
    pub turned: bool,
    pub colour: Rgb,
}

/// Pixels that fill a rectangle, hard-edged.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Image {
    pub at: Point,
    pub size: (f64, f64),
    /// Pixels across and down.
    pub pixels: (usize, usize),
    pub colours: Vec<Rgb>,
}

impl Image {
    /// The same in at least two pixels to the unit: many viewers of SVG and PDF smooth what they enlarge, whatever
    /// the file says, and a value would no longer be seen as one.
    pub fn enlarged(&self) -> Image {
        let (width, height) = self.pixels;
        let times = |length: f64, n: usize| ((2.0 * length / n as f64).ceil() as usize).max(1);
        let (across, down) = (times(self.size.0, width), times(self.size.1, height));
        let rows = self
            .colours
            .chunks(width)
            .map(|row| row.iter().flat_map(|&c| std::iter::repeat_n(c, across)).collect::<Vec<Rgb>>());
        let colours = rows.flat_map(|row| std::iter::repeat_n(row, down).flatten()).collect();
        Image { pixels: (width * across, height * down), colours, ..*self }
    }
}

/// Text of labels and notes.
pub(super) const SMALL: f64 = 12.0;

impl Text {
    pub fn new(at: Point, text: impl Into<String>) -> Text {
        let text = text.into();
        Text {
            at,
            text,
            size: SMALL,
            weight: Weight::Regular,
            anchor: Anchor::Start,
            turned: false,
            colour: INK,
        }
    }

    pub fn size(self, size: f64) -> Text {
        Text { size, ..self }
    }

    pub fn bold(self) -> Text {
        Text { weight: Weight::Medium, ..self }
    }

    pub fn middle(self) -> Text {
        Text { anchor: Anchor::Middle, ..self }
    }

    pub fn end(self) -> Text {
        Text { anchor: Anchor::End, ..self }
    }

    pub fn upward(self) -> Text {
        Text { turned: true, ..self }
    }

    pub fn colour(self, colour: Rgb) -> Text {
        Text { colour, ..self }
    }

    /// Shortened to `width` by leaving out its middle.
    pub fn within(mut self, width: f64) -> Text {
        let letters: Vec<char> = self.text.chars().collect();
        let mut kept = letters.len();
        while self.width() > width && kept > 1 {
            kept -= 1;
            let head = letters[..kept.div_ceil(2)].iter();
            self.text = head.chain(&['…']).chain(&letters[letters.len() - kept / 2..]).collect();
        }
        self
    }

    pub fn width(&self) -> f64 {
        font::width(&self.text, self.weight) * self.size
    }

    /// Where the text starts on its own line.
    pub fn shift(&self) -> f64 {
        match self.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -self.width() / 2.0,
            Anchor::End => -self.width(),
        }
    }
}

impl Page {
    /// An empty page.
    pub(super) fn new(width: f64, height: f64) -> Page {
        Page { width, height, marks: vec![] }
    }

    /// Width and height in units of 1/96 inch.
    pub fn size(&self) -> (f64, f64) {
        (self.width, self.height)
    }

    pub(super) fn text(&mut self, text: Text) {
        self.marks.push(Mark::Text(text));
    }

    pub(super) fn path(&mut self, lines: Vec<Vec<Point>>, colour: Rgb, ink: Ink) {
        self.marks.push(Mark::Path(Path { lines, closed: ink == Ink::Fill, colour, ink }));
    }

    /// A line through points.
    pub(super) fn line(&mut self, points: &[Point], colour: Rgb, width: f64) {
        self.path(vec![points.to_vec()], colour, Ink::Stroke(width, 0.0));
    }

    pub(super) fn dashed(&mut self, from: Point, to: Point, colour: Rgb) {
        self.path(vec![vec![from, to]], colour, Ink::Stroke(1.0, 4.0));
    }

    pub(super) fn dots(&mut self, points: Vec<Point>, colour: Rgb, diameter: f64) {
        self.path(vec![points], colour, Ink::Dots(diameter));
    }

    pub(super) fn fill(&mut self, (x, y): Point, (width, height): (f64, f64), colour: Rgb) {
        self.path(vec![corners((x, y), (width, height))], colour, Ink::Fill);
    }

    pub(super) fn frame(&mut self, at: Point, size: (f64, f64), colour: Rgb, width: f64) {
        let lines = vec![corners(at, size)];
        self.marks.push(Mark::Path(Path { lines, closed: true, colour, ink: Ink::Stroke(width, 0.0) }));
    }

    pub(super) fn image(&mut self, image: Image) {
        self.marks.push(Mark::Image(image));
    }

    /// Everything of another page, moved.
    pub(super) fn place(&mut self, page: &Page, (dx, dy): Point) {
        let moved = |(x, y): Point| (x + dx, y + dy);
        self.marks.extend(page.marks.iter().cloned().map(|mut mark| {
            match &mut mark {
                Mark::Path(p) => p.lines.iter_mut().flatten().for_each(|p| *p = moved(*p)),
                Mark::Text(t) => t.at = moved(t.at),
                Mark::Image(i) => i.at = moved(i.at),
            }
            mark
        }));
    }

    /// The head of a page: what it shows, in bold, and beneath it what is to be known of that.
    pub(super) fn head(&mut self, title: &str, note: &str, colour: Rgb) {
        let room = self.width - 48.0;
        self.text(Text::new((24.0, 32.0), title).size(18.0).bold().within(room));
        self.text(Text::new((24.0, 51.0), note).size(13.0).colour(colour).within(room));
    }
}

fn corners((x, y): Point, (width, height): (f64, f64)) -> Vec<Point> {
    vec![(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
}
