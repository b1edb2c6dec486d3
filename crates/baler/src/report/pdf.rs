//! Pages as a PDF, with the fonts in it and text that can be searched.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, LineJoinStyle, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str};
use ttf_parser::GlyphId;

use super::colour::Rgb;
use super::font::{self, Weight};
use super::page::{Image, Ink, Mark, Page, Path, Text};

/// Points (1/72 inch) to a unit (1/96 inch).
const POINTS: f64 = 0.75;
const INFO: SystemInfo = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// A file under construction.
struct Document {
    pdf: Pdf,
    next: Ref,
}

impl Document {
    fn id(&mut self) -> Ref {
        self.next.bump()
    }
}

pub(super) fn pdf(pages: &[Page]) -> Vec<u8> {
    let mut document = Document { pdf: Pdf::new(), next: Ref::new(1) };
    let (catalog, tree) = (document.id(), document.id());
    document.pdf.catalog(catalog).pages(tree);
    let fonts = Weight::ALL.map(|weight| embed(&mut document, weight));
    let kids: Vec<Ref> = pages.iter().map(|page| add(&mut document, tree, &fonts, page)).collect();
    document.pdf.pages(tree).count(kids.len() as i32).kids(kids);
    document.pdf.finish()
}

fn add(document: &mut Document, tree: Ref, fonts: &[Ref; 2], page: &Page) -> Ref {
    let (id, contents) = (document.id(), document.id());
    let mut content = Content::new();
    let height = (page.height * POINTS) as f32;
    content.transform([POINTS as f32, 0.0, 0.0, -POINTS as f32, 0.0, height]);
    content.set_line_join(LineJoinStyle::RoundJoin);
    let mut images = vec![];
    for mark in &page.marks {
        match mark {
            Mark::Path(p) => path(&mut content, p),
            Mark::Text(t) => text(&mut content, t),
            Mark::Image(i) => {
                content.save_state();
                // A unit square with its first row on top.
                let [x, y, w, h] = [i.at.0, i.at.1, i.size.0, i.size.1].map(|v| v as f32);
                content.transform([w, 0.0, 0.0, -h, x, y + h]);
                content.x_object(Name(image_name(images.len()).as_bytes()));
                content.restore_state();
                images.push(image(document, i));
            }
        }
    }
    let data = deflated(&content.finish());
    document.pdf.stream(contents, &data).filter(Filter::FlateDecode);
    let mut written = document.pdf.page(id);
    written.parent(tree).contents(contents);
    written.media_box(Rect::new(0.0, 0.0, (page.width * POINTS) as f32, height));
    let mut resources = written.resources();
    let mut names = resources.fonts();
    for weight in Weight::ALL {
        names.pair(font_name(weight), fonts[weight as usize]);
    }
    names.finish();
    let mut names = resources.x_objects();
    for (k, id) in images.into_iter().enumerate() {
        names.pair(Name(image_name(k).as_bytes()), id);
    }
    names.finish();
    resources.finish();
    written.finish();
    id
}

fn font_name(weight: Weight) -> Name<'static> {
    Name(if weight == Weight::Regular { b"R" } else { b"M" })
}

fn image_name(k: usize) -> String {
    format!("I{k}")
}

fn share(colour: Rgb) -> [f32; 3] {
    colour.map(|c| f32::from(c) / 255.0)
}

fn path(content: &mut Content, p: &Path) {
    let [r, g, b] = share(p.colour);
    for line in &p.lines {
        for (k, &(x, y)) in line.iter().enumerate() {
            let (x, y) = (x as f32, y as f32);
            match p.ink {
                Ink::Dots(_) => content.move_to(x, y).line_to(x, y),
                _ if k == 0 => content.move_to(x, y),
                _ => content.line_to(x, y),
            };
        }
        if p.closed {
            content.close_path();
        }
    }
    match p.ink {
        Ink::Fill => {
            content.set_fill_rgb(r, g, b).fill_nonzero();
        }
        Ink::Stroke(width, dash) => {
            content.set_stroke_rgb(r, g, b).set_line_width(width as f32);
            content.set_dash_pattern(vec![dash as f32; if dash > 0.0 { 2 } else { 0 }], 0.0).stroke();
        }
        Ink::Dots(size) => {
            content.save_state();
            content.set_stroke_rgb(r, g, b).set_line_width(size as f32);
            content.set_dash_pattern([], 0.0);
            content.set_line_cap(pdf_writer::types::LineCapStyle::RoundCap).stroke();
            content.restore_state();
        }
    }
}

