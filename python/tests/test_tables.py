"""Tables of every kind: dicts of columns, structured arrays, data frames, Arrow tables."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import baler


def test_a_dict_of_columns(columns: dict[str, np.ndarray]) -> None:
    back = baler.decompress(baler.compress(columns, std=1e-3, bounds={"eta": "abs:0.01"}))
    assert list(back) == list(columns)
    for name, column in columns.items():
        assert back[name].dtype == column.dtype, name
        if column.dtype.kind != "f":
            assert np.array_equal(back[name], column), name
    assert np.abs(back["pt"] - columns["pt"]).max() <= 1e-3 * columns["pt"].std(dtype="f8") * (1 + 1e-9)
    assert np.abs(back["eta"] - columns["eta"]).max() <= 0.01


def test_columns_of_every_other_type_come_back() -> None:
    times = np.arange("2026-01-01", "2026-02-01", dtype="M8[h]")
    columns = {
        "time": times,
        "big": np.arange(len(times), dtype=">i4"),
        "step": np.full(len(times), 3, "m8[ns]"),
        "bytes": np.array([b"ab", b"c"] * (len(times) // 2)),
        "objects": np.array(["some", "text, and\n'more'"] * (len(times) // 2), dtype=object),
        "bigtime": times.astype(">M8[s]"),
    }
    back = baler.decompress(baler.compress(columns, lossless=True))
    for name, column in columns.items():
        assert back[name].dtype == column.dtype and np.array_equal(back[name], column), name


@pytest.mark.parametrize("align", [False, True])
def test_structured_arrays(align: bool) -> None:
    dtype = np.dtype([("n", "u1"), ("pt", "f4"), ("id", "i8"), ("ok", "?")], align=align)
    rows = np.zeros(500, dtype)
    rows["n"], rows["pt"], rows["id"], rows["ok"] = 3, np.linspace(0, 1, 500), range(500), True
    back = baler.decompress(baler.compress(rows, lossless=True))
    assert back.dtype == dtype and all(np.array_equal(back[k], rows[k]) for k in dtype.names)
    some = rows[::3]
    assert np.array_equal(baler.decompress(baler.compress(some, lossless=True))["id"], some["id"])
    mixed = np.array([(1, "a", "2026-01-01")], dtype=[("x", ">f8"), ("name", "U3"), ("day", "M8[D]")])
    back = baler.decompress(baler.compress(mixed, lossless=True))
    assert back.dtype == mixed.dtype and back.tobytes() == mixed.tobytes()
    assert len(baler.decompress(baler.compress(rows[:0], lossless=True))) == 0
    with baler.open(baler.compress(rows, lossless=True)) as f:
        assert np.array_equal(f["data"][10:20], rows[10:20]) or align
        assert f["data"][["id", "pt"]].dtype.names == ("id", "pt")
        assert f["data"][7]["id"] == 7


def test_pandas(columns: dict[str, np.ndarray]) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(columns)
    frame["when"] = pd.date_range("2026-01-01", periods=len(frame), freq="s", tz="Europe/Stockholm")
    frame["day"] = pd.date_range("2026-01-01", periods=len(frame), freq="D").where(frame["good"])
    frame["class"] = pd.Categorical(np.where(columns["good"], "b", "a"), ["b", "a", "never"], ordered=True)
    frame["nullable"] = pd.Series(range(len(frame)), dtype="Int32")
    back = baler.decompress(baler.compress(frame, lossless=True))
    pd.testing.assert_frame_equal(back, frame)
    indexed = frame.set_index(["event", "kind"])
    pd.testing.assert_frame_equal(baler.decompress(baler.compress(indexed, lossless=True)), indexed)
    unnamed = frame[["pt"]].iloc[::2]
    back = baler.decompress(baler.compress(unnamed, lossless=True))
    pd.testing.assert_frame_equal(back, unnamed, check_index_type=False)
    frame.loc[3, "nullable"] = pd.NA
    with pytest.raises(baler.errors.InvalidArgumentError, match="'nullable' has missing values.*fillna"):
        baler.compress(frame, lossless=True)


def test_arrow(columns: dict[str, np.ndarray]) -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table({k: v for k, v in columns.items()})
    table = table.append_column("when", pa.array(np.arange(3000)).cast(pa.timestamp("ms", "UTC")))
    table = table.append_column("day", pa.array(np.arange(3000, dtype="i4")).cast(pa.date32()))
    table = table.append_column("class", table["kind"].dictionary_encode()).replace_schema_metadata({"a": "b"})
    table = pa.concat_tables([table, table])
    back = baler.decompress(baler.compress(table, lossless=True))
    assert back.equals(table) and back.schema.equals(table.schema, check_metadata=True)
    batch = table.combine_chunks().to_batches()[0]
    assert baler.decompress(baler.compress(batch, lossless=True)).equals(batch)
    with pytest.raises(baler.errors.InvalidArgumentError, match="'x' has missing values.*fill_null"):
        baler.compress(pa.table({"x": [1, None]}), lossless=True)
    with pytest.raises(baler.errors.UnsupportedError, match="list"):
        baler.compress(pa.table({"x": [[1], [2]]}), lossless=True)


def test_a_frame_without_pandas_is_a_dict_and_says_so(columns: dict[str, np.ndarray], monkeypatch) -> None:
    pd = pytest.importorskip("pandas")
    archive = baler.compress(pd.DataFrame({"pt": columns["pt"]}), lossless=True)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.warns(UserWarning, match="table of pandas, which cannot be imported"):
        assert np.array_equal(baler.decompress(archive)["pt"], columns["pt"])


def test_empty_tables() -> None:
    empty = {"x": np.zeros(0, "f4"), "s": np.zeros(0, "U4")}
    back = baler.decompress(baler.compress(empty, lossless=True))
    assert back["x"].dtype == "f4" and back["s"].dtype == "<U4" and len(back["x"]) == 0
