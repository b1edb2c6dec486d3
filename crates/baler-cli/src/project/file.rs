//! Configurations in files: TOML, and the prototype's Python; both become one [`Config`].

use std::path::Path;

use super::config::{Config, KEYS, Outcome};
use super::literal::Literal;
use super::python;
use baler::error::{Error, Result};
use toml::de::{DeTable, DeValue};

/// A configuration, and what its reader should be told.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Keys that mean nothing, a line each.
    pub warnings: Vec<String>,
}

/// Longer files are no configurations.
const LIMIT: u64 = 1 << 20;

/// Reads a configuration, TOML or Python by the file's extension. Errors name file and line.
pub fn load(path: &Path) -> Result<Loaded> {
    let place = |e: Error| e.at(path.display());
    let meta = std::fs::metadata(path).map_err(|e| place(e.into()))?;
    if !meta.is_file() || meta.len() > LIMIT {
        return Err(place(Error::invalid("is no configuration file")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::InvalidData => place(Error::invalid("is no UTF-8 text")),
        _ => place(e.into()),
    })?;
    // The place of an error in Python is LINE:COLUMN, which goes on where the file's name ends.
    let python = path.extension().is_some_and(|e| e == "py");
    let joined = |e: Error| Error::new(e.kind(), format!("{}:{e}", path.display()));
    if python { from_python(&text) } else { from_toml(&text) }.map_err(joined)
}

/// Of a `P_config.py`.
pub fn from_python(text: &str) -> Result<Loaded> {
    collect(python::entries(text)?.into_iter().map(|e| (e.key, e.value, e.line)))
}

/// Of TOML.
pub fn from_toml(text: &str) -> Result<Loaded> {
    let line = |at: usize| 1 + text.as_bytes()[..at.min(text.len())].iter().filter(|&&b| b == b'\n').count();
    let table = DeTable::parse(text).map_err(|e| {
        Error::invalid(format!("{}: is no TOML: {}", line(e.span().map_or(0, |s| s.start)), e.message()))
    })?;
    let mut entries = vec![];
    for (key, value) in table.get_ref().iter() {
        let number = line(key.span().start);
        let literal = literal(value.get_ref()).map_err(|e| e.at(number))?;
        entries.push((key.get_ref().to_string(), literal, number));
    }
    entries.sort_by_key(|e| e.2);
    collect(entries.into_iter())
}

fn collect(entries: impl Iterator<Item = (String, Literal, usize)>) -> Result<Loaded> {
    let (mut config, mut warnings) = (Config::default(), vec![]);
    for (key, value, line) in entries {
        match config.take(&key, value).map_err(|why| Error::invalid(format!("{line}: {why}")))? {
            Outcome::Known => {}
            Outcome::Unknown(near) if near.is_empty() => {
                warnings.push(format!("line {line}: '{key}' is no key that is known; it has no effect"));
            }
            Outcome::Unknown(near) => {
                let near = near.join("' or '");
                warnings
                    .push(format!("line {line}: '{key}' is no key that is known; did you mean '{near}'?"));
            }
        }
    }
    Ok(Loaded { config, warnings })
}

fn literal(value: &DeValue) -> Result<Literal> {
    Ok(match value {
        DeValue::String(text) => Literal::Text(text.to_string()),
        DeValue::Integer(n) => {
            let parsed = i64::from_str_radix(n.as_str(), n.radix());
            Literal::Int(parsed.map_err(|_| Error::invalid("an integer beyond 64 bits"))?)
        }
        DeValue::Float(x) => Literal::Float(x.as_str().parse().map_err(|_| Error::invalid("is no number"))?),
        DeValue::Boolean(b) => Literal::Bool(*b),
        DeValue::Datetime(_) => return Err(Error::invalid("no key takes a date")),
        DeValue::Array(items) => {
            Literal::List(items.iter().map(|v| literal(v.get_ref())).collect::<Result<_>>()?)
        }
        DeValue::Table(entries) => {
            let entry = |(k, v): (&toml::Spanned<toml::de::DeString>, &toml::Spanned<DeValue>)| {
                Ok((Literal::Text(k.get_ref().to_string()), literal(v.get_ref())?))
            };
            Literal::Dict(entries.iter().map(entry).collect::<Result<_>>()?)
        }
    })
}

/// A configuration as commented TOML, the inverse of [`from_toml`].
pub fn to_toml(config: &Config) -> String {
    let mut out = String::from(
        "# Settings of this project. Lines that begin with # are comments; a setting that may be left out stands in one.\n",
    );
    let mut group = "";
    for key in KEYS {
        if key.group != group {
            group = key.group;
            out.push_str(&format!("\n# === {group} ===\n\n"));
        }
        for line in key.help {
            out.push_str(&format!("#{line}\n"));
        }
        match config.get(key.name).as_ref().and_then(Literal::to_toml) {
            Some(value) => out.push_str(&format!("{} = {value}\n", key.name)),
            None => out.push_str(&format!("# {} = {}\n", key.name, key.example)),
        }
    }
    if !config.hls4ml.is_empty() {
        out.push_str("\n# === Settings of hls4ml, kept ===\n\n");
        for (name, value) in &config.hls4ml {
            match value.to_toml() {
                Some(value) => out.push_str(&format!("{name} = {value}\n")),
                None => out.push_str(&format!("# {name} = (Python's None)\n")),
            }
        }
    }
    out
}
