"""What the frame around every page of a repository shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hub.web.counters import counts
from repos import access
from repos.access import Actor
from repos.models import Ref, Repository, Role
from repos.selectors import repositories
from repos.selectors.refs import visible

REFS_IN_MENU = 100


@dataclass(frozen=True)
class RepoFrame:
    """Header, tabs and buttons of a repository, as templates read them."""

    owner: str
    owner_id: int
    name: str
    visibility: str
    description: str
    topics: list[str]
    licence: str
    default_branch: str
    counts: dict[str, int]
    starred: bool
    parent: dict[str, str] | None
    role: Role
    ref: str = ""

    @property
    def url(self) -> str:
        return f"/{self.owner}/{self.name}"

    @property
    def import_url(self) -> str:
        return f"{self.url}/import"

    @property
    def card_url(self) -> str:
        return f"{self.url}/card"

    @property
    def may_administer(self) -> bool:
        return self.role >= Role.MAINTAIN

    @property
    def may_erase(self) -> bool:
        return self.role >= Role.ADMIN

    @property
    def may_write(self) -> bool:
        return self.role >= Role.WRITE


def repo_frame(actor: Actor, repository: Repository, ref: str = "") -> RepoFrame:
    upstream = repositories.visible_upstream(repository)
    return RepoFrame(
        owner=repository.owner.username,
        owner_id=repository.owner_id,
        name=repository.name,
        visibility=repository.visibility,
        description=repository.description,
        topics=repository.topics,
        licence=repository.licence,
        default_branch=repository.default_branch,
        counts={"stars": repository.stars_count, "forks": repository.forks_count, **counts(repository.pk)},
        starred=repositories.is_starred(actor, repository),
        parent=_parent(upstream) if upstream else None,
        role=access.role_of(actor, repository),
        ref=ref,
    )


def _parent(upstream: Repository) -> dict[str, str]:
    return {"owner": upstream.owner.username, "name": upstream.name, "url": f"/{upstream}"}


def context(actor: Actor, repository: Repository, tab: str, ref: str = "", **more: Any) -> dict[str, Any]:
    """The context every page of a repository begins with."""
    return {"repo": repo_frame(actor, repository, ref), "tab": tab, **more}


def ref_menu(repository: Repository, revision: access.Revision | None, link: str) -> dict[str, Any]:
    """For components/ref_selector.html; `link` is an address with `{ref}` in it. The first hundred refs are listed."""
    current = revision.text if revision else repository.default_branch
    kind = revision.ref.kind if revision and revision.ref else "commit" if revision else "branch"

    def entry(ref: Ref) -> dict[str, Any]:
        return {"name": ref.short, "url": link.replace("{ref}", ref.short), "current": ref.short == current}

    listed = list(visible(repository).order_by("kind", "name")[:REFS_IN_MENU])
    return {
        "current": current[:10] if kind == "commit" else current,
        "kind": kind,
        "branches": [entry(ref) for ref in listed if ref.kind == Ref.Kind.BRANCH],
        "tags": [entry(ref) for ref in listed if ref.kind == Ref.Kind.TAG],
        "more_url": f"/{repository}/branches",
    }
