"""Operations as JSON: what each does to a snapshot, and what is refused with its place."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from repos.annotations.apply import apply_edit
from repos.annotations.model import LayerEntry, Media, MediaState, Origin, ReviewState
from repos.annotations.schema import Schema
from repos.annotations.snapshot import Snapshot, SnapshotView
from repos.labelstore.memory import MemoryNodes
from repos.operations import Author, InvalidOperation, edit_from

AUTHOR = Author("u:7", 1_700_000_000)
SCHEMA = {"op": "put_schema", "schema": {"classes": [{"name": "car"}], "fields": [{"name": "split"}]}}
BOX = {"kind": "box", "class": "car", "geometry": {"box": {"x": 1, "y": 2, "w": 3, "h": 4}}}
ID = "0f" * 16
SHA = "ab" * 32


class Data:
    """A data set in memory that operations are carried out on."""

    def __init__(self, *operations: dict[str, Any]) -> None:
        self.nodes = MemoryNodes()
        self.snapshot: Snapshot | None = None
        self.do(SCHEMA, *operations)

    def do(self, *operations: dict[str, Any], **more: Any) -> Data:
        schema = self.snapshot.schema if self.snapshot else Schema()
        applied = apply_edit(self.nodes, self.snapshot, edit_from(operations, schema, AUTHOR, **more))
        assert applied.violations == []
        self.snapshot = applied.snapshot
        return self

    @property
    def view(self) -> SnapshotView:
        assert self.snapshot is not None
        return SnapshotView(self.nodes, self.snapshot)

    def entry(self, key: str, layer: str = "gold") -> LayerEntry:
        return self.view.entry(layer, key) or LayerEntry()


def test_samples_come_with_their_layers_and_go_with_them() -> None:
    layers = {
        "gold": {"annotations": [{**BOX, "id": ID}]},
        "ann": {"review": {"state": "done"}, "annotations": []},
    }
    data = Data(
        {"op": "put_sample", "key": "a", "text": "hello", "fields": {"split": "train"}, "layers": layers}
    )
    sample = data.view.sample("a")
    assert sample is not None
    assert (sample.text, dict(sample.fields)) == ("hello", {"split": "train"})
    assert [a.id.hex() for a in data.entry("a")] == [ID]
    assert data.entry("a", "ann").review is not None
    data.do({"op": "rename_sample", "key": "a", "to": "b"})
    assert [a.id.hex() for a in data.entry("b")] == [ID]
    data.do({"op": "delete_sample", "key": "b"})
    assert (data.view.count(), data.view.layer_names) == (0, ())


def test_new_labels_stand_under_the_name_of_who_sends_them() -> None:
    data = Data({"op": "put_sample", "key": "a"}, {"op": "put_annotation", "key": "a", "annotation": BOX})
    (made,) = data.entry("a")
    assert (made.provenance.annotator, made.provenance.origin, len(made.id)) == ("u:7", Origin.HUMAN, 16)
    said = {**BOX, "id": ID, "annotator": "ext:coco:x", "origin": "import"}
    data.do({"op": "put_annotation", "key": "a", "layer": "ann", "annotation": said})
    (imported,) = data.entry("a", "ann")
    assert (imported.provenance.annotator, imported.provenance.origin) == ("ext:coco:x", Origin.IMPORT)
    model = edit_from(
        [{"op": "put_annotation", "key": "a", "annotation": BOX}],
        data.view.schema,
        replace(AUTHOR, origin=Origin.MODEL),
    )
    ((row, _),) = model.layers["gold"].entries["a"].rows.values()
    assert row is not None
    assert row.provenance.origin is Origin.MODEL


def test_an_annotation_with_a_known_id_takes_the_place_of_the_old_one() -> None:
    put = {"op": "put_annotation", "key": "a", "annotation": {**BOX, "id": ID}}
    data = Data({"op": "put_sample", "key": "a"}, put)
    moved = {**BOX, "id": ID, "geometry": {"box": {"x": 9, "y": 2, "w": 3, "h": 4}}}
    data.do({**put, "annotation": moved})
    assert [a.geometry().x for a in data.entry("a")] == [9]  # type: ignore[union-attr]
    data.do({"op": "delete_annotation", "key": "a", "id": ID})
    assert list(data.entry("a")) == []


def test_a_review_is_signed_and_dated() -> None:
    data = Data(
        {"op": "put_sample", "key": "a"}, {"op": "set_review", "key": "a", "review": {"state": "done"}}
    )
    review = data.entry("a").review
    assert review is not None
    assert (review.state, review.by, review.at) == (ReviewState.DONE, "u:7", AUTHOR.now)
    data.do({"op": "set_review", "key": "a", "review": None})
    assert data.view.entry("gold", "a") is None


def test_a_schema_is_in_force_for_what_follows_it() -> None:
    data = Data({"op": "put_sample", "key": "a"})
    tram = {"op": "put_annotation", "key": "a", "annotation": {**BOX, "class": "tram"}}
    both = {"op": "put_schema", "schema": {"classes": [{"name": "car"}, {"name": "tram"}]}}
    with pytest.raises(InvalidOperation):
        data.do(tram, both)
    data.do(both, tram)
    assert len(data.entry("a").annotations) == 1


def test_files_as_text_and_as_base64() -> None:
    raw = base64.b64encode(b"\0\1").decode()
    data = Data(
        {"op": "put_file", "path": "README.md", "text": "# Hi"},
        {"op": "put_file", "path": "x.bin", "base64": raw},
    )
    assert data.view.read_file("README.md") == b"# Hi"
    assert data.view.read_file("x.bin") == b"\0\1"
    data.do({"op": "delete_file", "path": "x.bin"}, {"op": "put_sample", "key": "a"})
    assert [path for path, _ in data.view.files()] == ["README.md"]


def test_stored_media_is_what_the_server_found() -> None:
    known = Media(MediaState.STORED, bytes.fromhex(SHA), "image/png", 10, 4, 3)
    sample = {"op": "put_sample", "key": "a", "media": {"state": "stored", "sha256": SHA}}
    data = Data().do(sample, stored=lambda digests: dict.fromkeys(digests, known))
    found = data.view.sample("a")
    assert found is not None
    assert found.media == known
    wrong = {**sample, "media": {**sample["media"], "size": 11}}  # type: ignore[dict-item]
    with pytest.raises(InvalidOperation) as refused:
        data.do(wrong, stored=lambda digests: dict.fromkeys(digests, known))
    assert refused.value.data["field"] == "media.size"


def test_a_whole_layer_can_go() -> None:
    data = Data(
        {"op": "put_sample", "key": "a"},
        {"op": "put_annotation", "key": "a", "layer": "ann", "annotation": BOX},
    )
    data.do({"op": "delete_layer", "layer": "ann"})
    assert data.view.layer_names == ()


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        ("put_sample", "op"),
        ({}, "op"),
        ({"op": ["put_sample"]}, "op"),
        ({"op": "put_sample"}, "key"),
        ({"op": "put_sample", "key": 5}, "key"),
        ({"op": "put_sample", "key": "a", "size": 5}, "size"),
        ({"op": "put_sample", "key": "a", "media": {"state": "stored", "sha256": "xy"}}, "media.sha256"),
        ({"op": "delete_sample", "key": "a", "layer": "gold"}, "layer"),
        ({"op": "put_annotation", "key": "a"}, "annotation"),
        ({"op": "put_annotation", "key": "a", "annotation": {**BOX, "class": "tram"}}, "annotation.class"),
        (
            {"op": "put_annotation", "key": "a", "annotation": {**BOX, "geometry": {"box": {"x": 1}}}},
            "annotation.geometry.box.y",
        ),
        ({"op": "delete_annotation", "key": "a", "id": "12"}, "id"),
        ({"op": "set_review", "key": "a", "review": {"state": "maybe"}}, "review.state"),
        ({"op": "put_file", "path": "a", "text": "x", "base64": "eA=="}, "text"),
        ({"op": "put_file", "path": "a", "base64": "?"}, "base64"),
        ({"op": "put_schema", "schema": {"colours": []}}, "schema.colours"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_number(operation: Any, field: str) -> None:
    with pytest.raises(InvalidOperation) as refused:
        edit_from([SCHEMA, operation], Schema(), AUTHOR)
    assert (refused.value.data["operation"], refused.value.data["field"]) == (1, field)
