//! The layers that `--model` asks for: by name from the zoo, or described in a TOML file.

use std::path::Path;

use baler::error::{Error, Result};
use baler::model::layers::Architecture;
use baler::model::zoo;
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// For rows of `shape`; `latents` of their values are to be kept, or as many as `ratio` leaves.
pub fn resolve(
    model: &str,
    shape: &[usize],
    latents: Option<usize>,
    ratio: Option<f64>,
) -> Result<Architecture> {
    if latents == Some(0) {
        return Err(Error::invalid("--latent 0 would keep nothing; say 1 or more"));
    }
    let wanted = match latents {
        Some(z) => z,
        None => zoo::latents_for_ratio(shape.iter().product(), ratio.unwrap_or(2.0))?,
    };
    if !model.to_ascii_lowercase().ends_with(".toml") {
        // The zoo knows frames and blocks; rows of more axes are features to it.
        let flat = [shape.iter().product()];
        return zoo::by_name(model, if shape.len() > 3 { &flat } else { shape }, wanted);
    }
    let path = Path::new(model);
    let made = read(path)
        .and_then(|description| Architecture::from_description(description, shape, wanted))
        .map_err(|e| e.at(model))?;
    let kept = made.latents()?;
    if kept != wanted && (latents.is_some() || ratio.is_some()) {
        return Err(Error::invalid(format!(
            "{model}: its encoder gives {kept} latents and {wanted} are asked for; write \"latents\" for the size, or \
             leave --latent and --ratio out"
        )));
    }
    Ok(made)
}

fn read(path: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(path)?;
    let table = DeTable::parse(&text).map_err(|e| Error::invalid(e.to_string().trim_end()))?;
    Ok(Value::Object(json(table.get_ref())?))
}

fn json(table: &DeTable) -> Result<Map<String, Value>> {
    let entry = |(key, value): (&Spanned<DeString>, &Spanned<DeValue>)| {
        Ok((key.get_ref().to_string(), json_value(value.get_ref())?))
    };
    table.iter().map(entry).collect()
}

fn json_value(value: &DeValue) -> Result<Value> {
    let no_number = |text: &str| Error::invalid(format!("{text} is not a number that a layer takes"));
    Ok(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(n) => {
            i64::from_str_radix(n.as_str(), n.radix()).map_err(|_| no_number(n.as_str()))?.into()
        }
        DeValue::Float(x) => x.as_str().parse::<f64>().map_err(|_| no_number(x.as_str()))?.into(),
        DeValue::Boolean(b) => (*b).into(),
        DeValue::Datetime(d) => return Err(no_number(&d.to_string())),
        DeValue::Array(items) => items.iter().map(|v| json_value(v.get_ref())).collect::<Result<_>>()?,
        DeValue::Table(table) => Value::Object(json(table)?),
    })
}
