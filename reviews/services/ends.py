"""The two ends of a pull request: where its source and target are now, and what lies between them."""

from __future__ import annotations

from dataclasses import dataclass

from hub.accounts.models import User
from hub.errors import Invalid
from hub.folding import folded
from repos import access
from repos.access import Actor
from repos.errors import NotFound
from repos.models import Ref, Repository, Role
from repos.selectors import graph
from repos.selectors.refs import branch
from reviews.errors import UnrelatedHistories
from reviews.models import PullRequest


@dataclass(frozen=True)
class Source:
    """A branch of the target repository or of one in its network."""

    repository: Repository
    branch: str
    head: str


@dataclass(frozen=True)
class Between:
    """Heads of source and target, their best common ancestor, and the commits each has alone."""

    head: str
    base: str
    merge_base: str
    ahead: int
    behind: int


def find_source(actor: Actor, target: Repository, text: str) -> Source:
    """`branch` of the target, or `owner:branch` of the repository that owner has in the target's network."""
    owner, colon, name = text.partition(":")
    repository = _of_owner(actor, target, owner) if colon else target
    ref = branch(repository, name if colon else text)
    if ref is None:
        raise Invalid(f"source: there is no branch {text!r}", field="source")
    return Source(repository, ref.short, ref.commit_id)


def _of_owner(actor: Actor, target: Repository, owner: str) -> Repository:
    if owner.lower() == target.owner.username.lower():
        return target
    in_network = access.readable(actor).filter(folded("owner__username", owner), network=target.network_id)
    found = in_network.order_by("pk").first()
    if found is None:
        raise Invalid(f"source: {owner} has no fork of {target} that you can see", field="source")
    return found


def target_head(repository: Repository, name: str) -> str:
    ref = branch(repository, name)
    if ref is None:
        raise NotFound("branch", name)
    return ref.commit_id


def between(network_id: int, head: str, base: str) -> Between:
    """UnrelatedHistories when the two share no commit."""
    bases = graph.merge_bases(network_id, base, head)
    if not bases:
        raise UnrelatedHistories(head[:10], base[:10])
    ahead, behind = graph.ahead_behind(network_id, head, base)
    return Between(head, base, bases[0], ahead, behind)


def may_push(actor: User, repository: Repository) -> bool:
    return access.role_of(actor, repository) >= Role.WRITE


def source_ref(pull: PullRequest) -> Ref | None:
    """The source branch as it is now; None when it or its repository is gone."""
    source = pull.source_repository
    return None if source is None or source.deleted_at is not None else branch(source, pull.source_branch)


def target_ref(pull: PullRequest) -> Ref | None:
    return branch(pull.repository, pull.target_branch)


def severed(pull: PullRequest) -> str:
    """Why source and target cannot meet any more, in words; empty when they can."""
    target, source = target_ref(pull), source_ref(pull)
    if target is None:
        return f"the target branch {pull.target_branch} is gone"
    head = source.commit_id if source else pull.head
    moved = (head, target.commit_id) != (pull.head, pull.base)
    if moved and not graph.merge_bases(pull.repository.network_id, target.commit_id, head):
        return f"{pull.source_branch} and {pull.target_branch} share no commit any more"
    return ""
