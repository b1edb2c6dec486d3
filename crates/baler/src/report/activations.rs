//! What the nodes of a network answer on average.

use super::axis::Axis;
use super::colour::{FAINT, LINE, Map};
use super::numbers::{count, number};
use super::page::{Ink, Page, Text};
use super::pair::finite_range;
use super::plot::Plot;
use super::shade::{Grid, Shade, extreme};

const LEFT: f64 = 84.0;
const WIDTH: f64 = 800.0;
const TOP: f64 = 104.0;
const HEIGHT: f64 = 430.0;

/// Layers across, nodes up: the mean activation of each node in colours symmetric about zero. Nodes without a finite
/// mean are grey; where many share a pixel, the farthest from zero is shown.
pub fn activations(title: &str, note: &str, layers: &[(String, Vec<f64>)]) -> Page {
    let mut page = Page::new(LEFT + WIDTH + 110.0, TOP + HEIGHT + 96.0);
    page.head(title, note, FAINT);
    let nodes = layers.iter().map(|(_, means)| means.len()).max().unwrap_or(0);
    let y = Axis::linear((0.0, nodes.max(1) as f64));
    let plot = Plot {
        at: (LEFT, TOP),
        size: (WIDTH, HEIGHT),
        x: Axis::linear((0.0, layers.len().max(1) as f64)),
        y,
    };
    plot.across(&mut page, "node");
    plot.base(&mut page);
    if nodes == 0 {
        plot.word(&mut page, "no activations", FAINT);
        return page;
    }
    let known = layers.iter().flat_map(|(_, means)| finite_range(means));
    let reach = known.map(|(low, high)| high.max(-low)).fold(0.0, f64::max);
    let shade = Shade { map: Map::BlueRed, ..Shade::differences(reach) };
    let across = WIDTH / layers.len() as f64;
    let width = across * 0.86;
    for (k, (name, means)) in layers.iter().enumerate() {
        let left = LEFT + (k as f64 + 0.5) * across - width / 2.0;
        let middle = left + width / 2.0;
        if !means.is_empty() {
            let upward: Vec<f64> =
                means.iter().rev().map(|&m| if m.is_finite() { m } else { f64::NAN }).collect();
            let height = HEIGHT * means.len() as f64 / nodes as f64;
            let (at, size) = ((left, plot.bottom() - height), (width, height));
            let grid = Grid { data: &upward, height: means.len(), width: 1, reduce: extreme };
            page.image(grid.image(shade, at, size));
            page.frame(at, size, LINE, 0.7);
        }
        page.path(
            vec![vec![(middle, plot.bottom()), (middle, plot.bottom() + 4.0)]],
            LINE,
            Ink::Stroke(1.0, 0.0),
        );
        page.text(Text::new((middle, plot.bottom() + 19.0), name).middle().size(13.0).within(across - 4.0));
        let told = match finite_range(means) {
            Some((low, high)) if across > 90.0 => format!("{} to {}", short(low), short(high)),
            _ => count(means.len()),
        };
        page.text(
            Text::new((middle, plot.bottom() + 37.0), told).middle().colour(FAINT).within(across - 4.0),
        );
    }
    page.text(Text::new((LEFT + WIDTH / 2.0, plot.bottom() + 66.0), "layer").middle());
    shade.bar(&mut page, (LEFT + WIDTH + 22.0, TOP), HEIGHT, "mean");
    page
}

/// A number in two digits.
fn short(v: f64) -> String {
    number(format!("{v:.1e}").parse().unwrap_or(v))
}

#[cfg(test)]
mod tests {
    use super::super::{Figure, Format};
    use super::*;

    #[test]
    fn layers_of_every_size_are_drawn() {
        let layer = |name: &str, means: &[f64]| (name.to_string(), means.to_vec());
        for layers in [
            vec![],
            vec![layer("none", &[])],
            vec![layer("en1", &[0.0; 5000]), layer("z", &[f64::NAN, f64::INFINITY, -1e300])],
            (0..60).map(|k| layer(&format!("layer {k}"), &vec![f64::from(k) - 30.0; 60])).collect(),
        ] {
            let svg = Figure::from(activations("t", "", &layers)).to_bytes(Format::Svg).unwrap();
            let svg = String::from_utf8(svg).unwrap();
            assert!(!svg.contains("NaN") && svg.contains(">node<"));
            assert!(layers.iter().all(|(_, m)| m.is_empty()) || svg.contains(">layer<"));
        }
    }
}
