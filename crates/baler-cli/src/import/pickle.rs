//! The part of Python's pickles that `torch.save` of a state dict uses, read without running anything.
//!
//! A pickle is a program for a machine with a stack and a memo, and can call whatever Python has. Here the machine
//! knows the 27 opcodes that PyTorch writes, and instead of calling it recognises the three things that a state dict
//! calls for: an ordered dictionary, a tensor, a storage. Everything else is refused by its name and offset.
//!
//! Objects lie in an arena and refer to each other by number, so that no nesting of a hostile file can overflow the
//! stack when objects are walked or dropped. An opcode makes at most one object: memory stays in proportion.

use std::collections::HashMap;

use baler::data::DType;
use baler::error::{Error, Result};

/// A pickle longer than this is not read: a state dict takes about 90 bytes a tensor.
pub const LIMIT: u64 = 1 << 20;
/// The most tensors, axes of one, and bytes of a name: a few bytes of a hostile pickle can repeat a large object.
const MOST_TENSORS: usize = 1 << 14;
const MOST_AXES: usize = 8;
const MOST_TEXT: u32 = 256;

/// A tensor as the pickle describes it: a view of a storage that lies elsewhere in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The storage's name: its values are the file's member `data/KEY`.
    pub key: String,
    /// The type of its values.
    pub dtype: DType,
    /// Values in the storage.
    pub stored: u64,
    /// The value at which the tensor begins.
    pub offset: u64,
    /// Length of each axis.
    pub shape: Vec<u64>,
    /// Values from one step of each axis to the next.
    pub stride: Vec<u64>,
}

/// The tensors of a pickled state dict, by name, in the file's order.
///
/// Errors where the bytes end too early or contradict themselves, and where they ask for anything that a state
/// dict does not need, naming the opcode or the global and its offset.
pub fn state_dict(bytes: &[u8]) -> Result<Vec<(String, View)>> {
    if bytes.len() as u64 > LIMIT {
        return Err(Error::unsupported(format!(
            "a pickle of {} bytes is longer than any state dict's",
            bytes.len()
        )));
    }
    let mut machine = Machine { bytes, ..Machine::default() };
    let top = machine.run().map_err(|e| e.at("pickle"))?;
    machine.tensors(top).map_err(|e| e.at("pickle"))
}

/// The number of an object in the arena.
type Id = usize;

/// What can be called, or name a type.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Global {
    OrderedDict,
    RebuildTensor,
    Storage(DType),
}

#[derive(Debug)]
enum Object<'a> {
    None,
    Bool,
    Int(i64),
    Text(&'a str),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage { key: &'a str, dtype: DType, stored: u64 },
    Tensor(View),
}

impl Object<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Object::None => "None",
            Object::Bool => "a truth value",
            Object::Int(_) => "an integer",
            Object::Text(_) => "a text",
            Object::Tuple(_) => "a tuple",
            Object::Dict(_) => "a dictionary",
            Object::Global(_) => "a global",
            Object::Storage { .. } => "a storage",
            Object::Tensor(_) => "a tensor",
        }
    }
}

