"""Canonical bytes of small values: varints, length-prefixed bytes, and a bounded reader of them.

Invariant: every value has exactly one encoding and a reader accepts no other. A reader checks each length against
the bytes that are really there before it allocates, so hostile input costs at most its own size.
"""

from __future__ import annotations

from repos.labelstore.errors import LabelStoreError

MAX_VARINT = 2**63 - 1


class MalformedBytes(LabelStoreError):
    """Bytes that are not the canonical encoding of anything: what was read, at which offset, and why not."""

    template = "{what} is malformed at byte {at}: {reason}"

    def __init__(self, what: str, at: int, reason: str) -> None:
        super().__init__(what=what, at=at, reason=reason)
        self.what, self.at, self.reason = what, at, reason


def varint(value: int) -> bytes:
    """LEB128, least significant group first, of 0 <= value < 2**63."""
    if value < 0x80:
        if value < 0:
            raise ValueError(f"varint of a negative number: {value}")
        return bytes((value,))
    if value > MAX_VARINT:
        raise ValueError(f"varint above 2**63 - 1: {value}")
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value: int) -> bytes:
    """A signed number as a varint: 0, -1, 1, -2, ... are 0, 1, 2, 3, ..."""
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def prefixed(data: bytes) -> bytes:
    """The length as a varint, then the bytes."""
    return varint(len(data)) + data


class Reader:
    """Reads canonical values from bytes, front to back; MalformedBytes for anything else."""

    __slots__ = ("at", "data", "end", "what")

    def __init__(self, data: bytes, what: str, at: int = 0, end: int | None = None) -> None:
        self.data, self.what, self.at = data, what, at
        self.end = len(data) if end is None else end

    def fail(self, reason: str) -> MalformedBytes:
        """The error to raise here."""
        return MalformedBytes(self.what, self.at, reason)

    def byte(self) -> int:
        if self.at >= self.end:
            raise self.fail("the bytes end too early")
        self.at += 1
        return self.data[self.at - 1]

    def varint(self, limit: int = MAX_VARINT) -> int:
        """A number from 0 to `limit`."""
        value, shift = 0, 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 56:
                raise self.fail("a number is longer than 9 bytes")
        if byte == 0 and shift:
            raise self.fail("a number is not written in its shortest form")
        if value > limit:
            raise self.fail(f"{value} is above the limit {limit}")
        return value

    def zigzag(self) -> int:
        value = self.varint()
        return -(value + 1 >> 1) if value & 1 else value >> 1

    def take(self, length: int) -> bytes:
        """Exactly `length` bytes."""
        if length < 0 or length > self.end - self.at:
            raise self.fail(f"{length} bytes are announced and {self.end - self.at} are left")
        self.at += length
        return self.data[self.at - length : self.at]

    def prefixed(self, limit: int) -> bytes:
        """Length-prefixed bytes of at most `limit`."""
        return self.take(self.varint(limit))

    def text(self, limit: int) -> str:
        """Length-prefixed UTF-8 of at most `limit` bytes."""
        start = self.at
        try:
            return self.prefixed(limit).decode("utf-8", "strict")
        except UnicodeDecodeError:
            raise MalformedBytes(self.what, start, "text is not UTF-8") from None

    def mark(self, mark: bytes, version: int) -> None:
        """What a record begins with: its mark, and the one byte that is the version of its format."""
        if self.data[self.at : min(self.at + len(mark), self.end)] != mark:
            raise self.fail(f"expected the mark {mark!r}")
        self.at += len(mark)
        if (found := self.byte()) != version:
            raise self.fail(f"format version {found} is not known, only {version}")

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(self.end - self.at)

    def done(self) -> None:
        """MalformedBytes unless everything was read."""
        if self.at != self.end:
            raise self.fail(f"{self.end - self.at} bytes follow the end")
