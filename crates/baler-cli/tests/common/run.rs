//! The command as a user runs it: a folder to work in, a line to type, what comes of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use baler::data::{Array, Dataset, Values, Variable};
use serde_json::Value;
use tempfile::TempDir;

use super::{one, read, scratch, table, write};

/// What a finished command left.
pub struct Ran {
    pub code: i32,
    pub out: Vec<u8>,
    pub err: String,
}

impl Ran {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }
}

impl From<Output> for Ran {
    fn from(o: Output) -> Ran {
        let err = String::from_utf8_lossy(&o.stderr).into_owned();
        Ran { code: o.status.code().unwrap_or(-1), out: o.stdout, err }
    }
}

/// A folder, gone when dropped, in which commands run.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Place {
        Place(scratch())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `baler` with the words of `line`, not started yet.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_baler"));
        command.args(line.split_whitespace()).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    pub fn run(&self, line: &str) -> Ran {
        let ran = Ran::from(self.command(line).output().unwrap());
        assert!(!ran.err.contains("panicked"), "baler {line}: {}", ran.err);
        ran
    }

    /// Runs what must work; its standard output.
    #[track_caller]
    pub fn ok(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "baler {line}: {}{}", ran.text(), ran.err);
        ran.text()
    }

    /// Runs what must work with `--json`.
    #[track_caller]
    pub fn json(&self, line: &str) -> Value {
        let text = self.ok(&format!("{line} --json"));
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("baler {line} --json: {e} in {text}"))
    }

    /// Runs what must fail with `code`, one line of error, and all `parts` in it.
    #[track_caller]
    pub fn fails(&self, line: &str, code: i32, parts: &[&str]) {
        let ran = self.run(line);
        assert_eq!(ran.code, code, "baler {line}: {}{}", ran.text(), ran.err);
        assert!(ran.err.starts_with("error: "), "baler {line}: {}", ran.err);
        for part in parts {
            assert!(ran.err.contains(part), "baler {line}: '{part}' is not in: {}", ran.err);
        }
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub fn save(&self, name: &str, variable: Variable) {
        write(&self.path(name), &one("u", variable)).unwrap();
    }

    pub fn save_all(&self, name: &str, variables: &[(&str, Variable)]) {
        let variables = variables.iter().map(|(n, v)| (n.to_string(), v.clone())).collect();
        write(&self.path(name), &Dataset { variables }).unwrap();
    }

    pub fn load(&self, name: &str) -> Dataset {
        read(&self.path(name)).unwrap()
    }

    /// The one field in a file, as f64.
    pub fn field(&self, name: &str) -> Vec<f64> {
        match &self.load(name).variables[0].1 {
            Variable::Field(a) => a.values.to_f64().unwrap(),
            Variable::Table(_) => panic!("{name} is a table"),
        }
    }

    /// Names of all files, the hidden ones too.
    pub fn files(&self) -> Vec<String> {
        files_in(self.0.path())
    }
}

pub fn files_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A smooth field that moves along its leading axis, with a little noise.
pub fn wave(shape: &[usize]) -> Array {
    let inner = shape.iter().skip(1).product::<usize>().max(1);
    let mut noise = super::Random(7);
    let at = |i: usize, noise: &mut super::Random| {
        let (t, x) = ((i / inner) as f64, (i % inner) as f64);
        let rough = noise.next() as f64 / u64::MAX as f64 - 0.5;
        (3.0 * (0.05 * x + 0.3 * t).sin() + 0.01 * rough) as f32
    };
    let values = (0..shape.iter().product()).map(|i| at(i, &mut noise)).collect();
    Array::new(shape.to_vec(), Values::F32(values)).unwrap()
}

pub fn field(shape: &[usize]) -> Variable {
    Variable::Field(wave(shape))
}

/// Events: two f32 columns that know of each other, an f64, a count, a text.
pub fn events(rows: usize) -> Variable {
    let mut random = super::Random(3);
    let mut uniform = || random.next() as f64 / u64::MAX as f64;
    let pt: Vec<f32> = (0..rows).map(|_| (-50.0 * (1.0 - uniform()).ln()) as f32).collect();
    let energy = pt.iter().map(|p| p * (1.0 + 0.1 * uniform() as f32)).collect();
    let eta = (0..rows).map(|_| 5.0 * uniform() - 2.5).collect();
    let n = (0..rows as i64).map(|i| i * i % 17).collect();
    let tag = (0..rows).map(|i| ["mu", "e"][i % 3 / 2].to_string()).collect();
    let columns = [
        ("pt", Values::F32(pt)),
        ("energy", Values::F32(energy)),
        ("eta", Values::F64(eta)),
        ("n", Values::I64(n)),
        ("tag", Values::Text(tag)),
    ];
    Variable::Table(table(&columns))
}

/// The same without what only a .csv can hold, all of one type.
pub fn number_table(rows: usize) -> Variable {
    let Variable::Table(t) = events(rows) else { unreachable!() };
    let columns = t.columns[..3].iter();
    let columns: Vec<_> =
        columns.map(|c| (c.name.as_str(), Values::F64(c.values.to_f64().unwrap()))).collect();
    Variable::Table(table(&columns))
}

/// The largest distance between two runs of values.
pub fn apart(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
