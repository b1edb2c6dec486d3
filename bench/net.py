"""A model of tables on rows after those that it was trained on, beside what the same rows cost without it.

The model is trained on the first 70 % of a table of particles at 1e-3 of each column's deviation and codes the rest within the
same absolute bounds. `warmed` is what the rest adds to an archive of the first rows, which has learnt from them in the same
chunk; the model's own bytes are not counted in `net` and shown apart.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import baler
import record

TABLE = "cms_pfcands.npz"
SHARE = 0.7
NOTE = (
    f"{TABLE}: a model of the first {SHARE:.0%} of rows, the rest coded within the model's bounds; bits a row, all bytes of the "
    "archive but the model counted; MB are of 32-bit columns."
)


def save(folder: Path, name: str, data: np.ndarray, names: np.ndarray) -> Path:
    path = folder / f"{name}.npz"
    np.savez(path, data=data, names=names)
    return path


def bounds(model: Path) -> list[str]:
    """The bounds that a model was trained for, as flags."""
    told = subprocess.run([baler.BINARY, "info", model, "--json"], check=True, capture_output=True, text=True).stdout
    columns = json.loads(told)["columns"]
    return [flag for c in columns for flag in ("--bound", f"{c['name']}={c['bound']}")] + ["--lossless"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="write no record")
    args = parser.parse_args()
    baler.require()
    source = np.load(record.data(TABLE))
    data, names = source["data"], source["names"]
    cut = int(len(data) * SHARE)
    rows = len(data) - cut
    megabytes = 4 * rows * data.shape[1] / 1e6
    about = record.about(with_baler=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, rest = save(folder, "first", data[:cut], names), save(folder, "rest", data[cut:], names)
        whole, model = save(folder, "whole", data, names), folder / "model.safetensors"
        train_s = baler.run("train", "--kind", "table", first, "--std", "1e-3", "-o", model)
        size = {}
        for path in (first, rest, whole):
            baler.compress(path, folder / "plain.blr", *bounds(model))
            size[path] = (folder / "plain.blr").stat().st_size
        archive = folder / "net.blr"
        options = ("--model", str(model))
        encode_s = baler.compress(rest, archive, *options, "--external-model", "--codec", "table")
        decode_s = baler.decompress(archive, folder / "out.npz", *options)
        results = {
            "alone": size[rest],
            "warmed": size[whole] - size[first],
            "with the model": archive.stat().st_size,
            "model": model.stat().st_size,
            "train_s": train_s,
            "encode_mb_s": megabytes / encode_s,
            "decode_mb_s": megabytes / decode_s,
        }
    lines = [
        [name, str(results[name]), f"{8 * results[name] / rows:.2f}"] for name in ("alone", "warmed", "with the model")
    ]
    text = record.heading(about, "Models of tables", NOTE) + "\n"
    text += record.table(["rows after the sample", "bytes", "bits a row"], lines)
    text += f"\n\nThe model's file: {results['model']} bytes, trained in {train_s:.1f} s. "
    text += f"In {results['encode_mb_s']:.1f}, out {results['decode_mb_s']:.1f} MB/s, one thread, the choice between codes included.\n"
    print(text)
    if not args.quick:
        record.write(about, "net", results, text)


if __name__ == "__main__":
    main()
