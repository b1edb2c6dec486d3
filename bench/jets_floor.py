"""What the made jets cannot be coded in less than: the entropy of their generator's draws, about, at a bound, column by column.

Each column is given its parents in the generator (`crates/baler/src/synth/jets.rs`), other jets of the event included, and each draw's
density is the generator's own; what selection and sorting tell is left out, so that a floor is off by some tenths of a bit a
row for momenta and angles, and close for the rest. A codec knows neither the laws nor their constants, and has to learn them from the rows.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

import baler

BELL = np.log2(np.sqrt(2 * np.pi * np.e))  # differential entropy of a standard normal, in bits
NAMES = {
    "event": "event", "vertices": "PV_npvs", "met": "MET_pt", "trigger": "HLT_PFJet60", "pt": "Jet_pt", "eta": "Jet_eta", "phi": "Jet_phi",
    "mass": "Jet_mass", "area": "Jet_area", "shares": "Jet_chHEF to Jet_muEF", "n": "Jet_nConstituents", "charged": "Jet_nCharged",
    "b_tag": "Jet_btag", "qgl": "Jet_qgl", "flavour": "Jet_partonFlavour", "gen": "GenJet_pt", "jec": "Jet_jecFactor",
}  # fmt: skip


def entropy(counts: np.ndarray) -> float:
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log2(p)).sum())


def normal_cdf(x: np.ndarray) -> np.ndarray:
    """By a table: good to 1e-7."""
    grid = np.linspace(-9, 9, 180_001)
    density = np.exp(-grid * grid / 2)
    below = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return np.interp(x, grid, below / below[-1])


def bits_of_bins(edges: np.ndarray, mean: np.ndarray, deviation: float | np.ndarray) -> np.ndarray:
    """Entropy of a normal variable of each mean, told as its place among `edges`."""
    out = np.empty(len(mean))
    deviation = np.broadcast_to(deviation, mean.shape)
    for i in range(0, len(mean), 500):
        at = (edges[None] - mean[i : i + 500, None]) / deviation[i : i + 500, None]
        below = normal_cdf(at)
        p = np.diff(np.concatenate([np.zeros((len(at), 1)), below, np.ones((len(at), 1))], axis=1), axis=1)
        out[i : i + 500] = -(p * np.log2(np.maximum(p, 1e-300))).sum(axis=1)
    return out


def count_bits(mean: np.ndarray, spread: float) -> float:
    return float(bits_of_bins(np.arange(0.5, mean.max() * 3 + 20), mean, np.sqrt(mean * spread)).mean())


def floors(c: dict[str, np.ndarray], share: float) -> dict[str, float]:
    """Bits a row of each column; the caller's columns by NanoAOD's names."""
    rows = len(c["event"])
    rng = np.random.default_rng(1)
    some = rng.integers(0, rows, 4000)  # rows on which distributions are integrated
    step = {name: 2 * share * x.std() for name, x in c.items()}
    log_step = {name: np.log2(s) if s else 0.0 for name, s in step.items()}
    first = np.concatenate([[True], c["event"][1:] != c["event"][:-1]])
    events = first.sum() / rows
    pt, eta, flavour, gen = c["Jet_pt"], c["Jet_eta"], c["Jet_partonFlavour"], c["GenJet_pt"]
    vertices, n, charged = c["PV_npvs"], c["Jet_nConstituents"], c["Jet_nCharged"]
    gluon = (flavour == 21) | (flavour == 0)
    hardness = np.log2(pt / 15)
    central = np.abs(eta) < 2.5
    floor = {}
    # Of events: the gap to the next, and how many jets.
    jets = np.bincount(np.diff(np.append(np.flatnonzero(first), rows)))
    floor["event"] = events * (np.log2(700 * np.e) + entropy(jets))
    floor["vertices"] = events * count_bits(45 * np.exp2(-c["luminosityBlock"][some] / 1000), 1.5)
    # Missing momentum: about a Rayleigh variable of the soft remainder's width.
    soft = np.sqrt(3 + 0.25 * vertices) * 2
    floor["met"] = events * float((np.log2(soft / np.sqrt(2)) + (1 + 0.5772 / 2) / np.log(2)).mean() - log_step["MET_pt"])
    chance = 1 / (1 + np.exp(-(pt[first] - 60) / 4))
    chance = np.clip(chance, 1e-9, 1 - 1e-9)
    floor["trigger"] = events * float(-(chance * np.log2(chance) + (1 - chance) * np.log2(1 - chance)).mean())
    # A pair of hard partons has one momentum, two directions that know each other, and opposite azimuths.
    matched = flavour != 0
    event = np.cumsum(first) - 1
    key = np.stack([event, gen], axis=1)
    order = np.lexsort((np.arange(rows), gen, event))
    same = np.concatenate([[False], (key[order][1:] == key[order][:-1]).all(axis=1)])
    second = np.zeros(rows, bool)
    second[order] = same
    second &= matched
    paired = np.zeros(rows, bool)
    paired[order[:-1]] |= same[1:]
    paired &= matched
    lone = matched & ~second & ~paired
    width = np.sqrt(0.35**2 * vertices / np.where(matched, gen, pt) ** 2 + 0.8 / np.where(matched, gen, pt) + 0.0016)
    smear = BELL + np.log2(width * np.where(matched, gen, pt)) - log_step["Jet_pt"]
    soft_pt = np.log2(15 / 6) + 7 / 6 / np.log(2) - log_step["Jet_pt"]  # pile-up: a power law
    floor["pt"] = float(np.where(matched, smear, soft_pt).mean())
    grid = np.linspace(18, 3000, 2_000_000)
    density = grid**-5.0 / (1 + np.exp(-(grid - 40) / 5))
    density /= density.sum() * (grid[1] - grid[0])
    hard = -(density * np.log2(np.maximum(density, 1e-300))).sum() * (grid[1] - grid[0]) - log_step["GenJet_pt"]
    lead = np.maximum.reduceat(gen, np.flatnonzero(first))[event]
    rest = np.log2(np.maximum(0.8 * lead - 13, step["GenJet_pt"])) - log_step["GenJet_pt"]
    floor["gen"] = float(np.where(paired & ~second, hard, 0).mean() + np.where(lone, np.minimum(rest, hard), 0).mean())
    floor["gen"] += entropy(np.array([second.sum(), (matched & ~second).sum()]))
    one = BELL + np.log2(1.2)  # a boost of 1.1 and a side
    sided = BELL + np.log2(0.02 * np.sqrt(2)) + 0.8  # from the other, but for the side
    radiated = BELL + np.log2(1.3)
    etas = np.select([~matched, second, paired], [3.0, sided, one], radiated)
    floor["eta"] = float(etas.mean() - log_step["Jet_eta"])
    opposite = BELL + np.log2(0.01 * np.sqrt(2) * 2 * np.pi)
    floor["phi"] = float(np.where(second, opposite, np.log2(2 * np.pi)).mean() - log_step["Jet_phi"])
    mass = np.maximum(c["Jet_mass"], 1e-6)
    floor["mass"] = float(np.where(c["Jet_mass"] > 0, BELL + np.log2(0.32 * mass) - log_step["Jet_mass"], 0).mean())
    floor["area"] = float((BELL + np.log2(0.015 + 0.3 / pt)).mean() - log_step["Jet_area"])
    # Shares: the logarithms of their ratios are normal; leptons are uniform where they are.
    parts = [c[f"Jet_{p}"] for p in ("chHEF", "neHEF", "neEmEF", "chEmEF", "muEF")]
    hadrons = [np.maximum(p, 1e-9) for p in parts[:3]]
    three = np.log2(2 * np.pi * np.e * 0.45**2 * np.sqrt(3)) + sum(np.log2(p) for p in hadrons)
    three -= log_step["Jet_chHEF"] + log_step["Jet_neHEF"]
    two = BELL + np.log2(0.45 * np.sqrt(2)) + np.log2(hadrons[1]) + np.log2(hadrons[2]) - log_step["Jet_neHEF"]
    shares = np.where(parts[0] > 0, np.where(parts[1] > 0, three, 0), two)
    for p, name in zip(parts[3:], ("chEmEF", "muEF"), strict=True):
        there = p > 0
        floor_there = -np.log2(step[f"Jet_{name}"]) + np.log2(0.2)
        shares = shares + np.where(there, floor_there, 0)
        floor["shares"] = floor.get("shares", 0) + entropy(np.array([there.sum(), (~there).sum()]))
    # The last share is one less the others, known to their steps.
    u = rng.uniform(-0.5, 0.5, (2, 200_000)) * np.array([[step["Jet_chHEF"]], [step["Jet_neHEF"]]])
    last = np.round(u.sum(axis=0) / step["Jet_neEmEF"] + rng.uniform(0, 1, 200_000))
    floor["shares"] += float(shares.mean()) + entropy(np.unique(last, return_counts=True)[1])
    mean = (7 + 4.5 * hardness) * np.where(gluon, 1.5, 1) * (1 - 0.08 * np.abs(eta)) + 0.08 * vertices
    floor["n"] = count_bits(mean[some], 1.8)
    tracked = some[central[some]]
    floor["charged"] = float(
        bits_of_bins(np.arange(1.0, 200), n[tracked] * 0.58, 0.09 * n[tracked]).mean() * central.mean()
    )

    def score_edges(s: float) -> np.ndarray:
        """Where a classifier's steps begin, in its logit."""
        y = np.arange(s / 2, 1, s)
        p = np.clip((y + 0.02) / 1.04, 1e-9, 1 - 1e-9)
        return np.log(p / (1 - p))

    quark = np.abs(flavour)
    b = np.where(quark == 5, 3.0, np.where(quark == 4, -0.8, -3.6))
    tagged = some[(central & (charged > 0))[some]]
    floor["b_tag"] = float(bits_of_bins(score_edges(step["Jet_btag"]), b[tagged], 1.6).mean() * (central & (charged > 0)).mean())
    many = n / ((7 + 4.5 * hardness) * 1.25) - 1
    told = some[(charged >= 2)[some]]
    floor["qgl"] = float(bits_of_bins(score_edges(step["Jet_qgl"]), -5 * many[told], 1.2).mean() * (charged >= 2).mean())
    # Flavours: gluon or not by momentum, then one of nine.
    p = 1 / (1.2 + np.where(matched, gen, 40) / 250)
    kinds = np.array([0.45, 0.27, 0.12, 0.1, 0.06])
    each = entropy(kinds) - 0.6 * np.log2(0.6) - 0.4 * np.log2(0.4)
    flavours = np.where(matched, -(p * np.log2(p) + (1 - p) * np.log2(1 - p)) + (1 - p) * each, 0)
    told_by_b = -2 * 0.06 * 0.5  # pairs of heavy quarks share a flavour; what tags tell
    floor["flavour"] = float(flavours.mean() + entropy(np.array([matched.sum(), (~matched).sum()])) + told_by_b)
    # The correction is a function of what is known to its steps only.

    def correction(pt: np.ndarray, eta: np.ndarray) -> np.ndarray:
        edge = (np.abs(eta) - 2.9) / 0.25
        log = np.log2(pt)
        return 0.98 + 3 / log**2 + 0.006 * eta**2 + 0.09 / (1 + edge**2) - 0.02 * vertices / pt

    near = correction(pt, eta)
    # The deviation of what the steps of pt and eta leave open.
    by_pt = (correction(pt + step["Jet_pt"] / 2, eta) - correction(pt - step["Jet_pt"] / 2, eta)) / np.sqrt(12)
    by_eta = (correction(pt, eta + step["Jet_eta"] / 2) - correction(pt, eta - step["Jet_eta"] / 2)) / np.sqrt(12)
    spread = np.sqrt(by_pt**2 + by_eta**2) / step["Jet_jecFactor"]
    assert np.abs(near - c["Jet_jecFactor"]).max() < 1e-5
    where = rng.uniform(-0.5, 0.5, len(some))
    floor["jec"] = float(bits_of_bins(np.arange(-40.5, 41), where, np.maximum(spread[some], 1e-3)).mean())
    return floor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--share", type=float, default=1e-3, help="bound, of each float column's deviation")
    args = parser.parse_args()
    baler.require()
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "jets.npz"
        baler.run("synth", "jets", "--size", str(args.rows), "-o", str(made), "--force")
        file = np.load(made)
        columns = {str(name): file["data"][:, j] for j, name in enumerate(file["names"])}
    floor = floors(columns, args.share)
    for name, bits in floor.items():
        print(f"{NAMES[name]:26}{bits:8.2f}")
    print(f"{'all':26}{sum(floor.values()):8.2f} bits a row")


if __name__ == "__main__":
    main()
