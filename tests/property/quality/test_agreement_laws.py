"""Coincidences add up over any split of the units, and equal the definition by loops over pairs of votes."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, permutations

from hypothesis import given
from hypothesis import strategies as st

from repos.quality.agreement import Coincidences, RaterPairs
from repos.quality.votes import Label, Votes

LABELS = (None, bytes(16), b"\1" * 16, b"\xff" * 16)
Answers = dict[str, Label]
answers = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(LABELS), max_size=4)
units = st.lists(answers, max_size=8)


def votes_of(units: list[Answers], first: int = 0) -> Votes:
    rows = ((str(n), rater, label) for n, unit in enumerate(units, first) for rater, label in unit.items())
    return Votes.of(((key, ""), rater, label) for key, rater, label in rows)


@given(units)
def test_coincidences_are_what_loops_over_pairs_count(units: list[Answers]) -> None:
    slow: Counter[tuple[int, Label, Label]] = Counter()
    for unit in units:
        slow.update((len(unit), unit[a], unit[b]) for a, b in permutations(unit, 2))
    assert Coincidences.of(votes_of(units)).pairs == dict(slow)


@given(units)
def test_rater_pairs_are_what_loops_over_raters_count(units: list[Answers]) -> None:
    slow = Counter((a, b, u[a], u[b]) for u in units for a, b in combinations(sorted(u), 2))
    assert RaterPairs.of(votes_of(units)).pairs == dict(slow)


@given(units, st.integers(0, 8))
def test_parts_add_up_to_the_whole(units: list[Answers], cut: int) -> None:
    whole, left, right = votes_of(units), votes_of(units[:cut]), votes_of(units[cut:], cut)
    assert Coincidences.of(left) + Coincidences.of(right) == Coincidences.of(whole)
    assert RaterPairs.of(right) + RaterPairs.of(left) == RaterPairs.of(whole)


@given(units)
def test_coefficients_keep_their_range_and_json_keeps_them(units: list[Answers]) -> None:
    found = Coincidences.of(votes_of(units))
    assert Coincidences.from_json(found.to_json()) == found
    share, alpha, fleiss = found.percent(), found.alpha(), found.fleiss()
    assert share is None or 0 <= share <= 1
    assert alpha is None or alpha <= 1 + 1e-9
    assert fleiss is None or fleiss <= 1 + 1e-9
    if share == 1:
        assert alpha is None or abs(alpha - 1) < 1e-9
    if share is not None:
        low, high = found.interval() or (2.0, -1.0)
        assert low - 1e-9 <= share <= high + 1e-9
