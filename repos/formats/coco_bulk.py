"""The fast way in for COCO detection: a file of plain boxes into a layer that says nothing of its pictures
yet.

Gives the batches the ordinary import gives (tested), as columns. Whether it applies is decided before the
first batch: the file must say boxes only and break no rule, and the layer must have no entry for any of its
pictures. Otherwise None, and the ordinary import, which refuses and merges row by row, is right. Cost: about
20 us an annotation, most of it the derived ids.
"""

from __future__ import annotations

from collections.abc import Iterator

from repos.annotations.codec import review_bytes
from repos.annotations.errors import InvalidValue
from repos.annotations.importing import Batch, Existing, Importer, ImportPlan, MediaFor, Scope
from repos.formats.bound import Bound
from repos.formats.coco_columns import CocoColumns, layer_blocks, read_columns
from repos.formats.records import ClassName, Record
from repos.formats.source import Source

CHUNK = 2000


def bulk_import(
    existing: Existing, bound: Bound, source: Source, plan: ImportPlan, media: MediaFor | None = None
) -> Iterator[Batch] | None:
    """Batches of a first import, or None where only the ordinary import will do. FormatError as in
    Coco().read."""
    names = [name for name in source.names() if name.lower().endswith(".json")]
    if (
        bound.format.name != "coco"
        or len(names) != 1
        or plan.scope is not Scope.UPDATE
        or bound.options.keep_ids
    ):
        return None
    columns = read_columns(source, names[0], bound.options)
    if columns is None or _has_entries(existing, plan.layer, columns):
        return None
    importer = Importer(existing, bound, plan, media)
    try:
        classes = {name: importer.schema.class_id(name) for name in columns.classes}
        _declare_fields(importer, columns)
    except InvalidValue:
        return None
    return _batches(columns, classes, importer, bound, names[0])


def _has_entries(existing: Existing, layer: str, columns: CocoColumns) -> bool:
    """Or samples that are texts: what the ordinary import refuses."""
    for at in range(0, len(columns.keys), CHUNK):
        keys = columns.keys[at : at + CHUNK]
        if existing.entries(layer, keys) or any(s.text is not None for s in existing.samples(keys).values()):
            return True
    return False


def _declare_fields(importer: Importer, columns: CocoColumns) -> None:
    """InvalidValue when a field has values of several types, or another than the schema says."""
    types: dict[str, type] = {}
    for sample in columns.samples:
        for name, value in sample.fields.items():
            if value is not None and types.setdefault(name, type(value)) is not type(value):
                raise InvalidValue(f"fields.{name}", value, types[name].__name__)
    for name, kind in types.items():
        importer.schema.fields({name: kind()})


def _batches(
    columns: CocoColumns, classes: dict[ClassName, bytes], importer: Importer, bound: Bound, file: str
) -> Iterator[Batch]:
    plan = importer.plan
    for at in range(0, len(columns.keys), CHUNK):
        keys = columns.keys[at : at + CHUNK]
        there = importer.existing.samples(keys)
        batch = Batch(importer.schema.schema)
        for key, draft in zip(keys, columns.samples[at : at + CHUNK], strict=True):
            sample = importer.sample(Record(key, draft, {}, bound.holds(), file), there.get(key), ())
            if sample != there.get(key):
                batch.samples[key] = sample
        batch.schema = importer.schema.schema
        yield batch
    review = b"" if plan.review is None else review_bytes(plan.review)
    for block in layer_blocks(columns, plan.layer, classes, review):
        yield Batch(importer.schema.schema, blocks={plan.layer: block})
