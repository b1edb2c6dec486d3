//! The dictionary in a `.npy` header: as much of Python's literals as it needs, and no recursion.

use baler::data::DType;
use baler::error::{Error, ErrorKind, Result};

use super::npy::{Header, Kind, Member};
use super::stream::Endian;

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`, keys in any order; `offset` is left 0.
pub fn parse_header(text: &str) -> Result<Header> {
    let mut cursor = Cursor(text);
    let (mut kind, mut fortran, mut shape) = (None, None, None);
    cursor.expect('{')?;
    while !cursor.take('}') {
        let key = cursor.string()?;
        cursor.expect(':')?;
        match key {
            "descr" => kind = Some(cursor.descr()?),
            "fortran_order" => fortran = Some(cursor.truth()?),
            "shape" => shape = Some(cursor.shape()?),
            _ => return Err(Error::corrupt(format!("the header has a key '{key}' that .npy does not know"))),
        }
        if !cursor.take(',') {
            cursor.expect('}')?;
            break;
        }
    }
    if !cursor.0.trim().is_empty() {
        return Err(cursor.unexpected("the end of the header"));
    }
    match (kind, fortran, shape) {
        (Some(kind), Some(fortran), Some(shape)) => Ok(Header { kind, fortran, shape, offset: 0 }),
        _ => Err(Error::corrupt("the header lacks one of 'descr', 'fortran_order' and 'shape'")),
    }
}

/// The text still to be read.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn take(&mut self, token: char) -> bool {
        self.0 = self.0.trim_start();
        match self.0.strip_prefix(token) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: char) -> Result<()> {
        if self.take(token) { Ok(()) } else { Err(self.unexpected(&format!("'{token}'"))) }
    }

    fn unexpected(&self, wanted: &str) -> Error {
        let found: String = self.0.chars().take(20).collect();
        Error::corrupt(format!("the .npy header has '{}' where {wanted} belongs", found.escape_debug()))
    }

    fn string(&mut self) -> Result<&'a str> {
        for quote in ['\'', '"'] {
            if self.take(quote) {
                let (inside, rest) =
                    self.0.split_once(quote).ok_or_else(|| self.unexpected("a closed string"))?;
                self.0 = rest;
                return Ok(inside);
            }
        }
        Err(self.unexpected("a string"))
    }

    fn truth(&mut self) -> Result<bool> {
        self.0 = self.0.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.0.strip_prefix(word) {
                self.0 = rest;
                return Ok(value);
            }
        }
        Err(self.unexpected("True or False"))
    }

    /// A tuple of lengths; Python 2 wrote them as `3L`.
    fn shape(&mut self) -> Result<Vec<usize>> {
        self.expect('(')?;
        let mut shape = vec![];
        while !self.take(')') {
            self.0 = self.0.trim_start();
            let end = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
            let (digits, rest) = self.0.split_at(end);
            shape.push(digits.parse().map_err(|_| self.unexpected("the length of an axis"))?);
            self.0 = rest.strip_prefix('L').unwrap_or(rest);
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }

    fn descr(&mut self) -> Result<Kind> {
        if self.take('[') { self.records() } else { self.plain() }
    }

    /// `('pt', '<f4'), ('', '|V3'), ('id', '<i8')]`: names and types, nameless ones to fill a gap.
    fn records(&mut self) -> Result<Kind> {
        let (mut members, mut at) = (vec![], 0usize);
        while !self.take(']') {
            self.expect('(')?;
            if self.0.trim_start().starts_with('(') {
                return Err(unread("records whose members have titles", "rename them with a.dtype.names"));
            }
            let name = self.string()?.to_owned();
            self.expect(',')?;
            let size = match self.gap(&name) {
                Some(size) => Some(size),
                None if self.0.trim_start().starts_with('[') => {
                    return Err(unread(
                        "records within records",
                        "save each as an array of its own with np.savez",
                    ));
                }
                None => {
                    let kind = self.plain().map_err(|e| e.at(format!("member '{name}'")))?;
                    let size = kind.size();
                    members.push(Member { name, kind, at });
                    size
                }
            };
            at = size.and_then(|s| at.checked_add(s)).ok_or_else(|| self.unexpected("a smaller record"))?;
            if self.take(',') && !self.0.trim_start().starts_with(')') {
                return Err(unread(
                    "records with arrays in them",
                    "save these as arrays of their own with np.savez",
                ));
            }
            self.expect(')')?;
            if !self.take(',') {
                self.expect(']')?;
                break;
            }
        }
        Ok(Kind::Records(at, members))
    }

    /// The bytes of a nameless member, which only fills a gap.
    fn gap(&mut self, name: &str) -> Option<usize> {
        let before = self.0;
        let size = self.string().ok().and_then(|s| s.strip_prefix("|V")?.parse::<u32>().ok());
        let size = size.filter(|_| name.is_empty());
        if size.is_none() {
            self.0 = before;
        }
        size.map(|s| s as usize)
    }

    fn plain(&mut self) -> Result<Kind> {
        let descr = self.string()?;
        let endian = if descr.starts_with('>') { Endian::Big } else { Endian::Little };
        let code = descr.strip_prefix(['<', '>', '|', '=']).unwrap_or(descr);
        let dtype = match code {
            "b1" => DType::Bool,
            "u1" => DType::U8,
            "i1" => DType::I8,
            "u2" => DType::U16,
            "i2" => DType::I16,
            "u4" => DType::U32,
            "i4" => DType::I32,
            "u8" => DType::U64,
            "i8" => DType::I64,
            "f4" => DType::F32,
            "f8" => DType::F64,
            _ => return other_kind(descr, code, endian),
        };
        Ok(Kind::Number(dtype, endian))
    }
}

fn other_kind(descr: &str, code: &str, endian: Endian) -> Result<Kind> {
    let mut letters = code.chars();
    match (letters.next(), letters.as_str()) {
        (Some('U'), width) => {
            let width =
                width.parse::<u32>().map_err(|_| Error::corrupt(format!("'{descr}' is no NumPy type")))?;
            Ok(Kind::Text(width as usize, endian))
        }
        (Some('f'), "2") => Err(unread("float16 values ('f2')", "convert with a.astype('float32')")),
        (Some('f'), "12" | "16") => Err(unread("longdouble values", "convert with a.astype('float64')")),
        (Some('c'), _) => Err(unread(
            &format!("complex values ('{code}')"),
            "save a.real and a.imag as two arrays with np.savez",
        )),
        (Some('O'), _) => Err(unread("Python objects ('O')", "convert with a.astype('float64')")),
        (Some('M' | 'm'), _) => {
            Err(unread(&format!("dates or times ('{code}')"), "convert with a.astype('int64')"))
        }
        (Some('S' | 'a'), _) => {
            Err(unread(&format!("byte strings ('{code}')"), "convert with a.astype(str)"))
        }
        (Some('V'), _) => Err(unread(&format!("raw records ('{code}')"), "convert with a.view('uint8')")),
        _ => Err(Error::corrupt(format!("'{}' is no NumPy type", descr.escape_debug()))),
    }
}

fn unread(what: &str, remedy: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("holds {what}, which are not read; {remedy}"))
}
