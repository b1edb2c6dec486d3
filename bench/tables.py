"""Baler beside general and numerical compressors on tables: real particles and events, and made jets.

The peers know no bounds, so they get the integers that a bound leaves: each float column in steps of twice its
bound, or as ranks in a dictionary of its values where these are few, and whole numbers as they are; where nothing
may be lost, the columns in their own types. Each peer keeps the smaller of its layouts for each column, and its side
information (steps, dictionaries) is not counted.
"""

import argparse
import csv
import lzma
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import zstandard
from pcodec import ChunkConfig, standalone

import baler
import record

FEW = 300  # values that make a dictionary
NOTE = (
    "Rows in file order; ratio against 32-bit columns; floats within a share of their column's standard deviation, "
    "whole numbers exact; or all lossless (text as codes of one byte for the peers). One thread. All of Baler's bytes are "
    "counted, of the peers' not their side information. MB are of 32-bit columns; times of the peers are of the layouts kept."
)


class Case(NamedTuple):
    """A table and how much of each column's standard deviation may be lost; 0 is nothing."""

    name: str
    share: float
    columns: list[np.ndarray]
    source: Path


def particles() -> tuple[list[np.ndarray], Path]:
    """CMS particle-flow candidates; all but the last five columns are f32."""
    source = record.data("cms_pfcands.npz")
    data = np.load(source)["data"]
    last = data.shape[1] - 5
    return [data[:, j].astype("<i4" if j >= last else "<f4") for j in range(data.shape[1])], source


def electrons() -> tuple[list[np.ndarray], Path]:
    """CMS di-electron events; two columns are text."""
    source = record.data("cms_zee.csv")
    with source.open() as lines:
        rows = [row for row in csv.reader(lines) if row]
    columns = []
    for cells in zip(*(row for row in rows[1:] if len(row) == len(rows[0])), strict=True):
        try:
            x = np.array([float(cell) for cell in cells])
        except ValueError:
            columns.append(np.unique(cells, return_inverse=True)[1].astype("u1"))
        else:
            columns.append(x.astype("<i4") if np.all(x == np.round(x)) else x)
    return columns, source


def save(columns: list[np.ndarray], path: Path) -> Path:
    """A table of numbers as Baler takes it."""
    np.savez(path, data=np.stack(columns, axis=1).astype(np.float64), names=[f"c{j}" for j in range(len(columns))])
    return path


def cases(folder: Path, jets: int) -> Iterable[Case]:
    """The tables measured; made files go into a folder."""
    columns, source = particles()
    for share in (1e-3, 1e-4):
        yield Case("cms_pfcands", share, columns, source)
    yield Case("cms_pfcands", 0, columns, source)
    columns, source = electrons()
    numbers = [x for x in columns if x.dtype != np.uint8]
    yield Case("cms_zee, numbers", 1e-3, numbers, save(numbers, folder / "zee.npz"))
    yield Case("cms_zee", 0, columns, source)
    if jets:
        made = folder / "jets.npz"
        baler.run("synth", "jets", "--size", str(jets), "-o", str(made), "--force")
        data = np.load(made)["data"]
        for share in (1e-3, 1e-2):
            yield Case(f"made jets, {jets} rows", share, [data[:, j] for j in range(data.shape[1])], made)


Pack = Callable[[np.ndarray], bytes]
Unpack = Callable[[bytes, np.ndarray], np.ndarray]


def zstd_pack(x: np.ndarray) -> bytes:
    return zstandard.ZstdCompressor(level=19).compress(x.tobytes())


def zstd_unpack(coded: bytes, like: np.ndarray) -> np.ndarray:
    return np.frombuffer(zstandard.ZstdDecompressor().decompress(coded), like.dtype)


def xz_pack(x: np.ndarray) -> bytes:
    return lzma.compress(x.tobytes(), preset=9)


def xz_unpack(coded: bytes, like: np.ndarray) -> np.ndarray:
    return np.frombuffer(lzma.decompress(coded), like.dtype)


def pco_pack(x: np.ndarray) -> bytes:
    return standalone.simple_compress(x, ChunkConfig(compression_level=12))


def pco_unpack(coded: bytes, like: np.ndarray) -> np.ndarray:
    return standalone.simple_decompress(coded)


def narrow(k: np.ndarray, widths: Iterable[type]) -> np.ndarray:
    """Integers from 0 in the narrowest of some unsigned types."""
    return k.astype(next(t for t in widths if k.max() <= np.iinfo(t).max))


def whole(x: np.ndarray) -> bool:
    return bool(np.all(x == np.round(x)))


def quantised(x: np.ndarray, share: float) -> list[np.ndarray]:
    """The integers that a column may be handed over as, each from 0: its steps and, if few, its ranks."""
    x = x.astype(np.float64)
    values, ranks = np.unique(x, return_inverse=True)
    step = 1.0 if whole(x) else 2 * share * x.std()
    steps = np.round((x - x.min()) / step).astype(np.int64)
    assert np.abs(steps * step + x.min() - x).max() <= step / 2 * (1 + 1e-9)
    return [steps, ranks] if len(values) <= FEW else [steps]


