"""Tables of pandas and of Arrow as columns of NumPy, and back."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from baler import _tables as tables
from baler.errors import InvalidArgumentError, UnsupportedError

Columns = dict[str, Any]


def _nulls(name: str, remedy: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"column '{name}' has missing values, which would be lost: {remedy}")


def _from_series(name: str, series: Any, form: dict[str, Any]) -> Any:
    """A column of pandas; what NumPy does not know of its type goes into `form`."""
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        categories = dtype.categories.tolist()
        if not all(isinstance(c, (str, int, float)) for c in categories):
            raise UnsupportedError(f"column '{name}': categories are kept where they are texts or numbers")
        form["categories"][name] = [categories, bool(dtype.ordered)]
        return series.cat.codes.to_numpy()
    form["dtypes"][name] = str(dtype)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    if isinstance(dtype, np.dtype) and dtype.kind != "O":
        del form["dtypes"][name]
        return series.to_numpy()
    if series.isna().any():
        raise _nulls(name, "fill them, as with df.fillna(value)")
    array = series.to_numpy()
    if array.dtype.kind == "O" and not tables.is_text(array):
        array = series.to_numpy(dtype=getattr(dtype, "numpy_dtype", None))
    return array


def from_pandas(frame: Any) -> tuple[Columns, dict[str, Any]]:
    """The columns of a data frame, its index among them unless it just counts."""
    import pandas as pd

    form: dict[str, Any] = {"form": "pandas", "dtypes": {}, "categories": {}}
    index = frame.index
    if not (isinstance(index, pd.RangeIndex) and index.equals(pd.RangeIndex(len(frame)))):
        form["index"] = list(index.names)
        names = [n if n is not None else f"index_{i}" for i, n in enumerate(index.names)]
        frame = frame.set_axis(index.set_names(names)).reset_index()
    if not frame.columns.is_unique or not all(isinstance(c, str) for c in frame.columns):
        raise InvalidArgumentError("the columns of a data frame are to be named by strings, each its own")
    return {name: _from_series(name, frame[name], form) for name in frame.columns}, form


def to_pandas(columns: Columns, form: dict[str, Any]) -> Any:
    """The data frame that `from_pandas` was given."""
    import pandas as pd

    series = {}
    for name, column in columns.items():
        if name in form.get("categories", {}):
            categories, ordered = form["categories"][name]
            series[name] = pd.Series(pd.Categorical.from_codes(column, categories, ordered=ordered))
            continue
        dtype = form.get("dtypes", {}).get(name)
        made = pd.Series(column, copy=False)
        if dtype and dtype.startswith("datetime64[") and "," in dtype:
            made = made.dt.tz_localize("UTC")
        series[name] = made.astype(dtype) if dtype else made
    frame = pd.DataFrame(series)
    names = form.get("index")
    if names is not None:
        frame = frame.set_index(list(frame.columns[: len(names)]))
        frame.index = frame.index.set_names(names)
    return frame


def from_arrow(table: Any) -> tuple[Columns, dict[str, Any]]:
    """The columns of an Arrow table (or record batch), and its schema."""
    import pyarrow as pa

    schema = base64.b64encode(table.schema.serialize().to_pybytes()).decode("ascii")
    columns: Columns = {}
    for field in table.schema:
        if field.name in columns:
            raise InvalidArgumentError(f"two columns are named '{field.name}'")
        column = table.column(field.name)
        if column.null_count:
            raise _nulls(field.name, "fill them, as with pyarrow.compute.fill_null(column, value)")
        kind = field.type
        if pa.types.is_dictionary(kind):
            column, kind = column.cast(kind.value_type), kind.value_type
        if pa.types.is_temporal(kind):
            column = column.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
        elif not (pa.types.is_integer(kind) or pa.types.is_boolean(kind) or _is_float(kind) or _is_text(kind)):
            raise UnsupportedError(f"column '{field.name}': values of Arrow's type {kind} are not compressed")
        columns[field.name] = column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    return columns, {"form": "arrow", "schema": schema, "batch": isinstance(table, pa.RecordBatch)}


def _is_float(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_float32(kind) or pa.types.is_float64(kind))


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def to_arrow(columns: Columns, form: dict[str, Any]) -> Any:
    """The Arrow table that `from_arrow` was given."""
    import pyarrow as pa

    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(form["schema"])))
    arrays = []
    for name, column in columns.items():
        kind = schema.field(name).type
        array = pa.array(column)
        if pa.types.is_dictionary(kind):
            array = array.cast(kind.value_type).dictionary_encode()
        arrays.append(array.cast(kind))
    make = pa.RecordBatch if form.get("batch") else pa.Table
    return make.from_arrays(arrays, schema=schema)
