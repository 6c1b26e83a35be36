"""Who set a label, and everything that happened to one sample: read back along the commits that touched it.

Invariant: the way back goes to a parent that says the same of the sample, if there is one, so that a merged pull
request is told by its own commits and not by the merge. Cost: commits are looked up in runs, and what a run of them
says of the sample is fetched together; one whose tree of the layer has the address of its parent's is not read. What
takes longer than the budget is answered as far as it came, and says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from repos.access import Revision
from repos.annotations.blame import EntryBlame, Step, blame, history
from repos.annotations.model import LayerEntry
from repos.annotations.schema import Schema
from repos.annotations.semantic import Change
from repos.annotations.snapshot import SnapshotView
from repos.errors import NotFound
from repos.labelstore.ahead import Ahead
from repos.models import CommitRecord, Repository
from repos.selectors.commits import records
from repos.selectors.graph import lookup
from repos.selectors.people import Person, people
from repos.selectors.snapshots import hold_entries, snapshot_at, view_of
from repos.services.stores import nodes_of

BUDGET_SECONDS = 0.5
FIRST_AHEAD, MOST_AHEAD = 8, 64
"""Commits whose entries are fetched together."""


@dataclass(frozen=True)
class Told:
    """The commits that an answer names, and whether the way back was followed to its end."""

    commits: dict[str, CommitRecord]
    people: dict[str, Person]
    complete: bool


@dataclass(frozen=True)
class SampleBlame:
    entry: EntryBlame
    schema: Schema
    told: Told


@dataclass(frozen=True)
class SampleEvent:
    """One commit that touched a sample, and what it did to the labels of the layer."""

    commit: CommitRecord
    changes: list[Change]


def sample_blame(revision: Revision, key: str, layer: str, budget: float = BUDGET_SECONDS) -> SampleBlame:
    """The commit that set each facet of each annotation of a sample. NotFound when there is no such sample."""
    view = view_of(revision)
    if view.sample(key) is None:
        raise NotFound("sample", key)
    walk = _Walk(revision.repository, key, layer, time.monotonic() + budget)
    found = blame(view.entry(layer, key) or LayerEntry(), walk.steps(revision.commit), view.schema)
    named = {c for one in found.annotations for c in one.facets.values()} | (
        {found.review} if found.review else set()
    )
    return SampleBlame(found, view.schema, walk.told(named))


def sample_history(
    revision: Revision, key: str, layer: str, limit: int = 30, budget: float = BUDGET_SECONDS
) -> tuple[list[SampleEvent], Told]:
    """What each commit did to the labels of a sample in one layer, newest first."""
    view = view_of(revision)
    walk = _Walk(revision.repository, key, layer, time.monotonic() + budget)
    found: list[tuple[str, list[Change]]] = []
    for commit_id, changes in history(key, layer, walk.steps(revision.commit), view.schema):
        if len(found) == limit:
            walk.complete = False
            break
        found.append((commit_id, changes))
    told = walk.told({commit_id for commit_id, _ in found})
    return [SampleEvent(told.commits[commit_id], changes) for commit_id, changes in found], told


@dataclass
class _Walk:
    """Back from a commit along the parents that say the same of one entry."""

    repository: Repository
    key: str
    layer: str
    deadline: float
    complete: bool = True
    known: dict[str, CommitRecord] = field(default_factory=dict)

    def steps(self, commit: CommitRecord) -> Iterator[Step]:
        self.known[commit.commit_id] = commit
        here, entry = self._view(commit), self._entry(self._view(commit))
        while commit.parents:
            if time.monotonic() > self.deadline:
                self.complete = False
                return
            parents = self._parents(commit)
            self._look_ahead(parents[0])
            sides = [(parent, self._view(parent)) for parent in parents]
            same = next(((p, v) for p, v in sides if self._same(here, entry, v)), None)
            if same is None:
                before = self._entry(sides[0][1])
                yield Step(commit.commit_id, before, entry)
                (commit, here), entry = sides[0], before
            else:
                commit, here = same
        if entry is not None:
            yield Step(commit.commit_id, None, entry)

    def __post_init__(self) -> None:
        self._ahead = Ahead(nodes_of(self.repository.network))
        self._held, self._run = set[str](), FIRST_AHEAD

    def _view(self, commit: CommitRecord) -> SnapshotView:
        return SnapshotView(self._ahead, snapshot_at(self._ahead, bytes(commit.snapshot)))

    def _look_ahead(self, commit: CommitRecord) -> None:
        """Fetch the entry as a run of first parents has it, more commits each time: a few round trips for all."""
        if commit.commit_id in self._held:
            return
        line: list[CommitRecord] = []
        while len(line) < self._run and (found := self.known.get(commit.commit_id)) is not None:
            line.append(found)
            if not found.parents or found.parents[0] not in self.known:
                break
            commit = self.known[found.parents[0]]
        self._held |= {found.commit_id for found in line}
        self._run = min(4 * self._run, MOST_AHEAD)
        hold_entries(self._ahead, [bytes(found.snapshot) for found in line], self.layer, self.key)

    def _entry(self, view: SnapshotView) -> LayerEntry | None:
        return view.entry(self.layer, self.key)

    def _same(self, here: SnapshotView, entry: LayerEntry | None, there: SnapshotView) -> bool:
        ours, theirs = (view.snapshot.layers.get(self.layer) for view in (here, there))
        return ours == theirs or self._entry(there) == entry

    def _parents(self, commit: CommitRecord) -> list[CommitRecord]:
        missing = [parent for parent in commit.parents if parent not in self.known]
        if missing:
            run = lookup(self.repository.network_id)(missing)
            self.known |= records(self.repository, list(run))
        return [self.known[parent] for parent in commit.parents]

    def told(self, named: set[str]) -> Told:
        commits = {commit_id: self.known[commit_id] for commit_id in named}
        return Told(commits, people(c.author for c in commits.values()), self.complete)
