//! One column before and after: its values, its response, its residual.

use super::axis::Axis;
use super::bins::Bins;
use super::boxes::residual_boxes;
use super::colour::{AFTER, BEFORE, BLUE, FAINT, INK, Rgb, WARNING};
use super::figure::Figure;
use super::numbers::{count, number};
use super::page::{Ink, Page, Point, Text};
use super::pair::{Pair, Summary, finite_range, is_broken, residual, share_of_bound};
use super::plot::Plot;
use crate::front::Tolerance;

const VALUES: (Point, (f64, f64)) = ((84.0, 104.0), (380.0, 288.0));
const CHANGES: (Point, (f64, f64)) = ((84.0, 432.0), (380.0, 128.0));
const RESPONSE: (Point, (f64, f64)) = ((556.0, 124.0), (376.0, 176.0));
const RESIDUAL: (Point, (f64, f64)) = ((556.0, 384.0), (376.0, 176.0));
const SIZE: (f64, f64) = (960.0, 620.0);

/// The box plot of all columns, and a page for each that is no text.
pub fn comparison(title: &str, note: &str, pairs: &[Pair]) -> Figure {
    let mut figure = residual_boxes(title, note, pairs);
    let numbers = pairs.iter().filter(|p| p.before.to_f64().is_some());
    figure.pages.extend(numbers.map(|p| column_page(note, p)));
    figure
}

/// A page of four plots with logarithmic counts in 200 bins (one an integer where those are fewer): the histograms before
/// and after, their difference beneath; the response, (after - before) / before in percent, and the residual, each with
/// its mean and RMS, and with the bound where there is one. Values that are not finite are in no histogram; those
/// that became so are told. Of text it says whether it came back. `note` is written small in the corner.
pub fn column_page(note: &str, pair: &Pair) -> Page {
    let mut page = Page::new(SIZE.0, SIZE.1);
    page.text(Text::new((SIZE.0 - 24.0, 32.0), note).end().colour(FAINT).within(SIZE.0 / 2.0));
    let (Some(before), Some(after)) = (pair.before.to_f64(), pair.after.to_f64()) else {
        let same = pair.before == pair.after;
        page.head(pair.name, if same { "text, came back exactly" } else { "text, CHANGED" }, INK);
        return page;
    };
    let lost: Vec<f64> = before.iter().zip(&after).map(|(&b, &a)| residual(b, a)).collect();
    let (verdict, loud) = verdict(pair.tolerance, &before, &lost);
    let unit = if pair.unit.is_empty() { String::new() } else { format!(" in {}", pair.unit) };
    let head = format!("{}, {} values; {verdict}", pair.before.dtype(), count(before.len()));
    page.head(&format!("{}{unit}", pair.name), &head, if loud { WARNING } else { FAINT });
    let whole = !pair.before.dtype().is_float();
    values(&mut page, &format!("{}{unit}", pair.name), &before, &after, whole);
    response(&mut page, &before, &lost, pair.tolerance);
    residuals(&mut page, unit.trim_start(), &lost, pair.tolerance);
    page
}

/// What the bound says of the residuals, and whether that is a warning.
fn verdict(tolerance: Tolerance, before: &[f64], lost: &[f64]) -> (String, bool) {
    let missing = lost.iter().filter(|d| d.is_infinite()).count();
    let Some(summary) = Summary::of(lost).filter(|s| s.largest() > 0.0) else {
        return match missing {
            0 => ("came back exactly".into(), false),
            n => (format!("{} became missing", count(n)), true),
        };
    };
    let largest = summary.largest();
    let share = share_of_bound(tolerance, before, lost).unwrap_or(0.0);
    let bound = match tolerance {
        Tolerance::Absolute(b) => format!("bound {}", number(b)),
        Tolerance::Pointwise(p) => format!("bound {} of each", number(p)),
        Tolerance::RootMeanSquare(r) => format!("bound of the RMS {}", number(r)),
        Tolerance::Exact => "should be exact".into(),
        Tolerance::None => "no bound known".into(),
    };
    let what = if matches!(tolerance, Tolerance::RootMeanSquare(_)) { "RMS" } else { "largest error" };
    let told = match tolerance {
        _ if missing > 0 => format!("{} became missing", count(missing)),
        Tolerance::Exact => format!("BROKEN, off by up to {}", number(largest)),
        Tolerance::None => format!("largest error {}", number(largest)),
        _ if is_broken(share) => format!("BROKEN, {what} {} × bound", number(share)),
        Tolerance::RootMeanSquare(_) => format!("RMS {} = {share:.2} × bound", number(summary.rms)),
        _ => format!("largest error {} = {share:.2} × bound", number(largest)),
    };
    (format!("{bound}; {told}"), missing > 0 || is_broken(share))
}

