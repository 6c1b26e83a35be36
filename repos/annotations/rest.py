"""The column `rest`: what of a row is too rare or too long for a column of its own.

Fields in ascending order of their tag: tag byte, length as a varint, payload. The tag is the code of a geometry's kind
or ALIASES; with DETACHED added the payload is the 32 byte address of an object that holds the real payload.
Invariant: a payload above INLINE_LIMIT bytes is detached, a shorter one never is: where bytes lie is a function of
what they are. Detached parts are compared by address, so a diff never reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from repos.annotations.codec import KIND_CODE, KINDS, geometry_bytes, geometry_from
from repos.annotations.columns import GEOMETRY_COLUMNS
from repos.annotations.model import GEOMETRY_KIND, Annotation, Geometry, Kind
from repos.annotations.wire import Reader, Writer
from repos.labelstore.digest import ADDRESS_BYTES, Address
from repos.labelstore.errors import LabelStoreError
from repos.labelstore.ports import NodeReader, NodeWriter

ALIASES = 32
DETACHED = 64
INLINE_LIMIT = 4096
_GEOMETRY_TAGS = frozenset(
    KIND_CODE[k] for k in KINDS if k not in GEOMETRY_COLUMNS and k is not Kind.CLASSIFICATION
)


class DetachedPart(LabelStoreError):
    """A geometry or text is stored apart and was not loaded: its address."""

    template = "the part {address} is stored apart and must be loaded first"

    def __init__(self, address: Address) -> None:
        super().__init__(address=address.hex())
        self.address = address


@dataclass(frozen=True, slots=True)
class Field:
    """One field: tag without DETACHED, payload or address."""

    tag: int
    payload: bytes
    detached: bool = False


def parse(raw: bytes) -> list[Field]:
    """Fields of a row; strict."""
    r, fields, before = Reader(raw, "rest"), [], -1
    while r.left:
        byte = r.byte()
        tag, detached = byte & ~DETACHED, bool(byte & DETACHED)
        if tag <= before or (tag not in _GEOMETRY_TAGS and (tag != ALIASES or detached)):
            raise r.expected("tags of geometries or aliases, ascending")
        payload = r.take(ADDRESS_BYTES) if detached else r.prefixed(max(INLINE_LIMIT, r.left))
        if tag == ALIASES and (not payload or len(payload) % 16):
            raise r.expected("aliases of 16 bytes")
        fields.append(Field(tag, payload, detached))
        before = tag
    return fields


def pack(fields: Sequence[Field]) -> bytes:
    w = Writer()
    for field in fields:
        w.byte(field.tag | (DETACHED if field.detached else 0))
        if field.detached:
            w.raw(field.payload)
        else:
            w.blob(field.payload)
    return w.done()


def rest_of(annotation: Annotation) -> bytes:
    """The rest of an annotation, everything inline: detach before it goes into a tree."""
    fields = [
        Field(KIND_CODE[kind], geometry_bytes(g))
        for g in annotation.geometries
        if (kind := GEOMETRY_KIND[type(g)]) not in GEOMETRY_COLUMNS
    ]
    if annotation.aliases:
        fields.append(Field(ALIASES, b"".join(annotation.aliases)))
    return pack(fields) if fields else b""


def geometries_and_aliases(raw: bytes) -> tuple[list[Geometry], tuple[bytes, ...]]:
    """What a row's rest says; DetachedPart when a part was not loaded."""
    found: list[Geometry] = []
    aliases: tuple[bytes, ...] = ()
    for field in parse(raw):
        if field.detached:
            raise DetachedPart(field.payload)
        if field.tag == ALIASES:
            aliases = tuple(field.payload[i : i + 16] for i in range(0, len(field.payload), 16))
        else:
            found.append(geometry_from(KINDS[field.tag], field.payload))
    return found, aliases


def detach(raw: bytes, nodes: NodeWriter) -> bytes:
    """The same rest with payloads above INLINE_LIMIT stored apart."""
    if len(raw) <= INLINE_LIMIT:
        return raw
    fields = [
        Field(f.tag, nodes.put(f.payload), True)
        if not f.detached and f.tag != ALIASES and len(f.payload) > INLINE_LIMIT
        else f
        for f in parse(raw)
    ]
    return pack(fields)


def addresses(raw: bytes) -> Iterator[Address]:
    """Addresses of the detached parts of a row."""
    return (f.payload for f in parse(raw) if f.detached)


def attach_many(raws: Sequence[bytes], nodes: NodeReader) -> list[bytes]:
    """Rests with every detached part loaded, in one round trip."""
    parsed = [parse(raw) for raw in raws]
    wanted = list(dict.fromkeys(f.payload for fields in parsed for f in fields if f.detached))
    if not wanted:
        return list(raws)
    loaded: Mapping[Address, bytes] = nodes.get_many(wanted)
    return [pack([Field(f.tag, loaded[f.payload]) if f.detached else f for f in fields]) for fields in parsed]
