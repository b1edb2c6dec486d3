"""A cluster of processes that never imported Baler: data larger than a worker's memory, and a worker that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

zarr = pytest.importorskip("zarr", minversion="3", reason="zarr 3 is not installed")
dask = pytest.importorskip("dask.array", reason="dask is not installed")
distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")

SIDE = 128
CHUNK = 4 * SIDE**3  # bytes


def needed() -> int:
    """Bytes that a worker takes before it does anything."""
    program = "import distributed, dask.array, zarr, baler.zarr, psutil; print(psutil.Process().memory_info().rss)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return int(told.stdout)


def block(block_info: dict | None = None) -> np.ndarray:
    """One chunk, made where it is needed."""
    number = block_info[None]["chunk-location"][0] if block_info else 0
    t = np.linspace(0, 9, SIDE, dtype="f4")
    u = np.zeros((SIDE, SIDE, SIDE), "f4")  # a basin amid dry land, so that the test is soon done
    u[: SIDE // 8] = np.sin(t[: SIDE // 8, None, None] + number) * np.cos(t[:, None] * 2) + t
    return u


def data(count: int):
    chunks = ((SIDE,) * count, (SIDE,), (SIDE,))
    return dask.map_blocks(block, chunks=chunks, dtype="f4", meta=np.empty((0, 0, 0), "f4"))


def create(path: Path, count: int):
    from baler.zarr import Baler

    codec = Baler(abs=1e-3, level="fast")
    shape = (SIDE * count, SIDE, SIDE)
    return zarr.create_array(path, shape=shape, chunks=(SIDE,) * 3, dtype="f4", serializer=codec, compressors=None)


def files(path: Path) -> dict[str, bytes]:
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


def test_a_killed_worker_changes_nothing(tmp_path: Path) -> None:
    memory = int(needed() * 1.3) + 16 * CHUNK
    count = 2 * memory // CHUNK + 1  # more than both workers may take
    options = {"n_workers": 2, "threads_per_worker": 1, "memory_limit": memory, "dashboard_address": None}
    options["local_directory"] = str(tmp_path / "workers")
    with distributed.LocalCluster(processes=True, **options) as cluster, distributed.Client(cluster) as client:
        done = client.compute(data(count).store(create(tmp_path / "a", count), lock=False, compute=False))
        deadline = time.monotonic() + 120
        while len(files(tmp_path / "a")) < count // 8 and time.monotonic() < deadline:
            time.sleep(0.02)
        victim = next(iter(client.run(os.getpid).values()))
        os.kill(victim, signal.SIGKILL)
        done.result(timeout=240)
    written = files(tmp_path / "a")
    assert len(written) == count + 1
    z = create(tmp_path / "b", count)
    for number in (0, 7, count - 1):  # what one process writes, byte for byte
        z[number * SIDE : (number + 1) * SIDE] = block({None: {"chunk-location": (number, 0, 0)}})
    alone = files(tmp_path / "b")
    assert len(alone) == 4 and all(written[name] == content for name, content in alone.items())
    part = zarr.open_array(tmp_path / "a")[SIDE + 50 : 2 * SIDE + 10]
    expected = data(count)[SIDE + 50 : 2 * SIDE + 10].compute()
    assert np.abs(part - expected).max() <= 1e-3
