"""Baler beside SZ3 and SPERR on arrays that nobody tuned it on, with a plot of ratio against bound."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import baler
import record
import untuned
from fields import BOUNDS, Results, figures, ratios
from peers import Figures
from plot import plot

CODECS = ["Baler", "SZ3", "SPERR"]
NOTE = (
    "f32 arrays at a pointwise absolute bound given as a share of the range; one thread; ratio over all stored bytes; each "
    "peer in the best of the field's own shape and its 3-D and 2-D views, Baler in the field's own shape; a star: the bound "
    "is broken (by a peer: by more than a millionth of it). Sources and licences: bench/untuned.py."
)


def peers_of(path: Path) -> Results:
    """The peers' figures in an earlier record."""
    results: Results = {}
    for each in json.loads(path.read_text())["results"]:
        key, codec = (each.pop("field"), each.pop("share_of_range")), each.pop("codec")
        if codec != "Baler":
            results.setdefault(key, {})[codec] = Figures(**each)
    return results


def run(names: list[str], known: Results) -> Results:
    """Every codec on every array that is at hand, but for figures that are known."""
    results: Results = {}
    for name in names:
        a = untuned.load(name)
        if a is None:
            continue
        span = float(a.max()) - float(a.min())
        for share in BOUNDS:
            there = known.get((name, share), {})
            row = {c: there[c] if c in there else figures(c, a, share * span, runs=1) for c in CODECS}
            results[name, share] = row
            print(f"{name} {share:g}: " + ", ".join(f"{c} {f.ratio:.2f}" for c, f in row.items()), file=sys.stderr)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=untuned.FIELDS, help="these arrays alone; nothing is written but the plot")
    parser.add_argument("--peers", type=Path, help="an earlier record (.json) whose figures of the peers are taken over")
    parser.add_argument("--plot", type=Path, help="where to put the plot (default: beside the record)")
    args = parser.parse_args()
    baler.require()
    about = record.about(with_baler=True)
    results = run(args.only or list(untuned.FIELDS), peers_of(args.peers) if args.peers else {})
    lost = [
        f"{name} at {share:g}"
        for (name, share), row in results.items()
        if row["Baler"].ratio < max(row[c].ratio for c in CODECS[1:])
    ]
    text = "\n".join(
        [
            record.heading(about, "Fields that nobody tuned on", NOTE),
            ratios(results, CODECS),
            "\nBelow the better peer: " + ("; ".join(lost) or "none") + ".",
        ]
    )
    print(text)
    if not args.only:
        flat = [
            {"field": field, "share_of_range": share, "codec": codec} | asdict(figures)
            for (field, share), row in results.items()
            for codec, figures in row.items()
        ]
        record.write(about, "other-fields", flat, text)
    path = args.plot or (None if args.only else record.RECORDS / f"{about['date']}-other-fields.svg")
    if path:
        plot(results, CODECS, path)
        print(f"plot: {path}")
    if any(row["Baler"].broken for row in results.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
