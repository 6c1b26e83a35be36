"""Token boundaries of a text that splits on white space, plus exceptions kept as one short text.

`cuts` of a sample (`source.cuts`) lists where tokens are divided without white space, and, with `~`, where
white space lies inside a token: "17 40 ~57". Nothing is stored for a text whose tokens are its words. Cost:
linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

CUTS = "source.cuts"
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Cuts:
    """`at`: boundaries inside words; `joins`: positions of white space that divides nothing."""

    at: frozenset[int] = frozenset()
    joins: frozenset[int] = frozenset()

    def __str__(self) -> str:
        marks = sorted([(n, str(n)) for n in self.at] + [(n, f"~{n}") for n in self.joins])
        return " ".join(text for _, text in marks)

    def with_edges(self, edges: Iterable[int]) -> Cuts:
        """Also dividing at these positions."""
        return Cuts(self.at | frozenset(edges), self.joins)


def parse_cuts(value: object) -> Cuts:
    """Cuts of a field value; what is no position is ignored (the field can be edited by hand)."""
    words = value.split() if isinstance(value, str) else []
    at = frozenset(int(w) for w in words if w.isascii() and w.isdigit())
    joins = frozenset(int(w[1:]) for w in words if w[:1] == "~" and w[1:].isascii() and w[1:].isdigit())
    return Cuts(at, joins)


def tokens(text: str, cuts: Cuts) -> list[tuple[int, int]]:
    """Half-open ranges of the tokens."""
    words = [m.span() for m in _WORD.finditer(text)]
    merged: list[tuple[int, int]] = []
    for start, end in words:
        if merged and all(p in cuts.joins for p in range(merged[-1][1], start)):
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    found: list[tuple[int, int]] = []
    for start, end in merged:
        edges = [start, *sorted(p for p in cuts.at if start < p < end), end] if cuts.at else [start, end]
        found += pairwise(edges)
    return found


def align(text: str, words: Sequence[str]) -> tuple[list[tuple[int, int]], Cuts] | None:
    """Where the words lie in the text, in order with white space between, and the cuts that give them back."""
    ranges: list[tuple[int, int]] = []
    at = 0
    for word in words:
        while at < len(text) and text[at].isspace() and not text.startswith(word, at):
            at += 1
        if not word or not text.startswith(word, at):
            return None
        ranges.append((at, at + len(word)))
        at += len(word)
    if text[at:].strip():
        return None
    inner = {p for (_, end), (start, _) in pairwise(ranges) if (p := end) == start}
    joins = {p for start, end in ranges for p in range(start, end) if text[p].isspace()}
    cuts = Cuts(frozenset(inner), frozenset(joins))
    return (ranges, cuts) if tokens(text, cuts) == ranges else None
