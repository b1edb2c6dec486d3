"""Baler beside general and numerical compressors on a table of particles, 1e-3 of each column's deviation.

The peers know no bounds, so they get the integers that a bound leaves: each float column in steps of twice its
bound, or as ranks in a dictionary of its values where these are few, and whole numbers as they are. Each peer
keeps the smaller of its layouts for each column, and its side information (steps, dictionaries) is not counted.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import zstandard
from pcodec import ChunkConfig, standalone

import baler
import record

TABLE = "cms_pfcands.npz"
SHARE = 1e-3  # of each column's standard deviation
WHOLE = 5  # the last columns: integers, to be kept exact
FEW = 300  # values that make a dictionary
NOTE = (
    f"{TABLE}, rows in file order; ratio against 32-bit columns; floats within {SHARE:g} of their column's "
    "standard deviation, the last five columns exact; one thread; the peers' side information is not counted, "
    "Baler's is. MB are of 32-bit columns; times of the peers are of the layouts kept."
)

Pack = Callable[[np.ndarray], bytes]
Unpack = Callable[[bytes, np.ndarray], np.ndarray]


def zstd_pack(x: np.ndarray) -> bytes:
    return zstandard.ZstdCompressor(level=19).compress(x.tobytes())


def zstd_unpack(coded: bytes, like: np.ndarray) -> np.ndarray:
    return np.frombuffer(zstandard.ZstdDecompressor().decompress(coded), like.dtype)


def pco_pack(x: np.ndarray) -> bytes:
    return standalone.simple_compress(x, ChunkConfig(compression_level=12))


def pco_unpack(coded: bytes, like: np.ndarray) -> np.ndarray:
    return standalone.simple_decompress(coded)


def narrow(k: np.ndarray, widths: Iterable[type]) -> np.ndarray:
    """Integers from 0 in the narrowest of some unsigned types."""
    return k.astype(next(t for t in widths if k.max() <= np.iinfo(t).max))


def quantised(x: np.ndarray, whole: bool) -> list[np.ndarray]:
    """The integers that a column may be handed over as, each from 0: its steps and, if few, its ranks."""
    values, ranks = np.unique(x, return_inverse=True)
    step = 1.0 if whole else 2 * SHARE * x.std()
    steps = np.round((x - x.min()) / step).astype(np.int64)
    assert np.abs(steps * step + x.min() - x).max() <= step / 2 * (1 + 1e-9)
    return [steps, ranks] if len(values) <= FEW else [steps]


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


def ours(source: Path, data: np.ndarray, megabytes: float) -> dict[str, Any]:
    """Figures of Baler through the command line. `worst` is the largest error as a share of its column's bound."""
    with tempfile.TemporaryDirectory() as folder:
        archive, out = Path(folder) / "out.blr", Path(folder) / "out.npz"
        encode_s = baler.compress(source, archive, "--std", repr(SHARE))
        decode_s = baler.decompress(archive, out)
        error = np.abs(np.load(out)["data"].astype(np.float64) - data).max(axis=0)
        size = archive.stat().st_size
    return {
        "bytes": size,
        "encode_mb_s": megabytes / encode_s,
        "decode_mb_s": megabytes / decode_s,
        "worst": float((error / (SHARE * data.std(axis=0))).max()),
        "whole_exact": bool((error[-WHOLE:] == 0).all()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["peers", "Baler"], help="measure these alone")
    parser.add_argument("--quick", action="store_true", help="write no record")
    args = parser.parse_args()
    if args.only != "peers":
        baler.require()

    source = record.data(TABLE)
    data = np.load(source)["data"]
    rows, count = data.shape
    original = 4 * rows * count
    about = record.about(with_baler=args.only != "peers")
    results: dict[str, dict[str, Any]] = {}
    if args.only != "Baler":
        columns = [data[:, j] for j in range(count)]
        raw = [[x.astype("<i4" if j >= count - WHOLE else "<f4")] for j, x in enumerate(columns)]
        integers = [quantised(x, j >= count - WHOLE) for j, x in enumerate(columns)]
        small = [[narrow(k, (np.uint8, np.uint16, np.uint32)) for k in ks] for ks in integers]
        planes = [[np.ascontiguousarray(k.view(np.uint8).reshape(rows, -1).T).ravel() for k in ks] for ks in small]
        for_zstd = [plain + split for plain, split in zip(small, planes, strict=True)]
        for_pco = [[narrow(k, (np.uint16, np.uint32)) for k in ks] for ks in integers]
        results |= {
            "zstd -19, lossless": peer(zstd_pack, zstd_unpack, raw, original / 1e6),
            "pcodec 12, lossless": peer(pco_pack, pco_unpack, raw, original / 1e6),
            "zstd -19, quantised": peer(zstd_pack, zstd_unpack, for_zstd, original / 1e6),
            "pcodec 12, quantised": peer(pco_pack, pco_unpack, for_pco, original / 1e6),
        }
    if args.only != "peers":
        results["Baler"] = ours(source, data, original / 1e6)

    best = min((r["bytes"] for name, r in results.items() if name != "Baler"), default=None)
    lines = []
    for name, r in results.items():
        r |= {"ratio": original / r["bytes"], "bits_a_row": 8 * r["bytes"] / rows}
        lead = f"{best / r['bytes']:.3f}" if best else ""
        speed = f"{r['encode_mb_s']:.1f} / {r['decode_mb_s']:.0f}"
        worst = f"{r['worst']:.6f}" if "worst" in r else ""
        lines.append([name, str(r["bytes"]), f"{r['bits_a_row']:.1f}", f"{r['ratio']:.2f}", lead, speed, worst])
    heads = ["codec", "bytes", "bits a row", "ratio", "to best peer", "MB/s in / out", "largest error / bound"]
    text = record.heading(about, "Tables", NOTE) + "\n" + record.table(heads, lines)
    print(text)
    if not args.quick:
        record.write(about, f"tables-{args.only.lower()}" if args.only else "tables", results, text)
    # The deviation itself is a rounded sum, hence the slack.
    if "Baler" in results and (results["Baler"]["worst"] > 1 + 1e-9 or not results["Baler"]["whole_exact"]):
        print("Baler broke its bound", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
