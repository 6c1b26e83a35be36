"""Bytes of every record, pinned. A difference here is a new format version, never a correction of this file."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from repos.annotations import snapshot
from repos.annotations.apply import apply_edit
from repos.annotations.blocks import LayerBlock
from repos.annotations.codec import attributes_bytes, geometry_bytes, review_bytes
from repos.annotations.edits import SnapshotEdit
from repos.annotations.formats import LAYER, SAMPLES
from repos.annotations.ids import DerivedIds, foreign_id
from repos.annotations.model import (
    Annotation,
    Box,
    Frame,
    Geometry,
    Keypoints,
    Kind,
    LayerEntry,
    Mask,
    Media,
    MediaState,
    Origin,
    Polygon,
    Provenance,
    Relation,
    Review,
    ReviewState,
    Sample,
    Segment,
    Span,
    Text,
    Track,
    Value,
)
from repos.annotations.records import SampleBlock
from repos.annotations.samples import FileRecord, file_bytes, sample_bytes
from repos.annotations.schema import Cardinality, Schema, ValueType, stable_id
from repos.annotations.schema_codec import encode_schema
from repos.annotations.schema_edit import (
    add_class,
    add_group,
    ensure_attribute,
    ensure_classes,
    ensure_field,
    merge_class,
    rename_class,
)
from repos.labelstore.memory import MemoryNodes

FILE = Path(__file__).with_name("records.json")
SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.25), (0.0, 10.25))
GEOMETRIES: dict[str, Geometry] = {
    "box": Box(110, 247, 38, 42.5),
    "box relative": Box(0.25, 0.5, 1 / 65536, 1, 30, Frame.RELATIVE),
    "box raw": Box(0.1 + 0.2, 1e-300, 1e9, 1),
    "polygon": Polygon(((SQUARE, tuple((x / 2 + 1, y / 2 + 1) for x, y in SQUARE)), (SQUARE[:3],))),
    "mask": Mask(4, 3, (0, 2, 200 - 195, 5)),
    "keypoints": Keypoints(((1.5, 2, 2), (0, 0, 0))),
    "span": Span(3, 300),
    "relation": Relation(foreign_id(1), foreign_id(2)),
    "segment": Segment(0.5, 12.125),
    "text": Text("naïve 🙂"),
    "value": Value(-2.5),
    "track": Track(((0, 1, 2, 3, 4), (30, 1.5, 2, 3, 4))),
}


def schema() -> Schema:
    made, ids = ensure_classes(Schema(guidelines="GUIDELINES.md"), ["car", "van", "person"])
    made, _ = add_class(
        made, "child", parent=ids["person"], color="#0969da", keypoints=("nose", "neck"), skeleton=((0, 1),)
    )
    made = merge_class(rename_class(made, ids["car"], "vehicle"), ids["van"], ids["car"])
    made, _ = ensure_attribute(made, "view", ValueType.CHOICE, ("front", "back"), "from where")
    made, _ = ensure_field(made, "split")
    return add_group(made, "who", Cardinality.ONE, (ids["person"],))[0]


def block() -> LayerBlock:
    kinds = {name: Kind(name.split()[0]) for name in GEOMETRIES}
    marks = tuple(
        Annotation(
            foreign_id(n), kinds[name], stable_id("class", "car") if n % 2 else None, (g,), {"source.n": n / 2},
            Provenance("u:17", Origin.MODEL, 0.75) if n % 3 else Provenance(), (foreign_id(999),) if n == 5 else (),
        )
        for n, (name, g) in enumerate(GEOMETRIES.items())
    )  # fmt: skip
    done = LayerEntry((), Review(ReviewState.DONE, "u:17", 1767323045))
    return LayerBlock.from_entries(
        [("a/1.jpg", LayerEntry(marks)), ("a/2.jpg", done), ("ü", LayerEntry(marks[:1]))]
    )


def samples() -> dict[str, Sample]:
    media = Media(MediaState.STORED, bytes(range(32)), "image/jpeg", 20963, 640, 480, None, 6)
    return {"a": Sample(media, fields={"split": "train"}), "b": Sample(text="née"), "c": Sample()}


def vectors() -> dict[str, str]:
    """Name -> bytes in hex, or digest of long ones."""
    found = {f"geometry: {name}": geometry_bytes(g) for name, g in GEOMETRIES.items()}
    found["attributes"] = attributes_bytes({"a": None, "b": True, "c": -3.0, "d": 0.5, "e": "é"})
    found["review"] = review_bytes(Review(ReviewState.UNSURE, "u:17", -1))
    found |= {f"sample: {key}": sample_bytes(sample) for key, sample in samples().items()}
    found["file"] = file_bytes(FileRecord(bytes(range(32)), 1000, True))
    found["class id"] = stable_id("class", "car")
    found["derived id"] = DerivedIds("a", "gold").next(Kind.BOX, None, (Box(0, 0, 1, 1),))
    found["schema"] = encode_schema(schema())
    found["layer leaf"] = LAYER.encode(block(), [3])[0]
    found["samples leaf"] = SAMPLES.encode(SampleBlock.from_samples(samples().items()), [3])[0]
    found["snapshot address"] = address(samples())
    return {name: raw.hex() if len(raw) <= 400 else sha256(raw).hexdigest() for name, raw in found.items()}


def address(there: dict[str, Sample]) -> bytes:
    nodes, edit = MemoryNodes(), SnapshotEdit()
    edit.put_schema(schema())
    edit.put_samples(SampleBlock.from_samples(there.items()))
    mark = Annotation(foreign_id(7), Kind.BOX, stable_id("class", "car"), (Box(1, 2, 3, 4),))
    edit.put_annotation("gold", "a", mark)
    edit.put_file("README.md", b"# Cars\n")
    applied = apply_edit(nodes, None, edit)
    assert applied.violations == []
    return snapshot.save(nodes, applied.snapshot)


VECTORS = vectors()


@pytest.mark.parametrize("name", VECTORS)
def test_bytes_are_what_they_were(name: str) -> None:
    assert VECTORS[name] == json.loads(FILE.read_text())[name]


def test_no_vector_was_dropped() -> None:
    assert set(json.loads(FILE.read_text())) == set(VECTORS)
