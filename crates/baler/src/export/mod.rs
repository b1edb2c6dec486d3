//! Models in the formats of others. Nothing here takes part in decoding.

pub mod onnx;
