"""A DiffSummary (docs/design/JSON.md) laid out for the strip above the changes. Pure: JSON in, a frame out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# facet -> (mark of the diff palette, css class, word); the order is the order of the strip
KINDS: Mapping[str, tuple[str, str, str]] = {
    "added": ("added", "add", "added"),
    "removed": ("removed", "rem", "removed"),
    "moved": ("moved", "mov", "moved"),
    "resized": ("moved", "mov", "resized"),
    "reshaped": ("moved", "mov", "reshaped"),
    "respanned": ("moved", "mov", "respanned"),
    "retimed": ("moved", "mov", "retimed"),
    "relabelled": ("relabelled", "rel", "relabelled"),
    "retyped": ("changed", "chg", "retyped"),
    "attribute_changed": ("changed", "chg", "attributes"),
    "text_changed": ("changed", "chg", "texts"),
    "value_changed": ("changed", "chg", "values"),
    "confidence_changed": ("changed", "chg", "confidence"),
    "promoted": ("changed", "chg", "promoted"),
}
MOST_CLASSES = 6
SPARK_HEIGHT = 20


@dataclass(frozen=True)
class KindFrame:
    mark: str
    css: str
    word: str
    count: int
    bars: tuple[int, ...]
    note: str


@dataclass(frozen=True)
class Cell:
    text: str
    css: str = ""


@dataclass(frozen=True)
class MatrixRow:
    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Matrix:
    """Classes before (rows) and after (columns); the last of both is "none": added and removed."""

    columns: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    left_out: int


@dataclass(frozen=True)
class SummaryFrame:
    samples: Mapping[str, int]
    changed_annotations: int
    splits: tuple[tuple[str, int], ...]
    kinds: tuple[KindFrame, ...]
    matrix: Matrix | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """Of a summary that is being counted: labels and samples compared. `total` is None before that is known."""

    done: int
    total: int | None

    @property
    def percent(self) -> int:
        return min(100, 100 * self.done // self.total) if self.total else 0


def frame(summary: Mapping[str, Any]) -> SummaryFrame:
    return SummaryFrame(
        samples=summary["samples"],
        changed_annotations=summary["changed_annotations"],
        splits=tuple(
            sorted(((s, n) for s, n in summary.get("by_split", {}).items() if s), key=lambda item: -item[1])
        ),
        kinds=tuple(kind_frames(summary)),
        matrix=matrix(summary.get("transitions", [])),
        notes=tuple(notes(summary)),
    )


def change_counts(annotations: Mapping[str, int]) -> dict[str, int]:
    """Counts under the five marks of the palette, for components/change_counts.html."""
    counts = dict.fromkeys(("added", "removed", "moved", "relabelled", "changed"), 0)
    for facet, count in annotations.items():
        counts[KINDS.get(facet, ("changed", "", ""))[0]] += count
    return counts


def kind_frames(summary: Mapping[str, Any]) -> Iterable[KindFrame]:
    sizes: Mapping[str, list[int]] = summary.get("size_histogram", {})
    for facet, (mark, css, word) in KINDS.items():
        count = summary["annotations"].get(facet, 0)
        if count:
            yield KindFrame(mark, css, word, count, spark(sizes.get(facet, [])), kind_note(summary, facet))


def spark(bins: list[int]) -> tuple[int, ...]:
    """Heights in pixels, the highest 20, nothing that counts lower than 2; empty when there is nothing to draw."""
    top = max(bins, default=0)
    return tuple(max(2, round(SPARK_HEIGHT * n / top)) for n in bins) if top else ()


def kind_note(summary: Mapping[str, Any], facet: str) -> str:
    """The classes behind a count, most frequent first; for relabelled ones the commonest transition."""
    if facet == "relabelled":
        changes = [(n, a, b) for a, b, n in summary.get("transitions", []) if a and b and a != b]
        return "; ".join(f"{n} {a} → {b}" for n, a, b in sorted(changes, reverse=True)[:2])
    by_class = [(counts.get(facet, 0), name) for name, counts in summary.get("by_class", {}).items()]
    return ", ".join(f"{n} {name}" for n, name in sorted(by_class, reverse=True)[:3] if n)


def matrix(transitions: Iterable[tuple[str | None, str | None, int]]) -> Matrix | None:
    """The busiest classes as a table; None when nothing was added, removed or relabelled."""
    counts = {(a, b): n for a, b, n in transitions if n}
    if not counts:
        return None
    weight: dict[str, int] = {}
    for (a, b), n in counts.items():
        for name in {a, b} - {None}:
            weight[str(name)] = weight.get(str(name), 0) + n
    shown = sorted(weight, key=lambda name: (-weight[name], name))[:MOST_CLASSES]
    axis: list[str | None] = [*shown, None]
    rows = tuple(MatrixRow(a or "none", tuple(cell(a, b, counts) for b in axis)) for a in axis)
    left_out = sum(1 for a, b in counts if {a, b} - {None, *shown})
    return Matrix(tuple(name or "none" for name in axis), rows, left_out)


def cell(before: str | None, after: str | None, counts: Mapping[tuple[str | None, str | None], int]) -> Cell:
    count = counts.get((before, after), 0)
    if not count:
        return Cell("" if before is after is None else "·")
    css = "add" if before is None else "rem" if after is None else "mov" if before == after else "rel"
    return Cell(str(count), css)


def notes(summary: Mapping[str, Any]) -> Iterable[str]:
    for each in summary.get("schema", []):
        yield f"schema: {each['change']} {each.get('name', '')}".rstrip()
    for path, what in summary.get("files", []):
        yield f"{path} {what}"
    lowest = next((i for i, n in enumerate(summary.get("overlap_histogram", [])) if n), None)
    if lowest is not None and lowest < 6:
        count = sum(summary["overlap_histogram"][:6])
        yield f"{count} change{'s' if count != 1 else ''} with overlap under 0.6"
