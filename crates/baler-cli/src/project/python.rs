//! Baler's `P_config.py`, read as text: `def set_config(c):` and assignments of literals to `c.KEY`.
//!
//! Nothing is executed, so nothing else is understood: what is no literal is an error with its line and column. (A
//! parser of all of Python, such as rustpython-parser, would bring some forty crates for a page of grammar.)

use super::literal::Literal;
use super::token::{Token, TokenKind, tokens};
use baler::error::{Error, Result};

/// How deep lists may lie in lists.
const DEEPEST: usize = 32;

/// One assignment: a key, its value, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What is set.
    pub key: String,
    /// To what.
    pub value: Literal,
    /// The line, from 1.
    pub line: usize,
}

/// The assignments of a configuration, in the file's order.
///
/// Errors, with line and column, where there is anything but `def set_config(c):`, assignments of literals in it,
/// comments and docstrings.
pub fn entries(text: &str) -> Result<Vec<Entry>> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0 };
    parser.module()
}

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)] // the last is the end
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn is(&self, symbol: char) -> bool {
        self.peek().kind == TokenKind::Symbol(symbol)
    }

    fn take(&mut self, symbol: char) -> bool {
        let found = self.is(symbol);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: char) -> Result<()> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected(&format!("'{symbol}'"))) }
    }

    fn name(&mut self, what: &str) -> Result<String> {
        match self.next() {
            Token { kind: TokenKind::Name(name), .. } => Ok(name),
            _ => {
                self.at -= 1;
                Err(self.unexpected(what))
            }
        }
    }

    fn unexpected(&self, wanted: &str) -> Error {
        let token = self.peek();
        token.error(format!("{} where {wanted} belongs", token.kind))
    }

    fn end_of_line(&mut self) -> Result<()> {
        match self.peek().kind {
            TokenKind::Newline | TokenKind::Symbol(';') => Ok(self.at += 1),
            TokenKind::End => Ok(()),
            _ => Err(self.unexpected("the end of the line")),
        }
    }

    /// The whole file.
    fn module(&mut self) -> Result<Vec<Entry>> {
        let mut found: Option<Vec<Entry>> = None;
        loop {
            let token = self.peek().clone();
            match &token.kind {
                TokenKind::End => break,
                TokenKind::Newline => self.at += 1,
                TokenKind::Text(_) => self.docstring()?,
                _ if token.indent > 0 => return Err(token.error("is indented, outside of set_config")),
                TokenKind::Name(word) if word == "def" && found.is_none() => found = Some(self.function()?),
                _ => {
                    return Err(token.error(format!(
                        "{}: only `def set_config(c):` with assignments of literals is read, and nothing is executed",
                        token.kind
                    )));
                }
            }
        }
        found.ok_or_else(|| Error::invalid("1:1: has no `def set_config(c):`"))
    }

    fn docstring(&mut self) -> Result<()> {
        while let TokenKind::Text(_) = self.peek().kind {
            self.at += 1;
        }
        self.end_of_line()
    }

    fn function(&mut self) -> Result<Vec<Entry>> {
        let own = self.next().indent;
        let at = self.peek().clone();
        if self.name("set_config")? != "set_config" {
            return Err(at.error("the one function that is read is set_config"));
        }
        self.expect('(')?;
        let object = self.name("a name, such as c,")?;
        self.expect(')')?;
        self.expect(':')?;
        let mut entries = vec![];
        let body = match self.peek().kind {
            TokenKind::Newline => None,
            _ => Some(self.peek().indent), // on the same line
        };
        if body.is_none() {
            self.at += 1;
        }
        let mut indent = body;
        loop {
            let token = self.peek().clone();
            match &token.kind {
                TokenKind::End => break,
                TokenKind::Newline => self.at += 1,
                _ if body.is_none() && token.indent <= own => break,
                _ if *indent.get_or_insert(token.indent) != token.indent => {
                    if body.is_some() {
                        break;
                    }
                    return Err(token.error("is indented otherwise than the lines before"));
                }
                TokenKind::Text(_) => self.docstring()?,
                TokenKind::Name(word) if word == "pass" || word == "return" => {
                    self.at += 1;
                    self.end_of_line()?;
                }
                TokenKind::Name(word) if *word == object => {
                    self.at += 1;
                    if !self.take('.') {
                        return Err(self.unexpected("'.' and a key"));
                    }
                    let key = self.name("a key")?;
                    self.expect('=')?;
                    let value = self.value(0)?;
                    self.end_of_line()?;
                    entries.push(Entry { key, value, line: token.line });
                }
                _ => {
                    return Err(token.error(format!(
                        "{}: only assignments of literals, {object}.KEY = VALUE, are read, and nothing is executed",
                        token.kind
                    )));
                }
            }
            if body.is_some() && matches!(self.tokens[self.at - 1].kind, TokenKind::Newline) {
                break;
            }
        }
        Ok(entries)
    }

    /// A literal.
    fn value(&mut self, depth: usize) -> Result<Literal> {
        let token = self.next();
        if depth > DEEPEST {
            return Err(token.error("lies too deep in lists"));
        }
        let value = match token.kind {
            TokenKind::Text(text) => {
                let mut whole = text;
                while let TokenKind::Text(more) = &self.peek().kind {
                    whole.push_str(more); // neighbours are joined
                    self.at += 1;
                }
                Literal::Text(whole)
            }
            TokenKind::Int(n) => Literal::Int(i64::try_from(n).map_err(|_| token.error(BEYOND))?),
            TokenKind::Float(x) => Literal::Float(x),
            TokenKind::Symbol(sign @ ('-' | '+')) => match self.next() {
                Token { kind: TokenKind::Int(n), .. } => {
                    let n = if sign == '-' { -i128::from(n) } else { n.into() };
                    Literal::Int(i64::try_from(n).map_err(|_| token.error(BEYOND))?)
                }
                Token { kind: TokenKind::Float(x), .. } => Literal::Float(if sign == '-' { -x } else { x }),
                _ => {
                    self.at -= 1;
                    return Err(self.unexpected("a number"));
                }
            },
            TokenKind::Name(ref word) if word == "True" => Literal::Bool(true),
            TokenKind::Name(ref word) if word == "False" => Literal::Bool(false),
            TokenKind::Name(ref word) if word == "None" => Literal::None,
            TokenKind::Symbol('[') => Literal::List(self.items(']', depth)?.0),
            TokenKind::Symbol('(') => match self.items(')', depth)? {
                (mut items, false) if items.len() == 1 => items.remove(0), // brackets around a value
                (items, _) => Literal::List(items),
            },
            TokenKind::Symbol('{') => self.dictionary(depth)?,
            _ => {
                self.at -= 1;
                return Err(token.error(format!(
                    "{} is no literal (a number, a text, True, False, None, a list); nothing is executed",
                    token.kind
                )));
            }
        };
        match self.peek().kind {
            TokenKind::Symbol(',' | ']' | ')' | '}' | ':' | ';') | TokenKind::Newline | TokenKind::End => {
                Ok(value)
            }
            _ => Err(self.unexpected("the end of the value (nothing is computed)")),
        }
    }

    /// Values up to `close`, and whether any comma was there.
    fn items(&mut self, close: char, depth: usize) -> Result<(Vec<Literal>, bool)> {
        let (mut items, mut comma) = (vec![], false);
        while !self.take(close) {
            items.push(self.value(depth + 1)?);
            if !self.take(',') {
                self.expect(close)?;
                break;
            }
            comma = true;
        }
        Ok((items, comma))
    }

    fn dictionary(&mut self, depth: usize) -> Result<Literal> {
        let mut entries = vec![];
        while !self.take('}') {
            let key = self.value(depth + 1)?;
            self.expect(':')?;
            entries.push((key, self.value(depth + 1)?));
            if !self.take(',') {
                self.expect('}')?;
                break;
            }
        }
        Ok(Literal::Dict(entries))
    }
}

const BEYOND: &str = "an integer beyond 64 bits";
