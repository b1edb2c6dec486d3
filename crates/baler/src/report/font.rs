//! The letters: Roboto (Apache-2.0), compiled in, so that pictures are the same on every machine and none needs fonts
//! installed.

use std::sync::LazyLock;

use ttf_parser::{Face, GlyphId};

/// The weights in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Medium,
}

impl Weight {
    pub const ALL: [Weight; 2] = [Weight::Regular, Weight::Medium];

    pub fn file(self) -> &'static [u8] {
        match self {
            Weight::Regular => include_bytes!("font/Roboto-Regular.ttf"),
            Weight::Medium => include_bytes!("font/Roboto-Medium.ttf"),
        }
    }

    pub fn face(self) -> &'static Face<'static> {
        static FACES: LazyLock<[Face<'static>; 2]> =
            LazyLock::new(|| Weight::ALL.map(|w| Face::parse(w.file(), 0).expect("a font of ours")));
        &FACES[self as usize]
    }
}

/// A letter in place; sizes in shares of the text's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Glyph {
    pub id: GlyphId,
    /// From the text's start.
    pub x: f64,
    /// Above the baseline.
    pub rise: f64,
    pub scale: f64,
}

/// Exponents are digits made small and lifted: the font has few of its own.
const RAISED: (f64, f64) = (0.68, 0.36);

fn of(letter: char) -> (char, f64, f64) {
    let plain = match letter {
        '⁻' => '−',
        '⁰' => '0',
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁴'..='⁹' => char::from_digit(letter as u32 - '⁰' as u32, 10).expect("a digit"),
        c if c.is_control() => return (' ', 1.0, 0.0),
        c => return (c, 1.0, 0.0),
    };
    (plain, RAISED.0, RAISED.1)
}

/// The letters of a text, those that the font lacks as its empty box; and the text's width.
pub(super) fn layout(text: &str, weight: Weight) -> (Vec<Glyph>, f64) {
    let face = weight.face();
    let em = f64::from(face.units_per_em());
    let mut x = 0.0;
    let glyphs = text
        .chars()
        .map(|letter| {
            let (plain, scale, rise) = of(letter);
            let id = face.glyph_index(plain).unwrap_or(GlyphId(0));
            let glyph = Glyph { id, x, rise, scale };
            x += f64::from(face.glyph_hor_advance(id).unwrap_or(0)) / em * scale;
            glyph
        })
        .collect();
    (glyphs, x)
}

/// The width of a text of size 1.
pub(super) fn width(text: &str, weight: Weight) -> f64 {
    layout(text, weight).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_exponents_are_there() {
        let lacking = |text: &str| {
            let without = |w| layout(text, w).0.iter().filter(|g| g.id == GlyphId(0)).count();
            Weight::ALL.map(without).iter().sum::<usize>()
        };
        assert_eq!(lacking("Az09 −×·…±≤≥∞µηφΔ² 10⁻¹²³⁴⁵⁶⁷⁸⁹⁰ é%"), 0);
        assert_eq!(lacking("日"), 2);
        assert!(width("10⁻³", Weight::Regular) < width("10−3", Weight::Regular));
        assert!(
            width("", Weight::Regular) == 0.0 && width("i", Weight::Regular) < width("m", Weight::Medium)
        );
    }
}
