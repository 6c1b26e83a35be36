"""The states of a label pull request and what stands in the way of its merge. Pure: facts in, decisions out.

    draft <-> open -> merged
               |^
               v|
             closed

Merged is final: it is undone by a revert, which is a new pull request. Draft is a mark on an open one, not a state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class PullState(StrEnum):
    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class Verdict(StrEnum):
    """What a submitted review says."""

    COMMENT = "comment"
    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"


class Mergeability(StrEnum):
    CLEAN = "clean"
    CONFLICTS = "conflicts"
    UNKNOWN = "unknown"


TRANSITIONS: Mapping[PullState, frozenset[PullState]] = {
    PullState.OPEN: frozenset({PullState.MERGED, PullState.CLOSED}),
    PullState.CLOSED: frozenset({PullState.OPEN}),
    PullState.MERGED: frozenset(),
}


def may_become(state: PullState, wanted: PullState) -> bool:
    return wanted in TRANSITIONS[state]


@dataclass(frozen=True, slots=True)
class GivenReview:
    """One submitted review, in the order of submission."""

    author: str
    verdict: Verdict


def standing_verdicts(reviews: Iterable[GivenReview], *, pull_author: str) -> dict[str, Verdict]:
    """The verdict that stands for each reviewer: the last that is not a mere comment; the author's own never counts."""
    standing: dict[str, Verdict] = {}
    for review in reviews:
        if review.verdict is not Verdict.COMMENT and review.author != pull_author:
            standing[review.author] = review.verdict
    return standing


@dataclass(frozen=True, slots=True)
class MergeFacts:
    """All that decides whether a merge may happen now. `severed` says why the two branches cannot meet, or nothing;
    `unresolved_conflicts` is None while nobody knows, with `check_failed` when finding out went wrong."""

    state: PullState
    draft: bool
    ahead: int
    unresolved_conflicts: int | None
    verdicts: Mapping[str, Verdict]
    severed: str = ""
    check_failed: bool = False


def blocking_reasons(facts: MergeFacts) -> list[str]:
    """Why the merge button is off, in words that stand beside it; empty when it is on."""
    if facts.state is not PullState.OPEN:
        return [f"this pull request is {facts.state}"]
    reasons = [facts.severed] if facts.severed else []
    if facts.draft:
        reasons.append("this is a draft: mark it ready for review first")
    if facts.ahead == 0:
        reasons.append("there is nothing to merge: the target has every commit of the source")
    requested = sorted(who for who, verdict in facts.verdicts.items() if verdict is Verdict.REQUEST_CHANGES)
    reasons += [f"{who} requested changes" for who in requested]
    if facts.unresolved_conflicts is None:
        reasons.append(
            "the merge could not be computed; it is tried again in a few minutes"
            if facts.check_failed
            else "the merge is still being computed"
        )
    elif facts.unresolved_conflicts:
        count = facts.unresolved_conflicts
        reasons.append(f"{count} conflict{'s' if count != 1 else ''} to solve")
    return reasons
