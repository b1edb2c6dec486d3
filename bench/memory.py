"""The Python package beside SZ3's in one process, from memory to memory, on one thread, in turns."""

import argparse
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

import record
from made import turbulence
from peers import Codec, Coded, sz3
from turns import HEADS, SHARE, speed_rows, turns

HERE = Path(__file__).parent
sys.path.remove(str(HERE))  # where another baler.py is, the command's
import baler  # noqa: E402

RUNS = 7
LEVELS = ("default", "fast")
NAMES = ("turbulence_wmag.npy", "turbulence_vorticity.npy", "climate_air_temperature.npy", "combustor_q.npy")
NOTE = (
    f"f32 fields at {SHARE:g} of their range, from an array in memory to bytes and back, through each one's Python "
    f"package, on one thread, nothing written to disk. MB/s, in / out: medians of {RUNS} runs that take turns; ratios of "
    "speeds: medians over the turns."
)


def at(level: str) -> Codec:
    """The package at a level of effort: all bytes count."""

    def code(a: np.ndarray, bound: float) -> Coded:
        start = perf_counter()
        archive = baler.compress(a, abs=bound, level=level, threads=1)
        middle = perf_counter()
        decoded = baler.decompress(archive, threads=1)
        return Coded(len(archive), middle - start, perf_counter() - middle, decoded)

    return code


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    about = record.about(with_baler=False)
    about["versions"]["baler"] = baler.__version__
    flow = np.load(record.data("CFD_animation.npz"))
    fields = {Path(name).stem: np.load(record.data(name)) for name in NAMES}
    fields |= {"CFD": np.squeeze(flow["data"]).astype(np.float32), "made turbulence 256^3": turbulence(256)}
    codecs: dict[str, Codec] = {"SZ3": sz3} | {f"Baler, {level}": at(level) for level in LEVELS}
    results = {name: turns(a, codecs, RUNS) for name, a in fields.items()}
    rows = [row for name, result in results.items() for row in speed_rows(name, result)]
    text = "\n".join([record.heading(about, "Memory to memory", NOTE), record.table(HEADS, rows)])
    print(text)
    record.write(about, "memory", results, text)


if __name__ == "__main__":
    main()
