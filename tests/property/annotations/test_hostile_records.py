"""Every decoder of records, given altered or any bytes: a value, or its documented error; never much memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repos.annotations import changeset_codec
from repos.annotations.changeset import ChangeSet
from repos.annotations.codec import (
    attributes_bytes,
    attributes_from,
    geometry_bytes,
    geometry_from,
    kind_of,
    review_bytes,
    review_from,
)
from repos.annotations.formats import FILES, LAYER, SAMPLES
from repos.annotations.model import Media, MediaState, Review, ReviewState, Sample
from repos.annotations.records import SampleBlock
from repos.annotations.rest import DetachedPart, geometries_and_aliases, rest_of
from repos.annotations.samples import FileRecord, file_bytes, file_from, sample_bytes, sample_from
from repos.annotations.schema_codec import decode_schema, encode_schema
from repos.annotations.snapshot import decode_snapshot
from repos.labelstore.digest import CorruptNode, MissingNode
from repos.labelstore.keycolumn import decode_keys, encode_keys
from repos.labelstore.varint import MalformedBytes, Reader
from tests.golden import test_first_version as first
from tests.golden import test_records as golden
from tests.property.hostile import bounded, few, mutated

DOCUMENTED = (MalformedBytes, MissingNode, CorruptNode, DetachedPart)
KEYS = [b"images/%04d.jpg" % n for n in range(20)]
MEDIA = Media(MediaState.STORED, bytes(range(32)), "image/jpeg", 20963, 640, 480, None, 6)
SAMPLE = Sample(media=MEDIA, fields={"split": "train", "n": 0.5})
FILE = FileRecord(bytes(range(32)), 1000, True)
NODES, TOLD = first.stored()


def keys_of(raw: bytes) -> list[bytes]:
    reader = Reader(raw, "keys")
    found = decode_keys(reader, len(KEYS))
    reader.done()
    return found


def changes_of(raw: bytes) -> ChangeSet:
    """Loaded from a store that has everything else it names."""
    return changeset_codec.load(NODES, NODES.put(raw))


def again(decode: Callable[[bytes], Any], encode: Callable[[Any], bytes]) -> Callable[[bytes], object]:
    """Decodes; what comes out has bytes, and they are read as the same."""

    def read(raw: bytes) -> object:
        found = decode(raw)
        assert decode(encode(found)) == found
        return found

    return read


SAMPLES_LEAF = SAMPLES.encode(SampleBlock.from_samples([("a", SAMPLE), ("b", Sample(text="née"))]), [2])[0]
MARKS = [a for _, entry in golden.block().entries() for a in entry]
DECODERS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    **{
        f"geometry {name}": (geometry_bytes(g), partial(geometry_from, kind_of(g)))
        for name, g in golden.GEOMETRIES.items()
    },
    "attributes": (
        attributes_bytes({"a": None, "b": True, "c": -3.0, "e": "é"}),
        again(attributes_from, attributes_bytes),
    ),
    "review": (review_bytes(Review(ReviewState.DONE, "u:17", 5)), again(review_from, review_bytes)),
    "sample": (sample_bytes(SAMPLE), again(sample_from, sample_bytes)),
    "file": (file_bytes(FILE), again(file_from, file_bytes)),
    "schema": (encode_schema(golden.schema()), again(decode_schema, encode_schema)),
    "rest": (max(map(rest_of, MARKS), key=len), geometries_and_aliases),
    "keys": (encode_keys(KEYS), keys_of),
    "labels leaf": (LAYER.encode(golden.block(), [3])[0], lambda raw: list(LAYER.decode([raw]).entries())),
    "samples leaf": (SAMPLES_LEAF, lambda raw: SAMPLES.decode([raw])),
    "files leaf": (SAMPLES_LEAF, lambda raw: list(FILES.decode([raw]).files())),
    "snapshot": (first.snapshot_raw(NODES, TOLD), decode_snapshot),
    "change set": (first.raw_of(NODES, TOLD["changes"]), changes_of),
    "change set's references": (
        first.raw_of(NODES, TOLD["changes"]), lambda raw: list(changeset_codec.references(raw)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("sort", DECODERS)
@given(data=st.data())
def test_altered_bytes(sort: str, data: st.DataObject) -> None:
    raw, decode = DECODERS[sort]
    changed = data.draw(mutated(raw))
    with bounded(len(changed)), suppress(*DOCUMENTED):
        decode(changed)


@pytest.mark.parametrize("sort", DECODERS)
@few
@given(raw=st.binary(max_size=200))
def test_any_bytes(sort: str, raw: bytes) -> None:
    with bounded(len(raw)), suppress(*DOCUMENTED):
        DECODERS[sort][1](raw)


@pytest.mark.parametrize("sort", DECODERS)
def test_every_truncation_is_read_or_refused(sort: str) -> None:
    raw, decode = DECODERS[sort]
    for length in range(len(raw)):
        with suppress(*DOCUMENTED):
            decode(raw[:length])
