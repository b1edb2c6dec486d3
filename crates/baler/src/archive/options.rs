//! How to compress.

use crate::bound::Bound;
use crate::codec::chunk::Codec;
use crate::codec::field::Level;
use crate::model::any::ModelRef;
use crate::model::autoencoder::Decoder;

/// How to compress.
pub struct Options<'a> {
    /// The bound of all that [`Options::bounds`] does not name. A lossy tool has no default: `None` is an error
    /// unless every number is named.
    pub bound: Option<Bound>,
    /// Bounds of variables or columns of their own, by name.
    pub bounds: Vec<(String, Bound)>,
    /// A value that stands for missing data, in all fields and columns whose type can hold it; found automatically where it
    /// is not said.
    pub fill: Option<f64>,
    /// A model to use where its measured size wins: chunk by chunk, one of tables for the columns that are smaller through
    /// it; with its own codec asked for, for all that it is for. Without a bound of their own or for all, the columns that a
    /// model of tables has are held to the bounds that it was trained for.
    pub model: Option<ModelRef<'a>>,
    /// Whether the archive holds the model; otherwise it names its hash.
    pub embed: bool,
    /// A codec to use whatever the size.
    pub codec: Option<Codec>,
    /// How much work a smaller file is worth.
    pub level: Level,
    /// Threads; the archive is the same with any number.
    pub threads: usize,
    /// Values a chunk of a field, about.
    pub chunk: usize,
    /// Rows a chunk of a table.
    pub chunk_rows: usize,
    /// What else to say of the data: a JSON object.
    pub description: serde_json::Map<String, serde_json::Value>,
    /// Told how many of how many values are done.
    pub progress: &'a (dyn Fn(u64, u64) + Sync),
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            bound: None,
            bounds: vec![],
            fill: None,
            model: None,
            embed: true,
            codec: None,
            level: Level::Default,
            threads: 1,
            chunk: 1 << 21,
            chunk_rows: 1 << 16,
            description: serde_json::Map::new(),
            progress: &|_, _| {},
        }
    }
}

impl<'a> Options<'a> {
    /// The decoder of the model, where that is an autoencoder.
    pub(super) fn decoder(&self) -> Option<&'a Decoder> {
        self.model.and_then(ModelRef::autoencoder).map(|m| &m.decoder)
    }
}
