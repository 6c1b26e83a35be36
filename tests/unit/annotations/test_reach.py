"""The walk over everything that commits reach: whole, exact, without repetition, and going on past damage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

import numpy as np
import pytest

from repos.annotations import changeset_codec
from repos.annotations.apply import Applied, apply_edit
from repos.annotations.blocks import LayerBlock
from repos.annotations.changeset import direct
from repos.annotations.edits import SnapshotEdit
from repos.annotations.ids import foreign_id
from repos.annotations.model import Annotation, Kind, Media, MediaState, Polygon, Sample
from repos.annotations.reach import (
    Reached,
    Sort,
    Step,
    change_set_step,
    commit_step,
    snapshot_step,
    walk,
)
from repos.annotations.samples import FileRecord
from repos.annotations.schema import Schema
from repos.annotations.schema_edit import ensure_classes
from repos.annotations.snapshot import Snapshot, SnapshotView, load, save
from repos.labelstore.commit import Commit, Moment
from repos.labelstore.digest import Address, CorruptNode, MissingNode, address_of
from repos.labelstore.errors import LabelStoreError
from repos.labelstore.memory import MemoryNodes
from repos.labelstore.seen import SeenSet

SCHEMA, CLASSES = ensure_classes(Schema(), ["car"])
PICTURE, FILM = sha256(b"picture").digest(), sha256(b"film").digest()
RING = tuple((float(np.cos(t)), float(np.sin(t))) for t in np.linspace(0.0, 6.0, 900).tolist())


def filled(edit: SnapshotEdit) -> None:
    """Samples of every content, a large entry, a large geometry, a long text, an odd key, files of both sorts."""
    edit.put_schema(SCHEMA)
    for n in range(2000):
        edit.put_sample(f"s/{n:05}", Sample(text=f"text {n}"))
    edit.put_sample("Tile.TIF", Sample(Media(MediaState.STORED, PICTURE, "image/tiff", 4321)))
    edit.put_sample("away.png", Sample(Media(MediaState.EXTERNAL, uri="https://a/b")))
    edit.put_sample("long.txt", Sample(text="many words " * 2000))
    shape = Polygon(((RING,),))
    edit.put_annotation("ann", "s/00007", Annotation(foreign_id(1), Kind.POLYGON, CLASSES["car"], (shape,)))
    edit.put_file("README.md", b"hello")
    edit.put_file_record("film.mp4", FileRecord(FILM, 99, media=True))
    n = 20_000
    columns = {"x": np.arange(n) / 4, "y": np.zeros(n), "w": np.ones(n), "h": np.ones(n)}
    rows = LayerBlock.from_columns(["Tile.TIF"], np.array([n]), ids=np.arange(n), kind=Kind.BOX, **columns)
    edit.put_entries("gold", rows)


class World:
    """Two commits of one store, the second a small edit of the first."""

    def __init__(self) -> None:
        self.nodes = MemoryNodes()
        self.first = self.edited(None, filled)
        self.second = self.edited(self.first.snapshot, lambda e: e.put_sample("s/00042", Sample(text="new")))
        self.commits = [self.committed(self.first.snapshot), self.committed(self.second.snapshot)]
        self.changes = changeset_codec.save(self.nodes, self.second.changes)

    def edited(self, base: Snapshot | None, change: Callable[[SnapshotEdit], None]) -> Applied:
        edit = SnapshotEdit()
        change(edit)
        applied = apply_edit(self.nodes, base, edit)
        assert not applied.violations, applied.violations
        return applied

    def committed(self, snapshot: Snapshot) -> Address:
        moment = Moment(1_700_000_000)
        commit = Commit((), save(self.nodes, snapshot), "u:1", "u:1", moment, moment, "m")
        return self.nodes.put(commit.raw)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


class Counted:
    """A reader that notes what was asked of it."""

    def __init__(self, nodes: MemoryNodes, without: Sequence[Address] = ()) -> None:
        self.nodes, self.without = nodes, set(without)
        self.asked: list[Address] = []
        self.trips = 0

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        self.trips += 1
        for address in addresses:
            if address in self.without:
                raise MissingNode(address)
        self.asked += addresses
        return self.nodes.get_many(addresses)


def reached(
    nodes: Counted | MemoryNodes, starts: Sequence[Step], seen: SeenSet | None = None
) -> list[Reached]:
    return list(walk(nodes, starts, seen or SeenSet()))


def copied(world: World, found: Sequence[Reached]) -> MemoryNodes:
    """A store that holds what was reached and nothing else."""
    copy = MemoryNodes()
    for part in found:
        copy.put_many(list(world.nodes.get_many(part.addresses).values()))
    return copy


def test_a_store_of_what_was_reached_answers_every_read(world: World) -> None:
    starts = [*map(commit_step, world.commits), change_set_step(world.changes)]
    copy = copied(world, reached(world.nodes, starts))
    views = [SnapshotView(nodes, world.second.snapshot) for nodes in (world.nodes, copy)]
    assert load(copy, save(world.nodes, world.second.snapshot)) == world.second.snapshot
    for read in (
        lambda v: list(v.scan_samples()),
        lambda v: list(v.scan_entries("gold")),
        lambda v: list(v.scan_entries("ann")),
        lambda v: v.read_file("README.md"),
    ):
        assert read(views[0]) == read(views[1])
    assert changeset_codec.load(copy, world.changes).touched_samples() == ["s/00042"]
    assert direct(copy, world.first.snapshot, world.second.snapshot).touched_samples() == ["s/00042"]


def test_nothing_comes_twice_and_nothing_of_other_commits(world: World) -> None:
    found = reached(world.nodes, [commit_step(world.commits[0])])
    names = [step.name for part in found for step in part.steps]
    assert len(names) == len(set(names))
    of_both = reached(world.nodes, [commit_step(c) for c in world.commits])
    only_second = {a for p in of_both for a in p.addresses} - {a for p in found for a in p.addresses}
    assert world.commits[1] in only_second
    assert len(only_second) < 10


def test_media_are_named_with_their_key_and_declared_size(world: World) -> None:
    found = reached(world.nodes, [commit_step(world.commits[0], "abc")])
    named = {(m.sha256, m.size, m.key, m.part, m.origin) for part in found for m in part.media}
    assert named == {(PICTURE, 4321, "Tile.TIF", "samples", "abc"), (FILM, 99, "film.mp4", "files", "abc")}


def test_the_next_commit_costs_its_change(world: World) -> None:
    seen, nodes = SeenSet(), Counted(world.nodes)
    reached(nodes, [commit_step(world.commits[0])], seen)
    whole = len(nodes.asked)
    nodes.asked.clear()
    reached(nodes, [commit_step(world.commits[1])], seen)
    assert whole > 40
    assert len(nodes.asked) < 8


def test_one_round_trip_reads_many_objects(world: World) -> None:
    nodes = Counted(world.nodes)
    reached(nodes, [commit_step(world.commits[0])])
    assert nodes.trips < 12 < len(nodes.asked)


def test_objects_that_name_nothing_are_read_only_when_asked_for(world: World) -> None:
    sparing, thorough = Counted(world.nodes), Counted(world.nodes)
    reached(sparing, [commit_step(world.commits[0])])
    list(walk(thorough, [commit_step(world.commits[0])], SeenSet(), whole=True))
    long_text = address_of(("many words " * 2000).encode())
    assert long_text not in sparing.asked
    assert long_text in thorough.asked


def test_a_file_with_the_bytes_of_a_leaf_hides_nothing(world: World) -> None:
    """Whoever can guess the bytes of a node must not be able to keep a walk from going through it."""
    inner = next(
        step
        for part in reached(world.nodes, [commit_step(world.commits[0])])
        for step in part.steps
        if step.sort is Sort.NODE and step.level == 1 and step.part == "samples"
    )
    raw = world.nodes.get_many([inner.address])[inner.address]
    disguised = world.edited(None, lambda e: e.put_file("a.bin", raw)).snapshot
    starts = [snapshot_step(save(world.nodes, disguised)), commit_step(world.commits[0])]
    addresses = {a for part in reached(world.nodes, starts) for a in part.addresses}
    alone = {a for part in reached(world.nodes, starts[1:]) for a in part.addresses}
    assert alone < addresses


def test_damage_is_told_and_the_rest_is_walked(world: World) -> None:
    whole = reached(world.nodes, [commit_step(world.commits[0])])
    leaves = [
        s for p in whole for s in p.steps if s.sort is Sort.NODE and not s.level and s.part == "samples"
    ]
    lost = leaves[3]
    told: list[tuple[Step, LabelStoreError]] = []
    nodes = Counted(world.nodes, without=[lost.address])
    found = list(
        walk(
            nodes,
            [commit_step(world.commits[0], "abc")],
            SeenSet(),
            damaged=lambda s, e: told.append((s, e)),
        )
    )
    assert [(s.address, s.origin, s.last_key) for s, _ in told] == [(lost.address, "abc", lost.last_key)]
    assert isinstance(told[0][1], MissingNode)
    assert lost.last_key.startswith("s/")
    assert sum(len(p.steps) for p in found) == sum(len(p.steps) for p in whole)
    with pytest.raises(MissingNode):
        reached(nodes, [commit_step(world.commits[0])])


def test_a_node_at_odds_with_its_parent_is_told(world: World) -> None:
    """A tree stitched together: the commit is told, not its neighbours."""
    told: list[Step] = []

    class Swapped(Counted):
        def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
            found = super().get_many(addresses)
            if world.commits[0] in found:
                found[world.commits[0]] = found[world.commits[0]][:-1]
            return found

    starts = [commit_step(c) for c in world.commits]
    list(walk(Swapped(world.nodes), starts, SeenSet(), damaged=lambda s, e: told.append(s)))
    assert [s.address for s in told] == [world.commits[0]]


def test_seen_names_are_exact_above_the_limit_of_memory() -> None:
    seen, oracle = SeenSet(limit=120), set[bytes]()
    for n in range(50):
        names = [sha256(str(n * k % 97).encode()).digest() + b"x" for k in range(20)]
        expected = []
        for name in names:
            expected.append(name not in oracle)
            oracle.add(name)
        assert seen.fresh(names) == expected
    assert not seen.spooled
    more = [sha256(b"%d" % n).digest() for n in range(500)]
    assert seen.fresh(more) == [True] * 500
    assert seen.spooled
    assert seen.fresh([*more, *oracle]) == [False] * (500 + len(oracle))
    assert seen.count == 500 + len(oracle)
    seen.close()


def test_a_broken_object_is_not_taken_for_a_missing_one(world: World) -> None:
    class Flipped(Counted):
        def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
            if world.commits[1] in addresses:
                raise CorruptNode(world.commits[1], b"\0" * 32)
            return super().get_many(addresses)

    told: list[LabelStoreError] = []
    starts = [commit_step(c) for c in world.commits]
    list(walk(Flipped(world.nodes), starts, SeenSet(), damaged=lambda s, e: told.append(e)))
    assert [type(e) for e in told] == [CorruptNode]
