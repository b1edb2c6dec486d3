"""Bad input: refused clearly, in one family of exceptions; nothing lost on the way."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import baler
from baler import errors

U = np.linspace(0, 1, 1000)

BAD = {
    "no bound": (lambda: baler.compress(U), "no error bound for 'data'. Say .*: rel=1e-3 .*abs=VALUE"),
    "two bounds": (lambda: baler.compress(U, abs=1, rel=1), "abs= and rel= are two bounds"),
    "zero bound": (lambda: baler.compress(U, abs=0), "loses nothing; say lossless"),
    "negative bound": (lambda: baler.compress(U, rel=-1), "must be a positive number"),
    "bound is NaN": (lambda: baler.compress(U, rel=float("nan")), "must be a positive number"),
    "bound of nobody": (lambda: baler.compress(U, rel=1, bounds={"w": "abs:1"}), "given for 'w'.* only data"),
    "bound of no kind": (lambda: baler.compress(U, bounds={"data": "absolute:1"}), "data: 'absolute' is no kind of bound"),
    "bound of no text": (lambda: baler.compress(U, bounds={"data": 1}), "want 'KIND:VALUE'"),
    "level": (lambda: baler.compress(U, rel=1e-3, level="best"), "'best' is no level"),
    "codec": (lambda: baler.compress(U, rel=1e-3, codec="zip"), "'zip' is no codec"),
    "threads": (lambda: baler.compress(U, rel=1e-3, threads=0), "threads= ?0 would do nothing"),
    "text as a bound": (lambda: baler.compress(U, rel="x"), "rel='x' is no number"),
    "bounds of no names": (lambda: baler.compress(U, bounds="abs:1"), "want bounds by name"),
    "text with a bound": (lambda: baler.compress({"x": ["a"]}, bounds={"x": "abs:1"}), "'x' is of type text, which is exact"),
    "fill": (lambda: baler.compress(U, rel=1, fill="q"), "fill='q' is no number"),
    "model of no kind": (lambda: baler.compress(U, rel=1, model=7), "model=7 is no model"),
    "missing model": (lambda: baler.decompress(b"", model="/nowhere/at/all"), "/nowhere/at/all: No such file"),
    "kind of model": (lambda: baler.train(U, kind="x"), "kind='x' is no kind of model"),
    "nothing to learn": (lambda: baler.train([], kind="field", abs=1), "no arrays to learn from"),
    "no model": (lambda: baler.compress(U, bound_none=True), "pure autoencoder: give model="),
    "objects": (lambda: baler.compress(np.array([1, None]), rel=1), "values of type object are not compressed"),
    "complex": (lambda: baler.compress(U + 1j, rel=1), "complex128 are not compressed; compress x.real"),
    "half": (lambda: baler.compress(U.astype("f2"), rel=1), "float16 are not compressed.*astype"),
    "text": (lambda: baler.compress(np.array(["a"]), lossless=True), "text is for the columns of tables"),
    "times": (lambda: baler.compress(np.zeros(3, "M8[s]"), lossless=True), "x.view.'int64'"),
    "records of two axes": (lambda: baler.compress(np.zeros((2, 2), "i4,f4"), rel=1), "x.ravel"),
    "records of objects": (lambda: baler.compress(np.zeros(2, "i4,O"), rel=1), "records of type"),
    "records in records": (lambda: baler.compress(np.zeros(2, [("a", [("b", "f4")])]), rel=1), "not compressed"),
    "masked": (lambda: baler.compress(np.ma.masked_less(U, 0.5), rel=1), "masks are not stored: give x.filled"),
    "masked column": (lambda: baler.compress({"x": np.ma.masked_less(U, 0.5)}, rel=1), "'x' is a masked array"),
    "mixed objects": (lambda: baler.compress({"x": np.array(["a", 1], object)}, rel=1), "'x': values of type object"),
    "bytes": (lambda: baler.compress({"x": np.array([b"\xff"])}, rel=1), "'x' holds bytes that are no ASCII"),
    "name": (lambda: baler.compress({1: np.zeros((2, 2))}, rel=1), "named by strings, not 1"),
    "axes": (lambda: baler.compress(np.zeros((1,) * 9), rel=1), "9 axes; at most 8"),
    "folder": (lambda: baler.save("/nowhere/at/all.blr", U, rel=1), "there is no folder /nowhere/at"),
    "missing file": (lambda: baler.open("/nowhere/at/all.blr"), "/nowhere/at/all.blr: No such file"),
    "nothing": (lambda: baler.decompress(b""), "ends inside the file's first bytes"),
    "no archive": (lambda: baler.decompress(b"PK\3\4" * 9), "this is no Baler archive"),
    "shapes": (lambda: baler.quality(U, U[1:]), "cannot be compared"),
    "another shape": (lambda: baler.verify(baler.compress(U, rel=1), U[1:]), r"the original is f64 \[999\]"),
}  # fmt: skip


SPELLED = {
    "say --rel 1e-3, --abs VALUE or --lossless": "say rel=1e-3, abs=VALUE or lossless=True",
    "give --model MODEL --codec autoencoder too": "give model=MODEL codec='autoencoder' too",
    "(--chunk-rows)": "(chunk_rows=)",
    "a bound: --bound u=rel:1e-3": "a bound: bounds={'u': 'rel:1e-3'}",
    "a bound: --bound field=rel:1e-3": "a bound: bounds={'field': 'rel:1e-3'}",
    "--model table.safetensors": "model= table.safetensors",
    "a/run--fast.npy, --x.blr": "a/run--fast.npy, --x.blr",
}


@pytest.mark.parametrize("text", SPELLED)
def test_flags_are_told_as_keywords_and_files_by_their_names(text: str) -> None:
    assert str(errors.told("BalerError", text)) == SPELLED[text]


@pytest.mark.parametrize("case", BAD)
def test_refused_with_words(case: str) -> None:
    call, words = BAD[case]
    with pytest.raises(baler.BalerError, match=words):
        call()


def test_classes_fit_pythons_own() -> None:
    with pytest.raises(ValueError):
        baler.compress(U)
    with pytest.raises(FileNotFoundError):
        baler.open("/nowhere")
    with pytest.raises(OSError):
        baler.load("/nowhere")
    with pytest.raises(FileNotFoundError):
        baler.Model.load("/nowhere")
    with pytest.raises(TypeError, match="unexpected keyword argument 'relative'"):
        baler.save("u.blr", U, relative=1)
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, Exception)]
    assert len(kinds) == 9 and all(issubclass(k, baler.BalerError) for k in kinds)


def test_every_cut_and_flipped_byte_is_an_error() -> None:
    archive = baler.compress({"u": U.reshape(10, 100), "n": np.arange(20).reshape(2, 10)}, rel=1e-3)
    whole = baler.decompress(archive)
    for cut in range(len(archive)):
        with pytest.raises(baler.BalerError):
            baler.decompress(archive[:cut])
    for at in range(len(archive)):
        damaged = bytearray(archive)
        damaged[at] ^= 0x55
        with pytest.raises(baler.BalerError):
            baler.decompress(bytes(damaged))
            pytest.fail(f"byte {at} is not guarded")
    assert np.array_equal(baler.decompress(archive)["n"], whole["n"])


def test_notes_of_a_stranger_do_no_harm(tmp_path: Path) -> None:
    from baler import _baler

    pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    field = ("data", "f32", (3,), np.zeros(12, "u1"))
    table = ("data", 3, [("x", "f32", 4, np.zeros(12, "u1"))])
    notes = [
        {"form": "array", "types": {"data": "O"}},
        {"form": "array", "types": {"data": ">f8"}},
        {"form": "array", "types": {"data": "i4,O"}},
        {"form": "array", "types": {"data": "nonsense"}},
        {"form": "pandas", "dtypes": {"x": "nonsense"}},
        {"form": "pandas", "index": ["x", "y"], "dtypes": 3},
        {"form": "arrow", "schema": "AAAA"},
        {"form": "array", "types": ["data"]},
        {"form": "array", "types": {"data": {"data": 3}}},
        "nonsense",
    ]
    for i, note in enumerate(notes):
        wanted = {
            "bound": "lossless", "bounds": [], "level": "default", "embed": True, "codec": None, "fill": None,
            "chunk": None, "chunk_rows": None, "threads": 1, "description": json.dumps({"python": note}),
        }  # fmt: skip
        archive = _baler.compress([table if 3 < i < 7 else field], wanted)
        if i < 7:
            with pytest.raises(baler.BalerError, match="note"):
                baler.decompress(archive)
        else:
            assert np.array_equal(baler.decompress(archive), np.zeros(3))


def test_a_progress_that_raises_ends_it() -> None:
    seen = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        baler.compress(np.random.default_rng(1).normal(size=(64, 200, 200)), rel=1e-4, chunk=1 << 16, progress=progress)
    assert len(seen) == 1 and 0 < seen[0][0] <= seen[0][1] == 64 * 200 * 200


def test_progress_reaches_the_end() -> None:
    seen = []
    baler.compress(U, rel=1e-3, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (1000, 1000)


def test_progress_moves_tqdms_bar() -> None:
    tqdm = pytest.importorskip("tqdm", reason="tqdm is not installed")
    with tqdm.tqdm(total=U.size, file=io.StringIO()) as bar:
        baler.compress(U, rel=1e-3, progress=lambda done, total: bar.update(done - bar.n))
        assert bar.n == U.size


def test_other_threads_run_meanwhile() -> None:
    u = np.random.default_rng(1).normal(size=(40, 200, 200))
    ticks = 0
    done = threading.Event()

    def compress() -> None:
        baler.compress(u, rel=1e-4, threads=1)
        done.set()

    thread = threading.Thread(target=compress)
    thread.start()
    while not done.is_set():
        ticks += 1
        time.sleep(0.002)
    thread.join()
    assert ticks > 10


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_ends_it_soon() -> None:
    program = """
import signal, sys, numpy as np, baler
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in the background inherits as ignored
u = np.random.default_rng(1).normal(size=(400, 200, 200)).astype("f4")
print("go", flush=True)
try:
    baler.compress(u, rel=1e-5, level="max", threads=1, chunk=1 << 16)
except KeyboardInterrupt:
    sys.exit(42)
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline() == b"go\n"
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=60) == 42
