"""Where the data are, what was measured on, and how a record is written and read."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
RECORDS = ROOT / "bench" / "records"
PACKAGES = ("pysz", "hdf5plugin", "zfpy", "pcodec", "zstandard", "numpy", "h5py")


def data(name: str) -> Path:
    """A file of the shared real data. Exits with 2 where it is absent."""
    shared = Path(os.environ.get("BALER_SHARED", ROOT.parent / "shared"))
    path = shared / "data" / name
    if not path.exists():
        print(f"{name} is absent: set BALER_SHARED to the folder that holds data/{name}.", file=sys.stderr)
        sys.exit(2)
    return path


def about(with_baler: bool, packages: Sequence[str] = PACKAGES) -> dict[str, Any]:
    """Date, machine, load and versions: what a reader needs to judge the speeds."""
    lscpu = subprocess.run(["lscpu"], capture_output=True, text=True).stdout.splitlines()
    model = next((line.split(":")[1].strip() for line in lscpu if line.startswith("Model name")), platform.processor())
    versions = {name: version(name) for name in packages} | {"python": platform.python_version()}
    if with_baler:
        import baler  # the command's; benchmarks of the Python package have that under its name

        versions["baler"] = baler.version()
    return {
        "date": date.today().isoformat(),
        "cpu": model,
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 1),
        "versions": versions,
    }


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, padded so that it also reads well as text. The first column is left-aligned."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]
        padded[0] = cells[0].ljust(widths[0])
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([line(heads), rule, *map(line, rows)])


def heading(about: dict[str, Any], title: str, note: str) -> str:
    """The opening of a record's Markdown."""
    versions = ", ".join(f"{name} {v}" for name, v in about["versions"].items())
    machine = f"{about['cpu']}, {about['cores']} cores, load {about['load_before']} before the run."
    return f"# {title}, {about['date']}\n\n{machine} Versions: {versions}.\n\n{note}\n"


def geomean(values: Iterable[float]) -> float:
    """The geometric mean."""
    return float(np.exp(np.mean(np.log(list(values)))))


def write(about: dict[str, Any], kind: str, results: Any, markdown: str) -> None:
    """Writes records/DATE-KIND.json and .md, replacing the day's earlier ones of that kind."""
    RECORDS.mkdir(exist_ok=True)
    path = RECORDS / f"{about['date']}-{kind}"
    path.with_suffix(".json").write_text(json.dumps(about | {"results": results}, indent=1) + "\n")
    path.with_suffix(".md").write_text(markdown.rstrip() + "\n")
    print(f"\nwritten: {path.relative_to(ROOT)}.json and .md")
