//! A frame of a field before and after, and the difference, side by side.

use super::canvas::{Canvas, Style};
use super::colour::{ALARM, FAINT, INK, LINE, MISSING, Map, Rgb, WARNING};
use super::{finite_range, residual, short};
use crate::error::{Error, Result};

/// Longest side of a panel, pixels: small frames are enlarged to the first, large ones reduced to the second.
const LEAST: usize = 300;
const MOST: usize = 700;
/// No panel is thinner, however long and narrow its frame.
const THIN: usize = 24;
/// Room between and around panels.
const GAP: usize = 28;
const BAR: usize = 16;

/// The frame that lost most: the index of the frame with the largest residual, each frame being
/// `frame_len` successive values. The first of equals, so 0 where nothing was lost.
pub fn worst_frame(before: &[f64], after: &[f64], frame_len: usize) -> usize {
    let loss = |k: usize| {
        let pair = before.iter().zip(after).skip(k * frame_len).take(frame_len);
        pair.map(|(&b, &a)| residual(b, a).abs()).fold(0.0, f64::max)
    };
    let frames = before.len().min(after.len()).checked_div(frame_len).unwrap_or(0);
    (0..frames).fold((0, 0.0), |worst, k| if loss(k) > worst.1 { (k, loss(k)) } else { worst }).0
}

/// A PNG of a frame before and after, on one colour scale, and of their difference, on a scale symmetric
/// about zero that ends at the bound (at the largest difference where there is none).
///
/// Frames are `height` x `width` values in C order. Missing values (NaN, infinities) are grey; a difference
/// beyond the bound, or a value that became missing, is magenta. Large frames are reduced: values
/// by the mean, differences by the largest, so that no error hides.
///
/// Errors where the frames are not of that size, or are empty.
pub fn frames_png(
    title: &str,
    before: &[f64],
    after: &[f64],
    height: usize,
    width: usize,
    bound: Option<f64>,
) -> Result<Vec<u8>> {
    if height.checked_mul(width) != Some(before.len()) || before.len() != after.len() || before.is_empty() {
        let (b, a) = (before.len(), after.len());
        return Err(Error::invalid(format!("a picture of {height} x {width} from {b} and {a} values")));
    }
    let losses: Vec<f64> = before.iter().zip(after).map(|(&b, &a)| residual(b, a)).collect();
    let largest = losses.iter().fold(0.0, |m: f64, d| m.max(d.abs()));
    let bound = bound.filter(|b| *b > 0.0 && b.is_finite());
    let known = |d: &f64| if d.is_finite() { *d } else { 0.0 };
    let reach = bound.unwrap_or_else(|| losses.iter().map(known).fold(0.0, |m, d| m.max(d.abs())));

    let values = Scale::of_values(finite_range(before).or(finite_range(after)).unwrap_or((0.0, 0.0)));
    let differences = Scale::of_differences(reach);
    let broken = largest > reach;
    let shown: Vec<f64> = before
        .iter()
        .zip(&losses)
        .map(|(b, &d)| if d == 0.0 && !b.is_finite() { f64::NAN } else { d })
        .collect();
    let panels = [
        Panel {
            name: "before",
            data: before,
            scale: values,
            bar: false,
            reduce: mean,
            note: span(before),
            loud: false,
        },
        Panel {
            name: "after",
            data: after,
            scale: values,
            bar: true,
            reduce: mean,
            note: span(after),
            loud: false,
        },
        Panel {
            name: "after - before",
            data: &shown,
            scale: differences,
            bar: true,
            reduce: extreme,
            note: verdict(largest, bound),
            loud: broken,
        },
    ];
    draw(title, &panels, height, width)
}

/// One of the three pictures.
struct Panel<'a> {
    name: &'a str,
    data: &'a [f64],
    scale: Scale,
    /// Whether the scale is drawn to its right.
    bar: bool,
    /// Makes one value of the many that fall on a pixel.
    reduce: fn(&mut dyn Iterator<Item = f64>) -> f64,
    note: String,
    /// Whether the note is a warning.
    loud: bool,
}

/// The numbers that the two ends of a colour map stand for.
#[derive(Clone, Copy)]
struct Scale {
    low: f64,
    high: f64,
    map: Map,
}

impl Scale {
    /// From the least value to the greatest; a constant is put in the middle.
    fn of_values((low, high): (f64, f64)) -> Scale {
        let room = if low == high { (low.abs() * 0.1).max(f64::MIN_POSITIVE) } else { 0.0 };
        let room = if low == 0.0 && high == 0.0 { 1.0 } else { room };
        Scale { low: low - room, high: high + room, map: Map::Viridis }
    }

    fn of_differences(reach: f64) -> Scale {
        let reach = if reach > 0.0 { reach } else { 1.0 };
        Scale { low: -reach, high: reach, map: Map::BlueRed }
    }

