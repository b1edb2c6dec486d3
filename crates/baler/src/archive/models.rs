//! The models that an archive refers to: those that it holds, and those that are supplied.

use super::header::Header;
use super::zlib::inflate;
use crate::codec::bytes::Reader;
use crate::error::{Error, ErrorKind, Result};
use crate::model::any::AnyDecoder;
use crate::model::hash::ModelHash;
use std::collections::HashMap;
use std::sync::Arc;

/// The decoders of all embedded models together inflate to at most this many bytes, but for those of [`room`].
const MOST: usize = 1 << 28;

/// What a decoder may inflate to: what models may still take, or in any case a few times what is stored of it, so that
/// memory stays in proportion to the file.
fn room(left: usize, stored: usize) -> usize {
    left.max(stored.saturating_mul(4))
}

/// Whether readers take a model of so many bytes, of which so many are stored, alone in its archive.
pub(super) fn may_be_held(bytes: usize, stored: usize) -> bool {
    bytes <= room(MOST, stored)
}

/// An archive's models by number, as far as they are there.
pub(super) struct Models {
    models: Vec<(ModelHash, Option<Arc<AnyDecoder>>)>,
    /// Bytes that those still to come may inflate to.
    left: usize,
}

impl Models {
    /// Those of an archive that are `supplied`. A small header may name one many times: it is hashed once, and kept once.
    pub fn supplied(header: &Header, supplied: &[AnyDecoder]) -> Models {
        let known: HashMap<_, _> = supplied.iter().map(|d| (d.hash(), Arc::new(d.clone()))).collect();
        let models = header.models.iter().map(|m| (m.hash, known.get(&m.hash).cloned()));
        Models { models: models.collect(), left: MOST }
    }

    /// Takes in the model of a record's body.
    pub fn take_in(&mut self, body: &[u8]) -> Result<()> {
        let mut r = Reader::new(body);
        let number = r.count(self.models.len().saturating_sub(1), "model number")?;
        let stored = r.rest();
        let bytes = inflate(stored, room(self.left, stored.len()), "the model")?;
        self.left = self.left.saturating_sub(bytes.len());
        let model = self.models.get_mut(number).filter(|(hash, _)| *hash == ModelHash::of(&bytes));
        let model =
            model.ok_or_else(|| Error::corrupt("the embedded model is not the one that the header names"))?;
        model.1 = Some(Arc::new(AnyDecoder::from_bytes(&bytes)?));
        Ok(())
    }

    /// The model of a number.
    pub fn get(&self, number: usize) -> Result<&AnyDecoder> {
        let model = self.models.get(number);
        let (hash, model) = model.ok_or_else(|| Error::corrupt(format!("there is no model {number}")))?;
        model.as_deref().ok_or_else(|| {
            Error::new(
                ErrorKind::MissingModel,
                format!("the model {hash} is not in the archive; supply its file with --model"),
            )
        })
    }

    /// Those that are there.
    pub fn iter(&self) -> impl Iterator<Item = &AnyDecoder> {
        self.models.iter().filter_map(|(_, model)| model.as_deref())
    }
}
