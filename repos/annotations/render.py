"""JSON of samples, annotations and reviews (docs/design/JSON.md) to values and back.

Invariant: `annotation_from(annotation_json(a)) == a`, and the same for the others. Input is strict: an unknown member,
a wrong type or a broken rule is InvalidJson with the path of the member. Whole numbers are written as integers.
Cost: linear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from repos.annotations.errors import AmbiguousName
from repos.annotations.ids import random_id
from repos.annotations.jsonin import At, InvalidJson, Json
from repos.annotations.model import (
    GEOMETRY_KIND,
    Annotation,
    Kind,
    LayerEntry,
    Media,
    MediaState,
    Origin,
    Provenance,
    Review,
    ReviewState,
    Sample,
)
from repos.annotations.numbers import LAST, START
from repos.annotations.render_geometry import geometries_from, geometry_json, number_json, scalars_json
from repos.annotations.schema import Schema

__all__ = [
    "InvalidJson", "annotation_from", "annotation_json", "entries_from", "entry_json", "media_from", "media_json",
    "review_from", "review_json", "sample_from", "sample_json",
]  # fmt: skip

# ---- annotations ------------------------------------------------------------------------------------------------


def annotation_json(a: Annotation, schema: Schema) -> dict[str, Json]:
    """`class` is the name that the id reads as; `class_id` the id as stored."""
    return {
        "id": a.id.hex(),
        "kind": str(a.kind),
        "class": None if a.label_class is None else schema.name_of(a.label_class),
        "class_id": None if a.label_class is None else a.label_class.hex(),
        "geometry": {str(GEOMETRY_KIND[type(g)]): geometry_json(g) for g in a.geometries},
        "attributes": scalars_json(a.attributes),
        "annotator": a.provenance.annotator,
        "origin": str(a.provenance.origin),
        "confidence": None if a.provenance.confidence is None else number_json(a.provenance.confidence),
        "aliases": [alias.hex() for alias in a.aliases],
    }


_ANNOTATION = (
    "id", "kind", "class", "class_id", "geometry", "attributes", "annotator", "origin", "confidence", "aliases",
)  # fmt: skip


def annotation_from(
    data: Json,
    schema: Schema,
    path: str = "",
    *,
    new_id: Callable[[], bytes] = random_id,
    annotator: str = "",
    origin: Origin = Origin.HUMAN,
) -> Annotation:
    """The annotation of a JSON object. `class_id` counts before `class`; absent members take the defaults given."""
    at = At(data, path).members(*_ANNOTATION, required=("kind",))
    provenance = Provenance(
        at.get("annotator").text() if at.has("annotator") else annotator,
        at.get("origin").one_of(Origin) if at.has("origin") else origin,
        at.get("confidence").number() if at.has("confidence") else None,
    )
    fields = (
        at.get("id").hex(16) if at.has("id") else new_id(),
        at.get("kind").one_of(Kind),
        _class_id(at, schema),
        geometries_from(at.get("geometry")) if at.has("geometry") else (),
        at.get("attributes").scalars() if at.has("attributes") else {},
        provenance,
        tuple(alias.hex(16) for alias in at.get("aliases").items()) if at.has("aliases") else (),
    )
    return at.make(lambda: Annotation(*fields))


def _class_id(at: At, schema: Schema) -> bytes | None:
    if at.has("class_id"):
        class_id = at.get("class_id").hex(16)
        if class_id not in schema.class_by_id:
            raise at.get("class_id").fail("the id of a class of the label schema")
        return class_id
    if not at.has("class"):
        return None
    try:
        found = schema.find_class(at.get("class").text())
    except AmbiguousName as ambiguous:
        raise at.get("class").fail(f"one class; the name means {', '.join(ambiguous.candidates)}") from None
    if found is None:
        raise at.get("class").fail("the name or path of a class of the label schema")
    return found.id


# ---- reviews and samples ----------------------------------------------------------------------------------------


def review_json(review: Review | None) -> Json:
    if review is None:
        return None
    at = datetime.fromtimestamp(review.at, UTC).replace(tzinfo=None).isoformat() + "Z"
    return {"state": str(review.state), "by": review.by, "at": at}


def review_from(data: Json, path: str = "review") -> Review | None:
    """null for none; `at` is UTC in whole seconds."""
    if data is None:
        return None
    at = At(data, path).members("by", "at", required=("state",))
    seconds = 0
    if at.has("at"):
        try:
            moment = datetime.fromisoformat(at.get("at").text().replace("Z", "+00:00"))
        except ValueError:
            raise at.get("at").fail("a time like 2026-01-02T03:04:05Z") from None
        if moment.tzinfo is None or moment.microsecond:
            raise at.get("at").fail("a time like 2026-01-02T03:04:05Z, in UTC and whole seconds")
        seconds = int(moment.timestamp())
        if not START <= seconds <= LAST:
            raise at.get("at").fail("a time of the years 1 to 9999, in UTC")
    return Review(at.get("state").one_of(ReviewState), at.get("by").text() if at.has("by") else "", seconds)


def sample_json(
    key: str, sample: Sample, layers: Mapping[str, LayerEntry], schema: Schema
) -> dict[str, Json]:
    """One sample with what each layer says about it."""
    content = "media" if sample.media else "none" if sample.text is None else "text"
    return {
        "key": key,
        "content": content,
        "media": None if sample.media is None else media_json(sample.media),
        "text": sample.text,
        "fields": scalars_json(sample.fields),
        "layers": {name: entry_json(entry, schema) for name, entry in layers.items()},
    }


def entry_json(entry: LayerEntry, schema: Schema) -> dict[str, Json]:
    return {
        "review": review_json(entry.review),
        "count": len(entry.annotations),
        "annotations": [annotation_json(a, schema) for a in entry.annotations],
    }


def media_json(m: Media) -> dict[str, Json]:
    return {
        "state": str(m.state),
        "sha256": None if m.sha256 is None else m.sha256.hex(),
        "type": m.media_type,
        "size": m.size,
        "width": m.width,
        "height": m.height,
        "duration": None if m.duration is None else number_json(m.duration),
        "orientation": m.orientation,
        "uri": m.uri,
    }


_MEDIA = ("sha256", "type", "size", "width", "height", "duration", "orientation", "uri")


def sample_from(data: Json, path: str = "") -> tuple[str, Sample]:
    """Key and sample of a JSON object; `layers` are not read here (entries_from)."""
    at = At(data, path).members("content", "media", "text", "fields", "layers", required=("key",))
    content = at.get("content").text() if at.has("content") else None
    media = media_from(at.get("media")) if at.has("media") else None
    text = at.get("text").text() if at.has("text") else None
    said = "media" if media is not None else "none" if text is None else "text"
    if content not in (None, said):
        raise at.get("content").fail(f"{said!r}, as the other members say")
    fields = at.get("fields").scalars() if at.has("fields") else {}
    return at.get("key").text(), at.make(lambda: Sample(media, text, fields))


def media_from(at: At) -> Media:
    at.members(*_MEDIA, required=("state",))

    def whole(name: str, low: int) -> int | None:
        return at.get(name).integer(low) if at.has(name) else None

    return at.make(
        lambda: Media(
            at.get("state").one_of(MediaState),
            at.get("sha256").hex(32) if at.has("sha256") else None,
            at.get("type").text() if at.has("type") else "",
            whole("size", 0),
            whole("width", 0),
            whole("height", 0),
            at.get("duration").number() if at.has("duration") else None,
            whole("orientation", 1) or 1,
            at.get("uri").text() if at.has("uri") else None,
        )
    )


def entries_from(data: Json, schema: Schema, path: str = "") -> dict[str, LayerEntry]:
    """The member `layers` of a sample's JSON object."""
    at = At(data, path)
    if not at.has("layers"):
        return {}
    layers, found = at.get("layers"), dict[str, LayerEntry]()
    if not isinstance(layers.value, dict):
        raise layers.fail("an object")
    for name in layers.value:
        entry = layers.get(name).members("review", "count", "annotations")
        marks = [
            annotation_from(a.value, schema, a.path)
            for a in (entry.get("annotations").items() if entry.has("annotations") else ())
        ]
        if entry.has("count") and entry.get("count").integer() != len(marks):
            raise entry.get("count").fail(f"{len(marks)}, the number of annotations")
        review = review_from(entry.get("review").value, entry.get("review").path)
        found[name] = entry.make(lambda m=tuple(marks), r=review: LayerEntry(m, r))  # type: ignore[misc]
    return found
