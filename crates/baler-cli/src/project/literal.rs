//! Values that a configuration can hold, whichever form it is written in.

use std::fmt;

/// A literal of Python's, or of TOML's.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Python's `None`; TOML has none.
    None,
    /// `True`, `true`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(String),
    /// A list or a tuple.
    List(Vec<Literal>),
    /// A dictionary.
    Dict(Vec<(Literal, Literal)>),
}

impl Literal {
    /// As TOML writes it; `None` where TOML has no such value.
    pub fn to_toml(&self) -> Option<String> {
        Some(match self {
            Literal::None => return None,
            Literal::Bool(b) => b.to_string(),
            Literal::Int(n) => n.to_string(),
            Literal::Float(x) if x.is_nan() => "nan".into(),
            Literal::Float(x) if x.is_infinite() => if *x > 0.0 { "inf" } else { "-inf" }.into(),
            Literal::Float(x) => format!("{x:?}"),
            Literal::Text(text) => quoted(text),
            Literal::List(items) => {
                let items: Option<Vec<String>> = items.iter().map(Literal::to_toml).collect();
                format!("[{}]", items?.join(", "))
            }
            Literal::Dict(entries) => {
                let entry = |(key, value): &(Literal, Literal)| match key {
                    Literal::Text(key) => Some(format!("{} = {}", quoted(key), value.to_toml()?)),
                    _ => None,
                };
                let entries: Option<Vec<String>> = entries.iter().map(entry).collect();
                format!("{{ {} }}", entries?.join(", "))
            }
        })
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.to_toml()) {
            (Literal::None, _) => f.write_str("None"),
            (_, Some(text)) => f.write_str(&text),
            (_, None) => f.write_str("a list or dictionary"),
        }
    }
}

/// A setting's type: what it takes from a literal, and how it is written as one.
pub trait Setting: Sized {
    /// The value, or what is wanted instead.
    fn read(literal: &Literal) -> Result<Self, &'static str>;
    /// The inverse of [`Setting::read`].
    fn write(&self) -> Literal;
}

impl Setting for bool {
    fn read(literal: &Literal) -> Result<bool, &'static str> {
        match literal {
            Literal::Bool(b) => Ok(*b),
            Literal::Int(0) => Ok(false),
            Literal::Int(1) => Ok(true),
            _ => Err("true or false"),
        }
    }
    fn write(&self) -> Literal {
        Literal::Bool(*self)
    }
}

impl Setting for u64 {
    fn read(literal: &Literal) -> Result<u64, &'static str> {
        match *literal {
            Literal::Int(n) if n >= 0 => Ok(n as u64),
            Literal::Float(x) if x >= 0.0 && x.fract() == 0.0 && x < 1e15 => Ok(x as u64),
            _ => Err("a whole number that is not negative"),
        }
    }
    fn write(&self) -> Literal {
        Literal::Int(*self as i64)
    }
}

impl Setting for usize {
    fn read(literal: &Literal) -> Result<usize, &'static str> {
        u64::read(literal).map(|n| n as usize)
    }
    fn write(&self) -> Literal {
        Literal::Int(*self as i64)
    }
}

impl Setting for f64 {
    fn read(literal: &Literal) -> Result<f64, &'static str> {
        match *literal {
            Literal::Int(n) => Ok(n as f64),
            Literal::Float(x) if x.is_finite() => Ok(x),
            _ => Err("a number"),
        }
    }
    fn write(&self) -> Literal {
        Literal::Float(*self)
    }
}

impl Setting for String {
    fn read(literal: &Literal) -> Result<String, &'static str> {
        match literal {
            Literal::Text(text) => Ok(text.clone()),
            _ => Err("a text in quotes"),
        }
    }
    fn write(&self) -> Literal {
        Literal::Text(self.clone())
    }
}

/// What may be left out; Baler's configurations also say `False` or `None` for it.
impl<T: Setting> Setting for Option<T> {
    fn read(literal: &Literal) -> Result<Option<T>, &'static str> {
        match literal {
            Literal::None | Literal::Bool(false) => Ok(None),
            other => T::read(other).map(Some),
        }
    }
    fn write(&self) -> Literal {
        self.as_ref().map_or(Literal::None, T::write)
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn read(literal: &Literal) -> Result<Vec<T>, &'static str> {
        match literal {
            Literal::List(items) => items.iter().map(T::read).collect::<Result<_, _>>().map_err(|_| "a list"),
            _ => Err("a list"),
        }
    }
    fn write(&self) -> Literal {
        Literal::List(self.iter().map(T::write).collect())
    }
}
