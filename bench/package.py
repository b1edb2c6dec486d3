"""The Python package beside the command on one field, in turns: what the way through Python costs."""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np

from made import turbulence

HERE = Path(__file__).parent
sys.path.remove(str(HERE))  # where another baler.py is, the command's
import baler  # noqa: E402

BOUND = 1e-3  # of the range
COMMAND = HERE.parent / "target/release/baler"


class Seconds(NamedTuple):
    """By the clock, and of processors: what other programs disturb, and what they hardly do."""

    clock: float
    processor: float


def of_children() -> float:
    """Processor seconds of the programs that this one has run."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def command(*words: str | Path) -> Seconds:
    """Seconds that the command says it took, and processor seconds of all of it, files included."""
    begun = of_children()
    told = subprocess.run([COMMAND, *words, "--json", "--force"], check=True, capture_output=True, text=True)
    return Seconds(float(json.loads(told.stdout)["seconds"]), of_children() - begun)


def timed(work: Callable[[], Any]) -> tuple[Seconds, Any]:
    """Seconds that `work` took, and what came of it."""
    begun = perf_counter(), process_time()
    result = work()
    return Seconds(perf_counter() - begun[0], process_time() - begun[1]), result


def show(name: str, runs: list[tuple[Seconds, Seconds]]) -> None:
    """A line of medians by the clock and one of processors, and the ratio of the best runs."""
    for kind in Seconds._fields:
        pairs = [(getattr(a, kind), getattr(b, kind)) for a, b in runs]
        ours, theirs = (statistics.median(column) for column in zip(*pairs))
        ratio = statistics.median(a / b for a, b in pairs)
        best = min(a for a, _ in pairs) / min(b for _, b in pairs)
        told = f"package {ours:.2f} s, command {theirs:.2f} s, ratio {ratio:.3f} (of the best runs {best:.3f})"
        print(f"{name}, {kind}: {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=368, help="of the cube: 368 makes 199 MB")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--level", default="default")
    given = parser.parse_args()
    u = turbulence(given.side)
    threads = given.threads
    more = ("--threads", str(threads))
    inward, outward = [], []
    with tempfile.TemporaryDirectory() as folder:
        plain, packed, back = (Path(folder, name) for name in ("u.npy", "u.blr", "back.npy"))
        np.save(plain, u)
        for _ in range(given.runs):
            ours, archive = timed(lambda: baler.compress(u, rel=BOUND, level=given.level, threads=threads))
            level = ("--level", given.level)
            inward.append((ours, command("compress", plain, "-o", packed, "--rel", str(BOUND), *level, *more)))
            ours, decoded = timed(lambda: baler.decompress(archive, threads=threads))
            outward.append((ours, command("decompress", packed, "-o", back, *more)))
            if not np.array_equal(decoded, np.load(back, mmap_mode="r")):
                sys.exit("the package and the command decode to different values")
    show("compress", inward)
    show("decompress", outward)


if __name__ == "__main__":
    main()
