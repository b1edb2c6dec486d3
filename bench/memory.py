"""The Python package beside SZ3's in one process, from memory to memory, on one thread, in turns."""

import argparse
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import record
from made import turbulence
from peers import SLACK, Coded, largest_error, sz3

HERE = Path(__file__).parent
sys.path.remove(str(HERE))  # where another baler.py is, the command's
import baler  # noqa: E402

SHARE = 1e-3  # of the field's range
RUNS = 7
LEVELS = ("default", "fast")
NAMES = ("turbulence_wmag.npy", "turbulence_vorticity.npy", "climate_air_temperature.npy", "combustor_q.npy")
NOTE = (
    f"f32 fields at {SHARE:g} of their range, from an array in memory to bytes and back, through each one's Python package, on one thread, "
    f"nothing written to disk. MB/s, in / out: medians of {RUNS} runs that take turns; ratios of speeds: medians over the turns."
)


def at(level: str) -> Callable[[np.ndarray, float], Coded]:
    """The package at a level of effort: all bytes count."""

    def code(a: np.ndarray, bound: float) -> Coded:
        start = perf_counter()
        archive = baler.compress(a, abs=bound, level=level, threads=1)
        middle = perf_counter()
        decoded = baler.decompress(archive, threads=1)
        return Coded(len(archive), middle - start, perf_counter() - middle, decoded)

    return code


def turns(a: np.ndarray) -> list[dict[str, Any]]:
    """Ratio and speeds of SZ3 and of each level."""
    codecs = {"SZ3": sz3} | {f"Baler, {level}": at(level) for level in LEVELS}
    bound = SHARE * (float(a.max()) - float(a.min()))
    runs: dict[str, list[Coded]] = {name: [] for name in codecs}
    for _ in range(RUNS):
        for name, codec in codecs.items():
            coded = codec(a, bound)
            if (error := largest_error(a, coded.decoded)) > bound * (1 + SLACK if name == "SZ3" else 1):
                sys.exit(f"{name} broke its bound: {error} > {bound}")
            runs[name].append(coded._replace(decoded=np.empty(0)))

    def speeds(name: str, seconds: Callable[[Coded], float]) -> tuple[float, float]:
        pairs = [(seconds(peer), seconds(mine)) for peer, mine in zip(runs["SZ3"], runs[name], strict=True)]
        return a.nbytes / 1e6 / statistics.median(m for _, m in pairs), statistics.median(p / m for p, m in pairs)

    def row(name: str) -> dict[str, Any]:
        encode, decode = speeds(name, lambda c: c.encode_s), speeds(name, lambda c: c.decode_s)
        ratio = a.nbytes / runs[name][0].bytes
        return {"codec": name, "ratio": ratio, "mb_s": [encode[0], decode[0]], "to_sz3": [encode[1], decode[1]]}

    return [row(name) for name in codecs]


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    about = record.about(with_baler=False)
    about["versions"]["baler"] = baler.__version__
    flow = np.load(record.data("CFD_animation.npz"))
    fields = {Path(name).stem: np.load(record.data(name)) for name in NAMES}
    fields |= {"CFD": np.squeeze(flow["data"]).astype(np.float32), "made turbulence 256^3": turbulence(256)}
    results = {name: turns(a) for name, a in fields.items()}
    rows = [
        [name, r["codec"], f"{r['ratio']:.2f}", *(" / ".join(f"{x:{f}}" for x in r[k]) for k, f in (("mb_s", ".0f"), ("to_sz3", ".2f")))]
        for name, found in results.items()
        for r in found
    ]
    heads = ["field", "codec", "ratio", "MB/s in / out", "speed to SZ3's"]
    text = "\n".join([record.heading(about, "Memory to memory", NOTE), record.table(heads, rows)])
    print(text)
    record.write(about, "memory", results, text)


if __name__ == "__main__":
    main()