    /// Numbers to stand beside the bar, with where: round ones for values, quarters of the bound for
    /// differences.
    fn ticks(self) -> Vec<(f64, String)> {
        let part = self.high / 5.0 - self.low / 5.0; // the whole would overflow for the widest of ranges
        if self.map == Map::BlueRed || !part.is_normal() {
            let at = |t: f64| (t, short(self.low * (1.0 - t) + self.high * t));
            return [0.0, 0.25, 0.5, 0.75, 1.0].map(at).into();
        }
        let decade = part.log10().floor();
        let step = [1.0, 2.0, 5.0, 10.0].map(|k| k * 10f64.powf(decade)).into_iter().find(|s| *s >= part);
        let step = step.unwrap_or(part);
        let plain = (-6.0..5.0).contains(&decade) && self.low.abs().max(self.high.abs()) < 1e7;
        let decimals = (-(step.log10() + 1e-9).floor()).max(0.0) as usize;
        let label = |v: f64| if plain { format!("{v:.decimals$}") } else { short(v) };
        let multiples = (self.low / step).ceil() as i64..=(self.high / step).floor() as i64;
        multiples.take(6).map(|k| (self.place(k as f64 * step), label(k as f64 * step))).collect()
    }

    /// Where a value stands between the ends, from 0 to 1; halves keep the widest of ranges from overflowing.
    fn place(self, value: f64) -> f64 {
        (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)
    }

    fn colour(self, value: f64) -> Rgb {
        let beyond = self.map == Map::BlueRed && value.abs() > self.high;
        match value {
            v if beyond || (self.map == Map::BlueRed && v.is_infinite()) => ALARM,
            v if !v.is_finite() => MISSING,
            v => self.map.at(self.place(v)),
        }
    }
}

/// The mean of the finite values, NaN where there are none.
fn mean(values: &mut dyn Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.filter(|v| v.is_finite()).fold((0.0, 0), |(sum, n), v| (sum + v, n + 1));
    if n > 0 { sum / n as f64 } else { f64::NAN }
}

/// The value farthest from zero, NaN where there is none.
fn extreme(values: &mut dyn Iterator<Item = f64>) -> f64 {
    values.filter(|v| !v.is_nan()).fold(f64::NAN, |far, v| if far.abs() >= v.abs() { far } else { v })
}

fn span(data: &[f64]) -> String {
    finite_range(data).map_or("no values".into(), |(low, high)| format!("{} to {}", short(low), short(high)))
}

fn verdict(largest: f64, bound: Option<f64>) -> String {
    match bound {
        _ if largest == 0.0 => "exact".into(),
        _ if largest.is_infinite() => "a value became missing".into(),
        None => format!("largest {}", short(largest)),
        Some(bound) if largest > bound => format!("{} x bound: BROKEN", short(largest / bound)),
        Some(bound) => format!("largest {:.2} x bound", largest / bound),
    }
}

/// Pixels that an axis of `n` values takes, where the longer axis has `longest`.
fn pixels(n: usize, longest: usize) -> usize {
    let side = if longest > MOST { (n * MOST).div_ceil(longest) } else { n * LEAST.div_ceil(longest) };
    side.max(THIN)
}

fn draw(title: &str, panels: &[Panel], height: usize, width: usize) -> Result<Vec<u8>> {
    let longest = height.max(width);
    let (tall, wide) = (pixels(height, longest), pixels(width, longest));
    let row = tall.max(5 * Style::Label.line()); // room for a readable colour bar
    let line = Style::Label.line() + 6;
    let cell = |p: &Panel| wide.max(Style::Label.width(&p.note)).max(Style::Label.width(p.name));
    let scale = |p: &Panel| if p.bar { BAR + 16 + label_width(p.scale) } else { 0 };
    let across = GAP + panels.iter().map(|p| cell(p) + scale(p) + GAP).sum::<usize>();
    let head = GAP / 2 + Style::Title.line() + GAP / 2;
    let mut canvas = Canvas::new(across, head + line + row + line + GAP / 2);

    let room = (across - 2 * GAP) / Style::Title.letter();
    let title = if title.chars().count() > room {
        title.chars().take(room.saturating_sub(3)).chain("...".chars()).collect()
    } else {
        title.to_string()
    };
    canvas.text(GAP, GAP / 2, &title, Style::Title, INK);

    let (mut left, top) = (GAP, head + line);
    for panel in panels {
        let (x, y) = (left + (cell(panel) - wide) / 2, top + (row - tall) / 2);
        canvas.centred(x + wide / 2, y - line, panel.name, Style::Label, INK);
        paint(&mut canvas, (x, y), (tall, wide), panel, height, width);
        let colour = if panel.loud { WARNING } else { FAINT };
        canvas.centred(x + wide / 2, y + tall + 6, &panel.note, Style::Label, colour);
        left += cell(panel);
        if panel.bar {
            bar(&mut canvas, (x + wide + 12, top), row, panel.scale);
            left += scale(panel);
        }
        left += GAP;
    }
    canvas.png()
}