/// An axis of counts from below one, which has to be seen.
fn counts_axis(counts: &[u64]) -> Axis {
    let most = counts.iter().copied().max().unwrap_or(0).max(2) as f64;
    Axis::logarithmic((0.6, most * 1.4))
}

fn values(page: &mut Page, name: &str, before: &[f64], after: &[f64], whole: bool) {
    let range = finite_range(before.iter().chain(after));
    let bins = Bins::over(range.unwrap_or((0.0, 1.0)), whole);
    let [b, a] = [before, after].map(|v| bins.counts(v));
    let x = Axis::linear((bins.low, bins.high)).padded(0.02);
    let most: Vec<u64> = b.iter().chain(&a).copied().collect();
    let top = Plot { at: VALUES.0, size: VALUES.1, x, y: counts_axis(&most) };
    top.across(page, "values a bin");
    top.title(page, "Values");
    legend(page, &[("before", BEFORE, 9.0), ("after", AFTER, 2.0)]);
    let changes: Vec<f64> = b.iter().zip(&a).map(|(&b, &a)| a as f64 - b as f64).collect();
    let reach = changes.iter().fold(0.0, |m: f64, c| m.max(c.abs()));
    let below = Plot { at: CHANGES.0, size: CHANGES.1, x, y: Axis::symmetric(reach * 1.1) };
    below.across(page, "after − before");
    if range.is_none() {
        top.base(page);
        top.word(page, "no finite values", FAINT);
        return below.along(page, name);
    }
    page.path(vec![top.outline(&bins, |k| b[k] as f64)], BEFORE, Ink::Fill);
    // Thin at the sides, so that what is behind a narrow bin is seen.
    page.line(&top.outline(&bins, |k| a[k] as f64), AFTER, 0.5);
    let filled = (0..bins.count).filter(|&k| a[k] > 0);
    let tops = filled.map(|k| [k, k + 1].map(|e| top.point((bins.edge(e), a[k] as f64))).to_vec()).collect();
    page.path(tops, AFTER, Ink::Stroke(1.6, 0.0));
    top.base(page);
    let bars = (0..bins.count).filter(|&k| changes[k] != 0.0).map(|k| {
        let [(left, zero), (right, end)] =
            [(k, 0.0), (k + 1, changes[k])].map(|(k, c)| below.point((bins.edge(k), c)));
        vec![(left, zero), (right, zero), (right, end), (left, end)]
    });
    page.path(bars.collect(), AFTER, Ink::Fill);
    if reach == 0.0 {
        below.word(page, "the same counts in every bin", FAINT);
    } else {
        let zero = below.point((bins.low, 0.0)).1;
        page.line(&[(below.at.0, zero), (below.right(), zero)], FAINT, 0.7);
    }
    below.along(page, name);
}

fn legend(page: &mut Page, entries: &[(&str, Rgb, f64)]) {
    let mut right = VALUES.0.0 + VALUES.1.0;
    for &(name, colour, width) in entries.iter().rev() {
        let text = Text::new((right, VALUES.0.1 - 9.0), name).end();
        right -= text.width() + 6.0;
        page.line(&[(right - 20.0, VALUES.0.1 - 13.0), (right, VALUES.0.1 - 13.0)], colour, width);
        right -= 36.0;
        page.text(text);
    }
}

