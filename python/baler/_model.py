"""Models: trained here or elsewhere, put to use by `compress`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from baler import _baler
from baler import _forms as forms
from baler._bounds import bound_of, bounds_of
from baler.errors import CorruptError, InvalidArgumentError, MissingModelError, NotFoundError


class Model:
    """A trained model: an autoencoder, or a model of a table's columns or of a field's values. Pickles, so that workers of a
    cluster get it."""

    def __init__(self, inner: _baler.Model) -> None:
        self._inner = inner

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """The model of a file that `save` or `baler train` wrote."""
        try:
            with open(path, "rb") as file:
                data = file.read()
        except FileNotFoundError as e:
            raise NotFoundError(f"{os.fspath(path)}: {e.strerror}") from None
        return cls.from_bytes(data)

    @classmethod
    def from_bytes(cls, data: bytes) -> Model:
        """The model of a file's bytes."""
        return cls(_baler.Model(data))

    def to_bytes(self) -> bytes:
        """The bytes of a model file (safetensors)."""
        return self._inner.to_bytes()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a model file, whole or not at all; in a folder, one named by the hash, as `BALER_MODELS` wants it."""
        if os.path.isdir(path):
            path = os.path.join(path, f"{self.hash}.safetensors")
        self._inner.save(os.fspath(path))

    @property
    def hash(self) -> str:
        """The SHA-256 by which archives name it."""
        return self._inner.hash()

    def info(self) -> dict[str, Any]:
        """What it is and how it was trained: what `baler info --json` tells."""
        told: dict[str, Any] = json.loads(self._inner.info())
        return told

    def transform(self, rows: Any) -> np.ndarray[Any, np.dtype[np.int16]]:
        """The latents (rows x latents, integers) of an autoencoder for rows x features in the data's units."""
        features, latents = self._inner.sizes()
        flat = np.ascontiguousarray(rows, np.float64)
        if flat.size % features:
            raise InvalidArgumentError(f"shape {flat.shape} is no rows of {features} features")
        return self._inner.encode(flat.reshape(-1)).reshape(-1, latents)

    def inverse_transform(self, latents: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The rows (rows x features) that latents decode to, the same bits on every machine."""
        features, count = self._inner.sizes()
        flat = np.ascontiguousarray(latents, np.int16)
        if flat.size % count:
            raise InvalidArgumentError(f"shape {flat.shape} is no rows of {count} latents")
        return self._inner.decode(flat.reshape(-1)).reshape(-1, features)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Model.from_bytes, (self.to_bytes(),))

    def __repr__(self) -> str:
        told = self.info()
        return f"<baler.Model: {told.get('architecture') or told['kind']}, {self.hash[:12]}>"


def inner_of(model: Any) -> _baler.Model | None:
    """The library's model of one, or of its file. Errors for anything else."""
    if model is None:
        return None
    if isinstance(model, Model):
        return model._inner
    if isinstance(model, (str, os.PathLike)):
        return Model.load(model)._inner
    raise InvalidArgumentError(f"model={model!r} is no model and no file of one; `baler.train` makes models")


#: Folders of model files `HASH.safetensors`, separated as those of `PATH` are.
FOLDERS = "BALER_MODELS"

#: Models that were found, or given to a codec, by their hashes.
_found: dict[str, Model] = {}


def keep(model: Model) -> str:
    """Makes a model one that `find` finds in this process; its hash."""
    _found[model.hash] = model
    return model.hash


def checked(hash: Any) -> str | None:
    """A hash, or `None`, as it is. Errors for anything else."""
    if hash is not None and (not isinstance(hash, str) or re.fullmatch("[0-9a-f]{64}", hash) is None):
        raise InvalidArgumentError(f"{hash!r} is no model's hash: 64 hexadecimal digits")
    return hash


def in_folders(hash: str) -> str:
    """The file of the model of a hash in the folders of `BALER_MODELS`. Errors name the hash."""
    name = f"{checked(hash)}.safetensors"
    for folder in filter(None, os.environ.get(FOLDERS, "").split(os.pathsep)):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    raise MissingModelError(
        f"the model {hash} is not here: set {FOLDERS} to a folder that holds {name}; model.save(folder) puts it there"
    )


def find(hash: str) -> Model:
    """The model of a hash: one of this process, or of a file in the folders of `BALER_MODELS`. Errors name the hash."""
    if hash not in _found:
        path = in_folders(hash)
        model = Model.load(path)
        if model.hash != hash:
            raise CorruptError(f"{path}: is the model {model.hash}, not that of its name")
        _found[hash] = model
    return _found[hash]


def train(
    data: Any,
    *,
    kind: str = "autoencoder",
    model: str | os.PathLike[str] | None = None,
    ratio: float | None = None,
    latent: int | None = None,
    hidden: Sequence[int] | None = None,
    epochs: int | None = None,
    lr: float | None = None,
    batch_size: int | None = None,
    validation: float | None = None,
    patience: int | None = None,
    plateau: int | None = None,
    loss: str | None = None,
    l1: float | None = None,
    normalisation: str | None = None,
    tiles: Sequence[int] | None = None,
    runs: Sequence[int] | None = None,
    columns: Sequence[str] | None = None,
    precision: str | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    abs: float | None = None,
    rel: float | None = None,
    std: float | None = None,
    pwrel: float | None = None,
    psnr: float | None = None,
    lossless: bool = False,
    bounds: Mapping[str, str] | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Model:
    """Trains a model on a sample of the data; the same seed gives the same model, with any number of threads.

    `kind` is "autoencoder" (a field's frames, or a table's rows; `model` names one of Baler's zoo or a .toml file of
    layers, `ratio` or `latent` says how much smaller a row gets), "table" (a tiny network for each column, which makes
    tables smaller within the bounds given here) or "field" (a small network that foretells values from their neighbours,
    which makes fields like the sample smaller; `hidden` says how large it is; `data` may be a list of arrays of any
    shapes, such as runs of a simulation, or a dict of them, which `bounds` can name). Everything means what it means to
    `baler train`, whose help tells more. `progress` is called with epochs done and epochs in all (of a table: columns).

    >>> import baler, numpy as np
    >>> frames = np.random.default_rng(1).normal(size=(200, 8))
    >>> model = baler.train(frames, ratio=2, epochs=2, seed=1)
    >>> model.transform(frames).shape
    (200, 4)
    """
    if kind not in ("autoencoder", "table", "field"):
        raise InvalidArgumentError(f"kind={kind!r} is no kind of model; there are autoencoder, table and field")
    if kind == "field" and isinstance(data, (list, tuple)) and all(isinstance(d, np.ndarray) for d in data):
        if not data:
            raise InvalidArgumentError("there are no arrays to learn from")
        given = [forms.take(array, f"sample{i}")[0][0] for i, array in enumerate(data)]
    else:
        given, _ = forms.take(data, "sample")
    flags: dict[str, Any] = {
        "kind": kind, "model": model and os.fspath(model), "ratio": ratio, "latent": latent, "epochs": epochs, "lr": lr,
        "batch-size": batch_size, "validation": validation, "patience": patience, "plateau": plateau, "loss": loss,
        "l1": l1, "normalisation": normalisation, "precision": precision, "seed": seed, "threads": threads,
        "tiles": tiles and ",".join(map(str, tiles)), "runs": runs and ",".join(map(str, runs)),
        "columns": columns and ",".join(columns), "hidden": hidden and ",".join(map(str, hidden)),
    }  # fmt: skip
    words = [f"--{flag}={value}" for flag, value in flags.items() if value is not None]
    words += [] if shuffle else ["--no-shuffle"]
    bound = bound_of(abs=abs, rel=rel, std=std, pwrel=pwrel, psnr=psnr, lossless=lossless)
    if bound is not None:
        kind_of, _, value = bound.partition(":")
        words.append(f"--{kind_of}={value}" if value else f"--{kind_of}")
    words += [f"--bound={name}={b}" for name, b in bounds_of(bounds)]
    return Model(_baler.train(given, words, progress))
