"""Measures of what was lost, for people: never used to hold a bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from baler._values import plain
from baler.errors import InvalidArgumentError

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Quality:
    """What `b` differs from `a` by. Values that are not finite in both are left out, but for `exact`.

    The range is that of the finite values of `a`.
    """

    #: Values that were compared.
    count: int
    #: Whether all that is not finite in `a` is the same in `b`.
    nonfinite_kept: bool
    #: The largest |b - a|.
    largest_error: float
    #: The same as a share of the range.
    largest_relative_error: float
    #: Mean of b - a.
    bias: float
    #: Root mean square error.
    rmse: float
    #: The same as a share of the range.
    nrmse: float
    #: 20 log10(range / rmse) in dB; infinite where nothing was lost.
    psnr: float
    #: Mean structural similarity (Wang et al., 2004; windows of 7 along up to the last three axes), `None` where no axis
    #: is that long or a value is not finite.
    ssim: float | None
    #: Earth mover's distance between the distributions of values, in the data's units.
    wasserstein: float
    #: How many errors b - a lie in each bin ...
    histogram: np.ndarray[Any, np.dtype[np.int64]]
    #: ... and the edges of the bins, evenly from -largest_error to largest_error.
    edges: Floats


def quality(a: Any, b: Any, *, bins: int = 101) -> Any:
    """Measures what `b`, decoded, differs from `a`, original, by: a `Quality`, of tables (dicts, structured arrays,
    data frames) a dict of them by column. Takes memory for a few copies of both in double precision.

    >>> import baler, numpy as np
    >>> u = np.random.default_rng(1).normal(size=(64, 64)).cumsum(0)
    >>> q = baler.quality(u, baler.decompress(baler.compress(u, rel=1e-3)))
    >>> q.largest_relative_error <= 1e-3, q.psnr > 60, q.ssim > 0.99
    (True, True, True)
    """
    columns = _columns(a), _columns(b)
    if columns[0] is None or columns[1] is None:
        return _quality(plain("a", a), plain("b", b), bins)
    if list(columns[0]) != list(columns[1]):
        raise InvalidArgumentError("the two tables have other columns")
    numbers = [k for k, v in columns[0].items() if plain(k, v).dtype.kind in "buif"]
    return {k: _quality(plain(k, columns[0][k]), plain(k, columns[1][k]), bins) for k in numbers}


def _columns(data: Any) -> Mapping[str, Any] | None:
    """The columns of a table, where it is one."""
    if isinstance(data, Mapping):
        return data
    if isinstance(data, np.ndarray) and data.dtype.names is not None:
        return {name: data[name] for name in data.dtype.names}
    if hasattr(data, "column_names"):  # Arrow's
        return {name: data[name].to_numpy() for name in data.column_names}
    if hasattr(data, "columns") and hasattr(data, "iloc"):  # pandas'
        return {name: data[name].to_numpy() for name in data.columns}
    return None


def _quality(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any], bins: int) -> Quality:
    if a.shape != b.shape:
        raise InvalidArgumentError(f"shapes {a.shape} and {b.shape} cannot be compared")
    if a.dtype.kind not in "buif" or b.dtype.kind not in "buif":
        raise InvalidArgumentError(f"values of types {a.dtype} and {b.dtype} cannot be compared")
    x, y = a.astype(np.float64).reshape(-1), b.astype(np.float64).reshape(-1)
    finite = np.isfinite(x) & np.isfinite(y)
    kept = bool(np.array_equal(x[~finite], y[~finite], equal_nan=True))
    x, y = x[finite], y[finite]
    error = y - x
    largest = float(np.abs(error).max(initial=0.0))
    low, high = (float(x.min()), float(x.max())) if len(x) else (0.0, 0.0)
    span = high - low
    # Of shares of the largest, so that no square overflows.
    rmse = largest * float(np.sqrt(np.mean((error / largest) ** 2))) if largest > 0 else 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        nrmse = float(np.divide(rmse, span)) if rmse > 0 else 0.0
        psnr = float(-20 * np.log10(nrmse))
        relative = float(np.divide(largest, span)) if largest > 0 else 0.0
    histogram, edges = np.histogram(error, bins, (-largest, largest) if largest > 0 else (-0.5, 0.5))
    return Quality(
        count=len(x),
        nonfinite_kept=kept,
        largest_error=largest,
        largest_relative_error=relative,
        bias=float(error.mean()) if len(x) else 0.0,
        rmse=rmse,
        nrmse=nrmse,
        psnr=psnr,
        ssim=_ssim(x.reshape(a.shape), y.reshape(a.shape), span) if finite.all() else None,
        wasserstein=float(np.abs(np.sort(x) - np.sort(y)).mean()) if len(x) else 0.0,
        histogram=histogram,
        edges=edges,
    )


_WINDOW = 7


def _means(x: Floats, axes: list[int]) -> Floats:
    """The mean of every window of 7 along `axes`, which get 6 shorter."""
    for axis in axes:
        sums = np.cumsum(x, axis=axis)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis)
        length = sums.shape[axis]
        upper, lower = (sums.take(range(o, length - _WINDOW + o), axis) for o in (_WINDOW, 0))
        x = (upper - lower) / _WINDOW
    return x


def _ssim(x: Floats, y: Floats, span: float) -> float | None:
    """Mean structural similarity over uniform windows with sample covariances, as scikit-image computes it."""
    axes = [axis for axis in range(max(0, x.ndim - 3), x.ndim) if x.shape[axis] >= _WINDOW]
    if not axes or x.size == 0:
        return None
    if span == 0:
        return 1.0 if np.array_equal(x, y) else 0.0
    # About the mean and in shares of the range: windowed sums then cancel little.
    centre = x.mean()
    x, y = (x - centre) / span, (y - centre) / span
    count = _WINDOW ** len(axes)
    sample = count / (count - 1)
    mx, my = _means(x, axes), _means(y, axes)
    vx = sample * (_means(x * x, axes) - mx * mx)
    vy = sample * (_means(y * y, axes) - my * my)
    cov = sample * (_means(x * y, axes) - mx * my)
    c1, c2 = 0.01**2, 0.03**2
    shift = centre / span
    mx, my = mx + shift, my + shift
    similarity = ((2 * mx * my + c1) * (2 * cov + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return float(similarity.mean())
