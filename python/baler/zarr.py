"""Baler as a codec of Zarr, version 3: registered as "baler" by an entry point, so that Zarr finds it by itself.

>>> import numpy as np, zarr
>>> from baler.zarr import Baler
>>> u = np.linspace(0, 1, 10_000, dtype="f4").reshape(100, 100)
>>> store = zarr.storage.MemoryStore()
>>> z = zarr.create_array(store, data=u, chunks=(50, 50), serializer=Baler(abs=1e-3), compressors=None)
>>> bool(abs(zarr.open_array(store)[:] - u).max() <= 1e-3)
True

With xarray: `ds.to_zarr(store, encoding={"u": {"serializer": Baler(rel=1e-3), "compressors": None}})`. Chunks are
compressed one by one: a relative bound refers to each chunk's own range, which is never wider than the array's.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

try:
    from zarr.abc.codec import ArrayBytesCodec
except ModuleNotFoundError as e:
    raise ImportError(f"baler.zarr wants zarr 3 ({e}): pip install 'baler[zarr]'; for zarr 2 there is baler.numcodecs") from e

from baler import _chunk
from baler._chunk import Configuration
from baler._model import Model
from baler.errors import InvalidArgumentError

if TYPE_CHECKING:
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer, NDBuffer


class Baler(ArrayBytesCodec):
    """Makes each chunk an archive of its own, within the bound that is given as `baler.compress` takes it. A `model`,
    or its hash, is used where it makes a chunk smaller; the store keeps the hash, and readers find the model's file in the
    folders of `BALER_MODELS`."""

    is_fixed_size = False

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

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Baler:
        """From the codec's JSON in an array's metadata."""
        if data.get("name") != "baler":
            raise InvalidArgumentError(f"the codec '{data.get('name')}' is not 'baler'")
        made = cls.__new__(cls)
        made.configuration = Configuration.from_json(data.get("configuration", {}))
        return made

    def to_dict(self) -> dict[str, Any]:
        """The codec's JSON."""
        return {"name": "baler", "configuration": self.configuration.to_json()}

    def validate(self, *, dtype: Any, **_: Any) -> None:
        """Refuses arrays of types that cannot be compressed, before anything is written."""
        _chunk.check_dtype(dtype.to_native_dtype())

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Not known beforehand."""
        raise NotImplementedError

    def _encode_sync(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> Buffer:
        encoded = _chunk.encode(chunk_array.as_numpy_array(), self.configuration, chunk_spec.fill_value)
        return chunk_spec.prototype.buffer.from_bytes(encoded)

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        dtype = chunk_spec.dtype.to_native_dtype()
        array = _chunk.decode(chunk_bytes.to_bytes(), dtype, tuple(chunk_spec.shape))
        return chunk_spec.prototype.nd_buffer.from_numpy_array(array)

    async def _encode_single(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> Buffer:
        return await asyncio.to_thread(self._encode_sync, chunk_array, chunk_spec)

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        return await asyncio.to_thread(self._decode_sync, chunk_bytes, chunk_spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Baler) and self.configuration == other.configuration

    def __hash__(self) -> int:
        return hash(self.configuration)

    def __repr__(self) -> str:
        return f"baler.zarr.Baler({self.configuration.bound!r}, level={self.configuration.level!r})"
