"""HDF5 datasets of 100 MB, written and read with Baler's filter, and with hdf5plugin's SZ3 and SPERR: ratio and speed.

All get the same absolute bound on the same made turbulence, as one chunk and as 27. Files are in memory, so that no disk
is timed, and there is no chunk cache, so that every read decodes. Seconds are of the one thread's processor."""

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

HERE = str(Path(__file__).parent)
sys.path.remove(HERE)  # where another baler.py is, the command's
import baler.hdf5  # noqa: E402
import h5py  # noqa: E402
import hdf5plugin  # noqa: E402
import numpy as np  # noqa: E402

sys.path.append(HERE)
import record  # noqa: E402
from made import turbulence  # noqa: E402

SIDE = 294  # of the cube: 102 MB
BOUNDS = [1e-2, 1e-3, 1e-4]  # of the range
RUNS = 5

Options = Callable[[tuple[int, ...], float], dict[str, Any]]


def own(level: str) -> Options:
    """Baler's filter at a level."""
    return lambda chunks, bound: baler.hdf5.options("f4", chunks, abs=bound, level=level)


def sz3(chunks: tuple[int, ...], bound: float) -> dict[str, Any]:
    """SZ3 as hdf5plugin has it."""
    return {"chunks": chunks, **hdf5plugin.SZ3(absolute=bound)}


def sperr(chunks: tuple[int, ...], bound: float) -> dict[str, Any]:
    """SPERR as hdf5plugin has it; on cubes its reversed order of axes does no harm."""
    return {"chunks": chunks, **hdf5plugin.Sperr(absolute=bound)}


FILTERS: dict[str, Options] = {
    "Baler": own("default"),
    "Baler fast": own("fast"),
    "SZ3": sz3,
    "SPERR": sperr,
}


@dataclass
class Turn:
    """One write and read."""

    bytes: int
    write_s: float
    read_s: float
    error: float


def turn(u: np.ndarray, options: dict[str, Any]) -> Turn:
    """Writes and reads a dataset."""
    with h5py.File("u.h5", "w", driver="core", backing_store=False, rdcc_nbytes=0) as file:
        data = file.create_dataset("u", u.shape, u.dtype, **options)
        begun = process_time()
        data[...] = u
        file.flush()
        written = process_time()
        back = data[...]
        read = process_time()
        error = max(float(np.abs(b.astype("f8") - a).max()) for a, b in zip(u, back))
        return Turn(data.id.get_storage_size(), written - begun, read - written, error)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--bounds", type=lambda text: [float(b) for b in text.split(",")], default=BOUNDS)
    parser.add_argument("--quick", action="store_true", help="one run at 1e-3, no record")
    given = parser.parse_args()
    runs, shares = (1, [1e-3]) if given.quick else (given.runs, given.bounds)
    u = turbulence(given.side)
    megabytes = u.nbytes / 1e6
    results, rows = [], []
    load = round(os.getloadavg()[0], 1)
    for share in shares:
        bound = share * float(np.ptp(u))
        for parts in (1, 3):
            chunks = (-(-given.side // parts),) * 3
            taken: dict[str, list[Turn]] = {name: [] for name in FILTERS}
            for _ in range(runs):
                for name, options in FILTERS.items():
                    taken[name].append(turn(u, options(chunks, bound)))
            for name, turns in taken.items():
                error = max(t.error for t in turns)
                if name.startswith("Baler") and error > bound:
                    sys.exit(f"{name} broke its bound: {error} > {bound}")
                figures = {
                    "filter": name,
                    "bound": share,
                    "chunks": parts**3,
                    "ratio": u.nbytes / turns[0].bytes,
                    "write_mb_s": megabytes / statistics.median(t.write_s for t in turns),
                    "read_mb_s": megabytes / statistics.median(t.read_s for t in turns),
                    "error_of_bound": error / bound,
                }
                results.append(figures)
                star = "*" if error > bound * (1 + 1e-6) else ""
                speeds = (f"{figures[k]:.0f}" for k in ("write_mb_s", "read_mb_s"))
                rows.append([f"{share:g}", str(parts**3), name, f"{figures['ratio']:.2f}{star}", *speeds])
                print(*rows[-1], sep="\t", flush=True)
    if not given.quick:
        write(results, rows, load, runs, u.nbytes)


def write(results: list[dict[str, Any]], rows: list[list[str]], load: float, runs: int, size: int) -> None:
    """Writes the day's record."""
    about = record.about(with_baler=False, packages=("hdf5plugin", "h5py", "numpy", "baler")) | {"load_before": load}
    note = (
        f"Made turbulence, f32, {size / 1e6:.0f} MB, as one chunk and as 27; the same absolute bound (a share of the range) "
        f"for all, one thread, files in memory; MB/s of processor time: medians of {runs} runs, the filters taking turns. A star: the bound is "
        "exceeded."
    )
    heads = ("bound / range", "chunks", "filter", "ratio", "write MB/s", "read MB/s")
    text = record.heading(about, "HDF5 filters", note) + "\n" + record.table(heads, rows)
    record.write(about, "hdf5", results, text)


if __name__ == "__main__":
    main()
