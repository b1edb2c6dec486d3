//! Archives: compression into them, reading from them, mending them.

mod choose;
mod coded;
pub mod columns;
pub mod header;
pub mod index;
pub mod pipeline;
pub(crate) mod plan;
pub mod read;
pub mod record;
pub mod salvage;
pub mod source;
mod survey;
mod unpack;
pub mod write;

pub use crate::codec::chunk::Codec;
pub use crate::codec::field::Level;
pub use read::Archive;
pub use salvage::{Salvaged, salvage};
pub use source::{FieldSink, FieldSource, TableSink, TableSource};
pub use write::{Input, Options, Summary, compress};
