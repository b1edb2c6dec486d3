"""Ratio against bound (rate against distortion), a panel a field."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

from peers import PEERS, Figures

Results = dict[tuple[str, float], dict[str, Figures]]

COLOURS = {
    "Baler": "#c1272d",
    "Baler max": "#7d1128",
    "Baler fast": "#e88b6f",
    "SZ3": "#1f6fb4",
    "SPERR": "#5a9e3a",
    "ZFP": "#8a8a8a",
}


def plot(results: Results, codecs: list[str], path: Path) -> None:
    """A panel a field: ratio against bound, both logarithmic, with Baler's share of the better peer at each bound."""
    names = list(dict.fromkeys(name for name, _ in results))
    bounds = list(dict.fromkeys(share for _, share in results))
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    plt.rcParams.update({"font.size": 8, "svg.fonttype": "none", "svg.hashsalt": "baler", "axes.spines.top": False})
    figure, panels = plt.subplots(rows, columns, figsize=(3 * columns, 2.4 * rows), squeeze=False, layout="constrained")
    for panel in panels.flat[len(names) :]:
        panel.axis("off")
    for name, panel in zip(names, panels.flat, strict=False):
        for codec in codecs:
            ratio = [results[name, share][codec].ratio for share in bounds]
            wide = codec == "Baler"
            panel.plot(bounds, ratio, "o-", ms=3, lw=2 if wide else 1.2, color=COLOURS[codec], label=codec, zorder=3 if wide else 2)
        for share in bounds:
            row = results[name, share]
            gain = row["Baler"].ratio / max(row[c].ratio for c in codecs if c in PEERS)
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
    figure.legend(handles, labels, loc="outside upper center", ncols=len(codecs), frameon=False)
    figure.supxlabel("bound, as a share of the range (finer to the right); numbers: Baler / better peer")
    figure.supylabel("compression ratio")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