/// The frame itself, each pixel the reduction of the values that fall on it.
fn paint(
    canvas: &mut Canvas,
    (x, y): (usize, usize),
    (tall, wide): (usize, usize),
    panel: &Panel,
    height: usize,
    width: usize,
) {
    let covered = |k: usize, n: usize, of: usize| k * n / of..((k + 1) * n / of).max(k * n / of + 1);
    for v in 0..tall {
        for u in 0..wide {
            let (rows, columns) = (covered(v, height, tall), covered(u, width, wide));
            let mut values = rows.flat_map(|r| panel.data[r * width..][columns.clone()].iter().copied());
            canvas.set(x + u, y + v, panel.scale.colour((panel.reduce)(&mut values)));
        }
    }
    canvas.frame(x, y, wide, tall, LINE);
}

fn label_width(scale: Scale) -> usize {
    scale.ticks().iter().map(|(_, label)| Style::Label.width(label)).max().unwrap_or(0)
}

fn bar(canvas: &mut Canvas, (x, y): (usize, usize), height: usize, scale: Scale) {
    for v in 0..height {
        let t = 1.0 - v as f64 / (height - 1) as f64;
        canvas.fill(x, y + v, BAR, 1, scale.map.at(t));
    }
    canvas.frame(x, y, BAR, height, LINE);
    for (t, label) in scale.ticks() {
        let v = y + ((1.0 - t) * (height - 1) as f64).round() as usize;
        canvas.fill(x + BAR, v, 5, 1, INK);
        canvas.text(x + BAR + 8, v - Style::Label.line() / 2, &label, Style::Label, INK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Width, height and pixels of a picture.
    fn decoded(png: &[u8]) -> (usize, usize, Vec<Rgb>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let pixels = pixels.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect();
        (info.width as usize, info.height as usize, pixels)
    }

    fn count(png: &[u8], colour: Rgb) -> usize {
        decoded(png).2.into_iter().filter(|&p| p == colour).count()
    }

    #[test]
    fn every_size_and_kind_of_frame_is_drawn() {
        for (height, width) in [(1, 1), (5, 5), (1, 2000), (300, 3), (50, 50), (701, 1400)] {
            for value in [0.0, 7.0, -1e300, 5e-324, f64::NAN, f64::INFINITY] {
                let frame = vec![value; height * width];
                let (w, h, _) = decoded(&frames_png("a frame", &frame, &frame, height, width, None).unwrap());
                assert!((3 * THIN..2700).contains(&w) && (150..1000).contains(&h), "{w} x {h}");
            }
        }
        let wide = [f64::MIN, f64::MAX, 0.0, 5e-324];
        assert!(frames_png("the widest range", &wide, &[0.0; 4], 2, 2, Some(1e-9)).is_ok());
    }

    #[test]
    fn wrong_sizes_are_refused() {
        for (before, after, height, width) in
            [(6, 6, 2, 2), (4, 3, 2, 2), (0, 0, 0, 5), (4, 4, usize::MAX, 2)]
        {
            assert!(frames_png("", &vec![0.0; before], &vec![0.0; after], height, width, None).is_err());
        }
    }

    #[test]
    fn missing_is_grey_and_broken_is_loud() {
        let mut before: Vec<f64> = (0..100).map(|k| k as f64).collect();
        let mut after: Vec<f64> = before.iter().map(|v| v + 0.5).collect();
        let draw = |before: &[f64], after: &[f64]| frames_png("t", before, after, 10, 10, Some(0.5)).unwrap();
        let pixel = 30 * 30;
        assert_eq!(count(&draw(&before, &after), ALARM), 0);
        after[42] = 43.0;
        assert_eq!(count(&draw(&before, &after), ALARM), pixel);
        (before[42], after[42]) = (f64::NAN, f64::NAN);
        let png = draw(&before, &after);
        assert_eq!(count(&png, ALARM), 0);
        assert!((3 * pixel..3 * pixel + 200).contains(&count(&png, MISSING)), "and a little of the letters");
        after[42] = 0.0;
        assert_eq!(count(&draw(&before, &after), ALARM), pixel);
    }

    /// One wrong value among two million is seen.
    #[test]
    fn reduction_hides_no_error() {
        let before = vec![0.0; 1000 * 2000];
        let mut after = before.clone();
        after[1234567] = 2.0;
        assert!(count(&frames_png("large", &before, &after, 1000, 2000, Some(1.0)).unwrap(), ALARM) >= 1);
    }

    #[test]
    fn the_worst_frame_is_found() {
        let before = vec![1.0; 12];
        let mut after = before.clone();
        assert_eq!(worst_frame(&before, &after, 4), 0);
        after[5] = 1.1;
        assert_eq!(worst_frame(&before, &after, 4), 1);
        after[9] = f64::NAN;
        assert_eq!(worst_frame(&before, &after, 4), 2);
        assert_eq!(worst_frame(&[], &[], 0), 0);
    }
}
