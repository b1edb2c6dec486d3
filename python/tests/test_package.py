"""The package itself: its examples, its types, its command, its weight."""

from __future__ import annotations

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import baler

MODULES = {
    "baler": "numpy", "baler._api": "numpy", "baler._file": "numpy", "baler._model": "numpy", "baler._quality": "numpy",
    "baler.zarr": "zarr", "baler.numcodecs": "numcodecs", "baler.hdf5": "h5py", "baler.sklearn": "sklearn",
}  # fmt: skip


@pytest.mark.parametrize(("module", "needs"), MODULES.items())
def test_examples_in_the_documentation_run(module: str, needs: str) -> None:
    pytest.importorskip(needs, reason=f"{needs} is not installed")
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0 and (result.attempted > 0)


def test_the_readmes_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = Path(__file__).parents[2] / "README.md"
    examples = re.findall(r"^```python\n(.*?)^```", readme.read_text(), re.M | re.S)
    monkeypatch.chdir(tmp_path)
    for example in examples:
        exec(compile(example, str(readme), "exec"), {})
    assert examples


def test_everything_public_is_documented() -> None:
    for name in baler.__all__:
        thing = getattr(baler, name)
        assert name.startswith("__") or (thing.__doc__ or "").strip(), name


def test_types() -> None:
    for needed in ("mypy", "zarr"):
        pytest.importorskip(needed, reason=f"{needed} is not installed")
    root = Path(__file__).parents[2]
    for command in (["mypy.stubtest", "baler._baler", "--mypy-config-file", "pyproject.toml"], ["mypy"]):
        told = subprocess.run([sys.executable, "-m", *command], cwd=root, capture_output=True, text=True)
        assert told.returncode == 0, told.stdout + told.stderr


def test_the_command() -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "baler", *words], capture_output=True, text=True)

    assert run("--version").stdout == f"baler {baler.__version__}\n"
    wrong = run("compress", "/nowhere.npy", "-o", "x.blr", "--rel", "1e-3")
    assert wrong.returncode == 3 and wrong.stderr.startswith("error: /nowhere.npy: No such file")
    assert run("compress").returncode == 2
