"""A Zarr array of 64 chunks written and read by Dask's workers: two processes against one, in turns."""

import argparse
import shutil
import statistics
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from time import perf_counter, process_time

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


def busiest(client: Client) -> float:
    """Processor seconds so far of the worker that has worked most."""
    return max(client.run(process_time).values())


def turn(workers: int, side: int, folder: str) -> tuple[float, float, float, float]:
    """Seconds to write and to read with some workers of one thread, and processor seconds of the busiest of them for each."""
    path = Path(folder, str(workers))
    shutil.rmtree(path, ignore_errors=True)
    chunks = ((side,) * CHUNKS, (side,), (side,))
    x = da.map_blocks(block, side, chunks=chunks, dtype="f4", meta=np.empty((0, 0, 0), "f4"))
    options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None, "local_directory": folder}
    with LocalCluster(processes=True, **options) as cluster, Client(cluster) as client:
        client.run(lambda: (base(side), Baler(rel=1e-3)) and None)  # what is imported and made once
        z = zarr.create_array(path, shape=x.shape, chunks=(side,) * 3, dtype="f4", serializer=Baler(rel=1e-3), compressors=None)
        begun, idle = perf_counter(), busiest(client)
        wait(client.compute(x.store(z, lock=False, compute=False)))
        written, wrote = perf_counter(), busiest(client)
        da.from_zarr(str(path)).map_blocks(lambda b: b[:1, :1, :1], chunks=(1, 1, 1)).compute()
        read = perf_counter() - written
        return written - begun, read, wrote - idle, busiest(client) - wrote


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=96, help="of a chunk: 96 makes 226 MB in all")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = [(turn(1, given.side, folder), turn(2, given.side, folder)) for _ in range(given.runs)]
    ways = ("write, clock", "read, clock", "write, processor of the busiest", "read, processor of the busiest")
    for way, name in enumerate(ways):
        one, two = (statistics.median(run[k][way] for run in runs) for k in (0, 1))
        gain = statistics.median(run[0][way] / run[1][way] for run in runs)
        print(f"{name}: one process {one:.2f} s, two {two:.2f} s, {gain:.2f} times as fast")


if __name__ == "__main__":
    main()
