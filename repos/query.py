"""The filter language of sample lists: `class:car -class:person split:train kind:box annotations:>5 key:foo*`.

Pure: text in, a `Query` out, and a `Query` judges one sample's `Facts`. Terms are separated by white space and all must
hold; `-` turns a term round; commas list alternatives; quotes hold a value with white space or commas together. A bare
word is a part of the key. What cannot be understood is refused with the term and what was expected, never passed over.

    term          holds when
    class:car     an annotation of class car (name or parent/name; merged and former names resolve)
    kind:box      an annotation of this kind
    split:train   the field split is train;  field.NAME:VALUE for any other field, `none` for an unset one
    annotations:N a count: 5, >5, >=5, <5, <=5, 2..4
    key:foo*      the key fits the pattern (* any run, ? one character); without a wildcard, the key contains it
    layer:alice   the layer says something about the sample; other terms then look at that layer only
    review:done   done, skipped, unsure, or none
    annotator:u:7 an annotation by this annotator;  origin:model  of this origin
    media:stored  stored, external, absent, text, none
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Any

from repos.annotations.errors import InvalidValue
from repos.annotations.model import Kind, MediaState, Origin, ReviewState

_TERM = re.compile(r'(?P<minus>-)?(?:(?P<name>[A-Za-z][\w.]*):)?(?P<value>(?:"[^"]*"|[^\s"])+)')
_NAMED = re.compile(r"[A-Za-z][\w.]*:")
_COUNT = re.compile(r"(?P<sign>>=|<=|>|<|=)?(?P<low>\d{1,9})(?:\.\.(?P<high>\d{1,9}))?\Z")
_PART = re.compile(r'((?:"[^"]*"|[^,"])+)(?:,|\Z)')
LONGEST_QUERY = 1000
NONE = "none"


class InvalidQuery(InvalidValue):
    """A term of a filter that cannot be understood."""

    template = "filter {what}: expected {expected}, got {value!r}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a query may ask of one sample: distinct values over the layers it looks at."""

    key: str
    fields: Mapping[str, object] = field(default_factory=dict)
    classes: frozenset[bytes] = frozenset()
    kinds: frozenset[str] = frozenset()
    annotators: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    reviews: frozenset[str] = frozenset()
    layers: frozenset[str] = frozenset()
    media: str = NONE
    annotations: int = 0


@dataclass(frozen=True, slots=True)
class Term:
    """`name` says which fact, `values` are the alternatives as they were typed, `negated` turns it round."""

    name: str
    values: tuple[str, ...]
    negated: bool = False

    @property
    def about_labels(self) -> bool:
        """Whether it looks at a layer; else at the key or the sample's record."""
        return self.name not in ("key", "split", "media") and not self.name.startswith("field.")


@dataclass(frozen=True, slots=True)
class Query:
    terms: tuple[Term, ...] = ()
    text: str = ""

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers that are asked for; none means the caller's default."""
        return tuple(
            dict.fromkeys(v for t in self.terms if t.name == "layer" and not t.negated for v in t.values)
        )

    @property
    def prefix(self) -> str:
        """Keys can only match below this prefix: what lets a scan start in the right place."""
        fixed = [
            _fixed(t.values[0])
            for t in self.terms
            if t.name == "key" and not t.negated and len(t.values) == 1
        ]
        return max(fixed, key=len, default="")

    @property
    def about_labels(self) -> bool:
        """Whether layers have to be read at all."""
        return any(term.about_labels for term in self.terms)

    @property
    def about_samples(self) -> bool:
        """Whether sample records have to be read at all."""
        return any(not term.about_labels and term.name != "key" for term in self.terms)

    def compile(self, class_ids: Callable[[str], frozenset[bytes]]) -> Callable[[Facts], bool]:
        """A judge of samples. `class_ids` gives every id that reads as a class name; none when it is unknown."""
        judges = [_judge(term, class_ids) for term in self.terms]
        return lambda facts: all(judge(facts) for judge in judges)


def parse(text: str) -> Query:
    """A Query; InvalidQuery names the first term that is not one."""
    if len(text) > LONGEST_QUERY:
        raise InvalidQuery("text", f"{len(text)} characters", f"at most {LONGEST_QUERY}")
    terms, at = [], 0
    stripped = text.strip()
    while at < len(stripped):
        found = _TERM.match(stripped, at)
        if found is None or (found.end() < len(stripped) and not stripped[found.end()].isspace()):
            raise InvalidQuery(
                "text", stripped[at : at + 40], 'terms like class:car or class:"traffic light"'
            )
        terms.append(_term(found))
        at = found.end()
        while at < len(stripped) and stripped[at].isspace():
            at += 1
    return Query(tuple(terms), stripped)


