#!/usr/bin/env python3
"""A second, slow decoder of Baler archives, in the order of docs/format.md.

    python3 docs/reference_decoder.py FILE.blr [-o OUT.npz]

prints each variable's name, type, shape and the SHA-256 of its decoded bytes, the columns of a table one by one.
It is written to be read beside the specification, not to be fast: plain integers, with NumPy for single IEEE operations
in binary32 and binary64 and for the arrays that come out.
"""

import argparse
import hashlib
import struct
import sys
import zlib
from collections import defaultdict
from itertools import accumulate
from math import prod
from typing import NamedTuple

import numpy as np


class Bad(Exception):
    """The file is corrupt, or asks for what version 1 does not know."""


def need(condition, message):
    if not condition:
        raise Bad(message)


# ---------------------------------------------------------------------------------------------------------------------
# 1. Conventions

I64 = (-(2**63), 2**63 - 1)


def clamp(n, low, high):
    return min(max(n, low), high)


def wrap(n):
    """n as a two's complement integer of 64 bits."""
    return (n + 2**63) % 2**64 - 2**63


class Reader:
    """A run of bytes, read from its start."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def take(self, n):
        need(n <= len(self.data) - self.at, "cut short")
        self.at += n
        return self.data[self.at - n : self.at]

    def rest(self):
        return self.take(len(self.data) - self.at)

    def end(self):
        need(self.at == len(self.data), "bytes left over")

    def numbers(self, code, n):
        """n numbers, by their letter in Python's `struct`."""
        return struct.unpack(f"<{n}{code}", self.take(n * struct.calcsize("<" + code)))

    def number(self, code):
        return self.numbers(code, 1)[0]

    def u8(self):
        return self.number("B")

    def flag(self):
        flag = self.u8()
        need(flag < 2, "a reserved value")
        return flag

    def varint(self):
        n = 0
        for place in range(10):
            byte = self.u8()
            n |= (byte & 127) << (7 * place)
            if byte < 128:
                need((byte or place == 0) and n < 2**64, "a varint not in its shortest form")
                return n
        raise Bad("a varint too long")

    def zigzag(self):
        n = self.varint()
        return (n >> 1) ^ -(n & 1)

    def string(self):
        return self.take(self.varint()).decode("utf-8")

    def part(self):
        """A varint length and that many bytes, to be read on their own."""
        return Reader(self.take(self.varint()))


# ---------------------------------------------------------------------------------------------------------------------
# 2. File


def decode_file(data):
    """The variables of an archive and, for each, its decoded bytes (a table: of each column)."""
    file = Reader(data)
    need(file.take(4) == b"\x89BLR", "not a Baler archive")
    need(file.u8() == 1, "an unknown version of the format")
    body = file.part()
    check = zlib.crc32(data[: file.at])
    need(file.number("I") == check, "the header's checksum is wrong")
    hashes, variables = decode_header(body)

    need(data[-4:] == b"RLB\x89", "no trailer: the file is cut short")
    kind, index, _ = decode_record(Reader(data[:-12], Reader(data[-12:-4]).number("Q")), check)
    need(kind == b"I", "the trailer does not point to an index")

    models, decoded = {}, [[b""] * len(v.columns) for v in variables]
    expected = ((number, n) for number, v in enumerate(variables) for n in range(v.chunks()))
    for listed in decode_index(index, variables):
        kind, body, length = decode_record(file, check)
        need(listed[:2] == (kind, length), "the index and the records disagree")
        if kind == b"M":
            number, decoder = body.varint(), zlib.decompress(body.rest())
            need(number < len(hashes) and hashlib.sha256(decoder).digest() == hashes[number], "another model")
            models[number] = decode_model(Reader(decoder))
        elif kind == b"C":
            place = body.varint(), body.varint()
            need(place == next(expected, None) and body.data[body.at] == listed[2], "a chunk out of order")
            parts = decode_chunk(body, variables[place[0]], place[1], models)
            decoded[place[0]] = [before + part for before, part in zip(decoded[place[0]], parts)]
        else:
            need(kind == b"D", "a record of unknown kind")
    need(next(expected, None) is None, "chunks are missing")
    return list(zip(variables, decoded))


# 2.1 Records


def decode_record(file, header_check):
    """The record's kind, its body and the length of it all."""
    start = file.at
    need(file.take(2) == b"\xba\x1e", "no record where one should be")
    kind, body = file.take(1), file.part()
    check = zlib.crc32(file.data[start + 2 : file.at], zlib.crc32(struct.pack("<I", header_check)))
    need(file.number("I") == check, "a record's checksum is wrong")
    return kind, body, file.at - start


def decode_chunk(r, variable, n, models):
    """Codec, checksum and payload of the variable's n-th chunk: the bytes of each of its columns."""
    codec, check = r.u8(), r.number("I")
    parts = variable.decode(codec, r, n, models)
    need(zlib.crc32(b"".join(parts)) == check, "the chunk does not decode to the values that were written")
    return parts


# 2.2 Index


