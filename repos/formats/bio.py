"""Tags of tokens <-> entities: IOB2, read leniently (IOB1, BIOES and BILOU too).

An I- without an entity of its type before it begins one, as the makers of the data sets here read them, and
is reported.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

TAG = re.compile(r"O|[BIESLU]-.+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entity:
    """Tokens first..last (both included)."""

    first: int
    last: int
    name: str


def entities(tags: Sequence[str]) -> tuple[list[Entity], list[int]]:
    """Entities in order, and the tokens whose I- began an entity."""
    found: list[Entity] = []
    lenient: list[int] = []
    begin: int | None = None
    name = ""

    def close(at: int) -> None:
        nonlocal begin
        if begin is not None:
            found.append(Entity(begin, at, name))
        begin = None

    for at, tag in enumerate(tags):
        mark, _, said = tag.partition("-")
        if mark == "O":
            close(at - 1)
            continue
        if mark in "BSU" or begin is None or said != name:
            if mark not in "BSU":
                lenient.append(at)
            close(at - 1)
            begin, name = at, said
        if mark in "SUEL":
            close(at)
    close(len(tags) - 1)
    return found, lenient
