"""Changes of samples as rows of a page: what happened in words, and the sample before and after as thumbnails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from repos.access import Revision
from repos.annotations.model import Annotation
from repos.annotations.semantic import Change, SampleChange, Schemas
from repos.annotations.snapshot import SnapshotView
from repos.models import CommitRecord, Repository
from repos.selectors.people import layer_titles
from repos.selectors.samples import SampleItem, items
from repos.selectors.snapshots import view_at
from repos.web.data import thumbnail_url
from repos.web.drawing import Palette, Thumb, thumb
from repos.web.summaries import KINDS, change_counts

SHOWN = 8
FACET_WORDS = {
    "media": "other media",
    "text": "other text",
    "fields": "other fields",
    "review": "review state",
}


@dataclass(frozen=True)
class ChangeRow:
    """For components/change_row.html."""

    number: int
    kind: str
    word: str
    class_before: Mapping[str, str] | None
    class_after: Mapping[str, str] | None
    description: str
    overlap: float | None
    note: str
    layer: str
    count: int = 1


@dataclass(frozen=True)
class SampleRow:
    """One sample that differs, with its first changes."""

    key: str
    url: str
    history_url: str
    status: str
    facets: tuple[str, ...]
    renamed_from: str | None
    counts: Mapping[str, int]
    changes: tuple[ChangeRow, ...]
    more: int
    before: Thumb | None
    after: Thumb | None


@dataclass(frozen=True)
class Sides:
    """What the two sides of a diff hold; None before the first commit."""

    repository: Repository
    before: CommitRecord | None
    after: CommitRecord


def sample_rows(sides: Sides, changes: Sequence[SampleChange], schemas: Schemas) -> list[SampleRow]:
    """One read of the samples and one of each touched layer, on either side."""
    keys = [change.key for change in changes]
    layers = sorted({c.layer for change in changes for c in change.annotations}) or ["gold"]
    old = _side(sides.repository, sides.before, [c.renamed_from or c.key for c in changes], layers)
    new = _side(sides.repository, sides.after, keys, layers)
    palettes = Palette.of(schemas.before), Palette.of(schemas.after)
    titles = layer_titles(layers)
    return [_row(sides, change, old, new, palettes, titles) for change in changes]


def _side(
    repository: Repository, commit: CommitRecord | None, keys: list[str], layers: list[str]
) -> dict[str, SampleItem]:
    if commit is None:
        return {}
    view: SnapshotView = view_at(repository.network, commit)
    return {item.key: item for item in items(view, keys, layers)}


def _row(
    sides: Sides,
    change: SampleChange,
    old: Mapping[str, SampleItem],
    new: Mapping[str, SampleItem],
    palettes: tuple[Palette, Palette],
    titles: Mapping[str, str],
) -> SampleRow:
    shown = sides.after if change.key in new or sides.before is None else sides.before
    facets: dict[str, int] = {}
    for one in change.annotations:
        for facet in one.facets:
            facets[facet] = facets.get(facet, 0) + 1
    base, key = f"/{sides.repository}", quote(change.key)
    lines = change_rows(change.annotations, palettes, titles)
    return SampleRow(
        key=change.key,
        url=f"{base}/sample/{shown.commit_id}/{key}",
        history_url=f"{base}/history/{shown.commit_id}/{key}",
        status=str(change.status),
        facets=tuple(FACET_WORDS[f] for f in change.facets),
        renamed_from=change.renamed_from,
        counts=change_counts(facets),
        changes=tuple(lines[:SHOWN]),
        more=sum(line.count for line in lines[SHOWN:]),
        before=_thumb(
            sides, sides.before, old.get(change.renamed_from or change.key), change, palettes[0], "before"
        ),
        after=_thumb(sides, sides.after, new.get(change.key), change, palettes[1], "after"),
    )


def change_rows(
    changes: Sequence[Change], palettes: tuple[Palette, Palette], titles: Mapping[str, str]
) -> list[ChangeRow]:
    """One line a change; labels that were only added, or only removed, are counted by class. `titles`: of layers."""
    lines: list[ChangeRow] = []
    places: dict[tuple[object, ...], int] = {}
    for n, change in enumerate(changes, 1):
        line = change_row(n, change, palettes, titles)
        if line.class_before is not None and line.class_after is not None:
            lines.append(line)
            continue
        names = [side and side["name"] for side in (line.class_before, line.class_after)]
        at = places.setdefault((line.word, line.layer, *names), len(lines))
        if at == len(lines):
            lines.append(line)
        else:
            lines[at] = replace(lines[at], count=lines[at].count + 1)
    return lines


def change_row(
    number: int, change: Change, palettes: tuple[Palette, Palette], titles: Mapping[str, str]
) -> ChangeRow:
    kind, _, word = KINDS.get(str(change.facets[0]), ("changed", "chg", "changed"))
    words = [KINDS.get(str(facet), ("", "", str(facet)))[2] for facet in change.facets]
    relabelled = "relabelled" in change.facets
    return ChangeRow(
        number=number,
        kind="relabelled" if relabelled else kind,
        word=" and ".join(dict.fromkeys(words)) or word,
        class_before=_class(change.before, change.class_before, palettes[0]),
        class_after=_class(change.after, change.class_after, palettes[1]),
        description="" if str(change.facets[0]) in ("added", "removed") else change.description,
        overlap=change.overlap,
        note="" if change.layer == "gold" else f"layer {titles[change.layer]}",
        layer=change.layer,
    )


def _class(annotation: Annotation | None, name: str | None, palette: Palette) -> dict[str, str] | None:
    if annotation is None:
        return None
    return {"name": name or str(annotation.kind), "color": palette.colour(annotation)}


def _thumb(
    sides: Sides,
    commit: CommitRecord | None,
    item: SampleItem | None,
    change: SampleChange,
    palette: Palette,
    side: str,
) -> Thumb | None:
    """The sample as it was on one side, with the labels of the layers that changed."""
    if commit is None or item is None:
        return None
    names = {c.layer for c in change.annotations}
    marks = [a for name, entry in item.layers.items() if name in names or not names for a in entry]
    url = f"/{sides.repository}/sample/{commit.commit_id}/{quote(item.key)}"
    src = thumbnail_url(sides.repository, Revision(sides.repository, commit), item, 320)
    return thumb(f"{side}: {item.key}", item.sample, marks, palette, url, src)
