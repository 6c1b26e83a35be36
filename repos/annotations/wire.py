"""Bytes in and out: the primitives of every record here (docs/design/FORMAT-RECORDS.md, "Primitives").

Invariant: one value has one spelling. Integers are LEB128 varints in the fewest bytes, texts are UTF-8 without
surrogates, doubles are little endian IEEE 754 and finite with -0 written as 0. A reader refuses any other
spelling. Cost: linear; a reader never allocates more than its input allows, because every count is checked
against the bytes that are left before anything is made from it.
"""

from __future__ import annotations

import math
import struct

import numpy as np
from numpy.typing import NDArray

from repos.annotations.errors import InvalidValue, MalformedRecord
from repos.labelstore.varint import Reader as BaseReader
from repos.labelstore.varint import varint, zigzag

_DOUBLE = struct.Struct("<d")
U64 = NDArray[np.uint64]


class Writer:
    """Gathers one record."""

    __slots__ = ("out",)

    def __init__(self) -> None:
        self.out = bytearray()

    def byte(self, value: int) -> None:
        self.out.append(value)

    def uint(self, value: int) -> None:
        if value < 128:
            self.out.append(value)
        else:
            self.out += varint(value)

    def sint(self, value: int) -> None:
        self.out += zigzag(value)

    def double(self, value: float) -> None:
        self.out += _DOUBLE.pack(value + 0.0)

    def raw(self, value: bytes) -> None:
        self.out += value

    def blob(self, value: bytes) -> None:
        self.uint(len(value))
        self.out += value

    def text(self, value: str) -> None:
        try:
            self.blob(value.encode())
        except UnicodeEncodeError:
            raise InvalidValue("text", value, "text without lone surrogates") from None

    def texts(self, values: tuple[str, ...]) -> None:
        self.uint(len(values))
        for value in values:
            self.text(value)

    def done(self) -> bytes:
        return bytes(self.out)


class Reader(BaseReader):
    """Takes one record apart; every failure is a MalformedBytes naming `what` and the offset."""

    __slots__ = ()

    def expected(self, what: str) -> MalformedRecord:
        """The error to raise here."""
        return MalformedRecord(self.what, self.at, what)

    @property
    def left(self) -> int:
        return self.end - self.at

    def code(self, limit: int, name: str) -> int:
        """One byte below `limit`."""
        value = self.byte()
        if value >= limit:
            raise self.expected(f"a code of {name} below {limit}")
        return value

    def count(self, smallest: int, name: str) -> int:
        """A count of items, each at least `smallest` bytes long, that the bytes left can hold."""
        value = self.varint()
        if value * smallest > self.left:
            raise self.expected(f"a count of {name} that fits the {self.left} bytes left")
        return value

    def double(self) -> float:
        value: float = _DOUBLE.unpack(self.take(8))[0]
        if not math.isfinite(value) or (value == 0 and math.copysign(1, value) < 0):
            raise self.expected("a finite double, zero without a sign")
        return value

    def blob(self) -> bytes:
        return self.prefixed(self.left)

    def string(self) -> str:
        return self.text(self.left)

    def texts(self) -> tuple[str, ...]:
        return tuple(self.string() for _ in range(self.count(1, "texts")))

    def flag(self) -> bool:
        return bool(self.code(2, "a flag"))


def is_text(value: str) -> bool:
    """Whether a text can be stored: UTF-8 has no lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def write_varints(values: U64) -> bytes:
    """Many varints at once, the bytes that `varint` gives one by one. O(n) in array operations."""
    if len(values) < 48:
        return b"".join(map(varint, values.tolist()))
    sizes = np.ones(len(values), np.int64)
    for group in range(1, 9):
        sizes += values >= np.uint64(1 << 7 * group)
    ends = np.cumsum(sizes)
    out = np.empty(int(ends[-1]), np.uint8)
    starts = ends - sizes
    for group in range(int(sizes.max())):
        have = sizes > group
        byte = (values[have] >> np.uint64(7 * group)).astype(np.uint8) & 127
        byte[sizes[have] > group + 1] |= 128
        out[starts[have] + group] = byte
    return out.tobytes()


def read_varints(r: Reader, count: int) -> U64:
    """The next `count` varints; each at most 9 bytes, in its shortest form."""
    if count < 48:
        return np.fromiter((r.varint() for _ in range(count)), np.uint64, count)
    window = np.frombuffer(r.data, np.uint8, min(r.left, 9 * count), r.at)
    last = np.flatnonzero(window < 128)[:count]
    if len(last) < count:
        raise r.expected(f"{count} varints")
    starts = np.concatenate([[0], last[:-1] + 1])
    sizes = last - starts + 1
    if int(sizes.max()) > 9 or bool(((window[last] == 0) & (sizes > 1)).any()):
        raise r.expected("varints of at most 9 bytes in their shortest form")
    values = np.zeros(count, np.uint64)
    for group in range(int(sizes.max())):
        have = sizes > group
        values[have] |= (window[starts[have] + group] & 127).astype(np.uint64) << np.uint64(7 * group)
    r.at += int(last[-1]) + 1
    return values
