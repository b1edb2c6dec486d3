//! Model files that hold a model as an archive carries it: safetensors of one tensor of bytes, described in JSON by one entry
//! of the metadata, both under one checksum.

use std::collections::BTreeMap;

use safetensors::tensor::{SafeTensors, TensorView};
use safetensors::{Dtype, serialize};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A kind of such files.
pub struct Sealed {
    /// The metadata's entry.
    pub key: &'static str,
    /// The tensor.
    pub tensor: &'static str,
    /// The layout that this program writes, and the only one it reads: `format` in the description.
    pub format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata<D> {
    crc32: u32,
    description: D,
}

impl Sealed {
    /// The file of a model's bytes. The same description and model give the same file.
    pub fn write<D: Serialize>(&self, description: D, model: &[u8]) -> Vec<u8> {
        let metadata = Metadata { crc32: checksum(&description, model), description };
        let text = serde_json::to_string(&metadata).expect("numbers and strings");
        let tensor = TensorView::new(Dtype::U8, vec![model.len()], model).expect("as long as its shape says");
        let entry = [(self.key.to_string(), text)].into_iter().collect();
        serialize(BTreeMap::from([(self.tensor, tensor)]), Some(entry)).expect("one tensor")
    }

    /// The inverse of [`Sealed::write`], once the checksum holds.
    pub fn read<D: Serialize + DeserializeOwned>(&self, bytes: &[u8]) -> Result<(D, Vec<u8>)> {
        let text = self
            .metadata(bytes)?
            .ok_or_else(|| Error::unsupported(format!("its metadata have no entry '{}'", self.key)))?;
        let no_json = |e: serde_json::Error| Error::corrupt(format!("description: {e}"));
        let json: serde_json::Value = serde_json::from_str(&text).map_err(no_json)?;
        let format = &json["description"]["format"];
        if format.as_u64().is_some_and(|f| f != self.format as u64) {
            return Err(Error::unsupported(format!(
                "has format {format} where this program reads {}; it may need a newer baler",
                self.format
            )));
        }
        let Metadata { crc32, description } = serde_json::from_str::<Metadata<D>>(&text).map_err(no_json)?;
        let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let tensor = file
            .tensor(self.tensor)
            .map_err(|_| Error::corrupt(format!("tensor '{}' is missing", self.tensor)))?;
        if tensor.dtype() != Dtype::U8 || file.len() != 1 || checksum(&description, tensor.data()) != crc32 {
            return Err(Error::corrupt("its checksum is wrong: the file has been changed or damaged"));
        }
        Ok((description, tensor.data().to_vec()))
    }

    /// Whether `bytes` are a file of this kind.
    pub fn is_one(&self, bytes: &[u8]) -> bool {
        self.metadata(bytes).is_ok_and(|text| text.is_some())
    }

    fn metadata(&self, bytes: &[u8]) -> Result<Option<String>> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        Ok(header.metadata().as_ref().and_then(|m| m.get(self.key)).cloned())
    }
}

fn damaged(e: safetensors::SafeTensorError) -> Error {
    Error::corrupt(format!("not safetensors, or damaged: {e}"))
}

fn checksum<D: Serialize>(description: &D, model: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&serde_json::to_vec(description).expect("numbers and strings"));
    crc.update(model);
    crc.finalize()
}
