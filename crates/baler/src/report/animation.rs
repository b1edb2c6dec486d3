//! Pages one after the other in the same place: APNG and GIF.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;

use super::colour::{self, Map, Rgb, mix};
use super::figure::Format;
use super::page::Page;
use super::raster;
use crate::error::{Error, ErrorKind, Result};

/// Writes pages of one size as an animation without end, `per_second` of them a second; they are drawn one by one, at a
/// pixel to the unit. An APNG has all colours, a GIF 256 of them: those of the colour maps and of text.
///
/// Errors where `format` does not move, where there are no pages, or of several sizes, and where one of them is an error
/// or cannot be written.
pub fn animate(
    pages: impl ExactSizeIterator<Item = Result<Page>>,
    format: Format,
    per_second: f64,
    out: &mut dyn Write,
) -> Result<()> {
    if !(0.1..=50.0).contains(&per_second) {
        return Err(Error::invalid(format!("{per_second} frames a second; 0.1 to 50 can be shown")));
    }
    let count = pages.len();
    let mut size = None;
    let mut frames = pages.map(|page| {
        let (own, pixels) = raster::pixels(&page?, 1.0)?;
        if *size.get_or_insert(own) != own {
            return Err(Error::invalid("the pages of an animation have to be of one size"));
        }
        Ok((own, pixels))
    });
    let first = frames.next().ok_or_else(|| Error::invalid("there is nothing to draw"))??;
    let size = first.0;
    let all = std::iter::once(Ok(first)).chain(frames).map(|f| f.map(|(_, pixels)| pixels));
    match format {
        Format::Apng => apng(all, count, size, per_second, out),
        Format::Gif => gif(all, size, per_second, out),
        _ => Err(Error::invalid(format!(".{} shows no animation; .apng and .gif do", format.name()))),
    }
}

fn apng(
    frames: impl Iterator<Item = Result<Vec<u8>>>,
    count: usize,
    (width, height): (usize, usize),
    per_second: f64,
    out: &mut dyn Write,
) -> Result<()> {
    let failed = |e: png::EncodingError| match e {
        png::EncodingError::IoError(e) => Error::from(e),
        e => Error::new(ErrorKind::LimitExceeded, format!("drawing an animation: {e}")),
    };
    let count = u32::try_from(count).map_err(|_| Error::invalid("too many frames for an animation"))?;
    let mut encoder = png::Encoder::new(out, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_animated(count, 0).map_err(failed)?;
    encoder.set_frame_delay((1000.0 / per_second).round() as u16, 1000).map_err(failed)?;
    let mut writer = encoder.write_header().map_err(failed)?;
    for frame in frames {
        writer.write_image_data(&frame?).map_err(failed)?;
    }
    writer.finish().map_err(failed)
}

fn gif(
    frames: impl Iterator<Item = Result<Vec<u8>>>,
    (width, height): (usize, usize),
    per_second: f64,
    out: &mut dyn Write,
) -> Result<()> {
    let failed = |e: gif::EncodingError| match e {
        gif::EncodingError::Io(e) => Error::from(e),
        e => Error::new(ErrorKind::LimitExceeded, format!("drawing an animation: {e}")),
    };
    let side =
        |n: usize| u16::try_from(n).map_err(|_| Error::invalid("frames too large for a GIF; write .apng"));
    let (width, height) = (side(width)?, side(height)?);
    let palette = palette();
    let mut encoder = gif::Encoder::new(out, width, height, palette.as_flattened()).map_err(failed)?;
    encoder.set_repeat(gif::Repeat::Infinite).map_err(failed)?;
    let mut known: HashMap<Rgb, u8> = HashMap::new();
    for frame in frames {
        let frame = frame?;
        let pixels = frame.as_chunks::<3>().0.iter();
        let indices: Vec<u8> =
            pixels.map(|&c| *known.entry(c).or_insert_with(|| nearest(&palette, c))).collect();
        let delay = (100.0 / per_second).round() as u16;
        let frame = gif::Frame { width, height, delay, buffer: Cow::Owned(indices), ..gif::Frame::default() };
        encoder.write_frame(&frame).map_err(failed)?;
    }
    Ok(())
}

/// Both maps in steps too small to see, greys, and what stands out.
fn palette() -> [Rgb; 256] {
    let shades = |map: Map, n: usize| (0..n).map(move |k| map.at(k as f64 / (n - 1) as f64));
    let greys = (0..32).map(|k| mix(colour::INK, colour::WHITE, k as f64 / 31.0));
    let loud = [colour::ALARM, colour::MISSING, colour::WARNING, colour::FAINT, colour::LINE, colour::GRID];
    let all = shades(Map::Viridis, 109).chain(shades(Map::BlueRed, 109)).chain(greys).chain(loud);
    let all: Vec<Rgb> = all.collect();
    all.try_into().expect("109 + 109 + 32 + 6 colours")
}

fn nearest(palette: &[Rgb; 256], colour: Rgb) -> u8 {
    let distance =
        |other: &Rgb| (0..3).map(|i| (i32::from(other[i]) - i32::from(colour[i])).pow(2)).sum::<i32>();
    (0..=255u8).min_by_key(|&k| distance(&palette[k as usize])).expect("256 colours")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gif_has_the_colours_of_the_maps() {
        let palette = palette();
        for map in [Map::Viridis, Map::BlueRed] {
            for k in 0..=1000 {
                let colour = map.at(k as f64 / 1000.0);
                let near = palette[nearest(&palette, colour) as usize];
                assert!((0..3).all(|i| colour[i].abs_diff(near[i]) <= 6), "{colour:?} {near:?}");
            }
        }
        for colour in [colour::ALARM, colour::WHITE, colour::INK, colour::MISSING] {
            assert_eq!(palette[nearest(&palette, colour) as usize], colour);
        }
    }
}
