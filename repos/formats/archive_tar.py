"""Tar archives, plain or compressed with gzip: one pass over the stream makes the index.

Invariant: links, devices, escaping names and duplicates are errors; no more bytes are decoded than the limits
allow, whatever headers declare. Members that are small and not media (labels, mostly) are kept in a spool
during that pass, on disk above 16 MiB; another member of a compressed archive is reached by decoding forward
again, so reading members in the archive's order costs one more pass, never one per member. Memory: O(members)
names and offsets.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from repos.formats.errors import (
    DamagedArchive,
    DuplicateMember,
    LimitExceeded,
    LinkMember,
    MissingMember,
    SourceError,
)
from repos.formats.source import Limits, is_junk, safe_name

SPOOL_MEMBER = 4 << 20
SPOOL_TOTAL = 2 << 30
_MEDIA = (
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
    ".wav",
    ".mp3",
    ".flac",
    ".ogg",
    ".mp4",
)


@dataclass(frozen=True, slots=True)
class _Entry:
    size: int
    offset: int
    spooled: int | None


class TarSource:
    """Files of one tar archive over a seekable file object."""

    def __init__(self, stream: BinaryIO, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        head = stream.read(2)
        stream.seek(0, io.SEEK_END)
        encoded = stream.tell()
        stream.seek(0)
        self._gzip = head == b"\x1f\x8b"
        raw: BinaryIO = cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb")) if self._gzip else stream
        self._stream = _Bounded(raw, encoded if self._gzip else None, self._limits)
        self._spool = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=16 << 20))  # noqa: SIM115
        self._spooled = 0
        self._entries: dict[str, _Entry] = {}
        self._index()

    def _index(self) -> None:
        total = 0
        for info in _infos(self._stream):
            name = safe_name(info.name)
            if info.isdir():
                continue
            if not info.isreg() or info.issparse():
                raise LinkMember(name, "a link or special file")
            total += info.size
            self._check(name, info.size, total)
            if is_junk(name):
                continue
            if name in self._entries:
                raise DuplicateMember(name)
            self._entries[name] = _Entry(info.size, info.offset_data, self._keep(name, info))

    def _check(self, name: str, size: int, total: int) -> None:
        limits = self._limits
        if size > limits.member_bytes:
            raise LimitExceeded(name, "member_bytes", size, limits.member_bytes)
        if total > limits.total_bytes:
            raise LimitExceeded(name, "total_bytes", total, limits.total_bytes)
        if len(self._entries) >= limits.members:
            raise LimitExceeded(name, "members", len(self._entries) + 1, limits.members)

    def _keep(self, name: str, info: tarfile.TarInfo) -> int | None:
        """Copies a small label file of a compressed archive to the spool; where it begins there."""
        fits = info.size <= SPOOL_MEMBER and self._spooled + info.size <= SPOOL_TOTAL
        if not self._gzip or not fits or name.lower().endswith(_MEDIA):
            return None
        begin = self._spooled
        self._stream.seek(info.offset_data)
        data = self._stream.read(info.size)
        if len(data) < info.size:
            raise DamagedArchive(
                name, f"the archive ends inside this member ({len(data)} of {info.size} bytes)"
            )
        self._spool.write(data)
        self._spooled += info.size
        return begin

    def names(self) -> Iterator[str]:
        return iter(self._entries)

    def _get(self, name: str) -> _Entry:
        if name not in self._entries:
            raise MissingMember(name)
        return self._entries[name]

    def size(self, name: str) -> int:
        return self._get(name).size

    def open(self, name: str) -> BinaryIO:
        entry = self._get(name)
        if entry.spooled is not None:
            self._spool.seek(entry.spooled)
            return io.BytesIO(self._spool.read(entry.size))
        return io.BufferedReader(_Window(name, self._stream, entry.offset, entry.size), 1 << 16)


def _infos(stream: _Bounded) -> Iterator[tarfile.TarInfo]:
    try:
        with tarfile.open(fileobj=cast(BinaryIO, stream), mode="r:") as tar:
            while (info := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined, unused-ignore]
                yield info
            _check_end(stream, tar.offset)
    except SourceError:
        raise
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise DamagedArchive("", f"not a readable tar archive ({error})") from None


def _check_end(stream: _Bounded, offset: int) -> None:
    """tarfile takes a cut archive for its end; a whole one ends with a block of zeros."""
    stream.seek(offset)
    if stream.read(512) != bytes(512):
        raise DamagedArchive("", "the archive is cut off: its end marker is missing")


class _Bounded:
    """The decoded stream, with limits on how much is decoded in all and how much one header may ask for."""

    def __init__(self, raw: BinaryIO, encoded: int | None, limits: Limits) -> None:
        self._raw, self._encoded, self._limits = raw, encoded, limits

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > self._limits.header_bytes:
            raise LimitExceeded("", "header_bytes", size, self._limits.header_bytes)
        try:
            data = self._raw.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise DamagedArchive("", str(error)) from None
        self._check(self._raw.tell())
        return data

    def _check(self, decoded: int) -> None:
        limits = self._limits
        if decoded > limits.total_bytes + (len_of_headers := 1 << 30):
            raise LimitExceeded("", "total_bytes", decoded, limits.total_bytes + len_of_headers)
        if self._encoded is not None and decoded > max(limits.ratio_from, limits.ratio * self._encoded):
            raise LimitExceeded("", "ratio", round(decoded / max(1, self._encoded), 1), limits.ratio)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Forward in steps, so that the limits hold while a compressed stream is skipped."""
        try:
            return self._seek(offset, whence)
        except (OSError, EOFError, zlib.error) as error:
            raise DamagedArchive("", str(error)) from None

    def _seek(self, offset: int, whence: int) -> int:
        if whence != io.SEEK_SET or self._encoded is None:
            return self._raw.seek(offset, whence)
        while (here := self._raw.tell()) + (1 << 20) < offset:
            self._check(self._raw.seek(here + (1 << 20)))
            if self._raw.tell() == here:
                return here
        return self._raw.seek(offset)

    def tell(self) -> int:
        return self._raw.tell()


class _Window(io.RawIOBase):
    """Bytes [offset, offset + size) of the decoded stream as a file of its own."""

    def __init__(self, name: str, stream: _Bounded, offset: int, size: int) -> None:
        self._name, self._stream, self._offset, self._size, self._at = name, stream, offset, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        wanted = min(len(buffer), self._size - self._at, 1 << 20)
        if wanted <= 0:
            return 0
        try:
            if self._stream.tell() != self._offset + self._at:
                self._stream.seek(self._offset + self._at)
            data = self._stream.read(wanted)
        except DamagedArchive as error:
            raise DamagedArchive(self._name, error.reason) from None
        if not data:
            raise DamagedArchive(
                self._name, f"the archive ends inside this member ({self._at} of {self._size} bytes)"
            )
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