fn response(page: &mut Page, before: &[f64], lost: &[f64], tolerance: Tolerance) {
    let percent = |(b, d): (&f64, &f64)| d / b * 100.0;
    let known = before.iter().zip(lost).filter(|(b, d)| b.is_finite() && **b != 0.0 && d.is_finite());
    let responses: Vec<f64> = known.map(percent).filter(|r| r.is_finite()).collect();
    let bound = match tolerance {
        Tolerance::Pointwise(p) => Some(p * 100.0),
        _ => None,
    };
    // Values near zero answer with any percentage: the axis goes as far as 99 of 100 do.
    let mut sizes: Vec<f64> = responses.iter().map(|r| r.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let most = sizes.get(sizes.len() * 99 / 100).copied().filter(|m| *m > 0.0).or(sizes.last().copied());
    let reach = bound.unwrap_or(0.0).max(most.unwrap_or(0.0)) * 1.08;
    let beyond = sizes.iter().filter(|s| **s > reach).count();
    let note = Summary::of(&responses).map(|s| Note {
        corner: if beyond > 0 { format!("{} beyond", count(beyond)) } else { String::new() },
        line: format!(
            "mean {} %   RMS {} %   median size {} %",
            number(s.mean),
            number(s.rms),
            number(sizes[sizes.len() / 2])
        ),
        mean: s.mean,
    });
    panel(page, RESPONSE, ["Response", "(after − before) / before in %"], &responses, reach, bound, note);
}

/// What is said above a histogram.
struct Note {
    corner: String,
    line: String,
    mean: f64,
}

fn residuals(page: &mut Page, unit: &str, lost: &[f64], tolerance: Tolerance) {
    let finite: Vec<f64> = lost.iter().copied().filter(|d| d.is_finite()).collect();
    let bound = match tolerance {
        Tolerance::Absolute(b) | Tolerance::RootMeanSquare(b) => Some(b),
        _ => None,
    };
    let summary = Summary::of(&finite);
    let reach = bound.unwrap_or(0.0).max(summary.map_or(0.0, |s| s.largest())) * 1.08;
    let note = summary.map(|s| Note {
        corner: format!("min {}   max {}", number(s.low), number(s.high)),
        line: format!("mean {}   RMS {}", number(s.mean), number(s.rms)),
        mean: s.mean,
    });
    let axis = format!("after − before {unit}");
    panel(page, RESIDUAL, ["Residual", axis.trim_end()], &finite, reach, bound, note);
}

/// A histogram about zero, with its title and that of its axis.
fn panel(
    page: &mut Page,
    (at, size): (Point, (f64, f64)),
    [title, axis]: [&str; 2],
    values: &[f64],
    reach: f64,
    bound: Option<f64>,
    note: Option<Note>,
) {
    let x = Axis::symmetric(reach);
    let bins = Bins::over((x.low, x.high), false);
    let counts = bins.counts(values);
    let plot = Plot { at, size, x, y: counts_axis(&counts) };
    plot.across(page, "values a bin");
    page.text(Text::new((at.0, at.1 - 26.0), title).bold().size(13.0));
    match note {
        Some(note) if values.iter().any(|v| *v != 0.0) => {
            page.text(Text::new((at.0, at.1 - 9.0), note.line).within(size.0));
            page.text(Text::new((at.0 + size.0, at.1 - 26.0), note.corner).end());
            page.path(vec![plot.outline(&bins, |k| counts[k] as f64)], BEFORE, Ink::Fill);
            page.line(&plot.outline(&bins, |k| counts[k] as f64), BLUE, 0.8);
            plot.upright(page, note.mean, INK);
        }
        Some(_) => plot.word(page, "all zero", FAINT),
        None => plot.word(page, "no values to compare", FAINT),
    }
    if let Some(bound) = bound {
        [-bound, bound].iter().for_each(|&end| plot.upright(page, end, WARNING));
        let x = plot.point((bound, 1.0)).0;
        page.text(Text::new((x - 5.0, at.1 + 11.0), "bound").end().colour(WARNING));
    }
    plot.along(page, axis);
}
