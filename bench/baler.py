"""Baler's command line, as a user runs it: compress and decompress, timed."""

import json
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from time import perf_counter

import numpy as np

from peers import Coded

ROOT = Path(__file__).resolve().parents[1]
BINARY = ROOT / "target" / "release" / "baler"


def require() -> None:
    """Exits with 2 where the command has not been built."""
    if not BINARY.exists():
        print("baler is not built: run `cargo build --release` first, or measure with `--only peers`.", file=sys.stderr)
        sys.exit(2)


def version() -> str:
    """Its version, with the commit of the working tree."""
    said = subprocess.run([BINARY, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return f"{said} ({subprocess.run(git, capture_output=True, text=True).stdout.strip() or 'no commit'})"


@cache
def start_s() -> float:
    """The least seconds that starting the process takes: taken off wall times, it never flatters Baler."""
    print("baler gives no `seconds`: wall times less the start of a process, files included", file=sys.stderr)

    def once() -> float:
        start = perf_counter()
        subprocess.run([BINARY, "--version"], check=True, capture_output=True)
        return perf_counter() - start

    return min(once() for _ in range(5))


def run(*args: str | Path) -> float:
    """Runs one command and returns its seconds: the `seconds` of its JSON output (coding alone, as for the
    peers), or else wall time less the start of a process. Exits with 1 where it fails."""
    start = perf_counter()
    done = subprocess.run([BINARY, *args, "--json"], capture_output=True, text=True)
    wall = perf_counter() - start
    if done.returncode:
        print(f"baler {' '.join(map(str, args))}: exit {done.returncode}\n{done.stderr}", file=sys.stderr)
        sys.exit(1)
    try:
        return float(json.loads(done.stdout)["seconds"])
    except (ValueError, KeyError, TypeError):
        return max(wall - start_s(), 1e-9)


def compress(source: Path, archive: Path, *options: str, threads: int = 1) -> float:
    """`baler compress`, in seconds."""
    return run("compress", source, "-o", archive, *options, "--threads", str(threads), "--force")


def decompress(archive: Path, out: Path, *options: str, threads: int = 1) -> float:
    """`baler decompress`, in seconds."""
    return run("decompress", archive, "-o", out, *options, "--threads", str(threads), "--force")


def field(a: np.ndarray, bound: float, threads: int = 1, level: str = "default") -> Coded:
    """A field through the command line within an absolute bound: a codec like the peers'. All bytes count."""
    with tempfile.TemporaryDirectory() as folder:
        source, archive, out = (Path(folder) / name for name in ("in.npy", "out.blr", "out.npy"))
        np.save(source, a)
        encode_s = compress(source, archive, "--abs", repr(bound), "--level", level, threads=threads)
        decode_s = decompress(archive, out, threads=threads)
        return Coded(archive.stat().st_size, encode_s, decode_s, np.load(out))
