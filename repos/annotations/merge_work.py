"""Which samples of a merge become objects, under which keys they are found on each side, and their states
there.

Invariant: every key that both sides touched is in exactly one job; a key that one side touched alone is in a
job only where a rename of the other side leads there, or a decision needs it. Cost: point reads of the keys
of jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from repos.annotations.changeset import ChangeSet
from repos.annotations.conflicts import Conflict, ConflictKind, Report, ReportKind, Where
from repos.annotations.merge_columns import touched_keys
from repos.annotations.merge_sample import NO_SAMPLE, SampleState
from repos.annotations.model import Sample
from repos.annotations.resolve import Choice
from repos.annotations.samples import attach_texts, sample_from
from repos.annotations.schema import Schema
from repos.annotations.semantic import renames
from repos.annotations.small_merges import Desk
from repos.annotations.snapshot import Snapshot, SnapshotView
from repos.annotations.subtrees import unfolded
from repos.annotations.validate import EntryChecks
from repos.labelstore.ports import NodeReader

MAX_SPAN = 2**53
"""A length that no span exceeds: texts are not what is asked about."""


@dataclass(frozen=True, slots=True)
class Job:
    """One sample that is merged as objects: its key in the result and on each side."""

    key: str
    base: str
    ours: str
    theirs: str

    @property
    def plain(self) -> bool:
        """Under one key everywhere."""
        return self.key == self.base == self.ours == self.theirs

    @property
    def keys(self) -> tuple[str, str, str, str]:
        return (self.key, self.base, self.ours, self.theirs)


def renamed_keys(nodes: NodeReader, changes: ChangeSet) -> dict[str, str]:
    """Old key -> new key of the samples that a side renamed."""
    before, after = changes.samples
    removed = {k: r for k, r in before.items() if after.get(k) is None}
    added = {k: r for k, r in after.items() if before.get(k) is None}
    if not removed or not added:
        return {}
    return renames(_samples(nodes, removed), _samples(nodes, added))


def _samples(nodes: NodeReader, records: Mapping[bytes, bytes]) -> dict[str, Sample]:
    loaded = attach_texts(list(records.values()), nodes)
    return {key.decode(): sample_from(record) for key, record in zip(records, loaded, strict=True)}


def plan(
    nodes: NodeReader, desk: Desk, to_ours: ChangeSet, to_theirs: ChangeSet, needed: Iterable[str] = ()
) -> list[Job]:
    """The jobs of a merge, by key of the result. `needed`: keys that must be objects whoever touched them."""
    mine, other = touched_keys(to_ours), touched_keys(to_theirs)
    by_ours, by_theirs = renamed_keys(nodes, to_ours), renamed_keys(nodes, to_theirs)
    jobs = [
        job
        for old in sorted({*by_ours, *by_theirs})
        for job in _rename(desk, old, by_ours, by_theirs, mine, other)
    ]
    used = {key for job in jobs for key in job.keys}
    plain = {key.decode() for key in mine & other}.union(needed) - used
    return sorted([*jobs, *(Job(key, key, key, key) for key in plain)], key=lambda job: job.key)


def _rename(
    desk: Desk,
    old: str,
    by_ours: Mapping[str, str],
    by_theirs: Mapping[str, str],
    mine: set[bytes],
    other: set[bytes],
) -> list[Job]:
    """The job of one renamed sample, if the other side has anything to say about it."""
    ours, theirs = by_ours.get(old), by_theirs.get(old)
    if ours is not None and theirs is not None:
        return [Job(_one_key(desk, old, ours, theirs), old, ours, theirs)]
    new, touched = (ours, other) if ours is not None else (theirs, mine)
    if new is None or old.encode() not in touched or new.encode() in touched:
        return []
    desk.reports.append(Report(ReportKind.RENAMED, Where(new, "key"), ours or old, theirs or old))
    return [Job(new, old, ours or old, theirs or old)]


def _one_key(desk: Desk, old: str, ours: str, theirs: str) -> str:
    if ours == theirs:
        return ours
    conflict = Conflict(ConflictKind.RENAME, Where(old, "key"), old, ours, theirs, "renamed on both sides")
    answer = desk.decide(conflict)
    if answer.choice is Choice.CUSTOM:
        return str(answer.value)
    return {Choice.BASE: old, Choice.OURS: ours, Choice.THEIRS: theirs}[answer.choice]


def come_or_gone(changes: ChangeSet) -> set[bytes]:
    """Keys of samples that a side added or removed."""
    before, after = changes.samples
    return set(before.keys) ^ set(after.keys)


def forbidden_keys(nodes: NodeReader, side: Snapshot, changes: ChangeSet, schema: Schema) -> set[str]:
    """Samples that a side changed and whose labels another schema does not allow."""
    view, found = SnapshotView(nodes, side), set[str]()
    for name, (block, _) in changes.layers.items():
        whole = unfolded(view.layer_block(name, [key.decode() for key in block.keys]), nodes)
        checks = EntryChecks(name, schema, lambda keys: dict.fromkeys(keys, MAX_SPAN), lambda key, mark: None)
        checks(whole, whole)
        found.update(broken.key for broken in checks.violations if broken.key is not None)
    return found


def states(nodes: NodeReader, snapshot: Snapshot, keys: Sequence[str]) -> dict[str, SampleState]:
    """Samples with their entries of all layers, everything loaded; keys that do not exist are left out."""
    view = SnapshotView(nodes, snapshot)
    wanted = sorted(set(keys))
    samples = view.samples(wanted)
    layers = {name: view.entries(name, wanted) for name in view.layer_names} if wanted else {}
    return {
        key: SampleState(sample, {name: found[key] for name, found in layers.items() if key in found})
        for key, sample in samples.items()
    }


def state_of(found: Mapping[str, SampleState], key: str) -> SampleState:
    return found.get(key, NO_SAMPLE)
