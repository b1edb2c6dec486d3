//! zlib, for models and descriptions.

use crate::error::{Error, ErrorKind, Result};
use std::io::{Read, Write};

/// `bytes` at the best level.
pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::ZlibEncoder::new(vec![], flate2::Compression::best());
    coder.write_all(bytes).and_then(|()| coder.finish()).expect("writing to memory does not fail")
}

/// The inverse of [`deflate`]. Errors where it does not inflate, or to more than `most` bytes.
pub(super) fn inflate(bytes: &[u8], most: usize, what: &str) -> Result<Vec<u8>> {
    let mut out = vec![];
    flate2::read::ZlibDecoder::new(bytes)
        .take(most as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|e| Error::corrupt(format!("{what} does not inflate: {e}")))?;
    if out.len() > most {
        return Err(Error::new(ErrorKind::LimitExceeded, format!("{what} inflates to over {most} bytes")));
    }
    Ok(out)
}
