"""merge(base, ours, theirs): a snapshot, what changed against ours, and every conflict as data.

Invariant: what one side alone touched is taken as it is, column by column; only samples that both touched
become objects and are merged field by field (merge_sample). Applied to ours, `changes` gives `snapshot`.
While a conflict is open ours stands there; with an open conflict about the schema the snapshot is ours. Cost:
O(rows that theirs changed) in columns, O(samples that both changed) in objects, one edit of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from repos.annotations.apply import Applied, apply_edit
from repos.annotations.blocks import LayerBlock
from repos.annotations.changeset import ChangeSet, direct
from repos.annotations.conflicts import Conflict, ConflictKind, Report, Side, Where
from repos.annotations.edits import SnapshotEdit
from repos.annotations.merge_columns import labels_of, patch_of
from repos.annotations.merge_entry import same_entry
from repos.annotations.merge_files import merge_files
from repos.annotations.merge_rows import partial_states, put_rows
from repos.annotations.merge_sample import NO_SAMPLE, Merging, SampleState, merge_sample, same_sample
from repos.annotations.merge_schema import SchemaMerge, merge_schema
from repos.annotations.merge_work import Job, come_or_gone, forbidden_keys, plan, state_of, states
from repos.annotations.model import LayerEntry
from repos.annotations.patch import replacing
from repos.annotations.records import RecordBlock
from repos.annotations.resolve import NO_RESOLUTIONS, Resolutions
from repos.annotations.samples import FileRecord, file_from
from repos.annotations.small_merges import Desk
from repos.annotations.snapshot import Snapshot
from repos.annotations.validate import Violation
from repos.labelstore.ports import NodeStore

ROUNDS = 4
"""A merge that breaks a rule is made again with the samples concerned as objects, then with ours in their
place.
"""


CHUNK = 1024
"""Samples that are objects at a time."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Merged:
    """The result; `changes` against ours. Ready to be committed when there is no conflict."""

    snapshot: Snapshot
    changes: ChangeSet
    conflicts: Sequence[Conflict] = ()
    reports: Sequence[Report] = ()


def merge(
    nodes: NodeStore,
    base: Snapshot,
    ours: Snapshot,
    theirs: Snapshot,
    resolutions: Resolutions = NO_RESOLUTIONS,
    *,
    to_ours: ChangeSet | None = None,
    to_theirs: ChangeSet | None = None,
    report: Progress = lambda done, total: None,
) -> Merged:
    """Merge theirs into ours.

    The change sets from the base, when they are at hand, save walking the trees. `report(done, total)` tells now and
    then how many of the samples that both sides touched are merged.
    """
    if theirs in (base, ours):
        return Merged(ours, ChangeSet((ours.schema, ours.schema)))
    to_theirs = to_theirs or direct(nodes, base, theirs)
    if base == ours:
        return Merged(theirs, to_theirs)
    to_ours = to_ours or direct(nodes, base, ours)
    work = _Work(nodes, base, ours, theirs, to_ours, to_theirs, resolutions, report)
    return work.run()


