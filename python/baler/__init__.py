"""Baler: learned compression of scientific data within a guaranteed error bound.

>>> import baler, numpy as np
>>> u = np.sin(np.linspace(0, 60, 60_000, dtype="f4")).reshape(60, 1000)
>>> archive = baler.compress(u, rel=1e-3)       # bytes; every value off by at most a thousandth of the range
>>> back = baler.decompress(archive)            # the same bits on every machine
>>> bool(np.abs(back - u).max() <= 1e-3 * np.ptp(u))
True
>>> with baler.open(archive) as f:              # or baler.open("u.blr"), which baler.save wrote
...     f["data"][10:20].shape                  # reads no more than it needs
(10, 1000)
"""

from baler import errors
from baler._api import Options, Salvaged, compress, decompress, info, load, open, salvage, save, verify
from baler._baler import __version__
from baler._file import Column, Field, File, Table
from baler._model import Model, train
from baler._quality import Quality, quality
from baler.errors import BalerError

__all__ = [
    "BalerError",
    "Column",
    "Field",
    "File",
    "Model",
    "Options",
    "Quality",
    "Salvaged",
    "Table",
    "__version__",
    "compress",
    "decompress",
    "errors",
    "info",
    "load",
    "open",
    "quality",
    "salvage",
    "save",
    "train",
    "verify",
]