def planes(x: np.ndarray) -> np.ndarray:
    """Bytes by their place in each number."""
    return np.ascontiguousarray(x.view(np.uint8).reshape(len(x), -1).T).ravel()


def peer(pack: Pack, unpack: Unpack, columns: list[list[np.ndarray]], megabytes: float) -> dict[str, Any]:
    """Figures of one peer over columns, each with its choice of layouts."""
    size, encode_s, decode_s = 0, 0.0, 0.0
    for layouts in columns:
        done = []
        for x in layouts:
            start = perf_counter()
            coded = pack(x)
            middle = perf_counter()
            back = unpack(coded, x)
            done.append((len(coded), middle - start, perf_counter() - middle))
            assert np.array_equal(back, x)
        best = min(done)
        size, encode_s, decode_s = size + best[0], encode_s + best[1], decode_s + best[2]
    return {"bytes": size, "encode_mb_s": megabytes / encode_s, "decode_mb_s": megabytes / decode_s}


def peers(case: Case, megabytes: float) -> dict[str, dict[str, Any]]:
    """Figures of the peers, by name."""
    if case.share:
        integers = [quantised(x, case.share) for x in case.columns]
        small = [[narrow(k, (np.uint8, np.uint16, np.uint32)) for k in ks] for ks in integers]
        for_pco = [[narrow(k, (np.uint16, np.uint32)) for k in ks] for ks in integers]
    else:
        small = [[x] for x in case.columns]
        for_pco = [[x if x.itemsize > 1 else x.astype(np.uint16)] for x in case.columns]
    for_bytes = [ks + [planes(k) for k in ks] for ks in small]
    results = {
        "zstd -19": peer(zstd_pack, zstd_unpack, for_bytes, megabytes),
        "pcodec 12": peer(pco_pack, pco_unpack, for_pco, megabytes),
    }
    if not case.share:
        results["xz -9"] = peer(xz_pack, xz_unpack, for_bytes, megabytes)
    return results


def ours(case: Case, megabytes: float) -> dict[str, Any]:
    """Figures of Baler through the command line. `worst` is the largest error as a share of its column's bound."""
    with tempfile.TemporaryDirectory() as folder:
        archive, out = Path(folder) / "out.blr", Path(folder) / ("out" + case.source.suffix)
        bound = ["--std", repr(case.share)] if case.share else ["--lossless"]
        encode_s = baler.compress(case.source, archive, *bound)
        decode_s = baler.decompress(archive, out)
        figures = {
            "bytes": archive.stat().st_size,
            "encode_mb_s": megabytes / encode_s,
            "decode_mb_s": megabytes / decode_s,
        }
        if not case.share:
            baler.run("verify", archive, "--against", case.source)
            return figures | {"worst": 0.0}
        back = np.load(out)["data"].astype(np.float64)
    worst = 0.0
    for j, x in enumerate(case.columns):
        error = np.abs(back[:, j] - x.astype(np.float64)).max()
        worst = max(worst, error / (case.share * x.astype(np.float64).std()) if error else 0.0)
        if whole(x) and error:
            worst = np.inf
    return figures | {"worst": float(worst)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["peers", "Baler"], help="measure these alone")
    parser.add_argument("--jets", type=int, default=100_000, help="rows of made jets; 0 leaves them out")
    parser.add_argument("--quick", action="store_true", help="write no record")
    args = parser.parse_args()
    baler.require()

    about = record.about(with_baler=args.only != "peers")
    results: dict[str, dict[str, Any]] = {}
    lines, broken = [], False
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(Path(folder), args.jets):
            original = 4 * sum(len(x) for x in case.columns)
            rows, megabytes = len(case.columns[0]), original / 1e6
            title = f"{case.name}, {case.share:g}" if case.share else f"{case.name}, lossless"
            done = {} if args.only == "Baler" else peers(case, megabytes)
            best = min((r["bytes"] for r in done.values()), default=None)
            if args.only != "peers":
                done["Baler"] = ours(case, megabytes)
                # The deviation itself is a rounded sum, hence the slack.
                broken |= done["Baler"]["worst"] > 1 + 1e-9
            for name, r in done.items():
                r |= {"ratio": original / r["bytes"], "bits_a_row": 8 * r["bytes"] / rows}
                lead = f"{best / r['bytes']:.3f}" if best else ""
                speed = f"{r['encode_mb_s']:.1f} / {r['decode_mb_s']:.0f}"
                worst = f"{r['worst']:.6f}" if "worst" in r else ""
                line = [title, name, str(r["bytes"]), f"{r['bits_a_row']:.1f}", f"{r['ratio']:.2f}", lead, speed, worst]
                lines.append(line)
                print("  ".join(line), flush=True)
            results[title] = done
    heads = ["table", "codec", "bytes", "bits a row", "ratio", "to best peer", "MB/s in / out", "largest error / bound"]
    text = record.heading(about, "Tables", NOTE) + "\n" + record.table(heads, lines)
    print(text)
    if not args.quick:
        record.write(about, f"tables-{args.only.lower()}" if args.only else "tables", results, text)
    if broken:
        print("Baler broke its bound", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
