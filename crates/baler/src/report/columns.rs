//! Every column of a table before and after, and what it lost, as histograms in a grid.

use std::fmt::Write;

use super::{finite_range, residual, short};
use crate::data::{Column, Table, Values};
use crate::error::{Error, Result};

/// Columns drawn; the rest are counted below the grid.
const SHOWN: usize = 24;
const ACROSS: usize = 4;
const BINS: usize = 100;

/// Pixels: a cell, and the two plots within it. Plots begin at the cell's left edge plus `INDENT`.
const CELL: (f64, f64) = (310.0, 214.0);
const INDENT: f64 = 34.0;
const PLOT: f64 = 256.0;
const VALUES: (f64, f64) = (26.0, 96.0); // top and height
const LOSSES: (f64, f64) = (142.0, 44.0);
const HEAD: f64 = 74.0;

/// Decades from the axis up to a count of one.
const FLOOR: f64 = 0.3;

const STYLE: &str = "text{font-family:'Helvetica Neue',Helvetica,Arial,'Liberation Sans',sans-serif;\
    font-size:11px;fill:#5b616c}.t{font-size:18px;font-weight:bold;fill:#20242c}\
    .n{font-size:13px;font-weight:bold;fill:#20242c}.e{text-anchor:end}.m{text-anchor:middle}\
    .w{fill:#c41830;font-weight:bold}.b{fill:#9ec5e8}.a{fill:none;stroke:#c2410c;stroke-width:1.1}\
    .r{fill:#7c8594}.x{fill:none;stroke:#c4c8d0;stroke-width:1}.g{stroke:#e6e8ec;stroke-width:1}";

