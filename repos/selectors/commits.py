"""Pages of history, single commits, what lies between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.core import signing

from hub.errors import Invalid
from repos.access import Revision
from repos.labelstore import graph
from repos.labelstore.graph import CommitNode
from repos.models import CommitRecord, Repository
from repos.selectors.graph import lookup
from repos.selectors.people import Person, people

SALT, SPAN_SALT = "repos.commits", "repos.commits.between"
FRONTIER = 64


@dataclass(frozen=True)
class CommitsPage:
    """Commits, newest first, none before one of its children; `cursor` for the page behind them."""

    commits: list[CommitRecord]
    people: dict[str, Person]
    cursor: str | None


def history(revision: Revision, cursor: str | None = None, limit: int = 30) -> CommitsPage:
    """Commits that a revision leads to. Costs the same for every page.

    The cursor holds the commits where the next page starts: parents of what was shown that were not. It is signed, as
    it would otherwise open commits of other repositories of the network. With very many of them it counts instead.
    """
    repository = revision.repository
    starts, skip = _position(repository, cursor) if cursor else ([revision.commit_id], 0)
    walk = graph.walk(lookup(repository.network_id), starts)
    shown = list(islice(walk, skip, skip + limit))
    following = (
        _following(repository, starts, skip, shown) if len(shown) == limit and next(walk, None) else None
    )
    return _page(repository, [node.id for node in shown], following)


def between(
    repository: Repository, base: str, head: str, cursor: str | None = None, limit: int = 100
) -> CommitsPage:
    """Commits of `head` that `base` does not have: those of a pull request, newest first, a page at a time.

    Costs a walk from the head to the end of the page: what a pull request holds is short beside a history.
    """
    skip = _skipped(repository, head, cursor) if cursor else 0
    walk = graph.walk(lookup(repository.network_id), [head], [base])
    shown = list(islice(walk, skip, skip + limit))
    more = len(shown) == limit and next(walk, None) is not None
    following = signing.dumps([repository.pk, head, skip + limit], salt=SPAN_SALT) if more else None
    return _page(repository, [node.id for node in shown], following)


def _skipped(repository: Repository, head: str, cursor: str) -> int:
    """How many commits were shown; of a head that has moved since, the pages begin anew."""
    pk, pinned, skip = _signed(cursor, SPAN_SALT)
    _check_home(repository, pk)
    return int(skip) if pinned == head else 0


def _following(repository: Repository, starts: list[str], skip: int, shown: list[CommitNode]) -> str:
    seen = {node.id for node in shown}
    parents = [parent for node in shown for parent in node.parents]
    open_ends = [c for c in dict.fromkeys([*starts, *parents]) if c not in seen]
    if skip or len(open_ends) > FRONTIER:
        return signing.dumps([repository.pk, starts, skip + len(shown)], salt=SALT, compress=True)
    return signing.dumps([repository.pk, open_ends, 0], salt=SALT, compress=True)


def _position(repository: Repository, cursor: str) -> tuple[list[str], int]:
    pk, starts, skip = _signed(cursor, SALT)
    _check_home(repository, pk)
    return starts, skip


def _signed(cursor: str, salt: str) -> tuple[Any, Any, Any]:
    try:
        first, second, third = signing.loads(cursor, salt=salt)
    except (signing.BadSignature, ValueError) as error:
        raise Invalid("the cursor is not one this server gave", field="cursor") from error
    return first, second, third


def _check_home(repository: Repository, pk: int) -> None:
    if pk != repository.pk:
        raise Invalid("the cursor belongs to another repository", field="cursor")


def _page(repository: Repository, ids: list[str], cursor: str | None) -> CommitsPage:
    found = records(repository, ids)
    commits = [found[commit_id] for commit_id in ids]
    return CommitsPage(commits, people(i for c in commits for i in (c.author, c.committer)), cursor)


def records(repository: Repository, ids: list[str]) -> dict[str, CommitRecord]:
    """Commits of the network by id; whoever calls has checked that they may be read."""
    rows = CommitRecord.objects.filter(network=repository.network_id, commit_id__in=ids)
    return {row.commit_id: row for row in rows}
