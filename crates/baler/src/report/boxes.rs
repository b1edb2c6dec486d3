//! The residuals of all columns side by side, as boxes.

use super::axis::Axis;
use super::colour::{BEFORE, BLUE, FAINT, INK, WARNING};
use super::figure::Figure;
use super::numbers::number;
use super::page::{Ink, Page, Text};
use super::pair::{Pair, Summary, finite_range, is_broken, residual};
use super::plot::Plot;
use crate::front::Tolerance;

/// Columns on a page.
const ROWS: usize = 30;
const ROW: f64 = 25.0;
const LEFT: f64 = 206.0;
const WIDTH: f64 = 540.0;
/// Room to the right for numbers.
const RIGHT: f64 = 250.0;

/// What residuals are measured in.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Unit {
    /// Shares of the bound, where every column that lost something has one.
    Bound,
    /// Percent of the column's range of finite values before.
    Range,
}

/// A box a column: the middle half of its residuals, whiskers to the last within one and a half boxes (Tukey, 1977),
/// and dots for those beyond; with their RMS and the largest in numbers. In units of each column's bound where there
/// is one for all columns, else in percent of its range. Columns of text are told to be the same or not.
pub fn residual_boxes(title: &str, note: &str, pairs: &[Pair]) -> Figure {
    let bounded =
        |p: &Pair| matches!(p.tolerance, Tolerance::Absolute(_) | Tolerance::Pointwise(_) | Tolerance::Exact);
    let lossy = pairs.iter().filter(|p| p.tolerance != Tolerance::Exact).count();
    let unit = if lossy > 0 && pairs.iter().all(bounded) { Unit::Bound } else { Unit::Range };
    let rows: Vec<Row> = pairs.iter().map(|p| Row::of(p, unit)).collect();
    let reach = rows.iter().flat_map(|r| finite_range(&r.shares)).map(|(l, h)| h.max(-l)).fold(0.0, f64::max);
    let reach = if unit == Unit::Bound { reach.max(1.0) } else { reach };
    let pages = rows.chunks(ROWS).map(|rows| draw(title, note, rows, unit, reach * 1.06)).collect();
    Figure { pages }
}

struct Row {
    name: String,
    /// Sorted, finite, none where nothing was lost.
    shares: Vec<f64>,
    /// In two columns.
    told: [String; 2],
    loud: bool,
}

impl Row {
    fn of(pair: &Pair, unit: Unit) -> Row {
        let whole = |shares, told, loud| Row { name: pair.name.into(), shares, told, loud };
        let row = |shares, told: &str, loud| whole(shares, [told.to_string(), String::new()], loud);
        let (Some(before), Some(after)) = (pair.before.to_f64(), pair.after.to_f64()) else {
            let same = pair.before == pair.after;
            return row(vec![], if same { "text, exact" } else { "text, CHANGED" }, !same);
        };
        let lost: Vec<f64> = before.iter().zip(&after).map(|(&b, &a)| residual(b, a)).collect();
        if lost.iter().all(|d| *d == 0.0) {
            return row(vec![], if lost.is_empty() { "no values" } else { "exact" }, false);
        }
        let range = finite_range(&before).map_or(0.0, |(low, high)| high / 2.0 - low / 2.0) * 2.0;
        let share = |(&d, &b): (&f64, &f64)| match (unit, pair.tolerance) {
            _ if d == 0.0 => 0.0,
            (Unit::Bound, Tolerance::Absolute(bound)) => d / bound,
            (Unit::Bound, Tolerance::Pointwise(share)) => d / (share * b.abs()),
            _ if range > 0.0 => d / range * 100.0,
            _ => d,
        };
        let shares: Vec<f64> = lost.iter().zip(&before).map(share).collect();
        let Some(summary) = Summary::of(&shares) else { return row(vec![], "all became missing", true) };
        let mut sorted: Vec<f64> = shares.into_iter().filter(|s| s.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let sign = if unit == Unit::Range { " %" } else { "" };
        let told = [("RMS", summary.rms), ("max", summary.largest())];
        let told = told.map(|(name, v)| format!("{name} {}{sign}", number(v)));
        let broken =
            unit == Unit::Bound && (is_broken(summary.largest()) || pair.tolerance == Tolerance::Exact);
        match summary.broken {
            0 => whole(sorted, told, broken),
            n => row(sorted, &format!("{n} became missing"), true),
        }
    }
}

fn draw(title: &str, note: &str, rows: &[Row], unit: Unit, reach: f64) -> Page {
    let height = rows.len() as f64 * ROW;
    let mut page = Page::new(LEFT + WIDTH + RIGHT, 84.0 + height + 60.0);
    page.head(title, note, FAINT);
    let (x, y) = (Axis::symmetric(reach), Axis::linear((0.0, rows.len() as f64)));
    let plot = Plot { at: (LEFT, 78.0), size: (WIDTH, height), x, y };
    let ends: &[f64] = if unit == Unit::Bound { &[-1.0, 1.0] } else { &[] };
    ends.iter().for_each(|&end| plot.upright(&mut page, end, WARNING));
    plot.upright(&mut page, 0.0, FAINT);
    for (k, row) in rows.iter().enumerate() {
        let middle = plot.at.1 + (k as f64 + 0.5) * ROW;
        page.text(
            Text::new((LEFT - 12.0, middle + 4.0), &row.name)
                .end()
                .size(13.0)
                .colour(INK)
                .within(LEFT - 24.0),
        );
        for (told, x) in row.told.iter().zip([14.0, 128.0]) {
            let told = Text::new((plot.right() + x, middle + 4.0), told);
            page.text(told.colour(if row.loud { WARNING } else { FAINT }));
        }
        if !row.shares.is_empty() {
            one(&mut page, &plot, middle, &row.shares);
        }
    }
    plot.along(
        &mut page,
        match unit {
            Unit::Bound => "residual / bound",
            Unit::Range => "residual in % of the column's range",
        },
    );
    page
}

/// One box.
fn one(page: &mut Page, plot: &Plot, middle: f64, sorted: &[f64]) {
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
    let (low, median, high) = (at(0.25), at(0.5), at(0.75));
    let fence = (high - low) * 1.5;
    let inside = |v: &&f64| (low - fence..=high + fence).contains(*v);
    let first = sorted.iter().find(inside).copied().unwrap_or(low);
    let last = sorted.iter().rfind(inside).copied().unwrap_or(high);
    let x = |v: f64| plot.point((v, 0.0)).0;
    // Dots that would fall on the same spot are drawn once.
    let mut spots: Vec<i64> =
        sorted.iter().filter(|v| !inside(v)).map(|&v| (x(v) * 2.0).round() as i64).collect();
    spots.dedup();
    page.dots(spots.into_iter().map(|s| (s as f64 / 2.0, middle)).collect(), BLUE, 2.5);
    let half = ROW * 0.3;
    let ends = [first, last].map(|v| vec![(x(v), middle - half / 2.0), (x(v), middle + half / 2.0)]);
    let whisker = vec![(x(first), middle), (x(last), middle)];
    page.path([whisker].into_iter().chain(ends).collect(), INK, Ink::Stroke(1.0, 0.0));
    let size = ((x(high) - x(low)).max(1.0), 2.0 * half);
    page.fill((x(low), middle - half), size, BEFORE);
    page.frame((x(low), middle - half), size, INK, 1.0);
    page.line(&[(x(median), middle - half), (x(median), middle + half)], INK, 2.0);
}
