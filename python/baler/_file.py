"""Open archives: their variables, read when asked for and no more of them than that."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Union

import numpy as np

from baler import _baler
from baler import _forms as forms
from baler import _tables as tables
from baler import _values as values
from baler._model import Model, find, inner_of
from baler.errors import InvalidArgumentError, LimitExceededError, MissingModelError

Path = Union[str, "os.PathLike[str]"]
Source = Union[Path, bytes, bytearray, memoryview]
Progress = Callable[[int, int], object]


def opened(source: Any, model: Model | Path | None) -> _baler.Archive:
    """The archive in a file (a path) or in memory (anything of bytes)."""
    inner = inner_of(model)
    if isinstance(source, (str, os.PathLike)):
        return _baler.Archive.open(os.fspath(source), inner)
    return _baler.Archive.of_bytes(source if isinstance(source, bytes) else memoryview(source).tobytes(), inner)


def _empty(shape: Sequence[int], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    try:
        return np.empty(shape, dtype)
    except (MemoryError, ValueError) as e:
        raise LimitExceededError(f"there is no memory for {dtype} values of shape {tuple(shape)}: {e}") from None


def _rows(key: Any, length: int) -> tuple[tuple[int, int] | None, Any]:
    """The rows of the leading axis that an index touches, and the same index into these."""
    if isinstance(key, (int, np.integer)) and not isinstance(key, (bool, np.bool_)):
        at = int(key) + length if key < 0 else int(key)
        if not 0 <= at < length:
            raise IndexError(f"index {key} is out of bounds for an axis of length {length}")
        return (at, at + 1), 0
    if isinstance(key, slice):
        chosen = range(length)[key]
        if len(chosen) == 0:
            return (0, 0), slice(None)
        low, high = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1]) + 1
        return (low, high), slice(None, None, chosen.step)
    return None, key


class _Variable:
    """What fields, tables and their columns have in common."""

    def __init__(self, file: File, number: int, header: Mapping[str, Any]) -> None:
        self._file = file
        self._number = number
        self._header = header

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._header["name"])


class Field(_Variable):
    """An array in an archive. Index it as a NumPy array: only the chunks that hold the rows asked for are decoded."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return tuple(self._header["shape"])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its values."""
        note = self._note
        return values.dtype_of(self._header["dtype"]) if note is None else values.noted(note)

    @property
    def _note(self) -> str | None:
        note = self._file._notes("types").get(self.name)
        return note if isinstance(note, str) else None

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=object))

    @property
    def nbytes(self) -> int:
        """Bytes of all values, decoded."""
        return self.size * self.dtype.itemsize

    @property
    def bound(self) -> str:
        """Its error bound as it was asked for: "rel:0.001"."""
        return str(self._header["bound"])

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a field of no axes has no length")
        return self.shape[0]

    def read(self, start: int = 0, stop: int | None = None, *, progress: Progress | None = None) -> np.ndarray[Any, Any]:
        """The rows from `start` to before `stop` of the leading axis."""
        whole = (start, stop) == (0, None)
        rows = None if whole else (start, len(self) if stop is None else stop)
        shape = self.shape if rows is None else (max(0, rows[1] - rows[0]), *self.shape[1:])
        out = _empty(shape, values.dtype_of(self._header["dtype"]))
        self._file._archive.read_field(self._number, rows, values.as_bytes(out), self._file._threads, progress)
        if self._note is None:
            return out
        return tables.give_column(self.name, out.reshape(-1), {self.name: self._note}).reshape(shape)

    def __getitem__(self, key: Any) -> Any:
        if key is Ellipsis:
            return self.read()
        keys = key if isinstance(key, tuple) else (key,)
        if not self.shape or not keys or keys[0] is Ellipsis:
            return self.read()[key]
        rows, first = _rows(keys[0], self.shape[0])
        if rows is None:
            return self.read()[key]
        return self.read(*rows)[(first, *keys[1:])]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return self.read().astype(dtype or self.dtype, copy=False)

    def __repr__(self) -> str:
        return f"<baler.Field {self.name!r}: {self.dtype}, shape {self.shape}, {self.bound}>"


class Column(_Variable):
    """A column of a table in an archive."""

    def __init__(self, table: Table, place: int) -> None:
        super().__init__(table._file, table._number, table._header["columns"][place])
        self._table = table

    @property
    def bound(self) -> str:
        """Its error bound as it was asked for: "std:0.001"."""
        return str(self._header["bound"])

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, key: Any) -> Any:
        rows, rest = (None, slice(None)) if key is Ellipsis else _rows(key, len(self))
        return self._table.read([self.name], rows)[self.name][rest]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.asarray(self[:], dtype)

    def __repr__(self) -> str:
        return f"<baler.Column {self.name!r}: {len(self)} rows, {self.bound}>"


