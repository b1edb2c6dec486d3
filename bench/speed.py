"""Speed of Baler beside SZ3 on larger fields, on one thread and on two, and its peak memory."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import baler
import record
from made import turbulence
from peers import Codec, sz3
from turns import HEADS, SHARE, speed_rows, turns

RUNS = 5
SIDE = 1024  # of the cube on which peak memory is taken: 4.3 GB
NOTE = (
    f"f32 fields at {SHARE:g} of their range. MB/s, in / out: medians of {RUNS} runs, the columns compared taking "
    "turns; ratios of speeds: medians over the turns."
)


def threaded(threads: int, level: str = "default") -> Codec:
    """Baler on some threads at a level of effort."""
    return lambda a, bound: baler.field(a, bound, threads, level)


def peak_mb(*args: str | Path) -> float:
    """Peak resident memory of one command, in MB. A small process starts it: a child is charged with the
    memory of the process that it was forked from, and this one holds fields."""
    small = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.exit(done.returncode)"
    )
    done = subprocess.run([sys.executable, "-c", small, *args], stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout) * 1024 / 1e6


def memory(folder: Path) -> list[dict[str, Any]]:
    """Peak memory of compressing and decompressing SIDE^3 values, on one thread and on two."""
    source, archive, out = (folder / name for name in ("big.npy", "big.blr", "big-out.npy"))
    tile = turbulence(SIDE // 4)
    bound = repr(SHARE * (float(tile.max()) - float(tile.min())))
    big = np.lib.format.open_memmap(source, mode="w+", dtype=np.float32, shape=(SIDE, SIDE, SIDE))
    for z in range(SIDE):
        big[z] = np.tile(tile[z % len(tile)], (4, 4))
    del big
    rows = []
    for threads in ("1", "2"):
        common = ("--threads", threads, "--force")
        encode = peak_mb(baler.BINARY, "compress", source, "-o", archive, "--abs", bound, *common)
        decode = peak_mb(baler.BINARY, "decompress", archive, "-o", out, *common)
        rows.append({"threads": int(threads), "compress_mb": encode, "decompress_mb": decode})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["SZ3", "Baler"], help="measure this alone")
    parser.add_argument("--memory", action="store_true", help="also peak memory on a 4.3 GB field (13 GB of disk)")
    parser.add_argument("--folder", type=Path, help="where --memory puts its files; else the system's")
    args = parser.parse_args()
    if args.only != "SZ3":
        baler.require()
    about = record.about(with_baler=args.only != "SZ3")
    mine: dict[str, Codec] = {"Baler": threaded(1), "Baler, level fast": threaded(1, "fast")}
    codecs = {None: {"SZ3": sz3} | mine, "SZ3": {"SZ3": sz3}, "Baler": mine}[args.only]

    fields = {
        "turbulence_wmag": np.load(record.data("turbulence_wmag.npy")),
        "made turbulence 256^3": turbulence(256),
    }
    results: dict[str, Any] = {"one thread": {name: turns(a, codecs, RUNS) for name, a in fields.items()}}
    rows = [row for name, result in results["one thread"].items() for row in speed_rows(name, result)]
    parts = [record.heading(about, "Speed", NOTE), "## One thread\n", record.table(HEADS, rows)]
    if "Baler" in codecs:
        size = 368  # 200 MB
        result = turns(turbulence(size), {"Baler, 1 thread": threaded(1), "Baler, 2 threads": threaded(2)}, RUNS)
        results["threads"] = result
        rows = speed_rows(f"made turbulence {size}^3", result)
        parts += ["\n## Two threads against one\n", record.table(HEADS, rows)]
    if args.memory and "Baler" in codecs:
        with tempfile.TemporaryDirectory(dir=args.folder) as folder:
            results["memory"] = memory(Path(folder))
        rows = [[str(r["threads"]), f"{r['compress_mb']:.0f}", f"{r['decompress_mb']:.0f}"] for r in results["memory"]]
        parts.append(f"\n## Peak memory, MB, on {4 * SIDE**3 / 1e6:.0f} MB\n")
        parts.append(record.table(["threads", "compress", "decompress"], rows))
    text = "\n".join(parts)
    print(text)
    record.write(about, f"speed-{args.only.lower()}" if args.only else "speed", results, text)


if __name__ == "__main__":
    main()
