//! The hashes by which archives and people name models.

use sha2::{Digest, Sha256};
use std::fmt;

/// A SHA-256, of a model's decoder where an archive names it; shown in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModelHash(pub [u8; 32]);

impl ModelHash {
    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> ModelHash {
        ModelHash(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for ModelHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[test]
fn it_is_shown_as_others_show_it() {
    let shown = ModelHash::of(b"abc").to_string();
    assert_eq!(shown, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
