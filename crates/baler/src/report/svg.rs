//! A page as SVG: text stays text, so that it can be found, copied and edited.

use std::fmt::Write;

use super::colour::Rgb;
use super::font::Weight;
use super::page::{Anchor, Image, Ink, Mark, Page, Path, Point, Text};
use super::raster::rgb_png;

/// Fonts of about the same widths as the one that pictures are laid out with; other widths are made to fit.
const FONTS: &str = "Roboto,'Helvetica Neue',Helvetica,Arial,'Liberation Sans',sans-serif";

pub(super) fn svg(page: &Page) -> String {
    let (width, height) = (short(page.width), short(page.height));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"{FONTS}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for mark in &page.marks {
        match mark {
            Mark::Path(p) => path(&mut out, p),
            Mark::Text(t) => text(&mut out, t),
            Mark::Image(i) => image(&mut out, i),
        }
        out.push('\n');
    }
    out.push_str("</svg>\n");
    out
}

fn add(out: &mut String, element: std::fmt::Arguments) {
    out.write_fmt(element).expect("a string takes everything");
}

fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A length in hundredths.
fn short(x: f64) -> String {
    let text = format!("{x:.2}");
    match text.trim_end_matches('0').trim_end_matches('.') {
        "-0" => "0".into(),
        text => text.into(),
    }
}

fn path(out: &mut String, p: &Path) {
    let mut d = String::new();
    for line in &p.lines {
        match p.ink {
            Ink::Dots(_) => {
                line.iter().for_each(|&(x, y)| add(&mut d, format_args!("M{} {}h0", short(x), short(y))))
            }
            _ => lines(&mut d, line, p.closed),
        }
    }
    let colour = hex(p.colour);
    match p.ink {
        Ink::Fill => add(out, format_args!("<path d=\"{d}\" fill=\"{colour}\"/>")),
        Ink::Dots(size) => add(
            out,
            format_args!(
                "<path d=\"{d}\" stroke=\"{colour}\" stroke-width=\"{}\" stroke-linecap=\"round\"/>",
                short(size)
            ),
        ),
        Ink::Stroke(width, dash) => {
            let dash =
                if dash > 0.0 { format!(" stroke-dasharray=\"{}\"", short(dash)) } else { String::new() };
            add(
                out,
                format_args!(
                    "<path d=\"{d}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{}\" \
                     stroke-linejoin=\"round\"{dash}/>",
                    short(width)
                ),
            );
        }
    }
}

/// Straight lines, those along an axis in short.
fn lines(d: &mut String, line: &[Point], closed: bool) {
    let mut last = (String::new(), String::new());
    for (k, &(x, y)) in line.iter().enumerate() {
        let (x, y) = (short(x), short(y));
        match (k, x == last.0, y == last.1) {
            (0, ..) => add(d, format_args!("M{x} {y}")),
            (_, true, true) => {}
            (_, true, false) => add(d, format_args!("V{y}")),
            (_, false, true) => add(d, format_args!("H{x}")),
            _ => add(d, format_args!("L{x} {y}")),
        }
        last = (x, y);
    }
    if closed {
        d.push('Z');
    }
}

fn text(out: &mut String, t: &Text) {
    let anchor = match t.anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let weight = if t.weight == Weight::Medium { " font-weight=\"600\"" } else { "" };
    let (x, y) = (short(t.at.0), short(t.at.1));
    let turn = if t.turned { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
    let fit = match t.text.chars().count() {
        0..4 => String::new(), // nothing that could run into another
        _ => format!(" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\"", short(t.width())),
    };
    add(
        out,
        format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" fill=\"{}\"{weight}{anchor}{turn}{fit} \
             xml:space=\"preserve\">{}</text>",
            short(t.size),
            hex(t.colour),
            escaped(&t.text)
        ),
    );
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // XML knows neither control characters nor the two that are none.
    text.chars()
        .map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c })
        .collect()
}

fn image(out: &mut String, i: &Image) {
    let i = i.enlarged();
    let png = rgb_png(i.pixels, i.colours.as_flattened());
    add(
        out,
        format_args!(
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
             image-rendering=\"pixelated\" href=\"data:image/png;base64,{}\"/>",
            short(i.at.0),
            short(i.at.1),
            short(i.size.0),
            short(i.size.1),
            base64(&png)
        ),
    );
}

/// RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let all = (0..3).fold(0u32, |all, k| all << 8 | u32::from(*three.get(k).unwrap_or(&0)));
        for k in 0..4 {
            let digit = DIGITS[(all >> (18 - 6 * k) & 63) as usize] as char;
            out.push(if k <= three.len() { digit } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_by_its_rfc() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn names_cannot_break_the_file() {
        let mut page = Page::new(10.0, 10.0);
        page.text(Text::new((0.0, -0.001), "a <b> & \u{1}c"));
        let svg = svg(&page);
        assert!(svg.contains(">a &lt;b&gt; &amp;  c</text>") && svg.contains("y=\"0\""), "{svg}");
    }
}
