#!/usr/bin/env python3
"""A second, slow decoder of Baler archives, in the order of docs/format.md.

    python3 docs/reference_decoder.py FILE.blr... [-o OUT.npz]

prints each variable's name, type, shape and the SHA-256 of its decoded bytes, the columns of a table one by one.
It is written to be read beside the specification, not to be fast: plain integers, with NumPy for single IEEE
operations in binary32 and binary64 and for the arrays that come out.
"""

import argparse
import hashlib
import struct
import sys
import zlib
from collections import defaultdict
from functools import partial
from itertools import accumulate, cycle, product
from math import floor, isqrt, isnan, prod, sqrt
from typing import NamedTuple

import numpy as np

# ------------------------------------------------------------------------------------------- 1. Conventions

class Bad(Exception):
    """The file is corrupt, or asks for what version 1 does not know."""

def need(condition, message):
    if not condition:
        raise Bad(message)

I64 = (-(2**63), 2**63 - 1)

def clamp(n, low, high):
    return min(max(n, low), high)

def wrap(n, bits=64):
    """n as a two's complement integer of so many bits."""
    half = 1 << (bits - 1)
    return (n + half) % (2 * half) - half

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

    def tag(self, most):
        """A u8 of which the values beyond `most` are reserved."""
        tag = self.number("B")
        need(tag <= most, "a reserved value")
        return tag

    def varint(self):
        n = 0
        for place in range(10):
            byte = self.number("B")
            n |= (byte & 127) << (7 * place)
            if byte < 128:
                break
        need(byte < 128 and (byte or place == 0) and n < 2**64, "a varint not in its shortest form")
        return n

    def zigzag(self):
        n = self.varint()
        return (n >> 1) ^ -(n & 1)

    def part(self):
        """A varint length and that many bytes, to be read on their own."""
        return Reader(self.take(self.varint()))

    def string(self):
        return self.part().data.decode("utf-8")

# ------------------------------------------------------------------------------------------- 2. File

def decode_file(data):
    """The variables of an archive and, for each, its decoded bytes (a table: of each column)."""
    file = Reader(data)
    need(file.take(5) == b"\x89BLR\x01", "not a Baler archive of version 1")
    header = file.part()
    check = zlib.crc32(data[: file.at])
    need(file.number("I") == check, "the header's checksum is wrong")
    hashes, variables = decode_header(header)

    need(data[-4:] == b"RLB\x89", "no trailer: the file is cut short")
    kind, index, _ = decode_record(Reader(data[:-12], Reader(data[-12:-4]).number("Q")), check)
    need(kind == b"I", "the trailer does not point to an index")

    models, decoded = {}, [[b""] * len(v.columns) for v in variables]
    chunks = ((number, n) for number, v in enumerate(variables) for n in range(v.chunks()))
    for *listed, codec in decode_index(index, variables):
        kind, body, length = decode_record(file, check)
        need(listed == [kind, length], "the index and the records disagree")
        if kind == b"M":
            number, decoder = body.varint(), zlib.decompress(body.rest())
            need(number < len(hashes) and hashlib.sha256(decoder).digest() == hashes[number], "another model")
            models[number] = decode_model(Reader(decoder))
        elif kind == b"C":
            place = number, n = body.varint(), body.varint()
            need(place == next(chunks, None) and body.data[body.at] == codec, "a chunk out of order")
            parts = decode_chunk(body, variables[number], n, models)
            decoded[number] = [before + part for before, part in zip(decoded[number], parts)]
        else:
            need(kind == b"D", "a record of unknown kind")
    need(next(chunks, None) is None, "chunks are missing")
    return list(zip(variables, decoded))

# 2.1 Records

def decode_record(file, header_check):
    """A record's kind, its body, and the length of it all."""
    start = file.at
    need(file.take(2) == b"\xba\x1e", "no record where one should be")
    kind, body = file.take(1), file.part()
    check = zlib.crc32(file.data[start + 2 : file.at], zlib.crc32(struct.pack("<I", header_check)))
    need(file.number("I") == check, "a record's checksum is wrong")
    return kind, body, file.at - start

def decode_chunk(r, variable, n, models):
    """Codec, checksum and payload of the variable's n-th chunk: the decoded bytes of each column."""
    codec, check = r.tag(4), r.number("I")
    decode = decode_table_chunk if isinstance(variable, Table) else decode_field_chunk
    parts = decode(codec, r, variable, n, models)
    need(zlib.crc32(b"".join(parts)) == check, "a chunk does not decode to the values that were written")
    return parts

# 2.2 Index

def decode_index(r, variables):
    """Kind, length and codec (of chunks) of each record before the index."""
    records = []
    while (kind := r.take(1)) != b"\0":
        records.append((kind, r.varint(), r.tag(4) if kind == b"C" else None))
    columns = [column for v in variables for column in v.columns]
    r.numbers("d", sum(column.lossy for column in columns))  # their largest errors
    for _ in [column for column in columns if column.type is TEXT]:
        r.varint()
    r.end()
    return records

# ------------------------------------------------------------------------------------------- 3. Header body

class Type(NamedTuple):
    name: str
    dtype: str  # NumPy's name
    bits: int
    range: tuple = I64  # of its ordered integers (4.5)
    real: type = None  # NumPy's scalar, of floats
    mantissa: int = 0  # M (4.6)
    top: int = 0  # T (4.6)

    def pack(self, bits):
        """Decoded bytes of values given by their bits, of which the low ones count."""
        bits = [b % (1 << self.bits) for b in bits]
        return struct.pack(f"<{len(bits)}{'BHxIxxxQ'[self.bits // 8 - 1]}", *bits)

def integer_type(letter, bits):
    half = 1 << (bits - 1)
    ordered = (0, 2 * half - 1) if letter == "u" and bits < 64 else (-half, half - 1)
    return Type(f"{letter}{bits}", f"<{letter}{bits // 8}", bits, ordered)

BOOL, TEXT = Type("bool", "?", 8, (0, 1)), Type("text", "U", 8)
F32 = Type("f32", "<f4", 32, (-(2**31), 2**31 - 1), np.float32, 23, 255)
F64 = Type("f64", "<f8", 64, I64, np.float64, 52, 2047)
TYPES = [BOOL, *(integer_type(letter, bits) for bits in (8, 16, 32, 64) for letter in "ui"), F32, F64, TEXT]
U64 = TYPES[7]

class Column(NamedTuple):
    name: str
    type: Type
    lossy: bool

