//! `--mode diagnose`.

use super::Session;
use crate::formats;
use crate::project::Output;
use crate::saying::{number, print, table};
use baler::data::Variable;
use baler::error::{Error, ErrorKind, Result};

/// Runs it.
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
    let mut variables = formats::open(&path, &Default::default())?.load()?.variables;
    let Some((_, Variable::Field(array))) = variables.pop() else {
        return Err(Error::corrupt(format!("{}: holds no array", path.display())));
    };
    let (&[layers, width], Some(values)) = (&array.shape[..], array.values.to_f64()) else {
        return Err(Error::corrupt(format!("{}: want layers x nodes", path.display())));
    };
    print(summary(layers, width, &values))
}

/// A line for each layer: its nodes, their activations, and how many never are.
fn summary(layers: usize, width: usize, values: &[f64]) -> String {
    let head = ["layer", "nodes", "least mean", "greatest mean", "near zero"];
    let mut rows = vec![head.map(String::from).to_vec()];
    let largest = values.iter().filter(|x| x.is_finite()).fold(0.0f64, |a, x| a.max(x.abs()));
    for (i, row) in values.chunks(width.max(1)).enumerate() {
        let nodes: Vec<f64> = row.iter().copied().filter(|x| !x.is_nan()).collect();
        let (low, high) =
            nodes.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
        let idle = nodes.iter().filter(|x| x.abs() < 1e-3 * largest).count();
        let name = if i < layers / 2 { format!("en{}", i + 1) } else { format!("de{}", i + 1 - layers / 2) };
        rows.push(vec![name, nodes.len().to_string(), number(low), number(high), idle.to_string()]);
    }
    table(&rows, &[0])
}
