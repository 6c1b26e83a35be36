"""The laws of every format: express says what comes back; an export imported changes nothing; one edit is one
change."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from repos.annotations.model import Box, Kind
from repos.formats.bound import Bound
from repos.formats.options import Options
from repos.formats.records import ClassName, Draft, LayerDraft, Record, Refusal, count_of
from repos.formats.source import MemorySource
from tests.property.effort import examples
from tests.property.formats.format_values import crowds, pictures, texts
from tests.property.formats.format_worlds import GOLD, NAMES, World, differences, files_of, held

CASES = {
    "voc": (pictures, "voc", Options(), GOLD),
    "yolo": (pictures, "yolo", Options(), GOLD),
    "yolo polygons": (pictures, "yolo", Options(polygons=True), GOLD),
    "coco": (pictures, "coco", Options(), GOLD),
    "labelme": (pictures, "labelme", Options(), GOLD),
    "via json": (pictures, "via", Options(), GOLD),
    "via csv": (pictures, "via", Options(dialect="csv"), GOLD),
    "csv of files": (pictures, "csv", Options(columns={"file": "file", "label": "label"}), GOLD),
    "csv of texts": (
        texts,
        "csv",
        Options(columns={"id": "id", "text": "text", "label": "labels"}, label_separator="|"),
        GOLD,
    ),
    "jsonl": (
        texts,
        "jsonl",
        Options(columns={"id": "id", "text": "text", "label": "label", "spans": "spans"}),
        GOLD,
    ),
    "conll": (texts, "conll", Options(), GOLD),
    "uner": (texts, "conll", Options(dialect="uner"), GOLD),
    "own, pictures": (pictures, "labelhub", Options(), None),
    "own, texts": (texts, "labelhub", Options(), None),
    "votes": (crowds, "votes", Options(), None),
}
every_format = pytest.mark.parametrize("case", list(CASES))
law = settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def parts(case: str, data: st.DataObject) -> tuple[World, Bound, str | None]:
    worlds, name, options, layer = CASES[case]
    world = data.draw(worlds())
    return world, world.bound(name, options), layer


def value(draft: Draft, bound: Bound) -> object:
    holds = bound.holds()
    attributes = tuple(sorted((n, type(v).__name__, v) for n, v in draft.attributes.items() if v is not None))
    annotator = draft.provenance.annotator if holds.annotator else ""
    confidence = draft.provenance.confidence if holds.confidence else None
    return draft.kind, _name(draft.label_class), draft.geometries, attributes, annotator, confidence


def _name(name: ClassName | None) -> str | None:
    return None if name is None else name.name.split("/")[-1]


def read_back(bound: Bound, files: dict[str, bytes]) -> tuple[dict[str, Record], list[Refusal]]:
    items = list(bound.read(MemorySource(files)))
    records = [i for i in items if isinstance(i, Record)]
    assert len({r.key for r in records}) == len(records)
    return {r.key: r for r in records}, [i for i in items if isinstance(i, Refusal)]


@every_format
@law
@given(data=st.data())
def test_reading_what_was_written_gives_what_express_says(case: str, data: st.DataObject) -> None:
    world, bound, layer = parts(case, data)
    records = world.records(bound, layer)
    found, refusals = read_back(bound, files_of(bound, records, world.schema))
    assert refusals == []
    for record in records:
        for name, entry in held(bound, record).layers.items():
            wanted = Counter(value(d, bound) for d in entry.annotations)
            got = found[record.key].layers.get(name, LayerDraft()) if record.key in found else LayerDraft()
            assert Counter(value(d, bound) for d in got.annotations) == wanted
        if record.key in found:
            drafts = [d for entry in record.layers.values() for d in entry.annotations]
            said, sample = bound.express_sample(record.sample, drafts), found[record.key].sample
            assert (said.text, dict(said.fields)) == (
                sample.text,
                dict(sample.fields),
            ) or not bound.holds().text


@every_format
@law
@given(data=st.data())
def test_express_of_what_was_expressed_is_itself(case: str, data: st.DataObject) -> None:
    world, bound, layer = parts(case, data)
    for record in world.records(bound, layer):
        once = held(bound, record)
        assert held(bound, once).layers == once.layers


@every_format
@law
@given(data=st.data())
def test_an_export_imported_changes_nothing(case: str, data: st.DataObject) -> None:
    world, bound, layer = parts(case, data)
    files = files_of(bound, world.records(bound, layer), world.schema)
    after = world.copy()
    changes, refusals = after.run(bound, files)
    assert refusals == []
    assert not changes.any, changes
    assert (after.sample, after.layers, after.schema) == (world.sample, world.layers, world.schema)


def _edited(draft: Draft, data: st.DataObject) -> Draft | None:
    """The draft with another class, or elsewhere; None for removed."""
    how = data.draw(st.sampled_from(["relabel", "move", "remove"]))
    event(how)
    if how == "remove":
        return None
    if how == "move" and isinstance(box := draft.geometry(Kind.BOX), Box) and draft.kind is Kind.BOX:
        return replace(draft, geometries=(replace(box, x=box.x + box.w / 4),))
    name = draft.label_class
    others = [n for n in NAMES if name is None or n != name.name]
    return replace(draft, label_class=ClassName(data.draw(st.sampled_from(others))))


@every_format
@law
@given(data=st.data())
def test_one_label_edited_in_an_export_is_one_change(case: str, data: st.DataObject) -> None:
    world, bound, layer = parts(case, data)
    records = [held(bound, r) for r in world.records(bound, layer)]
    places = [
        (r, n, i)
        for r, record in enumerate(records)
        for n, e in record.layers.items()
        for i in range(len(e.annotations))
    ]
    assume(places)
    r, name, i = data.draw(st.sampled_from(places))
    layers = dict(records[r].layers)
    drafts = list(layers[name].annotations)
    drafts[i : i + 1] = [edited] if (edited := _edited(drafts[i], data)) is not None else []
    layers[name] = replace(layers[name], annotations=tuple(drafts))
    before = files_of(bound, records, world.schema)
    records[r] = replace(records[r], layers=layers)
    assume(all(d is not None for d in bound.express(drafts, records[r].sample, records[r].sample)))
    assume(case != "votes" or _answers(records, name))
    files = files_of(bound, records, world.schema)
    assume(files != before)

    after = world.copy()
    changes, refusals = after.run(bound, files)
    assert refusals == []
    found = differences(world, after)
    assert len(found) == 1, found
    assert changes.added + changes.changed + changes.removed == 1
    assert after.sample == world.sample
    old, new = next(iter(found.values()))
    if new is not None and old is not None:
        scope = bound.holds().attributes
        outside = {n: v for n, v in old.attributes.items() if not scope.covers(n)}
        assert {n: v for n, v in new.attributes.items() if not scope.covers(n)} == outside
    if all(_unshadowed(bound, r) for r in world.records(bound, layer)):
        again = after.copy()
        changes, _ = again.run(bound, files)
        assert not changes.any
        assert again.layers == after.layers


def _answers(records: list[Record], name: str) -> bool:
    """Whether the file still knows this annotator: one who is gone from a file says nothing in it."""
    return name == GOLD or any(e.annotations for r in records for n, e in r.layers.items() if n == name)


def _unshadowed(bound: Bound, record: Record) -> bool:
    """No annotation is left out because of another one: removing that one from the file would show it next
    time."""
    sample = record.sample
    return all(
        (together is None) == (bound.express([alone], sample, sample)[0] is None)
        for entry in record.layers.values()
        for alone, together in zip(
            entry.annotations, bound.express(entry.annotations, sample, sample), strict=True
        )
    )


@every_format
@law
@given(data=st.data())
def test_imported_into_nothing_twice_is_imported_once(case: str, data: st.DataObject) -> None:
    world, bound, layer = parts(case, data)
    files = files_of(bound, world.records(bound, layer), world.schema)
    empty = World(schema=world.schema)
    fresh = Bound(bound.format, replace(bound.options, find_image=None))
    first, refusals = empty.run(fresh, files)
    assert refusals == []
    assert first.added == count_of(list(fresh.read(MemorySource(files)))).annotations_taken
    state = empty.copy()
    second, _ = empty.run(fresh, files)
    assert not second.any
    assert (empty.sample, empty.layers) == (state.sample, state.layers)
