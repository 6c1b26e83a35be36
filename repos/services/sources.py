"""The files of an upload as a Source for readers: archives are read where they lie, by ranges.

Invariant: nothing is unpacked; of an archive the worker holds a few blocks and what one member needs. Files of
archives stand beside the files sent on their own, each under its own path; the same path twice is refused.
Cost: one ranged GET for each 4 MiB that is read in order.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Iterator
from typing import BinaryIO, cast

from repos.formats.archive_tar import TarSource
from repos.formats.archive_zip import ZipSource
from repos.formats.errors import DamagedArchive, DuplicateMember, LimitExceeded, MissingMember
from repos.formats.source import Limits, Source, is_junk
from repos.labelstore.ports import BlobStore
from repos.models import Upload, UploadedFile
from repos.services.stores import blobs_of

BLOCK = 4 * 2**20
HELD_BLOCKS = 8
BUFFER = 2**16
LIMITS = Limits(members=5_000_000, member_bytes=20 << 30, total_bytes=200 << 30)
ZIP, TAR = (".zip",), (".tar", ".tar.gz", ".tgz")


class RangedFile(io.RawIOBase):
    """A range of a stored object as a seekable file that keeps the blocks it read last."""

    def __init__(self, blobs: BlobStore, key: str, offset: int, size: int, block: int = BLOCK) -> None:
        self._blobs, self._key, self._offset, self._size, self._block = blobs, key, offset, size, block
        self._at = 0
        self._held: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._at >= self._size or not len(buffer):
            return 0
        number, inside = divmod(self._at, self._block)
        data = self._read(number)[inside : inside + len(buffer)]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _read(self, number: int) -> bytes:
        held = self._held.get(number)
        if held is not None:
            self._held.move_to_end(number)
            return held
        start = number * self._block
        wanted = min(self._block, self._size - start)
        data = self._blobs.get_range(self._key, self._offset + start, wanted)
        if len(data) != wanted:
            raise DamagedArchive(
                self._key, f"the stored upload ends after {start + len(data)} of {self._size} bytes"
            )
        self._held[number] = data
        if len(self._held) > HELD_BLOCKS:
            self._held.popitem(last=False)
        return data


class StoredFiles:
    """Files sent one by one. Those that lie in one object share its blocks, so that reading them in order is cheap."""

    def __init__(self, blobs: BlobStore, files: list[UploadedFile]) -> None:
        self._blobs = blobs
        self._files = {file.path: file for file in files}
        self._objects: dict[str, int] = {}
        for file in files:
            end = file.offset + file.size
            self._objects[file.object_key] = max(end, self._objects.get(file.object_key, 0))
        self._open: OrderedDict[str, RangedFile] = OrderedDict()

    def names(self) -> Iterator[str]:
        return iter(self._files)

    def _get(self, name: str) -> UploadedFile:
        if name not in self._files:
            raise MissingMember(name)
        return self._files[name]

    def size(self, name: str) -> int:
        return self._get(name).size

    def open(self, name: str) -> BinaryIO:
        file = self._get(name)
        if file.size < BLOCK:
            whole = self._object(file.object_key)
            whole.seek(file.offset)
            return io.BytesIO(_read_exactly(whole, file.size))
        return buffered(RangedFile(self._blobs, file.object_key, file.offset, file.size))

    def _object(self, key: str) -> RangedFile:
        if key not in self._open:
            self._open[key] = RangedFile(self._blobs, key, 0, self._objects[key])
            if len(self._open) > HELD_BLOCKS:
                self._open.popitem(last=False)
        return self._open[key]


def _read_exactly(file: RangedFile, size: int) -> bytes:
    parts, left = [], size
    while left:
        part = file.read(left)
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def buffered(raw: io.RawIOBase) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(raw, BUFFER))


class Joined:
    """Several sources as one."""

    def __init__(self, parts: list[Source]) -> None:
        self._of: dict[str, Source] = {}
        for part in parts:
            for name in part.names():
                if name in self._of:
                    raise DuplicateMember(name)
                self._of[name] = part
        if len(self._of) > LIMITS.members:
            raise LimitExceeded("", "members", len(self._of), LIMITS.members)

    def names(self) -> Iterator[str]:
        return iter(self._of)

    def _get(self, name: str) -> Source:
        if name not in self._of:
            raise MissingMember(name)
        return self._of[name]

    def size(self, name: str) -> int:
        return self._get(name).size(name)

    def open(self, name: str) -> BinaryIO:
        return self._get(name).open(name)


def source_of(upload: Upload) -> Source:
    """Everything the upload holds. SourceError when an archive of it is damaged, hostile or beyond the limits."""
    blobs = blobs_of(upload.repository.network)
    files = [file for file in upload.files.order_by("path") if not is_junk(file.path)]
    plain: list[UploadedFile] = []
    parts: list[Source] = []
    for file in files:
        lower = file.path.lower()
        if lower.endswith(ZIP):
            parts.append(ZipSource(_seekable(blobs, file), LIMITS))
        elif lower.endswith(TAR):
            parts.append(TarSource(_seekable(blobs, file), LIMITS))
        else:
            plain.append(file)
    if len(parts) == 1 and not plain:
        return parts[0]
    stored: Source = StoredFiles(blobs, plain)
    return stored if not parts else Joined([stored, *parts])


def _seekable(blobs: BlobStore, file: UploadedFile) -> BinaryIO:
    return buffered(RangedFile(blobs, file.object_key, file.offset, file.size))
