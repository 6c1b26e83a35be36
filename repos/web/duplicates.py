"""Equal contents on the Insights page: which samples are the same, and which of them are in several splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from repos.access import Revision

ON_OVERVIEW = 5


@dataclass(frozen=True)
class Copy:
    """One sample of a group."""

    key: str
    split: str
    url: str


@dataclass(frozen=True)
class Group:
    """Samples of equal content; `more` are not named."""

    leaks: bool
    count: int
    splits: tuple[str, ...]
    copies: tuple[Copy, ...]

    @property
    def more(self) -> int:
        return self.count - len(self.copies)


def panel(revision: Revision, result: Mapping[str, Any], overview: bool) -> dict[str, Any]:
    """Counts and groups, leaking ones first; few on the overview. Empty for a result without them."""
    found = result.get("duplicates")
    if not found:
        return {}
    listed: Sequence[Mapping[str, Any]] = found["listed"]
    shown = listed[:ON_OVERVIEW] if overview else listed
    base = f"/{revision.repository}/sample/{revision.text}/"
    return {
        "duplicates": found,
        "duplicate_groups": [_group(group, base) for group in shown],
        "more_groups": found["groups"] - len(shown),
    }


def _group(group: Mapping[str, Any], base: str) -> Group:
    copies = tuple(Copy(s["key"], s["split"] or "", base + quote(s["key"])) for s in group["samples"])
    return Group(group["leaks"], group["count"], tuple(group["splits"]), copies)
