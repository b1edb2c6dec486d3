"""NumPy's types as the library's, both ways; what the library has no type for is noted, so that it comes back."""

from __future__ import annotations

from typing import Any

import numpy as np

from baler.errors import InvalidArgumentError, UnsupportedError

# The library's name of each type, by NumPy's kind and size.
_NAMES = {
    "b1": "bool", "u1": "u8", "i1": "i8", "u2": "u16", "i2": "i16", "u4": "u32", "i4": "i32",
    "u8": "u64", "i8": "i64", "f4": "f32", "f8": "f64",
}  # fmt: skip
_DTYPES = {name: np.dtype("<" + code) for code, name in _NAMES.items()}

_ADVICE = {
    "f": "convert it, as with x.astype('float32')",
    "c": "compress x.real and x.imag, or x.view('float32') with a last axis of two",
    "O": "convert it to numbers, or to one type of them, as with x.astype(float)",
    "M": "compress x.view('int64') with lossless=True, or as the column of a table",
    "m": "compress x.view('int64') with lossless=True, or as the column of a table",
    "V": "records make a table along one axis: x.ravel()",
    "U": "text is for the columns of tables",
    "S": "text is for the columns of tables",
    "T": "text is for the columns of tables",
}


def name_of(dtype: np.dtype[Any]) -> str | None:
    """The library's name of a type, whatever its byte order, where it has one."""
    return _NAMES.get(dtype.kind + str(dtype.itemsize)) if dtype.kind in "buif" else None


def dtype_of(name: str) -> np.dtype[Any]:
    """The type of a name, little-endian."""
    return _DTYPES[name]


def unsupported(name: str, dtype: np.dtype[Any]) -> UnsupportedError:
    """Says what to do with a type that cannot be compressed."""
    advice = _ADVICE.get(dtype.kind, "convert it to a number type")
    return UnsupportedError(f"'{name}': values of type {dtype} are not compressed; {advice}")


def plain(name: str, data: Any) -> np.ndarray[Any, Any]:
    """An array of anything that is one. Errors for masked arrays, whose masks would be lost."""
    if isinstance(data, np.ma.MaskedArray):
        raise InvalidArgumentError(
            f"'{name}' is a masked array, and masks are not stored: give x.filled(value) with fill=value"
        )
    return np.asarray(data)


def little(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array, or where it is big-endian or not contiguous a copy that is neither."""
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))


def as_bytes(array: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The bytes of a contiguous array, where they lie."""
    return array.reshape(-1).view(np.uint8)


def note(dtype: np.dtype[Any]) -> str | None:
    """What the archive's header does not say of a type: its byte order, that it is a time, how long a text may be."""
    name = name_of(dtype)
    return None if name is not None and dtype.newbyteorder("<") == dtype else dtype.str


def noted(text: str) -> np.dtype[Any]:
    """The type of a note; its inverse. Errors where it is none: the note may be anybody's."""
    try:
        dtype = np.dtype(text) if isinstance(text, str) else np.dtype("V")
    except TypeError:
        dtype = np.dtype("V")
    if dtype.kind not in "buifMmUSO":
        raise UnsupportedError(f"a note of type '{text}' in the archive is not known")
    return dtype
