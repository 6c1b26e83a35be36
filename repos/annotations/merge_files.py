"""Files of a snapshot: path by path, each as a whole.

Invariant: as of every map: one-sided changes never conflict, equal changes are one. A text is not merged by
lines: the card of a data set that says two things at once is worse than a question. Cost: O(files that
changed).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from repos.annotations.conflicts import ConflictKind, Where
from repos.annotations.small_merges import Desk

F = TypeVar("F")


def merge_files(
    desk: Desk, base: Mapping[str, F], ours: Mapping[str, F], theirs: Mapping[str, F]
) -> dict[str, F]:
    """Path -> file (an address, or bytes: anything with a digest). Only paths that changed need be given."""
    merged: dict[str, F] = {}
    for path in sorted({*base, *ours, *theirs}):
        b, o, t = base.get(path), ours.get(path), theirs.get(path)
        found = o if o == t or b == t else t if b == o else _clash(desk, path, b, o, t)
        if found is not None:
            merged[path] = found
    return merged


def _clash(desk: Desk, path: str, base: F | None, ours: F | None, theirs: F | None) -> F | None:
    kind = ConflictKind.DELETE_EDIT if ours is None or theirs is None else ConflictKind.FILE
    chosen: F | None = desk.clash(
        kind, Where(path, "file"), (base, ours, theirs), "both sides changed the file"
    )
    return chosen
