"""Orders of names, and what a rule or an answer speaks of."""

from __future__ import annotations

import pytest

from repos.annotations.conflicts import Conflict, ConflictKind, Where
from repos.annotations.resolve import Answer, Choice, Rule
from repos.annotations.small_merges import merge_order

CONFLICT = Conflict(
    ConflictKind.VALUE, Where("k", "attribute:dim", "gold", b"a" * 16), 1, 2, 3, classes=(b"c" * 16,)
)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ("abc", "abc", "abc", "abc"),
        ("abc", "cab", "abc", "cab"),
        ("abc", "cab", "cab", "cab"),
        ("abc", "cab", "bca", "bca"),
        ("ab", "abx", "aby", "abxy"),
        ("ab", "bax", "aby", "baxy"),
        ("ab", "abyx", "abx", "abxy"),
        ("abc", "ac", "abcx", "acx"),
        ("abc", "ac", "cab", "ca"),
        ("abc", "acx", "ab", "ax"),
        ("ab", "ab", "", ""),
    ],
)
def test_order(base: str, ours: str, theirs: str, merged: str) -> None:
    assert "".join(merge_order(base, ours, theirs)) == merged
    assert "".join(merge_order(base, theirs, ours)) == merged


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (Rule(Choice.OURS), True),
        (Rule(Choice.OURS, ConflictKind.VALUE, "attribute:dim", b"c" * 16, "gold"), True),
        (Rule(Choice.OURS, facet="attribute"), True),
        (Rule(Choice.OURS, facet="dim"), False),
        (Rule(Choice.OURS, facet="attribute:by"), False),
        (Rule(Choice.OURS, ConflictKind.COUPLED), False),
        (Rule(Choice.OURS, label_class=b"d" * 16), False),
        (Rule(Choice.OURS, layer="votes"), False),
    ],
)
def test_what_a_rule_speaks_of(rule: Rule, fits: bool) -> None:
    assert rule.fits(CONFLICT) is fits


def test_the_value_of_an_answer() -> None:
    found = [Answer(choice, 9).of(CONFLICT) for choice in Choice]
    assert found == [1, 2, 3, 9]
