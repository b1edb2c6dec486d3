"""Runs every model of a folder in onnxruntime beside what the library gave: float within 1e-5 of what each column spans,
integers to the last bit."""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

folder = Path(sys.argv[1])
failures = []


def run(path: Path, **inputs: np.ndarray) -> dict[str, np.ndarray]:
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def values(name: str, dtype: str, rows: int) -> np.ndarray:
    return np.fromfile(folder / name, dtype).reshape(rows, -1)


def close(what: str, got: np.ndarray, expected: np.ndarray, rows: np.ndarray) -> None:
    span = np.maximum(np.ptp(rows, axis=0), np.ptp(expected, axis=0))
    miss = np.abs(got - expected).max(axis=0) / np.where(span > 0, span, 1)
    if not (got.shape == expected.shape and miss.max() <= 1e-5):
        failures.append(f"{what}: off by {miss.max():.2e} of a column")


def same(what: str, got: np.ndarray, expected: np.ndarray) -> None:
    if got.shape != expected.shape or got.tobytes() != expected.tobytes():
        failures.append(f"{what}: {np.count_nonzero(got != expected)} of {expected.size} differ")


for name in sorted(path.name.removesuffix(".rows") for path in folder.glob("*.rows")):
    rows = values(f"{name}.rows", "<f8", 70)
    expected = values(f"{name}.float", "<f8", 70)
    both = run(folder / f"{name}.float.both.onnx", rows=rows)
    close(f"{name}, float", both["reconstruction"], expected, rows)
    latents = run(folder / f"{name}.float.encoder.onnx", rows=rows)["latents"]
    decoded = run(folder / f"{name}.float.decoder.onnx", latents=latents)["reconstruction"]
    close(f"{name}, float, in two", decoded, expected, rows)
    exact, whole = values(f"{name}.integer", "<f8", 70), values(f"{name}.latents", "<i8", 70)
    both = run(folder / f"{name}.integer.both.onnx", rows=rows)
    same(f"{name}, integer latents", both["latents"], whole)
    same(f"{name}, integer", both["reconstruction"], exact)
    latents = run(folder / f"{name}.integer.encoder.onnx", rows=rows)["latents"]
    decoded = run(folder / f"{name}.integer.decoder.onnx", latents=latents)["reconstruction"]
    same(f"{name}, integer, in two", decoded, exact)

print("\n".join(failures) or "all agree")
sys.exit(bool(failures))
