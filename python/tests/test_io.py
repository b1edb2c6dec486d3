"""ROOT, FITS and Parquet: written by their libraries, through an archive, written back, the same."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import baler
import baler.io


def through(data, **bound):
    return baler.decompress(baler.compress(data, **(bound or {"lossless": True})))


@pytest.mark.parametrize(("kind", "dot"), [("tree", "_"), ("rntuple", ".")])
def test_root_flat_and_jagged_branches(tmp_path: Path, kind: str, dot: str) -> None:
    uproot = pytest.importorskip("uproot", reason="uproot is not installed")
    awkward = pytest.importorskip("awkward", reason="awkward is not installed")
    r = np.random.default_rng(7)
    counts = r.integers(0, 5, 400)
    jets = {"pt": r.exponential(30, counts.sum()).astype("f4"), "id": r.integers(0, 9, counts.sum())}
    jagged = awkward.zip({k: awkward.unflatten(v, counts) for k, v in jets.items()})
    hits = awkward.unflatten(r.normal(size=counts.sum() * 2), counts * 2)
    with uproot.recreate(tmp_path / "e.root") as file:
        flat = {"run": np.arange(400), "met": r.normal(size=400)}
        if kind == "tree":
            types = {"run": "i8", "met": "f8", "Jet": jagged.type.content, "hits": hits.type.content}
            file.mktree("Events", types).extend({**flat, "Jet": jagged, "hits": hits})
        else:
            file.mkrntuple("Events", {**flat, "Jet": jagged, "hits": hits})
    data = baler.io.from_root(tmp_path / "e.root:Events")
    assert list(data) == ["Events", "Jet", "hits"] and np.array_equal(data["Events"]["nJet"], counts)
    assert np.array_equal(data["Jet"][f"Jet{dot}pt"], jets["pt"])
    baler.io.to_root(through(data), tmp_path / "back.root:Events")
    with uproot.open(f"{tmp_path}/e.root:Events") as a, uproot.open(f"{tmp_path}/back.root:Events") as b:
        assert set(a.keys()) == set(b.keys())
        assert type(a) is type(b)
        for name in a.keys():
            assert awkward.array_equal(a[name].array(), b[name].array()), name
    some = baler.io.from_root(tmp_path / "e.root:Events", filter_name=f"Jet{dot}*")
    assert list(some["Jet"]) == [f"Jet{dot}pt", f"Jet{dot}id"] and list(some["Events"]) == ["nJet"]
    lossy = through(data, std=1e-2)
    assert np.abs(lossy["Jet"][f"Jet{dot}pt"] - jets["pt"]).max() <= 1e-2 * jets["pt"].std(dtype="f8") * 1.0001
    for path, words in [("e.root", "want FILE.root:TREE"), (tmp_path / "none.root:t", "No such file")]:
        with pytest.raises(baler.BalerError, match=words):
            baler.io.from_root(path)


def test_fits_images_and_tables(tmp_path: Path, field: np.ndarray) -> None:
    fits = pytest.importorskip("astropy.io.fits", reason="astropy is not installed")
    table = np.array([(1, 2.5, "abc"), (3, 4.5, "de")], dtype=[("n", ">i4"), ("x", ">f8"), ("name", "S3")])
    image = fits.ImageHDU(field, name="SCI")
    image.header["CRVAL1"] = (12.5, "degrees")
    scaled = fits.ImageHDU((field * 100).astype("u2"), name="COUNTS")  # stored as signed integers and BZERO
    units = fits.HDUList([fits.PrimaryHDU(), image, scaled, fits.BinTableHDU(table, name="CAT")])
    units.writeto(tmp_path / "a.fits")
    data = baler.io.from_fits(tmp_path / "a.fits")
    assert data["SCI"].dtype == ">f4" and data["COUNTS"].dtype == ">i2"
    baler.io.to_fits(through(data), tmp_path / "b.fits")
    with fits.open(tmp_path / "a.fits") as a, fits.open(tmp_path / "b.fits") as b:
        difference = fits.FITSDiff(a, b)
        assert difference.identical, difference.report()
    assert (tmp_path / "a.fits").read_bytes() == (tmp_path / "b.fits").read_bytes()
    lossy = through({"SCI": data["SCI"]}, abs=1e-2)["SCI"]
    assert lossy.dtype == ">f4" and np.abs(lossy - field).max() <= 1e-2


def test_parquet(tmp_path: Path, columns: dict[str, np.ndarray]) -> None:
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    import pyarrow.parquet

    table = pa.table(columns)
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    baler.io.to_parquet(through(baler.io.from_parquet(tmp_path / "a.parquet")), tmp_path / "b.parquet")
    assert pyarrow.parquet.read_table(tmp_path / "b.parquet").equals(table)
    assert baler.io.from_parquet(tmp_path / "a.parquet", columns=["pt"]).column_names == ["pt"]
    baler.io.to_parquet({"x": np.arange(3)}, tmp_path / "c.parquet")


@pytest.mark.parametrize(
    ("module", "call", "extra"),
    [
        ("uproot", lambda: baler.io.from_root("a.root:t"), "root"),
        ("astropy.io.fits", lambda: baler.io.from_fits("a.fits"), "fits"),
        ("pyarrow.parquet", lambda: baler.io.from_parquet("a.parquet"), "parquet"),
    ],
)
def test_a_missing_library_is_named_with_its_extra(module: str, call, extra: str, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(baler.errors.UnsupportedError, match=rf"{module} is not installed .*pip install 'baler\[{extra}\]'"):
        call()
