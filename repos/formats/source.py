"""Where files come from: a port that names files and opens them one by one, and its plain implementations.

Invariant: every name a source gives is a relative path of plain parts (no `..`, no leading `/`, no control
characters), names are distinct, and `open` gives the bytes of exactly that file. Names come in a stable
order. Cost: nothing is opened before it is asked for; a directory is listed once.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from repos.formats.errors import DuplicateMember, LimitExceeded, LinkMember, MissingMember, UnsafeName

JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini", ".git")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
NESTED = (".zip", ".tar", ".tar.gz", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst")


@dataclass(frozen=True, slots=True)
class Limits:
    """What an untrusted source may hold. Sizes in bytes, of decoded data; ratio is decoded to encoded size."""

    members: int = 5_000_000
    member_bytes: int = 64 << 30
    total_bytes: int = 4 << 40
    ratio: float = 200.0
    ratio_from: int = 1 << 20
    text_bytes: int = 8 << 30
    header_bytes: int = 16 << 20


class Source(Protocol):
    """Named files, lazily."""

    def names(self) -> Iterator[str]:
        """Every file, in an order that does not change while the source is open."""
        ...

    def size(self, name: str) -> int:
        """Size in bytes. Raises MissingMember."""
        ...

    def open(self, name: str) -> BinaryIO:
        """A fresh readable stream from the start of the file. Raises MissingMember and, on bad data,
        SourceError."""
        ...


def safe_name(raw: str) -> str:
    """The name with `/` as separator and without `./`; UnsafeName when it is no plain relative path."""
    name = raw.replace("\\", "/")
    while name.startswith("./"):
        name = name[2:]
    if name.startswith("/") or (len(name) > 1 and name[1] == ":" and name[0].isalpha()):
        raise UnsafeName(raw, "an absolute path")
    parts = name.split("/")
    if ".." in parts:
        raise UnsafeName(raw, "the path leaves the archive")
    if "" in parts or "." in parts:
        raise UnsafeName(raw, "an empty path part")
    if _UNPRINTABLE.search(name):
        raise UnsafeName(raw, "a control character or undecodable byte in the name")
    return name


def is_junk(name: str) -> bool:
    """What operating systems leave behind: never data."""
    parts = name.split("/")
    return parts[-1].startswith("._") or any(part in JUNK for part in parts)


def is_nested(name: str) -> bool:
    """An archive inside the source: reported, never opened."""
    return name.lower().endswith(NESTED)


class MemorySource:
    """Files given as bytes, in the order given."""

    def __init__(self, files: Mapping[str, bytes] | Sequence[tuple[str, bytes]]) -> None:
        pairs = list(files.items()) if isinstance(files, Mapping) else list(files)
        self._files: dict[str, bytes] = {}
        for raw, data in pairs:
            name = safe_name(raw)
            if name in self._files:
                raise DuplicateMember(name)
            self._files[name] = data

    def names(self) -> Iterator[str]:
        return iter(self._files)

    def _get(self, name: str) -> bytes:
        if name not in self._files:
            raise MissingMember(name)
        return self._files[name]

    def size(self, name: str) -> int:
        return len(self._get(name))

    def open(self, name: str) -> BinaryIO:
        return io.BytesIO(self._get(name))


class PathSource:
    """Files on disk under given names: an upload's parts, or a whole directory (`of_directory`)."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = {safe_name(name): path for name, path in files.items()}
        if len(self._files) != len(files):
            raise DuplicateMember(next(n for n in files if safe_name(n) != n))

    @classmethod
    def of_directory(cls, root: Path, limits: Limits | None = None) -> PathSource:
        """Every plain file under `root`, sorted by name. A link inside is an error: it could point anywhere."""
        limits = limits or Limits()
        found: dict[str, Path] = {}
        for folder, folders, files in os.walk(root):
            for entry in (*folders, *files):
                path = Path(folder, entry)
                if path.is_symlink():
                    raise LinkMember(path.relative_to(root).as_posix(), "a symbolic link")
            for entry in files:
                path = Path(folder, entry)
                name = path.relative_to(root).as_posix()
                if not is_junk(name):
                    found[name] = path
            if len(found) > limits.members:
                raise LimitExceeded("", "members", len(found), limits.members)
        return cls(dict(sorted(found.items())))

    def names(self) -> Iterator[str]:
        return iter(self._files)

    def _get(self, name: str) -> Path:
        if name not in self._files:
            raise MissingMember(name)
        return self._files[name]

    def size(self, name: str) -> int:
        return self._get(name).stat().st_size

    def open(self, name: str) -> BinaryIO:
        return self._get(name).open("rb")


def read_head(source: Source, name: str, count: int = 65536) -> bytes:
    """The first `count` bytes of a file (fewer when it is shorter)."""
    with source.open(name) as stream:
        return stream.read(count)


def read_whole(source: Source, name: str, limit: int = 256 << 20) -> bytes:
    """All bytes of a file that a reader must hold at once. LimitExceeded above `limit` bytes."""
    with source.open(name) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise LimitExceeded(name, "text_bytes", source.size(name), limit)
    return data
