//! A page as pixels.

use tiny_skia::{
    Color, FillRule, FilterQuality, LineCap, LineJoin, Paint, PathBuilder, Pixmap, PixmapPaint,
    PremultipliedColorU8, Stroke, StrokeDash, Transform,
};
use ttf_parser::OutlineBuilder;

use super::colour::Rgb;
use super::font;
use super::page::{Image, Ink, Mark, Page, Path, Text};
use crate::error::{Error, ErrorKind, Result};

/// Pixels of a picture, at most; and to a unit, at most.
const MOST: f64 = 16e6;
const FINEST: f64 = 2.0;

/// A PNG of two pixels to the unit, of fewer where the page is large.
pub(super) fn png(page: &Page) -> Result<Vec<u8>> {
    let scale = (MOST / (page.width * page.height)).sqrt().min(FINEST);
    let (size, pixels) = pixels(page, scale)?;
    Ok(rgb_png(size, &pixels))
}

/// Width and height, and red, green and blue of each pixel.
pub(super) fn pixels(page: &Page, scale: f64) -> Result<((usize, usize), Vec<u8>)> {
    let side = |length: f64| (length * scale).round().max(1.0) as u32;
    let mut canvas = Pixmap::new(side(page.width), side(page.height)).ok_or_else(|| {
        Error::new(
            ErrorKind::LimitExceeded,
            format!("a page of {} x {} is too large", page.width, page.height),
        )
    })?;
    canvas.fill(Color::WHITE);
    let whole = Transform::from_scale(scale as f32, scale as f32);
    for mark in &page.marks {
        match mark {
            Mark::Path(p) => path(&mut canvas, p, whole),
            Mark::Text(t) => text(&mut canvas, t, whole),
            Mark::Image(i) => image(&mut canvas, i, whole),
        }
    }
    let size = (canvas.width() as usize, canvas.height() as usize);
    Ok((size, canvas.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()]).collect()))
}

fn paint([r, g, b]: Rgb) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(r, g, b, 255);
    paint
}

fn path(canvas: &mut Pixmap, p: &Path, whole: Transform) {
    let mut builder = PathBuilder::new();
    for line in &p.lines {
        for (k, &(x, y)) in line.iter().enumerate() {
            match p.ink {
                Ink::Dots(size) => builder.push_circle(x as f32, y as f32, size as f32 / 2.0),
                _ if k == 0 => builder.move_to(x as f32, y as f32),
                _ => builder.line_to(x as f32, y as f32),
            }
        }
        if p.closed {
            builder.close();
        }
    }
    let Some(shape) = builder.finish() else { return };
    match p.ink {
        Ink::Fill | Ink::Dots(_) => {
            canvas.fill_path(&shape, &paint(p.colour), FillRule::Winding, whole, None)
        }
        Ink::Stroke(width, dash) => {
            let dash = if dash > 0.0 { StrokeDash::new(vec![dash as f32; 2], 0.0) } else { None };
            let (line_cap, line_join) = (LineCap::Butt, LineJoin::Round);
            let stroke = Stroke { width: width as f32, line_cap, line_join, dash, ..Stroke::default() };
            canvas.stroke_path(&shape, &paint(p.colour), &stroke, whole, None);
        }
    }
}

/// The outline of a glyph, in place.
struct Outline {
    path: PathBuilder,
    x: f32,
    y: f32,
    scale: f32,
}

impl Outline {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, self.y - y * self.scale)
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

fn text(canvas: &mut Pixmap, t: &Text, whole: Transform) {
    let face = t.weight.face();
    let em = f32::from(face.units_per_em());
    let mut outline = Outline { path: PathBuilder::new(), x: 0.0, y: 0.0, scale: 1.0 };
    for glyph in font::layout(&t.text, t.weight).0 {
        outline.x = (t.shift() + glyph.x * t.size) as f32;
        outline.y = -(glyph.rise * t.size) as f32;
        outline.scale = (glyph.scale * t.size) as f32 / em;
        face.outline_glyph(glyph.id, &mut outline);
    }
    let Some(shape) = outline.path.finish() else { return };
    let turned = Transform::from_rotate(if t.turned { -90.0 } else { 0.0 });
    let placed = turned.post_translate(t.at.0 as f32, t.at.1 as f32).post_concat(whole);
    canvas.fill_path(&shape, &paint(t.colour), FillRule::Winding, placed, None);
}

fn image(canvas: &mut Pixmap, i: &Image, whole: Transform) {
    let Some(mut pixels) = Pixmap::new(i.pixels.0 as u32, i.pixels.1 as u32) else { return };
    for (pixel, &[r, g, b]) in pixels.pixels_mut().iter_mut().zip(&i.colours) {
        *pixel = PremultipliedColorU8::from_rgba(r, g, b, 255).expect("opaque");
    }
    let (sx, sy) = (i.size.0 / i.pixels.0 as f64, i.size.1 / i.pixels.1 as f64);
    let placed =
        Transform::from_row(sx as f32, 0.0, 0.0, sy as f32, i.at.0 as f32, i.at.1 as f32).post_concat(whole);
    // Enlarged pixels keep their edges; of reduced ones none is left out.
    let quality =
        if placed.sx.min(placed.sy) < 0.99 { FilterQuality::Bilinear } else { FilterQuality::Nearest };
    canvas.draw_pixmap(
        0,
        0,
        pixels.as_ref(),
        &PixmapPaint { quality, ..PixmapPaint::default() },
        placed,
        None,
    );
}

/// A PNG file of red, green and blue bytes.
pub(super) fn rgb_png((width, height): (usize, usize), pixels: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    let mut encoder = png::Encoder::new(&mut out, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(pixels)?;
        writer.finish()
    });
    written.expect("memory takes everything, and sizes fit");
    out
}
