"""The only door to a repository, a revision of it, and what lies at that revision.

Invariant: what the actor may not read and what does not exist give the same error, built the same way. A fork of a
private repository (`guards`) opens only to who could enter each private repository it descends from. A commit is
served only if a ref of that very repository, hidden ones included, leads to it. Cost: one query for the repository
with the actor's role, one for the ref, one for the commit.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from hub.accounts.models import User
from hub.folding import folded
from repos.errors import AmbiguousRevision, EmptyRepository, NotAllowed, NotFound, SignInRequired
from repos.models import Collaborator, CommitRecord, CommitSuccessor, Ref, Repository, Role, Visibility
from repos.names import COMMIT_PREFIX, HEADS, TAGS, path_prefixes
from repos.reachability import is_reachable

Actor = User | AnonymousUser | None
_IDS: ArrayField[list[int], list[int]] = ArrayField(BigIntegerField())
MEMBER = Collaborator.State.ACCEPTED


@dataclass(frozen=True)
class Revision:
    """A commit that may be served, and the ref it was asked for by (None: by its id). `moved`: it was asked for by the
    id of a commit that was rewritten, and this is the one that stands for it."""

    repository: Repository
    commit: CommitRecord
    ref: Ref | None = None
    moved: bool = False

    @property
    def commit_id(self) -> str:
        return self.commit.commit_id

    @property
    def pinned(self) -> bool:
        """Named by its id, so that the same address means the same bytes for ever."""
        return self.ref is None and not self.moved

    @property
    def text(self) -> str:
        return self.commit_id if self.ref is None else self.ref.short


def user_id(actor: Actor) -> int | None:
    """Primary key of a signed-in actor, None for everybody else."""
    return actor.pk if actor is not None and actor.is_authenticated else None


def with_role(actor: Actor) -> QuerySet[Repository]:
    """Repositories that are not deleted, each with `member_role` (0 to 50) and its owner loaded."""
    live = (
        Repository.objects.filter(deleted_at=None)
        .select_related("owner", "network", "upstream__owner")
        .defer("search")
    )
    if (me := user_id(actor)) is None:
        return live.annotate(member_role=Value(0), member_id=Value(0))
    own = Collaborator.objects.filter(repository=OuterRef("pk"), user=me, state=MEMBER).values("role")[:1]
    return live.annotate(member_role=Coalesce(Subquery(own), Value(0)), member_id=Value(me))


def readable(actor: Actor) -> QuerySet[Repository]:
    """Every repository the actor may read: what lists and searches start from."""
    public = Q(visibility=Visibility.PUBLIC)
    if (me := user_id(actor)) is None:
        return with_role(actor).filter(public)
    entered = _entered(me)
    guards_open = Q(guards=[]) | Q(
        guards__contained_by=ArraySubquery(entered.values("pk"), output_field=_IDS)
    )
    listed = with_role(actor).filter(public | (Q(pk__in=entered.values("pk")) & guards_open))
    return listed.annotate(guards_open_for=Value(me))


def _entered(me: int) -> QuerySet[Repository]:
    mine = Collaborator.objects.filter(user=me, state=MEMBER).values("repository")
    return Repository.objects.filter(Q(owner=me) | Q(pk__in=mine), deleted_at=None)


def role_of(actor: Actor, repository: Repository) -> Role:
    """What the actor may do here now. One query at most; none for a public repository read by a stranger."""
    me = user_id(actor)
    if repository.deleted_at is not None:
        return Role.NONE
    role = Role.ADMIN if me is not None and repository.owner_id == me else _member_role(me, repository)
    if role is Role.NONE and not repository.is_private:
        return Role.READ
    if role is not Role.NONE and repository.guards and not _guards_open(me, repository):
        return Role.NONE
    return role


def _member_role(me: int | None, repository: Repository) -> Role:
    if me is None:
        return Role.NONE
    known = getattr(repository, "member_role", None)
    if known is None or getattr(repository, "member_id", None) != me:
        own = Collaborator.objects.filter(repository=repository, user=me, state=MEMBER)
        known = own.values_list("role", flat=True).first() or 0
    return Role(known)


def _guards_open(me: int | None, repository: Repository) -> bool:
    wanted = set(repository.guards)
    if me is not None and getattr(repository, "guards_open_for", None) == me:
        return True
    return me is not None and _entered(me).filter(pk__in=wanted).count() == len(wanted)


def get_repository(actor: Actor, owner: str, name: str, need: Role = Role.READ) -> Repository:
    """`owner/name`, if the actor may read it and holds `need`.

    NotFound when it does not exist or may not be read; SignInRequired or NotAllowed when it may be read but not that.
    """
    found = with_role(actor).filter(folded("owner__username", owner), folded("name", name)).first()
    if found is None or role_of(actor, found) is Role.NONE:
        raise NotFound("repository", f"{owner}/{name}")
    require(actor, found, need)
    return found


def get_repository_by_id(actor: Actor, pk: int, need: Role = Role.READ) -> Repository:
    """The same door for what holds a repository by its key (a job, a notification, a pull request)."""
    found = with_role(actor).filter(pk=pk).first()
    if found is None or role_of(actor, found) is Role.NONE:
        raise NotFound("repository", str(pk))
    require(actor, found, need)
    return found


def require(actor: Actor, repository: Repository, need: Role) -> Role:
    """The actor's role here, which is at least `need`; the errors of get_repository otherwise."""
    role = role_of(actor, repository)
    if role is Role.NONE:
        raise NotFound("repository", f"{repository.owner.username}/{repository.name}")
    if role < need:
        if user_id(actor) is None:
            raise SignInRequired(f"{need.label} access to {repository}")
        raise NotAllowed(f"{need.label} access to {repository}", role.label)
    return role


