//! Python's words: names, numbers, strings, symbols and the ends of lines, as far as literals need them.

use std::fmt;
use std::iter::Peekable;
use std::str::CharIndices;

use baler::error::{Error, Result};

/// One word, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1.
    pub column: usize,
    /// Blanks at the start of its line.
    pub indent: usize,
}

/// What a word is.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenKind {
    /// A name or keyword.
    Name(String),
    /// A whole number; signs are symbols.
    Int(u64),
    /// Any other number.
    Float(f64),
    /// A string, without its quotes.
    Text(String),
    /// A character that stands for itself.
    Symbol(char),
    /// The end of a line that is not within brackets.
    Newline,
    /// The end of the file.
    End,
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenKind::Name(name) => write!(f, "'{name}'"),
            TokenKind::Int(n) => write!(f, "{n}"),
            TokenKind::Float(x) => write!(f, "{x}"),
            TokenKind::Text(_) => f.write_str("a text"),
            TokenKind::Symbol(c) => write!(f, "'{}'", c.escape_debug()),
            TokenKind::Newline => f.write_str("the end of the line"),
            TokenKind::End => f.write_str("the end of the file"),
        }
    }
}

impl Token {
    /// An error at this place.
    pub fn error(&self, what: impl fmt::Display) -> Error {
        Error::invalid(format!("{}:{}: {what}", self.line, self.column))
    }
}

struct Lexer<'t> {
    text: &'t str,
    rest: Peekable<CharIndices<'t>>,
    line: usize,
    /// Where the current line begins.
    start: usize,
    indent: usize,
    /// How many brackets are open, within which lines do not end.
    open: usize,
    tokens: Vec<Token>,
}

/// The words of a file, [`TokenKind::End`] last. Errors, with line and column, at what is no word of a literal.
pub fn tokens(text: &str) -> Result<Vec<Token>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rest = text.char_indices().peekable();
    let mut lexer = Lexer { text, rest, line: 1, start: 0, indent: 0, open: 0, tokens: vec![] };
    lexer.indentation();
    while let Some(&(at, c)) = lexer.rest.peek() {
        lexer.word(at, c)?;
    }
    if lexer.open == 0 {
        lexer.push(text.len(), TokenKind::Newline);
    }
    lexer.push(text.len(), TokenKind::End);
    Ok(lexer.tokens)
}

