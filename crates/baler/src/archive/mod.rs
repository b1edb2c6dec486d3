//! Archives: compression into them, reading from them, mending them.

pub mod header;
pub mod index;
pub mod pipeline;
pub mod record;
pub mod source;
pub mod write;

pub use source::{FieldSink, FieldSource};
pub use write::{Input, Options, Summary, compress};
