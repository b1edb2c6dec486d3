"""Data that several tests share."""

from __future__ import annotations

import numpy as np
import pytest

import baler


@pytest.fixture(scope="session")
def field() -> np.ndarray:
    """A smooth field with some noise, 24 x 40 x 50."""
    z, y, x = np.meshgrid(*(np.linspace(0, 3, n) for n in (24, 40, 50)), indexing="ij")
    noise = np.random.default_rng(1).normal(size=z.shape)
    return (np.sin(2 * x + z) * np.cos(y) + 0.01 * noise).astype("f4")


@pytest.fixture(scope="session")
def learnable() -> np.ndarray:
    """Frames that only a model sees through: mixtures of three patterns of noise, 300 x 8 x 10."""
    r = np.random.default_rng(5)
    return (r.normal(size=(300, 3)) @ r.normal(size=(3, 80))).reshape(300, 8, 10).astype("f4")


@pytest.fixture(scope="session")
def model(learnable: np.ndarray) -> baler.Model:
    """A model of these frames."""
    return baler.train(learnable, latent=6, epochs=60, lr=5e-3, batch_size=32, seed=1)


@pytest.fixture(scope="session")
def columns() -> dict[str, np.ndarray]:
    """A table of 3000 particles, a column of each kind."""
    r = np.random.default_rng(2)
    return {
        "pt": r.exponential(20, 3000).astype("f4"),
        "eta": r.normal(0, 2, 3000),
        "charge": r.choice(np.array([-1, 1], "i1"), 3000),
        "event": np.sort(r.integers(0, 2**40, 3000)),
        "good": r.random(3000) < 0.3,
        "kind": r.choice(np.array(["mu", "e", "jet"]), 3000),
    }
