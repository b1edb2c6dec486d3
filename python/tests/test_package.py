"""The package itself: its examples, its types, its command, its weight."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys

import pytest

import baler

MODULES = ["baler", "baler._api", "baler._file", "baler._model", "baler._quality"]


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_the_documentation_run(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0 and (result.attempted > 0)


def test_everything_public_is_documented() -> None:
    for name in baler.__all__:
        thing = getattr(baler, name)
        assert name.startswith("__") or (thing.__doc__ or "").strip(), name


def test_the_stubs_are_those_of_the_module() -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    command = [sys.executable, "-m", "mypy.stubtest", "baler._baler"]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_command() -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "baler", *words], capture_output=True, text=True)

    assert run("--version").stdout == f"baler {baler.__version__}\n"
    wrong = run("compress", "/nowhere.npy", "-o", "x.blr", "--rel", "1e-3")
    assert wrong.returncode == 3 and wrong.stderr.startswith("error: /nowhere.npy: No such file")
    assert run("compress").returncode == 2