@dataclass(slots=True)
class _Work:
    nodes: NodeStore
    base: Snapshot
    ours: Snapshot
    theirs: Snapshot
    to_ours: ChangeSet
    to_theirs: ChangeSet
    resolutions: Resolutions
    report: Progress
    needed: set[str] = field(default_factory=set)
    kept: dict[str, Violation] = field(default_factory=dict)

    def run(self) -> Merged:
        for _ in range(ROUNDS):
            desk = Desk(self.resolutions)
            schema = self._schema(desk)
            if any(c.kind is ConflictKind.SCHEMA for c in desk.conflicts):
                self._samples(desk, schema)
                return self._as_ours(desk)
            edit = self._samples(desk, schema)
            edit.put_schema(schema.schema)
            self._files(desk, edit)
            applied = apply_edit(self.nodes, self.ours, edit)
            if not applied.violations:
                return self._done(desk, applied)
            if not self._learn(applied.violations):
                break
        self._report(desk, applied.violations)
        return self._as_ours(desk)

    def _schema(self, desk: Desk) -> SchemaMerge:
        uses = (lambda ids: labels_of(self.to_ours, ids)), (lambda ids: labels_of(self.to_theirs, ids))
        merged = merge_schema(desk, self.base.schema, self.ours.schema, self.theirs.schema, uses)
        for changes in (self.to_ours, self.to_theirs) if merged.dropped else ():
            self.needed.update(key for key, _, _ in labels_of(changes, merged.dropped, most=10**9))
        if (
            merged.schema != self.ours.schema
        ):  # theirs' rows are looked at when they are put, ours' are there already
            self.needed.update(forbidden_keys(self.nodes, self.ours, self.to_ours, merged.schema))
        return merged

    def _samples(self, desk: Desk, schema: SchemaMerge) -> SnapshotEdit:
        schemas = {Side.BASE: self.base.schema, Side.OURS: self.ours.schema, Side.THEIRS: self.theirs.schema}
        merging = Merging(desk, schema.schema, schemas)
        jobs = plan(self.nodes, desk, self.to_ours, self.to_theirs, self.needed)
        edit = SnapshotEdit()
        alone = {key.encode() for job in jobs for key in job.keys}
        self._bulk(edit, alone)
        self._jobs(edit, merging, jobs, schema.dropped)
        return edit

    def _bulk(self, edit: SnapshotEdit, without: set[bytes]) -> None:
        """What theirs alone touched."""
        before, after = self.to_theirs.samples
        put = RecordBlock.from_mapping({k: r for k, r in after.items() if k not in without})
        if len(put):
            edit.put_samples(put)
        removed = {k for k in before.keys if k not in without and after.get(k) is None}
        for key in sorted(removed):
            edit.delete_sample(key.decode())
        for name, change in sorted(self.to_theirs.layers.items()):
            patch = patch_of(change, without | removed)
            if len(patch):
                edit.patch_entries(name, patch)

    def _jobs(self, edit: SnapshotEdit, merging: Merging, jobs: list[Job], dropped: frozenset[bytes]) -> None:
        """What both touched: by the rows that differ where that is enough, else by whole samples."""
        whole = come_or_gone(self.to_ours) | come_or_gone(self.to_theirs)
        heavy = [job for job in jobs if not job.plain or job.key in self.needed or job.key.encode() in whole]
        light = sorted({job.key for job in jobs} - {job.key for job in heavy})
        for at in range(0, len(light), CHUNK):
            self.report(at, len(light))
            chunk = partial_states(self.nodes, self.to_ours, self.to_theirs, light[at : at + CHUNK])
            for key, (base, ours, theirs) in chunk.items():
                put_rows(edit, key, ours, merge_sample(merging, key, base, ours, theirs, whole=False))
        self._whole_jobs(edit, merging, heavy, dropped)

    def _whole_jobs(
        self, edit: SnapshotEdit, merging: Merging, jobs: list[Job], dropped: frozenset[bytes]
    ) -> None:
        sides = (
            states(self.nodes, self.base, [job.base for job in jobs]),
            states(self.nodes, self.ours, [job.ours for job in jobs]),
            states(self.nodes, self.theirs, [job.theirs for job in jobs]),
        )
        entries: dict[str, dict[str, LayerEntry | None]] = {}
        for job in jobs:
            base, ours, theirs = map(state_of, sides, (job.base, job.ours, job.theirs))
            opened = len(merging.desk.conflicts)
            merged = merge_sample(
                merging, job.key, *(_without_classes(s, dropped) for s in (base, ours, theirs))
            )
            if job.key in self.kept:
                merged = ours
                if len(merging.desk.conflicts) == opened:
                    merging.desk.conflicts.append(_constraint(self.kept[job.key], base, ours, theirs))
            _put_state(edit, entries, job, ours, merged)
        for name, found in sorted(entries.items()):
            made = ((key, entry or LayerEntry()) for key, entry in found.items())
            edit.patch_entries(name, replacing(LayerBlock.from_entries(made)))

    def _files(self, desk: Desk, edit: SnapshotEdit) -> None:
        base: dict[str, FileRecord] = {}
        sides: list[dict[str, FileRecord]] = []
        for before, after in (self.to_ours.files, self.to_theirs.files):
            base |= _files(before)
            sides.append(_files(after))
        for side, changes in zip(sides, (self.to_ours, self.to_theirs), strict=True):
            untouched = {path for path in base if changes.files[0].get(path.encode()) is None}
            side.update({path: base[path] for path in untouched if path not in side})
        merged = merge_files(desk, base, *sides)
        for path in sorted({*merged, *sides[0]}):
            if path not in merged:
                edit.delete_file(path)
            elif sides[0].get(path) != merged[path]:
                edit.put_file_record(path, merged[path])

    def _learn(self, violations: list[Violation]) -> bool:
        """Samples that must be looked at as objects, then left as ours. False when that would not help."""
        news = False
        for violation in violations:
            key = violation.key
            if key is None:
                continue
            if key not in self.needed:
                self.needed.add(key)
                news = True
            elif key not in self.kept:
                self.kept[key] = violation
                news = True
        return news

    def _report(self, desk: Desk, violations: list[Violation]) -> None:
        nothing = NO_SAMPLE
        desk.conflicts += [_constraint(v, nothing, nothing, nothing) for v in violations]

    def _done(self, desk: Desk, applied: Applied) -> Merged:
        return Merged(applied.snapshot, applied.changes, *_told(desk))

    def _as_ours(self, desk: Desk) -> Merged:
        return Merged(
            self.ours, ChangeSet((self.ours.schema, self.ours.schema)), desk.conflicts, desk.reports
        )