#[derive(Default)]
struct Machine<'a> {
    bytes: &'a [u8],
    /// Where the next opcode or its argument is.
    at: usize,
    /// Where the current opcode is.
    opcode_at: usize,
    arena: Vec<Object<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack at which its marks are.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    /// Runs to the end; the object that is left.
    fn run(&mut self) -> Result<Id> {
        loop {
            self.opcode_at = self.at;
            let [opcode] = self.take()?;
            match opcode {
                b'.' => return self.pop(), // STOP
                0x80 => match self.take()? {
                    [2..=5] => {}
                    [version] => return Err(self.unsupported(&format!("protocol {version}"))),
                },
                b'N' => self.push(Object::None),
                0x88 | 0x89 => self.push(Object::Bool),
                b'K' => {
                    let n = u8::from_le_bytes(self.take()?).into();
                    self.push(Object::Int(n));
                }
                b'M' => {
                    let n = u16::from_le_bytes(self.take()?).into();
                    self.push(Object::Int(n));
                }
                b'J' => {
                    let n = i32::from_le_bytes(self.take()?).into();
                    self.push(Object::Int(n));
                }
                0x8a => {
                    let n = self.long()?;
                    self.push(Object::Int(n));
                }
                b'X' => {
                    let text = self.text()?;
                    self.push(Object::Text(text));
                }
                b'c' => {
                    let global = self.global()?;
                    self.push(Object::Global(global));
                }
                b'q' => {
                    let [n] = self.take()?;
                    self.remember(n.into())?;
                }
                b'r' => {
                    let n = u32::from_le_bytes(self.take()?);
                    self.remember(n)?;
                }
                b'h' => {
                    let [n] = self.take()?;
                    self.recall(n.into())?;
                }
                b'j' => {
                    let n = u32::from_le_bytes(self.take()?);
                    self.recall(n)?;
                }
                b'(' => self.marks.push(self.stack.len()),
                b')' => self.push(Object::Tuple(vec![])),
                0x85..=0x87 => {
                    let mut items = vec![];
                    for _ in 0x84..opcode {
                        items.push(self.pop()?);
                    }
                    items.reverse();
                    self.push(Object::Tuple(items));
                }
                b't' => {
                    let items = self.since_mark()?;
                    self.push(Object::Tuple(items));
                }
                b'}' => self.push(Object::Dict(vec![])),
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set(&[key, value])?;
                }
                b'u' => {
                    let items = self.since_mark()?;
                    self.set(&items)?;
                }
                b'Q' => self.persistent()?,
                b'R' => self.reduce()?,
                b'b' => self.build()?,
                other => return Err(self.unsupported(&format!("opcode {}", name(other)))),
            }
        }
    }

    fn push(&mut self, object: Object<'a>) {
        self.stack.push(self.arena.len());
        self.arena.push(object);
    }

    fn pop(&mut self) -> Result<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(self.wrong("takes from an empty stack"));
        }
        Ok(self.stack.pop().expect("not empty"))
    }

    fn since_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().ok_or_else(|| self.wrong("has no mark to go back to"))?;
        Ok(self.stack.split_off(mark))
    }

    fn remember(&mut self, number: u32) -> Result<()> {
        let top = self.stack.last().copied().ok_or_else(|| self.wrong("remembers nothing"))?;
        self.memo.insert(number, top);
        Ok(())
    }

    fn recall(&mut self, number: u32) -> Result<()> {
        let id = self.memo.get(&number).copied();
        self.stack.push(id.ok_or_else(|| self.wrong(&format!("recalls {number}, which was never set")))?);
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.slice(N)?.try_into().expect("as long"))
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        if length > rest.len() {
            return Err(Error::truncated(format!("ends within the opcode at byte {}", self.opcode_at)));
        }
        self.at += length;
        Ok(&rest[..length])
    }

    fn text(&mut self) -> Result<&'a str> {
        let length = u32::from_le_bytes(self.take()?);
        let bytes = self.slice(length as usize)?;
        if length > MOST_TEXT {
            return Err(self.wrong("holds a text that is too long for a name"));
        }
        std::str::from_utf8(bytes).map_err(|_| self.wrong("holds text that is not UTF-8"))
    }

    /// LONG1: two's complement, as many bytes as needed.
    fn long(&mut self) -> Result<i64> {
        let [length] = self.take()?;
        let bytes = self.slice(length.into())?;
        let Some(last) = bytes.last() else { return Ok(0) };
        if bytes.len() > 8 {
            return Err(self.wrong("holds an integer beyond 64 bits"));
        }
        let mut whole = [if last >> 7 == 1 { 0xff } else { 0 }; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        Ok(i64::from_le_bytes(whole))
    }

    fn line(&mut self) -> Result<&'a str> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
        let line = self.slice(length)?;
        self.slice(1)?;
        std::str::from_utf8(line).map_err(|_| self.wrong("names what is not UTF-8"))
    }

    fn global(&mut self) -> Result<Global> {
        let (module, name) = (self.line()?, self.line()?);
        Ok(match (module, name) {
            ("collections", "OrderedDict") => Global::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Global::RebuildTensor,
            ("torch", "DoubleStorage") => Global::Storage(DType::F64),
            ("torch", "FloatStorage") => Global::Storage(DType::F32),
            ("torch", "LongStorage") => Global::Storage(DType::I64),
            _ => return Err(self.unsupported(&format!("global '{}.{}'", shown(module), shown(name)))),
        })
    }

    fn set(&mut self, items: &[Id]) -> Result<()> {
        if !items.len().is_multiple_of(2) {
            return Err(self.wrong("sets a key without a value"));
        }
        let place = self.stack.last().copied();
        match place.map(|id| &mut self.arena[id]) {
            Some(Object::Dict(entries)) => Ok(entries.extend(items.chunks_exact(2).map(|p| (p[0], p[1])))),
            _ => Err(self.wrong("sets an entry of what is no dictionary")),
        }
    }

    /// BINPERSID: a storage, `('storage', type, key, device, values)`.
    fn persistent(&mut self) -> Result<()> {
        let id = self.pop()?;
        let Object::Tuple(items) = &self.arena[id] else {
            return Err(self.wrong("refers to something that is no storage"));
        };
        let objects: Vec<&Object> = items.iter().map(|&i| &self.arena[i]).collect();
        let storage = match objects[..] {
            [
                Object::Text("storage"),
                Object::Global(Global::Storage(dtype)),
                Object::Text(key),
                Object::Text(_),
                Object::Int(stored),
            ] if *stored >= 0 => Object::Storage { key, dtype: *dtype, stored: *stored as u64 },
            _ => return Err(self.wrong("refers to something that is no storage")),
        };
        self.push(storage);
        Ok(())
    }

    /// REDUCE: what would be a call.
    fn reduce(&mut self) -> Result<()> {
        let (arguments, callable) = (self.pop()?, self.pop()?);
        let (Object::Global(global), Object::Tuple(items)) = (&self.arena[callable], &self.arena[arguments])
        else {
            return Err(self.wrong("calls what cannot be called"));
        };
        let made = match global {
            Global::OrderedDict if items.is_empty() => Object::Dict(vec![]),
            Global::RebuildTensor => Object::Tensor(self.tensor(items)?),
            _ => return Err(self.wrong("makes what no state dict holds")),
        };
        self.push(made);
        Ok(())
    }

    /// `_rebuild_tensor_v2(storage, offset, shape, stride, requires_grad, hooks)`.
    fn tensor(&self, items: &[Id]) -> Result<View> {
        let objects: Vec<&Object> = items.iter().map(|&i| &self.arena[i]).collect();
        let [Object::Storage { key, dtype, stored }, Object::Int(offset), shape, stride, Object::Bool, _, ..] =
            objects[..]
        else {
            return Err(self.wrong("makes a tensor of the wrong parts"));
        };
        let lengths = |object: &Object| -> Result<Vec<u64>> {
            let Object::Tuple(items) = object else {
                return Err(self.wrong("gives a tensor no shape"));
            };
            if items.len() > MOST_AXES {
                return Err(self.wrong("gives a tensor too many axes"));
            }
            let one = |&i: &Id| match self.arena[i] {
                Object::Int(n) if n >= 0 => Ok(n as u64),
                _ => Err(self.wrong("gives a tensor a shape that is no shape")),
            };
            items.iter().map(one).collect()
        };
        let (shape, stride) = (lengths(shape)?, lengths(stride)?);
        if shape.len() != stride.len() || *offset < 0 {
            return Err(self.wrong("gives a tensor a shape that is no shape"));
        }
        let key = key.to_string();
        Ok(View { key, dtype: *dtype, stored: *stored, offset: *offset as u64, shape, stride })
    }

    /// BUILD sets attributes of an object. A state dict has one, `_metadata`: versions of layers, of no use here.
    fn build(&mut self) -> Result<()> {
        let state = self.pop()?;
        let object = self.stack.last().map(|&id| &self.arena[id]);
        match (object, &self.arena[state]) {
            (Some(Object::Dict(_)), Object::Dict(_)) => Ok(()),
            _ => Err(self.wrong("gives attributes to what has none")),
        }
    }

    /// The entries of the state dict `top`.
    fn tensors(&self, top: Id) -> Result<Vec<(String, View)>> {
        let hint = "a state dict is read: save it with torch.save(model.state_dict(), FILE)";
        let Object::Dict(entries) = &self.arena[top] else {
            return Err(Error::unsupported(format!("holds {} where {hint}", self.arena[top].kind())));
        };
        if entries.len() > MOST_TENSORS {
            return Err(Error::unsupported(format!("holds {} tensors, too many for a model", entries.len())));
        }
        let entry = |&(key, value): &(Id, Id)| match (&self.arena[key], &self.arena[value]) {
            (Object::Text(name), Object::Tensor(view)) => Ok((name.to_string(), view.clone())),
            (Object::Text(name), other) => {
                Err(Error::unsupported(format!("'{}' is {} where {hint}", shown(name), other.kind())))
            }
            (other, _) => Err(Error::unsupported(format!("has {} for a name where {hint}", other.kind()))),
        };
        entries.iter().map(entry).collect()
    }

    fn wrong(&self, what: &str) -> Error {
        Error::corrupt(format!("the opcode at byte {} {what}", self.opcode_at))
    }

    fn unsupported(&self, what: &str) -> Error {
        Error::unsupported(format!(
            "{what} at byte {} is none that a saved state dict needs; nothing was executed. Save the model with \
             torch.save(model.state_dict(), FILE)",
            self.opcode_at
        ))
    }
}

