"""The command `baler`, as `python -m baler` and as the script that the package installs."""

from __future__ import annotations

import sys
import zipfile
from typing import Any

from baler import _baler


def main() -> int:
    """Runs the command line of this process; its exit code."""
    return _baler.main(["baler", *sys.argv[1:]], to_npz)


def to_npz(path: str, into: str) -> None:
    """Writes the data of a foreign file, by its name, as an `.npz`, which the command reads in its place."""
    from numpy.lib import format as npy

    from baler import io

    data = io.read(path)
    with zipfile.ZipFile(into, "w", allowZip64=True) as file:
        for name, array in _plain(data, path).items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as member:
                npy.write_array(member, array, allow_pickle=False)


def _plain(data: Any, path: str) -> dict[str, Any]:
    """Arrays and structured arrays by name."""
    from pathlib import Path

    from baler import _frames

    if not isinstance(data, dict):  # Arrow's
        data = {Path(path).stem: _frames.from_arrow(data)[0]}
    return {name: _records(part) if isinstance(part, dict) else part for name, part in data.items()}


def _records(columns: dict[str, Any]) -> Any:
    """Columns as a structured array: times as whole numbers, text as text."""
    import numpy as np

    arrays = {name: np.asarray(c) for name, c in columns.items()}
    arrays = {name: a.view("i8") if a.dtype.kind in "Mm" else a for name, a in arrays.items()}
    arrays = {name: a.astype(str) if a.dtype.kind in "OST" else a for name, a in arrays.items()}
    rows = np.empty(len(next(iter(arrays.values()), [])), [(name, a.dtype) for name, a in arrays.items()])
    for name, array in arrays.items():
        rows[name] = array
    return rows


if __name__ == "__main__":
    sys.exit(main())
