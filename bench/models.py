"""Speed of what learns, by the command: fields through a model of each size beside the default level, in turns; tables mixed
on one thread and on two; how long the training of a model of a table takes.

    python bench/models.py [--quick]      one round, no record
"""

import argparse
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import baler
import record

FIELD, REPEATS, SHARE = "turbulence_vorticity.npy", 6, "1e-3"
SIZES = ("16,8", "32,16", "64,32")
TABLE, ROWS = "cms_pfcands.npz", 1_000_000
NOTE = (
    f"{FIELD}, {REPEATS} times behind itself, at {SHARE} of its range, models trained on one of them and kept apart; a million rows of "
    "made jets, floats at 1e-3 of their deviation. Ratio and MB/s in / out, medians, those compared taking turns."
)


def bytes_in(path: Path) -> int:
    """What is in a file of arrays or columns, as 32-bit numbers where they are floats."""
    stored = np.load(path)
    if isinstance(stored, np.ndarray):
        return stored.nbytes
    return sum(4 * a.size if a.dtype.kind == "f" else a.nbytes for a in stored.values() if a.dtype.kind != "U")


def turns(source: Path, ways: dict[str, tuple[tuple[str, ...], tuple[str, ...], int]], rounds: int) -> dict[str, Any]:
    """Ratio and speeds of ways, each the options of compressing and decompressing and the number of threads."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    size: dict[str, int] = {}
    archive, out = source.parent / "a.blr", source.parent / f"out{source.suffix}"
    for _ in range(rounds):
        for name, (coding, decoding, threads) in ways.items():
            encode_s = baler.compress(source, archive, *coding, threads=threads)
            seconds[name].append((encode_s, baler.decompress(archive, out, *decoding, threads=threads)))
            size[name] = archive.stat().st_size
    whole = bytes_in(source)

    def speeds(name: str) -> list[float]:
        return [whole / 1e6 / statistics.median(s) for s in zip(*seconds[name], strict=True)]

    return {name: {"ratio": whole / size[name], "encode_mb_s": speeds(name)[0], "decode_mb_s": speeds(name)[1]} for name in ways}


def fields(folder: Path, rounds: int) -> dict[str, Any]:
    """Without a model, and with one of each size."""
    sample = record.data(FIELD)
    source = folder / "field.npy"
    np.save(source, np.concatenate([np.load(sample)] * REPEATS))
    bound = ("--rel", SHARE)
    ways: dict[str, tuple[tuple[str, ...], tuple[str, ...], int]] = {"none": (bound, (), 1)}
    for size in SIZES:
        model = folder / f"{size}.safetensors"
        baler.run("train", "--kind", "field", sample, *bound, "--hidden", size, "-o", model)
        with_it = ("--model", str(model))
        ways[size] = ((*bound, *with_it, "--external-model"), with_it, 1)
    return turns(source, ways, rounds)


def tables(folder: Path, rounds: int) -> dict[str, Any]:
    """On one thread and on two."""
    source = folder / "jets.npz"
    subprocess.run([baler.BINARY, "synth", "jets", "--size", str(ROWS), "-o", source, "--quiet"], check=True)
    return turns(source, {f"{n} thread{'s'[: n - 1]}": (("--std", "1e-3"), (), n) for n in (1, 2)}, rounds)


def training(folder: Path, rounds: int) -> float:
    """Seconds that a model of a table takes, the least."""
    model = folder / "table.safetensors"
    options = ("--kind", "table", record.data(TABLE), "--std", "1e-3", "-o", model, "--threads", "2", "--force")
    return min(baler.run("train", *options) for _ in range(rounds))


def lines(results: dict[str, Any]) -> list[list[str]]:
    return [[n, f"{r['ratio']:.2f}", f"{r['encode_mb_s']:.1f}", f"{r['decode_mb_s']:.1f}"] for n, r in results.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round, no record")
    args = parser.parse_args()
    baler.require()
    about = record.about(with_baler=True)
    rounds = 1 if args.quick else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results = {"training_s": training(folder, rounds), "fields": fields(folder, rounds)}
        results["tables"] = tables(folder, 1 if args.quick else 3)
    heads = ["ratio", "in, MB/s", "out, MB/s"]
    parts = [
        record.heading(about, "Models and mixing", NOTE),
        record.table(["units of the model", *heads], lines(results["fields"])),
        "",
        record.table([f"jets, {ROWS} rows", *heads], lines(results["tables"])),
        f"\n`baler train --kind table {TABLE} --std 1e-3`, two threads: {results['training_s']:.2f} s.",
    ]
    print("\n".join(parts))
    if not args.quick:
        record.write(about, "models", results, "\n".join(parts))


if __name__ == "__main__":
    main()
