"""A Zarr array of 64 chunks written and read by Dask's workers: two processes against one, in turns."""

import argparse
import shutil
import statistics
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from time import perf_counter

sys.path = [p for p in sys.path if p != str(Path(__file__).parent)]  # where another baler.py is, the command's
import dask.array as da  # noqa: E402
import numpy as np  # noqa: E402
import zarr  # noqa: E402
from baler.zarr import Baler  # noqa: E402
from dask.distributed import Client, LocalCluster, wait  # noqa: E402

CHUNKS = 64


@lru_cache
def base(side: int) -> np.ndarray:
    """Smooth noise, made once a worker."""
    r = np.random.default_rng(1)
    u = r.normal(size=(side,) * 3)
    for axis in range(3):
        for shift in (1, 2, 4):
            u = u + np.roll(u, shift, axis)
    return (u / u.std()).astype("f4")


def block(side: int, block_info: dict | None = None) -> np.ndarray:
    """A chunk of its own, soon made."""
    number = block_info[None]["chunk-location"][0] if block_info else 0
    return np.roll(base(side), number, 0)


def turn(workers: int, side: int, folder: str) -> tuple[float, float]:
    """Seconds to write and to read with some workers of one thread."""
    path = Path(folder, str(workers))
    shutil.rmtree(path, ignore_errors=True)
    chunks = ((side,) * CHUNKS, (side,), (side,))
    x = da.map_blocks(block, side, chunks=chunks, dtype="f4", meta=np.empty((0, 0, 0), "f4"))
    options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None, "local_directory": folder}
    with LocalCluster(processes=True, **options) as cluster, Client(cluster) as client:
        client.run(lambda: (base(side), Baler(rel=1e-3)) and None)  # what is imported and made once
        z = zarr.create_array(path, shape=x.shape, chunks=(side,) * 3, dtype="f4", serializer=Baler(rel=1e-3), compressors=None)
        begun = perf_counter()
        wait(client.compute(x.store(z, lock=False, compute=False)))
        written = perf_counter()
        da.from_zarr(str(path)).map_blocks(lambda b: b[:1, :1, :1], chunks=(1, 1, 1)).compute()
        return written - begun, perf_counter() - written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=96, help="of a chunk: 96 makes 226 MB in all")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = [(turn(1, given.side, folder), turn(2, given.side, folder)) for _ in range(given.runs)]
    for way, name in enumerate(("write", "read")):
        one, two = (statistics.median(run[k][way] for run in runs) for k in (0, 1))
        gain = statistics.median(run[0][way] / run[1][way] for run in runs)
        print(f"{name}: one process {one:.2f} s, two {two:.2f} s, {gain:.2f} times as fast")


if __name__ == "__main__":
    main()
