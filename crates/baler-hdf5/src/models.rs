//! Models that chunks refer to by their hash: files `HASH.safetensors` in the folders of `BALER_MODELS`.

use baler::error::{Error, ErrorKind, Result};
use baler::model::any::AnyModel;
use baler::model::hash::ModelHash;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Folders to look in, separated as those of `PATH` are.
const VARIABLE: &str = "BALER_MODELS";

static LOADED: Mutex<Option<HashMap<ModelHash, Arc<AnyModel>>>> = Mutex::new(None);

/// The model whose decoder has this hash; read once. Errors name the hash and where the file should be.
pub fn load(hash: ModelHash) -> Result<Arc<AnyModel>> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let loaded = loaded.get_or_insert_default();
    if let Some(model) = loaded.get(&hash) {
        return Ok(model.clone());
    }
    let file = format!("{hash}.safetensors");
    let folders = std::env::var_os(VARIABLE).unwrap_or_default();
    let found: Option<PathBuf> = std::env::split_paths(&folders).map(|f| f.join(&file)).find(|p| p.is_file());
    let path = found.ok_or_else(|| {
        Error::new(
            ErrorKind::MissingModel,
            format!("the model {hash} is not here; set {VARIABLE} to a folder that holds {file}"),
        )
    })?;
    let read = || AnyModel::from_bytes(&std::fs::read(&path)?);
    let model = read().map_err(|e| e.at(path.display()))?;
    if model.decoder().hash() != hash {
        return Err(Error::new(
            ErrorKind::MissingModel,
            format!("{} is another model than its name says", path.display()),
        ));
    }
    let model = Arc::new(model);
    loaded.insert(hash, model.clone());
    Ok(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_model_is_named() {
        let e = load(ModelHash([0xab; 32])).unwrap_err();
        assert!(e.kind() == ErrorKind::MissingModel && e.to_string().contains(&"ab".repeat(32)), "{e}");
    }
}