/// Text of a file as it may be shown: short, and without control characters.
fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}

/// The name of an opcode that is not run.
fn name(opcode: u8) -> String {
    let name = match opcode {
        b'0' => "POP",
        b'1' => "POP_MARK",
        b'2' => "DUP",
        b'F' => "FLOAT",
        b'G' => "BINFLOAT",
        b'I' => "INT",
        b'L' => "LONG",
        b'P' => "PERSID",
        b'S' => "STRING",
        b'T' => "BINSTRING",
        b'U' => "SHORT_BINSTRING",
        b'V' => "UNICODE",
        b'B' => "BINBYTES",
        b'C' => "SHORT_BINBYTES",
        b'a' => "APPEND",
        b'd' => "DICT",
        b'e' => "APPENDS",
        b'g' => "GET",
        b'i' => "INST",
        b'l' => "LIST",
        b'o' => "OBJ",
        b'p' => "PUT",
        b']' => "EMPTY_LIST",
        0x81 => "NEWOBJ",
        0x82..=0x84 => "EXT",
        0x8b => "LONG4",
        0x8c => "SHORT_BINUNICODE",
        0x8d => "BINUNICODE8",
        0x8e => "BINBYTES8",
        0x8f => "EMPTY_SET",
        0x90 => "ADDITEMS",
        0x91 => "FROZENSET",
        0x92 => "NEWOBJ_EX",
        0x93 => "STACK_GLOBAL",
        0x94 => "MEMOIZE",
        0x95 => "FRAME",
        0x96 => "BYTEARRAY8",
        _ => return format!("{opcode:#04x}"),
    };
    name.into()
}