def _told(desk: Desk) -> tuple[list[Conflict], list[Report]]:
    """Conflicts and reports by place."""
    return sorted(desk.conflicts, key=lambda c: _place(c.where)), sorted(
        desk.reports, key=lambda r: _place(r.where)
    )


def _place(where: Where) -> tuple[str, str, bytes, str]:
    return where.key, where.layer or "", where.annotation or b"", where.facet


def _files(block: RecordBlock) -> dict[str, FileRecord]:
    return {path.decode(): file_from(record) for path, record in block.items()}


def _constraint(found: Violation, base: SampleState, ours: SampleState, theirs: SampleState) -> Conflict:
    """A rule of the model that the merged sample would break, and that no smaller conflict speaks of."""
    where = Where(found.key or "", f"constraint:{found.field}", found.layer, found.annotation)
    values = [None if side.sample is None else side for side in (base, ours, theirs)]
    detail = f"{found.field} {found.reason}, expected {found.expected}"
    return Conflict(ConflictKind.CONSTRAINT, where, values[0], values[1], values[2], detail)


def _put_state(
    edit: SnapshotEdit,
    entries: dict[str, dict[str, LayerEntry | None]],
    job: Job,
    ours: SampleState,
    merged: SampleState,
) -> None:
    """What turns ours' state of a job into the merged one."""
    moved = job.key != job.ours
    if ours.sample is not None and (moved or merged.sample is None):
        edit.delete_sample(job.ours)
        ours = NO_SAMPLE
    if merged.sample is None:
        return
    if not same_sample(ours.sample, merged.sample):
        edit.put_sample(job.key, merged.sample)
    for name in sorted({*ours.layers, *merged.layers}):
        entry = merged.layers.get(name)
        if not same_entry(ours.layers.get(name), entry):
            entries.setdefault(name, {})[job.key] = entry


def _without_classes(state: SampleState, dropped: frozenset[bytes]) -> SampleState:
    if not dropped:
        return state
    layers: Mapping[str, LayerEntry] = {
        name: replace(entry, annotations=tuple(a for a in entry if a.label_class not in dropped))
        for name, entry in state.layers.items()
    }
    return SampleState(state.sample, layers)
