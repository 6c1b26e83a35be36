"""Agreement against published figures of real crowds, hand-made examples, and slow definitions."""

from __future__ import annotations

import pytest
from quality_data import bluebirds, class_id, temp

from repos.quality.agreement import Coincidences, RaterPairs, by_sample, wilson
from repos.quality.errors import RepeatedVote, StaleStatistics
from repos.quality.votes import Label, Votes, dawid_skene, majority

A, B, C = (class_id(name) for name in "abc")


def votes(*rows: tuple[str, str, Label]) -> Votes:
    return Votes.of(((key, ""), rater, label) for key, rater, label in rows)


def test_crowd_temp_gives_the_published_figures() -> None:
    given, gold = temp()
    found = Coincidences.of(given)
    assert found.percent() == pytest.approx(0.612891, abs=5e-7)
    assert found.alpha() == pytest.approx(0.223413, abs=5e-7)
    assert found.fleiss() == pytest.approx(0.223245, abs=5e-7)
    verdicts = majority(given)
    clear = [v for v in verdicts if not v.tie]
    assert (len(verdicts), len(verdicts) - len(clear)) == (462, 17)
    assert sum(v.label == gold[v.unit[0]] for v in clear) == 424


def test_crowd_bluebirds_and_weighing_annotators_beats_majority() -> None:
    given, gold = bluebirds()
    found = Coincidences.of(given)
    assert found.percent() == pytest.approx(0.588194, abs=5e-7)
    assert found.alpha() == pytest.approx(0.125501, abs=5e-7)
    assert found.fleiss() == pytest.approx(0.125293, abs=5e-7)
    plain = sum(v.label == gold[v.unit[0]] for v in majority(given))
    weighed = dawid_skene(given)
    best = weighed.posterior.argmax(axis=1)
    right = sum(given.labels[best[n]] == gold[unit[0]] for n, unit in enumerate(given.units))
    assert plain == 82
    assert right >= 92
    assert weighed.iterations < 100


def test_krippendorffs_own_example() -> None:
    """Content Analysis 11.3.2: two observers, ten binary units, alpha = 0.095."""
    one, two = "0100000000", "1110010010"
    rows = [
        (str(n), rater, A if s == "0" else B)
        for rater, line in (("x", one), ("y", two))
        for n, s in enumerate(line)
    ]
    assert Coincidences.of(votes(*rows)).alpha() == pytest.approx(0.095, abs=5e-4)


def test_cohens_kappa_of_a_two_by_two_table() -> None:
    """20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: observed 0.7, expected 0.5, kappa 0.4."""
    cells = [(A, A)] * 20 + [(A, B)] * 5 + [(B, A)] * 10 + [(B, B)] * 15
    pairs = RaterPairs.of(
        votes(*[(str(n), r, c) for n, cell in enumerate(cells) for r, c in zip("xy", cell, strict=True)])
    )
    assert pairs.cohen("x", "y") == pytest.approx(0.4)
    assert pairs.cohen("y", "x") == pytest.approx(0.4)
    assert pairs.percent("x", "y") == pytest.approx(0.7)
    assert pairs.confusion("y", "x")[B, A] == 5
    assert pairs.cohen("x", "z") is None
    assert RaterPairs.from_json(pairs.to_json()) == pairs


def test_nothing_to_measure_is_none_not_one() -> None:
    assert Coincidences().alpha() is None
    assert Coincidences().percent() is None
    assert Coincidences().fleiss() is None
    assert Coincidences().interval() is None
    same = Coincidences.of(votes(("1", "x", A), ("1", "y", A)))
    assert (same.percent(), same.alpha(), same.fleiss()) == (1.0, None, None)
    alone = Coincidences.of(votes(("1", "x", A), ("2", "y", B)))
    assert (alone.units, alone.percent()) == (0, None)


def test_per_class_agreement_names_the_class_raters_differ_on() -> None:
    rows = [("1", A, A), ("2", A, A), ("3", B, C), ("4", C, B), ("5", B, B)]
    per = Coincidences.of(votes(*[(k, r, c) for k, x, y in rows for r, c in (("x", x), ("y", y))])).by_class()
    assert (per[A].agreement, per[A].alpha, per[A].votes) == (1.0, 1.0, 4.0)
    assert per[B].agreement == pytest.approx(0.5)
    assert per[C].agreement == 0.0


def test_classes_merged_by_a_refactoring_agree() -> None:
    found = Coincidences.of(votes(("1", "x", A), ("1", "y", B), ("2", "x", C), ("2", "y", C)))
    assert found.percent() == 0.5
    assert found.resolved(lambda c: A if c == B else c).percent() == 1.0


def test_none_is_an_answer_of_its_own() -> None:
    found = Coincidences.of(votes(("1", "x", A), ("1", "y", None), ("2", "x", None), ("2", "y", None)))
    assert found.percent() == 0.5
    assert found.labels == (None, A)
    assert Coincidences.from_json(found.to_json()) == found


def test_a_pair_of_raters_gets_no_credit_for_what_neither_marked() -> None:
    pairs = RaterPairs.of(
        votes(("1", "x", A), ("1", "y", A), ("2", "x", None), ("2", "y", None), ("2", "z", B))
    )
    assert pairs.percent("x", "y") == 1.0
    assert pairs.percent("x", "z") == 0.0


def test_one_answer_per_rater_and_unit() -> None:
    with pytest.raises(RepeatedVote, match="x answers '' of sample '1' twice"):
        votes(("1", "x", A), ("1", "x", B))


def test_statistics_of_another_version_are_refused() -> None:
    with pytest.raises(StaleStatistics, match="coincidences: expected version 1, got 7"):
        Coincidences.from_json({"version": 7, "pairs": []})


def test_agreement_of_a_sample() -> None:
    given = Votes.of(
        [(("1", p), r, c) for p, r, c in [("a", "x", A), ("a", "y", A), ("b", "x", A), ("b", "y", B)]]
    )
    assert by_sample(given) == {"1": 0.5}
    assert by_sample(votes(("2", "x", A))) == {}


def test_wilson_interval_of_a_known_share() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 gives 0.2553 to 0.3662."""
    low, high = wilson(81 / 263, 263, 1.959964)
    assert [low, high] == pytest.approx([0.2553, 0.3662], abs=5e-5)
    assert wilson(0.0, 0) == (0.0, 1.0)


def test_dawid_skene_of_no_votes_is_empty() -> None:
    assert dawid_skene(votes()).posterior.shape == (0, 0)
    assert majority(votes()) == []
