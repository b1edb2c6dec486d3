"""All nine models of the zoo on real data, from training to decoding, by the command: what the frozen network misses beside
the float one, and that archives with and without a bound decode to the same bytes on one thread and on two.

    python bench/zoo.py [--only MODEL...]      with some models alone, no record

Then `CFD_dense_AE` as the Python prototype's own example has it (2000 epochs, ratio 100, batches of 75, no normalisation): the
root mean square of what is lost, in percent of the field's range.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import baler
import record

TABLE, FIELD = "cms_pfcands.npz", "CFD_animation.npz"
FRAMES = ("--batch-size", "15", "--ratio", "100")
ROWS = ("--ratio", "1.6", "--epochs", "20")
# Data, the shape of a block if it is no row or frame, options.
MODELS = {
    "AE": (TABLE, None, ROWS),
    "AE_Dropout_BN": (TABLE, None, ROWS),
    "FPGA_prototype_model": (TABLE, None, ROWS),
    "TransformerAE": (TABLE, None, ROWS),
    "CFD_dense_AE": (FIELD, None, (*FRAMES, "--epochs", "200")),
    "Conv_AE": (FIELD, None, (*FRAMES, "--epochs", "5")),
    "Conv_AE_GDN": (FIELD, None, (*FRAMES, "--epochs", "5")),
    "Conv_AE_3D": (FIELD, (10, 25, 25), (*FRAMES, "--epochs", "5")),
    "PJ_Conv_AE": (FIELD, None, (*FRAMES, "--epochs", "50")),
}
PROTOTYPE = "--ratio 100 --epochs 2000 --batch-size 75 --validation 0 --normalisation none --no-shuffle --plateau 2000".split()
BOUND = ("--rel", "1e-3")
NOTE = (
    f"Rows of {TABLE}, frames of {FIELD} (of Conv_AE_3D: tiles of 10 x 25 x 25). RMSE of normalised values; `archive` is with "
    "`--bound-none`, without the model's bytes. Every archive, within a thousandth of the range and without a bound, was decoded on "
    "one thread and on two to the same bytes, and verified."
)


def run(*args: str | Path) -> str:
    """What a command prints. Ends the program where it fails."""
    done = subprocess.run(args, capture_output=True, text=True)
    if done.returncode:
        print(f"{' '.join(map(str, args))}: exit {done.returncode}\n{done.stderr}", file=sys.stderr)
        sys.exit(1)
    return done.stdout


def rows(data: Path, block: tuple[int, ...] | None) -> np.ndarray:
    """The rows that a model is trained on."""
    values = np.load(data)["data"].astype("f8")
    if block is None:
        return values.reshape(len(values), -1)
    cut = values.reshape([n for size, b in zip(values.shape, block, strict=True) for n in (size // b, b)])
    return cut.transpose(0, 2, 4, 1, 3, 5).reshape(-1, int(np.prod(block)))


def round_trip(data: Path, model: Path, bound: tuple[str, ...], folder: Path) -> int:
    """Compresses and verifies; the archive's bytes without the model's."""
    archive = folder / "a.blr"
    options = (*bound, "--codec", "autoencoder", "--external-model", "--model", model, "--force", "--quiet")
    run(baler.BINARY, "compress", data, "-o", archive, *options)
    decoded = []
    for threads in ("1", "2"):
        out = folder / f"{threads}.npz"
        run(baler.BINARY, "decompress", archive, "-o", out, "--model", model, "--threads", threads, "--force", "--quiet")
        decoded.append(np.load(out)["data"].tobytes())
    if decoded[0] != decoded[1]:
        sys.exit(f"{model.stem}: other bytes on two threads than on one")
    run(baler.BINARY, "verify", archive, "--model", model, "--against", data)
    return archive.stat().st_size


def examine(name: str, folder: Path) -> dict[str, float]:
    """One model, from training to decoding."""
    source, block, options = MODELS[name]
    data, model = record.data(source), folder / f"{name}.safetensors"
    tiles = ("--tiles", ",".join(map(str, block))) if block else ()
    told = run(baler.BINARY, "train", data, "-o", model, "--model", name, *tiles, *options, "--json", "--quiet")
    rows(data, block).tofile(folder / "rows.f64")
    cost = json.loads(run("cargo", "run", "-q", "--release", "-p", "baler", "--example", "frozen", "--", model, folder / "rows.f64"))
    sizes = {kind: round_trip(data, model, bound, folder) for kind, bound in (("bound", BOUND), ("none", ("--bound-none",)))}
    model.unlink()
    trained = json.loads(told)
    return cost | {"epochs": trained["epochs"], "train_s": trained["seconds"], "bytes": sizes["none"], "bytes_in_bound": sizes["bound"]}


def prototypes_example(folder: Path) -> float:
    """The root mean square error of the prototype's example, in percent of the range."""
    data, model, archive, out = record.data(FIELD), folder / "m.safetensors", folder / "p.blr", folder / "p.npz"
    run(baler.BINARY, "train", data, "-o", model, "--model", "CFD_dense_AE", *PROTOTYPE, "--quiet")
    run(baler.BINARY, "compress", data, "-o", archive, "--bound-none", "--codec", "autoencoder", "--model", model, "--quiet")
    run(baler.BINARY, "decompress", archive, "-o", out, "--quiet")
    before, after = (np.load(path)["data"] for path in (data, out))
    return 100 * float(np.sqrt(np.mean((after - before) ** 2)) / np.ptp(before))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(MODELS))
    args = parser.parse_args()
    baler.require()
    about, results = record.about(with_baler=True), {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in args.only or MODELS:
            results[name] = r = examine(name, folder)
            print(f"{name:22} float {r['float']:.5f}  frozen {r['frozen']:.5f}  ratio {r['frozen'] / r['float']:.5f}", flush=True)
        if args.only:
            return
        example = prototypes_example(folder)
    print(f"the prototype's example: RMSE {example:.3f} % of the range")
    heads = ["model", "epochs", "float RMSE", "frozen RMSE", "ratio", "archive, bytes"]
    lines = [
        [name, str(r["epochs"]), f"{r['float']:.5f}", f"{r['frozen']:.5f}", f"{r['frozen'] / r['float']:.5f}", str(r["bytes"])]
        for name, r in results.items()
    ]
    text = [record.heading(about, "The zoo", NOTE), record.table(heads, lines)]
    text.append(f"\n`CFD_dense_AE` with the prototype's settings: RMSE {example:.3f} % of the range (the prototype's: 1.2 %).")
    record.write(about, "zoo", results | {"prototypes_example_rmse_percent": example}, "\n".join(text))


if __name__ == "__main__":
    main()
