"""Statistics add up, survive JSON, and count what loops over objects count."""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st
from quality_strategies import keyed

from repos.annotations.blocks import LayerBlock
from repos.annotations.model import LayerEntry, Sample
from repos.quality.facts import Facts
from repos.quality.from_blocks import marks_of
from repos.quality.layer_stats import LayerStats
from repos.quality.marks import Marks, value_text
from repos.quality.sample_stats import JoinStats, SampleStats
from repos.quality.statistics import Statistics
from repos.quality.tally import Key, Tally
from tests.property.effort import examples

Rows = list[tuple[str, LayerEntry, Sample]]


def of(rows: Rows) -> Statistics:
    marks = Marks.of_entries((key, entry) for key, entry, _ in rows)
    samples = [sample for _, _, sample in rows]
    joined = JoinStats.of(marks, Facts.of(samples))
    return Statistics(SampleStats.of(samples), {"gold": LayerStats.of(marks)}, {"gold": joined})


@settings(deadline=None, max_examples=examples(25))
@given(keyed, st.integers(0, 6), st.integers(0, 6))
def test_parts_add_up_in_any_grouping(rows: Rows, i: int, j: int) -> None:
    i, j = sorted((i, j))
    a, b, c, whole = of(rows[:i]), of(rows[i:j]), of(rows[j:]), of(rows)
    assert (a + b) + c == whole == a + (b + c) == c + a + b
    assert whole + Statistics() == whole


@settings(deadline=None, max_examples=examples(25))
@given(keyed, keyed, keyed)
def test_an_edit_costs_only_what_it_touches(rest: Rows, before: Rows, after: Rows) -> None:
    old, new = of(rest) + of(before), of(rest) + of(after)
    assert (
        old.layers["gold"].updated(of(before).layers["gold"], of(after).layers["gold"]) == new.layers["gold"]
    )
    assert (
        old.joined["gold"].updated(of(before).joined["gold"], of(after).joined["gold"]) == new.joined["gold"]
    )
    assert old.samples.updated(of(before).samples, of(after).samples) == new.samples


@settings(deadline=None, max_examples=examples(25))
@given(keyed)
def test_json_keeps_them(rows: Rows) -> None:
    whole = of(rows)
    assert Statistics.from_json(json.loads(json.dumps(whole.to_json()))) == whole


@settings(deadline=None, max_examples=examples(25))
@given(keyed)
def test_columns_of_a_block_count_what_objects_count(rows: Rows) -> None:
    entries = [(key, entry) for key, entry, _ in rows]
    fast, slow = marks_of(LayerBlock.from_entries(entries)), Marks.of_entries(entries)
    facts = Facts.of(sample for _, _, sample in rows)
    assert LayerStats.of(fast) == LayerStats.of(slow)
    assert JoinStats.of(fast, facts) == JoinStats.of(slow, facts)
    assert (fast.ids, list(fast.keys)) == (slow.ids, list(slow.keys))


@settings(deadline=None, max_examples=examples(25))
@given(keyed)
def test_counts_are_what_loops_count(rows: Rows) -> None:
    stats = of(rows)
    part, joined = stats.layers["gold"], stats.joined["gold"]
    marks = [(a, entry, sample) for _, entry, sample in rows for a in entry]

    def name(label: bytes | None) -> str:
        return (label or b"").hex()

    assert part.annotations == len(marks)
    assert part.classes.counts == Counter((a.kind, name(a.label_class)) for a, _, _ in marks)
    assert part.annotators.counts == Counter(
        (a.provenance.annotator, name(a.label_class)) for a, _, _ in marks
    )
    assert part.reviews.counts == Counter((e.review.state if e.review else "",) for _, e, _ in rows)
    found = ((n, value_text(v)) for a, _, _ in marks for n, v in a.attributes.items())
    assert part.attributes.counts == Counter(found)
    together = [sorted({name(a.label_class) for a in e if a.label_class}) for _, e, _ in rows]
    assert part.pairs.counts == Counter(pair for names in together for pair in combinations(names, 2))
    assert part.class_entries.counts == Counter((n,) for names in together for n in names)
    splits = Counter((str(s.fields.get("split") or ""), name(a.label_class)) for a, _, s in marks)
    assert joined.splits.counts == splits
    assert sum(joined.heat.counts.values()) + joined.outside == joined.placed
    assert stats.unlabelled("gold") == sum(not e.annotations for _, e, _ in rows)


keys = st.tuples(st.sampled_from("abcdef"), st.integers(0, 8))
counts = st.dictionaries(keys, st.integers(1, 5), max_size=20)


@given(counts, counts, counts, st.sampled_from([(), (5,), (3, 2)]))
def test_bounded_tallies_add_up_and_show_exact_counts(
    a: dict[Key, int], b: dict[Key, int], c: dict[Key, int], limits: tuple[int, ...]
) -> None:
    x, y, z = (Tally.of(part, limits) for part in (a, b, c))
    whole = Tally.of(Counter(a) + Counter(b) + Counter(c), limits)
    assert (x + y) + z == x + (y + z) == z + x + y == whole
    assert whole.total == sum(map(sum, (a.values(), b.values(), c.values())))
    assert all(n == a.get(k, 0) + b.get(k, 0) + c.get(k, 0) for k, n in whole.counts.items())
    assert Tally.from_json(json.loads(json.dumps(whole.to_json())), limits) == whole
    rest = (x + y).minus(y)
    assert rest is None or rest == x
    assert rest is not None or (x + y).other
    if limits == (3, 2):
        groups = Counter(key[0] for key in whole.counts)
        assert len(groups) <= 3
        assert max(groups.values(), default=0) <= 2
