"""What users hand over and get back: arrays, structured arrays, dicts, data frames, Arrow tables.

`take` makes of each what the library compresses, and a note of its form, which the archive's description keeps under
"python"; `give` makes it whole again. Without a note (archives of the command line) a field is an array, a table a dict of
its columns, and several variables are a dict of them.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from baler import _tables as tables
from baler import _values as values
from baler.errors import InvalidArgumentError, UnsupportedError

if TYPE_CHECKING:
    from baler._file import File


def _loaded(module: str) -> Any:
    """A module, if the program has it: data of its types cannot come from one that has not."""
    return sys.modules.get(module)


def take(data: Any, name: str) -> tuple[list[Any], dict[str, Any]]:
    """The variables of `data` for the library, and the note of their form. Copies only what is not contiguous."""
    notes: dict[str, str] = {}
    form: dict[str, Any] = {"form": "array", "types": notes}
    pandas, arrow = _loaded("pandas"), _loaded("pyarrow")
    if pandas and isinstance(data, pandas.DataFrame):
        from baler import _frames

        columns, form = _frames.from_pandas(data)
        return [tables.take_columns(name, columns, notes)], {**form, "types": notes}
    if arrow and isinstance(data, (arrow.Table, arrow.RecordBatch)):
        from baler import _frames

        columns, form = _frames.from_arrow(data)
        return [tables.take_columns(name, columns, notes)], {**form, "types": notes}
    if isinstance(data, Mapping):
        arrays = {k: values.plain(str(k), v) for k, v in data.items()}
        lengths = {a.shape for a in arrays.values()}
        if all(a.ndim == 1 and a.dtype.names is None for a in arrays.values()) and len(lengths) <= 1:
            return [tables.take_columns(name, arrays, notes)], {**form, "form": "columns"}
        return [_take_one(k, a, form) for k, a in arrays.items()], {**form, "form": "fields"}
    return [_take_one(name, values.plain(name, data), form)], form


def _take_one(name: Any, array: np.ndarray[Any, Any], form: dict[str, Any]) -> tuple[Any, ...]:
    """One array, a field or (with named members) a table; `form` is told of it."""
    if not isinstance(name, str):
        raise InvalidArgumentError(f"variables are named by strings, not {name!r}")
    if array.dtype.names is not None and array.ndim == 1:
        descr = json.loads(json.dumps(np.lib.format.dtype_to_descr(array.dtype)))
        if array.dtype.hasobject or _records(descr) != array.dtype:
            raise UnsupportedError(f"'{name}': records of type {array.dtype} are not compressed; give a dict of columns")
        form.setdefault("records", {})[name] = descr
        return tables.take_records(name, array, {})
    tag = values.name_of(array.dtype)
    if tag is None:
        raise values.unsupported(name, array.dtype)
    note = values.note(array.dtype)
    if note:
        form["types"][name] = note
    return (name, tag, array.shape, values.as_bytes(values.little(array)))


def give(file: File) -> Any:
    """All of an archive, in the form in which it was handed over."""
    form = file._form.get("form")
    if form in ("pandas", "arrow"):
        columns = file[file.names[0]][:]
        try:
            from baler import _frames

            return _frames.to_pandas(columns, file._form) if form == "pandas" else _frames.to_arrow(columns, file._form)
        except ImportError as e:
            warnings.warn(f"the data was a table of {form}, which cannot be imported ({e}): a dict", stacklevel=3)
            return columns
    if form in ("array", "columns") or form is None and len(file) == 1:
        return file[file.names[0]][...]
    return {name: file[name][...] for name in file.names}


def give_table(columns: dict[str, np.ndarray[Any, Any]], records: Any) -> Any:
    """Columns as they are, or as the structured array of the description `records`."""
    if records is None:
        return columns
    dtype = _records(records)
    names = set() if dtype is None or dtype.names is None else set(dtype.names)
    if dtype is None or dtype.hasobject or not set(columns) <= names:
        raise UnsupportedError("the archive notes records of another layout than its columns")
    if len(columns) < len(names):
        dtype = np.dtype([(k, dtype[k]) for k in columns])
    out = np.zeros(len(next(iter(columns.values()), [])), dtype)
    for name, column in columns.items():
        out[name] = column
    return out


def _records(descr: Any) -> np.dtype[Any] | None:
    """The type of records that a note describes, where it does."""
    try:
        dtype = np.lib.format.descr_to_dtype([tuple(member) for member in descr])
    except (TypeError, ValueError, KeyError):
        return None
    return dtype if dtype.names is not None else None
