"""Zip archives read in place: the central directory once, then single members, over any seekable file object.

Invariant: what the directory declares is checked before a byte is decoded, and decoding never yields more
than was declared, so no archive costs more than its limits. Overlapping members (one compressed body shared
by many names) are refused. Cost: O(members) to open; a member costs its own bytes. One stream for all: a source is
used by one thread.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import IO, BinaryIO

from repos.formats.errors import (
    DamagedArchive,
    DuplicateMember,
    EncryptedMember,
    LimitExceeded,
    LinkMember,
    MissingMember,
    SizeMismatch,
)
from repos.formats.source import Limits, is_junk, safe_name

SMALL = 1 << 16
_PLAIN_FLAGS = 0x80E
"""Level of compression, sizes behind the data (the directory has them too), names in UTF-8."""


class ZipSource:
    """Files of one zip archive."""

    def __init__(self, stream: BinaryIO, limits: Limits | None = None) -> None:
        self._limits, self._stream = limits or Limits(), stream
        try:
            self._zip = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError) as error:
            raise DamagedArchive("", f"not a readable zip archive ({error})") from None
        self._members = self._check(self._zip.infolist())

    def _check(self, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        limits, total = self._limits, 0
        if len(infos) > limits.members:
            raise LimitExceeded("", "members", len(infos), limits.members)
        members: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            name = safe_name(info.filename.rstrip("/") if info.is_dir() else info.filename)
            _check_member(name, info, limits)
            if info.is_dir() or is_junk(name):
                continue
            if name in members:
                raise DuplicateMember(name)
            total += info.file_size
            if total > limits.total_bytes:
                raise LimitExceeded(name, "total_bytes", total, limits.total_bytes)
            members[name] = info
        _check_overlap(infos)
        return members

    def names(self) -> Iterator[str]:
        return iter(self._members)

    def _get(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            raise MissingMember(name)
        return self._members[name]

    def size(self, name: str) -> int:
        return self._get(name).file_size

    def open(self, name: str) -> BinaryIO:
        info = self._get(name)
        if (whole := self._small(info)) is not None:
            return io.BytesIO(whole)
        try:
            member = self._zip.open(info)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
            raise DamagedArchive(name, str(error)) from None
        return io.BufferedReader(_Member(name, info.file_size, member), 1 << 16)

    def _small(self, info: zipfile.ZipInfo) -> bytes | None:
        """All bytes of a small plain member at a fifth of what a stream costs; None where anything is unusual or wrong,
        which is for the stream to say."""
        plain = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if not plain or info.flag_bits & ~_PLAIN_FLAGS or max(info.file_size, info.compress_size) > SMALL:
            return None
        try:
            self._stream.seek(info.header_offset)
            head = self._stream.read(30)
            name, extra = _LENGTHS.unpack(head[26:30])
            rest = self._stream.read(name + extra + info.compress_size)
            known = info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")
            body = rest[name + extra :]
            if info.compress_type == zipfile.ZIP_DEFLATED:
                body = zlib.decompressobj(-15).decompress(body, info.file_size + 1)
        except (struct.error, zlib.error, UnicodeEncodeError, OSError):
            return None
        fine = head[:4] == b"PK\3\4" and rest[:name] == known and len(body) == info.file_size
        return body if fine and zlib.crc32(body) == info.CRC else None


_LENGTHS = struct.Struct("<HH")


def _check_member(name: str, info: zipfile.ZipInfo, limits: Limits) -> None:
    mode = info.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise LinkMember(name, "a link or special file")
    if info.flag_bits & 1:
        raise EncryptedMember(name)
    if info.file_size > limits.member_bytes:
        raise LimitExceeded(name, "member_bytes", info.file_size, limits.member_bytes)
    if info.file_size > limits.ratio_from and info.file_size > limits.ratio * max(1, info.compress_size):
        ratio = info.file_size / max(1, info.compress_size)
        raise LimitExceeded(name, "ratio", round(ratio, 1), limits.ratio)


def _check_overlap(infos: list[zipfile.ZipInfo]) -> None:
    """A local header takes at least 30 bytes and its name; bodies must follow one another without sharing
    bytes."""
    ordered = sorted(infos, key=lambda info: info.header_offset)
    for before, after in pairwise(ordered):
        if before.header_offset + 30 + before.compress_size > after.header_offset:
            raise DamagedArchive(after.filename, f"its bytes overlap those of {before.filename!r}")


class _Member(io.RawIOBase):
    """One member; turns what zipfile and zlib raise into typed errors and checks the real size at the end."""

    def __init__(self, name: str, declared: int, inner: IO[bytes]) -> None:
        self._name, self._declared, self._inner, self._seen = name, declared, inner, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._seen = self._inner.seek(offset, whence)
        return self._seen

    def tell(self) -> int:
        return self._inner.tell()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self._inner.read(len(buffer))
        except EOFError:
            raise SizeMismatch(self._name, self._declared, f"its data ends after {self._seen}") from None
        except zipfile.BadZipFile as error:
            raise SizeMismatch(self._name, self._declared, f"its data differs ({error})") from None
        except (zlib.error, OSError) as error:
            raise DamagedArchive(self._name, str(error)) from None
        buffer[: len(data)] = data
        self._seen += len(data)
        if not data and len(buffer) and self._seen < self._declared:
            raise SizeMismatch(self._name, self._declared, f"its data ends after {self._seen}")
        return len(data)

    def close(self) -> None:
        self._inner.close()
        super().close()
