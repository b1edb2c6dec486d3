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
    form: dict[str, Any] = {"form": "array", "types": {}, "records": {}}
    pandas, arrow = _loaded("pandas"), _loaded("pyarrow")
    if pandas and isinstance(data, pandas.DataFrame):
        from baler import _frames

        columns, told = _frames.from_pandas(data)
        return [_take_columns(name, columns, form)], {**form, **told}
    if arrow and isinstance(data, (arrow.Table, arrow.RecordBatch)):
        from baler import _frames

        columns, told = _frames.from_arrow(data)
        return [_take_columns(name, columns, form)], {**form, **told}
    if not isinstance(data, Mapping):
        return [_take_array(name, values.plain(name, data), form)], form
    parts = {k: v if isinstance(v, Mapping) else values.plain(str(k), v) for k, v in data.items()}
    if all(isinstance(p, np.ndarray) and p.ndim == 1 and p.dtype.names is None for p in parts.values()):
        if len({len(p) for p in parts.values()}) <= 1:
            return [_take_columns(name, parts, form)], {**form, "form": "columns"}
    taken = [_take_columns(k, p, form) if isinstance(p, Mapping) else _take_array(k, p, form) for k, p in parts.items()]
    return taken, {**form, "form": "variables"}


def _take_columns(name: Any, columns: Mapping[str, Any], form: dict[str, Any]) -> tuple[Any, ...]:
    """A table; `form` is told of its columns' types."""
    notes: dict[str, str] = {}
    given = tables.take_columns(_named(name), columns, notes)
    if notes:
        form["types"][name] = notes
    return given


def _take_array(name: Any, array: np.ndarray[Any, Any], form: dict[str, Any]) -> tuple[Any, ...]:
    """One array, a field or (with named members) a table; `form` is told of it."""
    name = _named(name)
    if array.dtype.names is not None and array.ndim == 1:
        descr = json.loads(json.dumps(np.lib.format.dtype_to_descr(array.dtype)))
        if array.dtype.hasobject or _records(descr) != array.dtype:
            raise UnsupportedError(f"'{name}': records of type {array.dtype} are not compressed; give a dict of columns")
        form["records"][name] = descr
        return tables.take_records(name, array)
    tag = values.name_of(array.dtype)
    if tag is None:
        raise values.unsupported(name, array.dtype)
    note = values.note(array.dtype)
    if note is not None:
        form["types"][name] = note
    return (name, tag, array.shape, values.as_bytes(values.little(array)))


def _named(name: Any) -> str:
    if not isinstance(name, str):
        raise InvalidArgumentError(f"variables are named by strings, not {name!r}")
    return name


def give(file: File) -> Any:
    """All of an archive, in the form in which it was handed over."""
    form = file._form.get("form")
    if form in ("pandas", "arrow") and len(file) == 1:
        columns = file[file.names[0]][...]
        try:
            from baler import _frames

            return _frames.to_pandas(columns, file._form) if form == "pandas" else _frames.to_arrow(columns, file._form)
        except ImportError as e:
            warnings.warn(f"the data was a table of {form}, which cannot be imported ({e}): a dict", stacklevel=3)
            return columns
        except (AttributeError, KeyError, TypeError, ValueError) as e:  # anybody may have written the note
            raise UnsupportedError(f"the archive's note of a table of {form} does not fit its columns: {e}") from e
    if form != "variables" and len(file) == 1:
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
