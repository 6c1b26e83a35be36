"""The digest of any value of the model: what tells whether a stored resolution still speaks of the same conflict.

Invariant: every value has one form, and no value's form begins another's: a letter for the type, a length where one
is needed, the content; members of a record under their names, entries of a mapping by key. Part of what is stored
(docs/design/MERGE.md, "Digests"), so golden vectors pin it. Cost: linear.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum

DOMAIN = b"labelhub:conflict\0"


def digest_of(value: object) -> bytes:
    """SHA-256 of DOMAIN and the value's form; TypeError for what is no value of the model."""
    digest = hashlib.sha256(DOMAIN)
    for part in _form(value):
        digest.update(part)
    return digest.digest()


def _form(value: object) -> Iterator[bytes]:
    if isinstance(value, Mapping):
        yield _head(b"m", len(value))
        for entry in sorted(value.items()):
            yield from _form(entry)
    elif isinstance(value, tuple | list):
        yield _head(b"t", len(value))
        for item in value:
            yield from _form(item)
    elif is_dataclass(value) and not isinstance(value, type):
        members = [f.name for f in fields(value) if f.compare]
        yield _text(b"d", type(value).__name__) + _head(b"k", len(members))
        for name in members:
            yield _text(b"s", name)
            yield from _form(getattr(value, name))
    else:
        yield _scalar(value)


def _scalar(value: object) -> bytes:
    match value:
        case None:
            return b"n"
        case bool():
            return b"b\1" if value else b"b\0"
        case StrEnum():
            return _text(b"e", value.value)
        case int():
            return _text(b"i", str(value))
        case float():
            return b"f" + struct.pack("<d", value)
        case str():
            return _text(b"s", value)
        case bytes():
            return _head(b"y", len(value)) + value
        case _:
            raise TypeError(f"no digest of a {type(value).__name__}")


def _head(letter: bytes, length: int) -> bytes:
    return letter + struct.pack("<Q", length)


def _text(letter: bytes, text: str) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    return _head(letter, len(raw)) + raw
