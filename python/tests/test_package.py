"""The package itself: its examples, its types, its command, its weight."""

from __future__ import annotations

import ast
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
    "baler.zarr": "zarr", "baler.numcodecs": "numcodecs", "baler.hdf5": "h5py", "baler.sklearn": "sklearn", "baler.torch": "torch",
}  # fmt: skip


def needed(module: str) -> None:
    """Skips a test where a module is not installed."""
    least = "3" if module == "zarr" else None  # Zarr's version 2 has the codec of numcodecs
    pytest.importorskip(module, minversion=least, reason=f"{module} {least or ''} is not installed")


@pytest.mark.parametrize(("module", "needs"), MODULES.items())
def test_examples_in_the_documentation_run(module: str, needs: str) -> None:
    needed(needs)
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0 and (result.attempted > 0)


ROOT = Path(__file__).parents[2]
EXAMPLES = [
    (page, code)
    for page in ("README.md", "docs/guide-python.md")
    for code in re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)
    if code.startswith(("import", "from"))  # the others go on from what a reader has
]


@pytest.mark.parametrize(("page", "code"), EXAMPLES, ids=[f"{page}-{i}" for i, (page, _) in enumerate(EXAMPLES)])
def test_the_pages_examples_run(page: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in set(re.findall(r"^(?:import|from) (?:baler\.(?=zarr))?(\w+)", code, re.M)):
        needed(module)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, page, "exec"), {"__name__": "__main__"})


def test_everything_public_is_documented() -> None:
    for name in baler.__all__:
        thing = getattr(baler, name)
        assert name.startswith("__") or (thing.__doc__ or "").strip(), name


def test_types() -> None:
    needed("mypy")
    needed("zarr")
    for command in (["mypy.stubtest", "baler._baler", "--mypy-config-file", "pyproject.toml"], ["mypy"]):
        told = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
        assert told.returncode == 0, told.stdout + told.stderr


def test_the_sources_are_python_3_9s() -> None:
    for path in (ROOT / "python").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 9))
        futures = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
        hints = [n for n in ast.walk(tree) if getattr(n, "annotation", None) or getattr(n, "returns", None)]
        assert futures or not hints, f"{path}: hints such as X | None are not to be evaluated"


def test_the_command() -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "baler", *words], capture_output=True, text=True)

    assert run("--version").stdout == f"baler {baler.__version__}\n"
    wrong = run("compress", "/nowhere.npy", "-o", "x.blr", "--rel", "1e-3")
    assert wrong.returncode == 3 and wrong.stderr.startswith("error: /nowhere.npy: No such file")
    assert run("compress").returncode == 2
