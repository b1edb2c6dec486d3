//! A frame of a field before and after, and the difference, side by side.

use super::axis::Axis;
use super::colour::{FAINT, INK, LINE, WARNING};
use super::numbers::number;
use super::page::{Ink, Page, Point, SMALL, Text};
use super::pair::{finite_range, is_broken, residual, share_of_bound};
use super::shade::{BAR_ROOM, Grid, Shade, extreme, mean};
use crate::error::{Error, Result};
use crate::front::Tolerance;

/// The longer side of a panel beside others, and of one above others.
const BESIDE: f64 = 300.0;
const ABOVE: f64 = 640.0;
/// No panel is thinner, however long and narrow its frame.
const THIN: f64 = 24.0;
/// From here on panels are wider than tall enough to stand above each other.
const WIDE: f64 = 2.2;
const GAP: f64 = 30.0;
const HEAD: f64 = 66.0;

/// Two frames of `height` x `width` values in C order.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// What there was.
    pub before: &'a [f64],
    /// What came back.
    pub after: &'a [f64],
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// How far off it was allowed to be; [`Tolerance::None`] where that is not known.
    pub tolerance: Tolerance,
    /// The unit of its values, empty where none is known.
    pub unit: &'a str,
}

/// What colours stand for: the same for all frames of a sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scales {
    /// Least and greatest value.
    values: (f64, f64),
    /// Where the colours of differences end, both ways.
    reach: f64,
}

impl Scales {
    /// From the least value before to the greatest; and as far as the bound, if that is one number for all values, else
    /// as the largest difference.
    pub fn of(before: &[f64], after: &[f64], tolerance: Tolerance) -> Scales {
        let values = finite_range(before).or(finite_range(after)).unwrap_or((0.0, 0.0));
        let losses = before.iter().zip(after).map(|(&b, &a)| residual(b, a).abs());
        let largest = losses.filter(|d| d.is_finite()).fold(0.0, f64::max);
        Scales { values, reach: bound(tolerance).unwrap_or(largest) }
    }
}

/// The bound that is the same for all values.
fn bound(tolerance: Tolerance) -> Option<f64> {
    match tolerance {
        Tolerance::Absolute(b) if b > 0.0 && b.is_finite() => Some(b),
        _ => None,
    }
}

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

/// One of the three pictures.
struct Panel<'a> {
    name: &'a str,
    grid: Grid<'a>,
    shade: Shade,
    /// Whether the bar is drawn to its right.
    bar: bool,
    note: String,
    /// Whether the note is a warning.
    loud: bool,
}

/// A frame before and after, on one colour scale, and their difference, on one symmetric about zero.
///
/// Missing values (NaN, infinities) are grey; a difference beyond the scale, or a value that became missing, is magenta.
/// Large frames are reduced: values by the mean, differences by the largest, so that no error hides. Pages of
/// frames of one size are of one size.
///
/// Errors where the frames are not of the size they say, or are empty.
pub fn frames(title: &str, note: &str, frame: &Frame, scales: &Scales) -> Result<Page> {
    let Frame { before, after, height, width, tolerance, unit } = *frame;
    if height.checked_mul(width) != Some(before.len()) || before.len() != after.len() || before.is_empty() {
        let (b, a) = (before.len(), after.len());
        return Err(Error::invalid(format!("a picture of {height} x {width} from {b} and {a} values")));
    }
    let losses: Vec<f64> = before.iter().zip(after).map(|(&b, &a)| residual(b, a)).collect();
    let (told, loud) = verdict(before, &losses, tolerance);
    let shown: Vec<f64> = before
        .iter()
        .zip(&losses)
        .map(|(b, &d)| if d == 0.0 && !b.is_finite() { f64::NAN } else { d })
        .collect();
    let values = Shade::values(scales.values);
    let grid = |data, reduce| Grid { data, height, width, reduce };
    let panels = [
        Panel {
            name: "before",
            grid: grid(before, mean),
            shade: values,
            bar: false,
            note: span(before),
            loud: false,
        },
        Panel {
            name: "after",
            grid: grid(after, mean),
            shade: values,
            bar: true,
            note: span(after),
            loud: false,
        },
        Panel {
            name: "after − before",
            grid: grid(&shown, extreme),
            shade: Shade::differences(scales.reach),
            bar: true,
            note: told,
            loud,
        },
    ];
    Ok(draw(title, note, &panels, unit))
}

fn span(data: &[f64]) -> String {
    finite_range(data)
        .map_or("no values".into(), |(low, high)| format!("{} to {}", number(low), number(high)))
}

