from __future__ import annotations

import pytest

from reviews.states import (
    GivenReview,
    MergeFacts,
    PullState,
    Verdict,
    blocking_reasons,
    may_become,
    standing_verdicts,
)


@pytest.mark.parametrize(
    ("state", "wanted", "allowed"),
    [
        (PullState.OPEN, PullState.CLOSED, True),
        (PullState.CLOSED, PullState.OPEN, True),
        (PullState.OPEN, PullState.MERGED, True),
        (PullState.CLOSED, PullState.MERGED, False),
        (PullState.MERGED, PullState.OPEN, False),
        (PullState.MERGED, PullState.CLOSED, False),
    ],
)
def test_transitions(state: PullState, wanted: PullState, allowed: bool) -> None:
    assert may_become(state, wanted) is allowed


def test_last_verdict_stands_comments_do_not_and_authors_never_judge_themselves() -> None:
    reviews = [
        GivenReview("carol", Verdict.REQUEST_CHANGES),
        GivenReview("carol", Verdict.APPROVE),
        GivenReview("carol", Verdict.COMMENT),
        GivenReview("bob", Verdict.APPROVE),
        GivenReview("dave", Verdict.COMMENT),
    ]
    assert standing_verdicts(reviews, pull_author="bob") == {"carol": Verdict.APPROVE}


def facts(**given: object) -> MergeFacts:
    base: dict[str, object] = {
        "state": PullState.OPEN,
        "draft": False,
        "ahead": 1,
        "unresolved_conflicts": 0,
        "verdicts": {},
    }
    return MergeFacts(**{**base, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"draft": True}, "draft"),
        ({"ahead": 0}, "nothing to merge"),
        ({"unresolved_conflicts": 2}, "2 conflicts to solve"),
        ({"unresolved_conflicts": 1}, "1 conflict to solve"),
        ({"unresolved_conflicts": None}, "still being computed"),
        ({"verdicts": {"carol": Verdict.REQUEST_CHANGES}}, "carol requested changes"),
        ({"state": PullState.CLOSED}, "closed"),
        ({"state": PullState.MERGED}, "merged"),
    ],
)
def test_each_fact_blocks_with_its_word(given: dict[str, object], word: str) -> None:
    (reason,) = blocking_reasons(facts(**given))
    assert word in reason


def test_nothing_in_the_way() -> None:
    assert blocking_reasons(facts(verdicts={"carol": Verdict.APPROVE})) == []
