//! Architectures that users write: sizes may be words, and what the data tell may be left out.

use serde_json::{Map, Value};

use super::layers::{Architecture, Layer};
use crate::error::{Error, Result};

impl Architecture {
    /// From a description with the keys of [`Architecture`], of which `encoder` and `decoder` must be there: lists of
    /// [`Layer`]s, each a `kind` and what that needs. Wherever a size stands, "features" and "latents" may. `input`
    /// is else the `shape` of a row of the data, with one channel before several axes.
    ///
    /// Errors name the half and layer, and the shapes that do not fit.
    pub fn from_description(description: Value, shape: &[usize], latents: usize) -> Result<Architecture> {
        let Value::Object(mut keys) = description else {
            return Err(Error::invalid("a model is described by keys and values"));
        };
        let features: usize = shape.iter().product();
        let channels = if shape.len() > 1 { vec![1] } else { vec![] };
        let sizes = [("features", features), ("latents", latents)];
        let architecture = Architecture {
            name: take(&mut keys, "name", "the user's own".to_string())?,
            input: take_sized(&mut keys, "input", [&channels, shape].concat(), sizes)?,
            sequence: take_sized(&mut keys, "sequence", 1, sizes)?,
            encoder: layers(&mut keys, "encoder", sizes)?,
            decoder: layers(&mut keys, "decoder", sizes)?,
        };
        if let Some(key) = keys.keys().next() {
            return Err(Error::invalid(format!(
                "key '{key}' is not known; there are name, input, sequence, encoder and decoder"
            )));
        }
        architecture.validate()?;
        match architecture.features() == features {
            true => Ok(architecture),
            false => Err(Error::invalid(format!(
                "its input {:?} does not hold the data's rows {shape:?}",
                architecture.input
            ))),
        }
    }
}

fn take<T: serde::de::DeserializeOwned>(keys: &mut Map<String, Value>, key: &str, default: T) -> Result<T> {
    match keys.remove(key) {
        None => Ok(default),
        Some(value) => serde_json::from_value(value).map_err(|e| Error::invalid(format!("{key}: {e}"))),
    }
}

type Sizes<'a> = [(&'a str, usize); 2];

fn take_sized<T: serde::de::DeserializeOwned>(
    keys: &mut Map<String, Value>,
    key: &str,
    default: T,
    sizes: Sizes,
) -> Result<T> {
    if let Some(value) = keys.get_mut(key) {
        fill_in(value, sizes);
    }
    take(keys, key, default)
}

fn layers(keys: &mut Map<String, Value>, half: &str, sizes: Sizes) -> Result<Vec<Layer>> {
    let Some(Value::Array(list)) = keys.remove(half) else {
        return Err(Error::invalid(format!(
            "there is no list of layers '{half}'; begin each with [[{half}]]"
        )));
    };
    let read = |(i, mut layer): (usize, Value)| {
        if let Value::Object(keys) = &mut layer {
            keys.iter_mut().filter(|(key, _)| *key != "kind").for_each(|(_, value)| fill_in(value, sizes));
        }
        serde_json::from_value(layer).map_err(|e| Error::invalid(format!("{half}: layer {i}: {e}")))
    };
    list.into_iter().enumerate().map(read).collect()
}

/// Puts numbers in the place of words.
fn fill_in(value: &mut Value, sizes: Sizes) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|v| fill_in(v, sizes)),
        Value::String(word) => {
            if let Some((_, size)) = sizes.iter().find(|(name, _)| word == name) {
                *value = (*size).into();
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn described() -> Value {
        json!({
            "encoder": [
                {"kind": "conv", "channels": 4, "kernel": [3, 3], "padding": [1, 1]},
                {"kind": "relu"},
                {"kind": "flatten"},
                {"kind": "dense", "outputs": "latents"},
            ],
            "decoder": [{"kind": "dense", "outputs": "features"}],
        })
    }

    #[test]
    fn words_and_the_data_fill_in_what_is_left_open() {
        let made = Architecture::from_description(described(), &[6, 5], 7).unwrap();
        assert_eq!((made.input.clone(), made.latents().unwrap(), made.sequence), (vec![1, 6, 5], 7, 1));
        let again = serde_json::to_value(&made).unwrap();
        assert_eq!(Architecture::from_description(again, &[6, 5], 9).unwrap(), made);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let says = |change: fn(&mut Value), part: &str| {
            let mut value = described();
            change(&mut value);
            let error = Architecture::from_description(value, &[6, 5], 7).unwrap_err().to_string();
            assert!(error.contains(part), "'{part}' is not in: {error}");
        };
        says(|v| v["encoder"][0]["kernel"] = json!([9, 3]), "encoder: layer 0: conv cannot take [1, 6, 5]");
        says(|v| v["encoder"][0]["kind"] = json!("convolution"), "encoder: layer 0: unknown variant");
        says(|v| v["encoder"][3]["output"] = json!(3), "encoder: layer 3: unknown field `output`");
        says(|v| v["decoder"][0]["outputs"] = json!(29), "gives [29] where a row is [1, 6, 5]");
        says(|v| v["input"] = json!([2, 6, 5]), "another number of values");
        says(|v| v["depth"] = json!(1), "'depth' is not known");
        says(|v| v["decoder"] = json!(null), "[[decoder]]");
        says(|v| *v = json!([1]), "keys and values");
    }
}
