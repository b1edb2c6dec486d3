"""Data that is made rather than measured."""

import numpy as np


def turbulence(n: int, seed: int = 0) -> np.ndarray:
    """A periodic n x n x n field with random phases and Kolmogorov's spectrum, of unit variance.

    Energy falls as k^-5/3 over shells of k^2, so amplitudes fall as k^-11/6; a Gaussian cuts off what a
    simulation would have dissipated.
    """
    noise = np.random.default_rng(seed).standard_normal((n, n, n), dtype=np.float32)
    modes = np.fft.rfftn(noise)
    full, half = np.fft.fftfreq(n, 1 / n), np.fft.rfftfreq(n, 1 / n)
    k2 = full[:, None, None] ** 2 + full[None, :, None] ** 2 + half[None, None, :] ** 2
    k2[0, 0, 0] = np.inf  # no mean
    modes *= k2 ** (-11 / 12) * np.exp(-k2 / (n / 6) ** 2)
    field = np.fft.irfftn(modes, s=noise.shape, axes=(0, 1, 2))
    return (field / field.std()).astype(np.float32)
