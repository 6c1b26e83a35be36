"""What changed between two label schemas, told entry by entry and field by field, apart from the labels.

Invariant: empty exactly when the schemas are equal but for the order of entries, which is told as one change.
Cost: O(entries).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from repos.annotations.schema import Schema

SORTS = (("class", "classes"), ("attribute", "attributes"), ("field", "fields"), ("group", "groups"))


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """`change` is "<sort> <what>": added, removed, renamed, merged, deprecated, restored, edited, reordered.

    `name` is the name after (of a removed entry: before); `before` and `after` the values of `field`.
    """

    change: str
    name: str
    id: bytes = b""
    field: str = ""
    before: Any = None
    after: Any = None

    def to_json(self) -> dict[str, Any]:
        shape: dict[str, Any] = {"change": self.change, "name": self.name}
        if self.field:
            shape |= {"field": self.field, "before": _plain(self.before), "after": _plain(self.after)}
        return shape


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def schema_changes(before: Schema, after: Schema) -> list[SchemaChange]:
    """Every difference, in the order of the schema after, removed entries last of their sort."""
    found: list[SchemaChange] = []
    for sort, name in SORTS:
        found += _list_changes(sort, getattr(before, name), getattr(after, name), before, after)
    if before.guidelines != after.guidelines:
        found.append(
            SchemaChange(
                "guidelines edited", "guidelines", b"", "guidelines", before.guidelines, after.guidelines
            )
        )
    return found


def _list_changes(
    sort: str, old: Sequence[Any], new: Sequence[Any], before: Schema, after: Schema
) -> Iterator[SchemaChange]:
    was, now = {e.id: e for e in old}, {e.id: e for e in new}
    for entry in new:
        if entry.id not in was:
            yield SchemaChange(f"{sort} added", entry.name, entry.id)
        elif was[entry.id] != entry:
            yield from _entry_changes(sort, was[entry.id], entry, after)
    for entry in old:
        if entry.id not in now:
            yield SchemaChange(f"{sort} removed", entry.name, entry.id)
    if [e.id for e in old if e.id in now] != [e.id for e in new if e.id in was]:
        order = tuple(e.name for e in old), tuple(e.name for e in new)
        yield SchemaChange(f"{sort} reordered", "", b"", "order", *order)


def _entry_changes(sort: str, old: Any, new: Any, after: Schema) -> Iterator[SchemaChange]:
    """One change a field; former names follow from a rename and are not told by themselves beside one."""
    for f in fields(new):
        a, b = getattr(old, f.name), getattr(new, f.name)
        if a == b or (f.name == "former_names" and old.name != new.name):
            continue
        what = {"name": "renamed", "replaced_by": "merged", "deprecated": "deprecated"}.get(f.name, "edited")
        if (f.name == "deprecated" and not b) or (f.name == "replaced_by" and b is None):
            what = "restored"
        shown = after.name_of(b) if f.name == "replaced_by" and b is not None else b
        yield SchemaChange(f"{sort} {what}", new.name, new.id, f.name, a, shown)