def owns(actor: Actor, repository: Repository) -> bool:
    """Whether the repository is the actor's own, deleted or not."""
    return user_id(actor) == repository.owner_id


def began_network(repository: Repository) -> bool:
    """Whether it is the oldest of its network that is left, and so decides what is taken out of all of it."""
    older = Repository.objects.filter(network=repository.network_id, pk__lt=repository.pk)
    return not older.exists()


def require_owner(actor: Actor, owner: User) -> None:
    """The actor may make repositories under this name."""
    if user_id(actor) is None:
        raise SignInRequired("a repository of your own")
    if user_id(actor) != owner.pk:
        raise NotAllowed(f"to own {owner.username}", Role.NONE.label)


def resolve_revision(repository: Repository, text: str | None = None) -> Revision:
    """A branch, a tag, a commit id or a prefix of one (7 digits or more); None or "" is the default branch.

    A ref wins over a commit id that reads alike. NotFound when nothing of this repository answers to it,
    AmbiguousRevision when a prefix fits several commits, EmptyRepository when the default branch has no commit yet.
    """
    wanted = text or repository.default_branch
    ref = _ref(repository, [wanted])
    if ref is not None:
        return Revision(repository, _commit(repository, ref.commit_id), ref)
    if not text:
        raise EmptyRepository(str(repository), repository.default_branch)
    return by_id(repository, wanted)


def split_ref_and_key(repository: Repository, path: str) -> tuple[Revision, str]:
    """`<ref>/<key>` of a URL, where both may contain `/`: the longest ref that exists wins, then a commit id."""
    path = path.strip("/")
    ref = _ref(repository, list(path_prefixes(path)))
    if ref is not None:
        return Revision(repository, _commit(repository, ref.commit_id), ref), path[len(ref.short) + 1 :]
    first, _, key = path.partition("/")
    return by_id(repository, first), key


def _ref(repository: Repository, names: list[str]) -> Ref | None:
    full = [prefix + name for name in names for prefix in (HEADS, TAGS)]
    full += [name for name in names if name.startswith((HEADS, TAGS))]
    found = list(Ref.objects.filter(repository=repository, name__in=full))
    return max(found, key=lambda ref: (len(ref.short), ref.kind == Ref.Kind.BRANCH), default=None)


def _commit(repository: Repository, commit_id: str) -> CommitRecord:
    return CommitRecord.objects.get(network=repository.network_id, commit_id=commit_id)


def by_id(repository: Repository, text: str) -> Revision:
    """A commit by id or prefix, if a ref of this repository leads to it; for one that a purge rewrote, the new one."""
    found = _commit_by_prefix(repository, text)
    return Revision(repository, found, moved=not found.commit_id.startswith(text))


def get_commit(repository: Repository, commit_id: str) -> CommitRecord:
    """The same without the revision around it."""
    return by_id(repository, commit_id).commit


def _commit_by_prefix(repository: Repository, text: str) -> CommitRecord:
    if not COMMIT_PREFIX.match(text):
        raise NotFound("revision", text)
    near = CommitRecord.objects.filter(network=repository.network_id)
    found = [
        commit for commit in near.filter(_begins("commit_id", text))[:16] if is_reachable(repository, commit)
    ]
    found = found or _successors(repository, text)
    if not found:
        raise NotFound("revision", text)
    if len(found) > 1:
        raise AmbiguousRevision(text, [commit.commit_id for commit in found])
    return found[0]


def _begins(column: str, text: str) -> Q:
    return (
        Q(**{column: text}) if len(text) == 40 else Q(**{f"{column}__gte": text, f"{column}__lt": text + "g"})
    )


def _successors(repository: Repository, text: str) -> list[CommitRecord]:
    """Commits of this repository that stand for rewritten ones whose ids begin so."""
    known = CommitSuccessor.objects.filter(_begins("old", text), network=repository.network_id)
    ids = known.values_list("new", flat=True)[:16]
    rows = CommitRecord.objects.filter(network=repository.network_id, commit_id__in=list(ids))
    return [commit for commit in rows if is_reachable(repository, commit)]
