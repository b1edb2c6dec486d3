"""Archives on disk: saved, opened, sliced, verified, described."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import baler


def test_what_is_whole_of_a_damaged_archive(tmp_path: Path, field: np.ndarray) -> None:
    table = {"x": np.arange(500.0), "n": np.arange(500), "t": [f"row {i}" for i in range(500)]}
    data = {"u": field, "t": table}
    archive = baler.compress(data, abs=1e-2, chunk=field[0].size * 2, chunk_rows=100)
    whole = baler.salvage(archive)
    assert list(whole) == ["u", "t"] and not whole["u"].lost and not whole["t"].lost
    back = baler.decompress(archive)
    assert np.array_equal(whole["u"].values, back["u"])
    assert all(np.array_equal(whole["t"].values[name], back["t"][name]) for name in table)
    damaged = bytearray(archive)
    damaged[len(archive) // 3] ^= 1
    path = tmp_path / "damaged.blr"
    path.write_bytes(damaged)
    with pytest.raises(baler.BalerError):
        baler.load(path)
    found = baler.salvage(path)
    lost = [rows for variable in found.values() for rows in variable.lost]
    assert len(lost) == 1 and found["u"].lost == lost
    assert np.isnan(found["u"].values[lost[0]]).all()
    kept = np.delete(np.arange(len(field)), lost[0])
    assert np.array_equal(found["u"].values[kept], back["u"][kept])
    with pytest.raises(baler.BalerError, match="header"):
        baler.salvage(archive[:20])


def test_save_load_and_what_is_inside(tmp_path: Path, field: np.ndarray) -> None:
    path = tmp_path / "velocity.blr"
    baler.save(path, field, rel=1e-3)
    back = baler.load(path)
    assert baler.verify(path, against=field)["holds"] and not baler.verify(path, against=field + 1)["holds"]
    with baler.open(path) as f:
        assert list(f) == ["velocity"] and "velocity" in f and len(f) == 1
        v = f["velocity"]
        assert (v.shape, v.dtype, v.ndim, v.size, v.nbytes) == (field.shape, "f4", 3, field.size, field.nbytes)
        assert v.bound == "rel:0.001" and np.array_equal(np.asarray(v), back) and np.array_equal(v[...], back)
        assert f.info()["variables"][0]["largest_error"] <= 1e-3 * np.ptp(field)
        assert "velocity" in repr(f)
    with pytest.raises(baler.BalerError, match="closed"):
        v[0]
    assert [p.name for p in tmp_path.iterdir()] == ["velocity.blr"]  # no temporary file is left


INDICES = [
    np.s_[3], np.s_[-1], np.s_[10:20], np.s_[::-1], np.s_[20:3:-4], np.s_[5:5], np.s_[2:9:3, 4], np.s_[..., 7],
    np.s_[1, ..., 2], np.s_[:, 3:5, ::-2], np.s_[[4, 2, 9]], np.s_[4:8, [1, 2]], np.s_[None, 2], np.s_[()],
    np.s_[np.int64(2)], np.s_[100:], np.s_[-5:, -1, -1],
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indexing_is_numpys(field: np.ndarray, index) -> None:
    with baler.open(baler.compress(field, lossless=True, chunk=5000)) as f:
        expected, read = field[index], f["data"][index]
        assert np.array_equal(read, expected) and np.shape(read) == expected.shape


def test_indices_out_of_bounds(field: np.ndarray) -> None:
    with baler.open(baler.compress(field, lossless=True)) as f:
        for index in (24, -25, (0, 40)):
            with pytest.raises(IndexError):
                f["data"][index]
        with pytest.raises(baler.errors.InvalidArgumentError, match="leaves the 24 rows"):
            f["data"].read(20, 25)
        with pytest.raises(KeyError, match="there is no variable 'w'; there are data"):
            f["w"]


def test_a_slice_reads_only_its_chunks(tmp_path: Path, field: np.ndarray) -> None:
    u = np.tile(field, (8, 1, 1))
    path = tmp_path / "u.blr"
    baler.save(path, u, lossless=True, chunk=len(u[0]) * 50 * 8)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1  # in a chunk in the middle
    path.write_bytes(data)
    with baler.open(path) as f:
        assert np.array_equal(f["u"][:10], u[:10]) and np.array_equal(f["u"][-10:], u[-10:])
        with pytest.raises(baler.errors.CorruptError, match="variable 'u', chunk"):
            f["u"][...]
    with pytest.raises(baler.errors.CorruptError, match="checksum"):
        baler.verify(path)


def test_tables_are_read_by_column_and_row(tmp_path: Path, columns: dict[str, np.ndarray]) -> None:
    path = tmp_path / "events.blr"
    baler.save(path, columns, lossless=True)
    with baler.open(path) as f:
        t = f["events"]
        assert t.names == list(columns) == list(t) and len(t) == 3000 and "pt" in t
        assert np.array_equal(t["pt"][10:20], columns["pt"][10:20]) and t["pt"][5] == columns["pt"][5]
        assert np.array_equal(t["kind"][::-7], columns["kind"][::-7]) and len(t["kind"]) == 3000
        assert np.array_equal(np.asarray(t["eta"]), columns["eta"])
        rows = t[100:200:3]
        assert all(np.array_equal(rows[k], columns[k][100:200:3]) for k in columns)
        assert list(t[["eta", "pt"]]) == ["eta", "pt"]
        with pytest.raises(baler.errors.InvalidArgumentError, match="no column 'mass'; there are pt, eta"):
            t["mass"]
    assert baler.info(path)["variables"][0]["columns"][0]["bound"]["kind"] == "lossless"
    assert baler.verify(path, against=columns)["holds"]


def test_archives_of_the_command_line(tmp_path: Path, field: np.ndarray) -> None:
    from baler.__main__ import main  # noqa: F401  (the script's)

    import subprocess
    import sys

    np.save(tmp_path / "u.npy", field)
    np.savez(tmp_path / "two.npz", u=field, v=field[0])
    command = [sys.executable, "-m", "baler", "compress", "--rel", "1e-3", "--quiet"]
    subprocess.run([*command, tmp_path / "u.npy", "-o", tmp_path / "u.blr"], check=True)
    subprocess.run([*command, tmp_path / "two.npz", "-o", tmp_path / "two.blr"], check=True)
    assert np.abs(baler.load(tmp_path / "u.blr") - field).max() <= 1e-3 * np.ptp(field)
    assert list(baler.load(tmp_path / "two.blr")) == ["u", "v"]
    # The same bytes, but for what the archives tell of their origin.
    ours = baler.decompress(baler.compress(field, rel=1e-3, name="u"))
    assert np.array_equal(ours, baler.load(tmp_path / "u.blr"))
