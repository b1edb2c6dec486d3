//! A small canvas: rectangles, text, PNG. The font's bitmaps are compiled in, so that pictures are the same
//! on every machine and none needs fonts installed.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use super::colour::{Rgb, WHITE, mix};
use crate::error::{Error, ErrorKind, Result};

/// The two styles of text in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Title,
    Label,
}

impl Style {
    fn font(self) -> (FontWeight, RasterHeight) {
        match self {
            Style::Title => (FontWeight::Bold, RasterHeight::Size20),
            Style::Label => (FontWeight::Regular, RasterHeight::Size16),
        }
    }

    /// Pixels from the top of a line to the top of the next.
    pub fn line(self) -> usize {
        self.font().1.val()
    }

    /// Pixels across, whatever the letter.
    pub fn letter(self) -> usize {
        let (weight, size) = self.font();
        get_raster_width(weight, size)
    }

    /// Pixels across `text`.
    pub fn width(self, text: &str) -> usize {
        text.chars().count() * self.letter()
    }
}

/// Pixels, white at first.
pub(super) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    pub fn new(width: usize, height: usize) -> Canvas {
        Canvas { width, height, pixels: vec![WHITE[0]; 3 * width * height] }
    }

    /// The pixel at (x, y), where that is on the canvas.
    fn at(&mut self, x: usize, y: usize) -> Option<&mut [u8]> {
        let inside = x < self.width && y < self.height;
        inside.then(|| &mut self.pixels[3 * (y * self.width + x)..][..3])
    }

    pub fn set(&mut self, x: usize, y: usize, colour: Rgb) {
        if let Some(pixel) = self.at(x, y) {
            pixel.copy_from_slice(&colour);
        }
    }

    pub fn fill(&mut self, x: usize, y: usize, width: usize, height: usize, colour: Rgb) {
        for v in y..y + height {
            (x..x + width).for_each(|u| self.set(u, v, colour));
        }
    }

    /// A line one pixel wide just outside of the rectangle.
    pub fn frame(&mut self, x: usize, y: usize, width: usize, height: usize, colour: Rgb) {
        self.fill(x - 1, y - 1, width + 2, 1, colour);
        self.fill(x - 1, y + height, width + 2, 1, colour);
        self.fill(x - 1, y, 1, height, colour);
        self.fill(x + width, y, 1, height, colour);
    }

    /// Text with its upper left corner at (x, y). Letters that the font lacks become question marks.
    pub fn text(&mut self, x: usize, y: usize, text: &str, style: Style, colour: Rgb) {
        let (weight, size) = style.font();
        for (k, letter) in text.chars().enumerate() {
            let Some(raster) = get_raster(letter, weight, size).or_else(|| get_raster('?', weight, size))
            else {
                continue;
            };
            for (v, row) in raster.rows().enumerate() {
                for (u, &cover) in row.iter().enumerate() {
                    if let Some(pixel) = self.at(x + k * style.letter() + u, y + v) {
                        let under = [pixel[0], pixel[1], pixel[2]];
                        pixel.copy_from_slice(&mix(under, colour, cover as f64 / 255.0));
                    }
                }
            }
        }
    }

    /// Text centred on `x`.
    pub fn centred(&mut self, x: usize, y: usize, text: &str, style: Style, colour: Rgb) {
        self.text(x.saturating_sub(style.width(text) / 2), y, text, style, colour);
    }

    /// The picture as a PNG file.
    pub fn png(&self) -> Result<Vec<u8>> {
        let failed = |e: png::EncodingError| Error::new(ErrorKind::Io, format!("drawing a picture: {e}"));
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&self.pixels).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(out)
    }
}
