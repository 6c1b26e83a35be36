"""Rows of commits against their canonical bytes, parents, generations, clocks, and change sets against the direct diff.

Invariant: what a page shows of a commit comes from its row, what is hashed from its bytes; both say the same. Cost: one
read of a thousand commits; a diff of each commit with its first parent, at the cost of its change. What the diffs of
AT_ONCE commits read is fetched together, level by level; after damage each reads for itself and tells what is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from repos.annotations import changeset_codec
from repos.annotations import snapshot as snapshots
from repos.annotations.blocks import LayerBlock
from repos.annotations.changeset import ChangeSet, LayerChange, direct
from repos.annotations.formats import FILES, LAYER, SAMPLES
from repos.annotations.snapshot import Snapshot
from repos.labelstore.ahead import Ahead
from repos.labelstore.blobkeys import StoreUnavailable
from repos.labelstore.commit import Commit, commit_id_of, decode_commit
from repos.labelstore.digest import Address, MissingNode
from repos.labelstore.errors import LabelStoreError
from repos.labelstore.ports import NodeReader
from repos.labelstore.root import TreeRoot, empty_root
from repos.labelstore.treediff import hold_different
from repos.models import CommitRecord, Network
from repos.upkeep.findings import Fault, Finding, Places, Tell

PAGE, AT_ONCE = 500, 64
MOST_ROWS = 20_000
"""Of leaves that one commit changed, held ahead; larger changes are read in windows."""
AHEAD = 15 * 60
"""Seconds by which a commit may lie in the future before somebody is told."""


def commit_pages(network: Network, only: Sequence[int] | None = None) -> Iterator[list[CommitRecord]]:
    """Rows in pages; `only` these keys, which ascend."""
    last, rows = 0, CommitRecord.objects.filter(network=network).order_by("pk")
    if only is not None:
        for at in range(0, len(only), PAGE):
            yield list(rows.filter(pk__in=only[at : at + PAGE]))
        return
    while page := list(rows.filter(pk__gt=last)[:PAGE]):
        yield page
        last = page[-1].pk


class CommitChecks:
    """Of one network. `places` names a ref that leads to what is wrong."""

    def __init__(self, network: Network, nodes: NodeReader, places: Places, tell: Tell) -> None:
        self.network, self.places, self._tell = network, places, tell
        self.nodes = Ahead(nodes)

    def check(self, page: Sequence[CommitRecord]) -> None:
        for at in range(0, len(page), AT_ONCE):
            self._check(page[at : at + AT_ONCE])

    def _check(self, page: Sequence[CommitRecord]) -> None:
        parents = {p for row in page for p in row.parents}
        known = {
            row.commit_id: row
            for row in CommitRecord.objects.filter(network=self.network, commit_id__in=parents).only(
                "pk", "commit_id", "generation", "snapshot", "committed_at", "network"
            )
        }
        self._hold(page, known)
        for row in page:
            raw = self._raw(row)
            if raw is not None:
                self._row(row, raw)
            self._graph(row, known)
            self._clock(row, known)
            self._change_set(row, known)

    def _hold(self, page: Sequence[CommitRecord], known: dict[str, CommitRecord]) -> None:
        """What the checks of these commits will read, if all of it is sound."""
        pairs = [(known[row.parents[0]], row) for row in page if row.parents and row.parents[0] in known]
        try:
            hold_commits(self.nodes, page, [(bytes(a.snapshot), bytes(b.snapshot)) for a, b in pairs])
        except StoreUnavailable:
            raise
        except LabelStoreError:
            return

    def wrong(
        self, row: CommitRecord, fault: Fault, expected: str, found: str, part: str = "", address: str = ""
    ) -> None:
        repository, ref = self.places.of(row.commit_id)
        self._tell(
            Finding(
                fault,
                self.network.prefix,
                repository,
                ref,
                row.commit_id,
                part=part,
                address=address,
                expected=expected[:300],
                found=found[:300],
            )
        )

    def _raw(self, row: CommitRecord) -> Commit | None:
        """The commit as it was hashed; what cannot be read is told by the walk."""
        address = bytes(row.address)
        if commit_id_of(address) != row.commit_id:
            self.wrong(row, Fault.WRONG_COMMIT_ROW, commit_id_of(address), row.commit_id, "commit id")
        try:
            return decode_commit(self.nodes.get_many([address])[address])
        except LabelStoreError:
            return None

    def _row(self, row: CommitRecord, commit: Commit) -> None:
        pairs = {
            "parents": (list(commit.parents), list(row.parents)),
            "snapshot": (commit.snapshot.hex(), bytes(row.snapshot).hex()),
            "author": (commit.author, row.author),
            "committer": (commit.committer, row.committer),
            "authored at": (commit.authored_at.seconds, row.authored_at),
            "committed at": (commit.committed_at.seconds, row.committed_at),
            "message": (commit.message, row.message),
        }
        for part, (expected, found) in pairs.items():
            if expected != found:
                self.wrong(row, Fault.WRONG_COMMIT_ROW, str(expected), str(found), part)

    def _graph(self, row: CommitRecord, known: dict[str, CommitRecord]) -> None:
        for parent in row.parents:
            if parent not in known:
                self.wrong(row, Fault.MISSING_COMMIT, f"parent {parent}", "no such commit", "parents")
        generation = 1 + max((known[p].generation for p in row.parents if p in known), default=0)
        if all(p in known for p in row.parents) and generation != row.generation:
            self.wrong(row, Fault.WRONG_COMMIT_ROW, str(generation), str(row.generation), "generation")

    def _clock(self, row: CommitRecord, known: dict[str, CommitRecord]) -> None:
        now = int(time.time())
        if row.committed_at > now + AHEAD:
            self.wrong(
                row, Fault.CLOCK, f"at most {now}", f"{row.committed_at}, in the future", "committed at"
            )
        before = max((known[p].committed_at for p in row.parents if p in known), default=row.committed_at)
        if row.committed_at < before - AHEAD:
            found = f"{row.committed_at}, before its parent"
            self.wrong(row, Fault.CLOCK, f"at least {before}", found, "committed at")

    def _change_set(self, row: CommitRecord, known: dict[str, CommitRecord]) -> None:
        if not row.parents or row.parents[0] not in known:
            return
        if row.change_set is None:
            self.wrong(row, Fault.WRONG_CHANGE_SET, "the changes against the first parent", "none")
            return
        address = bytes(row.change_set)
        try:
            stored = changeset_codec.load(self.nodes, address)
            before, after = (
                snapshots.load(self.nodes, bytes(c.snapshot)) for c in (known[row.parents[0]], row)
            )
            meant = direct(self.nodes, before, after)
        except LabelStoreError as error:
            if not isinstance(error, MissingNode):
                self.wrong(
                    row, Fault.WRONG_CHANGE_SET, "a change set that reads", str(error), address=address.hex()
                )
            return
        if not same(stored, meant):
            found = f"changes of {', '.join(stored.touched_samples()[:5]) or 'no sample'}"
            expected = f"changes of {', '.join(meant.touched_samples()[:5]) or 'no sample'}"
            self.wrong(row, Fault.WRONG_CHANGE_SET, expected, found, address=address.hex())


def hold_commits(
    nodes: Ahead, page: Sequence[CommitRecord], pairs: Sequence[tuple[Address, Address]]
) -> None:
    """Hold commits, their change sets, and the nodes in which these pairs of snapshots differ."""
    stored = [bytes(row.change_set) for row in page if row.change_set is not None]
    addresses = {address for pair in pairs for address in pair}
    nodes.hold([*(bytes(row.address) for row in page), *stored, *addresses])
    runs = {run for raw in nodes.get_many(stored).values() for run in changeset_codec.references(raw)}
    records = {a: snapshots.decode_snapshot(raw) for a, raw in nodes.get_many(list(addresses)).items()}
    nodes.hold([*runs, *(record.schema for record in records.values())], besides=True)
    loaded = {address: snapshots.load(nodes, address) for address in addresses}
    trees = [tree for a, b in pairs for tree in snapshot_trees(loaded[a], loaded[b])]
    hold_different(nodes, trees, MOST_ROWS)


def snapshot_trees(a: Snapshot, b: Snapshot) -> Iterator[tuple[Any, TreeRoot, TreeRoot]]:
    """The trees of two snapshots that a diff walks, side by side."""
    yield SAMPLES, a.samples, b.samples
    yield FILES, a.files, b.files
    nothing = empty_root(snapshots.LAYER_TARGET)
    for name in {*a.layers, *b.layers}:
        yield LAYER, a.layers.get(name, nothing), b.layers.get(name, nothing)


def same(a: ChangeSet, b: ChangeSet) -> bool:
    """Whether two change sets say the same, however they were come by: compared as the bytes of a leaf, which depend on
    the entries alone."""
    names = {*a.layers, *b.layers}
    return (a.schema, a.samples, a.files) == (b.schema, b.samples, b.files) and all(
        _bytes(a.layers.get(name)) == _bytes(b.layers.get(name)) for name in names
    )


def _bytes(change: LayerChange | None) -> list[list[bytes]]:
    sides = change or (LayerBlock.empty(), LayerBlock.empty())
    return [LAYER.encode(side, [len(side)]) if len(side) else [] for side in sides]
