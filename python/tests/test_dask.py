"""A cluster of processes that never imported Baler: data larger than a worker's memory, and a worker that is killed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

zarr = pytest.importorskip("zarr", minversion="3", reason="zarr 3 is not installed")
dask = pytest.importorskip("dask.array", reason="dask is not installed")
distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")

SIDE, CHUNKS, MEMORY = 100, 80, "300MiB"  # 80 chunks of 4 MB; a worker takes some 200 MiB to begin with


def block(block_info: dict | None = None) -> np.ndarray:
    """One chunk, made where it is needed."""
    number = block_info[None]["chunk-location"][0] if block_info else 0
    t = np.linspace(0, 9, SIDE, dtype="f4")
    return np.sin(t[:, None, None] + number) * np.cos(t[:, None] * 2) + t


def data():
    chunks = ((SIDE,) * CHUNKS, (SIDE,), (SIDE,))
    return dask.map_blocks(block, chunks=chunks, dtype="f4", meta=np.empty((0, 0, 0), "f4"))


def create(path: Path):
    from baler.zarr import Baler

    codec = Baler(rel=1e-3, level="fast")
    shape = (SIDE * CHUNKS, SIDE, SIDE)
    return zarr.create_array(path, shape=shape, chunks=(SIDE,) * 3, dtype="f4", serializer=codec, compressors=None)


def files(path: Path) -> dict[str, bytes]:
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


def test_a_killed_worker_changes_nothing(tmp_path: Path) -> None:
    options = {"n_workers": 2, "threads_per_worker": 1, "memory_limit": MEMORY, "dashboard_address": None}
    with distributed.LocalCluster(processes=True, **options) as cluster, distributed.Client(cluster) as client:
        done = client.compute(data().store(create(tmp_path / "a"), lock=False, compute=False))
        deadline = time.monotonic() + 60
        while len(files(tmp_path / "a")) < CHUNKS // 8 and time.monotonic() < deadline:
            time.sleep(0.02)
        victim = next(iter(client.run(os.getpid).values()))
        os.kill(victim, signal.SIGKILL)
        done.result(timeout=120)
    written = files(tmp_path / "a")
    assert len(written) == CHUNKS + 1
    z = create(tmp_path / "b")
    for number in (0, 7, CHUNKS - 1):  # what one process writes, byte for byte
        z[number * SIDE : (number + 1) * SIDE] = block({None: {"chunk-location": (number, 0, 0)}})
    alone = files(tmp_path / "b")
    assert len(alone) == 4 and all(written[name] == content for name, content in alone.items())
    part = zarr.open_array(tmp_path / "a")[150:250]
    expected = data()[150:250].compute()
    assert np.abs(part - expected).max() <= 1e-3 * np.ptp(expected)
