//! `--mode diagnose`.

use std::io::Write;

use super::Session;
use crate::commands::diagnose::from_npy;
use crate::output::AtomicFile;
use crate::project::Output;
use crate::saying::{number, print, table};
use baler::error::{Error, ErrorKind, Result};
use baler::report::{Figure, Format, activations};

/// Draws the heat map, and prints a line for each layer.
pub fn run(session: &Session) -> Result<()> {
    let path = session.project.path(Output::Activations);
    if !path.exists() {
        return Err(Error::new(
            ErrorKind::Io,
            format!(
                "{}: is not there; set activation_extraction = true and run `--mode train`",
                path.display()
            ),
        ));
    }
    let layers = from_npy(&path)?;
    let folder = session.project.path(Output::Pictures);
    std::fs::create_dir_all(&folder).map_err(|e| Error::from(e).at(folder.display()))?;
    let picture = folder.join("diagnostics.pdf");
    let figure =
        Figure::from(activations(&format!("{}: mean activations", session.project.name), "", &layers));
    let mut out = AtomicFile::create(&picture, true)?;
    out.write_all(&figure.to_bytes(Format::Pdf)?)?;
    out.commit()?;
    print(summary(&layers))?;
    print(picture.display().to_string())
}

/// A line for each layer: its nodes, their activations, and how many never are.
fn summary(layers: &[(String, Vec<f64>)]) -> String {
    let head = ["layer", "nodes", "least mean", "greatest mean", "near zero"];
    let mut rows = vec![head.map(String::from).to_vec()];
    let all = layers.iter().flat_map(|(_, nodes)| nodes);
    let largest = all.filter(|x| x.is_finite()).fold(0.0f64, |a, x| a.max(x.abs()));
    for (name, nodes) in layers {
        let (low, high) =
            nodes.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
        let idle = nodes.iter().filter(|x| x.abs() < 1e-3 * largest).count();
        rows.push(vec![name.clone(), nodes.len().to_string(), number(low), number(high), idle.to_string()]);
    }
    table(&rows, &[0])
}