fn text(content: &mut Content, t: &Text) {
    let [r, g, b] = share(t.colour);
    let shift = t.shift();
    let matrix = if t.turned {
        [0.0, -1.0, -1.0, 0.0, t.at.0, t.at.1 - shift]
    } else {
        [1.0, 0.0, 0.0, -1.0, t.at.0 + shift, t.at.1]
    };
    content.set_fill_rgb(r, g, b).begin_text().set_text_matrix(matrix.map(|v| v as f32));
    let glyphs = font::layout(&t.text, t.weight).0;
    for run in glyphs.chunk_by(|a, b| (a.scale, a.rise) == (b.scale, b.rise)) {
        let codes: Vec<u8> = run.iter().flat_map(|g| g.id.0.to_be_bytes()).collect();
        content.set_font(font_name(t.weight), (t.size * run[0].scale) as f32);
        content.set_rise((t.size * run[0].rise) as f32).show(Str(&codes));
    }
    content.end_text();
}

fn image(document: &mut Document, i: &Image) -> Ref {
    let id = document.id();
    let i = i.enlarged();
    let data = deflated(i.colours.as_flattened());
    let mut object = document.pdf.image_xobject(id, &data);
    object.filter(Filter::FlateDecode);
    object.width(i.pixels.0 as i32).height(i.pixels.1 as i32);
    object.color_space().device_rgb();
    object.bits_per_component(8).interpolate(false);
    id
}

/// A font, whole: there is little in it. Text is its glyphs' numbers; a map tells the letters that they stand for.
fn embed(document: &mut Document, weight: Weight) -> Ref {
    let [whole, cid, descriptor, file, map] = std::array::from_fn(|_| document.id());
    let face = weight.face();
    let name = if weight == Weight::Regular {
        Name(b"BALERA+Roboto-Regular")
    } else {
        Name(b"BALERB+Roboto-Medium")
    };
    let size = 1000.0 / f32::from(face.units_per_em());
    let pdf = &mut document.pdf;
    pdf.type0_font(whole)
        .base_font(name)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(cid)
        .to_unicode(map);
    let mut font = pdf.cid_font(cid);
    font.subtype(CidFontType::Type2).base_font(name).system_info(INFO).font_descriptor(descriptor);
    font.cid_to_gid_map_predefined(Name(b"Identity"));
    let widths = (0..face.number_of_glyphs())
        .map(|g| f32::from(face.glyph_hor_advance(GlyphId(g)).unwrap_or(0)) * size);
    font.widths().consecutive(0, widths);
    font.finish();
    let bounds = face.global_bounding_box();
    let [left, bottom, right, top] =
        [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(|v| f32::from(v) * size);
    pdf.font_descriptor(descriptor)
        .name(name)
        .flags(FontFlags::NON_SYMBOLIC)
        .bbox(Rect::new(left, bottom, right, top))
        .italic_angle(0.0)
        .ascent(f32::from(face.ascender()) * size)
        .descent(f32::from(face.descender()) * size)
        .cap_height(f32::from(face.capital_height().unwrap_or(0)) * size)
        .stem_v(if weight == Weight::Regular { 80.0 } else { 110.0 })
        .font_file2(file);
    let data = deflated(weight.file());
    pdf.stream(file, &data).filter(Filter::FlateDecode).pair(Name(b"Length1"), weight.file().len() as i32);
    let mut cmap = UnicodeCmap::new(Name(b"Custom"), INFO);
    letters(weight).into_iter().for_each(|(glyph, letter)| cmap.pair(glyph, letter));
    let cmap = cmap.finish();
    pdf.cmap(map, &cmap);
    whole
}

/// The letter that each glyph stands for; of several the first.
fn letters(weight: Weight) -> BTreeMap<u16, char> {
    let face = weight.face();
    let mut letters = BTreeMap::new();
    let tables = face.tables().cmap.into_iter().flat_map(|c| c.subtables);
    for table in tables.filter(|t| t.is_unicode()) {
        table.codepoints(|code| {
            if let (Some(letter), Some(glyph)) = (char::from_u32(code), table.glyph_index(code)) {
                letters.entry(glyph.0).or_insert(letter);
            }
        });
    }
    letters
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(vec![], Compression::default());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}
