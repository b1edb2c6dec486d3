//! One error type for the whole library: a small kind to act on, and a message to read.

use std::fmt;

/// What went wrong, in the few ways that a caller may want to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes contradict themselves or their checksum.
    Corrupt,
    /// The bytes end before the data does.
    Truncated,
    /// Valid, but of a format version or feature that this program does not know.
    Unsupported,
    /// The caller asked for something that makes no sense for this data.
    InvalidArgument,
    /// Reading on would take more memory than the stated limit.
    LimitExceeded,
    /// The archive refers to a model that was not supplied.
    MissingModel,
    /// The operating system refused.
    Io,
}

/// A failure: its [`ErrorKind`], and a message that says where and what to do.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<std::io::Error>,
}

/// The result of everything that can fail here.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of `kind`; `message` says where it happened and what to do about it.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), source: None }
    }

    /// Bytes that contradict themselves.
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, message)
    }

    /// Bytes that end too early.
    pub fn truncated(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Truncated, message)
    }

    /// A request that makes no sense.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    /// A version or feature from the future.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The operating system's own error, where there was one.
    pub fn io(&self) -> Option<&std::io::Error> {
        self.source.as_ref()
    }

    /// The same error, told with where it happened: "`place`: message".
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|e| e as _)
    }
}

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        let kind = match e.kind() {
            std::io::ErrorKind::UnexpectedEof => ErrorKind::Truncated,
            _ => ErrorKind::Io,
        };
        Error { kind, message: e.to_string(), source: Some(e) }
    }
}
