"""Forks: a new set of refs over the same network. Costs O(refs), whatever the number of samples."""

from __future__ import annotations

from django.db import connection, transaction

from hub.accounts.models import User
from repos import access
from repos.errors import BadValue, Diverged, NotFound, Taken
from repos.models import CommitRecord, Ref, Repository, Role, Visibility
from repos.names import HEADS
from repos.reachability import descends
from repos.services import refs, repositories

_COPY_REFS = """
INSERT INTO repos_ref (repository_id, kind, name, commit_id, message, created_at, updated_at, updated_by_id)
SELECT %(fork)s, kind, name, commit_id, message, now(), now(), %(actor)s
  FROM repos_ref WHERE repository_id = %(upstream)s AND kind IN ('branch', 'tag')
"""


@transaction.atomic
def fork(
    actor: User,
    upstream: Repository,
    *,
    name: str = "",
    owner: User | None = None,
    visibility: str | None = None,
) -> Repository:
    """The actor's fork of a repository they can read: the one they have already, else a new one.

    Branches and tags are copied, hidden refs are not. A fork of a private repository is private.
    """
    access.require(actor, upstream, Role.READ)
    owner = owner or actor
    access.require_owner(actor, owner)
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)  # two presses of one button make one fork
    if (present := fork_of(owner, upstream)) is not None and (
        not name or name.lower() == present.name.lower()
    ):
        return present
    made = _insert(owner, upstream, name, _visibility(upstream, visibility))
    # first the count: it locks the upstream's row, so that no purge rewrites refs between reading and copying them
    repositories.count_forks(upstream.pk)
    with connection.cursor() as cursor:
        cursor.execute(_COPY_REFS, {"fork": made.pk, "upstream": upstream.pk, "actor": actor.pk})
    return made


def fork_of(owner: User, upstream: Repository) -> Repository | None:
    """The fork of `upstream` that `owner` has, if any; the upstream itself when it is theirs is not a fork."""
    found = Repository.objects.filter(owner=owner, upstream=upstream, deleted_at=None)
    return found.select_related("owner", "network", "upstream__owner").order_by("pk").first()


def _visibility(upstream: Repository, wanted: str | None) -> str:
    if wanted is not None and wanted not in Visibility.values:
        raise BadValue("visibility", wanted, "public or private")
    if upstream.is_private and wanted == Visibility.PUBLIC:
        raise BadValue("visibility", wanted, "private, as the upstream is private")
    return Visibility.PRIVATE if upstream.is_private else wanted or Visibility.PUBLIC


def _insert(owner: User, upstream: Repository, name: str, visibility: str) -> Repository:
    """Under the given name, or under the upstream's and then with a number while that is taken."""
    fields = {
        "network": upstream.network,
        "upstream": upstream,
        "guards": [upstream.pk, *upstream.guards] if upstream.is_private else [],
        "visibility": visibility,
        "description": upstream.description,
        "topics": upstream.topics,
        "licence": upstream.licence,
        "default_branch": upstream.default_branch,
    }
    if name:
        repositories.check_name(name)
        return repositories.insert(owner, name, **fields)
    for n in range(100):
        candidate = upstream.name if n == 0 else f"{upstream.name[:96]}-{n}"
        try:
            return repositories.insert(owner, candidate, **fields)
        except Taken:
            continue
    raise Taken("repository", f"{owner.username}/{upstream.name}")


def sync_fork(actor: User, repository: Repository, *, branch: str = "") -> Ref:
    """Fast-forward a branch to the same branch upstream. Diverged when it has commits of its own. Needs write."""
    access.require(actor, repository, Role.WRITE)
    branch = branch or repository.default_branch
    theirs, commit = _upstream_head(actor, repository, branch)
    ours = Ref.objects.filter(repository=repository, name=HEADS + branch).first()
    if ours is None:
        return refs.move(actor, repository, HEADS + branch, None, theirs.commit_id, "sync")
    own = CommitRecord.objects.get(network=repository.network_id, commit_id=ours.commit_id)
    if ours.commit_id == theirs.commit_id or descends(repository.network_id, [ours.commit_id], commit):
        return ours
    if not descends(repository.network_id, [theirs.commit_id], own):
        raise Diverged(branch)
    return refs.move(actor, repository, HEADS + branch, ours.commit_id, theirs.commit_id, "sync")


def _upstream_head(actor: User, repository: Repository, branch: str) -> tuple[Ref, CommitRecord]:
    if repository.upstream_id is None:
        raise NotFound("upstream", str(repository))
    upstream = access.get_repository_by_id(actor, repository.upstream_id)
    ref = Ref.objects.filter(repository=upstream, name=HEADS + branch).first()
    if ref is None:
        raise NotFound("upstream branch", branch)
    return ref, CommitRecord.objects.get(network=upstream.network_id, commit_id=ref.commit_id)


def ensure_fork_and_branch(
    actor: User, upstream: Repository, *, at: str, prefix: str = "patch"
) -> tuple[Repository, str]:
    """Where `actor` can edit what `upstream` shows at revision `at`: (repository, branch), made when missing.

    Who may write gets a new branch there; everybody else a branch of their fork. The branch is `patch-1`, `patch-2` ...
    """
    revision = access.resolve_revision(upstream, at)
    where = upstream if access.role_of(actor, upstream) >= Role.WRITE else fork(actor, upstream)
    for n in range(1, 1000):
        name = f"{prefix}-{n}"
        try:
            refs.make(actor, where, HEADS + name, revision.commit_id, "create")
        except Taken:
            continue
        return where, name
    raise Taken("branch", f"{prefix}-n")
