"""Bytes in and out: the primitives of every record of this package (docs/design/FORMAT-RECORDS.md, "Primitives").

Invariant: one value has one spelling. Integers are LEB128 varints in the fewest bytes, texts are UTF-8 without
surrogates, doubles are little endian IEEE 754 and finite with -0 written as 0. A reader refuses any other spelling,
so `write(read(b)) == b` for every `b` it accepts. Cost: linear; a reader never allocates more than its input allows,
because every count is checked against the bytes that are left before anything is made from it.
"""

from __future__ import annotations

import math
import struct

from repos.annotations.errors import MalformedRecord

_DOUBLE = struct.Struct("<d")


class Writer:
    """Gathers one record."""

    __slots__ = ("out",)

    def __init__(self) -> None:
        self.out = bytearray()

    def byte(self, value: int) -> None:
        self.out.append(value)

    def uint(self, value: int) -> None:
        """Unsigned LEB128."""
        while value > 127:
            self.out.append(value & 127 | 128)
            value >>= 7
        self.out.append(value)

    def sint(self, value: int) -> None:
        """Zig-zag, then LEB128: small magnitudes of either sign stay short."""
        self.uint(value << 1 if value >= 0 else (-value << 1) - 1)

    def double(self, value: float) -> None:
        self.out += _DOUBLE.pack(value + 0.0)

    def raw(self, value: bytes) -> None:
        self.out += value

    def blob(self, value: bytes) -> None:
        self.uint(len(value))
        self.out += value

    def text(self, value: str) -> None:
        self.blob(value.encode())

    def texts(self, values: tuple[str, ...]) -> None:
        self.uint(len(values))
        for value in values:
            self.text(value)

    def done(self) -> bytes:
        return bytes(self.out)


class Reader:
    """Takes one record apart; every failure is MalformedRecord naming `what` and the offset."""

    __slots__ = ("at", "data", "what")

    def __init__(self, data: bytes, what: str, at: int = 0) -> None:
        self.data, self.what, self.at = data, what, at

    def fail(self, expected: str) -> MalformedRecord:
        return MalformedRecord(self.what, self.at, expected)

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def byte(self) -> int:
        if self.at >= len(self.data):
            raise self.fail("one more byte")
        self.at += 1
        return self.data[self.at - 1]

    def code(self, limit: int, name: str) -> int:
        """One byte below `limit`."""
        value = self.byte()
        if value >= limit:
            raise self.fail(f"a code of {name} below {limit}")
        return value

    def uint(self, bits: int = 64) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
            if shift >= bits + 6:
                raise self.fail(f"a varint of at most {bits} bits")
        if (byte == 0 and shift) or value >> bits:
            raise self.fail(f"a shortest varint of at most {bits} bits")
        return value

    def sint(self, bits: int = 64) -> int:
        value = self.uint(bits)
        return value >> 1 if not value & 1 else -(value + 1 >> 1)

    def count(self, smallest: int, name: str) -> int:
        """A count of items, each at least `smallest` bytes long, that the bytes left can hold."""
        value = self.uint()
        if value * smallest > self.left:
            raise self.fail(f"a count of {name} that fits the {self.left} bytes left")
        return value

    def double(self) -> float:
        value: float = _DOUBLE.unpack(self.raw(8))[0]
        if not math.isfinite(value) or (value == 0 and math.copysign(1, value) < 0):
            raise self.fail("a finite double, zero without a sign")
        return value

    def raw(self, length: int) -> bytes:
        if length > self.left:
            raise self.fail(f"{length} more bytes")
        self.at += length
        return self.data[self.at - length : self.at]

    def blob(self) -> bytes:
        return self.raw(self.count(1, "bytes"))

    def text(self) -> str:
        try:
            return self.blob().decode()
        except UnicodeDecodeError:
            raise self.fail("UTF-8 text") from None

    def texts(self) -> tuple[str, ...]:
        return tuple(self.text() for _ in range(self.count(1, "texts")))

    def flag(self) -> bool:
        return bool(self.code(2, "a flag"))

    def end(self) -> None:
        if self.left:
            raise self.fail(f"the end, not {self.left} more bytes")


def is_text(value: str) -> bool:
    """Whether a text can be stored: UTF-8 has no lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
