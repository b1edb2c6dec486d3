"""Measures of quality against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

import baler


def ssim(x: np.ndarray, y: np.ndarray) -> float:
    """Straight from Wang et al. (2004), uniform windows of 7, sample covariances."""
    axes = tuple(range(x.ndim))
    a, b = (np.lib.stride_tricks.sliding_window_view(v, (7,) * x.ndim).reshape(*(n - 6 for n in v.shape), -1) for v in (x, y))
    del axes
    ma, mb = a.mean(-1), b.mean(-1)
    va, vb = a.var(-1, ddof=1), b.var(-1, ddof=1)
    cov = ((a - ma[..., None]) * (b - mb[..., None])).sum(-1) / (a.shape[-1] - 1)
    c1, c2 = (0.01 * np.ptp(x)) ** 2, (0.03 * np.ptp(x)) ** 2
    return float((((2 * ma * mb + c1) * (2 * cov + c2)) / ((ma**2 + mb**2 + c1) * (va + vb + c2))).mean())


@pytest.mark.parametrize("shape", [(40,), (30, 33), (12, 14, 16)])
def test_against_definitions(shape: tuple[int, ...]) -> None:
    r = np.random.default_rng(4)
    a = r.normal(100, 3, shape).cumsum(-1)
    b = a + r.uniform(-0.5, 0.4, shape)
    q = baler.quality(a, b)
    error = b - a
    assert q.largest_error == np.abs(error).max() and q.bias == pytest.approx(error.mean())
    assert q.rmse == pytest.approx(np.sqrt((error**2).mean()))
    assert q.nrmse == pytest.approx(q.rmse / np.ptp(a)) and q.psnr == pytest.approx(-20 * np.log10(q.nrmse))
    assert q.ssim == pytest.approx(ssim(a, b), abs=1e-9)
    assert q.wasserstein == pytest.approx(np.abs(np.sort(a.ravel()) - np.sort(b.ravel())).mean())
    assert q.histogram.sum() == a.size == q.count and len(q.edges) == 102 and q.edges[-1] == q.largest_error


def test_the_same_is_perfect_and_constants_have_no_range() -> None:
    a = np.random.default_rng(1).normal(size=(9, 9))
    q = baler.quality(a, a)
    assert (q.largest_error, q.nrmse, q.psnr, q.wasserstein) == (0, 0, np.inf, 0) and q.ssim == pytest.approx(1)
    q = baler.quality(np.ones(9), np.ones(9) + 1e-3)
    assert q.psnr == -np.inf and q.nrmse == np.inf and q.largest_error == pytest.approx(1e-3)
    assert baler.quality(np.zeros(0), np.zeros(0)).count == 0


def test_what_is_not_finite() -> None:
    a = np.array([1.0, np.nan, np.inf, 4.0])
    assert baler.quality(a, a).nonfinite_kept and baler.quality(a, a).count == 2 and baler.quality(a, a).ssim is None
    assert not baler.quality(a, np.array([1.0, 0.0, np.inf, 4.0])).nonfinite_kept
    assert baler.quality(np.array([1e308, -1e308]), np.array([1e308, -0.9e308])).rmse < np.inf


def test_tables_column_by_column(columns: dict[str, np.ndarray]) -> None:
    back = baler.decompress(baler.compress(columns, std=1e-2))
    q = baler.quality(columns, back)
    assert list(q) == ["pt", "eta", "charge", "event", "good"] and q["event"].largest_error == 0
    assert 0 < q["eta"].largest_error <= 1e-2 * columns["eta"].std() * 1.0001
    with pytest.raises(baler.BalerError, match="other columns"):
        baler.quality(columns, {"pt": back["pt"]})