class Table(_Variable):
    """A table in an archive: `t["pt"]` is a column, `t[10:20]` some rows of all of them."""

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return [c["name"] for c in self._header["columns"]]

    def __len__(self) -> int:
        return int(self._header["rows"])

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def read(
        self,
        names: Sequence[str] | None = None,
        rows: tuple[int, int] | None = None,
        *,
        progress: Progress | None = None,
    ) -> dict[str, np.ndarray[Any, Any]]:
        """These columns (all where `None`) at the rows from `rows[0]` to before `rows[1]`."""
        known = self.names
        names = known if names is None else list(names)
        for name in names:
            if name not in known:
                raise InvalidArgumentError(f"there is no column '{name}'; there are {', '.join(known)}")
        places = [known.index(name) for name in names]
        headers = [self._header["columns"][p] for p in places]
        count = len(self) if rows is None else max(0, rows[1] - rows[0])
        outs = [_empty((count,), values.dtype_of(h["dtype"])) for h in headers if h["dtype"] != "text"]
        texts = self._file._archive.read_columns(
            self._number, places, rows, [values.as_bytes(o) for o in outs], self._file._threads, progress
        )
        numbers, words = iter(outs), iter(texts)
        notes = self._file._notes("types").get(self.name)
        notes = notes if isinstance(notes, dict) else {}
        return {
            name: tables.give_column(name, next(words) if h["dtype"] == "text" else next(numbers), notes)
            for name, h in zip(names, headers)
        }

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self.names:
                raise InvalidArgumentError(f"there is no column '{key}'; there are {', '.join(self.names)}")
            return Column(self, self.names.index(key))
        if isinstance(key, list) and all(isinstance(k, str) for k in key):
            return self._formed(self.read(key))
        rows, rest = (None, slice(None)) if key is Ellipsis else _rows(key, len(self))
        read = self._formed(self.read(rows=rows))
        return {name: column[rest] for name, column in read.items()} if isinstance(read, dict) else read[rest]

    def _formed(self, columns: dict[str, np.ndarray[Any, Any]]) -> Any:
        return forms.give_table(columns, self._file._notes("records").get(self.name))

    def __repr__(self) -> str:
        return f"<baler.Table {self.name!r}: {len(self)} rows of {', '.join(self.names)}>"


class File(Mapping[str, "Field | Table"]):
    """An open archive, a mapping of names to `Field`s and `Table`s. Use it in a `with`, or `close` it.

    >>> import baler, numpy as np
    >>> archive = baler.compress({"u": np.ones((40, 5, 5)), "v": np.zeros((3, 4))}, rel=1e-3)
    >>> with baler.open(archive) as f:
    ...     print(list(f), f["u"].shape, f["u"][10:20].shape)
    ['u', 'v'] (40, 5, 5) (10, 5, 5)
    """

    def __init__(self, source: Source, *, model: Model | Path | None = None, threads: int | None = None) -> None:
        self._inner: _baler.Archive | None = opened(source, model)
        self._threads = threads
        header = json.loads(self._inner.header())
        for hash in header["external_models"] if model is None else []:
            with contextlib.suppress(MissingModelError):  # what needs it says so when it is read
                self._inner = opened(source, find(hash))
        #: What the archive says of itself beside its data: program, source.
        self.description: dict[str, Any] = header["description"] or {}
        form = self.description.get("python")
        self._form: dict[str, Any] = form if isinstance(form, dict) else {}
        self._variables: dict[str, Field | Table] = {
            v["name"]: (Field if "shape" in v else Table)(self, i, v) for i, v in enumerate(header["variables"])
        }

    def _notes(self, kind: str) -> dict[str, Any]:
        """What the note of the form says of variables by name; anybody may have written it."""
        notes = self._form.get(kind)
        return notes if isinstance(notes, dict) else {}

    @property
    def _archive(self) -> _baler.Archive:
        if self._inner is None:
            raise InvalidArgumentError("the archive is closed")
        return self._inner

    @property
    def names(self) -> list[str]:
        """The names of its variables."""
        return list(self._variables)

    def __getitem__(self, name: str) -> Field | Table:
        try:
            return self._variables[name]
        except KeyError:
            message = f"there is no variable '{name}'; there are {', '.join(self.names)}"
            raise _NoVariable(message) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def load(self) -> Any:
        """Everything, in the form in which it was compressed."""
        return forms.give(self)

    def info(self) -> dict[str, Any]:
        """Sizes, ratios, codecs, errors: what `baler info --json` tells."""
        told: dict[str, Any] = json.loads(self._archive.info())
        return told

    def close(self) -> None:
        """Closes the file."""
        self._inner = None

    def __enter__(self) -> File:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<baler.File: {', '.join(map(repr, self._variables.values()))}>"


class _NoVariable(InvalidArgumentError, KeyError):
    """A name that is no variable's; a `KeyError` too, as mappings raise."""

    def __str__(self) -> str:
        return str(self.args[0])
