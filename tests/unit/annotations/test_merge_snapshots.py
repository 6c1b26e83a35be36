"""Merging whole snapshots: schema, renames, files, rules, resolutions. Every row of the table in LABEL_MODEL 6
that concerns more than one sample's labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from repos.annotations.apply import apply_edit
from repos.annotations.changeset import direct
from repos.annotations.conflicts import Conflict, ConflictKind, ReportKind
from repos.annotations.edits import SnapshotEdit
from repos.annotations.merge import Merged, merge
from repos.annotations.model import LayerEntry, Sample
from repos.annotations.resolve import Choice, Resolutions, Rule, resolution
from repos.annotations.schema import Schema, ValueType
from repos.annotations.schema_edit import add_class, ensure_attribute, merge_class, rename_class
from repos.annotations.snapshot import Snapshot, SnapshotView
from repos.labelstore.memory import MemoryNodes
from tests.oracles.examples import annotation, class_of, example_schema, ident

SCHEMA = example_schema()
Ops = Callable[[SnapshotEdit], None]


class World:
    """A store, a base with three texts, one of them labelled, and edits of it."""

    def __init__(self, schema: Schema = SCHEMA) -> None:
        self.nodes, self.schema = MemoryNodes(), schema
        self.base = self.edited(None, self._start)

    def _start(self, edit: SnapshotEdit) -> None:
        edit.put_schema(self.schema)
        for key in ("k1", "k2", "k3"):
            edit.put_sample(key, Sample(text=f"the text of {key}"))
        edit.put_file("README.md", b"base")

    def edited(self, start: Snapshot | None, *ops: Ops) -> Snapshot:
        edit = SnapshotEdit()
        for op in ops:
            op(edit)
        applied = apply_edit(self.nodes, start, edit)
        assert not applied.violations, applied.violations
        return applied.snapshot

    def merge(self, ours: Ops, theirs: Ops, resolutions: Resolutions | None = None) -> Merged:
        sides = self.edited(self.base, ours), self.edited(self.base, theirs)
        merged = merge(self.nodes, self.base, *sides, resolutions or Resolutions())
        swapped = merge(self.nodes, self.base, sides[1], sides[0])
        if resolutions is None:
            assert set(swapped.conflicts) == {c.swapped() for c in merged.conflicts}
        again = direct(self.nodes, sides[0], merged.snapshot)
        assert again.touched_samples() == merged.changes.touched_samples()
        return merged

    def entry(self, merged: Merged, key: str) -> LayerEntry | None:
        return SnapshotView(self.nodes, merged.snapshot).entry("gold", key)

    def resolved(self, ours: Ops, theirs: Ops, choice: Choice, value: object = None) -> Merged:
        conflicts = self.merge(ours, theirs).conflicts
        assert conflicts
        found = self.merge(ours, theirs, Resolutions([resolution(c, choice, value) for c in conflicts]))
        assert not found.conflicts, found.conflicts
        assert {r.kind for r in found.reports} >= {ReportKind.SETTLED}
        return found


def put(key: str, mark: str, schema: Schema = SCHEMA) -> Ops:
    return lambda edit: edit.put_annotation("gold", key, annotation(mark, schema))


def kinds(merged: Merged) -> list[tuple[ConflictKind, str, str]]:
    return [(c.kind, c.where.key, c.where.facet) for c in merged.conflicts]


def schema_put(schema: Schema) -> Ops:
    return lambda edit: edit.put_schema(schema)


# ---- schema -----------------------------------------------------------------------------------------------------


def test_a_class_added_on_both_sides_is_one() -> None:
    world = World()
    one, _ = add_class(SCHEMA, "x")
    two, _ = add_class(SCHEMA, "y")
    two, _ = add_class(two, "x")
    merged = world.merge(schema_put(one), schema_put(two))
    assert not merged.conflicts
    assert sorted(c.name for c in merged.snapshot.schema.classes[len(SCHEMA.classes) :]) == ["x", "y"]


def test_a_class_renamed_two_ways_is_a_schema_conflict() -> None:
    world = World()
    rbc = class_of(SCHEMA, "RBC")
    sides = schema_put(rename_class(SCHEMA, rbc, "x")), schema_put(rename_class(SCHEMA, rbc, "y"))
    merged = world.merge(*sides)
    assert kinds(merged) == [(ConflictKind.SCHEMA, "RBC", "schema:class:name")]
    assert merged.snapshot.schema.name_of(rbc) == "x"
    assert world.resolved(*sides, Choice.THEIRS).snapshot.schema.name_of(rbc) == "y"


def test_new_labels_of_a_class_merged_away_are_kept_and_read_as_the_other() -> None:
    world = World()
    wbc, rbc = class_of(SCHEMA, "WBC"), class_of(SCHEMA, "RBC")
    merged = world.merge(schema_put(merge_class(SCHEMA, wbc, rbc)), put("k1", "a WBC@0,0,9,9"))
    assert not merged.conflicts
    (mark,) = world.entry(merged, "k1") or LayerEntry()
    assert (mark.label_class, merged.snapshot.schema.name_of(wbc)) == (wbc, "RBC")


@pytest.mark.parametrize(("choice", "stays"), [(Choice.OURS, False), (Choice.THEIRS, True)])
def test_new_labels_of_a_removed_class_are_a_schema_conflict(choice: Choice, stays: bool) -> None:
    world = World()
    gone = replace(SCHEMA, classes=tuple(c for c in SCHEMA.classes if c.name != "WBC"))
    sides = schema_put(gone), put("k1", "a WBC@0,0,9,9")
    merged = world.merge(*sides)
    assert kinds(merged) == [(ConflictKind.SCHEMA, "WBC", "schema:class:removed")]
    assert merged.conflicts[0].theirs == (
        SCHEMA.get_class(class_of(SCHEMA, "WBC")), (("k1", "gold", ident("a")),),
    )  # fmt: skip
    assert merged.snapshot == world.edited(world.base, sides[0])
    found = world.resolved(*sides, choice)
    assert (class_of(SCHEMA, "WBC") in found.snapshot.schema.class_by_id) is stays
    assert bool(world.entry(found, "k1")) is stays


@pytest.mark.parametrize(
    ("choice", "value", "names"),
    [
        (Choice.OURS, None, {"RBC": "new", "WBC": "new"}),
        (Choice.CUSTOM, "newer", {"RBC": "new", "WBC": "newer"}),
    ],
)
def test_one_name_for_two_classes_offers_to_merge_them(
    choice: Choice, value: str | None, names: dict[str, str]
) -> None:
    world = World()
    renamed = [schema_put(rename_class(SCHEMA, class_of(SCHEMA, n), "new")) for n in ("RBC", "WBC")]
    sides = renamed[0], renamed[1]
    assert kinds(world.merge(*sides)) == [(ConflictKind.SCHEMA, "new", "schema:class:name")]
    schema = world.resolved(*sides, choice, value).snapshot.schema
    assert {n: schema.name_of(class_of(SCHEMA, n)) for n in names} == names
    live = [c.name for c in schema.classes if c.live]
    assert len(live) == len(set(live))


def test_a_label_that_the_other_sides_schema_forbids() -> None:
    schema, _ = ensure_attribute(SCHEMA, "grade", ValueType.CHOICE, ("low", "high"))
    world = World(schema)
    narrow = replace(
        schema, attributes=tuple(replace(a, values=("high",)) if a.values else a for a in schema.attributes)
    )
    merged = world.merge(schema_put(narrow), put("k1", "a RBC@0,0,9,9 grade=low", schema))
    assert [kind for kind, _, _ in kinds(merged)] == [ConflictKind.CONSTRAINT]
    assert merged.conflicts[0].where.annotation == ident("a")


# ---- samples and keys ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("swapped", [False, True])
def test_an_edit_lands_on_the_new_key_of_a_renamed_sample(swapped: bool) -> None:
    world = World()
    sides: list[Ops] = [lambda e: e.rename_sample("k1", "moved"), put("k1", "a RBC@0,0,9,9")]
    merged = world.merge(*(reversed(sides) if swapped else sides))
    assert not merged.conflicts
    assert [r.kind for r in merged.reports] == [ReportKind.RENAMED]
    assert world.entry(merged, "moved") is not None
    assert world.entry(merged, "k1") is None
    assert SnapshotView(world.nodes, merged.snapshot).count() == 3


def test_a_sample_renamed_two_ways_is_a_conflict() -> None:
    world = World()
    sides: tuple[Ops, Ops] = (lambda e: e.rename_sample("k1", "x"), lambda e: e.rename_sample("k1", "y"))
    merged = world.merge(*sides)
    assert kinds(merged) == [(ConflictKind.RENAME, "k1", "key")]
    view = SnapshotView(world.nodes, merged.snapshot)
    assert list(view.iter_keys()) == ["k2", "k3", "x"]
    settled = world.resolved(*sides, Choice.THEIRS)
    assert list(SnapshotView(world.nodes, settled.snapshot).iter_keys()) == ["k2", "k3", "y"]


def test_a_rename_on_both_sides_to_one_key_is_one_rename() -> None:
    world = World()

    def ours(edit: SnapshotEdit) -> None:
        edit.rename_sample("k1", "x")
        edit.put_annotation("gold", "x", annotation("a RBC@0,0,9,9", SCHEMA))

    merged = world.merge(ours, lambda e: e.rename_sample("k1", "x"))
    assert not merged.conflicts
    assert world.entry(merged, "x") is not None


def test_keys_that_clash_only_together_are_a_constraint_conflict() -> None:
    world = World()
    sides: list[Ops] = [lambda e, key=key: e.put_sample(key, Sample(text=key)) for key in ("Photo", "photo")]  # type: ignore[misc]
    ours, theirs = (world.edited(world.base, side) for side in sides)
    merged = merge(world.nodes, world.base, ours, theirs)
    assert [c.kind for c in merged.conflicts] == [ConflictKind.CONSTRAINT]
    assert merged.snapshot == ours


def test_two_values_of_a_one_value_group_and_their_resolution() -> None:
    world = World()
    sides = put("k1", "a one"), put("k1", "b seven")
    merged = world.merge(*sides)
    assert kinds(merged) == [(ConflictKind.CONSTRAINT, "k1", "constraint:group:digit")]
    found = world.resolved(*sides, Choice.THEIRS)
    assert [a.id for a in world.entry(found, "k1") or ()] == [ident("b")]


# ---- files and rules ------------------------------------------------------------------------------------------------


def test_files_merge_by_path_and_as_a_whole() -> None:
    world = World()

    def ours(edit: SnapshotEdit) -> None:
        edit.put_file("README.md", b"ours")
        edit.put_file("LICENSE", b"MIT")

    def theirs(edit: SnapshotEdit) -> None:
        edit.put_file("README.md", b"theirs")
        edit.put_file("GUIDE.md", b"how")

    merged = world.merge(ours, theirs)
    assert kinds(merged) == [(ConflictKind.FILE, "README.md", "file")]
    view = SnapshotView(world.nodes, world.resolved(ours, theirs, Choice.THEIRS).snapshot)
    assert {path: view.read_file(path) for path, _ in view.files()} == {
        "GUIDE.md": b"how", "LICENSE": b"MIT", "README.md": b"theirs",
    }  # fmt: skip


def test_a_file_removed_by_one_side() -> None:
    world = World()
    merged = world.merge(lambda e: e.put_file("LICENSE", b"MIT"), lambda e: e.delete_file("README.md"))
    assert not merged.conflicts
    assert [path for path, _ in SnapshotView(world.nodes, merged.snapshot).files()] == ["LICENSE"]
    clash = world.merge(lambda e: e.put_file("README.md", b"new"), lambda e: e.delete_file("README.md"))
    assert kinds(clash) == [(ConflictKind.DELETE_EDIT, "README.md", "file")]


def test_rules_settle_what_fits_them() -> None:
    world = World()
    world.base = world.edited(world.base, put("k1", "a RBC@0,0,9,9"), put("k2", "a RBC@0,0,9,9"))

    def side(label: str, x: int) -> Ops:
        def ops(edit: SnapshotEdit) -> None:
            put("k1", f"a {label}@0,0,9,9")(edit)
            put("k2", f"a RBC@{x},0,9,9")(edit)

        return ops

    sides = side("WBC", 1), side("Platelets", 2)

    def left(rule: Rule) -> list[Conflict]:
        return list(world.merge(*sides, Resolutions(rules=[rule])).conflicts)

    wbc = class_of(SCHEMA, "WBC")
    assert [c.where.facet for c in left(Rule(Choice.OURS, facet="class"))] == ["geometry"]
    assert [c.where.facet for c in left(Rule(Choice.OURS, label_class=wbc))] == ["geometry"]
    assert [c.where.facet for c in left(Rule(Choice.OURS, layer="votes"))] == ["class", "geometry"]
    assert not left(Rule(Choice.THEIRS, kind=ConflictKind.VALUE))
    custom = resolution(world.merge(*sides).conflicts[0], Choice.CUSTOM, class_of(SCHEMA, "PER"))
    found = world.merge(*sides, Resolutions([custom]))
    (mark,) = world.entry(found, "k1") or LayerEntry()
    assert mark.label_class == class_of(SCHEMA, "PER")
