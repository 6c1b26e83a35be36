"""Questions about the graph of commits, over a function that looks commits up.

Invariant: a commit's generation is above that of each of its parents (1 for a root, else 1 + the highest), so what is
popped in order of falling generation has no descendant left to come, and a search stops where it must.
Cost: proportional to the commits between what was asked and the answer; each is looked up once, a whole generation
at a time. A lookup may answer with more commits than it was asked for (a run of ancestors): they are remembered,
which makes a long line of commits cost few round trips.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from repos.labelstore.errors import LabelStoreError


@dataclass(frozen=True, slots=True)
class CommitNode:
    """What walks need of a commit: id, parents, generation, UTC seconds of committing."""

    id: str
    parents: tuple[str, ...]
    generation: int
    committed_at: int


Lookup = Callable[[Sequence[str]], Mapping[str, CommitNode]]


class UnknownCommit(LabelStoreError):
    """A commit that a lookup does not know, or that is not what its child says."""

    template = "commit {commit_id}: {reason}"

    def __init__(self, commit_id: str, reason: str = "it is not known here") -> None:
        super().__init__(commit_id=commit_id, reason=reason)
        self.commit_id, self.reason = commit_id, reason


def generation(parents: Iterable[CommitNode]) -> int:
    """The generation of a commit with these parents."""
    return 1 + max((parent.generation for parent in parents), default=0)


class _Known:
    """Commits looked up so far."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup, self._nodes = lookup, dict[str, CommitNode]()

    def many(self, ids: Sequence[str]) -> list[CommitNode]:
        if missing := [commit for commit in dict.fromkeys(ids) if commit not in self._nodes]:
            self._nodes.update(self._lookup(missing))
        for commit in ids:
            if commit not in self._nodes:
                raise UnknownCommit(commit)
        return [self._nodes[commit] for commit in ids]

    def parents(self, children: Sequence[CommitNode]) -> list[CommitNode]:
        """All parents of `children`, with repeats, in order."""
        found = self.many([parent for child in children for parent in child.parents])
        at = iter(found)
        for child in children:
            for _, parent in zip(child.parents, at, strict=False):
                if parent.generation >= child.generation:
                    raise UnknownCommit(parent.id, "its generation is not below that of its child")
        return found


class _Front:
    """Commits still to be visited, the highest generation first, each with the union of the marks it was given."""

    def __init__(self) -> None:
        self.marks: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []
        self._nodes: dict[str, CommitNode] = {}

    def add(self, node: CommitNode, mark: int) -> None:
        if node.id not in self._nodes:
            self._nodes[node.id] = node
            heappush(self._heap, (-node.generation, node.id))
        self.marks[node.id] = self.marks.get(node.id, 0) | mark

    def top(self) -> int:
        """Highest generation that is left; 0 when nothing is."""
        return -self._heap[0][0] if self._heap else 0

    def pop(self) -> list[CommitNode]:
        """All commits of the highest generation: their marks are final."""
        height, level = self.top(), []
        while self._heap and self.top() == height:
            level.append(self._nodes[heappop(self._heap)[1]])
        return level

    def waiting(self) -> Iterator[int]:
        """Marks of what is left."""
        return (self.marks[commit] for _, commit in self._heap)


OURS, THEIRS, STALE = 1, 2, 4


def merge_bases(lookup: Lookup, a: str, b: str) -> list[str]:
    """All best common ancestors of `a` and `b`: those that are not ancestors of another one. The highest generation
    first, then by id; several when histories cross, none when they are unrelated."""
    known, front, bases = _Known(lookup), _Front(), []
    for node, mark in zip(known.many([a, b]), (OURS, THEIRS), strict=True):
        front.add(node, mark)
    while any(not mark & STALE for mark in front.waiting()):
        for node, mark in _popped(known, front, _stale_below):
            if mark == OURS | THEIRS:
                bases.append(node.id)
    return bases


def _stale_below(mark: int) -> int:
    """A common ancestor marks everything below it as no longer best."""
    return mark | STALE if mark & OURS and mark & THEIRS else mark


def _popped(
    known: _Known, front: _Front, below: Callable[[int], int] = lambda mark: mark
) -> list[tuple[CommitNode, int]]:
    """One generation with its final marks; its parents go to the front with what `below` makes of them."""
    level = sorted(front.pop(), key=lambda node: node.id)
    parents = iter(known.parents(level))
    for node in level:
        for _, parent in zip(node.parents, parents, strict=False):
            front.add(parent, below(front.marks[node.id]))
    return [(node, front.marks[node.id]) for node in level]


def is_ancestor(lookup: Lookup, ancestor: str, descendant: str) -> bool:
    """Whether `descendant` can reach `ancestor`; every commit reaches itself."""
    known, front = _Known(lookup), _Front()
    goal, start = known.many([ancestor, descendant])
    front.add(start, OURS)
    while front.top() > goal.generation:
        _popped(known, front)
    return goal.id in front.marks


def ahead_behind(lookup: Lookup, a: str, b: str) -> tuple[int, int]:
    """How many commits `a` has that `b` has not, and the reverse."""
    known, front, counts = _Known(lookup), _Front(), {OURS: 0, THEIRS: 0, OURS | THEIRS: 0}
    for node, mark in zip(known.many([a, b]), (OURS, THEIRS), strict=True):
        front.add(node, mark)
    while any(mark != OURS | THEIRS for mark in front.waiting()):
        for _, mark in _popped(known, front):
            counts[mark] += 1
    return counts[OURS], counts[THEIRS]


def walk(lookup: Lookup, starts: Iterable[str], exclude: Iterable[str] = ()) -> Iterator[CommitNode]:
    """Commits that `starts` reach and `exclude` do not, the newest first, none before one of its children whatever
    the clocks said; of equal times the smaller id first. Lazily."""
    known, front = _Known(lookup), _Front()
    heads = known.many(list(dict.fromkeys(starts)))
    for node in heads:
        front.add(node, OURS)
    for node in known.many(list(dict.fromkeys(exclude))):
        front.add(node, THEIRS)
    children: Counter[str] = Counter()
    ready: list[tuple[int, str]] = []

    def offer(node: CommitNode) -> None:
        """Make `node` ready if all its children were given out. Everything above it is visited first, which counts
        its children and finds whether it is excluded; a commit that is not excluded has no excluded child."""
        while front.top() > node.generation:
            for above, _ in _popped(known, front):
                children.update(above.parents)
        if not children[node.id] and front.marks[node.id] == OURS:
            heappush(ready, (-node.committed_at, node.id))

    for node in heads:
        offer(node)
    while ready:
        node = known.many([heappop(ready)[1]])[0]
        yield node
        for parent in known.parents([node]):
            children[parent.id] -= 1
            offer(parent)
