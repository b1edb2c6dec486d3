"""Baler beside its peers on real fields: ratio, speed and largest error at four bounds."""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import asdict
from functools import partial

import numpy as np

import baler
import record
from peers import PEERS, Figures, best, measure

FIELDS = (
    "climate_air_temperature.npy",
    "turbulence_wmag.npy",
    "turbulence_vorticity.npy",
    "combustor_q.npy",
    "CFD_animation.npz",
)
BOUNDS = (1e-2, 1e-3, 1e-4, 1e-5)  # as shares of the field's range
NOTE = (
    "f32 fields at a pointwise absolute bound given as a share of the range; one thread; ratio over all stored "
    "bytes; each peer in the best of the field's own shape and its 3-D and 2-D views, Baler in the field's own "
    "shape; a star: the bound is broken (by a peer: by more than a millionth of it)."
)

LEVELS = {"Baler": "default", "Baler fast": "fast", "Baler max": "max"}

Results = dict[tuple[str, float], dict[str, Figures]]


def load(name: str) -> np.ndarray:
    """A field, as f32."""
    stored = np.load(record.data(name))
    return np.ascontiguousarray(stored["data"] if name.endswith(".npz") else stored, dtype=np.float32)


def figures(codec: str, a: np.ndarray, bound: float, runs: int) -> Figures:
    """One codec on one field. Baler is held to its bound exactly, and gets no choice of view."""
    if codec in LEVELS:
        runs = 1 if LEVELS[codec] == "max" else runs  # a twentieth of the speed
        return measure(partial(baler.field, level=LEVELS[codec]), a, bound, runs, slack=0.0)
    return best(PEERS[codec], a, bound, runs)


def run(codecs: list[str], bounds: tuple[float, ...], runs: int) -> Results:
    """Every codec on every field at every bound, the codecs side by side."""
    results: Results = {}
    for name in FIELDS:
        a = load(name)
        span = float(a.max()) - float(a.min())
        for share in bounds:
            row = {codec: figures(codec, a, share * span, runs) for codec in codecs}
            results[name.split(".")[0], share] = row
            print(f"{name} {share:g}: " + ", ".join(f"{c} {f.ratio:.2f}" for c, f in row.items()), file=sys.stderr)
    return results


def mean(values: Iterable[float | None]) -> float | None:
    """The geometric mean, where there are values."""
    there = [value for value in values if value is not None]
    return record.geomean(there) if there else None


def ratios(results: Results, names: list[str]) -> str:
    """Ratio of each codec, in brackets to SZ3's, with geometric means a bound; Baler's also to the best peer's."""
    peers = [name for name in names if name in PEERS]
    compared = "Baler" in names and bool(peers)

    def to_sz3(row: dict[str, Figures], name: str) -> float | None:
        return row[name].ratio / row["SZ3"].ratio if "SZ3" in row and name != "SZ3" else None

    def to_best(row: dict[str, Figures]) -> float:
        return row["Baler"].ratio / max(row[peer].ratio for peer in peers)

    def cell(ratio: float, relative: float | None, broken: bool = False) -> str:
        return f"{ratio:.2f}" + "*" * broken + (f" ({relative:.2f})" if relative else "")

    rows = []
    for (name, share), row in results.items():
        cells = [cell(row[c].ratio, to_sz3(row, c), row[c].broken) for c in names]
        rows.append([name, f"{share:g}", *cells, *([f"{to_best(row):.3f}"] if compared else [])])
    for share in dict.fromkeys(share for _, share in results):
        at = [row for (_, s), row in results.items() if s == share]
        cells = [cell(record.geomean(row[c].ratio for row in at), mean(to_sz3(row, c) for row in at)) for c in names]
        rows.append(["geometric mean", f"{share:g}", *cells])
        rows[-1] += [f"{record.geomean(map(to_best, at)):.3f}"] if compared else []
    return record.table(["field", "bound", *names, *(["Baler / best peer"] if compared else [])], rows)


def speeds(results: Results, names: list[str]) -> str:
    """MB/s in and out, with geometric means over all."""
    rows = [
        [name, f"{share:g}", *(f"{row[c].encode_mb_s:.0f} / {row[c].decode_mb_s:.0f}" for c in names)]
        for (name, share), row in results.items()
    ]
    every = list(results.values())
    means = (
        f"{record.geomean(r[c].encode_mb_s for r in every):.0f} / {record.geomean(r[c].decode_mb_s for r in every):.0f}"
        for c in names
    )
    return record.table(["field", "bound", *names], [*rows, ["geometric mean", "", *means]])


def errors(results: Results, names: list[str]) -> str:
    """The largest error, as a share of the bound."""
    rows = (
        [name, f"{share:g}", *(f"{row[c].max_error / row[c].bound:.6f}{'*' if row[c].broken else ''}" for c in names)]
        for (name, share), row in results.items()
    )
    return record.table(["field", "bound", *names], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["peers", *LEVELS, *PEERS], help="measure these alone")
    parser.add_argument("--quick", action="store_true", help="one run each, at 1e-3 alone; nothing is written")
    args = parser.parse_args()
    names = {None: [*LEVELS, *PEERS], "peers": list(PEERS)}.get(args.only, [args.only])
    if LEVELS.keys() & set(names):
        baler.require()

    about = record.about(with_baler=bool(LEVELS.keys() & set(names)))
    results = run(names, (1e-3,) if args.quick else BOUNDS, runs=1 if args.quick else 5)
    parts = [
        record.heading(about, "Fields", NOTE),
        "## Compression ratio (in brackets: to SZ3's)\n",
        ratios(results, names),
        "\n## MB/s, in / out, medians\n",
        speeds(results, names),
        "\n## Largest error as a share of the bound\n",
        errors(results, names),
    ]
    print("\n".join(parts))
    if not args.quick:
        flat = [
            {"field": field, "share_of_range": share, "codec": codec} | asdict(figures)
            for (field, share), row in results.items()
            for codec, figures in row.items()
        ]
        record.write(about, f"fields-{args.only.lower().replace(' ', '-')}" if args.only else "fields", flat, "\n".join(parts))
        if not args.only:
            from plot import plot  # matplotlib is needed for nothing else

            plot(results, [*LEVELS, *PEERS], record.RECORDS / f"{about['date']}-fields.svg")
    if any(row[name].broken for row in results.values() for name in LEVELS.keys() & row.keys()):
        sys.exit(1)


if __name__ == "__main__":
    main()
