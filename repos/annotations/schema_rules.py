"""What makes a label schema valid, told as data: every problem with the entry it concerns.

A merge builds a schema first and asks here afterwards, so that a clash (one name twice under a parent) becomes a
schema conflict that can offer to merge the two. Cost: O(entries).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from repos.annotations.errors import SchemaProblems
from repos.annotations.schema import AttributeDef, FieldDef, LabelClass, Schema, ValueType
from repos.annotations.wire import is_text

COLOR = re.compile(r"#[0-9a-f]{6}\Z")
MAX_NAME = 1024


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule: `sort` is class, attribute, field, group or schema; `entries` the ids concerned."""

    sort: str
    entries: tuple[bytes, ...]
    name: str
    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.sort} {self.name!r}, {self.field}: {self.reason}"


def problems(schema: Schema) -> list[Problem]:
    """All broken rules, in the order of the schema; empty for a valid schema."""
    found: list[Problem] = []
    for sort, ids in (
        ("class", [c.id for c in schema.classes]),
        ("attribute", [a.id for a in schema.attributes]),
        ("field", [f.id for f in schema.fields]),
        ("group", [g.id for g in schema.groups]),
    ):
        found += [
            Problem(sort, (i,), i.hex(), "id", "is given twice") for i, n in Counter(ids).items() if n > 1
        ]
        found += [Problem(sort, (i,), i.hex(), "id", "has not 16 bytes") for i in ids if len(i) != 16]
    for c in schema.classes:
        found += _class_problems(schema, c)
    found += _clashes(schema)
    for a in schema.attributes:
        found += _value_problems("attribute", a)
    for f in schema.fields:
        found += _value_problems("field", f)
    found += _group_problems(schema)
    return found


def check(schema: Schema) -> Schema:
    """The schema itself, or SchemaProblems with all that is wrong."""
    found = problems(schema)
    if found:
        raise SchemaProblems(tuple(found))
    return schema


def _name_problem(name: str) -> str | None:
    if not name or name != name.strip():
        return "must not be empty or begin or end with a space"
    if not is_text(name) or len(name.encode()) > MAX_NAME:
        return f"must be UTF-8 text of at most {MAX_NAME} bytes"
    if any(ord(ch) < 32 or ord(ch) == 127 for ch in name):
        return "must not hold control characters"
    return None


def _class_problems(schema: Schema, c: LabelClass) -> Iterator[Problem]:
    def problem(field: str, reason: str) -> Problem:
        return Problem("class", (c.id,), c.name, field, reason)

    for name in (c.name, *c.former_names, *c.keypoints):
        if reason := _name_problem(name):
            yield problem("name", reason)
    if c.color and not COLOR.match(c.color):
        yield problem("color", "must be empty or # and six lower case hex digits")
    yield from _link_problems(schema, c)


def _link_problems(schema: Schema, c: LabelClass) -> Iterator[Problem]:
    def problem(field: str, reason: str) -> Problem:
        return Problem("class", (c.id,), c.name, field, reason)

    for field, other in (("parent", c.parent), ("replaced_by", c.replaced_by)):
        if other is not None and other not in schema.class_by_id:
            yield problem(field, "must be the id of a class of this schema")
        if _loops(schema, c, field):
            yield problem(field, "must not lead back to the class itself")
    if len(set(c.keypoints)) != len(c.keypoints):
        yield problem("keypoints", "must be distinct")
    if any(not (0 <= a < len(c.keypoints) and 0 <= b < len(c.keypoints)) for a, b in c.skeleton):
        yield problem("skeleton", "must join keypoints of the class by their index from 0")


def _loops(schema: Schema, c: LabelClass, field: str) -> bool:
    seen: set[bytes] = set()
    at: bytes | None = getattr(c, field)
    while at is not None and at in schema.class_by_id and at not in seen:
        if at == c.id:
            return True
        seen.add(at)
        at = getattr(schema.class_by_id[at], field)
    return False


def _clashes(schema: Schema) -> Iterator[Problem]:
    """Two live classes of one parent with one name."""
    named: dict[tuple[bytes | None, str], list[bytes]] = {}
    for c in schema.classes:
        if c.live:
            named.setdefault((c.parent, c.name), []).append(c.id)
    for (_, name), ids in named.items():
        if len(ids) > 1:
            yield Problem(
                "class", tuple(sorted(ids)), name, "name", "is given to several classes of one parent"
            )


def _value_problems(sort: str, entry: AttributeDef | FieldDef) -> Iterator[Problem]:
    for name in (entry.name, *entry.former_names):
        if reason := _name_problem(name):
            yield Problem(sort, (entry.id,), entry.name, "name", reason)
    if len(set(entry.values)) != len(entry.values) or not all(map(is_text, entry.values)):
        yield Problem(sort, (entry.id,), entry.name, "values", "must be distinct UTF-8 texts")
    if (entry.type is ValueType.CHOICE) != bool(entry.values):
        yield Problem(sort, (entry.id,), entry.name, "values", "must be given exactly for the type choice")


def _group_problems(schema: Schema) -> Iterator[Problem]:
    for sort, names in (
        ("attribute", [(a.id, a.name) for a in schema.attributes if not a.deprecated]),
        ("field", [(f.id, f.name) for f in schema.fields if not f.deprecated]),
        ("group", [(g.id, g.name) for g in schema.groups]),
    ):
        for name, n in Counter(name for _, name in names).items():
            if n > 1:
                yield Problem(
                    sort, tuple(sorted(i for i, m in names if m == name)), name, "name", "is given twice"
                )
    for g in schema.groups:
        if reason := _name_problem(g.name):
            yield Problem("group", (g.id,), g.name, "name", reason)
        for member in g.classes:
            if member not in schema.class_by_id:
                yield Problem(
                    "group", (g.id,), g.name, "classes", f"{member.hex()} is not a class of this schema"
                )
        if len(set(g.classes)) != len(g.classes):
            yield Problem("group", (g.id,), g.name, "classes", "must be distinct")
