from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, final

import numpy as np
import numpy.typing as npt

__all__ = ["Archive", "Model", "__version__", "compress", "main", "salvage", "train"]

__version__: str

_Progress = Callable[[int, int], object] | None
_Bytes = npt.NDArray[np.uint8]
_Column = tuple[str, str, int, _Bytes] | tuple[str, list[str]]
_Given = tuple[str, str, Sequence[int], _Bytes] | tuple[str, int, list[_Column]]
_Rows = tuple[int, int] | None

@final
class Archive:
    @staticmethod
    def open(path: str | PathLike[str], model: Model | None = None) -> Archive: ...
    @staticmethod
    def of_bytes(bytes: bytes, model: Model | None = None) -> Archive: ...
    def header(self) -> str: ...
    def info(self) -> str: ...
    def read_field(
        self, variable: int, rows: _Rows, out: _Bytes, threads: int | None = None, progress: _Progress = None
    ) -> None: ...
    def read_columns(
        self,
        variable: int,
        columns: Sequence[int],
        rows: _Rows,
        outs: Sequence[_Bytes],
        threads: int | None = None,
        progress: _Progress = None,
    ) -> list[list[str]]: ...
    def verify(
        self, originals: Sequence[_Given], threads: int | None = None, progress: _Progress = None
    ) -> str: ...

@final
class Model:
    def __new__(cls, bytes: bytes) -> Model: ...
    def to_bytes(self) -> bytes: ...
    def save(self, path: str) -> None: ...
    def info(self) -> str: ...
    def hash(self) -> str: ...
    def sizes(self) -> tuple[int, int]: ...
    def encode(self, rows: npt.NDArray[np.float64]) -> npt.NDArray[np.int16]: ...
    def decode(self, latents: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]: ...

def compress(
    inputs: Sequence[_Given],
    wanted: dict[str, Any],
    model: Model | None = None,
    path: str | PathLike[str] | None = None,
    progress: _Progress = None,
) -> bytes | None: ...
def salvage(
    bytes: bytes, model: Model | None = None
) -> list[tuple[str, list[int] | None, list[tuple[str, Any]], list[tuple[int, int]]]]: ...
def train(inputs: Sequence[_Given], words: Sequence[str], progress: _Progress = None) -> Model: ...
def main(words: Sequence[str], reader: Callable[[str, str], object] | None = None) -> int: ...
