"""Baler as a codec of numcodecs, and so of Zarr's version 2: registered as "baler" by an entry point.

>>> import numpy as np
>>> from baler.numcodecs import Baler
>>> u = np.linspace(0, 1, 10_000, dtype="f4").reshape(100, 100)
>>> codec = Baler(abs=1e-3)
>>> bool(abs(codec.decode(codec.encode(u)) - u).max() <= 1e-3)
True
"""

from __future__ import annotations

from typing import Any

from numcodecs.abc import Codec
from numcodecs.compat import ensure_ndarray, ndarray_copy

from baler import _chunk
from baler._chunk import Configuration
from baler._model import Model


class Baler(Codec):  # type: ignore[misc]  # numcodecs has no types
    """Makes each chunk an archive of its own, within the bound that is given as `baler.compress` takes it. A `model`,
    or its hash, is used where it makes a chunk smaller; the store keeps the hash, and readers find the model's file in the
    folders of `BALER_MODELS`."""

    codec_id = "baler"

    def __init__(
        self,
        *,
        abs: float | None = None,
        rel: float | None = None,
        std: float | None = None,
        pwrel: float | None = None,
        psnr: float | None = None,
        lossless: bool = False,
        level: str = "default",
        model: Model | str | None = None,
    ) -> None:
        self.configuration = Configuration.of(
            level, model, abs=abs, rel=rel, std=std, pwrel=pwrel, psnr=psnr, lossless=lossless
        )

    def encode(self, buf: Any) -> bytes:
        """The archive of an array; one in Fortran order is taken as its transpose, as Zarr expects."""
        array = ensure_ndarray(buf)
        if array.flags.f_contiguous and not array.flags.c_contiguous:
            array = array.T
        return _chunk.encode(array, self.configuration, None)

    def decode(self, buf: Any, out: Any = None) -> Any:
        """The array of an archive, in `out` where that is given."""
        return ndarray_copy(_chunk.decode(ensure_ndarray(buf)), out)

    def get_config(self) -> dict[str, Any]:
        """The codec's JSON."""
        return {"id": self.codec_id, **self.configuration.to_json()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Baler:
        """From the codec's JSON, without its id."""
        made = cls.__new__(cls)
        made.configuration = Configuration.from_json({k: v for k, v in config.items() if k != "id"})
        return made

    def __repr__(self) -> str:
        return f"baler.numcodecs.Baler({self.configuration.bound!r}, level={self.configuration.level!r})"
