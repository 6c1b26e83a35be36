"""The label schema: which classes, attributes, sample fields and groups a commit knows, and how ids resolve.

Invariant: an id never changes and never dies. It is the first 16 bytes of SHA-256(sort, name at creation, n), so two
branches that add the same name converge; renaming, deprecating and merging are edits of this one object and touch no
row. The order of the tuples is content: it is the order of the pages and of the indices that exporters write.
Cost: every look-up is a dictionary built once per schema, O(classes).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Protocol, TypeVar

from repos.annotations.errors import AmbiguousName, InvalidValue


class ValueType(StrEnum):
    """Type of an attribute or a sample field. `choice` takes one of its listed values; null always means unset."""

    BOOLEAN = "boolean"
    NUMBER = "number"
    STRING = "string"
    CHOICE = "choice"


class Cardinality(StrEnum):
    """How many classes of a classification group one sample may carry in one layer."""

    ONE = "one"
    MANY = "many"


@dataclass(frozen=True, slots=True)
class LabelClass:
    """One class. `replaced_by` names the class it was merged into; `parent` the class above it in the tree."""

    id: bytes
    name: str
    color: str = ""
    parent: bytes | None = None
    description: str = ""
    former_names: tuple[str, ...] = ()
    deprecated: bool = False
    replaced_by: bytes | None = None
    keypoints: tuple[str, ...] = ()
    skeleton: tuple[tuple[int, int], ...] = ()

    @property
    def live(self) -> bool:
        """Offered for new labels: neither deprecated nor merged away."""
        return not self.deprecated and self.replaced_by is None


@dataclass(frozen=True, slots=True)
class AttributeDef:
    """An attribute of annotations. Rows hold its name as it was when they were written; former names still resolve."""

    id: bytes
    name: str
    type: ValueType = ValueType.STRING
    values: tuple[str, ...] = ()
    description: str = ""
    former_names: tuple[str, ...] = ()
    former_values: tuple[tuple[str, str], ...] = ()
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class FieldDef:
    """A field of samples: split, source, licence, ..."""

    id: bytes
    name: str
    type: ValueType = ValueType.STRING
    values: tuple[str, ...] = ()
    former_names: tuple[str, ...] = ()
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Classes of classification that belong together; `one`: they exclude each other on a sample."""

    id: bytes
    name: str
    cardinality: Cardinality = Cardinality.ONE
    classes: tuple[bytes, ...] = ()


class _Named(Protocol):
    @property
    def id(self) -> bytes: ...
    @property
    def name(self) -> str: ...


class _Renamed(_Named, Protocol):
    @property
    def former_names(self) -> tuple[str, ...]: ...


_N = TypeVar("_N", bound=_Named)
_R = TypeVar("_R", bound=_Renamed)


def stable_id(sort: str, name: str, n: int = 0) -> bytes:
    """SHA-256 of b"labelhub:" + sort + 0 + name + 0 + n in decimal, first 16 bytes (FORMAT-RECORDS.md, "Ids")."""
    return hashlib.sha256(f"labelhub:{sort}\0{name}\0{n}".encode()).digest()[:16]


def free_id(sort: str, name: str, taken: Iterable[bytes]) -> bytes:
    """The id of `name` with the first n that is free among `taken`, entries out of use included."""
    used, n = set(taken), 0
    while (found := stable_id(sort, name, n)) in used:
        n += 1
    return found