def _term(found: re.Match[str]) -> Term:
    name = found["name"] or "key"
    if found["name"] is None and _NAMED.match(found["value"]):
        raise InvalidQuery("term", found[0], "a value after the colon")
    if name == "split":
        check: Callable[[str, str], None] | None = None
    elif name.startswith("field.") and len(name) > 6:
        check = None
    elif name not in _CHECKS:
        raise InvalidQuery("term", found[0], f"one of {', '.join(sorted([*_CHECKS, 'split', 'field.NAME']))}")
    else:
        check = _CHECKS[name]
    values = tuple(part.replace('"', "") for part in _PART.findall(found["value"]))
    if not values or not all(values):
        raise InvalidQuery(name, found[0], "a value after the colon")
    for value in values:
        if check is not None:
            check(name, value)
    return Term(name, values, bool(found["minus"]))


def _one_of(*words: str) -> Callable[[str, str], None]:
    def check(name: str, value: str) -> None:
        if value not in words:
            raise InvalidQuery(name, value, f"one of {', '.join(words)}")

    return check


def _check_count(name: str, value: str) -> None:
    found = _COUNT.match(value)
    if found is None or (found["high"] and found["sign"]):
        raise InvalidQuery(name, value, "a count like 5, >5, >=5, <5, <=5 or 2..4")


def _anything(name: str, value: str) -> None:
    """Every text is acceptable."""


_CHECKS: Mapping[str, Callable[[str, str], None]] = {
    "class": _anything,
    "kind": _one_of(*Kind),
    "annotations": _check_count,
    "key": _anything,
    "layer": _anything,
    "review": _one_of(*ReviewState, NONE),
    "annotator": _anything,
    "origin": _one_of(*Origin),
    "media": _one_of(*MediaState, "text", NONE),
}


def _judge(term: Term, class_ids: Callable[[str], frozenset[bytes]]) -> Callable[[Facts], bool]:
    judge = _positive(term, class_ids)
    return (lambda facts: not judge(facts)) if term.negated else judge


def _positive(term: Term, class_ids: Callable[[str], frozenset[bytes]]) -> Callable[[Facts], bool]:
    wanted = frozenset(term.values)
    if term.name == "class":
        ids = frozenset().union(*map(class_ids, term.values))
        return lambda facts: not ids.isdisjoint(facts.classes)
    if term.name in _SETS:
        get = _SETS[term.name]
        return lambda facts: not wanted.isdisjoint(get(facts))
    if term.name == "review":
        return lambda facts: not wanted.isdisjoint(facts.reviews or {NONE})
    if term.name == "media":
        return lambda facts: facts.media in wanted
    if term.name == "annotations":
        ranges = [count_range(value) for value in term.values]
        return lambda facts: any(low <= facts.annotations <= high for low, high in ranges)
    if term.name == "key":
        patterns = [_pattern(value) for value in term.values]
        return lambda facts: any(pattern.search(facts.key) for pattern in patterns)
    name = term.name.removeprefix("field.")
    return lambda facts: spelled(facts.fields.get(name)) in wanted


_SETS: Mapping[str, Callable[[Facts], frozenset[str]]] = {
    "kind": lambda facts: facts.kinds,
    "layer": lambda facts: facts.layers,
    "annotator": lambda facts: facts.annotators,
    "origin": lambda facts: facts.origins,
}


def count_range(value: str) -> tuple[float, float]:
    """Least and most annotations that a count like >=5 allows."""
    found: Any = _COUNT.match(value)
    low = int(found["low"])
    if found["high"]:
        return low, int(found["high"])
    return {
        ">": (low + 1, float("inf")),
        ">=": (low, float("inf")),
        "<": (0, low - 1),
        "<=": (0, low),
    }.get(found["sign"] or "", (low, low))


def _pattern(value: str) -> re.Pattern[str]:
    wild = "*" in value or "?" in value
    return re.compile(r"\A" + translate(value.replace("[", "[[]")) if wild else re.escape(value))


def _fixed(value: str) -> str:
    """What a pattern begins with; nothing for a plain text, which may stand anywhere in the key."""
    cut = re.search(r"[*?]", value)
    return value[: cut.start()] if cut else ""


def spelled(value: object) -> str:
    """A field's value as one would type it."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def suggestions() -> Sequence[str]:
    """Names of terms, for completion."""
    return sorted([*_CHECKS, "split", "field."])
