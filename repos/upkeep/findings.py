"""What a check of a store finds wrong, each named by where it is and what was expected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from repos.models import Network, Ref, Repository
from repos.reachability import descends
from repos.upkeep.roots import living


class Fault(StrEnum):
    LOST_PACK = "lost pack"
    TORN_PACK = "torn pack"
    DAMAGED_PACK = "damaged pack"
    WRONG_LOCATION = "wrong location"
    MISSING_NODE = "missing node"
    DAMAGED_NODE = "damaged node"
    MISSING_COMMIT = "missing commit"
    WRONG_COMMIT_ROW = "wrong commit row"
    WRONG_CHANGE_SET = "wrong change set"
    MISSING_MEDIUM = "missing medium"
    DAMAGED_MEDIUM = "damaged medium"
    REDACTED = "redacted medium"
    CLOCK = "clock step"


NOTICES = frozenset({Fault.REDACTED, Fault.CLOCK})


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault; whatever does not apply is empty."""

    fault: Fault
    network: str
    repository: str = ""
    ref: str = ""
    commit: str = ""
    part: str = ""
    key: str = ""
    address: str = ""
    pack: str = ""
    offset: int | None = None
    expected: str = ""
    found: str = ""

    @property
    def is_notice(self) -> bool:
        """Whether the store is right all the same."""
        return self.fault in NOTICES

    @property
    def document(self) -> dict[str, Any]:
        known = {name: value for name, value in asdict(self).items() if value not in ("", None)}
        return known | {"notice": self.is_notice}

    def __str__(self) -> str:
        said = {name: v for name, v in self.document.items() if name not in ("fault", "notice", "network")}
        places = ", ".join(
            f"{name} {value}" for name, value in said.items() if name not in ("expected", "found")
        )
        values = "".join(f"; {name} {said[name]}" for name in ("expected", "found") if name in said)
        return f"{self.fault}: {places}{values}"


Tell = Callable[[Finding], None]


@dataclass
class Places:
    """By which repository and ref somebody comes to a commit: asked for what is wrong only, and remembered."""

    network: Network
    _known: dict[str, tuple[str, str]] = field(default_factory=dict)

    def of(self, commit_id: str) -> tuple[str, str]:
        """(owner/name, ref), empty when no ref leads there (any more)."""
        if commit_id not in self._known:
            self._known[commit_id] = self._find(commit_id)
        return self._known[commit_id]

    def _find(self, commit_id: str) -> tuple[str, str]:
        record = self.network.commits.filter(commit_id=commit_id).first()
        if record is None:
            return "", ""
        repositories: list[Repository] = list(living(self.network.pk).select_related("owner").order_by("pk"))
        names = {repository.pk: str(repository) for repository in repositories}
        for ref in Ref.objects.filter(repository__in=names).order_by("kind", "pk").iterator(chunk_size=500):
            if descends(self.network.pk, [ref.commit_id], record):
                return names[ref.repository_id], ref.name
        return "", ""