@dataclass(frozen=True)
class Schema:
    """Everything a commit's labels are named by. Not checked when made: schema_rules.problems says what is wrong."""

    classes: tuple[LabelClass, ...] = ()
    attributes: tuple[AttributeDef, ...] = ()
    fields: tuple[FieldDef, ...] = ()
    groups: tuple[Group, ...] = ()
    guidelines: str | None = None

    @cached_property
    def class_by_id(self) -> Mapping[bytes, LabelClass]:
        return _by_id(self.classes)

    @cached_property
    def group_by_id(self) -> Mapping[bytes, Group]:
        return _by_id(self.groups)

    @cached_property
    def groups_of(self) -> Mapping[bytes, tuple[Group, ...]]:
        """Class id, resolved, -> the groups it is in."""
        found: dict[bytes, tuple[Group, ...]] = {}
        for group in self.groups:
            for member in dict.fromkeys(map(self.resolve, group.classes)):
                found[member] = (*found.get(member, ()), group)
        return found

    @cached_property
    def attribute_by_name(self) -> Mapping[str, AttributeDef]:
        """Current names first, then former ones."""
        return _by_name(self.attributes)

    @cached_property
    def field_by_name(self) -> Mapping[str, FieldDef]:
        return _by_name(self.fields)

    @cached_property
    def resolution(self) -> Mapping[bytes, bytes]:
        """Class id -> the id it reads as: the end of its chain of `replaced_by`. Stops where a chain would loop."""
        return {c.id: self._end(c.id) for c in self.classes}

    def _end(self, class_id: bytes) -> bytes:
        seen = {class_id}
        while (
            (entry := self.class_by_id.get(class_id)) and entry.replaced_by and entry.replaced_by not in seen
        ):
            class_id = entry.replaced_by
            seen.add(class_id)
        return class_id

    def resolve(self, class_id: bytes) -> bytes:
        """The id that `class_id` reads as; an id this schema does not know reads as itself."""
        return self.resolution.get(class_id, class_id)

    def same_class(self, a: bytes | None, b: bytes | None) -> bool:
        """Whether two class ids (or none) mean the same class here."""
        return a == b or (a is not None and b is not None and self.resolve(a) == self.resolve(b))

    def name_of(self, class_id: bytes) -> str:
        """Name of the class an id reads as; the id in hex when unknown."""
        entry = self.class_by_id.get(self.resolve(class_id))
        return class_id.hex() if entry is None else entry.name

    @cached_property
    def _paths(self) -> Mapping[bytes, str]:
        return {c.id: "/".join(reversed(self._line(c))) for c in self.classes}

    def _line(self, entry: LabelClass) -> list[str]:
        names, seen = [entry.name], {entry.id}
        while entry.parent is not None and entry.parent not in seen and entry.parent in self.class_by_id:
            entry = self.class_by_id[entry.parent]
            seen.add(entry.id)
            names.append(entry.name)
        return names

    def path(self, class_id: bytes) -> str:
        """`parent/name` of the entry itself, not of what replaced it."""
        return self._paths.get(class_id, class_id.hex())

    @cached_property
    def _class_names(self) -> Mapping[str, tuple[LabelClass, ...]]:
        """Name or path -> candidates of the best rank that answers to it (see find_class)."""
        ranked: dict[str, dict[int, list[LabelClass]]] = {}
        for c in self.classes:
            current = 0 if c.live else 1
            names = [(c.name, current if c.parent is None else current + 2), (self.path(c.id), current)]
            names += [(former, 4 + current) for former in c.former_names]
            for name, rank in dict.fromkeys(names):
                ranked.setdefault(name, {}).setdefault(rank, []).append(c)
        return {name: tuple(dict.fromkeys(ranks[min(ranks)])) for name, ranks in ranked.items()}

    def find_class(self, name: str) -> LabelClass | None:
        """The entry of a name or path: current name (live before retired, whole path before bare name), then former.

        The entry itself is returned, also when it was merged away; `resolve` says what it reads as. None when nothing
        answers to the name, AmbiguousName when several do equally well.
        """
        candidates = self._class_names.get(name, ())
        if len(candidates) > 1:
            raise AmbiguousName(name, tuple(sorted(self.path(c.id) for c in candidates)))
        return candidates[0] if candidates else None

    def get_class(self, class_id: bytes) -> LabelClass:
        """The entry of an id; InvalidValue when this schema has none."""
        entry = self.class_by_id.get(class_id)
        if entry is None:
            raise InvalidValue("class", class_id.hex(), "the id of a class of the label schema")
        return entry


def _by_id(entries: Iterable[_N]) -> Mapping[bytes, _N]:
    return {entry.id: entry for entry in entries}


def _by_name(entries: tuple[_R, ...]) -> Mapping[str, _R]:
    former = {name: entry for entry in reversed(entries) for name in entry.former_names}
    return former | {entry.name: entry for entry in reversed(entries)}
