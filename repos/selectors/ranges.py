"""The two ends of a comparison as they stand in an address: `a...b`, `a..b`, a side may be `owner:branch`."""

from __future__ import annotations

from dataclasses import dataclass

from hub.folding import folded
from repos import access
from repos.access import Actor, Revision
from repos.errors import BadValue, NotFound
from repos.models import CommitRecord, Repository
from repos.selectors.graph import ahead_behind, merge_bases


@dataclass(frozen=True)
class Range:
    """What is compared: from `base` to `b`. `base` is the merge base of `a` and `b` for three dots, else `a` itself."""

    repository: Repository
    a: Revision
    b: Revision
    base: CommitRecord
    three_dots: bool

    @property
    def pinned(self) -> bool:
        return self.a.pinned and self.b.pinned

    @property
    def text(self) -> str:
        """The same range by commit ids."""
        return f"{self.a.commit_id}{'...' if self.three_dots else '..'}{self.b.commit_id}"

    def ahead_behind(self) -> tuple[int, int]:
        """Commits that `b` has and `a` has not, and the reverse."""
        return ahead_behind(self.repository.network_id, self.b.commit_id, self.a.commit_id)


def parse_range(actor: Actor, repository: Repository, text: str) -> Range:
    """Both ends, read with the actor's rights. NotFound for an end that is not, or histories that never met."""
    three = "..." in text
    left, dots, right = text.partition("..." if three else "..")
    if not dots or not left or not right:
        raise BadValue("range", text, "a...b or a..b")
    a, b = end(actor, repository, left), end(actor, repository, right)
    return Range(repository, a, b, merge_base(repository, a, b) if three else a.commit, three)


def end(actor: Actor, repository: Repository, text: str) -> Revision:
    """A revision here, or `owner:branch` in that owner's repository of the same network."""
    owner, colon, name = text.partition(":")
    if not colon:
        return access.resolve_revision(repository, text)
    family = access.readable(actor).filter(network=repository.network_id)
    there = family.filter(folded("owner__username", owner)).order_by("pk").first()
    if there is None:
        raise NotFound("repository", f"of {owner} in this network")
    return access.resolve_revision(there, name)


def merge_base(repository: Repository, a: Revision, b: Revision) -> CommitRecord:
    """The best common ancestor; of several the one with the highest generation, then the smallest id."""
    found = merge_bases(repository.network_id, a.commit_id, b.commit_id)
    if not found:
        raise NotFound("common ancestor", f"{a.text} and {b.text}")
    return CommitRecord.objects.get(network=repository.network_id, commit_id=found[0])