impl Lexer<'_> {
    fn token(&self, at: usize, kind: TokenKind) -> Token {
        // A string over several lines begins before the line that it ends on.
        let column = self.text[self.start.min(at)..at].chars().count() + 1;
        Token { kind, line: self.line, column, indent: self.indent }
    }

    fn push(&mut self, at: usize, kind: TokenKind) {
        let token = self.token(at, kind);
        self.tokens.push(token);
    }

    fn error(&self, at: usize, what: impl fmt::Display) -> Error {
        self.token(at, TokenKind::End).error(what)
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().map(|&(_, c)| c)
    }

    fn end(&mut self) -> usize {
        self.rest.peek().map_or(self.text.len(), |&(at, _)| at)
    }

    /// Takes characters while they are `wanted`.
    fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        while self.rest.next_if(|&(_, c)| wanted(c)).is_some() {}
    }

    fn new_line(&mut self) {
        self.line += 1;
        self.start = self.end();
    }

    /// Blanks at the start of a line; those of empty lines do not count.
    fn indentation(&mut self) {
        let start = self.end();
        self.skip(|c| c == ' ' || c == '\t');
        self.indent = self.end() - start;
    }

    fn word(&mut self, at: usize, c: char) -> Result<()> {
        match c {
            ' ' | '\t' | '\r' | '\u{c}' => self.skip(|c| matches!(c, ' ' | '\t' | '\r' | '\u{c}')),
            '#' => self.skip(|c| c != '\n'),
            '\n' => {
                if self.open == 0 {
                    self.push(at, TokenKind::Newline);
                }
                self.rest.next();
                self.new_line();
                if self.open == 0 {
                    self.indentation();
                }
            }
            '\\' => {
                self.rest.next();
                self.rest.next_if(|&(_, c)| c == '\r');
                if self.rest.next_if(|&(_, c)| c == '\n').is_none() {
                    return Err(self.error(at, "a backslash that does not end the line"));
                }
                self.new_line();
            }
            '"' | '\'' => self.string(at, false)?,
            '0'..='9' => self.number(at)?,
            '.' if self.text[at + 1..].starts_with(|c: char| c.is_ascii_digit()) => self.number(at)?,
            c if c.is_alphabetic() || c == '_' => {
                self.skip(|c| c.is_alphanumeric() || c == '_');
                let name = &self.text[at..self.end()];
                match (name, self.peek()) {
                    ("r" | "R", Some('"' | '\'')) => self.string(at, true)?,
                    ("u" | "U", Some('"' | '\'')) => self.string(at, false)?,
                    (_, Some('"' | '\'')) => {
                        return Err(
                            self.error(at, format!("a string with the prefix {name} is no plain text"))
                        );
                    }
                    _ => self.push(at, TokenKind::Name(name.into())),
                }
            }
            c if c.is_control() => {
                return Err(self.error(at, format!("the character '{}'", c.escape_debug())));
            }
            c => {
                match c {
                    '(' | '[' | '{' => self.open += 1,
                    ')' | ']' | '}' => self.open = self.open.saturating_sub(1),
                    _ => {}
                }
                self.push(at, TokenKind::Symbol(c));
                self.rest.next();
            }
        }
        Ok(())
    }

    fn number(&mut self, at: usize) -> Result<()> {
        let mut before = ' ';
        while let Some(c) = self.peek() {
            let sign =
                matches!(c, '+' | '-') && matches!(before, 'e' | 'E') && !self.text[at..].starts_with("0x");
            if !(c.is_alphanumeric() || c == '_' || c == '.' || sign) {
                break;
            }
            before = c;
            self.rest.next();
        }
        let written = &self.text[at..self.end()];
        let wrong = || self.error(at, format!("'{written}' is no number that is read"));
        let apart = written.starts_with('_') || written.ends_with('_') || written.contains("__");
        let digits = written.replace('_', "").to_ascii_lowercase();
        let based = [("0x", 16), ("0o", 8), ("0b", 2)];
        let kind = match based.iter().find_map(|(mark, base)| Some((digits.strip_prefix(mark)?, *base))) {
            Some((digits, base)) if !digits.starts_with('+') => {
                u64::from_str_radix(digits, base).ok().map(TokenKind::Int)
            }
            Some(_) => None,
            None if digits.bytes().all(|b| b.is_ascii_digit()) => {
                let octal = digits.len() > 1 && digits.starts_with('0') && digits.bytes().any(|b| b != b'0');
                digits.parse().ok().filter(|_| !octal).map(TokenKind::Int) // Python refuses 010 as well
            }
            // Rust reads words such as "inf" as floats too, Python none.
            None if digits.bytes().all(|b| b.is_ascii_digit() || b".e+-".contains(&b)) => {
                digits.parse().ok().map(TokenKind::Float)
            }
            None => None,
        };
        let kind = kind.filter(|_| !apart).ok_or_else(wrong)?;
        self.push(at, kind);
        Ok(())
    }

    fn string(&mut self, at: usize, raw: bool) -> Result<()> {
        let begun = self.token(at, TokenKind::End);
        let quote = self.rest.next().expect("has been seen").1;
        let triple = self.text[self.end()..].starts_with(&format!("{quote}{quote}"));
        if triple {
            self.rest.next();
            self.rest.next();
        }
        let mut text = String::new();
        loop {
            let Some((here, c)) = self.rest.next() else {
                return Err(begun.error("a string without an end"));
            };
            match c {
                c if c == quote
                    && (!triple || self.text[here..].starts_with(&format!("{quote}{quote}{quote}"))) =>
                {
                    if triple {
                        self.rest.next();
                        self.rest.next();
                    }
                    break;
                }
                '\n' if !triple => return Err(begun.error("a string without an end")),
                '\\' => self.escape(here, raw, &mut text)?,
                '\n' => {
                    text.push('\n');
                    self.new_line();
                }
                c => text.push(c),
            }
        }
        self.tokens.push(Token { kind: TokenKind::Text(text), ..begun });
        Ok(())
    }

    /// What stands behind a backslash in a string.
    fn escape(&mut self, at: usize, raw: bool, text: &mut String) -> Result<()> {
        let Some((_, c)) = self.rest.next() else { return Ok(()) }; // the string has no end, which is told
        if c == '\n' {
            self.new_line();
        }
        if raw {
            text.extend(['\\', c]);
            return Ok(());
        }
        let digits = match c {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        match c {
            '\n' => {}
            '\\' | '\'' | '"' => text.push(c),
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            '0' => text.push('\0'),
            _ if digits > 0 => {
                let code: String = (0..digits)
                    .map_while(|_| self.rest.next_if(|(_, c)| c.is_ascii_hexdigit()))
                    .map(|(_, c)| c)
                    .collect();
                let code = if code.len() == digits { u32::from_str_radix(&code, 16).ok() } else { None };
                let letter = code.and_then(char::from_u32);
                text.push(
                    letter.ok_or_else(|| self.error(at, format!("\\{c} without its {digits} digits")))?,
                );
            }
            c => return Err(self.error(at, format!("the escape \\{} is not read", c.escape_debug()))),
        }
        Ok(())
    }
}
