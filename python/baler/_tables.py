"""Columns between Python and the library: numbers where they lie, times as their integers, text as strings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from baler import _values as values
from baler.errors import CorruptError, InvalidArgumentError

Notes = dict[str, str]


def is_text(array: np.ndarray[Any, Any]) -> bool:
    """Whether an array holds strings: of a type of them, or objects that all are."""
    if array.dtype.kind == "O":
        return all(isinstance(x, str) for x in array)
    return array.dtype.kind in "UST"


def _texts(name: str, array: np.ndarray[Any, Any]) -> list[str]:
    if array.dtype.kind != "S":
        return [str(x) for x in array]
    try:
        return [x.decode("ascii") for x in array.tolist()]
    except UnicodeDecodeError as e:
        raise InvalidArgumentError(f"column '{name}' holds bytes that are no ASCII: {e}") from None


def take_column(name: str, array: np.ndarray[Any, Any], notes: Notes) -> tuple[Any, ...]:
    """A column for the library; what its type was goes into `notes` where the archive would not know."""
    dtype = array.dtype
    if array.ndim != 1:
        raise InvalidArgumentError(
            f"column '{name}' has {array.ndim} axes; a column has one: split it, as with x[:, 0]"
        )
    known = values.note(dtype)
    if known is not None:
        notes[name] = "O" if dtype.kind == "T" else known
    if is_text(array):
        return (name, _texts(name, array))
    if dtype.kind in "Mm":
        array = array.view(dtype.byteorder.replace("|", "=") + "i8")
    tag = values.name_of(array.dtype)
    if tag is None:
        raise values.unsupported(name, dtype)
    array = values.little(array)
    return (name, tag, array.dtype.itemsize, values.as_bytes(array))


def give_column(name: str, column: Any, notes: Mapping[str, str]) -> np.ndarray[Any, Any]:
    """The column as it was: the inverse of `take_column`, from numbers or a list of strings."""
    if name not in notes:
        return np.asarray(column, dtype=str) if isinstance(column, list) else column
    dtype = values.noted(notes[name])
    if isinstance(column, list):
        if dtype.kind not in "USO":
            raise CorruptError(f"the archive notes that column '{name}' was {dtype}, and it holds text")
        return np.array(column, dtype=dtype)
    if dtype.kind in "USO" or dtype.itemsize != column.dtype.itemsize:
        raise CorruptError(f"the archive notes that column '{name}' was {dtype}, and it holds {column.dtype}")
    if dtype.kind in "Mm":
        column = column.view(dtype.newbyteorder("<"))
    return np.asarray(column, dtype)


def take_columns(name: str, columns: Mapping[str, Any], notes: Notes) -> tuple[Any, ...]:
    """A table for the library. Errors where columns are not equally long."""
    taken, rows = [], None
    for key, column in columns.items():
        if not isinstance(key, str):
            raise InvalidArgumentError(f"columns are named by strings, not {key!r}")
        array = values.plain(key, column)
        if rows is not None and array.ndim == 1 and len(array) != rows[1]:
            raise InvalidArgumentError(
                f"column '{key}' has {len(array)} rows where '{rows[0]}' has {rows[1]}"
            )
        taken.append(take_column(key, array, notes))
        rows = rows or (key, len(array))
    return (name, rows[1] if rows else 0, taken)


def take_records(name: str, records: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    """A structured array as a table; its numbers are read where they lie, in the midst of its rows."""
    dtype = records.dtype
    assert dtype.fields is not None and dtype.names is not None
    plain = {k: dtype.fields[k][0] for k in dtype.names}
    if any(values.name_of(t) is None or values.note(t) for t in plain.values()) or len(records) == 0:
        return take_columns(name, {k: np.ascontiguousarray(records[k]) for k in dtype.names}, {})
    records = np.ascontiguousarray(records)
    whole = values.as_bytes(records)
    columns = [
        (k, values.name_of(t), dtype.itemsize, whole[dtype.fields[k][1] :]) for k, t in plain.items()
    ]
    return (name, len(records), columns)
