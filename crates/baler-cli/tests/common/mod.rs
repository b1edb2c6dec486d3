//! What the format tests share: random data, scratch files, and the real data where they are at hand.
#![allow(dead_code)] // each test file uses its part

pub mod run;

use std::fs;
use std::path::{Path, PathBuf};

use baler::data::{Array, Column, DType, Dataset, Table, Values, Variable};
use baler::error::{Error, Result};
use baler_cli::formats::{ReadOptions, WriteOptions, create, open};
use tempfile::TempDir;

/// Marsaglia's xorshift64*: the same cases on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }

    pub fn shape(&mut self) -> Vec<usize> {
        (0..self.below(6)).map(|_| [0, 1, 1, 2, 3, 4, 7][self.below(7).max(self.below(7))]).collect()
    }

    /// Any bit pattern: NaNs of every payload, subnormals, infinities.
    pub fn values(&mut self, dtype: DType, n: usize) -> Values {
        let bytes: Vec<u8> = (0..n * dtype.size().unwrap()).map(|_| self.next() as u8).collect();
        let bytes = if dtype == DType::Bool { bytes.iter().map(|b| b & 1).collect() } else { bytes };
        Values::from_le_bytes(dtype, &bytes).unwrap()
    }

    pub fn array(&mut self, dtype: DType) -> Array {
        let shape = self.shape();
        let values = self.values(dtype, shape.iter().product());
        Array::new(shape, values).unwrap()
    }
}

pub const FIELD_TYPES: [DType; 11] = [
    DType::Bool,
    DType::U8,
    DType::I8,
    DType::U16,
    DType::I16,
    DType::U32,
    DType::I32,
    DType::U64,
    DType::I64,
    DType::F32,
    DType::F64,
];

pub fn scratch() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub fn one(name: &str, variable: Variable) -> Dataset {
    Dataset { variables: vec![(name.to_owned(), variable)] }
}

pub fn table(columns: &[(&str, Values)]) -> Table {
    let columns = columns.iter().map(|(n, v)| Column { name: n.to_string(), values: v.clone() }).collect();
    Table::new(columns).unwrap()
}

pub fn read(path: &Path) -> Result<Dataset> {
    open(path, &ReadOptions::default())?.load()
}

pub fn read_shaped(path: &Path, shape: &[usize]) -> Result<Dataset> {
    open(path, &ReadOptions { shape: Some(shape.to_vec()), ..Default::default() })?.load()
}

pub fn read_bytes(name: &str, bytes: &[u8]) -> Result<Dataset> {
    let folder = scratch();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    read(&path)
}

pub fn write(path: &Path, data: &Dataset) -> Result<()> {
    create(path, &WriteOptions::default())?.write(data)
}

pub fn message<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("should have failed"),
        Err(e) => Error::to_string(&e),
    }
}

/// Asserts that all `parts` are in the message of a failure.
#[track_caller]
pub fn fails_with<T>(result: Result<T>, parts: &[&str]) {
    let text = message(result);
    for part in parts {
        assert!(text.contains(part), "'{part}' is not in: {text}");
    }
}

/// Equal to the bit, NaN payloads included, which `==` cannot tell.
#[track_caller]
pub fn assert_same_bits(a: &Dataset, b: &Dataset) {
    assert_eq!(a.variables.len(), b.variables.len());
    for ((name_a, a), (name_b, b)) in a.variables.iter().zip(&b.variables) {
        assert_eq!(name_a, name_b);
        match (a, b) {
            (Variable::Field(a), Variable::Field(b)) => {
                assert_eq!(a.shape, b.shape);
                assert_eq!(le_bytes(&a.values), le_bytes(&b.values));
            }
            (Variable::Table(a), Variable::Table(b)) => {
                assert_eq!(a.columns.len(), b.columns.len());
                for (a, b) in a.columns.iter().zip(&b.columns) {
                    assert_eq!(a.name, b.name);
                    assert_eq!(le_bytes(&a.values), le_bytes(&b.values), "column {}", a.name);
                }
            }
            _ => panic!("{name_a} is a field on one side and a table on the other"),
        }
    }
}

pub fn le_bytes(values: &Values) -> (DType, Vec<u8>) {
    let mut bytes = vec![];
    values.write_le_bytes(&mut bytes);
    (values.dtype(), bytes)
}

/// A file of real data; `None`, with a message, where they are not at hand.
pub fn real_data(name: &str) -> Option<PathBuf> {
    shared(&format!("data/{name}"))
}

/// A folder of files that Baler's Python prototype made; `None`, with a message, where they are not at hand.
pub fn prototype(name: &str) -> Option<PathBuf> {
    shared(&format!("baler/{name}"))
}

fn shared(name: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("BALER_SHARED").map_or(workspace.join("../shared"), PathBuf::from);
    let path = shared.join(name);
    if !path.exists() {
        eprintln!("skipped: {name} is not at hand; BALER_SHARED names the folder");
        return None;
    }
    Some(path)
}
