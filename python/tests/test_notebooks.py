"""The notebooks run from their first cell to their last, and are kept with pictures that a code host shows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
NAMES = sorted(path.name for path in FOLDER.glob("*.ipynb"))
NEEDS = {
    "cfd_field.ipynb": [],
    "physics_table.ipynb": ["pandas"],
    "quick_start.ipynb": [],
    "zarr_dask.ipynb": ["xarray", "zarr", "dask.array", "distributed"],
}


def test_all_are_known() -> None:
    assert NAMES == list(NEEDS)


@pytest.mark.parametrize("name", NEEDS)
def test_a_notebook_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ["nbclient", "nbformat", "ipykernel", "matplotlib", *NEEDS[name]]:
        pytest.importorskip(module, reason=f"{module} is not installed")
    import nbclient
    import nbformat

    for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
        os.mkdir(tmp_path / variable)
    book = nbformat.read(FOLDER / name, as_version=4)
    nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()


@pytest.mark.parametrize("name", NEEDS)
def test_its_pictures_are_kept(name: str) -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    book = nbformat.read(FOLDER / name, as_version=4)
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 2
    assert not any(output.output_type == "error" for output in outputs)
    assert (FOLDER / name).stat().st_size < 300_000
    assert "/tmp/" not in (FOLDER / name).read_text(encoding="utf-8")
