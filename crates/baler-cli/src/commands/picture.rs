//! Figures to files: which format, how many files, and what is said of them.

use super::check_output;
use crate::args::{PictureArgs, Saying};
use crate::output::{Output, is_standard};
use crate::saying::{bar, bytes, count, print};
use baler::error::{Error, Result};
use baler::report::{Figure, Format, Page, animate};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where a figure goes, and as what.
pub struct Picture {
    /// The format of the file.
    pub format: Format,
    output: PathBuf,
    force: bool,
    /// A file a page.
    apart: bool,
}

impl Picture {
    /// From the flags. Errors where neither they nor the file's extension say a format.
    pub fn of(args: &PictureArgs) -> Result<Picture> {
        let known = Format::ALL.map(|f| f.name()).join(", ");
        let name = match &args.format {
            Some(name) => name.clone(),
            None => args.output.extension().unwrap_or_default().to_string_lossy().into_owned(),
        };
        let format = Format::from_name(&name)
            .ok_or_else(|| Error::invalid(format!("'{name}' is no format of pictures; there are {known}")))?;
        let apart = args.pages && !matches!(format, Format::Pdf);
        if apart && (format.moves() || is_standard(&args.output)) {
            return Err(Error::invalid("--pages writes .svg and .png files"));
        }
        Ok(Picture { format, output: args.output.clone(), force: args.force, apart })
    }

    /// Draws page after page into an animation.
    pub fn animate(
        self,
        pages: impl ExactSizeIterator<Item = Result<Page>>,
        per_second: f64,
        inputs: &[&Path],
        saying: &Saying,
    ) -> Result<bool> {
        check_output(&self.output, inputs)?;
        let frames = pages.len();
        let mut out = Output::create(&self.output, self.force)?;
        let bar = bar("drawing", !saying.quiet && !saying.json);
        bar.set_length(frames as u64);
        let mut counted = Counted { inner: &mut out, bytes: 0 };
        animate(pages.inspect(|_| bar.inc(1)), self.format, per_second, &mut counted)?;
        let written = counted.bytes;
        bar.finish_and_clear();
        out.commit()?;
        say(&[(self.output, written)], frames, "frame", saying)
    }

    /// The file of page `k` of `n`: its number before the extension.
    fn file(&self, k: usize, n: usize) -> PathBuf {
        let digits = n.to_string().len();
        let stem = self.output.file_stem().unwrap_or_default().to_string_lossy();
        let extension = self.output.extension().map_or(self.format.name().into(), |e| e.to_string_lossy());
        self.output.with_file_name(format!("{stem}-{:0digits$}.{extension}", k + 1))
    }
}

/// Draws a figure into its file, or a file a page.
pub fn write(figure: Figure, picture: Picture, inputs: &[&Path], saying: &Saying) -> Result<bool> {
    let n = figure.pages.len();
    let figures: Vec<(PathBuf, Figure)> = if picture.apart {
        figure.pages.into_iter().enumerate().map(|(k, page)| (picture.file(k, n), page.into())).collect()
    } else {
        vec![(picture.output.clone(), figure)]
    };
    let mut written = vec![];
    for (path, figure) in figures {
        check_output(&path, inputs)?;
        let mut out = Output::create(&path, picture.force)?;
        let bytes = figure.to_bytes(picture.format)?;
        out.write_all(&bytes)?;
        out.commit()?;
        written.push((path, bytes.len() as u64));
    }
    say(&written, n, "page", saying)
}

fn say(files: &[(PathBuf, u64)], parts: usize, part: &str, saying: &Saying) -> Result<bool> {
    if files.iter().any(|(path, _)| is_standard(path)) {
        return Ok(true);
    }
    if saying.json {
        let files: Vec<_> =
            files.iter().map(|(path, n)| json!({"output": path.to_string_lossy(), "bytes": n})).collect();
        print(json!({"files": files, (format!("{part}s")): parts}))?;
    } else if !saying.quiet {
        let total = files.iter().map(|(_, n)| n).sum();
        let to = match files {
            [(first, _), .., (last, _)] => format!("{} to {}", first.display(), last.display()),
            _ => files.iter().map(|(path, _)| path.display().to_string()).collect(),
        };
        print(format!("{to}: {}, {}", count(parts, part), bytes(total)))?;
    }
    Ok(true)
}

/// How much has been written.
struct Counted<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}
