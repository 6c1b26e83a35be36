"""Keys of stored objects: which ones every store takes, and how a missing object is reported.

Invariant: an allowed key means the same object in every store and can not leave the folder of a disk store: parts
of letters, digits and `. _ -` joined by single slashes, none of them `.` or `..`, 512 bytes in all.
"""

from __future__ import annotations

import re

from repos.labelstore.errors import LabelStoreError

MAX_BLOB_KEY = 512

_KEY = re.compile(r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+)*\Z")
_PREFIX = re.compile(r"[A-Za-z0-9._/-]*\Z")


class InvalidBlobKey(LabelStoreError):
    """A key that not every store could hold."""

    template = (
        "blob key {key!r}: expected parts of letters, digits, '.', '_' and '-' joined by single slashes, "
        "none '.' or '..', at most {limit} bytes"
    )

    def __init__(self, key: str) -> None:
        super().__init__(key=key[:600], limit=MAX_BLOB_KEY)
        self.key = key


class MissingBlob(LabelStoreError):
    """A blob that is not in the store."""

    template = "blob {key!r} is not in the store"

    def __init__(self, key: str) -> None:
        super().__init__(key=key)
        self.key = key


class WrongParts(LabelStoreError):
    """Parts that make no blob: one is not there as it was named, or one that is not the last is too small."""

    template = "the parts of {key!r} do not make a blob: {reason}"

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key=key, reason=reason)
        self.key, self.reason = key, reason


class StoreUnavailable(LabelStoreError):
    """A store did not answer, or answered with an error of its own, after all retries."""

    template = "the object store failed to {action} {key!r}: {reason}"

    def __init__(self, action: str, key: str, reason: str) -> None:
        super().__init__(action=action, key=key, reason=reason)
        self.action, self.key, self.reason = action, key, reason


def check_blob_key(key: str) -> str:
    """`key` itself; InvalidBlobKey when it is not allowed."""
    if len(key) > MAX_BLOB_KEY or not _KEY.match(key):
        raise InvalidBlobKey(key)
    return key


def check_blob_prefix(prefix: str) -> str:
    """The beginning of an allowed key, or nothing; InvalidBlobKey otherwise."""
    if len(prefix) > MAX_BLOB_KEY or not _PREFIX.match(prefix) or prefix.startswith("/") or "//" in prefix:
        raise InvalidBlobKey(prefix)
    return prefix
