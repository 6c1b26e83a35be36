"""Ids of annotations: random, derived from content, or carried over from a foreign format.

Invariant: the same file imported twice gives the same ids, because a derived id is a function of where the annotation
is and what it says (LABEL_MODEL section 4). Foreign integers keep eight zero bytes in front, so that a leaf's zero
planes vanish; random and derived ids hit such a value with probability 2**-64. Cost: one SHA-256 per derived id.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence

from repos.annotations.codec import KIND_CODE, geometry_bytes
from repos.annotations.errors import InvalidValue
from repos.annotations.model import GEOMETRY_KIND, Geometry, Kind
from repos.annotations.wire import Writer
from repos.labelstore.varint import varint

ID_BYTES = 16


def random_id() -> bytes:
    """For what an editor or the API makes."""
    return secrets.token_bytes(ID_BYTES)


def foreign_id(number: int) -> bytes:
    """The id of a foreign format's integer: 8 zero bytes, then the number as a big endian u64."""
    if not 0 <= number < 2**64:
        raise InvalidValue("annotation.id", number, "an integer from 0 to 2**64 - 1")
    return number.to_bytes(ID_BYTES, "big")


def foreign_number(annotation_id: bytes) -> int | None:
    """The integer that an id was made of, or None when it was made otherwise."""
    number = int.from_bytes(annotation_id, "big")
    return number if number < 2**64 else None


def id_start(key: str, layer: str) -> bytes:
    """What every derived id of a sample's layer is hashed behind."""
    place = Writer()
    place.raw(b"labelhub:annotation\0")
    place.text(key)
    place.text(layer)
    return place.done()


class DerivedIds:
    """Hands out ids for the annotations of one sample and layer; `taken` are ids already given there.

    Two annotations that say the same get occurrence numbers 0, 1, ... in the order in which they are asked for.
    """

    def __init__(self, key: str, layer: str, taken: Iterable[bytes] = ()) -> None:
        self._start = hashlib.sha256(id_start(key, layer))
        self._next: dict[bytes, int] = {}
        self._taken = set(taken)

    def next(self, kind: Kind, label_class: bytes | None, geometries: Sequence[Geometry]) -> bytes:
        """First 16 bytes of SHA-256(key, layer, kind, class, geometries, n), n the first number not taken."""
        w = Writer()
        w.byte(KIND_CODE[kind])
        w.blob(label_class or b"")
        for g in sorted(geometries, key=lambda g: KIND_CODE[GEOMETRY_KIND[type(g)]]):
            w.byte(KIND_CODE[GEOMETRY_KIND[type(g)]])
            w.blob(geometry_bytes(g))
        value = w.done()
        n = self._next.get(value, 0)
        while True:
            digest = self._start.copy()
            digest.update(value + varint(n))
            found, n = digest.digest()[:ID_BYTES], n + 1
            if found not in self._taken:
                break
        self._next[value] = n
        self._taken.add(found)
        return found
