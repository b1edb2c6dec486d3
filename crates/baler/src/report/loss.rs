//! How a training went, epoch by epoch.

use super::axis::Axis;
use super::colour::{AFTER, BLUE, FAINT, GREEN, LINE, Rgb};
use super::numbers::number;
use super::page::{Ink, Page, Text};
use super::pair::finite_range;
use super::plot::Plot;
use crate::model::Epoch;

const LEFT: f64 = 84.0;
const WIDTH: f64 = 840.0;
/// Points of a curve, at most; of more epochs the least and the greatest of each run are drawn.
const POINTS: usize = 1600;

/// The losses of every epoch, the best marked, and beneath them the learning rate where it changed.
///
/// Losses are on a logarithmic axis where all are positive and they span more than a factor of three. Of epochs whose
/// loss is not finite nothing is drawn.
pub fn loss(title: &str, note: &str, history: &[Epoch]) -> Page {
    let of = |loss: fn(&Epoch) -> f64| history.iter().map(loss).collect::<Vec<f64>>();
    let train = of(|e| e.train_loss);
    let validation = of(|e| e.validation_loss.unwrap_or(f64::NAN));
    let rates = of(|e| e.learning_rate);
    let range = finite_range(train.iter().chain(&validation));
    let stepped = finite_range(&rates).filter(|(low, high)| low < high && *low > 0.0);
    let mut page = Page::new(LEFT + WIDTH + 36.0, 640.0);
    page.head(title, note, FAINT);
    let x = Axis::linear((1.0, (history.len().max(2)) as f64)).padded(0.01);
    let y = range.unwrap_or((0.0, 1.0));
    let y = if y.0 > 0.0 && y.1 / y.0 > 3.0 { Axis::logarithmic(y) } else { Axis::linear(y) }.padded(0.06);
    let height = if stepped.is_some() { 360.0 } else { 472.0 };
    let losses = Plot { at: (LEFT, 104.0), size: (WIDTH, height), x, y };
    losses.across(&mut page, "loss");
    let Some(_) = range else {
        losses.along(&mut page, "epoch");
        losses.word(&mut page, "no finite loss", FAINT);
        return page;
    };
    let mut drops = vec![];
    if let Some(range) = stepped {
        let y = Axis::logarithmic(range).padded(0.1);
        let strip = Plot { at: (LEFT, 500.0), size: (WIDTH, 84.0), x, y };
        let changed = (1..rates.len()).filter(|&k| rates[k] != rates[k - 1]);
        drops = changed.map(|k| losses.point((k as f64 + 0.5, 0.0)).0).collect();
        mark(&mut page, &drops, losses.at.1, losses.bottom());
        mark(&mut page, &drops, strip.at.1, strip.bottom());
        strip.across(&mut page, "learning rate");
        let edges = rates.iter().enumerate().flat_map(|(k, &r)| [(k as f64 + 0.5, r), (k as f64 + 1.5, r)]);
        let line: Vec<_> = edges.filter(|(_, r)| r.is_finite()).map(|p| strip.point(p)).collect();
        page.line(&line, GREEN, 2.0);
        losses.base(&mut page);
        strip.along(&mut page, "epoch");
    } else {
        losses.along(&mut page, "epoch");
    }
    curve(&mut page, &losses, &train, BLUE, 2.8); // wider than what may lie on it
    curve(&mut page, &losses, &validation, AFTER, 1.5);
    let held = validation.iter().any(|v| v.is_finite());
    let mut entries = vec![("training", BLUE)];
    if held {
        entries.push(("validation", AFTER));
    }
    if !drops.is_empty() {
        entries.push(("learning rate changed", LINE));
    }
    let right = legend(&mut page, &entries);
    let (of, colour) = if held { (&validation, AFTER) } else { (&train, BLUE) };
    best(&mut page, &losses, of, colour, right);
    page
}

/// Upright lines, unless they are too many to be told apart.
fn mark(page: &mut Page, places: &[f64], top: f64, bottom: f64) {
    if places.len() <= 60 {
        let lines = places.iter().map(|&x| vec![(x, top), (x, bottom)]).collect();
        page.path(lines, LINE, Ink::Stroke(1.0, 3.0));
    }
}

