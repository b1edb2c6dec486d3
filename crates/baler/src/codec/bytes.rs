//! Reading and writing the format's primitives: varints, strings, little-endian numbers (format.md, section 1).

use crate::error::{Error, Result};

/// Appends `value` as an unsigned LEB128 varint.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends `value` zigzagged, so that small negatives stay short.
pub fn put_zigzag(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends a varint length and the bytes.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A cursor over bytes that nobody vouches for: every read is checked, every error says where.
#[derive(Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    /// A cursor at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, position: 0 }
    }

    /// How far the cursor has come.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Bytes not yet read.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize, what: &str) -> Result<&'a [u8]> {
        if n > self.remaining() {
            return Err(Error::truncated(format!(
                "{what} at byte {} wants {n} bytes, {} are left",
                self.position,
                self.remaining()
            )));
        }
        let out = &self.bytes[self.position..self.position + n];
        self.position += n;
        Ok(out)
    }

    /// All bytes that are left.
    pub fn rest(&mut self) -> &'a [u8] {
        let out = &self.bytes[self.position..];
        self.position = self.bytes.len();
        out
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        Ok(self.take(N, what)?.try_into().expect("N bytes were taken"))
    }

    /// One byte.
    pub fn u8(&mut self, what: &str) -> Result<u8> {
        Ok(self.array::<1>(what)?[0])
    }

    /// Two bytes, signed.
    pub fn i16(&mut self, what: &str) -> Result<i16> {
        Ok(i16::from_le_bytes(self.array(what)?))
    }

    /// Four bytes.
    pub fn u32(&mut self, what: &str) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    /// Eight bytes.
    pub fn u64(&mut self, what: &str) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// Four bytes, IEEE 754.
    pub fn f32(&mut self, what: &str) -> Result<f32> {
        Ok(f32::from_bits(self.u32(what)?))
    }

    /// Eight bytes as a little-endian double.
    pub fn f64(&mut self, what: &str) -> Result<f64> {
        Ok(f64::from_bits(self.u64(what)?))
    }

    /// A varint in its shortest form.
    pub fn varint(&mut self, what: &str) -> Result<u64> {
        let start = self.position;
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8(what)?;
            let part = (byte & 0x7f) as u64;
            if shift == 63 && part > 1 || shift > 0 && byte == 0 {
                return Err(Error::corrupt(format!("{what} at byte {start} is no canonical varint")));
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Error::corrupt(format!("{what} at byte {start} is a varint of more than ten bytes")))
    }

    /// A varint that must not exceed `limit`.
    pub fn count(&mut self, limit: usize, what: &str) -> Result<usize> {
        let start = self.position;
        let value = self.varint(what)?;
        match usize::try_from(value) {
            Ok(v) if v <= limit => Ok(v),
            _ => {
                Err(Error::corrupt(format!("{what} at byte {start} is {value}, at most {limit} is possible")))
            }
        }
    }

    /// The inverse of [`put_zigzag`].
    pub fn zigzag(&mut self, what: &str) -> Result<i64> {
        let v = self.varint(what)?;
        Ok((v >> 1) as i64 ^ -((v & 1) as i64))
    }

    /// The inverse of [`put_bytes`].
    pub fn bytes(&mut self, what: &str) -> Result<&'a [u8]> {
        let n = self.count(self.remaining(), what)?;
        self.take(n, what)
    }

    /// UTF-8 behind its length.
    pub fn string(&mut self, what: &str) -> Result<String> {
        let at = self.position;
        String::from_utf8(self.bytes(what)?.to_vec())
            .map_err(|_| Error::corrupt(format!("{what} at byte {at} is not UTF-8")))
    }

    /// Fails where bytes are left over.
    pub fn finish(&self, what: &str) -> Result<()> {
        match self.remaining() {
            0 => Ok(()),
            n => Err(Error::corrupt(format!("{n} bytes follow the end of {what}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_round_trip_and_are_canonical() {
        for v in (0..64).flat_map(|s| [1u64 << s, (1 << s) - 1, (1 << s) + 1]).chain([0, u64::MAX]) {
            let mut out = vec![];
            put_varint(&mut out, v);
            put_zigzag(&mut out, v as i64);
            let mut r = Reader::new(&out);
            assert_eq!(r.varint("v").unwrap(), v);
            assert_eq!(r.zigzag("z").unwrap(), v as i64);
            r.finish("test").unwrap();
        }
        assert!(Reader::new(&[0x80, 0]).varint("padded").is_err());
        assert!(Reader::new(&[0xff; 11]).varint("long").is_err());
        assert!(
            Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2])
                .varint("65 bits")
                .is_err()
        );
    }
}
