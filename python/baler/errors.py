"""What can go wrong: one family of exceptions, with the messages of the command line."""

from __future__ import annotations

import re


class BalerError(Exception):
    """The base of all that this package raises on purpose."""


class CorruptError(BalerError):
    """The bytes contradict themselves or their checksum."""


class TruncatedError(BalerError):
    """The bytes end before the data does."""


class UnsupportedError(BalerError):
    """Valid, but of a format version or feature that this version does not know."""


class InvalidArgumentError(BalerError, ValueError):
    """Something is asked for that makes no sense for this data."""


class LimitExceededError(BalerError, MemoryError):
    """Going on would take more memory than there is, or than a stated limit."""


class MissingModelError(BalerError):
    """The archive refers to a model that was not given; the message tells its hash."""


class InputOutputError(BalerError, OSError):
    """The operating system refused."""


class NotFoundError(InputOutputError, FileNotFoundError):
    """There is no such file."""


# What the command line calls `--rel 1e-3` is `rel=1e-3` here. (Within a word it is no flag: `run--fast.npy` is a file.)
_NAMED = re.compile(r"--bound (\S+)=(\w+(?::[\w.+-]+)?)")
_FLAG = re.compile(
    r"(?<![\w./\\-])--(?P<name>[a-z]+(?:-[a-z]+)*)(?![\w./\\-])(?: (?P<word>(?:autoencoder|field|table)(?![\w.=]))| (?=[A-Z0-9]))?"
)
_SWITCHES = {"lossless", "bound_none", "external_model"}


def _keyword(flag: re.Match[str]) -> str:
    name, word = flag["name"].replace("-", "_"), flag["word"]
    return f"{name}={word!r}" if word else f"{name}={True if name in _SWITCHES else ''}"


def told(kind: str, message: str) -> BalerError:
    """The exception of a kind (a class of this module), its message in Python's terms. Called by the Rust module."""
    text = _NAMED.sub(lambda named: f"bounds={{{named[1]!r}: {named[2]!r}}}", message)
    text = _FLAG.sub(_keyword, text)
    if kind == "MissingModelError":
        text += ", or keep it as HASH.safetensors (model.save(folder)) in a folder of the variable BALER_MODELS"
    error: BalerError = globals()[kind](text)
    return error
