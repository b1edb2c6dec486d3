//! The border to C: what HDF5 looks for in a plugin (H5PLextern.h), and the one function that it calls (H5Zpublic.h).
//!
//! Buffers go to and fro as `malloc`'s, which HDF5 frees with `free`.
#![allow(unsafe_code)]

use crate::filter::{decode, encode};
use crate::parameters::Parameters;
use baler::error::{Error, Result};
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::panic::catch_unwind;
use std::slice;

/// The filter's number among HDF5's: of the range for such that anybody may hand out; not registered yet.
pub const FILTER: c_int = 47_646;

/// H5Z_FLAG_REVERSE: the chunk is read.
const REVERSE: c_uint = 0x0100;

/// H5Z_func_t.
type Function =
    unsafe extern "C" fn(c_uint, usize, *const c_uint, usize, *mut usize, *mut *mut c_void) -> usize;

/// H5Z_class2_t.
#[repr(C)]
struct Class {
    version: c_int,
    id: c_int,
    encoder_present: c_uint,
    decoder_present: c_uint,
    name: *const c_char,
    can_apply: Option<unsafe extern "C" fn(i64, i64, i64) -> c_int>,
    set_local: Option<unsafe extern "C" fn(i64, i64, i64) -> c_int>,
    filter: Function,
}

// SAFETY: the one pointer is to a string that nobody writes.
unsafe impl Sync for Class {}

static CLASS: Class = Class {
    version: 1, // H5Z_CLASS_T_VERS
    id: FILTER,
    encoder_present: 1,
    decoder_present: 1,
    name: c"Baler: error-bounded compression of scientific data".as_ptr(),
    can_apply: None,
    set_local: None,
    filter,
};

unsafe extern "C" {
    fn malloc(size: usize) -> *mut c_void;
    fn free(block: *mut c_void);
}

/// What kind of plugin this is: H5PL_TYPE_FILTER.
#[unsafe(no_mangle)]
pub extern "C" fn H5PLget_plugin_type() -> c_int {
    0
}

/// The filter's class.
#[unsafe(no_mangle)]
pub extern "C" fn H5PLget_plugin_info() -> *const c_void {
    (&raw const CLASS).cast()
}

/// Encodes or decodes a chunk; the number of its bytes then, 0 for a failure. HDF5 has no way to be told why that does
/// not need its library, so the reason goes to standard error, as HDF5's own reasons do.
unsafe extern "C" fn filter(
    flags: c_uint,
    word_count: usize,
    words: *const c_uint,
    byte_count: usize,
    buffer_size: *mut usize,
    buffer: *mut *mut c_void,
) -> usize {
    // SAFETY: HDF5 passes `word_count` words; of none the pointer may be anything.
    let words = if word_count == 0 { &[] } else { unsafe { slice::from_raw_parts(words, word_count) } };
    // SAFETY: HDF5 passes a buffer of at least `byte_count` bytes, which is nobody else's until this returns.
    let bytes =
        if byte_count == 0 { &[] } else { unsafe { slice::from_raw_parts((*buffer).cast(), byte_count) } };
    let work = || -> Result<Vec<u8>> {
        let parameters = Parameters::parse(words)?;
        if flags & REVERSE == 0 { encode(&parameters, bytes) } else { decode(&parameters, bytes) }
    };
    let done = catch_unwind(work).unwrap_or_else(|_| Err(Error::corrupt("the filter failed unexpectedly")));
    let out = match done {
        Ok(out) => out,
        Err(e) => {
            eprintln!("baler: {e}");
            return 0;
        }
    };
    // SAFETY: the new block has room for `out`, and the old one came from the allocator that `free` is of.
    unsafe {
        let block = malloc(out.len().max(1));
        if block.is_null() {
            return 0;
        }
        block.cast::<u8>().copy_from_nonoverlapping(out.as_ptr(), out.len());
        free(*buffer);
        *buffer = block;
        *buffer_size = out.len().max(1);
    }
    out.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Through the border and back, as HDF5 calls it.
    #[test]
    fn a_chunk_goes_through_the_function() {
        let words = [1, 9, 0, 0, 0, 1, 1, 500];
        let bytes: Vec<u8> = (0..500).flat_map(|i| (i as f32).to_le_bytes()).collect();
        // SAFETY: as HDF5 does it.
        unsafe {
            let mut buffer = malloc(bytes.len());
            buffer.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            let mut size = bytes.len();
            let stored = filter(0, words.len(), words.as_ptr(), bytes.len(), &mut size, &mut buffer);
            assert!(stored > 0 && stored < bytes.len() && size == stored);
            assert_eq!(filter(REVERSE, 0, std::ptr::null(), stored, &mut size, &mut buffer), 0);
            let read = filter(REVERSE, words.len(), words.as_ptr(), stored, &mut size, &mut buffer);
            assert_eq!(slice::from_raw_parts(buffer.cast::<u8>(), read), bytes);
            free(buffer);
        }
        assert_eq!(H5PLget_plugin_type(), 0);
        assert!(!H5PLget_plugin_info().is_null());
    }
}
