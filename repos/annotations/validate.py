"""What an edit may not leave behind, told as data: which operation, where, which field, why, and what was expected.

Invariant: only what an edit touches is looked at, and all of that is: entries come here whole, as they were and as
they will be. Cost: array operations over the touched entries; Python only per distinct class, attribute set, relation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from repos.annotations.blocks import Array, LayerBlock
from repos.annotations.codec import KIND_CODE, attributes_from
from repos.annotations.columns import GEOMETRY_BIT
from repos.annotations.model import Kind, Relation, Scalar
from repos.annotations.rest import ALIASES, geometries_and_aliases, pack, parse
from repos.annotations.schema import AttributeDef, Cardinality, FieldDef, Schema, ValueType

SOURCE = "source."
"""Attributes of this prefix hold what a source format said beyond the model; the schema need not know them."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule. `operation`: its number in the edit, None when no single one is to blame."""

    operation: int | None
    key: str | None
    layer: str | None
    annotation: bytes | None
    field: str
    reason: str
    expected: str


TextLengths = Callable[[Sequence[bytes]], Mapping[bytes, int | None]]
"""Sample keys -> code points of the text, None for a sample without text; missing samples are left out."""


def value_problem(definition: AttributeDef | FieldDef, value: Scalar) -> str | None:
    """What was expected, when a value does not have the type of its definition."""
    if value is None:
        return None
    match definition.type:
        case ValueType.BOOLEAN:
            return None if isinstance(value, bool) else "true or false"
        case ValueType.NUMBER:
            return None if isinstance(value, float | int) and not isinstance(value, bool) else "a number"
        case ValueType.STRING:
            return None if isinstance(value, str) else "a text"
        case ValueType.CHOICE:
            known = set(definition.values)
            if isinstance(definition, AttributeDef):
                known.update(old for old, _ in definition.former_values)
            return None if value in known else "one of " + ", ".join(definition.values)


def attribute_problems(schema: Schema, attributes: Mapping[str, Scalar]) -> Iterator[tuple[str, str, str]]:
    """(field, reason, expected) of attributes that the schema does not allow."""
    for name, value in attributes.items():
        definition = schema.attribute_by_name.get(name)
        if definition is None:
            if not name.startswith(SOURCE):
                yield (
                    f"attributes.{name}",
                    "is not in the label schema",
                    "an attribute of the schema, or source.*",
                )
        elif (expected := value_problem(definition, value)) is not None:
            yield f"attributes.{name}", f"is {value!r}", expected


def sample_problems(schema: Schema, fields: Mapping[str, Scalar]) -> Iterator[tuple[str, str, str]]:
    """(field, reason, expected) of fields that the schema does not allow."""
    for name, value in fields.items():
        definition = schema.field_by_name.get(name)
        if definition is None:
            yield f"fields.{name}", "is not in the label schema", "a sample field of the schema"
        elif (expected := value_problem(definition, value)) is not None:
            yield f"fields.{name}", f"is {value!r}", expected


