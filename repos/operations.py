"""The operations of a commit as JSON, read into a SnapshotEdit. Pure; strict: an unknown member is refused.

    {"op": "put_sample", "key", "content"?, "media"?, "text"?, "fields"?, "layers"?}   entries as in JSON.md
    {"op": "delete_sample", "key"}                      the sample and its labels in every layer
    {"op": "rename_sample", "key", "to"}                its labels go along
    {"op": "put_annotation", "key", "layer"?, "annotation": {...}}     added, or in place of the one with its id
    {"op": "delete_annotation", "key", "layer"?, "id"}
    {"op": "set_review", "key", "layer"?, "review": {"state", "by"?, "at"?} | null}
    {"op": "put_schema", "schema": {...}}               the whole label schema
    {"op": "put_file", "path", "text" | "base64"}       a card, a licence, guidelines
    {"op": "delete_file", "path"}   {"op": "delete_layer", "layer"}

`layer` is `gold` when absent. Classes are resolved in the schema that is in force at that place of the list: the one of
the base, or the last put_schema before it. Stored media needs its sha256 alone: `stored` gives what the server knows.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from repos.annotations.edits import SnapshotEdit
from repos.annotations.jsonin import At, InvalidJson
from repos.annotations.model import LayerEntry, Media, MediaState, Origin, Review, Sample
from repos.annotations.render import annotation_from, entries_from, review_from, sample_from
from repos.annotations.render_schema import schema_from
from repos.annotations.schema import Schema
from repos.labelstore.errors import LabelStoreError

Operation = Mapping[str, Any]
StoredMedia = Callable[[Sequence[bytes]], Mapping[bytes, Media]]
GOLD = "gold"
LARGEST_FILE = 2**20
_SAMPLE = ("content", "media", "text", "fields", "layers")


class InvalidOperation(LabelStoreError):
    """An operation that cannot be carried out: its number, the member, what it held, what was expected."""

    template = "operation {operation}: {field}: expected {expected}, got {shown}"

    def __init__(self, number: int, operation: object, fault: InvalidJson) -> None:
        given = operation if isinstance(operation, dict) else {}
        annotation = given.get("annotation")
        super().__init__(
            operation=number,
            field=fault.path or "op",
            expected=fault.expected,
            shown=repr(fault.value)[:80],
            key=given.get("key"),
            annotation=annotation.get("id") if isinstance(annotation, dict) else given.get("id"),
        )


@dataclass(frozen=True)
class Author:
    """Under whose name new labels and reviews stand, and the UTC second of now."""

    identity: str
    now: int
    origin: Origin = Origin.HUMAN


def no_media(_: Sequence[bytes]) -> Mapping[bytes, Media]:
    return {}


def edit_from(
    operations: Iterable[object], schema: Schema, author: Author, stored: StoredMedia = no_media
) -> SnapshotEdit:
    """All operations in order as one edit; InvalidOperation names the first that cannot be read."""
    return add_to(SnapshotEdit(), operations, schema, author, stored)


def add_to(
    edit: SnapshotEdit,
    operations: Iterable[object],
    schema: Schema,
    author: Author,
    stored: StoredMedia = no_media,
) -> SnapshotEdit:
    """The same, behind what an edit holds already."""
    given = list(operations)
    reader = _Reader(edit, schema, author, stored(_digests(given)))
    for number, operation in enumerate(given):
        try:
            reader.read(At(operation))
        except InvalidJson as fault:
            raise InvalidOperation(number, operation, fault) from None
    return edit


def _digests(operations: Sequence[object]) -> list[bytes]:
    """Digests that operations name, as far as they can be read: the rest is refused later."""
    found = []
    for operation in operations:
        media = operation.get("media") if isinstance(operation, dict) else None
        text = media.get("sha256") if isinstance(media, dict) else None
        if isinstance(text, str) and len(text) == 64:
            try:
                found.append(bytes.fromhex(text))
            except ValueError:
                continue
    return found


class _Reader:
    def __init__(
        self, edit: SnapshotEdit, schema: Schema, author: Author, stored: Mapping[bytes, Media]
    ) -> None:
        self.edit, self.schema, self.author, self.stored = edit, schema, author, stored

    def read(self, at: At) -> None:
        if not isinstance(at.value, dict):
            raise at.fail("an object")
        name = at.value.get("op")
        carry_out = _OPERATIONS.get(name) if isinstance(name, str) else None
        if carry_out is None:
            raise InvalidJson("op", name, f"one of {', '.join(sorted(_OPERATIONS))}")
        carry_out(self, at)

    def put_sample(self, at: At) -> None:
        at.members("op", *_SAMPLE, required=("key",))
        key, sample = sample_from({name: v for name, v in at.value.items() if name != "op"}, at.path)
        self.edit.put_sample(key, self._completed(at, sample))
        for layer, entry in entries_from(at.value, self.schema, at.path).items():
            self._put_entry(key, layer, entry)

    def _completed(self, at: At, sample: Sample) -> Sample:
        """Size, type and dimensions of stored media are what the server found in the bytes."""
        media = sample.media
        if media is None or media.state is not MediaState.STORED or media.sha256 is None:
            return sample
        known = self.stored.get(media.sha256)
        if known is None:
            return sample
        if media.size not in (None, known.size):
            raise at.get("media").get("size").fail(f"{known.size}, the size of these bytes")
        return replace(
            sample,
            media=replace(
                media,
                size=known.size,
                media_type=media.media_type or known.media_type,
                width=media.width or known.width,
                height=media.height or known.height,
                duration=known.duration if media.duration is None else media.duration,
                orientation=media.orientation if media.orientation != 1 else known.orientation,
            ),
        )

    def _put_entry(self, key: str, layer: str, entry: LayerEntry) -> None:
        for annotation in entry.annotations:
            by = annotation.provenance.annotator or self.author.identity
            provenance = replace(annotation.provenance, annotator=by)
            self.edit.put_annotation(layer, key, replace(annotation, provenance=provenance))
        if entry.review is not None:
            self.edit.set_review(layer, key, self._signed(entry.review))

    def delete_sample(self, at: At) -> None:
        at.members("op", required=("key",))
        self.edit.delete_sample(at.get("key").text())

    def rename_sample(self, at: At) -> None:
        at.members("op", required=("key", "to"))
        self.edit.rename_sample(at.get("key").text(), at.get("to").text())

    def put_annotation(self, at: At) -> None:
        at.members("op", "layer", required=("key", "annotation"))
        inner = at.get("annotation")
        made = annotation_from(
            inner.value, self.schema, inner.path, annotator=self.author.identity, origin=self.author.origin
        )
        self.edit.put_annotation(_layer(at), at.get("key").text(), made)

    def delete_annotation(self, at: At) -> None:
        at.members("op", "layer", required=("key", "id"))
        self.edit.delete_annotation(_layer(at), at.get("key").text(), at.get("id").hex(16))

    def set_review(self, at: At) -> None:
        at.members("op", "layer", required=("key", "review"))
        review = review_from(at.get("review").value)
        signed = None if review is None else self._signed(review)
        self.edit.set_review(_layer(at), at.get("key").text(), signed)

    def _signed(self, review: Review) -> Review:
        return replace(review, by=review.by or self.author.identity, at=review.at or self.author.now)

    def put_schema(self, at: At) -> None:
        at.members("op", required=("schema",))
        self.schema = schema_from(at.get("schema").value, "schema")
        self.edit.put_schema(self.schema)

    def put_file(self, at: At) -> None:
        at.members("op", "text", "base64", required=("path",))
        if at.has("text") == at.has("base64"):
            raise at.get("text").fail("either text or base64")
        data = at.get("text").text().encode() if at.has("text") else _decoded(at.get("base64"))
        if len(data) > LARGEST_FILE:
            raise InvalidJson("text", f"{len(data)} bytes", f"at most {LARGEST_FILE} bytes")
        self.edit.put_file(at.get("path").text(), data)

    def delete_file(self, at: At) -> None:
        at.members("op", required=("path",))
        self.edit.delete_file(at.get("path").text())

    def delete_layer(self, at: At) -> None:
        at.members("op", required=("layer",))
        self.edit.delete_layer(at.get("layer").text())


_OPERATIONS: Mapping[str, Callable[[_Reader, At], None]] = {
    "put_sample": _Reader.put_sample,
    "delete_sample": _Reader.delete_sample,
    "rename_sample": _Reader.rename_sample,
    "put_annotation": _Reader.put_annotation,
    "delete_annotation": _Reader.delete_annotation,
    "set_review": _Reader.set_review,
    "put_schema": _Reader.put_schema,
    "put_file": _Reader.put_file,
    "delete_file": _Reader.delete_file,
    "delete_layer": _Reader.delete_layer,
}


def _layer(at: At) -> str:
    return at.get("layer").text() if at.has("layer") else GOLD


def _decoded(at: At) -> bytes:
    try:
        return base64.b64decode(at.text(), validate=True)
    except (binascii.Error, ValueError):
        raise at.fail("base64") from None
