//! Models: what they are made of, how they run in float and in integers, and their files.
pub mod autoencoder;
pub mod frozen;
pub mod kernel;
pub mod layers;
pub mod zoo;
