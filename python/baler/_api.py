"""The functions of the package."""

from __future__ import annotations

import builtins
import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import numpy as np

from baler import _baler
from baler import _forms as forms
from baler._bounds import bound_of, bounds_of
from baler._file import File, Path, Source, opened
from baler._model import Model, inner_of
from baler.errors import InvalidArgumentError, NotFoundError

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Options(TypedDict, total=False):
    """What `compress` and `save` take beside the data."""

    abs: float | None
    rel: float | None
    std: float | None
    pwrel: float | None
    psnr: float | None
    lossless: bool
    bound_none: bool
    bounds: Mapping[str, str] | None
    level: str
    model: Model | Path | None
    external_model: bool
    codec: str | None
    fill: float | None
    chunk: int | None
    chunk_rows: int | None
    threads: int | None
    name: str | None
    progress: Callable[[int, int], object] | None


def compress(
    data: Any,
    *,
    abs: float | None = None,
    rel: float | None = None,
    std: float | None = None,
    pwrel: float | None = None,
    psnr: float | None = None,
    lossless: bool = False,
    bound_none: bool = False,
    bounds: Mapping[str, str] | None = None,
    level: str = "default",
    model: Model | Path | None = None,
    external_model: bool = False,
    codec: str | None = None,
    fill: float | None = None,
    chunk: int | None = None,
    chunk_rows: int | None = None,
    threads: int | None = None,
    name: str | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> bytes:
    """Compresses `data` within an error bound; `decompress` gives it back in the form in which it came.

    `data` is an array of numbers (a field), or a table: a structured array, a dict of columns of one length, a pandas
    DataFrame, an Arrow table. A dict of others is several variables: arrays of any shapes, and tables as dicts of columns
    or structured arrays. Arrays that are contiguous and
    little-endian are read where they lie. In tables, integers, truth values, times and text are exact.

    One bound is required, for there is no right default:

    - `abs`: every value is off by at most this much
    - `rel`: ... times the range of the values (in a table: of each column)
    - `std`: ... times their standard deviation
    - `pwrel`: ... times the value itself
    - `psnr`: the peak signal-to-noise ratio is at least this many dB
    - `lossless`: every bit comes back
    - `bound_none`: what a pure autoencoder makes of them (`codec="autoencoder"` and a `model`)

    `bounds` gives variables or columns bounds of their own: `{"pt": "abs:0.01", "weight": "lossless"}`.

    `level` is "fast", "default" or "max". A `model` (or its file) is used where it makes the archive smaller; with `external_model`
    it is named by its hash rather than embedded. `fill` is the value that stands for missing data, in every array
    and column that can hold it, found automatically where it is not said. `chunk` values of an array, about, or
    `chunk_rows` rows of a table make a chunk, which is read alone. `threads` (all by default) changes the time, never the
    bytes. `progress` is called now and then with values done and values in all:
    `lambda done, total: bar.update(done - bar.n)` moves tqdm's bar.

    >>> import baler, numpy as np
    >>> u = np.sin(np.linspace(0, 20, 100_000, dtype="f4")).reshape(100, 1000)
    >>> archive = baler.compress(u, abs=1e-3)
    >>> bool(np.abs(baler.decompress(archive) - u).max() <= 1e-3)
    True
    """
    options = dict(locals())
    out = _compress(options.pop("data"), None, **options)
    assert out is not None
    return out


def save(path: Path, data: Any, **options: Unpack[Options]) -> None:
    """Compresses `data` into the file `path`, which appears whole or not at all and replaces one that is there. Takes
    all that `compress` takes.

    >>> import baler, numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     baler.save(folder + "/u.blr", np.arange(12.0), abs=0.1)
    ...     baler.load(folder + "/u.blr").shape
    (12,)
    """
    unknown = set(options) - set(Options.__annotations__)
    if unknown:
        raise TypeError(f"save() got an unexpected keyword argument {sorted(unknown)[0]!r}")
    options["name"] = options.get("name") or os.path.splitext(os.path.basename(os.fspath(path)))[0]
    _compress(data, os.fspath(path), **options)


def _compress(
    data: Any,
    path: str | None,
    *,
    bounds: Mapping[str, str] | None = None,
    level: str = "default",
    model: Model | Path | None = None,
    external_model: bool = False,
    codec: str | None = None,
    fill: float | None = None,
    chunk: int | None = None,
    chunk_rows: int | None = None,
    threads: int | None = None,
    name: str | None = None,
    progress: Callable[[int, int], object] | None = None,
    **bound: Any,
) -> bytes | None:
    if fill is not None and not isinstance(fill, (int, float, np.number)):
        raise InvalidArgumentError(f"fill={fill!r} is no number")
    given, form = forms.take(data, name or "data")
    description = {"program": f"baler {_baler.__version__}", "python": {k: v for k, v in form.items() if v}}
    wanted = {
        "bound": bound_of(**bound),
        "bounds": bounds_of(bounds),
        "level": level,
        "embed": not external_model,
        "codec": codec,
        "fill": fill,
        "chunk": chunk,
        "chunk_rows": chunk_rows,
        "threads": threads,
        "description": json.dumps(description),
    }
    return _baler.compress(given, wanted, inner_of(model), path, progress)


class Salvaged(NamedTuple):
    """What `salvage` recovers of a variable."""

    #: An array, or a dict of columns. Rows that are lost are NaN where the type has it; zero, false or empty where not.
    values: Any
    #: These rows.
    lost: list[slice]


def salvage(source: Source, *, model: Model | Path | None = None) -> dict[str, Salvaged]:
    """What is whole of a damaged archive, by name, in the types that its header tells. Raises where the header is damaged,
    without which no value can be read.

    >>> import baler, numpy as np
    >>> archive = baler.compress(np.arange(4000.0).reshape(40, 100), abs=0.1, chunk=1000)
    >>> u = baler.salvage(archive[:-200])["data"]
    >>> [bool(np.isnan(u.values[rows]).all()) for rows in u.lost]
    [True]
    """
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        try:
            with builtins.open(path, "rb") as file:
                data = file.read()
        except FileNotFoundError as e:
            raise NotFoundError(f"{path}: {e.strerror}") from None
    else:
        data = source if isinstance(source, bytes) else memoryview(source).tobytes()
    found = {}
    for name, shape, columns, lost in _baler.salvage(data, inner_of(model)):
        arrays = {n: np.asarray(c) for n, c in columns}
        values = arrays if shape is None else arrays[""].reshape(shape)
        found[name] = Salvaged(values, [slice(*rows) for rows in lost])
    return found


def decompress(data: bytes, *, model: Model | Path | None = None, threads: int | None = None) -> Any:
    """What was compressed into `data`, in the form in which it came. `model` is the one that the archive names (or its
    file), where it was compressed with `external_model`.

    >>> import baler
    >>> table = {"pt": [25.5, 31.0, 8.25], "charge": [1, -1, 1]}
    >>> baler.decompress(baler.compress(table, abs=0.1, bounds={"pt": "lossless"}))["charge"]
    array([ 1, -1,  1])
    """
    with File(data, model=model, threads=threads) as file:
        return file.load()


def load(path: Path, *, model: Model | Path | None = None, threads: int | None = None) -> Any:
    """What was compressed into the file `path`, in the form in which it came."""
    with File(os.fspath(path), model=model, threads=threads) as file:
        return file.load()


def open(source: Source, *, model: Model | Path | None = None, threads: int | None = None) -> File:
    """Opens the archive in a file (a path) or in memory (bytes): a mapping of its variables, decoded when indexed."""
    return File(source, model=model, threads=threads)


def info(source: Source | Model, *, model: Model | Path | None = None) -> dict[str, Any]:
    """What an archive or a model is, holds and costs: what `baler info --json` tells. `model` is the one that an archive
    refers to, which tells what explains the columns that it codes."""
    if isinstance(source, Model):
        if model is not None:
            raise InvalidArgumentError("model= goes with an archive")
        return source.info()
    told: dict[str, Any] = json.loads(opened(source, model).info())
    return told


def verify(
    source: Source,
    against: Any = None,
    *,
    model: Model | Path | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> dict[str, Any]:
    """Decodes all of an archive and checks it: every checksum, and with `against`, the original, every value against its
    bound. Damage raises; `["holds"]` is whether all bounds hold, `["variables"]` the largest error of each, how
    many values are beyond the bound and where the first is; `None` where nothing was compared.

    >>> import baler, numpy as np
    >>> u = np.linspace(0, 1, 1000)
    >>> baler.verify(baler.compress(u, abs=1e-3), against=u)["holds"]
    True
    """
    given = [] if against is None else forms.take(against, "data")[0]
    told: dict[str, Any] = json.loads(opened(source, model).verify(given, threads, progress))
    return told
