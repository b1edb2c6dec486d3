//! Models of whichever kind: as archives need them, and as their files hold them.

use super::Model;
use super::autoencoder::{Decoder, FrozenModel};
use super::field::FieldModel;
use super::field::file::TrainedField;
use super::hash::ModelHash;
use super::table::TableModel;
use super::table::file::TrainedTable;
use crate::error::{Error, Result};

/// A model as an archive carries it; its first byte tells the kinds apart.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyDecoder {
    /// Latents to values.
    Autoencoder(Decoder),
    /// Distributions of columns.
    Table(TableModel),
    /// Predictions of a field's values.
    Field(FieldModel),
}

impl AnyDecoder {
    /// The compact form, which archives keep.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            AnyDecoder::Autoencoder(d) => d.to_bytes(),
            AnyDecoder::Table(m) => m.to_bytes(),
            AnyDecoder::Field(m) => m.to_bytes(),
        }
    }

    /// By which archives name it: of the compact form.
    pub fn hash(&self) -> ModelHash {
        ModelHash::of(&self.to_bytes())
    }

    /// The inverse of [`AnyDecoder::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<AnyDecoder> {
        match bytes.first() {
            Some(&super::table::LAYOUT) => TableModel::from_bytes(bytes).map(AnyDecoder::Table),
            Some(&super::field::LAYOUT) => FieldModel::from_bytes(bytes).map(AnyDecoder::Field),
            _ => Decoder::from_bytes(bytes).map(AnyDecoder::Autoencoder),
        }
    }

    /// The decoder of an autoencoder's chunk.
    pub fn autoencoder(&self) -> Result<&Decoder> {
        match self {
            AnyDecoder::Autoencoder(d) => Ok(d),
            _ => Err(Error::corrupt("a chunk of an autoencoder names a model of another kind")),
        }
    }

    /// The model of a field's chunk.
    pub fn field(&self) -> Result<&FieldModel> {
        match self {
            AnyDecoder::Field(m) => Ok(m),
            _ => Err(Error::corrupt("a field's chunk names a model of another kind")),
        }
    }

    /// The model of a table's column.
    pub fn table(&self) -> Result<&TableModel> {
        match self {
            AnyDecoder::Table(m) => Ok(m),
            _ => Err(Error::corrupt("a column names a model of another kind")),
        }
    }
}

impl From<FieldModel> for AnyDecoder {
    fn from(model: FieldModel) -> Self {
        AnyDecoder::Field(model)
    }
}

impl From<Decoder> for AnyDecoder {
    fn from(decoder: Decoder) -> Self {
        AnyDecoder::Autoencoder(decoder)
    }
}

impl From<TableModel> for AnyDecoder {
    fn from(model: TableModel) -> Self {
        AnyDecoder::Table(model)
    }
}

/// A model of whichever kind as its file holds it: with how it was trained, and the encoder of an autoencoder.
#[derive(Debug, Clone)]
pub enum AnyModel {
    /// An autoencoder.
    Autoencoder(Box<Model>),
    /// A model of tables.
    Table(TrainedTable),
    /// A model of fields.
    Field(TrainedField),
}

impl AnyModel {
    /// The model of a model file's bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<AnyModel> {
        if TrainedTable::is_one(bytes) {
            TrainedTable::from_bytes(bytes).map(AnyModel::Table)
        } else if TrainedField::is_one(bytes) {
            TrainedField::from_bytes(bytes).map(AnyModel::Field)
        } else {
            Model::from_bytes(bytes).map(|m| AnyModel::Autoencoder(Box::new(m)))
        }
    }

    /// The autoencoder, if it is one.
    pub fn autoencoder(&self) -> Option<&Model> {
        match self {
            AnyModel::Autoencoder(m) => Some(m),
            _ => None,
        }
    }

    /// What compression needs of it.
    pub fn lend(&self) -> ModelRef<'_> {
        match self {
            AnyModel::Autoencoder(m) => ModelRef::Autoencoder(&m.frozen),
            AnyModel::Table(t) => ModelRef::Table(t),
            AnyModel::Field(f) => ModelRef::Field(&f.model),
        }
    }

    /// What archives need of it.
    pub fn decoder(&self) -> AnyDecoder {
        match self {
            AnyModel::Autoencoder(m) => m.frozen.decoder.clone().into(),
            AnyModel::Table(t) => t.model.clone().into(),
            AnyModel::Field(f) => f.model.clone().into(),
        }
    }
}

/// A model of whichever kind, lent to compression.
#[derive(Debug, Clone, Copy)]
pub enum ModelRef<'m> {
    /// An autoencoder: encoder and decoder.
    Autoencoder(&'m FrozenModel),
    /// A model of tables, and the bounds that it was trained for.
    Table(&'m TrainedTable),
    /// A model of fields.
    Field(&'m FieldModel),
}

impl<'m> ModelRef<'m> {
    /// The autoencoder, if it is one.
    pub fn autoencoder(self) -> Option<&'m FrozenModel> {
        match self {
            ModelRef::Autoencoder(m) => Some(m),
            _ => None,
        }
    }

    /// The model of tables, if it is one.
    pub fn table(self) -> Option<&'m TrainedTable> {
        match self {
            ModelRef::Table(t) => Some(t),
            _ => None,
        }
    }

    /// The bytes that archives keep of it: [`AnyDecoder::to_bytes`].
    pub fn decoder_bytes(self) -> Vec<u8> {
        match self {
            ModelRef::Autoencoder(m) => m.decoder.to_bytes(),
            ModelRef::Table(t) => t.model.to_bytes(),
            ModelRef::Field(m) => m.to_bytes(),
        }
    }
}

impl<'m> From<&'m FrozenModel> for ModelRef<'m> {
    fn from(model: &'m FrozenModel) -> Self {
        ModelRef::Autoencoder(model)
    }
}

impl<'m> From<&'m TrainedTable> for ModelRef<'m> {
    fn from(model: &'m TrainedTable) -> Self {
        ModelRef::Table(model)
    }
}

impl<'m> From<&'m FieldModel> for ModelRef<'m> {
    fn from(model: &'m FieldModel) -> Self {
        ModelRef::Field(model)
    }
}