fn curve(page: &mut Page, plot: &Plot, losses: &[f64], colour: Rgb, width: f64) {
    let run = losses.len().div_ceil(POINTS / 2).max(1);
    let known: Vec<(f64, f64)> = losses.iter().enumerate().map(|(k, &v)| (k as f64 + 1.0, v)).collect();
    let kept: Vec<(f64, f64)> = if run <= 2 {
        known
    } else {
        let extremes = |run: &[(f64, f64)]| {
            let finite = || run.iter().filter(|p| p.1.is_finite());
            let (low, high) =
                (finite().min_by(|a, b| a.1.total_cmp(&b.1)), finite().max_by(|a, b| a.1.total_cmp(&b.1)));
            let mut two: Vec<_> = [low, high].into_iter().flatten().copied().collect();
            two.sort_by(|a, b| a.0.total_cmp(&b.0));
            two
        };
        known.chunks(run).flat_map(extremes).collect()
    };
    let drawn = kept.split(|p| !p.1.is_finite()).filter(|run| !run.is_empty());
    let lines: Vec<Vec<_>> = drawn.map(|run| run.iter().map(|p| plot.point(*p)).collect()).collect();
    let alone = lines.iter().filter(|l| l.len() == 1).map(|l| l[0]).collect();
    page.path(lines, colour, Ink::Stroke(width, 0.0));
    page.dots(alone, colour, 5.0);
}

/// A dot where the loss is least, and in the legend at `left` what it is.
fn best(page: &mut Page, plot: &Plot, losses: &[f64], colour: Rgb, left: f64) {
    let finite = losses.iter().enumerate().filter(|(_, v)| v.is_finite());
    let Some((k, &least)) = finite.min_by(|a, b| a.1.total_cmp(b.1)) else { return };
    for at in [plot.point((k as f64 + 1.0, least)), (left + 12.0, 80.0)] {
        page.dots(vec![at], [255; 3], 13.0);
        page.dots(vec![at], colour, 10.0);
    }
    page.text(Text::new((left + 24.0, 84.0), format!("best: epoch {}, {}", k + 1, number(least))).bold());
}

/// The colours above the plot; returns where they end.
fn legend(page: &mut Page, entries: &[(&str, Rgb)]) -> f64 {
    let mut x = LEFT;
    for &(name, colour) in entries {
        page.line(&[(x, 80.0), (x + 24.0, 80.0)], colour, 2.0);
        let text = Text::new((x + 31.0, 84.0), name);
        x += 55.0 + text.width();
        page.text(text);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::super::{Figure, Format};
    use super::*;

    fn svg(history: &[Epoch]) -> String {
        String::from_utf8(Figure::from(loss("t", "n", history)).to_bytes(Format::Svg).unwrap()).unwrap()
    }

    fn epoch(train_loss: f64, validation_loss: Option<f64>, learning_rate: f64) -> Epoch {
        Epoch { train_loss, validation_loss, learning_rate }
    }

    #[test]
    fn the_best_epoch_is_named() {
        let parabola = |k: i32| f64::from(k - 12).powi(2) + 0.25;
        let history: Vec<_> =
            (0..20).map(|k| epoch(1.0 / f64::from(k + 1), Some(parabola(k)), 1e-3)).collect();
        let drawn = svg(&history);
        assert!(drawn.contains("best: epoch 13, 0.25") && drawn.contains(">validation<"), "{drawn}");
        assert!(!drawn.contains(">learning rate<"));
        let history: Vec<_> =
            (0..20).map(|k| epoch(1.0 / (k + 1) as f64, None, if k < 9 { 1e-3 } else { 5e-4 })).collect();
        let drawn = svg(&history);
        assert!(drawn.contains("best: epoch 20, 0.05") && !drawn.contains(">validation<"));
        assert!(drawn.contains(">learning rate<"));
    }

    #[test]
    fn every_history_is_drawn() {
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        assert!(svg(&[]).contains("no finite loss"));
        assert!(svg(&[epoch(nan, Some(inf), nan); 3]).contains("no finite loss"));
        for history in [
            vec![epoch(1.0, None, 1.0)],
            vec![epoch(0.0, Some(0.0), 0.0); 2],
            vec![epoch(-1.0, Some(nan), 1.0), epoch(1e300, Some(1e-300), inf), epoch(nan, None, 1e-9)],
            (0..100_000).map(|k| epoch(f64::from(k % 7), Some(nan), 1.0 / f64::from(k + 1))).collect(),
        ] {
            let drawn = svg(&history);
            assert!(
                drawn.contains("best: epoch") && !drawn.contains("NaN") && drawn.len() < 4_000_000,
                "{}",
                drawn.len()
            );
        }
    }
}
