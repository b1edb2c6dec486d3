//! A model that the coding of a chunk may use.

use crate::model::any::ModelRef;
use crate::model::autoencoder::FrozenModel;
use crate::model::field::FieldModel;
use crate::model::table::TableModel;

/// A model to try on a chunk: of whichever kind ([`ModelRef`]), or of the kind that one codec takes.
#[derive(Clone, Copy)]
pub struct Candidate<M> {
    /// The model.
    pub model: M,
    /// Its number in the archive's header.
    pub number: usize,
    /// Whether it was asked for: a model of fields then codes every chunk that it can, whatever the size.
    pub asked: bool,
}

impl<'a> Candidate<ModelRef<'a>> {
    /// The autoencoder, which takes the place of the plain codecs.
    pub fn autoencoder(self) -> Option<Candidate<&'a FrozenModel>> {
        match self.model {
            ModelRef::Autoencoder(model) => Some(self.with(model)),
            _ => None,
        }
    }

    /// The model of fields, within the field codec.
    pub fn field(self) -> Option<Candidate<&'a FieldModel>> {
        match self.model {
            ModelRef::Field(model) => Some(self.with(model)),
            _ => None,
        }
    }

    /// The model of tables, within the table codec, for some columns.
    pub fn table(self) -> Option<Candidate<&'a TableModel>> {
        match self.model {
            ModelRef::Table(trained) => Some(self.with(&trained.model)),
            _ => None,
        }
    }

    fn with<M>(self, model: M) -> Candidate<M> {
        Candidate { model, number: self.number, asked: self.asked }
    }
}
