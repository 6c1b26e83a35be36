"""A BlobStore in a folder of a local disk.

Invariant: a key names all of a blob or nothing, also after a crash: bytes are written aside, synced, then renamed or
linked to their name, and the folder is synced. A key can not leave the folder: its characters are checked, and the
name of a file ends in `=`, which no key may hold, so that `a` and `a/b` live side by side.
Cost: one file and two syncs a blob.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from repos.labelstore.blobkeys import MissingBlob, StoreUnavailable, check_blob_key, check_blob_prefix
from repos.labelstore.memory import OCTETS, PIECE
from repos.labelstore.ports import BlobInfo

ASIDE = "=new"
SUFFIX = "="


class DiskBlobs:
    """Blobs below `root`, which is made if it does not exist."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).resolve()
        self._aside = self.root / ASIDE
        self._aside.mkdir(parents=True, exist_ok=True)

    def put(self, key: str, data: bytes, content_type: str = OCTETS) -> None:
        self.upload(key, BytesIO(data), content_type)

    def put_if_absent(self, key: str, data: bytes, content_type: str = OCTETS) -> bool:
        path = self._path(key)
        if path.exists():
            return False
        with _translated("put", key), self._written(BytesIO(data)) as new:
            self._make_folder(path.parent)
            try:
                os.link(new, path)  # unlike a rename it never replaces what is there
            except FileExistsError:
                return False
            _sync_folder(path.parent)
        return True

    def upload(self, key: str, file: BinaryIO, content_type: str = OCTETS) -> int:
        path = self._path(key)
        with _translated("upload", key), self._written(file) as new:
            size = new.stat().st_size
            self._make_folder(path.parent)
            new.replace(path)
            _sync_folder(path.parent)
        return size

    def get(self, key: str) -> bytes:
        with self._opened(key) as file:
            return file.read()

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        with self._opened(key) as file:
            file.seek(offset)
            return file.read(length)

    def stream(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        return _pieces(self._opened(key), offset, length)

    def head(self, key: str) -> BlobInfo | None:
        try:
            return _info(key, self._path(key).stat())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def delete(self, key: str) -> None:
        path = self._path(key)
        path.unlink(missing_ok=True)
        if path.parent.exists():
            _sync_folder(path.parent)

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        return self._below(self.root, "", check_blob_prefix(prefix))

    def presign_get(
        self, key: str, seconds: int, content_type: str | None = None, filename: str | None = None
    ) -> str | None:
        return None

    def presign_put(self, key: str, seconds: int, content_type: str, size: int) -> str | None:
        return None

    def parts(self) -> None:
        return None

    def _path(self, key: str) -> Path:
        return self.root / (check_blob_key(key) + SUFFIX)

    def _opened(self, key: str) -> BinaryIO:
        try:
            return self._path(key).open("rb")
        except (FileNotFoundError, NotADirectoryError):
            raise MissingBlob(key) from None

    @contextmanager
    def _written(self, source: BinaryIO) -> Iterator[Path]:
        """A synced file of its own with what is left of `source`; removed unless it was renamed."""
        handle, name = tempfile.mkstemp(dir=self._aside)
        try:
            with os.fdopen(handle, "wb") as file:
                shutil.copyfileobj(source, file, PIECE)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def _make_folder(self, folder: Path) -> None:
        """Make and sync every missing folder from the root down to `folder`."""
        missing = []
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
            _sync_folder(path.parent)

    def _below(self, folder: Path, base: str, prefix: str) -> Iterator[BlobInfo]:
        """Blobs of a folder whose keys begin with `base`; folders that can not hold `prefix` stay shut."""
        with os.scandir(folder) as scan:
            found = sorted((entry.name, entry.is_dir()) for entry in scan if entry.name != ASIDE)
        for name, is_folder in found:
            key = base + (f"{name}/" if is_folder else name.removesuffix(SUFFIX))
            if is_folder and (key.startswith(prefix) or prefix.startswith(key)):
                yield from self._below(folder / name, key, prefix)
            elif not is_folder and key.startswith(prefix) and (info := self.head(key)) is not None:
                yield info


def _pieces(file: BinaryIO, offset: int, length: int | None) -> Iterator[bytes]:
    with file:
        file.seek(offset)
        left = length
        while piece := file.read(PIECE if left is None else min(PIECE, left)):
            left = None if left is None else left - len(piece)
            yield piece


def _info(key: str, stat: os.stat_result) -> BlobInfo:
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    return BlobInfo(key, stat.st_size, f"{stat.st_mtime_ns:x}-{stat.st_size:x}", modified)


@contextmanager
def _translated(action: str, key: str) -> Iterator[None]:
    """A disk that is full, over its quota or broken is a store that is not available."""
    try:
        yield
    except ConnectionError:  # whoever sent the bytes went away; no disk says so
        raise
    except OSError as error:
        raise StoreUnavailable(action, key, error.strerror or str(error)) from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
