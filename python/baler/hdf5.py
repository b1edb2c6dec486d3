"""Baler as a filter of HDF5. To import this is to make it known: to h5py, and by `HDF5_PLUGIN_PATH` to whatever loads HDF5
later, netCDF4 and programs that this one starts included.

>>> import baler.hdf5, h5py, io, numpy as np
>>> u = np.linspace(0, 1, 10_000, dtype="f4").reshape(100, 100)
>>> with h5py.File(io.BytesIO(), "w") as file:
...     d = file.create_dataset("u", data=u, **baler.hdf5.options(u.dtype, chunks=(50, 100), abs=1e-3))
...     bool(abs(d[:] - u).max() <= 1e-3)
True

Other programs read such files with `HDF5_PLUGIN_PATH` set to `baler.hdf5.PLUGINS`: `h5dump`, or anything else with HDF5.
xarray writes them through h5netcdf, with `encoding={"u": baler.hdf5.options(...)}`.
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np

from baler import _chunk
from baler._chunk import Configuration
from baler._model import Model, in_folders
from baler.errors import InvalidArgumentError

#: The filter's number among HDF5's; not registered with the HDF Group yet.
FILTER = 47_646

#: The folder that holds the plugin.
PLUGINS = str(Path(__file__).with_name("_hdf5"))

_VERSION = 1
_BOUNDS = ["lossless", "abs", "rel", "std", "pwrel", "psnr"]
_LEVELS = ["fast", "default", "max"]
_TAGS = ["bool", "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64"]


def register() -> None:
    """Makes the plugin known to this process and those that it starts. Done by the import."""
    paths = os.environ.get("HDF5_PLUGIN_PATH", "")
    if PLUGINS not in paths.split(os.pathsep):
        os.environ["HDF5_PLUGIN_PATH"] = PLUGINS + os.pathsep + paths if paths else PLUGINS
    if "h5py" in sys.modules:  # its HDF5 has read the variable already
        from h5py import h5pl

        known = [h5pl.get(i) for i in range(h5pl.size())]
        if PLUGINS.encode() not in known:
            h5pl.prepend(PLUGINS.encode())


def options(
    dtype: Any,
    chunks: tuple[int, ...],
    *,
    abs: float | None = None,
    rel: float | None = None,
    std: float | None = None,
    pwrel: float | None = None,
    psnr: float | None = None,
    lossless: bool = False,
    level: str = "default",
    model: Model | str | None = None,
) -> dict[str, Any]:
    """What `h5py`'s `create_dataset` needs beside shape and data: chunks and the filter with its parameters.

    HDF5 compresses chunk by chunk, so a relative bound refers to each chunk's own range. A chunk is best some millions
    of values. A `model`, or its hash, is used where it makes a chunk smaller; whoever writes or reads the file needs it in
    a folder of `BALER_MODELS`, where `model.save(folder)` puts it.
    """
    if isinstance(model, Model):
        model = model.hash
    if model is not None:
        in_folders(model)
    how = Configuration.of(level, model, abs=abs, rel=rel, std=std, pwrel=pwrel, psnr=psnr, lossless=lossless)
    dtype = np.dtype(dtype)
    tag = _TAGS.index(_chunk.check_dtype(dtype))
    if not 1 <= len(chunks) <= 8 or any(not 0 < n < 2**32 for n in chunks):
        raise InvalidArgumentError(f"chunks of shape {tuple(chunks)}: one to eight axes, none of them empty")
    kind, _, value = how.bound.partition(":")
    low, high = struct.unpack("<II", struct.pack("<d", float(value or 0)))
    big = dtype.itemsize > 1 and dtype.newbyteorder("<") != dtype
    named = () if how.model is None else struct.unpack("<8I", bytes.fromhex(how.model))
    flags = _LEVELS.index(level) + (256 if named else 0)
    words = (_VERSION, tag + 256 * big, _BOUNDS.index(kind), low, high, flags, len(chunks), *chunks, *named)
    return {"chunks": tuple(chunks), "compression": FILTER, "compression_opts": words, "shuffle": False}


register()
