"""Seconds an epoch of training takes: this project beside PyTorch, same model, data shape and threads.

    python bench/train_torch.py [--threads 2] [--epochs 5] [--rounds 3]

A dense autoencoder 24-200-100-50-15 and its mirror, LeakyReLU, 100 000 rows, batches of 512, Adam, float32. The
two run in turn, `rounds` times, each epoch timed; the least of each counts, so that a busy machine hurts both
alike. Without PyTorch only this project's figure is printed.
"""

import argparse
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WIDTHS = [24, 200, 100, 50, 15, 50, 100, 200, 24]
ROWS, BATCH = 100_000, 512


def baler(threads, epochs):
    command = ["cargo", "bench", "-q", "-p", "baler", "--bench", "train", "--", str(threads), str(epochs)]
    out = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [float(line) for line in out.split()]


def pytorch(torch, threads, epochs):
    torch.set_num_threads(threads)
    layers = []
    for i, (inputs, outputs) in enumerate(zip(WIDTHS, WIDTHS[1:])):
        layers.append(torch.nn.Linear(inputs, outputs))
        if i not in (3, 7):
            layers.append(torch.nn.LeakyReLU(0.01))
    model = torch.nn.Sequential(*layers)
    optimiser = torch.optim.Adam(model.parameters())
    data = torch.rand(ROWS, WIDTHS[0])
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        order = torch.randperm(ROWS)
        for batch in order.split(BATCH):
            x = data[batch]
            loss = ((model(x) - x) ** 2).sum() / WIDTHS[0]
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        seconds.append(time.perf_counter() - start)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    try:
        import torch
    except ImportError:
        torch = None
    ours, theirs = [], []
    for _ in range(args.rounds):
        ours += baler(args.threads, args.epochs)
        if torch:
            theirs += pytorch(torch, args.threads, args.epochs)
    print(f"baler   {min(ours):.3f} s an epoch (median {sorted(ours)[len(ours) // 2]:.3f})")
    if torch:
        print(f"PyTorch {min(theirs):.3f} s an epoch (median {sorted(theirs)[len(theirs) // 2]:.3f})")
        print(f"ratio   {min(theirs) / min(ours):.2f} (least of each)")


if __name__ == "__main__":
    main()
