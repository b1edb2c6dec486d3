//! Words and numbers for people: sizes, ratios, progress.

use baler::bound::Bound;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::io::Write;

/// Bytes in the unit that reads best.
pub fn bytes(n: u64) -> String {
    match n {
        0..10_000 => format!("{n} B"),
        10_000..1_000_000 => format!("{:.1} kB", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.2} GB", n as f64 / 1e9),
    }
}

/// Original over stored; an empty archive of nothing has a ratio of 0.
pub fn ratio(original: u64, stored: u64) -> f64 {
    if stored == 0 { 0.0 } else { original as f64 / stored as f64 }
}

/// A bound as it is typed: `rel:1e-3`, `psnr:60`, `lossless`.
pub fn bound(b: &Bound) -> String {
    match b.value() {
        Some(v) if (1e-2..1e4).contains(&v) => format!("{}:{v}", b.kind()),
        Some(v) => format!("{}:{v:e}", b.kind()),
        None => b.kind().into(),
    }
}

/// A number with four digits that count.
pub fn number(v: f64) -> String {
    match v.abs() {
        0.0 => "0".into(),
        a if (1e-3..1e5).contains(&a) => {
            let digits = (3 - a.log10().floor() as i32).clamp(0, 6) as usize;
            format!("{v:.digits$}")
        }
        _ => format!("{v:.3e}"),
    }
}

/// A bar on the terminal, if there is one and it is wanted; what is done goes before it, its message behind.
pub fn bar(what: &'static str, wanted: bool) -> ProgressBar {
    let target = if wanted { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(1), target);
    let style = ProgressStyle::with_template("{prefix:13} {bar:40} {percent:>3} %  {left}{msg}");
    let left = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let seconds = state.eta().as_secs();
        if state.pos() > 0 && seconds > 0 {
            let _ = write!(out, "{} left  ", HumanDuration(std::time::Duration::from_secs(seconds)));
        }
    };
    bar.set_style(style.expect("a fixed template").with_key("left", left));
    bar.set_prefix(what);
    bar
}

/// Prints a line to standard output. Where whoever read there has left, nothing is said, and the work goes on.
pub fn print(text: impl std::fmt::Display) -> baler::error::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(e.into()),
        _ => Ok(()),
    }
}

/// A count and its noun: `1 chunk`, `2 chunks`.
pub fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// Rows of cells as aligned columns, those numbered in `words` to the left, the others to the right.
pub fn table(rows: &[Vec<String>], words: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|s| s.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(c, s)| match words.contains(&c) {
            true => format!("{s:<w$}", w = widths[c]),
            false => format!("{s:>w$}", w = widths[c]),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
