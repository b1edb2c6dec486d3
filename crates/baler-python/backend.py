"""The build backend of the Python package: maturin, and before it the plugin for HDF5, which is a library of its own.

Cargo's profile is that of `MATURIN_PEP517_ARGS`, release where that says nothing.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import maturin
from maturin import (  # noqa: F401  (hooks that need nothing more)
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

# maturin's hooks call its program by name; where pip isolates no build and the environment is not activated, no PATH tells.
os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), sysconfig.get_path("scripts")])

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "python" / "baler" / "_hdf5"


def _profile() -> str:
    words = shlex.split(os.environ.get("MATURIN_PEP517_ARGS", ""))
    return words[words.index("--profile") + 1] if "--profile" in words else "release"


def _build_plugin() -> None:
    """Both libraries in one call, so that what they share is built once, and as for maturin after it."""
    command = ["cargo", "build", "--profile", _profile(), "--package", "baler-hdf5", "--package", "baler-python"]
    command += ["--lib", "--message-format", "json-render-diagnostics"]
    told = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    artifacts = [m for m in map(json.loads, told.splitlines()) if m["reason"] == "compiler-artifact"]
    (built,) = [m["filenames"] for m in artifacts if m["target"]["name"] == "baler_hdf5"]
    TARGET.mkdir(exist_ok=True)
    for name in built:
        if Path(name).suffix in (".so", ".dylib", ".dll"):
            shutil.copy(name, TARGET)


def build_wheel(*args: Any, **kwargs: Any) -> str:
    """Builds a wheel."""
    _build_plugin()
    return maturin.build_wheel(*args, **kwargs)


def build_editable(*args: Any, **kwargs: Any) -> str:
    """Builds for `pip install --editable`."""
    _build_plugin()
    return maturin.build_editable(*args, **kwargs)
