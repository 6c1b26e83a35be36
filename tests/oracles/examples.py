"""Reads the worked examples of docs/design/MERGE.md: the table there is the test table.

A cell is a sample with its labels in one layer: `"a text"` or `[digest]` first when content matters, a review state
in brackets `(done u1 5)`, then annotations separated by `;`. An annotation is a one-letter id, `~` and its aliases,
a class with `@` and its place (`x,y,w,h` a box, `s..e` a span, `p>q` a relation, `^x,y x,y x,y` a polygon), and
attributes `name=value`. `-`: no such sample.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from repos.annotations.merge_sample import NO_SAMPLE, SampleState
from repos.annotations.model import (
    Annotation,
    Box,
    Geometry,
    Kind,
    LayerEntry,
    Media,
    MediaState,
    Polygon,
    Relation,
    Review,
    ReviewState,
    Sample,
    Scalar,
    Span,
)
from repos.annotations.schema import AttributeDef, Cardinality, Schema, ValueType, stable_id
from repos.annotations.schema_edit import add_class, add_group, merge_class

MERGE_MD = Path(__file__).resolve().parents[2] / "docs" / "design" / "MERGE.md"
LAYER = "gold"
CLASSES = ("RBC", "WBC", "Platelets", "PER", "LOC", "one", "seven", "Erythrocyte", "knows")


def example_schema() -> Schema:
    """The schema of all examples: Erythrocyte was merged into RBC; one and seven exclude each other."""
    known = (("dim", ValueType.BOOLEAN), ("by", ValueType.STRING))
    schema = Schema(attributes=tuple(AttributeDef(stable_id("attribute", n), n, t) for n, t in known))
    for name in CLASSES:
        schema, _ = add_class(schema, name)
    schema = merge_class(schema, class_of(schema, "Erythrocyte"), class_of(schema, "RBC"))
    digits = tuple(class_of(schema, name) for name in ("one", "seven"))
    return add_group(schema, "digit", Cardinality.ONE, digits)[0]


def class_of(schema: Schema, name: str) -> bytes:
    found = schema.find_class(name)
    assert found is not None, name
    return found.id


def tables(heading: str) -> Iterator[list[str]]:
    """Rows of the tables under a heading, without the header rows; cells are stripped of backticks."""
    text = MERGE_MD.read_text().split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    for line in text.splitlines():
        cells = [cell.strip().strip("`").strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and not set(line) <= set("|- :") and cells[1] != "base":
            yield cells


def ident(letter: str) -> bytes:
    return letter.encode().rjust(16, b"\0")


def letter(name: bytes) -> str:
    return name.lstrip(b"\0").decode()


def state(cell: str, schema: Schema) -> SampleState:
    if cell == "-":
        return NO_SAMPLE
    sample, rest = _content(cell)
    review = re.match(r"\((\w+)(?: (\w+))?(?: (\d+))?\)\s*", rest)
    marks = rest[review.end() :] if review else rest
    found = tuple(annotation(part, schema) for part in marks.split(";") if part.strip())
    said = Review(ReviewState(review[1]), review[2] or "", int(review[3] or 0)) if review else None
    layers = {LAYER: LayerEntry(found, said)} if found or said else {}
    return SampleState(sample, layers)


def _content(cell: str) -> tuple[Sample, str]:
    if cell.startswith('"'):
        _, text, rest = cell.split('"', 2)
        return Sample(text=text), rest.strip()
    name, rest = "photo", cell
    if cell.startswith("["):
        name, rest = cell[1:].split("]", 1)
    digest = hashlib.sha256(name.encode()).digest()
    return Sample(Media(MediaState.STORED, digest, "image/png")), rest.strip()


def annotation(text: str, schema: Schema) -> Annotation:
    name, mark, *attributes = text.split()
    ids = name.split("~")
    label, _, place = mark.partition("@")
    if place.startswith("^"):
        points = [p for p in attributes if "=" not in p]
        place, attributes = " ".join([place, *points]), [a for a in attributes if "=" in a]
    kind, geometries = _geometry(place)
    pairs: dict[str, Scalar] = {}
    for attribute in attributes:
        key, _, value = attribute.partition("=")
        pairs[key] = {"yes": True, "no": False}.get(value, value)
    return Annotation(
        ident(ids[0]), kind, class_of(schema, label), geometries, pairs,
        aliases=tuple(map(ident, "".join(ids[1:]))),
    )  # fmt: skip


def _geometry(place: str) -> tuple[Kind, tuple[Geometry, ...]]:
    if not place:
        return Kind.CLASSIFICATION, ()
    if place.startswith("^"):
        ring = tuple((float(x), float(y)) for x, y in (p.split(",") for p in place[1:].split()))
        return Kind.POLYGON, (Polygon(((ring,),)),)
    if ">" in place:
        source, target = place.split(">")
        return Kind.RELATION, (Relation(ident(source), ident(target)),)
    if ".." in place:
        start, end = place.split("..")
        return Kind.SPAN, (Span(int(start), int(end)),)
    x, y, w, h = map(float, place.split(","))
    return Kind.BOX, (Box(x, y, w, h),)