def decode_index(r, variables):
    """Kind, length and codec (of chunks) of each record before the index."""
    records = []
    while kind := r.take(1).strip(b"\0"):
        records.append((kind, r.varint(), r.u8() if kind == b"C" else None))
    r.numbers("d", sum(column.lossy for v in variables for column in v.columns))
    for v in variables:
        for column in v.columns:
            if column.type is TEXT:
                r.varint()
    r.end()
    return records


# ---------------------------------------------------------------------------------------------------------------------
# 3. Header body


class Type(NamedTuple):
    """A type of values; `dtype` is NumPy's name of it."""

    name: str
    dtype: str
    bits: int
    range: tuple = I64  # of its ordered integers (4.5)
    mantissa: int = 0  # M of section 4.6
    top: int = 0  # T of section 4.6
    real: type = None  # NumPy's scalar, of floats

    def pack(self, bits):
        """Decoded bytes of values given by their bits."""
        return struct.pack(f"<{len(bits)}{'BHxIxxxQ'[self.bits // 8 - 1]}", *bits)

    def unpack(self, r):
        """One value's bits."""
        return int.from_bytes(r.take(self.bits // 8), "little")


def integer_type(letter, bits):
    half = 1 << (bits - 1)
    ordered = (0, 2 * half - 1) if letter == "u" and bits < 64 else (-half, half - 1)
    return Type(f"{letter}{bits}", f"<{letter}{bits // 8}", bits, ordered)


TEXT = Type("text", "U", 8)
TYPES = [
    Type("bool", "?", 8, (0, 1)),
    *(integer_type(letter, bits) for bits in (8, 16, 32, 64) for letter in "ui"),
    Type("f32", "<f4", 32, (-(2**31), 2**31 - 1), 23, 255, np.float32),
    Type("f64", "<f8", 64, I64, 52, 2047, np.float64),
    TEXT,
]


def decode_type(r):
    number = r.u8()
    need(number < len(TYPES), "an unknown type")
    return TYPES[number]


def decode_bound(r):
    """Whether values may come back changed; what the bound is does not matter to a decoder."""
    kind = r.u8()
    need(kind <= 6, "an unknown bound")
    r.numbers("d", (0, 1, 2, 2, 1, 2, 0)[kind])
    return kind != 0


class Column(NamedTuple):
    name: str
    type: Type
    lossy: bool


class Field(NamedTuple):
    columns: list  # just one, of the field's name
    shape: tuple
    axis: int
    length: int

    def chunks(self):
        if 0 in self.shape:
            return 0
        return prod(self.shape[: self.axis]) * -(-self.shape[self.axis] // self.length) if self.shape else 1

    def chunk_shape(self, n):
        if not self.shape:
            return ()
        along = self.shape[self.axis]
        start = n % -(-along // self.length) * self.length
        return (min(self.length, along - start), *self.shape[self.axis + 1 :])

    def decode(self, codec, r, n, models):
        shape, type = self.chunk_shape(n), self.columns[0].type
        count = prod(shape)
        if codec == 0:
            return [r.take(count * type.bits // 8)]
        if codec == 1:
            return [r.take(type.bits // 8) * count]
        need(codec in (2, 4), "a codec that fields do not have")
        return [decode_field(r, shape, type) if codec == 2 else decode_autoencoder_field(r, shape, type, models)]


class Table(NamedTuple):
    columns: list
    shape: tuple
    length: int

    def chunks(self):
        return -(-self.shape[0] // self.length)

    def decode(self, codec, r, n, models):
        rows = min(self.length, self.shape[0] - n * self.length)
        if codec == 0:
            return [r.take(rows * column.type.bits // 8) for column in self.columns]
        need(codec in (3, 4), "a codec that tables do not have")
        if codec == 4:
            return decode_autoencoder_table(r, rows, self.columns, models)
        return [decode_column(r.part(), column.type, rows) for column in self.columns]


def decode_header(r):
    """The models' hashes and the variables."""
    need(r.varint() == 0, "reserved flags are set")
    hashes = []
    for _ in range(r.varint()):
        hashes.append(r.take(32))
        need(r.flag(), "the archive's model is to be supplied, which this decoder leaves out")
    variables = []
    for _ in range(r.varint()):
        name, kind = r.string(), r.flag()
        variables.append(decode_table_header(r, name) if kind else decode_field_header(r, name))
    r.end()
    return hashes, variables


def decode_field_header(r, name):
    type, rank = decode_type(r), r.u8()
    need(type is not TEXT and rank <= 8, "not a type or rank of fields")
    shape = tuple(r.varint() for _ in range(rank))
    lossy = decode_bound(r)
    axis, length = r.u8(), r.varint()
    need(axis < max(rank, 1) and length > 0, "not a way to split the field")
    if r.flag():
        r.varint()  # the fill value's bits: the encoder's business
    return Field([Column(name, type, lossy)], shape, axis, length)


def decode_table_header(r, name):
    rows, length = r.varint(), r.varint()
    need(length > 0, "chunks of no rows")
    columns = [Column(f"{name}/{r.string()}", decode_type(r), decode_bound(r)) for _ in range(r.varint())]
    return Table(columns, (rows,), length)


# ---------------------------------------------------------------------------------------------------------------------
# 4.1 Range coder


class RangeCoder:
    def __init__(self, data):
        self.data, self.at = data, 8
        self.value = int.from_bytes(data[:8].ljust(8, b"\0"), "big")
        self.range = 2**64 - 1

    def narrow(self, start, size):
        self.value -= start
        self.range = size
        if size < 2**32:
            self.range <<= 32
            self.value = self.value << 32 | int.from_bytes(self.data[self.at : self.at + 4].ljust(4, b"\0"), "big")
            self.at += 4

    def bit(self, p1):
        bound = (self.range >> 16) * p1
        if self.value < bound:
            self.narrow(0, bound)
            return 1
        self.narrow(bound, self.range - bound)
        return 0

    def symbol(self, c):
        unit = self.range >> 15
        place = min(self.value // unit, 2**15 - 2)
        s = sum(ci <= place for ci in c)
        start = unit * c[s - 1] if s > 0 else 0
        self.narrow(start, unit * c[s] - start if s < 15 else self.range - start)
        return s


class RawBits:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        first, end = self.at, self.at + n
        self.at = end
        return int.from_bytes(self.data[first // 8 : (end + 7) // 8], "little") >> (first % 8) & ((1 << n) - 1)


# 4.2 Adaptive bits

RATE = [1, 2, 2] + [3] * 3 + [4] * 5 + [5] * 11 + [6] * 10

LOGISTIC = [
    32768, 36843, 40793, 44511, 47911, 50941, 53581, 55834, 57724, 59287, 60565, 61598, 62428, 63090, 63615, 64030, 64357,
    64614, 64816, 64974, 65097, 65194, 65269, 65328, 65374, 65410, 65438, 65459, 65476, 65489, 65500, 65508, 65514, 65519,
    65523, 65526, 65528, 65530, 65531, 65532, 65533, 65534, 65534, 65535, 65535, 65535, 65535, 65535, 65535,
]  # fmt: skip


def squash_table():
    squash = {}
    for i in range(1537):
        k, f = divmod(i, 32)
        n = LOGISTIC[min(k + 1, 48)]
        squash[i] = min((LOGISTIC[k] * (32 - f) + n * f + 16) // 32, 65520)
        squash[-i] = 65536 - squash[i]
    return squash


def stretch_table():
    stretch, d = [], -1536
    for p in range(4096):
        while d < 1536 and SQUASH[d] < 16 * p + 8:
            d += 1
        stretch.append(d)
    return stretch


SQUASH = squash_table()
STRETCH = stretch_table()


class Bit:
    """A bit's context."""

    def __init__(self):
        self.p1, self.age = 32768, 0

    def adapt(self, bit):
        self.p1 += ((65504 if bit else 32) - self.p1) >> RATE[self.age]
        self.age = min(self.age + 1, 31)


def bit_alone(coder, context):
    bit = coder.bit(context.p1)
    context.adapt(bit)
    return bit


def bit_mixed(coder, a, b, weights):
    inputs = STRETCH[a.p1 >> 4], STRETCH[b.p1 >> 4]
    p = SQUASH[clamp((weights[0] * inputs[0] + weights[1] * inputs[1]) >> 16, -1536, 1536)]
    bit = coder.bit(p)
    error = (bit << 16) - p
    for i in (0, 1):
        weights[i] = (weights[i] + (error * inputs[i] >> 15) + 2**31) % 2**32 - 2**31
    a.adapt(bit)
    b.adapt(bit)
    return bit


# 4.3 Adaptive symbols


class Symbol:
    """A context of sixteen symbols."""

    def __init__(self, c):
        self.c, self.age = c, 0

    def adapt(self, s):
        rate = 3 + sum(self.age > age for age in (7, 20, 60, 180))
        self.c = [c + ((2 * (i + 1) if i < s else 2**15 - 2 * (15 - i)) - c >> rate) for i, c in enumerate(self.c)]
        self.age = min(self.age + 1, 255)


def flat():
    return Symbol([2048 * (i + 1) for i in range(15)])


def falling():
    left, takes = 2**15 - 32, []
    for _ in range(15):
        takes.append(left // 4 + 2)
        left -= left // 4
    return Symbol(list(accumulate(takes)))


def symbol(coder, context):
    s = coder.symbol(context.c)
    context.adapt(s)
    return s


# 4.4 Classes


class Classes(NamedTuple):
    minus: set  # places of values of class 1
    special: dict  # bits of values of classes 2 to 15, by place


def decode_classes(r, count, width):
    if not r.flag():
        return Classes(set(), {})
    constants = [r.varint() for _ in range(r.varint())]
    need(len(constants) <= 13, "too many constants")
    own = iter(r.numbers("Q", r.varint()))
    coder = RangeCoder(r.part().data)
    same_w, same_n, other = defaultdict(Bit), defaultdict(Bit), defaultdict(falling)
    plane, minus, special = [], set(), {}
    for i in range(count):
        w, ww, n, nw, ne = (plane[i - back] if 0 < back <= i else 0 for back in (1, 2, width, width + 1, width - 1))
        if bit_alone(coder, same_w[w == n, n == ne, nw == w, ww == w, w != 0, ne == w]):
            value = w
        elif bit_alone(coder, same_n[n == ne, n == nw, w == n]):
            value = n
        else:
            value = symbol(coder, other[w])
        plane.append(value)
        if value == 1:
            minus.add(i)
        elif value == 15:
            special[i] = next(own, None)
            need(special[i] is not None, "too few own values")
        elif value > 1:
            need(value - 2 < len(constants), "a class without its constant")
            special[i] = constants[value - 2]
    return Classes(minus, special)


# 4.5 Ordered integers


def bits_of_ordered(type, n):
    if type.name == "u64":
        return n + 2**63
    if type.name == "bool":
        return int(n != 0)
    if type.real and n < 0:
        n ^= (1 << (type.bits - 1)) - 1
    return n % (1 << type.bits)


def ordered_of_bits(type, bits):
    if type.name == "u64":
        return bits - 2**63
    low, high = type.range
    n = bits if bits <= high else bits - (1 << type.bits)
    return n ^ high if type.real and n < 0 else n


# IEEE values and their bits


def bits_of_real(x):
    return int(x.view(np.uint32 if x.dtype == np.float32 else np.uint64))


def real_of_bits(type, bits):
    return (np.uint32(bits) if type.bits == 32 else np.uint64(bits)).view(type.real)


def real_of_integer(real, n):
    """The nearest float to an integer of 64 bits, rounded once."""
    return np.int64(n).astype(real)


def truncate(v, low, high):
    """trunc(v), saturating; 0 of what is not a number."""
    if v != v:
        return 0
    return clamp(int(v), low, high) if abs(v) < 2.0**65 else low if v < 0 else high


def rounded(v):
    return truncate(v + (-0.5 if v < 0 else 0.5), *I64)


# 4.6 Pointwise cells


class Cells:
    """The cells of magnitudes that a pointwise-relative bound needs."""

    def __init__(self, bound, grain, type):
        need(type.real and grain <= 6, "not a grain")
        self.m, self.top = type.mantissa, type.top
        self.width = 1 << (self.m - grain)
        reaches = [bound * float((1 << self.m) + j * self.width) * (1 - 2.0**-50) for j in range(1 << grain)]
        self.reach = [truncate(np.floor(reach), 0, self.width) for reach in reaches]
        cells = [-(-self.width // (2 * reach + 1)) for reach in self.reach]
        self.first = [0, *accumulate(cells)]
        self.count = self.first.pop()

    def magnitude(self, k):
        if k < 1 << self.m:
            return k
        v = k - (1 << self.m)
        x = v // self.count + 1
        if x >= self.top:
            return (self.top << self.m) + min(v - (self.top - 1) * self.count, (1 << self.m) - 1)
        c = v % self.count
        j = max(j for j, first in enumerate(self.first) if first <= c)
        inside = (c - self.first[j]) * (2 * self.reach[j] + 1) + self.reach[j]
        return (x << self.m) + j * self.width + min(inside, self.width - 1)

    def cell(self, magnitude):
        """The inverse (given at the end of section 7)."""
        x, f = divmod(magnitude, 1 << self.m)
        if x == 0:
            return magnitude
        j, inside = divmod(f, self.width)
        place = f if x == self.top else self.first[j] + inside // (2 * self.reach[j] + 1)
        return (1 << self.m) + (x - 1) * self.count + place


# ---------------------------------------------------------------------------------------------------------------------
# 5. Field codec


def decode_field(r, shape, type):
    """Decoded bytes of a chunk."""
    count, (nz, ny, nx) = prod(shape), planes_rows_columns(shape)
    mode = r.u8()
    need(mode == 1 or mode in (0, 2) and type.real, "not a mode of the type")
    if mode == 0:
        step, mean = (real_of_bits(type, type.unpack(r)) for _ in range(2))
        classes = decode_classes(r, count, nx)
        passed = classes.special.keys() | classes.minus
        bits = decode_walk(r, (nz, ny, nx), Steps(type, step, mean), passed)
        for i in classes.minus:
            bits[i] = 1 << (type.bits - 1)
    elif mode == 1:
        classes = decode_classes(r, count, nx)
        rule = Integers(reach=r.varint(), origin=r.zigzag(), range=type.range)
        walked = decode_walk(r, (nz, ny, nx), rule, classes.special.keys())
        bits = [n if n is None else bits_of_ordered(type, n) for n in walked]
    else:
        cells = Cells(r.number("d"), r.u8(), type)
        classes = decode_classes(r, count, nx)
        rule = Integers(reach=0, origin=r.zigzag(), range=(0, I64[1]))
        walked = decode_walk(r, (nz, ny, nx), rule, classes.special.keys())
        bits = [n if n is None else cells.magnitude(n) for n in walked]
        for i in classes.minus:
            bits[i] |= 1 << (type.bits - 1)
    for i, special in classes.special.items():
        bits[i] = special
    return type.pack(bits)


def planes_rows_columns(shape):
    axes = [1, 1] + [n for n in shape if n != 1]
    return prod(axes[:-2]), axes[-2], axes[-1]


# 5.1 From an index to a value. Each rule gives the value and what its neighbours see.


class Steps:
    """Mode 0."""

    def __init__(self, type, step, mean):
        self.work, self.type, self.step, self.mean = type.real, type, step, mean
        self.escape_bits = type.bits
        self.inverse, self.limit = type.real(1) / step, 2.0**21 if type.bits == 32 else 2.0**50

    def indexed(self, p, k):
        r = p + real_of_integer(self.work, k) * self.step
        return bits_of_real(r + self.mean), r

    def exact(self, p, bits):
        v = real_of_bits(self.type, bits) - self.mean
        return bits, v if abs((v - p) * self.inverse) < self.limit else p


class Integers:
    """Modes 1 and 2."""

    work, escape_bits = np.float64, 64

    def __init__(self, reach, origin, range):
        self.step, self.origin, self.range = 2 * reach + 1, origin, range

    def indexed(self, p, k):
        centre = clamp(rounded(p) + self.origin, *self.range)
        return self.seen(clamp(centre + k * self.step, *self.range))

    def exact(self, _, bits):
        return self.seen(wrap(bits))

    def seen(self, n):
        return n, real_of_integer(np.float64, wrap(n - self.origin))


# 5.2 Neighbourhood

TAPS = [
    (0, 0, -1), (0, 0, -2), (0, 0, -3),
    (0, -1, -2), (0, -1, -1), (0, -1, 0), (0, -1, 1), (0, -1, 2), (0, -2, -1), (0, -2, 0), (0, -2, 1), (0, -3, 0),
    (-1, 0, -2), (-1, 0, -1), (-1, 0, 0), (-1, 0, 1), (-1, 0, 2), (-1, -1, -1), (-1, -1, 0), (-1, -1, 1), (-1, 1, -1),
    (-1, 1, 0), (-1, 1, 1), (-1, -2, 0), (-1, 2, 0),
    (-2, 0, 0), (-2, 0, -1), (-2, 0, 1), (-2, -1, 0), (-2, 1, 0), (-3, 0, 0),
]  # fmt: skip


class Neighbourhood:
    """What has been seen of the planes at hand. Rows are addressed from -3, columns from -4."""

    def __init__(self, dims, work):
        nz, self.ny, self.nx = dims
        self.values = np.zeros((4 if nz > 1 else 1, self.ny + 6, self.nx + 8), work)
        self.magnitudes = [[[0] * (self.nx + 8) for _ in range(self.ny + 6)] for _ in range(2 if nz > 1 else 1)]

    def row(self, z, y):
        return self.values[z % len(self.values), y + 3]

    def magnitude_row(self, z, y):
        return self.magnitudes[z % len(self.magnitudes)][y + 3]

    def around(self, z, y, *taps):
        """Sum of weight x magnitude over taps (planes, rows, columns, weight), as a function of the column."""
        rows = [(self.magnitude_row(z + dz, y + dy), 4 + dx, weight) for dz, dy, dx, weight in taps]
        return lambda x: sum(weight * row[x + dx] for row, dx, weight in rows)

    def open_plane(self, z):
        for y in (-1, -2, -3):
            if z > 0:
                self.row(z, y)[:] = self.row(z - 1, 0)
            self.magnitude_row(z, y)[:] = [0] * (self.nx + 8)

    def close_plane(self, z):
        for y in range(self.ny, self.ny + 3):
            self.row(z, y)[:] = self.row(z, self.ny - 1)
            self.magnitude_row(z, y)[:] = [0] * (self.nx + 8)


class Row:
    """A row on its way, and its block of up to 16 columns."""

    def __init__(self, hood, z, y):
        self.hood, self.z, self.y, self.x = hood, z, y, 0
        self.values, self.magnitudes = hood.row(z, y), hood.magnitude_row(z, y)
        self.values[:4] = hood.row(z, y - 1)[4]
        self.magnitudes[:4] = [0] * 4

    def close(self):
        self.values[-4:] = self.values[-5]
        self.magnitudes[-4:] = self.magnitudes[-5:-4] * 4

    def open_block(self, weights):
        z, y, hood = self.z, self.y, self.hood
        self.start, self.end = self.x, min(self.x + 16, hood.nx)
        self.sums = np.zeros(self.end - self.start, hood.values.dtype)
        for (dz, dy, dx), weight in zip(TAPS[3:], weights[3:]):
            self.sums = self.sums + weight * hood.row(z + dz, y + dy)[4 + dx + self.start : 4 + dx + self.end]
        self.around, self.nearest = self.surroundings(len(weights) == 31)

    def surroundings(self, deep):
        z, y, hood = self.z, self.y, self.hood
        north, north2 = hood.magnitude_row(z, y - 1), hood.magnitude_row(z, y - 2)
        columns = range(self.start + 4, self.end + 4)
        around = [2 * north[x] + north[x + 1] + north[x - 1] + north2[x] for x in columns]
        nearest = [16 * min(north[x], 3) + 2 * min(north[x + 1], 1) for x in columns]
        if deep:
            b, bn, bs = (hood.magnitude_row(z - 1, y + dy) for dy in (0, -1, 1))
            around = [a + 2 * b[x] + b[x + 1] + b[x - 1] + bn[x] + bs[x] for a, x in zip(around, columns)]
            nearest = [n + 4 * min(b[x], 3) for n, x in zip(nearest, columns)]
        return around, nearest


def decode_walk(r, dims, rule, passed):
    """The values of a walk in C order, none where passed over."""
    nz, ny, nx = dims
    taps = 3 if ny == nz == 1 else 12 if nz == 1 else 31
    weights = [rule.work(weight / 2**14) for weight in r.numbers("h", taps)]
    first = RangeCoder(r.part().data), RawBits(r.part().data)
    second = RangeCoder(r.part().data), RawBits(r.rest())
    lanes, contexts = (first, second), IndexContexts(nz > 1)
    hood, values = Neighbourhood(dims, rule.work), [None] * (nz * ny * nx)
    blocks = (nx + 15) // 16
    begins = {2 * y if blocks <= 3 else y // 2 * blocks + 2 * (y % 2): y for y in range(ny)}

    def code(row, lane):
        i = row.x - row.start
        place = (row.z * ny + row.y) * nx + row.x
        west, west2, west3 = row.values[row.x + 3], row.values[row.x + 2], row.values[row.x + 1]
        p = row.sums[i] + (weights[0] * west + (weights[1] * west2 + weights[2] * west3))
        magnitude, seen = 0, p
        if place not in passed:
            k = contexts.decode(*lanes[lane], row, i)
            if k is None:
                values[place], seen = rule.exact(p, lanes[lane][1].take(rule.escape_bits))
                magnitude = 4095
            else:
                values[place], seen = rule.indexed(p, k)
                magnitude = min(abs(k), 4095)
        row.values[row.x + 4], row.magnitudes[row.x + 4] = seen, magnitude
        row.x += 1

    for z in range(nz):
        hood.open_plane(z)
        rows = [None, None]
        for time in range(max(begins) + blocks + 1):
            for lane in (0, 1):
                if rows[lane] and rows[lane].x == nx:
                    rows[lane].close()
                    rows[lane] = None
            if time in begins:
                rows[begins[time] % 2] = Row(hood, z, begins[time])
            for row in filter(None, rows):
                row.open_block(weights)
            for _ in range(16):
                for lane in (0, 1):
                    if rows[lane] and rows[lane].x < rows[lane].end:
                        code(rows[lane], lane)
        hood.close_plane(z)
    return values


# 5.3 Index


class IndexContexts:
    def __init__(self, deep):
        self.scale = 2**20 // (15 if deep else 9)
        self.zero_a, self.zero_b = defaultdict(Bit), defaultdict(Bit)
        self.weights = defaultdict(lambda: [36000, 36000])
        self.high, self.escape = defaultdict(falling), falling()

    def decode(self, coder, raw, row, i):
        """The index k, or none where the value is coded exactly."""
        around, nearest = row.around[i], row.nearest[i]
        west, west2 = row.magnitudes[row.x + 3], row.magnitudes[row.x + 2]
        e = (around + 3 * west + west2) * self.scale >> 16
        octave = e.bit_length() - 1
        group = e if e < 4 else 4 * (octave - 2) + (e >> (octave - 2) & 3) + 4
        if group < 19:
            b = 64 * min(west, 3) + nearest + min(west2, 1), group // 4
            if not bit_mixed(coder, self.zero_a[group, min(around, 7)], self.zero_b[b], self.weights[group]):
                return 0
            shift, least = 0, 1
        else:
            shift, least = (group - 15) // 4, 0
        high = symbol(coder, self.high[group])
        if high == 15:
            n = symbol(coder, self.escape)
            if n == 15:
                n += raw.take(6)
            if n >= 63:
                return None
            high = 14 + (1 << n) + raw.take(n)
        low = raw.take(shift + 1)
        k = wrap((high << shift | low >> 1) + least)
        return wrap(-k) if low & 1 else k


# ---------------------------------------------------------------------------------------------------------------------
# 6. Table codec


def decode_column(r, type, count):
    """Decoded bytes of a column."""
    map = decode_map(r, type, count)
    integers = decode_integers(r, count)
    return map.bytes(integers)


class Map(NamedTuple):
    """How the integers of a column stand for its values."""

    kind: int
    type: Type
    parameter: object
    classes: Classes

    def bytes(self, integers):
        if self.kind == 4:
            need(all(0 <= n < len(self.parameter) for n in integers), "a text out of the list")
            return b"".join(self.parameter[n].encode() + b"\n" for n in integers)
        bits = [self.classes.special.get(i) for i in range(len(integers))]
        for i, n in enumerate(integers):
            if bits[i] is None:
                bits[i] = self.bits(n) | (i in self.classes.minus) << (self.type.bits - 1)
        return self.type.pack(bits)

    def bits(self, n):
        """Bits of the value that an integer stands for."""
        if self.kind == 0:
            return bits_of_ordered(self.type, n)
        if self.kind == 1:
            return bits_of_real(real_of_integer(self.type.real, n))
        if self.kind == 2:
            return bits_of_real(self.type.real(real_of_integer(np.float64, n) * self.parameter))
        if self.kind == 3:
            return self.parameter.magnitude(n)
        return bits_of_ordered(self.type, clamp(n * self.parameter, *self.type.range))

    def integer(self, output):
        """The integer that a model's output stands for (section 7)."""
        converted = convert(self.type, output)
        if self.kind == 0 and (self.type.real or self.type.name == "u64"):
            return ordered_of_bits(self.type, converted)
        if self.kind in (0, 1):
            return rounded(output)
        if self.kind == 3:
            return self.parameter.cell(converted & ~(1 << (self.type.bits - 1)))
        return rounded(output / np.float64(self.parameter))


def decode_map(r, type, count):
    kind, parameter = r.u8(), None
    need(kind <= 5 and (kind == 4) == (type is TEXT), "not a map of the type")
    need(kind not in (1, 2, 3) or type.real, "not a map of the type")
    if kind == 2:
        parameter = np.float64(r.number("d"))
    elif kind == 3:
        parameter = Cells(r.number("d"), r.u8(), type)
    elif kind == 4:
        parameter = [r.string() for _ in range(r.varint())]
    elif kind == 5:
        parameter = 2 * r.varint() + 1
    return Map(kind, type, parameter, decode_classes(r, count, 1))


def decode_integers(r, count):
    """The integers of a column, to the end of its bytes."""
    if count == 0:
        r.end()
        return []
    way = r.u8()
    need(way <= 5, "an unknown way")
    if way == 5:
        integers = list(r.numbers("q", count))
        r.end()
        return integers
    if way == 0:
        integers = [r.zigzag()] * count
        r.end()
        return integers
    if way in (1, 2):
        base = r.zigzag()
        numbers = Numbers(r.part().data, r.rest())
        differences = [numbers.next() for _ in range(count)]
        if way == 1:
            return [wrap(base + n) for n in differences]
        return [wrap(n) for n in accumulate(differences, initial=base)][1:]
    size = r.varint()
    need(0 < size <= (4096 if way == 3 else 64), "not a size of a dictionary")
    entries = [r.zigzag()]
    entries += accumulate((r.varint() for _ in range(size - 1)), lambda a, b: wrap(a + b), initial=entries.pop())
    coder = RangeCoder(r.part().data)
    r.end()
    return [entries[n] for n in dictionary_numbers(coder, count, size, ordered=way == 4)]


class Numbers:
    """Whole numbers by their length, the one after the other."""

    def __init__(self, coded, raw):
        self.coder, self.raw = RangeCoder(coded), RawBits(raw)
        self.zero, self.sign = defaultdict(Bit), defaultdict(Bit)
        self.high, self.low, self.four, self.eight = (defaultdict(flat) for _ in range(4))
        self.length_before, self.sign_before = 0, 0

    def next(self):
        before = self.length_before
        if not bit_alone(self.coder, self.zero[before]):
            self.length_before, self.sign_before = 0, 0
            return 0
        high = symbol(self.coder, self.high[before])
        low = symbol(self.coder, self.low[before, high])
        place = min(4 * high + low % 4, 61)
        minus = bit_alone(self.coder, self.sign[self.sign_before, place])
        n, left = 1, place
        if left > 0:
            bits = min(left, 4)
            four = symbol(self.coder, self.four[place]) % (1 << bits)
            n, left = n << bits | four, left - bits
        if left > 0:
            bits = min(left, 4)
            n, left = n << bits | symbol(self.coder, self.eight[place, four]) % (1 << bits), left - bits
        while left > 0:
            bits = min(left, 32)
            n, left = n << bits | self.raw.take(bits), left - bits
        self.length_before, self.sign_before = place + 1, 2 if minus else 1
        return -n if minus else n


def dictionary_numbers(coder, count, size, ordered):
    digits = 1 if size <= 16 else 2 if size <= 256 else 3
    contexts, before = defaultdict(flat), 0
    for _ in range(count):
        number, path = 0, (before % 64 if ordered else 0,)
        for _ in range(digits):
            digit = symbol(coder, contexts[path])
            number, path = 16 * number + digit, (*path, digit)
        need(number < size, "a number out of the dictionary")
        yield number
        before = number


# ---------------------------------------------------------------------------------------------------------------------
# 7. Autoencoder codec


def decode_outputs(r, rows, models):
    """The model, its outputs for each row, and whether they are predictions only."""
    number, flags, shift = r.varint(), r.u8(), r.u8()
    need(number in models and flags < 2 and shift <= 12, "a model or flags that are not there")
    model = models[number]
    latents = [decode_integers(r.part(), rows) for _ in range(model.inputs)]
    return model, [model.run([clamp(i << shift, -8191, 8191) for i in row]) for row in zip(*latents)], flags == 1


def convert(type, v):
    """The bits of an output rounded to the type."""
    if type.real:
        return bits_of_real(type.real(v))
    if type.name == "u64":
        return truncate(v + 0.5, 0, 2**64 - 1)
    return clamp(rounded(v), *type.range) % (1 << type.bits)


def decode_autoencoder_field(r, shape, type, models):
    rows = shape[0] if shape else 1
    _, outputs, bounded = decode_outputs(r, rows, models)
    outputs = [v for row in outputs for v in row]
    need(len(outputs) == prod(shape), "a model of another shape")
    if not bounded:
        return type.pack([convert(type, v) for v in outputs])
    map = decode_map(r, type, len(outputs))
    rule = Integers(reach=0, origin=r.zigzag(), range=I64)
    walked = decode_walk(r, planes_rows_columns(shape), rule, map.classes.special.keys())
    integers = [0 if n is None else wrap(n + map.integer(v)) for n, v in zip(walked, outputs)]
    return map.bytes(integers)


def decode_autoencoder_table(r, rows, columns, models):
    model, outputs, _ = decode_outputs(r, rows, models)
    parts = []
    for column in columns:
        coding = r.u8()
        need(coding <= 2, "an unknown coding of a column")
        if coding == 0:
            parts.append(decode_column(r.part(), column.type, rows))
            continue
        name = column.name.split("/", 1)[1]
        need(name in model.names, "a column that the model does not have")
        output = [row[model.names.index(name)] for row in outputs]
        if coding == 2:
            parts.append(column.type.pack([convert(column.type, v) for v in output]))
            continue
        part = r.part()
        map = decode_map(part, column.type, rows)
        residuals = decode_integers(part, rows)
        parts.append(map.bytes([wrap(n + map.integer(v)) for n, v in zip(residuals, output)]))
    return parts


# ---------------------------------------------------------------------------------------------------------------------
# 8. Models


class Layer(NamedTuple):
    weights: list  # one list of inputs for each output
    bias: tuple
    shift: int
    multipliers: tuple  # for t >= 0 and for t < 0; none in the last layer

    def sums(self, x):
        return [b + sum(w * v for w, v in zip(row, x)) for row, b in zip(self.weights, self.bias)]

    def inner(self, x):
        y = []
        for acc, up, down in zip(self.sums(x), *self.multipliers):
            t = (acc + (1 << self.shift >> 1)) >> self.shift
            y.append(clamp((t * (down if t < 0 else up) + 2**14) >> 15, -8191, 8191))
        return y


class Model(NamedTuple):
    layers: list
    scale: tuple
    offset: tuple
    names: list

    @property
    def inputs(self):
        return len(self.layers[0].weights[0])

    def run(self, x):
        for layer in self.layers[:-1]:
            x = layer.inner(x)
        return [acc * scale + offset for acc, scale, offset in zip(self.layers[-1].sums(x), self.scale, self.offset)]


def decode_model(r):
    need(r.u8() == 1, "an unknown version of models")
    layers = [decode_layer(r, last) for last in [False] * (r.number("H") - 1) + [True]]
    need(all(len(a.weights) == len(b.weights[0]) for a, b in zip(layers, layers[1:])), "layers that do not fit")
    outputs = len(layers[-1].weights)
    scale, offset = r.numbers("d", outputs), r.numbers("d", outputs)
    names = [r.take(r.number("I")).decode("utf-8") for _ in range(outputs)] if r.flag() else []
    r.end()
    return Model(layers, scale, offset, names)


def decode_layer(r, last):
    kind, inputs, outputs = r.u8(), r.number("I"), r.number("I")
    need(kind == last and inputs and outputs, "not a layer")
    weights = [r.numbers("h", inputs) for _ in range(outputs)]
    bias = r.numbers("i", outputs)
    shift, multipliers = 0, ()
    if not last:
        shift, multipliers = r.u8(), (r.numbers("h", outputs), r.numbers("h", outputs))
        need(shift < 31, "a shift too far")
    for i in range(outputs):
        most = abs(bias[i]) + 8191 * sum(map(abs, weights[i]))
        need(most < 2**31 - (1 << shift), "a neuron that may overflow")
        for m in multipliers:
            need(m[i] >= 0 and ((most + (1 << shift >> 1)) >> shift) * m[i] + 2**14 < 2**31, "a neuron that may overflow")
    return Layer(weights, bias, shift, multipliers)


# ---------------------------------------------------------------------------------------------------------------------


def array(type, shape, data):
    if type is TEXT:
        return np.array(data.decode("utf-8").split("\n")[:-1])
    return np.frombuffer(data, type.dtype).reshape(shape)


def main():
    parser = argparse.ArgumentParser(description="Decodes Baler archives, slowly, by the letter of docs/format.md.")
    parser.add_argument("files", metavar="FILE.blr", nargs="+")
    parser.add_argument("-o", metavar="OUT.npz", dest="out", help="write the arrays to this file")
    options = parser.parse_args()
    arrays = {}
    for path in options.files:
        try:
            with open(path, "rb") as file:
                variables = decode_file(file.read())
        except Bad as error:
            sys.exit(f"{path}: {error}")
        for variable, parts in variables:
            for column, part in zip(variable.columns, parts):
                shape = "x".join(map(str, variable.shape)) or "scalar"
                print(column.name, column.type.name, shape, hashlib.sha256(part).hexdigest(), flush=True)
                arrays[column.name] = array(column.type, variable.shape, part)
    if options.out:
        np.savez(options.out, **arrays)


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()