/// What the bound says of the differences, and whether that is a warning.
fn verdict(before: &[f64], losses: &[f64], tolerance: Tolerance) -> (String, bool) {
    let largest = losses.iter().fold(0.0, |m: f64, d| m.max(d.abs()));
    match share_of_bound(tolerance, before, losses) {
        _ if largest == 0.0 => ("exact".into(), false),
        _ if largest.is_infinite() => ("a value became missing".into(), true),
        _ if tolerance == Tolerance::Exact => (format!("off by {}: NOT EXACT", number(largest)), true),
        // Of a chunk or more, not of one frame.
        _ if matches!(tolerance, Tolerance::RootMeanSquare(_)) => {
            (format!("largest {}", number(largest)), false)
        }
        Some(share) if is_broken(share) => (format!("{} × bound: BROKEN", number(share)), true),
        Some(share) => (format!("largest {} = {share:.2} × bound", number(largest)), false),
        None => (format!("largest {}", number(largest)), false),
    }
}

/// Height and width of a panel, and whether panels stand above each other.
fn layout(height: usize, width: usize) -> ((f64, f64), bool) {
    let (h, w) = (height as f64, width as f64);
    let above = w > WIDE * h;
    let unit = if above { ABOVE } else { BESIDE } / h.max(w);
    (((h * unit).max(THIN), (w * unit).max(THIN)), above)
}

fn draw(title: &str, note: &str, panels: &[Panel; 3], unit: &str) -> Page {
    let Grid { height, width, .. } = panels[0].grid;
    let ((tall, wide), above) = layout(height, width);
    let cell = wide.max(190.0); // room for names and notes
    let row = tall.max(if above { 76.0 } else { 110.0 }); // and for a readable bar
    let left = 58.0;
    let (head, foot) = (HEAD + 36.0, 52.0);
    let mut page = if above {
        Page::new(left + cell + BAR_ROOM + 30.0, head + 3.0 * (row + foot + 30.0))
    } else {
        Page::new(left + 3.0 * cell + 2.0 * (BAR_ROOM + GAP) + GAP, head + row + foot)
    };
    page.head(title, note, FAINT);
    let mut corner = (left, head);
    for (k, panel) in panels.iter().enumerate() {
        let at = (corner.0 + (cell - wide) / 2.0, corner.1 + (row - tall) / 2.0);
        let middle = at.0 + wide / 2.0;
        page.text(Text::new((middle, at.1 - 10.0), panel.name).middle().bold().size(14.0));
        page.image(panel.grid.image(panel.shade, at, (wide, tall)));
        page.frame(at, (wide, tall), LINE, 1.0);
        indices(&mut page, at, (wide, tall), (width, height), k == 0 || above);
        let colour = if panel.loud { WARNING } else { INK };
        page.text(
            Text::new((middle, at.1 + tall + 38.0), &panel.note)
                .middle()
                .size(13.0)
                .colour(colour)
                .within(cell + 20.0),
        );
        if panel.bar {
            let name = if unit.is_empty() { "" } else { unit };
            panel.shade.bar(&mut page, (at.0 + wide + 12.0, corner.1), row, name);
        }
        if above {
            corner.1 += row + foot + 30.0;
        } else {
            corner.0 += cell + GAP + if panel.bar { BAR_ROOM } else { 0.0 };
        }
    }
    page
}

/// Rows and columns by number, along the sides that are long enough.
fn indices(
    page: &mut Page,
    (x, y): Point,
    (wide, tall): (f64, f64),
    (width, height): (usize, usize),
    rows: bool,
) {
    let marks = |n: usize, length: f64| {
        let axis = Axis::linear((0.0, n as f64));
        let most = if length < 60.0 || n < 2 { 0 } else { (length / 60.0).clamp(2.0, 6.0) as usize };
        let values = if most > 0 { axis.ticks(most).marks } else { vec![] };
        values
            .into_iter()
            .map(|(v, _)| v)
            .filter(move |v| v.fract() == 0.0 && *v < n as f64)
            .collect::<Vec<_>>()
    };
    let place = |v: f64, n: usize, length: f64| (v + 0.5) / n as f64 * length;
    let mut lines = vec![];
    for v in marks(width, wide) {
        let u = x + place(v, width, wide);
        lines.push(vec![(u, y + tall), (u, y + tall + 4.0)]);
        page.text(Text::new((u, y + tall + 4.0 + SMALL), format!("{v:.0}")).middle().colour(FAINT));
    }
    for v in marks(height, tall) {
        let u = y + place(v, height, tall);
        lines.push(vec![(x - 4.0, u), (x, u)]);
        if rows {
            page.text(Text::new((x - 7.0, u + 4.0), format!("{v:.0}")).end().colour(FAINT));
        }
    }
    page.path(lines, LINE, Ink::Stroke(1.0, 0.0));
}

