"""The Python package beside the command on one field, in turns: what the way through Python costs."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from made import turbulence

HERE = Path(__file__).parent
sys.path.remove(str(HERE))  # where another baler.py is, the command's
import baler  # noqa: E402

BOUND = 1e-3  # of the range


def command(*words: str | Path) -> float:
    """Seconds that the command says it took."""
    told = subprocess.run([COMMAND, *words, "--json", "--force"], check=True, capture_output=True, text=True)
    return float(json.loads(told.stdout)["seconds"])


def timed(work):
    """Seconds that `work` took, and what came of it."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--side", type=int, default=368, help="of the cube: 368 makes 199 MB")
parser.add_argument("--runs", type=int, default=5)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--level", default="default")
parser.add_argument("--command", default=HERE.parent / "target/release/baler")
given = parser.parse_args()
COMMAND = given.command
u = turbulence(given.side)
with tempfile.TemporaryDirectory() as folder:
    plain, packed, back = (Path(folder, name) for name in ("u.npy", "u.blr", "back.npy"))
    np.save(plain, u)
    inward, outward = [], []
    for _ in range(given.runs):
        t = str(given.threads)
        ours, archive = timed(lambda: baler.compress(u, rel=BOUND, level=given.level, threads=given.threads))
        theirs = command("compress", plain, "-o", packed, "--rel", str(BOUND), "--level", given.level, "--threads", t)
        inward.append((ours, theirs))
        ours, decoded = timed(lambda: baler.decompress(archive, threads=given.threads))
        theirs = command("decompress", packed, "-o", back, "--threads", t)
        outward.append((ours, theirs))
        assert np.array_equal(decoded, np.load(back, mmap_mode="r"))
for name, runs in (("compress", inward), ("decompress", outward)):
    ours, theirs = (statistics.median(column) for column in zip(*runs))
    ratio = statistics.median(a / b for a, b in runs)
    best = min(a for a, _ in runs) / min(b for _, b in runs)
    print(f"{name}: package {ours:.2f} s, command {theirs:.2f} s, ratio {ratio:.3f} (of the best runs {best:.3f})")
