"""Commits made anew without some sample: the same graph, messages, people and times, other ids.

Invariant: every commit of the network is looked at in an order that has parents first; one is made anew when it holds
the sample with one of the given contents, or when a parent of it was. What does not change keeps its id. Nothing points
at the new commits yet: purge.py moves what pointed at the old ones.
Cost: one point read for each different tree of samples, an edit and a walk over the difference for each commit that
held the sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256

from django.db.models import Q

from repos.annotations import changeset, changeset_codec
from repos.annotations import snapshot as snapshots
from repos.annotations.apply import apply_edit
from repos.annotations.edits import SnapshotEdit
from repos.annotations.snapshot import Snapshot, SnapshotView
from repos.errors import Busy
from repos.labelstore.commit import decode_commit
from repos.labelstore.digest import Address
from repos.models import CommitRecord, CommitSuccessor, Repository
from repos.services.landing import row
from repos.services.stores import Workspace

READ_AHEAD = 500


def content_at(view: SnapshotView, key: str) -> bytes | None:
    """What the sample is apart from its labels and fields: digest of its media or text; None for no such sample."""
    sample = view.sample(key)
    if sample is None:
        return None
    if sample.media is not None:
        return sample.media.sha256 or sha256(f"uri {sample.media.uri}".encode()).digest()
    return sha256(f"text {sample.text}".encode()).digest()


@dataclass
class Rewriting:
    """One purge at work. `moved`: old commit id -> new one; `snapshots`: old snapshot -> new one where it differs."""

    repository: Repository
    work: Workspace
    key: str
    contents: frozenset[bytes] | None = None
    """What of it is purged; None: whatever lies under the key."""
    moved: dict[str, str] = field(default_factory=dict)
    snapshots: dict[Address, Address] = field(default_factory=dict)
    made: list[CommitRecord] = field(default_factory=list)
    _done: set[str] = field(default_factory=set)
    _same: set[Address] = field(default_factory=set)
    _rows: dict[str, CommitRecord] = field(default_factory=dict)

    def run(self) -> Iterator[int]:
        """Look at every commit that was not looked at yet; gives how many there have been, now and then."""
        network = self.repository.network_id
        replaced = CommitSuccessor.objects.filter(network=network).values("old")  # nothing leads to these
        rows = CommitRecord.objects.filter(network=network).exclude(commit_id__in=replaced)
        rows = rows.order_by("generation", "commit_id")
        for commit in rows.iterator(chunk_size=READ_AHEAD):
            if commit.commit_id in self._done:
                continue
            self._look_at(commit)
            self._done.add(commit.commit_id)
            yield len(self._done)

    def snapshot_without(self, address: Address) -> Address:
        """The same snapshot when it does not hold the sample."""
        if address in self._same:
            return address
        if address not in self.snapshots:
            before = snapshots.load(self.work.nodes, address)
            after = self._without(before)
            if after is None:
                self._same.add(address)
                return address
            self.snapshots[address] = snapshots.save(self.work.nodes, after)
        return self.snapshots[address]

    def _without(self, before: Snapshot) -> Snapshot | None:
        content = content_at(SnapshotView(self.work.nodes, before), self.key)
        if content is None or (self.contents is not None and content not in self.contents):
            return None
        edit = SnapshotEdit()
        edit.delete_sample(self.key)
        applied = apply_edit(self.work.nodes, before, edit)
        if applied.violations:
            raise Busy(str(applied.violations[0]))
        return applied.snapshot

    def _look_at(self, commit: CommitRecord) -> None:
        parents = [self.moved.get(parent, parent) for parent in commit.parents]
        snapshot = self.snapshot_without(bytes(commit.snapshot))
        if parents == commit.parents and snapshot == bytes(commit.snapshot):
            return
        raw = self.work.nodes.get_many([bytes(commit.address)])[bytes(commit.address)]
        anew = replace(decode_commit(raw), parents=tuple(parents), snapshot=snapshot)
        above = self._parents(parents)
        changes = self._changes(commit, above, snapshot)
        made = row(self.repository, anew, self.work.nodes.put(anew.raw), changes, above)
        self.moved[commit.commit_id] = made.commit_id
        self._rows[made.commit_id] = made
        self.made.append(made)

    def _parents(self, ids: Iterable[str]) -> list[CommitRecord]:
        wanted = list(ids)
        stored = CommitRecord.objects.filter(
            Q(network=self.repository.network_id), commit_id__in=[i for i in wanted if i not in self._rows]
        )
        known = {one.commit_id: one for one in stored}
        return [self._rows.get(i) or known[i] for i in wanted]

    def _changes(
        self, commit: CommitRecord, parents: list[CommitRecord], snapshot: Address
    ) -> Address | None:
        """The change set against the first parent: the old one where neither side changed."""
        if not parents:
            return None
        base = bytes(parents[0].snapshot)
        if snapshot == bytes(commit.snapshot) and not self._was_changed(commit.parents[0]):
            return bytes(commit.change_set) if commit.change_set else None
        before, after = (snapshots.load(self.work.nodes, address) for address in (base, snapshot))
        return changeset_codec.save(self.work.nodes, changeset.direct(self.work.nodes, before, after))

    def _was_changed(self, parent: str) -> bool:
        old = CommitRecord.objects.get(network=self.repository.network_id, commit_id=parent)
        return bytes(old.snapshot) in self.snapshots