#[cfg(test)]
mod tests {
    use super::super::colour::{ALARM, MISSING, Rgb};
    use super::super::page::Mark;
    use super::super::{Figure, Format};
    use super::*;

    fn page(
        before: &[f64],
        after: &[f64],
        (height, width): (usize, usize),
        tolerance: Tolerance,
    ) -> Result<Page> {
        let frame = Frame { before, after, height, width, tolerance, unit: "m/s" };
        frames("a frame", "", &frame, &Scales::of(before, after, tolerance))
    }

    /// Pixels of a colour in the picture of the differences.
    fn count(page: &Page, colour: Rgb) -> usize {
        let images = page.marks.iter().filter_map(|m| if let Mark::Image(i) = m { Some(i) } else { None });
        let differences = images.filter(|i| i.pixels.0 > 1).nth(2).unwrap();
        differences.colours.iter().filter(|&&c| c == colour).count()
    }

    #[test]
    fn every_size_and_kind_of_frame_is_drawn() {
        for size in [(1, 1), (5, 5), (1, 2000), (300, 3), (50, 50), (701, 1400)] {
            for value in [0.0, 7.0, -1e300, 5e-324, f64::NAN, f64::INFINITY] {
                let frame = vec![value; size.0 * size.1];
                let figure = Figure::from(page(&frame, &frame, size, Tolerance::None).unwrap());
                let (w, h) = figure.pages[0].size();
                assert!((400.0..1400.0).contains(&w) && (250.0..1100.0).contains(&h), "{w} x {h}");
                let svg = String::from_utf8(figure.to_bytes(Format::Svg).unwrap()).unwrap();
                assert!(
                    svg.contains(">after − before<") && svg.contains(">exact<") && !svg.contains("NaN"),
                    "{svg}"
                );
            }
        }
        let wide = [f64::MIN, f64::MAX, 0.0, 5e-324];
        assert!(page(&wide, &[0.0; 4], (2, 2), Tolerance::Absolute(1e-9)).is_ok());
    }

    #[test]
    fn wrong_sizes_are_refused() {
        for (before, after, size) in [(6, 6, (2, 2)), (4, 3, (2, 2)), (0, 0, (0, 5)), (4, 4, (usize::MAX, 2))]
        {
            assert!(page(&vec![0.0; before], &vec![0.0; after], size, Tolerance::None).is_err());
        }
    }

    #[test]
    fn missing_is_grey_and_broken_is_loud() {
        let mut before: Vec<f64> = (0..100).map(|k| k as f64).collect();
        let mut after: Vec<f64> = before.iter().map(|v| v + 0.5).collect();
        let draw =
            |before: &[f64], after: &[f64]| page(before, after, (10, 10), Tolerance::Absolute(0.5)).unwrap();
        assert_eq!(count(&draw(&before, &after), ALARM), 0);
        after[42] = 43.0;
        assert_eq!(count(&draw(&before, &after), ALARM), 1);
        (before[42], after[42]) = (f64::NAN, f64::NAN);
        let picture = draw(&before, &after);
        assert_eq!((count(&picture, ALARM), count(&picture, MISSING)), (0, 1));
        after[42] = 0.0;
        assert_eq!(count(&draw(&before, &after), ALARM), 1);
    }

    /// One wrong value among two million is seen.
    #[test]
    fn reduction_hides_no_error() {
        let before = vec![0.0; 1000 * 2000];
        let mut after = before.clone();
        after[1234567] = 2.0;
        assert!(count(&page(&before, &after, (1000, 2000), Tolerance::Absolute(1.0)).unwrap(), ALARM) >= 1);
    }

    #[test]
    fn verdicts_are_told() {
        for (after, tolerance, told, loud) in [
            (1.0, Tolerance::Absolute(0.1), "exact", false),
            (1.25, Tolerance::Absolute(0.5), "largest 0.25 = 0.50 × bound", false),
            (1.25, Tolerance::None, "largest 0.25", false),
            (1.25, Tolerance::Exact, "NOT EXACT", true),
            (1.25, Tolerance::Pointwise(0.5), "largest 0.25 = 0.50 × bound", false),
            (2.0, Tolerance::Absolute(0.5), "2 × bound: BROKEN", true),
            (f64::NAN, Tolerance::Absolute(0.5), "became missing", true),
        ] {
            let (text, warning) = verdict(&[1.0], &[residual(1.0, after)], tolerance);
            assert!(text.contains(told) && warning == loud, "{text}");
        }
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