/// An SVG of the columns of a table, up to 24: for each the histogram before (area) and after (line), with
/// logarithmic counts in 100 bins, and below it the histogram of the residuals in units of the column's bound.
///
/// `bounds` holds a column's absolute error bound, `None` where none was promised; residuals are then
/// shown up to the largest. Columns that came back bit for bit say "exact". Missing values (NaN, infinities)
/// are in no histogram; one that changed is told.
///
/// Errors where the two tables differ in their columns' names, types or lengths.
pub fn columns_svg(title: &str, before: &Table, after: &Table, bounds: &[Option<f64>]) -> Result<String> {
    let kind = |t: &Table| -> Vec<_> {
        t.columns.iter().map(|c| (c.name.clone(), c.values.dtype(), c.values.len())).collect()
    };
    if kind(before) != kind(after) || bounds.len() != before.columns.len() {
        return Err(Error::invalid(
            "a picture of two tables needs the same columns in both, and a bound for each",
        ));
    }
    let count = before.columns.len().min(SHOWN);
    let rest = before.columns.len() - count;
    let (width, height) = (
        ACROSS as f64 * CELL.0 + 20.0,
        HEAD + count.div_ceil(ACROSS) as f64 * CELL.1 + if rest > 0 { 24.0 } else { 0.0 },
    );
    let mut svg = Svg(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\"><style>{STYLE}</style>\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    ));
    svg.text((16.0, 28.0), "t", title);
    svg.rect("b", (16.0, 42.0), (14.0, 11.0));
    svg.text((36.0, 52.0), "", "before");
    svg.path("a", "M84 48h16");
    svg.text((106.0, 52.0), "", "after");
    svg.rect("r", (150.0, 42.0), (14.0, 11.0));
    let rows = before.rows();
    svg.text(
        (170.0, 52.0),
        "",
        &format!("residual, from minus to plus the bound     {rows} rows, logarithmic counts"),
    );
    let columns = before.columns.iter().zip(&after.columns).zip(bounds);
    for (k, ((before, after), &bound)) in columns.take(count).enumerate() {
        let corner = (10.0 + (k % ACROSS) as f64 * CELL.0, HEAD + (k / ACROSS) as f64 * CELL.1);
        cell(&mut svg, corner, before, &after.values, bound);
    }
    if rest > 0 {
        svg.text((16.0, height - 10.0), "", &format!("and {rest} columns more"));
    }
    svg.0.push_str("</svg>\n");
    Ok(svg.0)
}

/// One column's two plots.
fn cell(svg: &mut Svg, (left, top): (f64, f64), column: &Column, after: &Values, bound: Option<f64>) {
    let left = left + INDENT;
    let dtype = column.values.dtype();
    svg.text((left, top + 16.0), "n", &clipped(&column.name, 26));
    svg.text((left + PLOT, top + 16.0), "e", dtype.name());
    let (values, losses) = ((left, top + VALUES.0, VALUES.1), (left, top + LOSSES.0, LOSSES.1));
    let middle = |(x, y, height): (f64, f64, f64)| (x + PLOT / 2.0, y + height / 2.0 + 4.0);
    let (Some(before), Some(after)) = (column.values.to_f64(), after.to_f64()) else {
        svg.text(middle(values), "m", &distinct(&column.values));
        let same = column.values == *after;
        svg.text(middle(losses), if same { "m" } else { "m w" }, if same { "exact" } else { "text changed" });
        return;
    };
    draw_values(svg, values, &before, &after, dtype.is_float());

    let lost: Vec<f64> = before.iter().zip(&after).map(|(&b, &a)| residual(b, a)).collect();
    let largest = lost.iter().fold(0.0, |m: f64, d| m.max(d.abs()));
    if largest == 0.0 {
        svg.axis(losses);
        return svg.text(middle(losses), "m", "exact");
    }
    let bound = bound.filter(|b| *b > 0.0 && b.is_finite());
    let reach =
        bound.or(finite_range(&lost).map(|(low, high)| high.max(-low)).filter(|r| *r > 0.0)).unwrap_or(1.0);
    let counts = Histogram { low: -reach, high: reach, bins: BINS }.counts(&lost);
    svg.area("r", losses, &counts, log_top(&counts));
    svg.axis(losses);
    let foot = losses.1 + LOSSES.1 + 13.0;
    svg.text((left, foot), "", &format!("-{}", short(reach)));
    svg.text((left + PLOT, foot), "e", &short(reach));
    let (class, verdict) = match bound {
        _ if largest.is_infinite() => ("m w", "a value became missing".to_string()),
        None => ("m", format!("largest {}", short(largest))),
        Some(bound) if largest > bound => ("m w", format!("BROKEN: {} x bound", short(largest / bound))),
        Some(bound) => ("m", format!("largest {:.2} x bound", largest / bound)),
    };
    svg.text((left + PLOT / 2.0, foot), class, &verdict);
}

/// The histograms of a column's values before and after, in the same bins.
fn draw_values(svg: &mut Svg, plot: (f64, f64, f64), before: &[f64], after: &[f64], float: bool) {
    let (left, top, height) = plot;
    let Some((low, high)) = finite_range(before.iter().chain(after)) else {
        svg.axis(plot);
        return svg.text((left + PLOT / 2.0, top + height / 2.0), "m", "no finite values");
    };
    let histogram = Histogram::over(low, high, float);
    let counts = [histogram.counts(before), histogram.counts(after)];
    let most = log_top(&counts[0]).max(log_top(&counts[1]));
    for decade in 0..=(most - FLOOR).floor() as i32 {
        let y = top + height * (1.0 - (decade as f64 + FLOOR) / most);
        svg.path("g", &format!("M{left:.1} {y:.1}h{PLOT}"));
        // Few enough labels that they do not touch.
        if decade % (1 + most as i32 / 6) == 0 {
            let label = if decade < 4 { 10f64.powi(decade).to_string() } else { format!("1e{decade}") };
            svg.text((left - 4.0, y + 4.0), "e", &label);
        }
    }
    svg.area("b", plot, &counts[0], most);
    svg.steps("a", plot, &counts[1], most);
    svg.axis(plot);
    let label = |v: f64| if float || v.abs() > 1e15 { short(v) } else { format!("{v:.0}") };
    svg.text((left, top + height + 13.0), "", &label(low));
    svg.text((left + PLOT, top + height + 13.0), "e", &label(high));
}

/// Equal bins from `low` to `high`.
struct Histogram {
    low: f64,
    high: f64,
    bins: usize,
}

impl Histogram {
    /// Bins for values from `low` to `high`: one an integer where those are few.
    fn over(low: f64, high: f64, float: bool) -> Histogram {
        if !float && high - low < BINS as f64 {
            return Histogram { low: low - 0.5, high: high + 0.5, bins: (high - low) as usize + 1 };
        }
        let room = if low == high { low.abs().max(1.0) * 0.5 } else { 0.0 };
        Histogram { low: low - room, high: high + room, bins: BINS }
    }

    /// Finite values in each bin; those outside are in the outermost.
    fn counts(&self, values: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; self.bins];
        // Halves keep the widest of ranges from overflowing.
        let per_unit = self.bins as f64 / (self.high / 2.0 - self.low / 2.0);
        for v in values.iter().filter(|v| v.is_finite()) {
            let bin = (v / 2.0 - self.low / 2.0) * per_unit;
            counts[(bin.max(0.0) as usize).min(self.bins - 1)] += 1;
        }
        counts
    }
}

/// The height of a count in decades above [`FLOOR`], 0 for none: a single value must be seen.
fn log_height(count: u64) -> f64 {
    if count == 0 { 0.0 } else { (count as f64).log10() + FLOOR }
}

/// The top of the axis for these counts, in decades from the axis.
fn log_top(counts: &[u64]) -> f64 {
    counts.iter().map(|&c| log_height(c)).fold(1.0 + FLOOR, f64::max)
}

fn distinct(values: &Values) -> String {
    match values {
        Values::Text(v) => {
            format!("{} different texts", v.iter().collect::<std::collections::HashSet<_>>().len())
        }
        other => format!("{} values", other.len()),
    }
}

/// `text`, its middle left out where it is longer than `most` letters.
fn clipped(text: &str, most: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= most {
        return text.into();
    }
    letters[..most / 2].iter().chain(&['.'; 3]).chain(&letters[letters.len() - most / 2..]).collect()
}

/// An SVG under construction.
struct Svg(String);