class EntryChecks:
    """Checks of one layer's touched entries; the findings gather in `violations`.

    `blame(key, id)` gives the number of the operation that is to be named.
    """

    def __init__(
        self,
        layer: str,
        schema: Schema,
        texts: TextLengths,
        blame: Callable[[bytes, bytes | None], int | None],
    ) -> None:
        self._layer, self._schema, self._texts, self._blame = layer, schema, texts, blame
        self.violations: list[Violation] = []

    def __call__(self, old: LayerBlock, made: LayerBlock) -> None:
        """Check entries as they will be (`made`, rows in place)."""
        self._samples_exist(old, made)
        self._classes(made)
        self._attributes(made)
        self._spans(made)
        self._relations(made)
        self._groups(made)

    def _report(self, block: LayerBlock, row: int, field: str, reason: str, expected: str) -> None:
        key = block.keys[int(np.searchsorted(block.bounds, row, side="right")) - 1]
        annotation = block.ids()[row].tobytes() if block.n_rows else None
        number = self._blame(key, annotation)
        self.violations.append(
            Violation(number, key.decode(), self._layer, annotation, field, reason, expected)
        )

    def _samples_exist(self, old: LayerBlock, made: LayerBlock) -> None:
        known = set(old.keys)
        new = [key for key in made.keys if key not in known]
        if not new:
            return
        found = self._texts(new)
        for key in new:
            if key not in found:
                self.violations.append(
                    Violation(
                        self._blame(key, None), key.decode(), self._layer, None, "key",
                        "no sample has this key", "the key of a sample",
                    )
                )  # fmt: skip

    def _classes(self, made: LayerBlock) -> None:
        codes = made.column("label_class")
        for code in np.unique(codes).tolist():
            class_id = made.dictionary("label_class")[code]
            if class_id and class_id not in self._schema.class_by_id:
                for row in np.flatnonzero(codes == code).tolist():
                    self._report(
                        made, row, "class", f"{class_id.hex()} is not in the label schema", "a class id"
                    )
        bare = (codes == 0) & (made.column("kind") == KIND_CODE[Kind.CLASSIFICATION])
        for row in np.flatnonzero(bare).tolist():
            self._report(made, row, "class", "is missing", "a class, which a classification needs")

    def _attributes(self, made: LayerBlock) -> None:
        codes = made.columns.get("attributes")
        if codes is None:
            return
        dictionary = made.dictionary("attributes")
        for code in np.unique(codes).tolist():
            for field, reason, expected in attribute_problems(
                self._schema, attributes_from(dictionary[code])
            ):
                for row in np.flatnonzero(codes == code).tolist():
                    self._report(made, row, field, reason, expected)

    def _spans(self, made: LayerBlock) -> None:
        rows = np.flatnonzero(made.column("geometries") & GEOMETRY_BIT[Kind.SPAN])
        if not len(rows):
            return
        owner = made.entry_of_rows()[rows]
        keys = [made.keys[e] for e in np.unique(owner).tolist()]
        lengths = self._texts(keys)
        limit = np.array([lengths.get(made.keys[e]) or 0 for e in owner.tolist()], np.int64)
        ends = made.column("span_start")[rows] + made.column("span_length")[rows]
        for i in np.flatnonzero(ends > limit).tolist():
            length = lengths.get(made.keys[int(owner[i])])
            expected = "a sample with text" if length is None else f"an end of at most {length}"
            self._report(made, int(rows[i]), "span", f"ends at {int(ends[i])}", expected)

    def _relations(self, made: LayerBlock) -> None:
        rows = np.flatnonzero(made.column("geometries") & GEOMETRY_BIT[Kind.RELATION])
        if not len(rows):
            return
        owner, ids, known = made.entry_of_rows()[rows], made.ids(), dict[int, set[bytes]]()
        for row, entry in zip(rows.tolist(), owner.tolist(), strict=True):
            if entry not in known:
                known[entry] = _names_in(made, entry, ids)
            geometries, _ = geometries_and_aliases(_only(made.column("rest")[row], Kind.RELATION))
            for relation in geometries:
                if isinstance(relation, Relation):
                    for end in ("source", "target"):
                        if (name := getattr(relation, end)) not in known[entry]:
                            reason = f"{name.hex()} is not an annotation of this sample and layer"
                            self._report(
                                made, row, f"relation.{end}", reason, "an annotation id of the same entry"
                            )

    def _groups(self, made: LayerBlock) -> None:
        one = [g for g in self._schema.groups if g.cardinality is Cardinality.ONE]
        codes = made.columns.get("label_class")
        if not one or codes is None:
            return
        owner = made.entry_of_rows()
        marks = made.column("kind") == KIND_CODE[Kind.CLASSIFICATION]
        for group in one:
            members = {self._schema.resolve(c) for c in group.classes}
            lut = np.array([self._schema.resolve(c) in members for c in made.dictionary("label_class")])
            rows: Array = np.flatnonzero(marks & lut[codes])
            counts = np.bincount(owner[rows], minlength=len(made))
            for e in np.flatnonzero(counts > 1).tolist():
                mine = rows[owner[rows] == e].tolist()
                reason = f"the sample has {len(mine)} values of the group {group.name!r}"
                self._report(made, mine[-1], "class", reason, "one value of a group of cardinality one")


def _names_in(made: LayerBlock, entry: int, ids: Array) -> set[bytes]:
    """Ids and aliases of an entry's annotations."""
    a, b = int(made.bounds[entry]), int(made.bounds[entry + 1])
    names = {ids[row].tobytes() for row in range(a, b)}
    rest = made.columns.get("rest")
    if rest is not None:
        for raw in rest[a:b].tolist():
            names.update(_aliases(raw))
    return names


def _aliases(raw: bytes) -> tuple[bytes, ...]:
    return geometries_and_aliases(pack([f for f in parse(raw) if f.tag == ALIASES]))[1]


def _only(raw: bytes, kind: Kind) -> bytes:
    """A row's rest without other fields, which may lie apart."""
    return pack([f for f in parse(raw) if f.tag == KIND_CODE[kind]])
