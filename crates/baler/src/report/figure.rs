//! Pages that belong together, and the formats that they are written in.

use super::page::Page;
use super::{animation, pdf, raster, svg};
use crate::error::{Error, Result};

/// Pages that belong together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figure {
    /// In the order to be read.
    pub pages: Vec<Page>,
}

/// What a picture is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Scalable, text as text; all pages on one sheet.
    Svg,
    /// Pixels, at most 16 million; all pages on one sheet.
    Png,
    /// Scalable, fonts embedded, a page a page.
    Pdf,
    /// A PNG that moves, in all colours; each page is shown for a time.
    Apng,
    /// The same in 256 colours, for what cannot show an APNG.
    Gif,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 5] = [Format::Svg, Format::Png, Format::Pdf, Format::Apng, Format::Gif];

    /// Its name, which is the extension of its files.
    pub fn name(self) -> &'static str {
        ["svg", "png", "pdf", "apng", "gif"][self as usize]
    }

    /// The inverse of [`Format::name`], in either case.
    pub fn from_name(name: &str) -> Option<Format> {
        Self::ALL.into_iter().find(|f| f.name().eq_ignore_ascii_case(name))
    }

    /// Whether it shows one page after the other in the same place.
    pub fn moves(self) -> bool {
        matches!(self, Format::Apng | Format::Gif)
    }
}

impl From<Page> for Figure {
    fn from(page: Page) -> Figure {
        Figure { pages: vec![page] }
    }
}

impl Figure {
    /// A file of it: SVG and PNG hold all pages on one sheet, a PDF has a page each, APNG and GIF show ten a second.
    /// The same figure gives the same bytes.
    ///
    /// Errors where there is no page.
    pub fn to_bytes(&self, format: Format) -> Result<Vec<u8>> {
        if self.pages.is_empty() {
            return Err(Error::invalid("there is nothing to draw"));
        }
        match format {
            Format::Svg => Ok(svg::svg(&self.sheet()).into_bytes()),
            Format::Png => raster::png(&self.sheet()),
            Format::Pdf => Ok(pdf::pdf(&self.pages)),
            Format::Apng | Format::Gif => {
                let mut out = vec![];
                animation::animate(self.pages.iter().cloned().map(Ok), format, 10.0, &mut out)?;
                Ok(out)
            }
        }
    }

    /// All pages on one, in rows about one and a half times as long as the rows are high together; up to three
    /// above each other.
    fn sheet(&self) -> Page {
        if let [page] = &self.pages[..] {
            return page.clone();
        }
        let most = |pages: &[Page], size: fn(&Page) -> f64| pages.iter().map(size).fold(0.0, f64::max);
        let (width, height) = (most(&self.pages, |p| p.width), most(&self.pages, |p| p.height));
        let n = self.pages.len();
        let square = (n as f64 * 1.4 * height / width).sqrt().ceil() as usize;
        let across = if n <= 3 && width > height { 1 } else { square.clamp(1, n) };
        let rows: Vec<&[Page]> = self.pages.chunks(across).collect();
        let total = rows.iter().map(|row| most(row, |p| p.height)).sum();
        let mut sheet = Page::new(across as f64 * width, total);
        let mut top = 0.0;
        for row in rows {
            row.iter().enumerate().for_each(|(k, page)| sheet.place(page, (k as f64 * width, top)));
            top += most(row, |p| p.height);
        }
        sheet
    }
}
