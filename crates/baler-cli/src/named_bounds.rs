//! Bounds by name: of the flags (`--bound pt=std:1e-3`), and of a TOML file (`pt = "std:1e-3"`), a line a variable or
//! column.

use crate::args::NamedBoundArgs;
use baler::archive::Input;
use baler::bound::Bound;
use baler::error::{Error, Result};
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// A bound, whose it is, and the line that says so.
struct Line {
    name: String,
    bound: Bound,
    number: usize,
}

/// Bounds by name, not yet held against the data's names.
pub struct NamedBounds {
    path: PathBuf,
    lines: Vec<Line>,
    flags: Vec<(String, Bound)>,
}

/// `NAME=KIND[:VALUE]`; the last `=` counts, since names may hold one.
fn flag(text: &str) -> Result<(String, Bound)> {
    let (name, bound) = text.rsplit_once('=').ok_or_else(|| {
        Error::invalid(format!("--bound {text}: want NAME=KIND:VALUE, such as --bound pt=abs:1e-3"))
    })?;
    Ok((name.into(), Bound::parse(bound).map_err(|e| e.at(format!("--bound {text}")))?))
}

/// The line, from 1, of the byte `at`.
fn line(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at.min(text.len())].iter().filter(|&&b| b == b'\n').count()
}

/// The lines of a file.
fn read(path: &Path) -> Result<Vec<Line>> {
    let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::InvalidData => Error::invalid("is no UTF-8 text").at(path.display()),
        _ => Error::from(e).at(path.display()),
    })?;
    let wrong = |at: usize, why: &str| wrong(path, line(&text, at), why);
    let table = DeTable::parse(&text)
        .map_err(|e| wrong(e.span().map_or(0, |s| s.start), &format!("is no TOML: {}", e.message())))?;
    let mut lines = vec![];
    for (name, value) in table.get_ref().iter() {
        let at = name.span().start;
        let DeValue::String(bound) = value.get_ref() else {
            return Err(wrong(
                at,
                "want NAME = \"KIND:VALUE\", such as pt = \"std:1e-3\"; a name with a dot goes in quotes",
            ));
        };
        let name = name.get_ref().to_string();
        let checked = Bound::parse(bound).and_then(|b| b.check().map(|()| b));
        let bound = checked.map_err(|e| wrong(at, &format!("'{name}': {e}")))?;
        lines.push(Line { name, bound, number: line(&text, at) });
    }
    lines.sort_by_key(|l| l.number);
    Ok(lines)
}

impl NamedBounds {
    /// Those of the file, where there is one, and of the flags. Errors tell the file's line.
    pub fn read(args: &NamedBoundArgs) -> Result<NamedBounds> {
        let file = args.bounds_file.as_deref();
        let flags = args.bounds.iter().map(|f| flag(f)).collect::<Result<_>>()?;
        let lines = file.map_or(Ok(vec![]), read)?;
        Ok(NamedBounds { path: file.map_or(PathBuf::new(), PathBuf::from), lines, flags })
    }

    /// Whose bound is whose, of two for one name the last: the flags go before the file. Every line of the file has to
    /// have one of the names `known`; of the flags' names [`baler::archive::compress`] sees to that.
    pub fn of(self, known: &[&str]) -> Result<Vec<(String, Bound)>> {
        match self.lines.iter().find(|l| !known.contains(&l.name.as_str())) {
            Some(l) => Err(wrong(
                &self.path,
                l.number,
                &format!("there is no variable or column '{}'; there are {}", l.name, known.join(", ")),
            )),
            None => Ok(self.lines.into_iter().map(|l| (l.name, l.bound)).chain(self.flags).collect()),
        }
    }
}

fn wrong(path: &Path, line: usize, why: &str) -> Error {
    Error::invalid(why).at(format!("{}, line {line}", path.display()))
}

/// The names that bounds may be given for: of variables and of tables' columns.
pub fn names<'a>(inputs: &'a [Input]) -> Vec<&'a str> {
    let mut names = vec![];
    for input in inputs {
        match input {
            Input::Field(name, _) => names.push(name.as_str()),
            Input::Table(name, table) => {
                names.push(name.as_str());
                names.extend(table.columns().into_iter().map(|(name, _)| name));
            }
        }
    }
    names
}
