"""Arrays of every type, order and layout, within every kind of bound."""

from __future__ import annotations

import numpy as np
import pytest

import baler

TYPES = ["?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]


@pytest.mark.parametrize("code", TYPES)
@pytest.mark.parametrize("order", "<>")
def test_every_type_and_byte_order_comes_back(code: str, order: str) -> None:
    values = np.random.default_rng(3).normal(0, 40, (30, 41))
    u = (values > 0 if code == "?" else np.abs(values) if code[0] == "u" else values).astype(order + code)
    back = baler.decompress(baler.compress(u, lossless=True))
    assert back.dtype == u.dtype and back.dtype.str == u.dtype.str and back.shape == u.shape
    assert back.tobytes() == u.tobytes()
    if code != "?":
        back = baler.decompress(baler.compress(u, abs=2.0))
        assert back.dtype.str == u.dtype.str and np.abs(back.astype(float) - u.astype(float)).max() <= 2.0


@pytest.mark.parametrize("bound", ["abs", "rel", "std", "pwrel", "psnr"])
def test_every_kind_of_bound_holds(field: np.ndarray, bound: str) -> None:
    value = 60.0 if bound == "psnr" else 1e-3
    archive = baler.compress(field, **{bound: value})
    assert len(archive) < field.nbytes
    q = baler.quality(field, baler.decompress(archive))
    largest = {
        "abs": 1e-3,
        "rel": 1e-3 * np.ptp(field),
        "std": 1e-3 * field.std(dtype="f8") * (1 + 1e-9),
        "pwrel": 1e-3 * np.abs(field).max(),
        "psnr": np.inf,
    }[bound]
    assert q.largest_error <= largest and q.psnr >= 60
    assert baler.verify(archive, against=field)["holds"]
    assert baler.info(archive)["variables"][0]["bound"]["kind"] == bound


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0, 2), (5,), (2, 3, 4, 5, 6)])
def test_every_shape(shape: tuple[int, ...]) -> None:
    u = np.arange(np.prod(shape, dtype=int), dtype="f8").reshape(shape)
    back = baler.decompress(baler.compress(u, lossless=True))
    assert back.shape == shape and np.array_equal(back, u)


def test_views_that_are_not_contiguous(field: np.ndarray) -> None:
    for u in (field[::2, ::-1, 1:], field.T, np.asfortranarray(field), field[:, :1].repeat(2, 1), field[..., 0]):
        assert np.array_equal(baler.decompress(baler.compress(u, lossless=True)), u)
    unaligned = np.frombuffer(b"x" + field.tobytes(), "u1")[1:].view("f4")
    assert np.array_equal(baler.decompress(baler.compress(unaligned, lossless=True)), field.reshape(-1))
    read_only = field.view()
    read_only.flags.writeable = False
    assert np.array_equal(baler.decompress(baler.compress(read_only, lossless=True)), field)


def test_special_values_come_back_bit_for_bit(field: np.ndarray) -> None:
    u = field.copy()
    u[3, 4, 5:9] = [np.nan, np.inf, -np.inf, -0.0]
    u[:, 20:] = 1e20
    back = baler.decompress(baler.compress(u, abs=1e-2, fill=1e20))
    assert back[3, 4, 5:9].tobytes() == u[3, 4, 5:9].tobytes() and (back[:, 20:] == np.float32(1e20)).all()


def test_what_is_given_back_belongs_to_the_caller(field: np.ndarray) -> None:
    back = baler.decompress(baler.compress(field, abs=0.1))
    assert back.flags.writeable and back.flags.owndata and back.flags.c_contiguous


def test_the_bytes_are_those_of_any_number_of_threads_and_of_the_levels(field: np.ndarray) -> None:
    u = np.tile(field, (2, 1, 1))
    one = baler.compress(u, rel=1e-3, threads=1, chunk=30_000)
    assert one == baler.compress(u, rel=1e-3, threads=4, chunk=30_000)
    fast, best = (baler.compress(field, rel=1e-3, level=level) for level in ("fast", "max"))
    assert len(best) < len(fast)


def test_several_fields_with_bounds_of_their_own(field: np.ndarray) -> None:
    data = {"u": field, "v": field[0].astype(">f8"), "n": np.arange(12).reshape(3, 4)}
    back = baler.decompress(baler.compress(data, rel=1e-2, bounds={"v": "abs:1e-5", "n": "lossless"}))
    assert list(back) == ["u", "v", "n"] and back["v"].dtype == ">f8" and np.array_equal(back["n"], data["n"])
    assert np.abs(back["v"] - data["v"]).max() <= 1e-5


def test_several_variables_of_each_kind(field: np.ndarray, columns: dict[str, np.ndarray]) -> None:
    records = np.array([(1, 2.5), (3, 4.5)], "i4,>f8")
    data = {"u": field, "events": columns, "jets": {"pt": np.array(["a", "b"])}, "log": records, "none": {}}
    back = baler.decompress(baler.compress(data, lossless=True))
    assert list(back) == list(data) and np.array_equal(back["u"], field) and back["none"] == {}
    assert all(np.array_equal(back["events"][k], v) and back["events"][k].dtype == v.dtype for k, v in columns.items())
    assert back["jets"]["pt"].tolist() == ["a", "b"] and back["log"].dtype == records.dtype
    assert np.array_equal(back["log"], records)


def test_lists_and_buffers_are_taken() -> None:
    assert np.array_equal(baler.decompress(baler.compress([[1.5, 2.0], [3.0, 4.0]], lossless=True)), [[1.5, 2], [3, 4]])
    archive = baler.compress(np.arange(9), lossless=True)
    for source in (bytearray(archive), memoryview(archive), np.frombuffer(archive, "u1")):
        assert np.array_equal(baler.decompress(source), np.arange(9))