class Field(NamedTuple):
    name: str
    columns: list  # just one, without a name
    shape: tuple
    axis: int
    length: int

    def chunks(self):
        if 0 in self.shape or not self.shape:
            return 0 if self.shape else 1
        return prod(self.shape[: self.axis]) * -(-self.shape[self.axis] // self.length)

    def chunk_shape(self, n):
        if not self.shape:
            return ()
        long = self.shape[self.axis]
        start = n % -(-long // self.length) * self.length
        return (min(self.length, long - start), *self.shape[self.axis + 1 :])

class Table(NamedTuple):
    name: str
    columns: list
    shape: tuple  # just the rows
    length: int

    def chunks(self):
        return -(-self.shape[0] // self.length)

    def chunk_rows(self, n):
        return min(self.length, self.shape[0] - n * self.length)

def decode_header(r):
    """The models' hashes and the variables."""
    need(r.varint() == 0, "reserved flags are set")
    hashes = []
    for _ in range(r.varint()):
        hashes.append(r.take(32))
        need(r.tag(1), "the archive's model is to be supplied, which this decoder leaves out")
    variables = []
    for _ in range(r.varint()):
        name, kind = r.string(), r.tag(1)
        variables.append(decode_table_header(r, name) if kind else decode_field_header(r, name))
    r.end()
    return hashes, variables

def decode_field_header(r, name):
    type, rank = TYPES[r.tag(10)], r.tag(8)
    shape = tuple(r.varint() for _ in range(rank))
    lossy, axis, length = decode_bound(r), r.number("B"), r.varint()
    need(axis < max(rank, 1) and length > 0, "not a way to split the field")
    if r.tag(1):
        r.varint()  # the fill value's bits: the encoder's business
    return Field(name, [Column("", type, lossy)], shape, axis, length)

def decode_table_header(r, name):
    rows, length = r.varint(), r.varint()
    need(length > 0, "chunks of no rows")
    columns = [Column(r.string(), TYPES[r.tag(11)], decode_bound(r)) for _ in range(r.varint())]
    return Table(name, columns, (rows,), length)

def decode_bound(r):
    """Whether values may come back changed; what else a bound says does not matter to a decoder."""
    kind = r.tag(6)
    r.numbers("d", (0, 1, 2, 2, 1, 2, 0)[kind])
    return kind != 0

# 3.1 Chunk codecs

def decode_field_chunk(codec, r, field, n, models):
    shape, type = field.chunk_shape(n), field.columns[0].type
    need(codec != 3, "a field coded as a table")
    if codec == 0:
        return [r.take(prod(shape) * type.bits // 8)]
    if codec == 1:
        return [r.take(type.bits // 8) * prod(shape)]
    return [decode_field(r, shape, type, models) if codec == 2 else decode_modelled_field(r, shape, type, models)]

def decode_table_chunk(codec, r, table, n, models):
    rows = table.chunk_rows(n)
    need(codec in (0, 3, 4), "a table coded as a field")
    if codec == 0:
        return [r.take(rows * column.type.bits // 8) for column in table.columns]
    if codec == 3:
        return decode_columns([r.part() for _ in table.columns], rows, table.columns, models)
    return decode_modelled_table(r, rows, table.columns, models)

# ------------------------------------------------------------------------------------------- 4. Shared parts
# 4.1 Range coder

class RangeCoder:
    def __init__(self, data):
        self.data, self.at = data, 0
        self.value, self.range = self.word() << 32 | self.word(), 2**64 - 1

    def word(self):
        self.at += 4
        return int.from_bytes(self.data[self.at - 4 : self.at].ljust(4, b"\0"), "big")

    def narrow(self, start, size):
        self.value -= start
        self.range = size
        if size < 2**32:
            self.range <<= 32
            self.value = self.value << 32 | self.word()

    def bit(self, p1):
        bound = (self.range >> 16) * p1
        bit = self.value < bound
        self.narrow(*((0, bound) if bit else (bound, self.range - bound)))
        return bit

    def uniform(self, n):
        unit = self.range // n
        s = min(self.value // unit, n - 1)
        self.narrow(unit * s, self.range - unit * s if s == n - 1 else unit)
        return s

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
        first, self.at = self.at, self.at + n
        run = int.from_bytes(self.data[first // 8 : (self.at + 7) // 8], "little")
        return run >> (first % 8) & ((1 << n) - 1)

# 4.2 Adaptive bits

RATE = [1, 2, 2] + 3 * [3] + 5 * [4] + 11 * [5] + 10 * [6]
LOGISTIC = [
    32768, 36843, 40793, 44511, 47911, 50941, 53581, 55834, 57724, 59287, 60565, 61598, 62428, 63090, 63615,
    64030, 64357, 64614, 64816, 64974, 65097, 65194, 65269, 65328, 65374, 65410, 65438, 65459, 65476, 65489,
    65500, 65508, 65514, 65519, 65523, 65526, 65528, 65530, 65531, 65532, 65533, 65534, 65534, 65535, 65535,
    65535, 65535, 65535, 65535,
]
SQUASH = {}
for i in range(1537):
    k, f = divmod(i, 32)
    SQUASH[i] = min((LOGISTIC[k] * (32 - f) + LOGISTIC[min(k + 1, 48)] * f + 16) // 32, 65520)
    SQUASH[-i] = 65536 - SQUASH[i]
STRETCH, d = [], -1536
for p in range(4096):
    while d < 1536 and SQUASH[d] < 16 * p + 8:
        d += 1
    STRETCH.append(d)

class Bit:
    """A bit's context."""

    def __init__(self):
        self.p1, self.age = 32768, 0

    def adapt(self, bit):
        self.p1 += ((65504 if bit else 32) - self.p1) >> RATE[self.age]
        self.age = min(self.age + 1, 31)

    def odds(self):
        return STRETCH[self.p1 >> 4]

def bit_alone(coder, context):
    bit = coder.bit(context.p1)
    context.adapt(bit)
    return bit

def bit_mixed(coder, contexts, weights):
    inputs = [context.odds() for context in contexts]
    p = SQUASH[clamp(sum(w * o for w, o in zip(weights, inputs)) >> 16, -1536, 1536)]
    bit = coder.bit(p)
    error = (bit << 16) - p
    weights[:] = [wrap(w + (error * o >> 15), 32) for w, o in zip(weights, inputs)]
    for context in contexts:
        context.adapt(bit)
    return bit

# 4.3 Adaptive symbols

class Symbol:
    """A context of sixteen symbols."""

    def __init__(self, c):
        self.c, self.age = c, 0

    def adapt(self, s):
        rate = 3 + sum(self.age > age for age in (7, 20, 60, 180))
        target = [2 * (i + 1) if i < s else 2**15 - 2 * (15 - i) for i in range(15)]
        self.c = [c + (t - c >> rate) for c, t in zip(self.c, target)]
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
    minus: set  # places of class 1
    special: dict  # bits of the values of classes 2 to 15, by place

def decode_classes(r, count, width, size=0):
    flag = r.tag(4)
    if not flag:
        return Classes(set(), {})
    need(flag % 2 or size, "classes of planes where there is one")
    constants = [r.varint() for _ in range(r.tag(13))]
    own = list(r.numbers("Q", r.varint()))[::-1]
    coder = RangeCoder(r.part().data)
    plane = []
    one = ClassContexts(plane, width, 0 if flag % 2 else size)
    if flag > 2:
        copies, above = defaultdict(Bit), defaultdict(lambda: True)
        for row in range(0, count, width):
            west = True
            for start in range(row, row + width, 16):
                n = min(16, row + width - start)
                back = size if flag == 4 and start >= size else width
                like = plane[start - back : start - back + n] if start >= back else [0] * n
                west = bit_alone(coder, copies[west, above[start - row], len(set(like)) == 1])
                above[start - row] = west
                plane.extend(like if west else [])
                while len(plane) < start + n:
                    plane.append(one.decode(coder))
    else:
        while len(plane) < count:
            plane.append(one.decode(coder))
    minus, special = set(), {}
    for i, value in enumerate(plane):
        need(value < 2 + len(constants) or value == 15 and own, "a class without its value")
        if value == 1:
            minus.add(i)
        elif value > 1:
            special[i] = own.pop() if value == 15 else constants[value - 2]
    need(not own, "own values left over")
    return Classes(minus, special)

class ClassContexts:
    """Classes that are coded one by one: each behind what there is of the plane."""

    def __init__(self, plane, width, size):
        self.plane, self.width, self.size = plane, width, size
        self.as_p, self.as_w, self.as_n = defaultdict(Bit), defaultdict(Bit), defaultdict(Bit)
        self.other = defaultdict(falling)

    def back(self, n):
        return self.plane[-n] if 0 < n <= len(self.plane) else 0

    def decode(self, coder):
        width, size = self.width, self.size
        w, ww, n, nw, ne = (self.back(b) for b in (1, 2, width, width + 1, width - 1))
        if size and len(self.plane) >= size:
            backs = size, size + 1, size + width, size + width - 1, size - 1
            p, pw, pn, pne, pe = (self.back(b) for b in backs)
            if bit_alone(coder, self.as_p[w == pw, n == pn, ne == pne, p == w, p == n, pe == p]):
                return p
        if bit_alone(coder, self.as_w[w == n, n == ne, nw == w, ww == w, w != 0, ne == w]):
            return w
        if bit_alone(coder, self.as_n[n == ne, n == nw, w == n]):
            return n
        return symbol(coder, self.other[w])

# 4.5 Ordered integers, and what else makes numbers of bits

def bits_of_ordered(type, n):
    if type is BOOL:
        return int(n != 0)
    if type is U64:
        return n + 2**63
    return (n ^ ((1 << (type.bits - 1)) - 1) if type.real and n < 0 else n) % (1 << type.bits)

def ordered_of_real(x):
    n = int(x.view(np.int32 if x.dtype == np.float32 else np.int64))
    return n if n >= 0 else n ^ ((1 << (8 * x.nbytes - 1)) - 1)

def bits_of_real(x):
    return int(x.view(np.uint32 if x.dtype == np.float32 else np.uint64))

def real_of_bits(type, bits):
    return (np.uint32(bits) if type is F32 else np.uint64(bits)).view(type.real)

def real_of_integer(real, n):
    """The float nearest to an integer of 64 bits, rounded once."""
    return np.int64(n).astype(real)

def truncated(v, low, high):
    """trunc(v), saturating; 0 of what is not a number."""
    return 0 if v != v else clamp(int(clamp(v, -(2.0**65), 2.0**65)), low, high)

def rounded(v):
    """trunc(v + h) of section 5.1."""
    return truncated(v + (-0.5 if v < 0 else 0.5), *I64)

# 4.6 Pointwise cells

class Cells:
    def __init__(self, bound, grain, type):
        need(type.real and 0 < bound < 1 and grain <= 6, "not a pointwise bound")
        self.given = bound, grain
        self.m, self.top, self.width = type.mantissa, type.top, 1 << (type.mantissa - grain)
        starts = [float((1 << self.m) + j * self.width) for j in range(1 << grain)]
        self.reach = [min(int(bound * start * (1 - 2.0**-50)), self.width) for start in starts]
        *self.first, self.count = accumulate((-(-self.width // (2 * r + 1)) for r in self.reach), initial=0)

    def magnitude(self, k):
        """The magnitude that cell k stands for."""
        v = k % 2**64 - (1 << self.m)
        if v < 0:
            return k
        x = v // self.count + 1
        if x >= self.top:
            return (self.top << self.m) + min(v - (self.top - 1) * self.count, (1 << self.m) - 1)
        c = v % self.count
        j = max(j for j, first in enumerate(self.first) if first <= c)
        inside = (c - self.first[j]) * (2 * self.reach[j] + 1) + self.reach[j]
        return (x << self.m) + j * self.width + min(inside, self.width - 1)

    def cell(self, magnitude):
        """The inverse (the end of section 7)."""
        x, f = divmod(magnitude, 1 << self.m)
        if x == 0:
            return magnitude
        j, inside = divmod(f, self.width)
        place = f if x == self.top else self.first[j] + inside // (2 * self.reach[j] + 1)
        return (1 << self.m) + (x - 1) * self.count + place

# ------------------------------------------------------------------------------------------- 5. Field codec

def decode_field(r, shape, type, models):
    """Decoded bytes of a chunk."""
    count, dims = prod(shape), planes_rows_columns(shape)
    way, mode = divmod(r.number("B"), 16)
    need(mode <= 3 and (way in WALKS or way == 6), "a mode of a later version")
    need(mode in (1, 3) or type.real, "a mode of floats")
    if mode == 0:
        step, mean = (real_of_bits(type, int.from_bytes(r.take(type.bits // 8), "little")) for _ in "sm")
    elif mode == 2:
        cells = Cells(r.number("d"), r.number("B"), type)
    elif mode == 3:
        lattice = Lattice(r, type)
    minus, special = decode_classes(r, count, dims[2], dims[1] * dims[2] if dims[0] > 1 else 0)
    need(mode == 2 or not minus, "a class of pointwise cells")
    if mode == 0:
        rule = Steps(type, step, mean)
    elif mode == 1:
        rule = Integers(reach=r.varint(), origin=r.zigzag(), range=type.range)
    elif mode == 3:
        rule = Integers(reach=r.varint(), origin=r.zigzag(), range=lattice.range)
    else:
        rule = Integers(reach=0, origin=r.zigzag(), range=(0, 2**63 - 1))
    walk = partial(decode_learned_walk, models=models) if way == 6 else WALKS[way]
    bits = []
    for i, n in enumerate(walk(r, dims, rule, special)):
        if i in special:
            bits.append(special[i])
        elif mode == 2:
            bits.append(cells.magnitude(n) | (i in minus) << (type.bits - 1))
        elif mode == 3:
            bits.append(lattice.bits(n))
        else:
            bits.append(n if mode == 0 else bits_of_ordered(type, n))
    return type.pack(bits)

def planes_rows_columns(shape):
    axes = [1, 1] + [n for n in shape if n != 1]
    return prod(axes[:-2]), axes[-2], axes[-1]

# 5.1 From an index to a value: each rule gives the value (its bits, or an integer) and what its neighbours see

class Steps:
    """Mode 0."""

    def __init__(self, type, step, mean):
        self.type, self.work, self.step, self.mean = type, type.real, step, mean
        self.inverse, self.limit = type.real(1) / step, 2.0**21 if type is F32 else 2.0**50
        self.exact_bits, self.distance = type.bits, float(step)

    def indexed(self, p, k):
        r = p + real_of_integer(self.work, k) * self.step
        return bits_of_real(r + self.mean), r

    def exact(self, p, bits):
        v = real_of_bits(self.type, bits) - self.mean
        return bits, v if abs((v - p) * self.inverse) < self.limit else p

class Integers:
    """Modes 1 and 2."""

    work, exact_bits = np.float64, 64

    def __init__(self, reach, origin, range):
        self.step, self.origin, self.range = wrap(2 * reach + 1), origin, range
        self.distance = 2.0 * float(reach) + 1.0

    def indexed(self, p, k):
        centre = clamp(rounded(p) + self.origin, *self.range)
        return self.seen(clamp(centre + clamp(k * self.step, *I64), *self.range))

    def exact(self, p, bits):
        return self.seen(wrap(bits))

    def seen(self, n):
        return n, real_of_integer(np.float64, wrap(n - self.origin))

class Lattice:
    """What integers stand for in mode 3."""

    def __init__(self, r, type):
        self.type, self.formula = type, r.tag(6)
        need(self.formula in ([1, 2, 3, 5, 6] if type is F64 else [1, 2, 3] if type is F32 else [0]), "a reserved value")
        if self.formula == 0:
            self.scale, self.offset = r.zigzag(), r.zigzag()
            low, high = type.range
            need(self.scale >= 1 and low <= self.offset <= high, "not a lattice")
            ends = -((self.offset - low) // self.scale), (high - self.offset) // self.scale
            self.range = clamp(ends[0], *I64), clamp(ends[1], *I64)
        else:
            self.scale, self.offset = np.float64(r.number("d")), np.float64(r.number("d"))
            real = np.float32 if self.formula == 3 else np.float64
            need(self.scale > 0 and np.isfinite(real(self.scale)) and np.isfinite(real(self.offset)), "not a lattice")
            self.range = -(2**53), 2**53

    def bits(self, n):
        if self.formula == 0:
            return bits_of_ordered(self.type, wrap(n * self.scale + self.offset))
        if self.formula == 3:
            value = np.float32(np.int64(n)) * np.float32(self.scale) + np.float32(self.offset)
        elif self.formula in (1, 5):
            value = np.float64(n) * self.scale + self.offset
        else:
            value = np.float64(n) / self.scale + self.offset
        if self.formula >= 5:
            value = np.float32(value)
        return bits_of_real(self.type.real(value))

# 5.2 Neighbourhood

TAPS = [
    (0, 0, -1), (0, 0, -2), (0, 0, -3),
    (0, -1, -2), (0, -1, -1), (0, -1, 0), (0, -1, 1), (0, -1, 2), (0, -2, -1), (0, -2, 0), (0, -2, 1), (0, -3, 0),
    (-1, 0, -2), (-1, 0, -1), (-1, 0, 0), (-1, 0, 1), (-1, 0, 2), (-1, -1, -1), (-1, -1, 0), (-1, -1, 1),
    (-1, 1, -1), (-1, 1, 0), (-1, 1, 1), (-1, -2, 0), (-1, 2, 0),
    (-2, 0, 0), (-2, 0, -1), (-2, 0, 1), (-2, -1, 0), (-2, 1, 0), (-3, 0, 0),
]

class Planes:
    """What has been seen lately. Rows start at -3, columns at -4."""

    def __init__(self, dims, work):
        nz, self.ny, self.nx = dims
        self.seen = np.zeros((4 if nz > 1 else 1, self.ny + 6, self.nx + 8), work)
        self.sizes = [[[0] * (self.nx + 8) for _ in range(self.ny + 6)] for _ in range(min(nz, 2))]

    def row(self, z, y):
        return self.seen[z % len(self.seen), y + 3]

    def size_row(self, z, y):
        """Magnitudes of indices."""
        return self.sizes[z % len(self.sizes)][y + 3]

    def pad(self, z, rows, source):
        for y in rows:
            if source is not None:
                self.row(z, y)[:] = source
            self.size_row(z, y)[:] = [0] * (self.nx + 8)

    def open(self, z):
        self.pad(z, (-1, -2, -3), self.row(z - 1, 0) if z > 0 else None)

    def close(self, z):
        self.pad(z, range(self.ny, self.ny + 3), self.row(z, self.ny - 1))

class Row:
    """A row on its way, and its block of up to 16 columns."""

    def __init__(self, planes, z, y):
        self.planes, self.z, self.y, self.x = planes, z, y, 0
        self.seen, self.sizes = planes.row(z, y), planes.size_row(z, y)
        self.seen[:4] = planes.row(z, y - 1)[4]
        self.sizes[:4] = [0] * 4

    def close(self):
        self.seen[-4:] = self.seen[-5]
        self.sizes[-4:] = [self.sizes[-5]] * 4

    def open_block(self, weights):
        z, y, planes = self.z, self.y, self.planes
        self.start, self.end = self.x, min(self.x + 16, planes.nx)
        self.sums = np.zeros(self.end - self.start, planes.seen.dtype)
        for (dz, dy, dx), weight in zip(TAPS[3:], weights[3:]):
            tap = planes.row(z + dz, y + dy)[4 + dx + self.start : 4 + dx + self.end]
            self.sums = self.sums + weight * tap
        north, north2 = planes.size_row(z, y - 1), planes.size_row(z, y - 2)
        back, back_north, back_south = (planes.size_row(z - 1, y + dy) for dy in (0, -1, 1))
        self.around, self.nearest = [], []
        for x in range(self.start + 4, self.end + 4):
            around = 2 * north[x] + north[x + 1] + north[x - 1] + north2[x]
            nearest = 16 * min(north[x], 3) + 2 * min(north[x + 1], 1)
            if len(weights) == 31:
                around += 2 * back[x] + back[x + 1] + back[x - 1] + back_north[x] + back_south[x]
                nearest += 4 * min(back[x], 3)
            self.around.append(around)
            self.nearest.append(nearest)

    def decode(self, rule, base, weights, contexts, lane, passed):
        """The next value; none where it is passed over."""
        at, i = self.x + 4, self.x - self.start
        a, b, c = self.seen[at - 1], self.seen[at - 2], self.seen[at - 3]
        p = self.sums[i] + (weights[0] * a + (weights[1] * b + weights[2] * c))
        if base is not None:
            p = p + base[self.z, self.y, self.x]
        value, seen, size = None, p, 0
        if not passed:
            coder, raw = lane
            west, west2 = self.sizes[at - 1], self.sizes[at - 2]
            k = contexts.decode(coder, raw, self.around[i], self.nearest[i], west, west2)
            value, seen = rule.exact(p, raw.take(rule.exact_bits)) if k is None else rule.indexed(p, k)
            size = 4095 if k is None else min(abs(k), 4095)
        self.seen[at] = seen if base is None else seen - base[self.z, self.y, self.x]
        self.sizes[at] = size
        self.x += 1
        return value

def decode_walk(r, dims, rule, special, base=None, indices=None):
    """The values of a walk in C order, none where passed over."""
    nz, ny, nx = dims
    taps = 3 if ny == nz == 1 else 12 if nz == 1 else 31
    weights = [rule.work(weight / 2**14) for weight in r.numbers("h", taps)]
    first = RangeCoder(r.part().data), RawBits(r.part().data)
    second = RangeCoder(r.part().data), RawBits(r.rest())
    contexts, planes, values = (indices or IndexContexts)(nz), Planes(dims, rule.work), [None] * prod(dims)
    blocks = (nx + 15) // 16
    begins = {2 * y if blocks <= 3 else y // 2 * blocks + 2 * (y % 2): y for y in range(ny)}
    for z in range(nz):
        planes.open(z)
        rows = [None, None]
        for time in range(max(begins) + blocks + 1):
            for lane in (0, 1):
                if rows[lane] and rows[lane].x == nx:
                    rows[lane].close()
                    rows[lane] = None
            if time in begins:
                y = begins[time]
                rows[y % 2] = Row(planes, z, y)
            for row in filter(None, rows):
                row.open_block(weights)
            for _ in range(16):
                for row, lane in zip(rows, (first, second)):
                    if row and row.x < row.end:
                        place = (z * ny + row.y) * nx + row.x
                        values[place] = row.decode(rule, base, weights, contexts, lane, place in special)
        planes.close(z)
    return values

# 5.3 Index

def index_class(e):
    o = e.bit_length() - 1
    return e if e < 4 else 4 * (o - 2) + (e >> (o - 2) & 3) + 4

class IndexContexts:
    def __init__(self, nz):
        self.scale = 2**20 // (15 if nz > 1 else 9)
        self.zero_a, self.zero_b = defaultdict(Bit), defaultdict(Bit)
        self.weights = defaultdict(lambda: [36000, 36000])
        self.high, self.length = defaultdict(falling), falling()

    def group(self, around, west, west2):
        """The class of the expected magnitude."""
        e = (around + 3 * west + west2) * self.scale >> 16
        return index_class(e)

    def decode(self, coder, raw, around, nearest, west, west2):
        """The index k; none where the value is coded exactly."""
        group = self.group(around, west, west2)
        if group < 19:
            a = self.zero_a[group, min(around, 7)]
            b = self.zero_b[64 * min(west, 3) + nearest + min(west2, 1), group // 4]
            if not bit_mixed(coder, (a, b), self.weights[group]):
                return 0
        return self.decode_size(coder, raw, group, self.high[group])

    def decode_size(self, coder, raw, group, context):
        shift, floor = (0, 1) if group < 19 else ((group - 15) // 4, 0)
        high = symbol(coder, context)
        if high == 15:
            n = symbol(coder, self.length)
            if n == 15:
                n += raw.take(6)
            if n >= 63:
                return None
            high = 14 + (1 << n) + raw.take(n)
        low = raw.take(shift + 1)
        k = (high << shift | low >> 1) + floor
        return wrap(-k if low & 1 else k)

# 5.4 Base

F = np.float32
GROUPINGS = [[(0, 1, 2)], [(0,), (1, 2)], [(0,), (1,), (2,)]]

def over_base(decode):
    """A walk over a base in units of work numbers."""

    def decode_both(r, dims, rule, special):
        base = decode_base(r, dims).astype(rule.work) * rule.work(rule.step)
        return decode(r, dims, rule, special, base)

    return decode_both

def decode_base(r, dims):
    """The wavelet approximation b."""
    byte, eighths = r.number("B"), r.number("B")
    need(byte < 32 and byte % 16 <= 2, "a base of a later version")
    asked = r.number("B") if byte >= 16 else None
    groups = [Group(axes, dims) for axes in GROUPINGS[byte % 16]]
    coder, raw = RangeCoder(r.part().data), RawBits(r.part().data)
    b = Coefficients(coder, raw, dims, bands_of(groups), F(eighths) / F(8), asked).decode()
    for group in reversed(groups):
        for length, split in reversed(group.levels):
            box = b[tuple(slice(length.get(a)) for a in range(3))]
            for axis in split:
                join(np.moveaxis(box, axis, 0))
    return b

# Bands: what differs by axis is in dictionaries

class Part(NamedTuple):
    """A part of a group, or a band."""

    h: int
    start: dict
    length: dict
    scale: dict
    parents: list  # their numbers
    siblings: list

    def box(self):
        return tuple(slice(self.start[a], self.start[a] + self.length[a]) for a in range(3))

class Group:
    def __init__(self, axes, dims):
        self.axes, self.levels = axes, []  # the lengths at each level and the axes that are split there
        length = {a: dims[a] for a in axes}
        while len(self.levels) < 6 and (split := [a for a in axes if length[a] >= 8]):
            self.levels.append((length, split))
            length = {a: (n + 1) // 2 if a in split else n for a, n in length.items()}
        start = dict.fromkeys(axes, 0)
        self.parts = [Part(0, start, length, self.scale(len(self.levels)), [], [])]
        coarser = {0: 0}  # by h, the numbers of the parts of the next coarser level; 0: the lowest
        for level in reversed(range(len(self.levels))):
            coarser = {0: 0, **self.add_level(level, coarser)}

    def scale(self, levels):
        return {a: sum(a in split for _, split in self.levels[:levels]) for a in self.axes}

    def add_level(self, level, coarser):
        (n, split), numbers = self.levels[level], {}
        low = {a: (n[a] + 1) // 2 if a in split else n[a] for a in self.axes}
        for h in range(1, 8):
            upper = [a for a in range(3) if h >> a & 1]
            if set(upper) <= set(split):
                start = {a: low[a] if a in upper else 0 for a in self.axes}
                length = {a: n[a] - low[a] if a in upper else low[a] for a in self.axes}
                parent, siblings = coarser[h & max(coarser)], list(numbers.values())
                numbers[h] = len(self.parts)
                self.parts.append(Part(h, start, length, self.scale(level + 1), [parent], siblings))
        return numbers

def bands_of(groups):
    bands, sizes = [], [len(group.parts) for group in groups]
    for place in np.ndindex(*sizes):
        parts = [group.parts[i] for group, i in zip(groups, place)]
        h, start, length, scale, *related = zip(*parts)
        number = lambda g, i: int(np.ravel_multi_index((*place[:g], i, *place[g + 1 :]), sizes))
        numbers = [[number(g, i) for g, ids in enumerate(lists) for i in ids] for lists in related]
        joined = [{a: n for part in of_parts for a, n in part.items()} for of_parts in (start, length, scale)]
        bands.append(Part(sum(h), *joined, *numbers))
    return bands

# Coefficients

class Coefficients:
    def __init__(self, coder, raw, dims, bands, step, asked):
        self.coder, self.raw, self.dims, self.bands, self.step = coder, raw, dims, bands, step
        self.asked = asked  # None in coding 0
        self.values, magnitudes = np.zeros(dims, F), np.zeros(dims, np.int64)
        self.m = [magnitudes[band.box()] for band in bands]
        self.empty, self.minus = defaultdict(Bit), defaultdict(Bit)
        self.contexts = defaultdict(Counter if asked is None else Bit)
        self.weights = defaultdict(lambda: [12000] * 6 if asked is None else [24000] * 3)
        self.high, self.length = defaultdict(falling), falling()
        self.expected = defaultdict(lambda: np.array([0.14, 0.08, 0.04, 0.1, 0.025, 0.12, 0.03, 0.1], F))

    def decode(self):
        """The coefficients' values, each band in its box."""
        self.lowest(self.values[self.bands[0].box()], self.m[0])
        for band, m in zip(self.bands[1:], self.m[1:]):
            for z, y in np.ndindex(m.shape[:2]):
                self.row(band, self.values[band.box()], m, z, y)
        return self.values

    def value(self, k):
        s = (F(0), F(0.95), F(1.97))[abs(k)] if abs(k) < 3 else F(abs(k))
        return s * self.step if k >= 0 else -(s * self.step)

    def lowest(self, values, m):
        k, last = defaultdict(int), 0
        for z, y, x in np.ndindex(m.shape):
            if x > 0 and y > 0:
                foretold = k[z, y, x - 1] + k[z, y - 1, x] - k[z, y - 1, x - 1]
            else:
                foretold = k[(z, y, x - 1) if x > 0 else (z, y - 1, x) if y > 0 else (z - 1, y, x)]
            f = np.array([6 * last, 0, 0, 0, 0, 0, 0, 0.1], F)
            difference = self.coefficient(0, f, (0, 0, 0), (0, 0, 0))
            last = min(abs(difference), 1023)
            k[z, y, x] = wrap(foretold + difference, 32)
            values[z, y, x], m[z, y, x] = self.value(k[z, y, x]), min(abs(k[z, y, x]), 1023)

    def row(self, band, values, m, z, y):
        nx, kind = m.shape[2], self.kind(band)
        n, nn, u, uu = (line(m, z - dz, y - dy) for dz, dy in ((0, 1), (0, 2), (1, 0), (2, 0)))
        aside = n[:-2] + n[2:] + u[:-2] + u[2:] + (line(m, z - 1, y - 1) + line(m, z - 1, y + 1))[1:-1]
        n, nn, u, uu = (of[1:-1] for of in (n, nn, u, uu))
        f = np.zeros((nx, 8), F)
        f[:, 0], f[:, 1], f[:, 2], f[:, 7] = n + u, aside, nn + uu, 0.1
        f[:, 3], f[:, 4] = self.means(band, band.parents, z, y)
        f[:, 5], f[:, 6] = self.means(band, band.siblings, z, y)
        north = np.sign(values[z, y - 1]) if y > 0 else np.zeros(nx)
        back = np.sign(values[z - 1, y]) if z > 0 else np.zeros(nx)
        for start in range(0, nx, 16):
            w, ww = (int(m[z, y, start - d]) if start > 0 else 0 for d in (1, 2))
            if w == ww == 0 and self.all_zero(kind, f[start : start + 16], band):
                continue
            for x in range(start, min(start + 16, nx)):
                f[x, 0] += w
                f[x, 2] += ww
                signs = np.sign(values[z, y, x - 1]) if x > 0 else 0, north[x], back[x]
                k = self.coefficient(kind, f[x], (w, n[x], u[x]), signs)
                w, ww = min(abs(k), 1023), w
                values[z, y, x], m[z, y, x] = self.value(k), w

    def all_zero(self, kind, f, band):
        """Whether a bit says that a block is."""
        quiet = not f[:, :7].any()
        if self.asked is None:
            return quiet and bit_alone(self.coder, self.empty[kind])
        # f are multiples of these shares of whole numbers
        shares = [F(1)] * 3 + [F(1) / F(max(len(of), 1)) for of in (band.parents, band.siblings) for _ in range(2)]
        total = [F(round(sum(map(float, f[:, i] / share)))) * share for i, share in enumerate(shares)]
        total = np.array([*total, F(0.1) * F(len(f))], F)
        b = min(class_of_f32(sum_of_eight(self.expected[kind] * total)), 59)
        if not quiet and b > self.asked:
            return False
        level = lambda e: min((class_of_f32(e * F(0.125)) + 1) // 2, 15)
        own = level((total[0] + F(0.5) * total[1]) + F(0.35) * total[2])
        parents, siblings = (level(total[i] + total[i + 1] * (F(1) / F(6))) for i in (3, 5))
        contexts = (0, kind, b), (1, own, parents > 0, b), (2, parents, siblings)
        return bit_mixed(self.coder, [self.empty[c] for c in contexts], self.weights["block", kind])

    def kind(self, band):
        long = [a for a in range(3) if self.dims[a] >= 8]
        s = sum(band.scale[a] - (band.h >> a & 1) for a in long)
        c = (2 * s + len(long)) // (2 * len(long)) if long else 0
        return 8 * min(c, 3) + band.h

    def means(self, band, others, z, y):
        """Of the magnitudes in other bands, and of the sums of their six neighbours."""
        own = around = np.zeros(band.length[2], F)
        for other in others:
            m, shift = self.m[other], [self.bands[other].scale[a] - band.scale[a] for a in range(3)]
            z0, y0 = min(z >> shift[0], m.shape[0] - 1), min(y >> shift[1], m.shape[1] - 1)
            here, above, below, before, behind = (
                line(m, z0 + dz, y0 + dy, 2) for dz, dy in ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0))
            )
            x = (np.arange(band.length[2]) >> shift[2]) + 2
            own = own + here[x].astype(F)
            around = around + (here[x - 1] + here[x + 1] + (above + below + before + behind)[x]).astype(F)
        share = F(1) / F(max(len(others), 1))
        return own * share, around * share

    def coefficient(self, kind, f, near, signs):
        g = self.expected[kind]
        e = sum_of_eight(g * f)
        group = min(class_of_f32(e), 59)
        m = self.magnitude(kind, group, self.slots(kind, group, f, near))
        gain = (F(0.002) * (F(min(m, 1023)) - e)) / (F(1) + sum_of_eight(f * f))
        g += gain * f
        g[g < 0] = 0
        return wrap(-m if m and bit_alone(self.coder, self.minus[signs, kind]) else m, 32)

    def slots(self, kind, group, f, near):
        """Those of the six or three contexts."""
        here = min(class_of_f32(((f[0] + F(0.5) * f[1]) + F(0.35) * f[2]) * F(0.145)), 31)
        parent, sibling = (min(class_of_f32(F(0.5) * f[i] + f[i + 1] * (F(0.5) / F(6))), 31) for i in (3, 5))
        beside = min(class_of_f32(f[1] / F(6)), 31), min(class_of_f32(f[0] / F(3)), 31)
        w, n, u = (6 if m > 15 else [0, 1, 2, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5][m] for m in near)
        three = (min(group, 31), kind), (w, n, u), (parent, sibling)
        return three if self.asked is not None else (*three, (parent, here), (sibling, here), beside)

    def magnitude(self, kind, group, slots):
        m = 0
        if group < 24:
            while m < 3:
                contexts = [self.contexts[m, i, slot] for i, slot in enumerate(slots)]
                if not bit_mixed(self.coder, contexts, self.weights[m, kind]):
                    break
                m += 1
        if group >= 24 or m == 3:
            shift = max(group - 24, 0) // 4
            high = symbol(self.coder, self.high[group // (4 if group < 24 else 2)])
            if high == 15:
                n = symbol(self.coder, self.length)
                n += self.raw.take(4) if n == 15 else 0
                high = 14 + (1 << n) + self.raw.take(n)
            m += high << shift | self.raw.take(shift)
        return m % 2**32

def line(m, z, y, pad=1):
    """Row y of plane z of a band, and some places before and after it."""
    nz, ny, nx = m.shape
    z, y = 0 if nz == 1 else z, 0 if ny == 1 else y
    row = np.zeros(nx + 2 * pad, m.dtype)
    if 0 <= z < nz and 0 <= y < ny:
        row[pad:-pad] = m[z, y]
    return row

def sum_of_eight(p):
    return ((p[0] + p[4]) + (p[1] + p[5])) + ((p[2] + p[6]) + (p[3] + p[7]))

def class_of_f32(e):
    return index_class(int(F(64) * e))

class Counter:
    """A bit's context that remembers longer."""

    SHARE = [(655360 + 5 * n + 8) // (10 * n + 16) for n in range(256)]

    def __init__(self):
        self.p, self.n = 2**21, 0

    def adapt(self, bit):
        self.p += ((2**22 - 1 if bit else 0) - self.p) * self.SHARE[self.n] >> 16
        self.n = min(self.n + 1, 255)

    def odds(self):
        return STRETCH[self.p >> 10]

# Back from coefficients

def join(v):
    """Undoes a split of the leading axis."""
    half = (len(v) + 1) // 2
    even, odd = v[:half] * F(0.8128931), v[half:] * F(1.2301741)
    at, places = np.arange(half), np.arange(len(odd))
    around_even = lambda: odd[np.maximum(at - 1, 0)] + odd[np.minimum(at, len(odd) - 1)]
    around_odd = lambda: even[places] + even[np.minimum(places + 1, half - 1)]
    even += F(-0.44350685) * around_even()
    odd += F(-0.8829111) * around_odd()
    even += F(0.05298012) * around_even()
    odd += F(1.5861343) * around_odd()
    v[0::2], v[1::2] = even, odd

# 5.5 The fast walk

FAST_TAPS = [
    (-2, 0, 0), (-1, -1, -1), (-1, -1, 0), (-1, -1, 1), (-1, 0, -1), (-1, 0, 0), (-1, 0, 1),
    (-1, 1, -1), (-1, 1, 0), (-1, 1, 1),
    (0, -2, 0), (0, -1, -1), (0, -1, 0), (0, -1, 1), (0, 0, -2), (0, 0, -1),
]

def decode_fast_tables(r):
    """The frequencies of tokens for each class."""
    coder, raw = RangeCoder(r.part().data), RawBits(r.part().data)
    new, lasts, lengths, tables = Bit(), falling(), defaultdict(falling), []
    for group in range(34):
        if group > 0 and not bit_alone(coder, new):
            tables.append(tables[-1])
            continue
        last = 16 * symbol(coder, lasts) + raw.take(4)
        need(last < 92, "a token that is none")
        frequencies, length = [0] * 92, 0
        for token in range(1, last + 1):
            length = symbol(coder, lengths[length])
            below = min(max(length - 1, 0), 2)
            if length > 0:
                frequencies[token] = (1 << below | raw.take(below)) << max(length - 3, 0)
        frequencies[0] = 2048 - sum(frequencies)
        need(frequencies[0] > 0, "frequencies that sum up to too much")
        tables.append(frequencies)
    return tables

class Tokens:
    def __init__(self, data, tables):
        self.states, self.data = Reader(data[:32].ljust(32, b"\0")).numbers("I", 8), data[32:]
        self.starts = [[0, *accumulate(frequencies)] for frequencies in tables]

    def decode(self, i, group):
        x, starts = self.states[i % 8], self.starts[group]
        slot = x % 2048
        token = next(t for t in range(92) if slot < starts[t + 1])
        x = (starts[token + 1] - starts[token]) * (x >> 11) + slot - starts[token]
        if x < 2**16:
            x = x << 16 | int.from_bytes(self.data[:2], "little")
            self.data = self.data[2:]
        self.states = (*self.states[: i % 8], x, *self.states[i % 8 + 1 :])
        return token

def fast_class(planes, z, y, x):
    """Of a value at column x - 4."""
    north, north2 = planes.size_row(z, y - 1), planes.size_row(z, y - 2)
    if len(planes.sizes) == 1:
        s = 6 * north[x] + 3 * (north[x - 1] + north[x + 1]) + 4 * north2[x]
    else:
        back, back_north, back_south = (planes.size_row(z - 1, y + dy) for dy in (0, -1, 1))
        s = 3 * north[x] + north[x - 1] + north[x + 1] + north2[x]
        s += 4 * back[x] + back[x - 1] + back[x + 1] + 2 * (back_north[x] + back_south[x])
    o = s.bit_length() - 1
    return s if s < 2 else 2 * o + 1 + (s >> (o - 1) & 1)

def fast_index(token, shift, raw):
    low = raw.take(shift)
    high = token if token < 32 else (1 << (token - 27)) + raw.take(token - 27)
    u = ((high << shift) + low) % 2**64
    return u >> 1 if u % 2 == 0 else -(u >> 1) - 1

def decode_fast_walk(r, dims, rule, special):
    """The values of a walk in C order, none where passed over."""
    nz, ny, nx = dims
    need(nx >= 32 and ny * nz > 1, "rows too short or too few")
    taps = FAST_TAPS if nz > 1 else FAST_TAPS[10:]
    weights = [rule.work(weight / 2**14) for weight in r.numbers("h", len(taps))]
    tables = decode_fast_tables(r)
    tokens, raw = Tokens(r.part().data, tables), RawBits(r.rest())
    planes, values = Planes(dims, rule.work), [None] * prod(dims)
    for z in range(nz):
        planes.open(z)
        for y in range(ny):
            seen, sizes, i = planes.row(z, y), planes.size_row(z, y), 0
            seen[:4] = planes.row(z, y - 1)[4]
            sizes[:4] = [0] * 4
            for x in range(4, nx + 4):
                p = rule.work(0)
                for (dz, dy, dx), weight in zip(taps, weights):
                    p = p + weight * planes.row(z + dz, y + dy)[x + dx]
                place = (z * ny + y) * nx + x - 4
                seen[x], sizes[x] = p, 0
                if place in special:
                    continue
                group = fast_class(planes, z, y, x)
                token = tokens.decode(i, group)
                i += 1
                if token == 91:
                    values[place], seen[x] = rule.exact(p, raw.take(rule.exact_bits))
                    sizes[x] = 4095
                else:
                    k = fast_index(token, max((group - 1) // 2 - 5, 0), raw)
                    k = wrap(k, 32) if rule.work is np.float32 else k
                    values[place], seen[x] = rule.indexed(p, k)
                    sizes[x] = min(abs(k), 4095)
            seen[-4:] = seen[-5]
            sizes[-4:] = [0] * 4
        planes.close(z)
    return values

# 5.6 Deep walk

LINE = [(0, 0, -x) for x in range(2, 18)]
PLANE = [(0, 0, -2), *TAPS[2:12], (0, -2, -2), (0, -2, 2), (0, -1, 3), (0, -1, -3), (0, -3, 1)]
SPACE = PLANE[:11] + TAPS[12:] + [(0, -1, 3), (0, -2, 2)]

def bounded(v, most):
    return min(max(v, -most), most)

class Normal:
    """Normal equations. Of the products, the lower triangle counts."""

    def __init__(self):
        self.products, self.targets, self.weight = np.zeros((32, 32)), np.zeros(32), 0.0

    def learn(self, f, target, weight):
        self.products = self.products + np.multiply.outer(weight * f, f)
        self.targets = self.targets + weight * f * target
        self.weight += weight

    def add(self, other, share):
        self.products = self.products + share * other.products
        self.targets = self.targets + share * other.targets
        self.weight += share * other.weight

    def solve(self, prior, n):
        ridge = 0.03 * max(self.weight, 1.0)
        left, w = self.products[:n, :n].copy(), self.targets[:n] + ridge * prior[:n]
        for i in range(n):
            left[i, i] += ridge + 1e-10 * left[i, i]
        inverse = np.zeros(n)
        for k in range(n):
            if not left[k, k] > 1e-12 * (self.products[k, k] + ridge):
                return prior
            inverse[k] = 1.0 / np.sqrt(left[k, k])
            w[k] *= inverse[k]
            left[k:, k] *= inverse[k]
            below = left[k + 1 :, k]
            w[k + 1 :] -= below * w[k]
            left[k + 1 :, k + 1 :] -= np.multiply.outer(below, below)
        for k in reversed(range(n)):
            for i in range(k + 1, n):
                w[k] -= left[i, k] * w[i]
            w[k] *= inverse[k]
        return np.append(w, np.zeros(32 - n)) if all(abs(w) < 64) else prior

def dot(w, f):
    s = np.zeros(8)
    for m in range(0, 32, 8):
        s = s + w[m : m + 8] * f[m : m + 8]
    return float(((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])))

class Predictors:
    def __init__(self, dims):
        self.nz, self.ny, self.nx = dims
        line = self.ny == self.nz == 1
        unit = 64 if line else 8
        self.width, self.height = max(1, -(-self.nx // 1024 // unit)) * unit, 8
        self.across = -(-self.nx // self.width)
        while self.nz > 1 and self.across * -(-self.ny // self.height) > 1024:
            self.height *= 2
        self.all, self.tiles, self.local = Normal(), {}, {}

    def open_plane(self, z, taps):
        self.z, self.n = z, len(taps)
        self.before, self.tiles = self.tiles, defaultdict(Normal)
        if z <= 1:
            self.all, self.globally, self.before = Normal(), np.zeros(32), {}
            slopes = [((0, -1, 0), (0, -1, -1)), ((-1, 0, 0), (-1, 0, -1))]
            slopes = [(taps.index(up), taps.index(down)) for up, down in slopes if up in taps]
            for up, down in slopes:
                self.globally[up], self.globally[down] = 1 / len(slopes), -1 / len(slopes)

    def open(self, y, x):
        if x % 256 == 0:
            self.globally = self.all.solve(self.globally, self.n)
        row, column = y // self.height, x // self.width
        if x % self.width == 0 and y % 4 == 0:
            sums = Normal()
            sums.add(self.all, 1.0 / max(self.all.weight, 1.0))
            for r in range(max(row - 1, 0), min(row + 1, (self.ny - 1) // self.height) + 1):
                for c in range(max(column - 1, 0), min(column + 1, self.across - 1) + 1):
                    share = 0.7 if r != row and c != column else 1.0
                    if r <= row:
                        sums.add(self.tiles[r, c], share)
                    if self.z > 1:
                        sums.add(self.before[r, c], share * 0.7)
            self.local[column] = sums.solve(self.globally, self.n)
        self.batch, self.tile = Normal(), self.tiles[row, column]
        self.locally = self.local[column]

    def close(self):
        self.tile.add(self.batch, 1.0)
        self.all.add(self.batch, 1.0)

class DeepPlanes:
    """Rows start at -3, columns at -20."""

    def __init__(self, dims):
        self.nz, self.ny, self.nx = dims
        shape = min(self.nz, 4), self.ny + 6, self.nx + 40
        self.seen, self.index = np.zeros(shape), np.zeros(shape, np.int64)
        self.missed = np.zeros((2, *shape))

    def at(self, z, y, x):
        return max(z, 0) % len(self.seen), y + 3, x + 20

    def rows(self, z, rows, source):
        for y in rows:
            self.seen[self.at(z, y, 0)[:2]] = source

    def open_row(self, z, y):
        place = self.at(z, y, 0)[:2]
        self.seen[place][:20] = self.seen[self.at(z, y - 1, 0)]

    def close_row(self, z, y):
        plane, row, end = self.at(z, y, self.nx)
        for numbers in (self.seen, self.index, *self.missed):
            numbers[plane, row, end:] = numbers[plane, row, end - 1]

def decode_deep_walk(r, dims, rule, special, base=None):
    """The values of a walk in C order, none where passed over."""
    nz, ny, nx = dims
    coder, raw = RangeCoder(r.part().data), RawBits(r.rest())
    planes, predictors, indices, values = DeepPlanes(dims), Predictors(dims), DeepIndices(), []
    step = rule.distance
    inverse = clamp(1.0 / step, 1e-300, 1e300) if step else 1e300
    for z in range(nz):
        taps = LINE if ny == nz == 1 else PLANE if z == 0 else SPACE
        if z > 0:
            planes.rows(z, (-1, -2, -3), planes.seen[planes.at(z - 1, 0, 0)[:2]])
        predictors.open_plane(z, taps)
        for y in range(ny):
            planes.open_row(z, y)
            for x in range(nx):
                if x % 8 == 0:
                    predictors.open(y, x)
                a = float(planes.seen[planes.at(z, y, x - 1)])
                f = np.zeros(32)
                for i, (dz, dy, dx) in enumerate(taps):
                    tap = float(planes.seen[planes.at(z + dz, y + dy, x + dx)])
                    f[i] = bounded((tap - a) * inverse, 1e15)
                pg, pn = dot(predictors.globally, f), dot(predictors.locally, f)
                around = Around(planes, z, y, x)
                mg, mn = (around.misses(missed, z > 0) for missed in planes.missed)
                gg, nn = (mg + 0.5) * (mg + 0.5), (mn + 0.5) * (mn + 0.5)
                o = (pg * nn + pn * (2.0 * gg)) / (nn + 2.0 * gg)
                b = 0.0 if base is None else float(base[z, y, x])
                p = rule.work(b + (a + o * step))
                p = p if np.isfinite(p) else rule.work(a)
                d = [abs(float(v)) for v in (f[4] - f[3], f[3], f[5] - f[4], f[13], f[12] - f[13], f[14] - f[13])]
                spread = (d[0] + d[1]) + d[2]
                if len(taps) == 32:
                    spread = (d[0] + d[1]) + (d[2] + d[3]) + (d[4] + d[5])
                value, seen, index = None, p, 0
                if len(values) not in special:
                    k = indices.decode(coder, raw, around.indices(planes.index, z > 0), pn - pg, spread, mn + 0.5)
                    value, seen = rule.exact(p, raw.take(rule.exact_bits)) if k is None else rule.indexed(p, k)
                    index = 2**30 - 1 if k is None else bounded(k, 2**30 - 1)
                values.append(value)
                here = planes.at(z, y, x)
                planes.seen[here], planes.index[here] = float(seen) - b, index
                t = bounded((planes.seen[here] - a) * inverse, 1e15)
                planes.missed[(0, *here)], planes.missed[(1, *here)] = abs(t - pg), abs(t - pn)
                predictors.batch.learn(f, t, 1.0 / (1.0 + 0.5 * spread))
                if x % 8 == 7 or x == nx - 1:
                    predictors.close()
            planes.close_row(z, y)
        planes.rows(z, (ny, ny + 1, ny + 2), planes.seen[planes.at(z, ny - 1, 0)[:2]])
    return values

WALKS = {
    0: decode_walk,
    1: decode_fast_walk,
    2: decode_deep_walk,
    3: over_base(decode_walk),
    4: over_base(decode_deep_walk),
}

class Around:
    PLACES = [(0, 0, -1), (0, 0, -2), (0, -1, 0), (0, -2, 0), (0, -1, -1), (0, -1, 1)]
    BACK = [(-1, 0, 0), (-2, 0, 0), (-1, 1, 0), (-1, -1, 0), (-1, 0, 1), (-1, 0, -1)]

    def __init__(self, planes, z, y, x):
        self.places = [planes.at(z + dz, y + dy, x + dx) for dz, dy, dx in self.PLACES + self.BACK]

    def misses(self, missed, space):
        w, ww, n, _, nw, ne, u, _, us, un, ue, uw = (float(missed[place]) for place in self.places)
        plane = ((2.0 * w + ww) + (2.0 * n + nw)) + ne
        return plane + (((2.0 * u + ue) + (uw + us)) + un) if space else plane

    def indices(self, index, space):
        w, ww, n, nn, nw, ne, *back = (int(index[place]) for place in self.places)
        return [w, ww, n, nn, nw, ne, *(back if space else [ne, nw, nw, ne, n, w])]

def group(x, unit, b, most):
    j = int(min(x * unit, 1e9))
    if j >= 2**b:
        o = j.bit_length() - 1
        j = 2**b * (o - b) + (j >> (o - b))
    return min(j, most)

def coarse(x):
    return group(x, 16.0, 1, 31)

def eighth(x):
    return sum(x >= least for least in (1, 2, 3, 5, 9, 17, 40))

def four_sums(v):
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]))

class Decision(NamedTuple):
    contexts: list
    choices: tuple

class DeepIndices:
    def __init__(self):
        self.v = [0.14, 0.1, 0.04, 0.1, 0.1, 0.1, 0.1, 0.1]
        self.mixing, self.half, self.length = Mixing(), defaultdict(Bit), falling()

    def decode(self, coder, raw, around, apart, spread, missed):
        """The index k; none where the value is coded exactly."""
        w, ww, n, nn, nw, ne, u, uu, us, un, ue, uw = (float(abs(k)) for k in around)
        direct, far = (w + n) + u, (ww + nn) + uu
        diagonal = ((nw + ne) + (uw + ue)) + (un + us)
        f = [direct, diagonal, far, min(spread * 0.1, 6e4), min(abs(apart), 6e4), min(missed * 0.1, 6e4), ue + us, 0.3]
        e = min(four_sums([v * fi for v, fi in zip(self.v, f)]), 2.0**30 - 1)
        shift = 0
        while e * 2.0**-shift >= 2:
            shift += 1
        scale = 2.0**-shift
        level = group(e, 32.0, 2, 47) if shift == 0 else 28 + int((e * scale - 1) * 16)
        third = scale / 3.0
        a, b, c = coarse(abs(apart) * (scale * 2.0)), coarse(missed * (scale * 0.2)), coarse(spread * (scale * 0.25))
        d = coarse(((direct + 0.5 * diagonal) + 0.35 * far) * (scale / 7.05))
        magnitude = Decision(
            [
                level,
                64 * eighth(w * scale) + 8 * eighth(n * scale) + eighth(u * scale),
                32 * c + d,
                32 * coarse(diagonal * (scale / 6.0)) + coarse(direct * third),
                32 * coarse(((w + ww) + nw) * third) + coarse(((n + nn) + ne) * third),
                32 * (level // 2) + c,
                32 * a + d,
                32 * b + level // 2,
                32 * coarse((u + uu) * (scale * 0.5)) + coarse((w + n) * (scale * 0.5)),
                32 * b + a,
            ],
            (level, a, b),
        )
        sign = [(k > 0) - (k < 0) + 1 for k in around]
        w, ww, n, nn, nw, ne, u, uu, us, un, ue, uw = (bounded(k, 4) + 4 for k in around)
        signs = 9 * sign[0] + 3 * sign[2] + sign[6]
        lean = group(abs(apart), 16.0, 1, 7)
        lean = 8 - lean if apart < 0 else 8 + lean
        pairs = [9 * w + n, 9 * u + ue, 16 * w + lean, 9 * nw + ne, 9 * w + ww, 9 * u + us, 9 * n + nn]
        sign = Decision([signs, lean, 27 * lean + signs, *pairs], magnitude.choices)
        k = self.spell(coder, raw, shift, magnitude, sign)
        m = 2**30 - 1 if k is None else min(abs(k), 2**30 - 1)
        step = 0.002 * (m - e) / (1.0 + four_sums([fi * fi for fi in f]))
        self.v = [max(v + step * fi, 0.0) for v, fi in zip(self.v, f)]
        return k

    def spell(self, coder, raw, shift, magnitude, sign):
        if shift == 0 and not self.mixing.decode(coder, magnitude, 0):
            return 0
        minus = self.mixing.decode(coder, sign, 31)
        more, units = self.units(coder, raw, magnitude, 16 if shift else 1)
        if more is None:
            return None
        if shift == 0:
            return wrap(-(more + 1) if minus else more + 1)
        half = bit_alone(coder, self.half[units, magnitude.choices[0]])
        k = wrap((more << shift) + (half << (shift - 1)) + raw.take(shift - 1))
        return -1 - k if minus else k

    def units(self, coder, raw, decision, node):
        for units in range(15):
            if not self.mixing.decode(coder, decision, node + units):
                return units, units
        n = symbol(coder, self.length)
        if n == 15:
            n += raw.take(6)
        return (None if n >= 63 else 14 + (1 << n) + raw.take(n)), 15

class Mixing:
    def __init__(self):
        self.counters = defaultdict(lambda: [1 << 21, 0])
        self.sets = defaultdict(lambda: [[19661] * 10 + [0], 0])
        self.curves = defaultdict(lambda: [SQUASH[96 * j - 1536] << 6 for j in range(33)])

    def decode(self, coder, decision, node):
        level, a, b = decision.choices
        counters = [self.counters[node, i, c] for i, c in enumerate(decision.contexts)]
        inputs = [STRETCH[p >> 10] * (1280 * age // (5 * age + 3)) >> 8 for p, age in counters] + [256]
        sets = self.sets[node, 0, level], self.sets[node, 1, a]
        odds = [clamp(sum(w * i >> 8 for w, i in zip(s[0], inputs)) >> 8, -1536, 1536) for s in sets]
        mixed = sum(odds) >> 1
        curves = self.curves[node, 0, level], self.curves[node, 1, b]
        place = min((mixed + 1536) // 96, 31)
        part = mixed + 1536 - 96 * place
        p1 = 2 * SQUASH[mixed] + sum((c[place] * (96 - part) + c[place + 1] * part) // 96 >> 6 for c in curves)
        bit = coder.bit(clamp(p1 >> 2, 16, 65520))
        for s, o in zip(sets, odds):
            error = ((bit << 16) - SQUASH[o]) * max(1920 // (16 + s[1]), 6) >> 4
            s[0] = [clamp(w + (i * error + 8192 >> 14), -(2**19), 2**19) for w, i in zip(s[0], inputs)]
            s[1] = min(s[1] + 1, 65536)
        target = 2**22 - 1 if bit else 0
        for c in curves:
            near = place + (part >= 48)
            c[near] += target - c[near] >> 6
        for c in counters:
            c[0] += (target - c[0]) * (131072 // (2 * c[1] + 3)) >> 16
            c[1] = min(c[1] + 1, 255)
        return bit

# 5.7 Recurring indices

class RecurringIndices(IndexContexts):
    def __init__(self, nz):
        super().__init__(nz)
        self.lengths, self.signs, self.bits = defaultdict(flat), defaultdict(Bit), defaultdict(Counter)

    def decode(self, coder, raw, around, nearest, west, west2):
        group = self.group(around, west, west2)
        length = symbol(coder, self.lengths[group])
        if length in (0, 15):
            return 0 if length == 0 else None
        minus, t = bit_alone(coder, self.signs[length]), 1
        for i in reversed(range(length - 1)):
            c = (2 * t + 1) << i
            t = 2 * t + bit_mixed(coder, (self.bits[c], self.bits[c, group // 8]), self.weights[group // 8, i])
        return -t if minus else t

WALKS[5] = partial(decode_walk, indices=RecurringIndices)

# 5.8 The learned walk

NEAR = [
    (0, 0, -2), (0, -1, -1), (0, -1, 0), (0, -1, 1), (0, -2, 0),
    (-1, 0, -1), (-1, 0, 0), (-1, 0, 1), (-1, -1, 0), (-1, 1, 0),
]

def decode_learned_walk(r, dims, rule, special, models):
    model = models.get(r.varint())
    nz, ny, nx = dims
    serves = isinstance(model, FieldModel) and ny * nz > 1 and model.planar == (nz == 1)
    need(serves, "a model that is not for the chunk")
    taps = TAPS[: 12 if nz == 1 else 31]
    weights = [rule.work(weight / 2**14) for weight in r.numbers("h", len(taps))]
    first = RangeCoder(r.part().data), RawBits(r.part().data)
    second = RangeCoder(r.part().data), RawBits(r.rest())
    indices, planes, values = LearnedIndices(nz), Planes(dims, rule.work), [None] * prod(dims)
    begins = {y // 32 * max(nx, 96) + 3 * (y % 32): y for y in range(ny)}
    for z in range(nz):
        planes.open(z)
        rows = {}
        for time in range(max(begins) + nx):
            if time in begins:
                rows[begins[time] % 32] = LearnedRow(planes, z, begins[time], taps)
            told = {j: rows[j].predict(rule, weights, model) for j in sorted(rows)}
            for j, (p, expected) in told.items():
                row, (coder, raw) = rows[j], (first, second)[j % 2]
                place = (z * ny + row.y) * nx + row.x
                k, seen = 0, p
                if place not in special:
                    k = indices.decode(coder, raw, *row.around(), expected)
                    rebuilt = rule.exact(p, raw.take(rule.exact_bits)) if k is None else rule.indexed(p, k)
                    values[place], seen = rebuilt
                row.see(seen, 4095 if k is None else min(abs(k), 4095))
                if row.x == nx:
                    rows.pop(j).close()
        planes.close(z)
    return values

class LearnedRow(Row):
    def __init__(self, planes, z, y, taps):
        super().__init__(planes, z, y)
        self.taps = taps

    def tap(self, tap):
        dz, dy, dx = tap
        if dz and self.z == 0:
            return self.tap((0, 0, -1))
        return self.planes.row(max(self.z + dz, 0), self.y + dy)[self.x + 4 + dx]

    def predict(self, rule, weights, model):
        """The prediction, and the class of magnitude that the network expects."""
        work, near = rule.work, [self.tap(tap) for tap in self.taps]
        a, b, c = near[:3]
        q = work(0)
        for weight, value in zip(weights[3:], near[3:]):
            q = q + weight * value
        q = q + (weights[0] * a + (weights[1] * b + weights[2] * c))
        inverse = work(1.0 / np.float64(rule.distance))
        d = [F((value - a) * inverse) for value in near[1:] + [q]]
        m, planar = F(0), len(self.taps) == 12
        for tap in NEAR[: 5 if planar else 10]:
            m = m + abs(d[self.taps.index(tap) - 1])
        least = F(2 if planar else 4)
        m = min(m, F(2**60)) if m >= least else least
        s = int(np.frexp(m)[1]) - 1 - (2 if planar else 3)
        unit = F(2.0 ** (10 - s))
        inputs = [trunc_f32(v * unit, -8191, 8191) for v in d] + [min(512 * (s + 1), 8191)]
        acc = model.run_row(inputs)
        correction = F(acc[0]) * model.gains[0] * F(2.0**s)
        told = trunc_f32(F(acc[1]) * model.gains[1] + F(4 * s), 0, 59)
        return q + work(correction) * work(rule.step), told

    def around(self):
        x, planes, z, y = self.x + 4, self.planes, self.z, self.y
        north, north2 = planes.size_row(z, y - 1), planes.size_row(z, y - 2)
        around = 2 * north[x] + north[x + 1] + north[x - 1] + north2[x]
        nearest = 16 * min(north[x], 3) + 2 * min(north[x + 1], 1)
        if len(self.taps) == 31:
            back, back_north, back_south = (planes.size_row(z - 1, y + dy) for dy in (0, -1, 1))
            around += 2 * back[x] + back[x + 1] + back[x - 1] + back_north[x] + back_south[x]
            nearest += 4 * min(back[x], 3)
        return around, nearest, self.sizes[x - 1], self.sizes[x - 2]

    def see(self, seen, size):
        self.seen[self.x + 4], self.sizes[self.x + 4] = seen, size
        self.x += 1

def trunc_f32(v, low, high):
    return 0 if np.isnan(v) else int(min(max(v, F(low)), F(high)))

class LearnedIndices(IndexContexts):
    def __init__(self, nz):
        super().__init__(nz)
        self.zero_c, self.weights = defaultdict(Bit), defaultdict(lambda: [24000] * 3)

    def decode(self, coder, raw, around, nearest, west, west2, expected):
        seen = self.group(around, west, west2)
        group, apart = (seen + expected + 1) // 2, sum(expected - seen > n for n in (-7, -3, 2, 6))
        if group < 19:
            a = self.zero_a[group, min(around, 7)]
            b = self.zero_b[64 * min(west, 3) + nearest + min(west2, 1), group // 4]
            c = self.zero_c[expected, min(seen, 31)]
            if not bit_mixed(coder, (a, b, c), self.weights[group]):
                return 0
        return self.decode_size(coder, raw, group, self.high[group, apart])

# ------------------------------------------------------------------------------------------- 6. Table codec

def decode_columns(parts, count, columns, models):
    """Decoded bytes of columns that may be conditioned on each other."""
    maps = [decode_map(r, count, column.type) for r, column in zip(parts, columns)]
    places = {column.name: c for c, column in reversed(list(enumerate(columns)))}
    known, under_way = {}, set()

    def integers(c):
        if c not in known:
            need(c not in under_way, "columns conditioned on each other")
            under_way.add(c)
            r = parts[c]
            if count and r.data[r.at] in (6, 8):
                way, on = r.number("B"), [r.varint() for _ in range(r.varint())]
                need(len(on) <= 16 and all(other < len(parts) for other in on), "not columns of the table")
                others = [integers(other) for other in on]
                known[c] = (decode_mixed if way == 6 else decode_function)(r, count, others)
            elif count and r.data[r.at] == 7:
                r.number("B")
                model, name = models[r.varint()], columns[c].name
                need(isinstance(model, dict) and name in model and places[name] == c, "a column without a model")

                def symbols_of(other):
                    """Those of a column of the model's, by its name."""
                    if other not in places:
                        return [len(model[other].bins)] * count
                    return model[other].symbols(maps[places[other]].scale(), integers(places[other]))

                known[c] = decode_net(r, count, model, name, maps[c].scale(), symbols_of)
            else:
                known[c] = decode_integers(r, count)
        return known[c]

    return [map.values(integers(c)) for c, map in enumerate(maps)]

def decode_column(r, count, type):
    """Decoded bytes of a column that stands alone."""
    return decode_map(r, count, type).values(decode_integers(r, count))

class Map(NamedTuple):
    """How the integers of a column stand for its values."""

    kind: int
    type: Type
    parameter: object  # step, cells, texts, or 2 reach + 1
    classes: Classes

    def values(self, integers):
        """Decoded bytes of the values that integers stand for."""
        if self.kind in (4, 8):
            need(all(0 <= n < len(self.parameter) for n in integers), "a text out of the list")
            return b"".join(self.parameter[n].encode() + b"\n" for n in integers)
        special = self.classes.special
        return self.type.pack([special[i] if i in special else self.bits(i, n) for i, n in enumerate(integers)])

    def scale(self):
        """What one of the integers means (section 9)."""
        if self.kind in (1, 2, 5) or self.kind == 0 and not self.type.real:
            return 0, np.float64(self.parameter or 1)
        return (1, self.type) if self.kind == 0 else (2, self.type, *self.parameter.given) if self.kind == 3 else None

    def bits(self, i, n):
        if self.kind == 1:
            return bits_of_real(real_of_integer(self.type.real, n))
        if self.kind == 2:
            return bits_of_real(self.type.real(real_of_integer(np.float64, n) * self.parameter))
        if self.kind == 3:
            return self.parameter.magnitude(n) | (i in self.classes.minus) << (self.type.bits - 1)
        if self.kind == 6:
            return bits_of_real(self.type.real(decimal(n, *self.parameter)))
        if self.kind == 7:
            low = (1 << self.parameter) - 1 if n < 0 else 0
            return bits_of_ordered(self.type, wrap(n << self.parameter) | low)
        return bits_of_ordered(self.type, n if self.kind == 0 else clamp(n * self.parameter, *self.type.range))

    def integer(self, output):
        """The integer that a model's output stands for (section 7)."""
        if self.kind in (4, 6, 7, 8):
            return 0
        if self.kind == 0 and self.type.real:
            return ordered_of_real(self.type.real(output))
        if self.kind == 0 and self.type is U64:
            return truncated(output + 0.5, 0, 2**64 - 1) - 2**63
        if self.kind == 3:
            return self.parameter.cell(bits_of_real(abs(self.type.real(output))))
        return rounded(np.float64(output) / np.float64(self.parameter or 1) if self.kind in (2, 5) else output)

def decode_map(r, count, type):
    kind, parameter = r.tag(8), None
    kinds = (4, 8) if type is TEXT else (0, 1, 2, 3, 6, 7) if type.real else (0,) if type is BOOL else (0, 5)
    need(kind in kinds, "not a map of the type")
    if kind == 2:
        parameter = np.float64(r.number("d"))
    elif kind == 3:
        parameter = Cells(r.number("d"), r.number("B"), type)
    elif kind == 4:
        parameter = [r.string() for _ in range(r.varint())]
    elif kind == 5:
        parameter = min(2 * r.varint() + 1, 2**63 - 1)
    elif kind == 6:
        parameter = r.number("B"), r.number("b")
        need(1 <= parameter[0] <= 15 and abs(parameter[1]) <= 22, "not decimals")
    elif kind == 7:
        parameter = r.varint()
        need(parameter <= 56, "not low bits of a float")
    elif kind == 8:
        n = r.varint()
        need(n <= count, "more texts than values")
        parameter = decode_texts(r.part().data, n)
    classes = decode_classes(r, count, 1)
    need(kind == 3 or not classes.minus, "a class of pointwise cells")
    return Map(kind, type, parameter, classes)

def decode_texts(coded, count):
    coder, contexts, texts, before = RangeCoder(coded), defaultdict(flat), [], b""

    def byte(*given):
        upper = symbol(coder, contexts[given])
        return upper << 4 | symbol(coder, contexts[(*given, upper)])

    def length(which):
        n = byte("length", which)
        return n if n < 255 else n + (coder.uniform(2**16) << 16 | coder.uniform(2**16))

    for _ in range(count):
        common, rest = length(0), length(1)
        need(common <= len(before), "more in common than there is")
        text = bytearray(before[:common])
        for _ in range(rest):
            text.append(byte(text[-1] if text else 0))
        before = bytes(text)
        texts.append(before.decode())
    return texts

def decimal(n, digits, exponent):
    a, least = abs(n), 10 ** (digits - 1)
    decade = max(a - least, 0) // (9 * least) if a >= 10 * least else 0
    m, unit = np.float64(a - 9 * least * decade), min(exponent + decade, 22)
    x = m / np.float64(10**-unit) if unit < 0 else m * np.float64(10**unit)
    return -x if n < 0 else x

def decode_integers(r, count):
    """The integers of a column, to the end of its bytes."""
    if count == 0:
        integers = []
    else:
        way = r.tag(5)
        if way == 0:
            integers = [r.zigzag()] * count
        elif way in (1, 2):
            base, numbers = r.zigzag(), decode_numbers(r.part().data, r.rest(), count)
            sums = (base + n for n in numbers) if way == 1 else accumulate(numbers, initial=base)
            integers = [wrap(n) for n in sums][way - 1 :]
        elif way in (3, 4):
            size = r.varint()
            need(0 < size <= 4096, "not a size of a dictionary")
            steps = [r.varint() if i else r.zigzag() for i in range(size)]
            entries = [wrap(n) for n in accumulate(steps)]
            integers = [entries[n] for n in decode_dictionary_numbers(r.part().data, count, size, way == 4)]
        else:
            integers = list(r.numbers("q", count))
    r.end()
    return integers

def decode_numbers(coded, raw, count):
    coder, raw = RangeCoder(coded), RawBits(raw)
    zero, sign = defaultdict(Bit), defaultdict(Bit)
    highs, lows, fours, eights = (defaultdict(flat) for _ in range(4))
    length_before = sign_before = 0
    for _ in range(count):
        if not bit_alone(coder, zero[length_before]):
            length_before = sign_before = 0
            yield 0
            continue
        high = symbol(coder, highs[length_before])
        low = symbol(coder, lows[length_before, high])
        place = min(4 * high + low % 4, 61)
        minus = bit_alone(coder, sign[sign_before, place])
        n, left, four = 1, place, None
        for contexts in (fours, eights):
            if left > 0:
                bits = min(left, 4)
                four = symbol(coder, contexts[place, four]) % (1 << bits)
                n, left = n << bits | four, left - bits
        while left > 0:
            bits = min(left, 32)
            n, left = n << bits | raw.take(bits), left - bits
        length_before, sign_before = place + 1, 2 if minus else 1
        yield -n if minus else n

def decode_dictionary_numbers(coded, count, size, ordered):
    digits = 1 if size <= 16 else 2 if size <= 256 else 3
    coder, contexts, number = RangeCoder(coded), defaultdict(flat), 0
    for _ in range(count):
        path = [number % 64 if ordered else 0]
        for _ in range(digits):
            path.append(symbol(coder, contexts[tuple(path)]))
        number = sum(digit << 4 * place for place, digit in enumerate(path[:0:-1]))
        need(number < size, "a number out of the dictionary")
        yield number

# 6.1 Mixed columns

U32 = 2**32 - 1

def spread(a):
    x = a * 0x9E3779B1 & U32
    x = (x ^ x >> 15) * 0x85EBCA6B & U32
    return x ^ x >> 13

def fold(v):
    return (v ^ v >> 32) & U32

def distance(d):
    d = wrap(d)
    s, d = (1, d) if d >= 0 else (0, -1 - d)
    o = d.bit_length() - 1
    return 2 * min(d if d < 8 else 4 * o - 4 + (d >> (o - 2) & 3), 127) + s

MOVE = [40960 // (10 * n + 16) for n in range(256)]
TRUST = [0, 161, 193, 209, 218, 224, 228, 232, 234, 236, 238, 240, 241, 242, 243, 248]

def log(v):
    o = v.bit_length() - 1
    f = (v << 23 - o) % 2**23 >> 8
    return (o << 15) + f + (11 * (f * (32767 - f) >> 15) >> 5)

def stretch(p):
    return (log(2 * p + 1) - log(2**23 - 1 - 2 * p) >> 4) * 1420 >> 15

def sixteenths(values):
    sample = sorted(values[:: -(-len(values) // 1024)])
    cuts = [sample[(i + 1) * len(sample) // 16] for i in range(15)]
    return [sum(cut <= v for cut in cuts) for v in values]

def decode_mixed(r, count, others):
    own, kind, levels = r.number("B"), r.tag(8), r.number("B")
    need(kind <= 4 or kind == 8, "a kind of a later version")
    told = r.number("B") if kind == 8 else len(others) - own
    need(own <= 4 and own + told <= len(others) and told <= 12 and levels <= 16, "not a mixed column")
    weights = [r.zigzag() for _ in range(own + 3)] if kind == 4 else None
    foreseen = foresee(r, count, others) if kind == 8 else None
    first, size = r.zigzag(), r.varint()
    need(0 < size <= 4096, "not a number of leaves")
    column = Mixed(RangeCoder(r.part().data), RawBits(r.rest()), size, levels, kind & 1)
    parents = [(others[i], sixteenths(others[i])) for i in range(own)]
    labels = [0] * count
    for other in others[own : own + told]:
        labels = [spread(31 * label + fold(n) + 1 & U32) for label, n in zip(labels, other)]
    integers, c, b, seen = [], 0, 0, defaultdict(int)
    for row in range(count):
        e, p, k = [0] * 4, [0] * 4, [0] * 4
        same = sum((row > 0 and values[row] == values[row - 1]) << i for i, (values, _) in enumerate(parents))
        for i, (values, parts) in enumerate(parents):
            e[i], p[i], k[i] = fold(values[row]) + 1 & U32, parts[row] + 1, 3 * parts[row] // 8 + 1
        contexts = [
            0x12345678,
            spread(7 * e[0] + 1),
            spread(32 * p[0] + p[1] + 0x10000),
            spread(49 * (7 * k[0] + k[1]) + 7 * k[2] + k[3] + 0x20000) ^ labels[row],
            spread(fold(c) + 0x4000000 + (same << 28) & U32),
            spread((p[0] << 20) + 3 * labels[row] + 0x1001 * distance(c - b) + 0x777),
        ]
        rate = 24 if row < 1000 else 14 if row < 6000 else 9
        near = seen[p[0], p[1]]
        if weights:
            terms = [*([0, 0, *integers][: -3 : -1]), *(values[row] for values, _ in parents), 1]
            near = (wrap(sum(w * t for w, t in zip(weights, terms))) >> 16) - first
        if foreseen:
            near = foreseen[row] - first
        code = column.code(contexts, [c, near], rate)
        seen[p[0], p[1]] = code
        c, b = code, c
        integers.append(wrap(first + (column.entries[code] if kind & 1 else code)))
    return [wrap(n) for n in accumulate(integers)] if kind & 2 else integers

def foresee(r, count, others):
    """What a network makes of other columns, row by row."""
    d = r.number("B")
    need(0 < d <= 6, "not a number of inputs")
    inputs = [(others[r.tag(len(others) - 1)], r.number("f"), r.number("f")) for _ in range(d)]
    units = r.tag(32)
    planes = [[r.number("f") for _ in range(d + 1)] for _ in range(2 * units + 1)]

    def plane(w, x):
        total = w[0]
        for w, x in zip(w[1:], x):
            total += w * x
        return total

    foreseen = []
    for row in range(count):
        x = [(float(values[row]) - centre) * scale for values, centre, scale in inputs]
        y = plane(planes[0], x)
        for gate, passing in zip(planes[1::2], planes[2::2]):
            z = plane(gate, x)
            y += z / sqrt(1 + z * z) * plane(passing, x)
        y += 0.5
        foreseen.append(0 if isnan(y) else floor(max(-(2.0**63), min(y, 2.0**63))))
    return [min(n, 2**63 - 1) for n in foreseen]

class Mixed:
    """The model of a mixed column."""

    def __init__(self, coder, raw, size, levels, entries):
        self.coder, self.raw, self.levels = coder, raw, levels
        widths, weights = self.leaves(size)
        self.entries = list(accumulate(widths, initial=0))
        self.spans = [(i, 0) if entries else (self.entries[i], widths[i] - 1) for i in range(size)]
        self.sums = list(accumulate((1 << w for w in weights), initial=0))
        self.nodes, self.depths = [], [0] * size
        self.root = self.tree(0, size, 0, 1, 0)
        self.slots = [defaultdict(lambda: [None]) for _ in range(6)]
        self.near = defaultdict(lambda: (2**21, 0))
        self.weights = [[[2**14] * 8 for _ in range(32)] for _ in "ab"]

    def leaves(self, size):
        weigh, high, low, exact = defaultdict(flat), flat(), defaultdict(flat), defaultdict(Bit)
        weight, is_exact, widths, weights = 0, 0, [], []
        for _ in range(size):
            weight = symbol(self.coder, weigh[weight])
            is_exact = bit_alone(self.coder, exact[is_exact])
            top = symbol(self.coder, high)
            place = 4 * top + symbol(self.coder, low[top]) % 4
            kept = place if is_exact else min(place, 2)
            above = self.raw.take(max(kept - 32, 0))
            number = above << 32 | self.raw.take(min(kept, 32))
            widths.append((1 << place) + (number << place - kept))
            weights.append(weight)
        need(sum(widths) < 2**64, "leaves beyond 64 bits")
        return widths, weights

    def tree(self, start, to, group, local, depth):
        """The node (a list) or leaf (a number) over leaves start ... to - 1."""
        if to - start == 1:
            self.depths[start] = depth
            return start
        both = self.sums[start] + self.sums[to]
        after = next(i for i in range(start + 1, to) if 2 * self.sums[i] >= both or i == to - 1)
        off = [abs(2 * self.sums[i] - both) for i in (after - 1, after)]
        fork = after - 1 if after - 1 > start and off[0] <= off[1] else after
        group = len(self.nodes) if local == 1 else group
        codes = (sum(self.spans[to - 1]) - self.spans[start][0]) % 2**64
        node = [self.spans[fork][0], min(31, codes.bit_length()), depth, group, local]
        self.nodes.append(node)
        for side in (0, 1):
            ends = (start, fork) if side == 0 else (fork, to)
            node.append(self.tree(*ends, group, 1 if local > 3 else 2 * local + side, depth + 1))
        return node

    def enter(self, contexts, group):
        entered = []
        for context, slots in zip(contexts, self.slots):
            h = (context ^ group * 0x9E3779B1 & U32) * 0x2C1B3C6D & U32
            h ^= h >> 15
            if slots[h % 2**13][0] != h >> 13:
                slots[h % 2**13] = [h >> 13] + [(2**21, 0)] * 7
            entered.append(slots[h % 2**13])
        return entered

    def decision(self, entered, local, split, wide, depth, known, rate):
        keys = [(i, wide, distance(known[i] - split)) for i in (0, 1)]
        states = [slot[local] for slot in entered] + [self.near[key] for key in keys]
        x = [stretch(p) * TRUST[min(n, 15)] >> 8 for p, n in states]
        bits = [states[i][1] > (i == 1) for i in range(1, 6)]
        lists = self.weights[0][min(depth, 31)], self.weights[1][sum(bit << i for i, bit in enumerate(bits))]
        y = [clamp(sum(w * xi >> 8 for w, xi in zip(ws, x)) >> 8, -1536, 1536) for ws in lists]
        bit = self.coder.bit(SQUASH[sum(y) >> 1])
        for ws, yi in zip(lists, y):
            e = ((bit << 16) - SQUASH[yi]) * rate >> 4
            ws[:] = [clamp(w + (xi * e + 2**13 >> 14), -(2**19), 2**19) for w, xi in zip(ws, x)]
        target = 2**22 - 1 if bit else 0
        moved = [(p + ((target - p >> 3) * MOVE[n] >> 9), min(n + 1, 255)) for p, n in states]
        for slot, state in zip(entered, moved):
            slot[local] = state
        self.near.update(zip(keys, moved[6:]))
        return bit

    def code(self, contexts, known, rate):
        at, entered = self.root, None
        while isinstance(at, list):
            split, wide, depth, group, local, left, right = at
            if local == 1:
                entered = self.enter(contexts, group)
            at = right if self.decision(entered, local, split, wide, depth, known, rate) else left
        (low, span), path = self.spans[at], 1
        for level in range(self.levels):
            if span == 0:
                return low
            inside = level % 3
            if inside == 0:
                entered = self.enter(contexts, spread(at << 16 ^ path ^ 0x80000000))
            half, local, wide = span >> 1, (1 << inside) + path % (1 << inside), min(31, span.bit_length())
            bit = self.decision(entered, local, low + half + 1, wide, self.depths[at] + level, known, rate)
            path = 2 * path + bit
            low, span = (low + half + 1, span - half - 1) if bit else (low, half)
        shift = max(0, span.bit_length() - 16)
        number = self.coder.uniform((span >> shift) + 1)
        while shift > 0:
            bits = min(shift, 32)
            number, shift = number << bits | self.raw.take(bits), shift - bits
        return (low + number) % 2**64

# 6.2 Functions

def decode_function(r, count, others):
    need(len(others) in (1, 2), "not a function of one column or two")
    rows = list(zip(*others))
    if r.tag(1) == 0:
        factors, constant = [r.zigzag() for _ in others], r.zigzag()
        return [wrap(constant + sum(f * n for f, n in zip(factors, row))) for row in rows]
    keys = sorted(set(rows))
    values = dict(zip(keys, decode_integers(r, len(keys))))
    return [values[row] for row in rows]

# ------------------------------------------------------------------------------------------- 7. Autoencoder codec

def decode_outputs(r, rows_of, models):
    """The model, its outputs for each row, and whether a residual follows."""
    number, bounded, shift = r.varint(), r.tag(1), r.tag(12)
    need(number in models, "a model that is not there")
    model = models[number]
    rows = rows_of(model)
    latents = [decode_integers(r.part(), rows) for _ in range(model.latents)]
    latents = [[clamp(wrap(i << shift), -8191, 8191) for i in latent] for latent in latents]
    return model, model.run(list(zip(*latents))), bounded

def converted(type, v):
    """The bits of an output rounded to the type."""
    if type.real:
        return bits_of_real(type.real(v))
    if type is U64:
        return truncated(v + 0.5, 0, 2**64 - 1)
    return clamp(rounded(v), *type.range) % (1 << type.bits)

def decode_modelled_field(r, shape, type, models):
    need(shape, "a model for a field without axes")
    model, outputs, bounded = decode_outputs(r, lambda model: len(list(model.places(shape))), models)
    places = model.places(shape)
    of_place = {p: v for places, row in zip(places, outputs) for p, v in zip(places, row) if p is not None}
    need(len(of_place) == prod(shape), "a model of another shape")
    outputs = [of_place[p] for p in range(prod(shape))]
    if not bounded:
        r.end()
        return type.pack([converted(type, v) for v in outputs])
    map = decode_map(r, len(outputs), type)
    rule = Integers(reach=0, origin=r.zigzag(), range=I64)
    walked = decode_walk(r, planes_rows_columns(shape), rule, map.classes.special)
    return map.values([wrap((n or 0) + map.integer(v)) for n, v in zip(walked, outputs)])

def decode_modelled_table(r, rows, columns, models):
    model, outputs, _ = decode_outputs(r, lambda model: rows, models)
    outputs = dict(zip(model.names, zip(*outputs)))
    need(outputs.keys() <= {column.name for column in columns}, "a model of other columns")
    parts = []
    for name, type, _ in columns:
        coding = r.tag(2)
        need(coding == 0 or name in outputs, "a column that the model does not have")
        if coding == 0:
            parts.append(decode_column(r.part(), rows, type))
        elif coding == 1:
            part = r.part()
            map, residuals = decode_map(part, rows, type), decode_integers(part, rows)
            parts.append(map.values([wrap(n + map.integer(v)) for n, v in zip(residuals, outputs[name])]))
        else:
            parts.append(type.pack([converted(type, v) for v in outputs[name]]))
    r.end()
    return parts

# ------------------------------------------------------------------------------------------- 8. Models

class Layer(NamedTuple):
    weights: list  # for each output, of each input
    bias: tuple
    shift: int
    multipliers: tuple  # for t >= 0 and for t < 0; none in the last layer

    def sums(self, x):
        return [bias + sum(w * v for w, v in zip(row, x)) for row, bias in zip(self.weights, self.bias)]

    def run(self, x):
        return self.inner(x) if self.shift else self.sums(x)

    def inner(self, x):
        t = [acc + (1 << (self.shift - 1)) >> self.shift for acc in self.sums(x)]
        return [clamp(t * m[t < 0] + 2**14 >> 15, -8191, 8191) for t, m in zip(t, zip(*self.multipliers))]

class Model(NamedTuple):
    layers: list
    scale: tuple
    offset: tuple
    names: list

    @property
    def latents(self):
        return len(self.layers[0].weights[0])

    def run(self, rows):
        return [self.run_row(row) for row in rows]

    def run_row(self, x):
        for layer in self.layers[:-1]:
            x = layer.inner(x)
        sums = self.layers[-1].sums(x)
        return [acc * scale + offset for acc, scale, offset in zip(sums, self.scale, self.offset)]

    def places(self, shape):
        return frames(shape, len(self.scale))

def decode_model(r):
    kind = r.number("B")
    need(kind in (1, 2, 3, 4), "an unknown kind of models")
    if kind == 2:
        return decode_table_model(r)
    if kind == 3:
        return decode_network_model(r)
    if kind == 4:
        return decode_field_model(r)
    count = r.number("H")
    need(count > 0, "a model without layers")
    layers = [decode_layer(r, last=i == count - 1) for i in range(count)]
    need(all(len(a.weights) == len(b.weights[0]) for a, b in zip(layers, layers[1:])), "layers that do not fit")
    outputs = len(layers[-1].weights)
    scale, offset = r.numbers("d", outputs), r.numbers("d", outputs)
    need(all(abs(s) * 2.0**31 + abs(o) < float("inf") for s, o in zip(scale, offset)), "outputs not finite")
    names = [r.take(r.number("I")).decode("utf-8") for _ in range(outputs)] if r.tag(1) else []
    r.end()
    return Model(layers, scale, offset, names)

def decode_layer(r, last):
    kind, inputs, outputs = r.tag(1), r.number("I"), r.number("I")
    need(kind == last and inputs > 0 and outputs > 0, "not a layer")
    weights = [r.numbers("h", inputs) for _ in range(outputs)]
    bias, shift, multipliers = r.numbers("i", outputs), 0, ()
    if not last:
        shift, multipliers = r.tag(30), (r.numbers("h", outputs), r.numbers("h", outputs))
        need(shift > 0, "no shift")
    return proven(Layer(weights, bias, shift, multipliers))

def proven(layer):
    """The layer, once it is sure that none of its sums can overflow."""
    weights, bias, shift, multipliers = layer
    for i in range(len(bias)):
        most = abs(bias[i]) + 8191 * sum(map(abs, weights[i]))
        t = most + (1 << shift >> 1) >> shift
        safe = most < 2**31 - (1 << shift) and all(0 <= m[i] and t * m[i] + 2**14 < 2**31 for m in multipliers)
        need(safe, "a neuron that may overflow")
    return layer

# ............................................................................................. 8.1 Networks

def frames(shape, n):
    """For each row the places in the chunk of its values."""
    need(shape[0] * n == prod(shape), "frames of another shape")
    return (range(i * n, (i + 1) * n) for i in range(shape[0]))

def runs(shape, n):
    count = prod(shape)
    return ([p if p < count else None for p in range(i, i + n)] for i in range(0, count, n))

def tiles(extents, shape, n):
    m = len(extents)
    need(m <= len(shape) and prod(extents) == n, "tiles of another shape")
    d = shape[len(shape) - m :]
    for lead in range(prod(shape[: len(shape) - m])):
        for tile in product(*[range(0, d, e) for d, e in zip(d, extents)]):
            row = []
            for within in product(*map(range, extents)):
                at = lead
                for first, t, length in zip(tile, within, d):
                    at = None if at is None or first + t >= length else at * length + first + t
                row.append(at)
            yield row

class Network(NamedTuple):
    places: object
    sequence: int
    latents: int
    steps: list  # each a function of a sequence's rows
    outputs: int
    sets: list
    names: list

    def run(self, rows):
        values = []
        for first in range(0, len(rows), self.sequence):
            x, kept = [list(row) for row in rows[first : first + self.sequence]], []
            for step in self.steps:
                x = step(x, kept)
            values += [[straight(s, n) for s, n in zip(cycle(self.sets), row)] for row in x]
        return values

def straight(pieces, n):
    """The last piece that starts at n or before."""
    _, scale, offset = [piece for piece in pieces if piece[0] <= n][-1]
    return n * scale + offset

def decode_network_model(r):
    rows = r.tag(2)
    extents = [r.varint() for _ in range(r.number("B"))] if rows == 2 else []
    need(rows != 2 or 1 <= len(extents) <= 8, "tiles of no axes")
    sequence, latents, count = r.varint(), r.varint(), r.varint()
    need(1 <= sequence <= 4096 and 1 <= latents <= 2**20 and 1 <= count <= 4096, "not a network")
    steps, width, kept = [], latents, []
    for i in range(count):
        step, width = decode_step(r, width, kept, i == count - 1)
        need(1 <= width <= 2**20, "too many values")
        steps.append(step)
    need(not kept, "what is kept is never added")
    sets = r.varint()
    need(sets in (1, width), "not a set an output")
    sets = [decode_lines(r) for _ in range(sets)]
    names = [r.take(r.varint()).decode("utf-8") for _ in range(width)] if r.tag(1) else []
    r.end()
    places = [partial(frames, n=width), partial(runs, n=width), partial(tiles, extents, n=width)][rows]
    return Network(places, sequence, latents, steps, width, sets, names)

def decode_lines(r):
    more = r.varint()
    starts = [float("-inf"), *r.numbers("i", more)]
    need(all(a < b for a, b in zip(starts, starts[1:])), "lines out of order")
    lines = [(start, *r.numbers("d", 2)) for start in starts]
    need(all(abs(s) * 2.0**31 + abs(o) < float("inf") for _, s, o in lines), "outputs not finite")
    return lines

def decode_linear(r, inputs, outputs, raw, phases=None):
    """Weights and all; `phases` names the sum that each input has part in, where there are several."""
    need(1 <= inputs <= 2**20 and 1 <= outputs <= 2**20, "not a layer")
    weights = [r.numbers("h", inputs) for _ in range(outputs)]
    bias, shift = r.numbers("i", outputs), r.tag(30)
    need(shift > 0 or raw, "a raw step that is not the last")
    multipliers = (r.numbers("h", outputs), r.numbers("h", outputs)) if shift else ()
    layer = Layer(weights, bias, shift, multipliers)
    for phase in set(phases or [0]):
        part = [[w for w, p in zip(row, phases or [0] * inputs) if p == phase] for row in weights]
        proven(layer._replace(weights=part))
    return layer

def each_row(f):
    return lambda rows, kept: [f(row) for row in rows]

def limited(v):
    return clamp(v, -8191, 8191)

def decode_step(r, width, kept, last):
    """A step on so many values, and how many it gives. `kept` holds how many values are kept."""
    kind = r.tag(10)
    if kind == 0:
        outputs = r.varint()
        layer = decode_linear(r, width, outputs, last)
        return each_row(layer.run), outputs
    if kind in (1, 2):
        return decode_window(r, width, kind == 2, last)
    if kind == 3:
        channels = r.varint()
        layer = decode_linear(r, 1, channels, False)
        need(width % channels == 0, "channels that do not fit")
        one = [Layer([w], (b,), layer.shift, ((p,), (n,))) for w, b, p, n in zip(layer.weights, layer.bias, *layer.multipliers)]
        return each_row(lambda row: [one[v % channels].inner([x])[0] for v, x in enumerate(row)]), width
    if kind == 4:
        t = r.numbers("h", 1025)
        need(all(abs(p) <= 8191 for p in t), "a table beyond the activations")
        def look(x):
            i, f = x + 8192 >> 4, (x + 8192) % 16
            return t[i] * (16 - f) + t[i + 1] * f + 8 >> 4
        return each_row(lambda row: [look(x) for x in row]), width
    if kind == 5:
        return decode_gdn(r, width), width
    if kind == 6:
        return decode_norm(r, width), width
    if kind == 7:
        shift, (m,) = r.tag(47), r.numbers("h", 1)
        need(width % 3 == 0 and m >= 0, "attention that does not fit")
        return lambda rows, kept: [attend(row, rows, width // 3, shift, m) for row in rows], width // 3
    if kind == 8:
        need(not kept, "two things kept")
        kept.append(width)
        return keep, width
    if kind == 9:
        shift, m = r.tag(30), r.numbers("h", 2)
        need(shift > 0 and min(m) >= 0 and kept == [width], "nothing kept to add")
        kept.pop()
        def add(rows, kept):
            half = 1 << shift - 1
            return [[limited(a * m[0] + b * m[1] + half >> shift) for a, b in zip(*pair)] for pair in zip(kept.pop(), rows)]
        return add, width
    rows, columns = r.varint(), r.varint()
    need(rows * columns == width, "a transpose of another shape")
    return each_row(lambda row: [row[i * columns + j] for j in range(columns) for i in range(rows)]), width

def keep(rows, kept):
    kept.append(rows)
    return rows

def decode_window(r, width, transposed, raw):
    axes = r.number("B")
    need(1 <= axes <= 3, "not a window")
    channels, outputs = r.varint(), r.varint()
    extent, kernel, stride, padding = zip(*[[r.varint() for _ in range(4)] for _ in range(axes)])
    more = [r.varint() for _ in range(axes)] if transposed else [0] * axes
    need(channels * prod(extent) == width and min(kernel) > 0 and all(a < b for a, b in zip(more, stride)), "a window that does not fit")
    taps = list(product(*map(range, kernel)))
    phases = [tuple(t % s for t, s in zip(tap, stride)) for tap in taps for _ in range(channels)]
    layer = decode_linear(r, len(taps) * channels, outputs, raw, phases if transposed else None)
    if transposed:
        sizes = [(n - 1) * s + k + m - 2 * p for n, k, s, p, m in zip(extent, kernel, stride, padding, more)]
    else:
        sizes = [(n + 2 * p - k) // s + 1 for n, k, s, p in zip(extent, kernel, stride, padding)]
    need(min(sizes) > 0, "a window that does not fit")
    def seen(o, t, axis):
        """The position that output position o sees by tap t, if there is one."""
        s, p = stride[axis], padding[axis]
        i, rest = divmod(o + p - t, s) if transposed else (o * s - p + t, 0)
        return i if rest == 0 and 0 <= i < extent[axis] else None
    def run(row):
        out = []
        for o in product(*map(range, sizes)):
            columns = []
            for tap in taps:
                at = 0
                for axis in range(axes):
                    i = seen(o[axis], tap[axis], axis)
                    at = None if i is None or at is None else at * extent[axis] + i
                columns += [0] * channels if at is None else row[at * channels : (at + 1) * channels]
            out += layer.run(columns)
        return out
    return each_row(run), outputs * prod(sizes)

def root(n):
    """v, r and h."""
    h = (31 - (n.bit_length() - 1)) // 2
    v = n << 2 * h if h >= 0 else n >> -2 * h
    entry = lambda i: isqrt(2**40 // i)
    i, f = v >> 22, (v >> 8) % 2**14
    return v, entry(i) - ((entry(i) - entry(i + 1)) * f >> 14), h

def decode_gdn(r, width):
    inverse, channels = r.tag(1), r.varint()
    layer = decode_linear(r, channels, channels, True)
    need(layer.shift == 0 and min(map(min, layer.weights)) >= 0 and min(layer.bias) >= 0, "squares with a sign")
    e, m = r.number("B"), r.numbers("h", channels)
    need(min(m) >= 0 and (1 <= e <= 47 if inverse else 16 <= e <= 62) and width % channels == 0, "not a GDN")
    def at(x, n, m):
        v, reciprocal, h = root(max(n, 1))
        factor, shift = ((v >> 16) * reciprocal >> 15, e + h) if inverse else (reciprocal, e - h)
        return limited(x * factor * m + (1 << shift - 1) >> shift)
    def run(row):
        out = []
        for first in range(0, width, channels):
            x = row[first : first + channels]
            out += map(at, x, layer.sums([v * v + 2**12 >> 13 for v in x]), m)
        return out
    return each_row(run)

def decode_norm(r, width):
    epsilon, e = r.varint(), r.number("B")
    need(epsilon <= 2**56 and 16 <= e <= 47, "not a norm")
    multipliers, offsets = r.numbers("h", width), r.numbers("h", width)
    def run(row):
        mean = (16 * sum(row) + width // 2) // width
        c = [16 * x - mean for x in row]
        _, reciprocal, h = root(max(1, epsilon + sum(v * v for v in c)))
        half = 1 << e - h - 1
        return [limited((v * reciprocal * m + half >> e - h) + o) for v, m, o in zip(c, multipliers, offsets)]
    return each_row(run)

def attend(row, rows, d, shift, m):
    scores = [sum(q * k for q, k in zip(row[:d], other[d : 2 * d])) for other in rows]
    def weight(s):
        u = (max(scores) - s) * m >> shift
        g, f = (u >> 8) % 16, u % 256
        return 0 if u >= 2**17 else (HALVES[g] * (256 - f) + (*HALVES, 8192)[g + 1] * f) >> (u >> 12)
    w = [weight(s) for s in scores]
    a = [2**17 * v // sum(w) for v in w]
    return [(2 * sum(p * other[2 * d + i] for p, other in zip(a, rows)) + sum(a)) // (2 * sum(a)) for i in range(d)]

# ------------------------------------------------------------------------------------------- 9. Models of tables

class Alphabet:
    """A column of a model: its bins, and its net, where it has one."""

    def __init__(self, r):
        kind = r.tag(2)
        if kind == 0:
            self.scale = 0, np.float64(r.number("d"))
            need(0 < self.scale[1] < np.inf, "not a unit")
        else:
            self.scale = kind, TYPES[r.number("B")], *((r.number("d"), r.number("B")) if kind == 2 else ())
        size, end, self.bins = r.varint(), 0, []
        need(0 < size < 4096, "not a number of bins")
        for i in range(size):
            if i == 0:
                first, log = r.zigzag(), r.varint()
            else:
                code = r.varint()
                first, log = end + (code >> 6), code & 63
            end = first + (1 << log)
            need(log <= 52 and abs(first) <= 2**52 and end <= 2**52, "a bin beyond 2^52")
            self.bins.append((first, end))
        self.scores = [r.zigzag()]
        for _ in range(size):
            step = r.varint()
            need(step <= 2**16, "not a score")
            self.scores.append(self.scores[-1] + step)
        need(max(map(abs, self.scores)) <= 16383, "not a score")
        self.centre, self.gain = np.float64(r.number("d")), np.float64(r.number("d"))
        self.pairs = (size + 2) // 2 if 2 < size < 16 else 1

    def inputs(self, symbol):
        """The inputs of a symbol; None is a row that is not there."""
        x = [0] * (2 * self.pairs)
        if symbol is None or symbol == len(self.bins):
            return x
        x[0] = self.scores[symbol] + self.scores[symbol + 1] >> 3
        first, end = self.bins[symbol]
        if len(self.bins) > 15:
            line = (np.float64(first) + np.float64(end - first) * 0.5 - self.centre) * self.gain
            x[1] = int(clamp(line, -3072.0, 3072.0))
        elif self.pairs > 1:
            x[symbol + 1] = 2048
        return x

    def edges(self, scale):
        """The bins in integers of a scale, if they can be."""
        if self.scale == scale:
            return self.bins
        if scale is None or self.scale[0] != 0 or scale[0] != 0 or not self.scale[1] / scale[1] > 0:
            return None
        edge = lambda e: int(clamp(np.ceil((np.float64(e) - 0.5) * self.scale[1] / scale[1]), -4.5e15, 4.5e15))
        return [(edge(first), edge(end)) for first, end in self.bins]

    def symbols(self, scale, integers):
        edges = self.edges(scale) or [(0, 0)] * len(self.bins)
        of = {}
        for n in set(integers):
            of[n] = next((b for b, (first, end) in enumerate(edges) if first <= n < end), len(edges))
        return [of[n] for n in integers]

class Net(NamedTuple):
    sources: list  # names and lags
    layers: list
    given: str  # the histogram's column, if it has one
    masses: list  # of each class of bins; none where the outputs are classes

def decode_table_model(r):
    """Columns by name: their alphabets, each with its net."""
    count, model = r.varint(), {}
    need(0 < count <= 4096, "not a number of columns")
    for number in range(count):
        name = r.string()
        need(name not in model, "two columns of one name")
        own = Alphabet(r)
        model[name] = own
        head = r.tag(2)
        own.net = decode_table_net(r, model, name, head) if head else None
    r.end()
    return model

def decode_table_net(r, model, name, head):
    names, own, sources = list(model), model[name], []
    count = r.varint()
    need(count <= 32, "not a number of sources")
    for _ in range(count):
        column, lag = r.varint(), r.zigzag()
        need(column < len(names) and (1 if names[column] == name else -1) <= lag <= 2, "a source not before")
        sources.append((names[column], lag))
    hidden = r.varint(), r.varint()
    symbols, pairs = len(own.bins) + 1, sum(model[source].pairs for source, _ in sources)
    need(all(0 < h <= 64 for h in hidden) and pairs <= 128 and (head == 2 or symbols <= 16), "not a net")
    widths = [max(2 * pairs, 1), *hidden, symbols + 1 if head == 1 else 11]
    layers = [decode_small_layer(r, widths[i], widths[i + 1], last=i == 2) for i in range(3)]
    given, masses = None, []
    if head == 2:
        given = r.varint()
        need(given < len(names), "a histogram given what is not before")
        given = names[given - 1] if given else None
        classes = len(model[given].bins) + 1 if given else 1
        need(not given or classes <= 16, "a histogram of too many classes")
        for _ in range(classes):
            masses.append([])
            while len(masses[-1]) < symbols - 1:
                mass = r.varint()
                masses[-1] += [mass] if mass else [0] * (r.varint() + 1)
            need(len(masses[-1]) == symbols - 1 and sum(masses[-1]) < 2**31, "not a histogram")
    return Net(sources, layers, given, masses)

def decode_small_layer(r, inputs, outputs, last):
    weights = [[r.zigzag() for _ in range(inputs)] for _ in range(outputs)]
    bias, shift = [r.zigzag() for _ in range(outputs)], r.tag(30)
    up = [r.varint() for _ in range(outputs)]
    need(shift > 0, "no shift")
    return proven(Layer(weights, bias, shift, (up, up if last else [0] * outputs)))

# 8.2 Models of fields

class FieldModel(NamedTuple):
    planar: bool
    layers: list
    gains: tuple

    def run_row(self, x):
        for layer in self.layers:
            x = layer.run(x)
        return x

def decode_field_model(r):
    planar, count = r.tag(1) == 1, r.varint()
    need(1 <= count <= 3, "a number of layers")
    widths = [13 if planar else 32] + [r.varint() for _ in range(count)] + [2]
    need(all(1 <= n <= 128 for n in widths), "a number of units")
    layers = [decode_small_layer(r, a, b, False) for a, b in zip(widths, widths[1:-1])]
    weights = [[r.zigzag() for _ in range(widths[-2])] for _ in range(2)]
    layers.append(proven(Layer(weights, [r.zigzag() for _ in range(2)], 0, ())))
    gains = [F(gain) for gain in r.numbers("f", 2)]
    need(all(0 < gain <= 1024 for gain in gains), "a gain")
    r.end()
    return FieldModel(planar, layers, gains)

# 9.1 Distributions

HALVES = [
    16384, 15689, 15024, 14387, 13777, 13193, 12634, 12098, 11585, 11094, 10624, 10173, 9742, 9329, 8933, 8555,
]
OCTAVE = [4096, 4467, 4871, 5312, 5793, 6317, 6889, 7512]

def power(d):
    d = min(d, 255)
    return HALVES[d % 16] >> d // 16

def class_bounds(o, size, before):
    """Cumulative frequencies of `size` classes."""
    logs = [o[c] + (o[size] if c == before else 0) for c in range(size)]
    powers = [power(max(logs) - log) for log in logs]
    unit = (2**16 - size << 14) // sum(powers)
    return [*accumulate((1 + (p * unit >> 14) for p in powers[:-1]), initial=0), 2**16]

def mixture_below(o, own, masses, before):
    """The function of cumulative frequencies below each symbol."""
    size, bins = len(own.bins) + 1, len(own.bins)
    logs = [o[0], o[1], o[2], -(10**6) if before is None else o[9], o[10]]
    powers = [power(max(logs) - log) for log in logs]
    unit = 2**29 // sum(powers)
    w = [0] + [p * unit >> 14 for p in powers[1:]]
    w[0] = 2**15 - sum(w)
    score = 0 if before in (None, bins) else own.scores[before] + own.scores[before + 1] >> 1
    q = [clamp(-v, -24, 80) for v in o[6:9]]
    bells = [(clamp(o[3 + c], -2047, 2047) * 16 + (0 if c else score), OCTAVE[q[c] % 8], 12 - q[c] // 8) for c in range(3)]
    sums = list(accumulate(masses, initial=0))

    def below(b):
        if b in (0, size):
            return 2**16 if b else 0
        total = w[4] * (65535 * sums[b] // sums[-1] if sums[-1] else 0) + ((w[3] << 16) if b > (before or 0) else 0)
        for weight, (middle, factor, shift) in zip(w, bells):
            d = clamp((own.scores[b] if b < bins else 32767) - middle, -32767, 32767)
            z = d * factor >> shift
            t = 65535 - min(abs(z), 65535)
            for _ in range(4):
                t = t * t >> 16
            e = t >> 1
            tail = e * (98304 - e) >> 16
            total += weight * (tail if z < 0 else 2**16 - tail)
        return ((total >> 15) * (2**16 - size) >> 16) + b

    return below

# 9.2 Lanes, 9.3 A column

def decode_net(r, count, model, name, scale, symbols_of):
    own, net = model[name], model[name].net
    edges = own.edges(scale)
    need(net and edges, "a column without a net, or on another scale")
    log = r.tag(5)
    need(log >= 3 or count <= 2**16, "too few lanes")
    escapes = r.part()
    states = [2**16 + r.varint() for _ in range(1 << log)]
    need(max(states) < 2**32, "not a state")
    words = list(r.numbers("H", r.varint()))
    raw = RawBits(r.rest())
    known = {other: symbols_of(other) for other, _ in net.sources if other != name}
    if net.given:
        known[net.given] = symbols_of(net.given)
    inputs = {other: {s: model[other].inputs(s) for s in [*range(len(model[other].bins) + 1), None]} for other, _ in net.sources}
    size, steps = len(own.bins) + 1, -(-count >> log)
    symbols = [None] * count
    for t in range(steps):
        for lane in range(1 << log):
            row = lane * steps + t
            if row >= count:
                continue
            x = []
            for other, lag in net.sources:
                there = 0 <= row - lag < count if other != name else lag <= t
                x += inputs[other][(symbols if other == name else known[other])[row - lag] if there else None]
            for layer in net.layers:
                x = layer.inner(x or [0])
            before = symbols[row - 1] if t else None
            if net.masses:
                below = mixture_below(x, own, net.masses[known[net.given][row] if net.given else 0], before)
            else:
                below = class_bounds(x, size, before).__getitem__
            state = states[lane]
            place, low, high = state % 2**16, 0, size
            while high - low > 1:
                middle = low + high >> 1
                low, high = (middle, high) if below(middle) <= place else (low, middle)
            state = (below(low + 1) - below(low)) * (state >> 16) + place - below(low)
            if state < 2**16:
                state = state << 16 | (words.pop(0) if words else 0)
            states[lane], symbols[row] = state, low
    others = iter(decode_integers(escapes, symbols.count(size - 1)))
    return [next(others) if s == size - 1 else edges[s][0] + raw_below(raw, edges[s][1] - edges[s][0]) for s in symbols]

def raw_below(raw, n):
    k = max(n, 1).bit_length() - 1
    short = (2 << k) - max(n, 1)
    v = raw.take(k)
    return v if v < short else 2 * v + raw.take(1) - short

# -------------------------------------------------------------------------------------------

def array(type, shape, data):
    if type is TEXT:
        return np.array(data.decode("utf-8").split("\n")[:-1])
    return np.frombuffer(data, type.dtype).reshape(shape)

def main():
    parser = argparse.ArgumentParser(description="Decodes Baler archives by the letter of docs/format.md.")
    parser.add_argument("files", metavar="FILE.blr", nargs="+")
    parser.add_argument("-o", metavar="OUT.npz", dest="out", help="write the arrays to this file")
    options = parser.parse_args()
    np.seterr(all="ignore")
    arrays = {}
    for path in options.files:
        try:
            with open(path, "rb") as file:
                variables = decode_file(file.read())
        except Bad as error:
            sys.exit(f"{path}: {error}")
        for variable, parts in variables:
            shape = "x".join(map(str, variable.shape)) or "scalar"
            for column, part in zip(variable.columns, parts):
                name = f"{variable.name}/{column.name}" if isinstance(variable, Table) else variable.name
                print(name, column.type.name, shape, hashlib.sha256(part).hexdigest(), flush=True)
                arrays[name] = array(column.type, variable.shape, part)
    if options.out:
        np.savez(options.out, **arrays)

if __name__ == "__main__":
    main()
