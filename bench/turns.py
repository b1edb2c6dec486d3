"""Codecs that take turns on one field: how fast each is, and beside the first."""

import statistics
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from peers import SLACK, Codec, Coded, largest_error

SHARE = 1e-3  # of the field's range
HEADS = ("field", "codec", "ratio", "MB/s in / out", "speed to the first's")


def turns(a: np.ndarray, codecs: dict[str, Codec], rounds: int) -> dict[str, Any]:
    """Speeds of codecs that take turns on one field, and, of all after the first, ratios to the first."""
    bound = SHARE * (float(a.max()) - float(a.min()))
    runs: dict[str, list[Coded]] = {name: [] for name in codecs}
    ratio: dict[str, float] = {}
    for _ in range(rounds):
        for name, codec in codecs.items():
            coded = codec(a, bound)
            allowed = bound * (1 + SLACK) if name == "SZ3" else bound
            if (error := largest_error(a, coded.decoded)) > allowed:
                sys.exit(f"{name} broke its bound: {error} > {bound}")
            ratio[name] = a.nbytes / coded.bytes
            runs[name].append(coded._replace(decoded=np.empty(0)))

    def speeds(seconds: Callable[[Coded], float]) -> dict[str, dict[str, float]]:
        first = runs[next(iter(codecs))]
        return {
            name: {
                "mb_s": a.nbytes / 1e6 / statistics.median(map(seconds, mine)),
                "to_first": statistics.median(seconds(f) / seconds(m) for f, m in zip(first, mine, strict=True)),
            }
            for name, mine in runs.items()
        }

    return {"ratio": ratio, "encode": speeds(lambda c: c.encode_s), "decode": speeds(lambda c: c.decode_s)}


def speed_rows(field: str, result: dict[str, Any]) -> list[list[str]]:
    """A row a codec."""
    return [
        [
            field,
            name,
            f"{ratio:.2f}",
            f"{result['encode'][name]['mb_s']:.0f} / {result['decode'][name]['mb_s']:.0f}",
            f"{result['encode'][name]['to_first']:.2f} / {result['decode'][name]['to_first']:.2f}",
        ]
        for name, ratio in result["ratio"].items()
    ]
