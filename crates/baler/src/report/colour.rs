//! Colours: maps that read evenly and survive colour blindness and grey printing.

/// Red, green, blue.
pub(super) type Rgb = [u8; 3];

pub(super) const WHITE: Rgb = [255; 3];
pub(super) const INK: Rgb = [32, 36, 44];
pub(super) const FAINT: Rgb = [104, 110, 120];
pub(super) const LINE: Rgb = [150, 155, 165];
pub(super) const GRID: Rgb = [232, 234, 238];
/// What was there before, and after: apart for the colour-blind, and in grey (Okabe and Ito, 2008).
pub(super) const BEFORE: Rgb = [158, 202, 232];
pub(super) const AFTER: Rgb = [213, 94, 0];
pub(super) const BLUE: Rgb = [0, 114, 178];
pub(super) const GREEN: Rgb = [0, 158, 115];
/// Where there is no value: neither map contains it.
pub(super) const MISSING: Rgb = [150; 3];
/// Beyond the bound, which must never happen and so must be seen: neither map contains it.
pub(super) const ALARM: Rgb = [255, 0, 200];
pub(super) const WARNING: Rgb = [196, 24, 48];

/// Viridis (van der Walt and Smith, 2015; CC0), for values; every seventeenth of its 256 colours.
const VIRIDIS: [Rgb; 16] = [
    [68, 1, 84],
    [72, 24, 106],
    [71, 45, 123],
    [66, 64, 134],
    [59, 82, 139],
    [51, 99, 141],
    [44, 114, 142],
    [38, 130, 142],
    [33, 145, 140],
    [31, 160, 136],
    [40, 174, 128],
    [63, 188, 115],
    [94, 201, 98],
    [132, 212, 75],
    [173, 220, 48],
    [253, 231, 37],
];

/// Blue through near white to red, lightness symmetric, for differences (ColorBrewer's RdBu reversed,
/// Brewer 2002, Apache-2.0).
const BLUE_RED: [Rgb; 11] = [
    [5, 48, 97],
    [33, 102, 172],
    [67, 147, 195],
    [146, 197, 222],
    [209, 229, 240],
    [247, 247, 247],
    [253, 219, 199],
    [244, 165, 130],
    [214, 96, 77],
    [178, 24, 43],
    [103, 0, 31],
];

/// A colour for a number from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Map {
    /// For values.
    Viridis,
    /// For differences; zero is in the middle, at 0.5.
    BlueRed,
}

impl Map {
    /// The colour at `t`, clamped to 0 to 1.
    pub fn at(self, t: f64) -> Rgb {
        let stops: &[Rgb] = match self {
            Map::Viridis => &VIRIDIS,
            Map::BlueRed => &BLUE_RED,
        };
        let place = t.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
        let k = (place as usize).min(stops.len() - 2);
        mix(stops[k], stops[k + 1], place - k as f64)
    }
}

/// The colour `part` of the way from `a` to `b`.
pub(super) fn mix(a: Rgb, b: Rgb, part: f64) -> Rgb {
    std::array::from_fn(|i| (a[i] as f64 + (b[i] as f64 - a[i] as f64) * part).round() as u8)
}
