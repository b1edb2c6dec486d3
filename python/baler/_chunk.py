"""One array as one archive of nothing else: the chunks of stores that keep type and shape themselves (Zarr, numcodecs)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from baler import _baler
from baler import _values as values
from baler._bounds import bound_of
from baler._file import File
from baler._model import Model, checked, find, keep
from baler.errors import CorruptError, InvalidArgumentError, MissingModelError, UnsupportedError

#: The version of the configuration that stores keep.
VERSION = 1

_NAME = "chunk"


@dataclass(frozen=True)
class Configuration:
    """How chunks are compressed: what a store keeps of a codec."""

    bound: str
    level: str = "default"
    #: The hash of the model that chunks may be coded with.
    model: str | None = None

    @classmethod
    def of(cls, level: str, model: Model | str | None = None, **bound: Any) -> Configuration:
        """From keywords. Errors where there is no bound, or more than one."""
        text = bound_of(**bound)
        if text is None:
            raise InvalidArgumentError(
                "no error bound. Say how far decoded values may be off: rel=1e-3 (a thousandth of each chunk's range), "
                "abs=VALUE (in the data's units), std=, pwrel=, psnr=, or lossless=True"
            )
        encode(np.zeros(1, "f4"), cls(text, level), None)  # the library's check of both
        return cls(text, level, keep(model) if isinstance(model, Model) else checked(model))

    def to_json(self) -> dict[str, Any]:
        """What a store keeps."""
        model = {} if self.model is None else {"model": self.model}
        return {"version": VERSION, "bound": self.bound, "level": self.level, **model}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Configuration:
        """From what a store kept; the inverse of `to_json`. Errors for a newer version, or keys that are not known."""
        version = kept.get("version", VERSION)
        unknown = sorted(set(kept) - {"version", "bound", "level", "model"})
        if version != VERSION or unknown:
            what = f"has the unknown keys {', '.join(unknown)}" if version == VERSION else f"is of version {version!r}"
            raise UnsupportedError(
                f"the configuration of the codec 'baler' {what}; baler {_baler.__version__} reads version {VERSION}: "
                "a newer one will read it"
            )
        bound, level, model = kept.get("bound"), kept.get("level", "default"), kept.get("model")
        if not isinstance(bound, str) or not isinstance(level, str):
            raise InvalidArgumentError("the configuration of the codec 'baler' wants a bound, such as 'rel:0.001'")
        return cls(bound, level, checked(model))

    def __reduce__(self) -> tuple[Any, ...]:
        """A model of this process goes along: to the workers of a cluster, say."""
        model = None
        if self.model is not None:
            with contextlib.suppress(MissingModelError):
                model = find(self.model)
        return (_again, (self.bound, self.level, self.model, model))


def _again(bound: str, level: str, name: str | None, model: Model | None) -> Configuration:
    if model is not None:
        keep(model)
    return Configuration(bound, level, name)


def check_dtype(dtype: np.dtype[Any]) -> str:
    """The library's name of a type. Errors where its values cannot be compressed."""
    tag = values.name_of(dtype)
    if tag is None:
        raise values.unsupported("chunk", dtype)
    return tag


def encode(array: np.ndarray[Any, Any], how: Configuration, fill: Any) -> bytes:
    """An archive of the one array. `fill` stands for missing data, where it is a number that one can tell from data."""
    tag = check_dtype(array.dtype)
    told = array.dtype.kind == "f" and fill is not None and np.isfinite(fill) and fill != 0
    wanted = {
        "bound": how.bound, "bounds": [], "level": how.level, "embed": False, "codec": None,
        "fill": float(fill) if told else None, "chunk": None, "chunk_rows": None, "threads": 1, "description": "{}",
    }  # fmt: skip
    plain = values.little(array)
    given = (_NAME, tag, array.shape, values.as_bytes(plain))
    out = _baler.compress([given], wanted, None if how.model is None else find(how.model)._inner)
    assert out is not None
    return out


def decode(data: Any, dtype: np.dtype[Any] | None = None, shape: tuple[int, ...] | None = None) -> np.ndarray[Any, Any]:
    """The array of an archive that `encode` made. Errors where it is damaged, or is not of the type or shape expected."""
    with File(data, threads=1) as file:
        if file.names != [_NAME]:
            raise CorruptError(f"the chunk holds {', '.join(file.names)}, not one array")
        array: np.ndarray[Any, Any] = file[_NAME][...]
    if dtype is not None and array.dtype != dtype.newbyteorder("<") or shape is not None and array.shape != shape:
        raise CorruptError(f"the chunk is {array.dtype} {array.shape}, not {dtype} {shape}")
    return array if dtype is None else array.astype(dtype, copy=False)
