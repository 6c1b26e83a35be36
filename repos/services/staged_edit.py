"""Row-level changes as operations of JSON: what a rebase of a staging area leaves behind. Pure.

Invariant: carried out on the before side, the operations give the after side.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from repos.annotations.changeset import ChangeSet
from repos.annotations.model import LayerEntry
from repos.annotations.render import annotation_json, review_json, sample_json
from repos.annotations.render_schema import schema_json
from repos.annotations.schema import Schema
from repos.annotations.snapshot import Snapshot, SnapshotView
from repos.annotations.subtrees import inlined
from repos.labelstore.ports import NodeReader

Json = dict[str, Any]


def operations_between(nodes: NodeReader, changes: ChangeSet, before: Schema, after: Snapshot) -> list[Json]:
    """Operations from the before side of `changes` to its after side, which is `after`."""
    made: list[Json] = []
    if after.schema != before:
        made.append({"op": "put_schema", "schema": schema_json(after.schema)})
    made += _samples(nodes, changes, after)
    for layer, (old, new) in changes.layers.items():
        entries = dict(inlined(old, nodes).entries()), dict(inlined(new, nodes).entries())
        gone = {key.decode() for key in changes.samples[0].keys} - {
            key.decode() for key in changes.samples[1].keys
        }
        for key in sorted({*entries[0], *entries[1]} - gone):
            made += _entry(layer, key, entries[0].get(key), entries[1].get(key), after.schema)
    return [*made, *_files(nodes, changes, after)]


def _samples(nodes: NodeReader, changes: ChangeSet, after: Snapshot) -> Iterator[Json]:
    old, new = ([key.decode() for key in side.keys] for side in changes.samples)
    found = SnapshotView(nodes, after).samples(new)
    for key in sorted(set(old) - set(new)):
        yield {"op": "delete_sample", "key": key}
    for key in new:
        shape = sample_json(key, found[key], {}, after.schema)
        yield {"op": "put_sample", **{name: value for name, value in shape.items() if name != "layers"}}


def _entry(
    layer: str, key: str, old: LayerEntry | None, new: LayerEntry | None, schema: Schema
) -> Iterator[Json]:
    where: Json = {"key": key, "layer": layer}
    kept = {a.id for a in new or ()}
    for annotation in old or ():
        if annotation.id not in kept:
            yield {"op": "delete_annotation", **where, "id": annotation.id.hex()}
    for annotation in new or ():
        yield {"op": "put_annotation", **where, "annotation": annotation_json(annotation, schema)}
    reviews = (old.review if old else None), (new.review if new else None)
    if reviews[0] != reviews[1]:
        yield {"op": "set_review", **where, "review": review_json(reviews[1])}


def _files(nodes: NodeReader, changes: ChangeSet, after: Snapshot) -> Iterator[Json]:
    old, new = ({key.decode() for key in side.keys} for side in changes.files)
    view = SnapshotView(nodes, after)
    for path in sorted(old - new):
        yield {"op": "delete_file", "path": path}
    for path in sorted(new):
        data = view.read_file(path)
        if data is not None:
            yield {"op": "put_file", "path": path, "base64": base64.b64encode(data).decode()}