impl Svg {
    fn add(&mut self, element: std::fmt::Arguments) {
        self.0.write_fmt(element).expect("a string takes everything");
    }

    fn text(&mut self, (x, y): (f64, f64), class: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" xml:space=\"preserve\">{text}</text>"
        ));
    }

    fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        self.add(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        ));
    }

    fn path(&mut self, class: &str, d: &str) {
        self.add(format_args!("<path class=\"{class}\" d=\"{d}\"/>"));
    }

    /// The two lines that a plot stands on.
    fn axis(&mut self, (x, y, height): (f64, f64, f64)) {
        self.path("x", &format!("M{x:.1} {y:.1}v{height}h{PLOT}"));
    }

    /// The outline of a histogram, `most` decades high.
    fn steps(&mut self, class: &str, (left, top, height): (f64, f64, f64), counts: &[u64], most: f64) {
        self.path(class, &outline((left, top, height), counts, most));
    }

    /// A histogram, filled.
    fn area(&mut self, class: &str, plot: (f64, f64, f64), counts: &[u64], most: f64) {
        self.path(class, &format!("{}Z", outline(plot, counts, most)));
    }
}

/// From the lower left corner over every bin to the lower right one.
fn outline((left, top, height): (f64, f64, f64), counts: &[u64], most: f64) -> String {
    let bin = PLOT / counts.len() as f64;
    let mut d = format!("M{left:.1} {:.1}", top + height);
    for (k, &count) in counts.iter().enumerate() {
        let y = top + height * (1.0 - log_height(count) / most);
        let _ = write!(d, "V{y:.1}H{:.1}", left + (k + 1) as f64 * bin);
    }
    let _ = write!(d, "V{:.1}", top + height);
    d
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::jets::jets;

    fn table(columns: Vec<(&str, Values)>) -> Table {
        Table::new(columns.into_iter().map(|(name, values)| Column { name: name.into(), values }).collect())
            .unwrap()
    }

    fn svg_of(before: Values, after: Values, bound: Option<f64>) -> String {
        columns_svg("t", &table(vec![("a <b> & c", before)]), &table(vec![("a <b> & c", after)]), &[bound])
            .unwrap()
    }

    #[test]
    fn verdicts_are_told() {
        let f = |v: &[f32]| Values::F32(v.to_vec());
        let texts = |v: &[&str]| Values::Text(v.iter().map(|s| s.to_string()).collect());
        for (before, after, bound, told) in [
            (f(&[1.0, 2.0]), f(&[1.0, 2.0]), Some(0.1), "exact"),
            (f(&[1.0, f32::NAN]), f(&[1.0, f32::NAN]), None, "exact"),
            (f(&[1.0, 2.0]), f(&[1.25, 2.0]), Some(0.5), "largest 0.50 x bound"),
            (f(&[1.0, 2.0]), f(&[1.25, 2.0]), None, "largest 0.25"),
            (f(&[1.0, 2.0]), f(&[2.0, 2.0]), Some(0.5), "BROKEN: 2 x bound"),
            (f(&[1.0, 2.0]), f(&[f32::NAN, 2.0]), Some(0.5), "a value became missing"),
            (f(&[f32::NAN]), f(&[f32::NAN]), Some(0.5), "no finite values"),
            (f(&[]), f(&[]), None, "exact"),
            (Values::Bool(vec![true, false]), Values::Bool(vec![true, false]), None, "exact"),
            (texts(&["x", "y", "x"]), texts(&["x", "y", "x"]), None, "2 different texts"),
            (texts(&["x"]), texts(&["y"]), None, "text changed"),
        ] {
            let svg = svg_of(before, after, bound);
            assert!(svg.contains(told), "{told}: {svg}");
            assert!(svg.contains("a &lt;b&gt; &amp; c") && !svg.contains("NaN") && !svg.contains(">inf"));
        }
    }

    #[test]
    fn tables_must_match() {
        let (a, b) = (table(vec![("a", Values::U8(vec![1]))]), table(vec![("b", Values::U8(vec![1]))]));
        assert!(columns_svg("", &a, &b, &[None]).is_err());
        assert!(columns_svg("", &a, &a, &[]).is_err());
        assert!(columns_svg("", &Table::default(), &Table::default(), &[]).is_ok());
    }

    #[test]
    fn columns_beyond_the_grid_are_counted() {
        let table = jets(1000, 1);
        let svg = columns_svg("jets", &table, &table, &vec![None; table.columns.len()]).unwrap();
        assert!(svg.contains(&format!("and {} columns more", table.columns.len() - SHOWN)));
        assert_eq!(svg.matches("exact").count(), SHOWN);
    }

    #[test]
    fn every_finite_value_is_counted() {
        for (low, high, float) in
            [(0.0, 1.0, true), (-3.0, 5.0, false), (7.0, 7.0, true), (f64::MIN, f64::MAX, true)]
        {
            let counts = Histogram::over(low, high, float).counts(&[low, high, low, f64::NAN]);
            assert_eq!(counts.iter().sum::<u64>(), 3);
        }
    }
}
