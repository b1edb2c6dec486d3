"""The peers: error-bounded compressors of floating-point fields, one function each, one thread each.

A peer takes an array and an absolute bound and returns its coded size, its seconds each way and what it
decoded. `best` turns that into figures: it checks the bound on the decoded values, and it takes the best of
the array's own shape and its 3-D and 2-D views, since no peer is best in the same view on all data.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before any of the peers loads its OpenMP runtime

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

import h5py
import hdf5plugin
import numpy as np
import zfpy
from pysz import sz, szConfig, szErrorBoundMode

SLACK = 1e-6  # a peer has broken its bound when it exceeds it by more than this share of it


class Coded(NamedTuple):
    """One compression and decompression."""

    bytes: int
    encode_s: float
    decode_s: float
    decoded: np.ndarray


@dataclass
class Figures:
    """What is reported of one codec on one array at one bound. MB are 10^6 bytes of the original."""

    bytes: int
    ratio: float
    encode_mb_s: float
    decode_mb_s: float
    max_error: float
    bound: float
    broken: bool
    view: list[int]


Codec = Callable[[np.ndarray, float], Coded]


def sz3(a: np.ndarray, bound: float) -> Coded:
    """SZ3 with its default, best algorithm (interpolation, Lorenzo where better); 1 to 4 axes."""
    config = szConfig(a.shape)
    config.errorBoundMode = szErrorBoundMode.ABS
    config.absErrorBound = bound
    start = perf_counter()
    coded, _ = sz.compress(a, config)
    middle = perf_counter()
    decoded, _ = sz.decompress(coded, a.dtype, a.shape)
    return Coded(coded.size, middle - start, perf_counter() - middle, decoded)


def sperr(a: np.ndarray, bound: float) -> Coded:
    """SPERR, as an HDF5 filter on one chunk in memory; 2 or 3 axes.

    The filter reads the chunk's dimensions fastest first, so it gets the same bytes with the shape reversed:
    given the shape as it is, it does several times worse on data that are not cubes. The file has no chunk
    cache, so that writing and reading run the filter there and then; its headers are not counted.
    """
    if a.ndim not in (2, 3):
        raise ValueError("SPERR takes 2 or 3 axes")
    shape = a.shape[::-1]
    with h5py.File("sperr.h5", "w", driver="core", backing_store=False, rdcc_nbytes=0) as file:
        data = file.create_dataset("a", shape, a.dtype, chunks=shape, **hdf5plugin.Sperr(absolute=bound))
        start = perf_counter()
        data[...] = a.reshape(shape)
        middle = perf_counter()
        decoded = data[...]
        end = perf_counter()
        return Coded(data.id.get_storage_size(), middle - start, end - middle, decoded.reshape(a.shape))


def zfp(a: np.ndarray, bound: float) -> Coded:
    """ZFP in fixed-accuracy mode; 1 to 4 axes."""
    start = perf_counter()
    coded = zfpy.compress_numpy(a, tolerance=bound)
    middle = perf_counter()
    decoded = zfpy.decompress_numpy(coded)
    return Coded(len(coded), middle - start, perf_counter() - middle, decoded)


PEERS: dict[str, Codec] = {"SZ3": sz3, "SPERR": sperr, "ZFP": zfp}


def views(a: np.ndarray) -> Iterator[np.ndarray]:
    """The array's own shape, then its leading axes joined down to 3 and to 2 axes."""
    yield a
    for ndim in (3, 2):
        if a.ndim > ndim:
            yield a.reshape(-1, *a.shape[a.ndim - ndim + 1 :])


def largest_error(a: np.ndarray, decoded: np.ndarray) -> float:
    """The largest absolute difference, taken in f64; infinite where the decoded array is not even alike."""
    if a.shape != decoded.shape or a.dtype != decoded.dtype:
        return float("inf")
    error = np.abs(a.astype(np.float64) - decoded.astype(np.float64)).max()
    return float(error) if np.isfinite(error) else float("inf")


def measure(codec: Codec, a: np.ndarray, bound: float, runs: int, slack: float = SLACK) -> Figures:
    """Median times, and the worst error, of runs of one codec on the array as it is."""
    done = [codec(a, bound) for _ in range(runs)]
    megabytes = a.nbytes / 1e6
    error = max(largest_error(a, run.decoded) for run in done)
    return Figures(
        bytes=done[0].bytes,
        ratio=a.nbytes / done[0].bytes,
        encode_mb_s=megabytes / statistics.median(run.encode_s for run in done),
        decode_mb_s=megabytes / statistics.median(run.decode_s for run in done),
        max_error=error,
        bound=bound,
        broken=error > bound * (1 + slack),
        view=list(a.shape),
    )


def best(codec: Codec, a: np.ndarray, bound: float, runs: int) -> Figures:
    """The figures of the view that codes smallest. A view that the codec does not take is passed over."""
    sizes: list[tuple[int, np.ndarray]] = []
    for view in views(a):
        try:
            sizes.append((codec(view, bound).bytes, view))
        except ValueError:
            continue
    return measure(codec, min(sizes, key=lambda each: each[0])[1], bound, runs)
