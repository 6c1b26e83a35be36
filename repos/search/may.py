"""Which terms of a filter can hold below a node, by its summary.

Invariant: where a term is said not to hold, it holds for no entry below the node. Terms are split by the tree that they
look at: sample records, or the one layer that is asked. Terms about keys and layers are left to the reader of entries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from repos.query import NONE, Facts, Query, Term, count_range
from repos.search.summary import ANNOTATOR, CLASS, FIELD, REST, SPLIT, SPLIT_FIELD, Summary, word

May = Callable[[Summary], bool]
ClassIds = Callable[[str], frozenset[bytes]]
_OF_LAYER: Mapping[str, int] = {"annotator": ANNOTATOR, "kind": REST, "origin": REST, "review": REST}


def of_samples(query: Query) -> list[May]:
    """What the terms about sample records ask of a summary."""
    return [may for term in query.terms if (may := _of_record(term)) is not None]


def of_layer(query: Query, class_ids: ClassIds) -> list[May]:
    """What the terms about labels ask of a summary."""
    return [may for term in query.terms if (may := _of_labels(term, class_ids)) is not None]


def holds_for_nothing(query: Query, class_ids: ClassIds) -> bool:
    """Whether the terms about labels hold for a sample that no asked layer has an entry for."""
    judge = Query(tuple(term for term in query.terms if term.about_labels)).compile(class_ids)
    return judge(Facts(key=""))


def _of_record(term: Term) -> May | None:
    if term.name == "media":
        return _words(term, REST, [word("media", value) for value in term.values])
    if term.about_labels or term.name == "key" or NONE in term.values:
        return None
    name = term.name.removeprefix("field.")
    facet = SPLIT if name == SPLIT_FIELD else FIELD
    return _words(term, facet, [word(name, value) for value in term.values])


def _of_labels(term: Term, class_ids: ClassIds) -> May | None:
    if term.name == "class":
        ids = frozenset().union(*map(class_ids, term.values))
        return _words(term, CLASS, [word("class", i) for i in ids])
    if term.name == "annotations":
        return _counts(term)
    facet = _OF_LAYER.get(term.name)
    return None if facet is None else _words(term, facet, [word(term.name, v) for v in term.values])


def _words(term: Term, facet: int, words: Sequence[int]) -> May:
    if term.negated:
        return lambda summary: summary.always.isdisjoint(words)
    return lambda summary: summary.has(facet, words)


def _counts(term: Term) -> May:
    ranges = [count_range(value) for value in term.values]
    if term.negated:
        return lambda s: not any(low <= s.low and s.high <= high for low, high in ranges)
    return lambda s: any(low <= s.high and s.low <= high for low, high in ranges)
