//! Archives: compression into them, reading from them, mending them.

mod choose;
mod coded;
pub mod columns;
pub mod header;
pub mod index;
mod models;
mod options;
pub mod pipeline;
pub(crate) mod plan;
pub mod read;
pub mod record;
pub mod salvage;
pub mod source;
mod survey;
mod trial;
mod unpack;
pub mod write;
mod zlib;

pub use crate::codec::chunk::Codec;
pub use crate::codec::field::Level;
pub use options::Options;
pub use read::Archive;
pub use salvage::{Salvaged, salvage};
pub use source::{FieldSink, FieldSource, Input, TableSink, TableSource};
pub use write::{Summary, compress};
