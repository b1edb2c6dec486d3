"""Seconds an epoch of training takes, and the losses it comes to: this project beside PyTorch, the same layers, first
parameters, data, batches and threads, Adam.

    python bench/train_torch.py [--threads 2] [--epochs 10] [--rounds 3] [--cases AE CFD_dense_AE Conv_AE PJ_Conv_AE]
                                [--precision f32 | f64] [--drift]

The two run in turn, `rounds` times, each epoch timed; the least of each counts, so that a busy machine hurts both
alike. Layers come from the zoo, which `benches/train.rs` describes. Cases of one day join one record.

In float64 the losses agree to some 1e-12 and more; in float32 each program rounds in its own order, and training
carries the difference far.

With --drift the losses of each epoch are compared with PyTorch's in float64, and beside them those of float64 from first
parameters moved by less than float32 rounds them: what comes of that, no float32 can be expected to keep. `Conv_AE` takes
13 GB then.
"""

import argparse
import gc
import json
import math
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import torch
from torch import nn

import record

ROOT = pathlib.Path(__file__).resolve().parent.parent
BATCH = 512
ROWS = {"AE": 100_000, "CFD_dense_AE": 60, "Conv_AE": 60, "PJ_Conv_AE": 10_000}


def bench(*arguments):
    command = ["cargo", "bench", "-q", "-p", "baler", "--bench", "train", "--", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def module(layer, shape):
    """A layer of the architecture's JSON, for rows of this shape."""
    axes, channels = len(shape) - 1, shape[0]
    match layer["kind"]:
        case "dense":
            return nn.Linear(channels, layer["outputs"])
        case "conv" | "conv_transposed" as kind:
            name = "Conv" if kind == "conv" else "ConvTranspose"
            names = ("stride", "padding", "output_padding")
            options = {key: layer[key] for key in names if key in layer}
            return getattr(nn, f"{name}{axes}d")(channels, layer["channels"], layer["kernel"], **options)
        case "batch_norm":
            return getattr(nn, f"BatchNorm{max(axes, 1)}d")(channels)
        case "leaky_relu":
            return nn.LeakyReLU(layer["slope"])
        case "relu":
            return nn.ReLU()
        case "flatten":
            return nn.Flatten()
        case "reshape":
            return nn.Unflatten(1, layer["shape"])
        case kind:
            raise SystemExit(f"{kind} is in no case")


def network(architecture):
    layers, x = [], torch.zeros(2, *architecture["input"])
    for layer in architecture["encoder"] + architecture["decoder"]:
        layers.append(module(layer, x.shape[1:]))
        x = layers[-1](x)
    return nn.Sequential(*layers)


def pytorch(architecture, data, start, epochs, dtype=torch.float32):
    model = network(architecture).to(dtype)
    flat = torch.from_numpy(start)
    for p in model.parameters():
        p.data.copy_(flat[: p.numel()].view_as(p))
        flat = flat[p.numel() :]
    for layer in model:
        if hasattr(layer, "reset_running_stats"):
            layer.reset_running_stats()
    optimiser = torch.optim.Adam(model.parameters())
    features = math.prod(architecture["input"])
    data = torch.from_numpy(data).to(dtype).view(-1, *architecture["input"])
    seconds, losses = [], []
    for _ in range(epochs):
        begun, total = time.perf_counter(), 0.0
        batches = data.split(BATCH)
        for x in batches:
            loss = ((model(x).view_as(x) - x) ** 2).sum() / features
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item()
        seconds.append(time.perf_counter() - begun)
        losses.append(total / len(batches))
    return seconds, losses


def moved(start):
    """The parameters in float64, each moved by up to half of what float32 resolves."""
    generator, out = np.random.default_rng(2), start.astype(np.float64)
    for part in np.array_split(out, len(out) // 2**20 + 1):
        part *= 1 + generator.uniform(-1, 1, len(part)) * 2.0**-25
    return out


def show_drift(architecture, data, start, epochs, ours, theirs):
    exact = pytorch(architecture, data, start, epochs, torch.float64)[1]
    gc.collect()
    start = moved(start)
    nearby = pytorch(architecture, data, start, epochs, torch.float64)[1]
    print("  apart from float64 by, epoch by epoch:")
    for name, losses in [("baler", ours), ("PyTorch", theirs), ("float64 moved", nearby)]:
        print(f"  {name:13}", *(f"{abs(loss / e - 1):.1e}" for loss, e in zip(losses, exact)), flush=True)


def compare(case, args, folder):
    architecture = json.loads(bench(case, "--describe"))
    features = math.prod(architecture["input"])
    generator = np.random.default_rng(1)
    rows = np.linspace(0, 1, ROWS[case])[:, None] + generator.random((ROWS[case], 3)) @ np.eye(3, features)
    waves = 0.5 + 0.4 * np.sin(rows * 7 + np.linspace(0, 12, features)) + 0.1 * generator.random(rows.shape)
    data = waves.astype(np.float32).reshape(-1)
    torch.manual_seed(1)
    start = np.concatenate([p.detach().reshape(-1).numpy() for p in network(architecture).parameters()])
    data.tofile(folder / "data.f32")
    start.tofile(folder / "start.f32")
    dtype = {"f32": torch.float32, "f64": torch.float64}[args.precision]
    ours, theirs = [], []
    for _ in range(args.rounds):
        lines = [line.split() for line in bench(case, args.threads, args.epochs, folder, args.precision).splitlines()]
        ours += [float(seconds) for seconds, _ in lines]
        seconds, losses = pytorch(architecture, data, start, args.epochs, dtype)
        theirs += seconds
        gc.collect()
    lines = [float(loss) for _, loss in lines]
    ending, expected = lines[-1], losses[-1]
    print(f"{case}, {args.precision}: {len(start)} parameters", flush=True)
    print(f"  baler   {min(ours):.4f} s an epoch (median {sorted(ours)[len(ours) // 2]:.4f})")
    print(f"  PyTorch {min(theirs):.4f} s an epoch (median {sorted(theirs)[len(theirs) // 2]:.4f})")
    print(f"  ratio   {min(theirs) / min(ours):.2f} (least of each)")
    print(f"  loss after {args.epochs} epochs {ending:.7g} and {expected:.7g}, apart by {abs(ending / expected - 1):.1e}", flush=True)
    if args.drift:
        show_drift(architecture, data, start, args.epochs, lines, losses)
    return {
        "parameters": len(start), "epochs": args.epochs, "rounds": args.rounds,
        "baler_s": min(ours), "torch_s": min(theirs), "baler_loss": ending, "torch_loss": expected,
    }  # fmt: skip


def keep(args, about, results):
    """A record; cases of the same day join it."""
    about["versions"]["torch"] = torch.__version__
    kind = f"train-{args.precision}"
    earlier = record.RECORDS / f"{about['date']}-{kind}.json"
    if earlier.exists():
        results = json.loads(earlier.read_text())["results"] | results
    note = (
        f"Seconds an epoch in {args.precision} on {args.threads} threads, batches of {BATCH}, the two in turns, the least of all rounds; "
        "and the losses of the last epoch from the same first parameters, relative to each other."
    )
    heads = ["model", "parameters", "rounds x epochs", "Baler, s", "PyTorch, s", "ratio", "losses apart by"]
    lines = [
        [
            case,
            str(r["parameters"]),
            f"{r['rounds']} x {r['epochs']}",
            f"{r['baler_s']:.4f}",
            f"{r['torch_s']:.4f}",
            f"{r['torch_s'] / r['baler_s']:.2f}",
            f"{abs(r['baler_loss'] / r['torch_loss'] - 1):.1e}",
        ]
        for case, r in sorted(results.items())
    ]
    text = record.heading(about, "Training beside PyTorch", note)
    record.write(about, kind, results, text + "\n" + record.table(heads, lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--precision", default="f32", choices=["f32", "f64"])
    parser.add_argument("--drift", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    about = record.about(with_baler=True)
    with tempfile.TemporaryDirectory() as folder:
        results = {case: compare(case, args, pathlib.Path(folder)) for case in args.cases}
    if not args.drift:
        keep(args, about, results)


if __name__ == "__main__":
    main()
