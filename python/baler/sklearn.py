"""Autoencoders as transformers of scikit-learn.

>>> import numpy as np
>>> from baler.sklearn import Autoencoder
>>> x = np.random.default_rng(1).normal(size=(200, 8))
>>> reduced = Autoencoder(latent=3, epochs=2).fit_transform(x)
>>> reduced.shape, reduced.dtype
((200, 3), dtype('int16'))
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from baler._model import Model, train


class Autoencoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Rows of features to integer latents and back, the same bits on every machine. Parameters are those of `baler.train`;
    the trained `baler.Model` is `model_`, which `baler.compress` takes."""

    def __init__(
        self,
        model: str = "AE",
        *,
        ratio: float | None = None,
        latent: int | None = None,
        epochs: int | None = None,
        lr: float | None = None,
        batch_size: int | None = None,
        normalisation: str | None = None,
        seed: int | None = None,
        threads: int | None = None,
    ) -> None:
        self.model = model
        self.ratio = ratio
        self.latent = latent
        self.epochs = epochs
        self.lr = lr
        self.batch_size = batch_size
        self.normalisation = normalisation
        self.seed = seed
        self.threads = threads

    def fit(self, X: Any, y: Any = None) -> Autoencoder:
        """Trains on rows x features."""
        rows = validate_data(self, X, dtype=np.float64)
        self.model_: Model = train(rows, **self.get_params())
        return self

    def transform(self, X: Any) -> np.ndarray[Any, np.dtype[np.int16]]:
        """The latents of rows."""
        check_is_fitted(self)
        return self.model_.transform(validate_data(self, X, dtype=np.float64, reset=False))

    def inverse_transform(self, X: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The rows of latents."""
        check_is_fitted(self)
        return self.model_.inverse_transform(X)
