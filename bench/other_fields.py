"""Baler beside SZ3 and SPERR on arrays that nobody tuned it on, with a plot of ratio against bound."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

import baler
import record
import untuned
from fields import BOUNDS, Results, figures, ratios
from peers import Figures

CODECS = ["Baler", "SZ3", "SPERR"]
COLOURS = {"Baler": "#c1272d", "SZ3": "#1f6fb4", "SPERR": "#5a9e3a"}
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


def plot(results: Results, path: Path) -> None:
    """A panel a field: ratio against bound, both logarithmic, with Baler's share of the better peer at each bound."""
    names = list(dict.fromkeys(name for name, _ in results))
    columns = 4
    rows = -(-len(names) // columns)
    plt.rcParams.update({"font.size": 8, "svg.fonttype": "none", "svg.hashsalt": "baler", "axes.spines.top": False})
    figure, panels = plt.subplots(rows, columns, figsize=(3 * columns, 2.4 * rows), squeeze=False, layout="constrained")
    for panel in panels.flat[len(names) :]:
        panel.axis("off")
    for name, panel in zip(names, panels.flat, strict=False):
        for codec in CODECS:
            ratio = [results[name, share][codec].ratio for share in BOUNDS]
            wide = codec == "Baler"
            panel.plot(BOUNDS, ratio, "o-", ms=3, lw=2 if wide else 1.2, color=COLOURS[codec], label=codec, zorder=3 if wide else 2)
        for share in BOUNDS:
            row = results[name, share]
            gain = row["Baler"].ratio / max(row[c].ratio for c in CODECS[1:])
            top = max(f.ratio for f in row.values())
            weight = {"color": "#c1272d", "weight": "bold"} if gain < 1 else {"color": "#444444"}
            panel.annotate(f"{gain:.2f}", (share, top), (0, 5), textcoords="offset points", ha="center", **weight)
        panel.set(xscale="log", yscale="log", title=name)
        panel.invert_xaxis()
        low, high = panel.get_ylim()
        panel.set_ylim(low, high * 1.35)
        panel.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda v, _: f"{v:g}"))
        panel.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
        ticks = [t for e in range(0, 5) for t in (10**e, 2 * 10**e, 5 * 10**e) if low <= t <= high * 1.35]
        panel.set_yticks(ticks)
        panel.grid(alpha=0.25, lw=0.5)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    figure.supxlabel("bound, as a share of the range (finer to the right); numbers: Baler / better peer")
    figure.supylabel("compression ratio")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


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
        plot(results, path)
        print(f"plot: {path}")
    if any(row["Baler"].broken for row in results.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
