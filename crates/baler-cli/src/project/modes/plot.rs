//! `--mode plot`: the original beside what came back.

use std::io::Write;

use super::Session;
use crate::commands::load_model;
use crate::formats;
use crate::output::AtomicFile;
use crate::project::{Output, data};
use crate::saying::{count, print};
use baler::data::{Column, Table, Values, Variable};
use baler::error::{Error, Result};
use baler::front::Tolerance;
use baler::model::Epoch;
use baler::report::{self, Figure, Format, Frame, Scales};

/// Frames that are drawn at most, evenly spaced.
const MOST_FRAMES: usize = 200;

/// Runs it.
pub fn run(session: &Session) -> Result<()> {
    let path = session.project.existing(Output::Decompressed, "decompress")?;
    let before = data::load(session.config)?;
    let mut variables = formats::open(&path, &Default::default())?.load()?.variables;
    let after = match variables.is_empty() {
        true => return Err(Error::corrupt(format!("{}: holds nothing", path.display()))),
        false => variables.swap_remove(0).1,
    };
    let folder = session.project.path(Output::Pictures);
    std::fs::create_dir_all(&folder).map_err(|e| Error::from(e).at(folder.display()))?;
    let write = |name: &str, bytes: &[u8]| -> Result<()> {
        let mut out = AtomicFile::create(&folder.join(name), true)?;
        out.write_all(bytes)?;
        out.commit()?;
        session.tell(format!("wrote {}", folder.join(name).display()))
    };
    let title = &session.project.name;
    if let Some(losses) = losses(session)? {
        let page = report::loss(&format!("{title}: loss"), "", &losses);
        write("Loss_plot.pdf", &Figure::from(page).to_bytes(Format::Pdf)?)?;
    }
    match (&before, &after) {
        (Variable::Table(a), Variable::Table(b)) => {
            let (a, b) = (doubles(a), doubles(b));
            let pairs = report::pairs(&a, &b, &vec![Tolerance::None; a.columns.len()])?;
            let figure = report::comparison(&format!("{title}: residuals"), "", &pairs);
            write("comparison.pdf", &figure.to_bytes(Format::Pdf)?)?;
            print(format!("{}: before, after and what was lost", folder.join("comparison.pdf").display()))
        }
        (Variable::Field(a), Variable::Field(b)) if a.shape == b.shape && a.shape.len() > 1 => {
            let (height, width) = match a.shape[1..] {
                [height, width] => (height, width),
                _ => (1, a.shape[1..].iter().product()),
            };
            let (size, frames) = (height * width, a.shape[0]);
            let step = frames.div_ceil(MOST_FRAMES).max(1);
            let (a, b) = (a.values.to_f64().expect("floats"), b.values.to_f64().unwrap_or_default());
            let mut drawn = 0;
            for k in (0..frames).step_by(step) {
                let pixels = k * size..(k + 1) * size;
                let title = format!("{title}, frame {k}");
                let (before, after, tolerance) = (&a[pixels.clone()], &b[pixels], Tolerance::None);
                let frame = Frame { before, after, height, width, tolerance, unit: "" };
                let page = report::frames(&title, "", &frame, &Scales::of(before, after, tolerance))?;
                write(&format!("frame_{k:03}.png"), &Figure::from(page).to_bytes(Format::Png)?)?;
                drawn += 1;
            }
            print(format!("{}: {} of {frames}", folder.display(), count(drawn, "frame")))
        }
        _ => Err(Error::invalid(format!("{}: has another shape than the original", path.display()))),
    }
}

/// The history of the project's model, if it has been trained.
fn losses(session: &Session) -> Result<Option<Vec<Epoch>>> {
    let path = session.project.path(Output::Model);
    match path.exists() {
        true => Ok(load_model(&path)?.autoencoder().map(|m| m.provenance.history.clone())),
        false => Ok(None),
    }
}

/// A table of doubles, so that two of other types can be laid beside each other.
fn doubles(table: &Table) -> Table {
    let column = |c: &Column| Column {
        name: c.name.clone(),
        values: c.values.to_f64().map_or_else(|| c.values.clone(), Values::F64),
    };
    Table { columns: table.columns.iter().map(column).collect() }
}
