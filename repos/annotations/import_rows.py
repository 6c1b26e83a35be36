"""Import of drafts that come as columns (draft_rows.py): the same outcome as of their records, without objects.

Rule: a sample goes by columns only where its outcome is plain. Its layer says nothing yet: then its rows become an
entry. Or the layer says exactly what the file says: then nothing changes. Every other sample is handed to the ordinary
import as its record. Equal values are enough for the second case, because what a reader gives is what `express` gives
of it. Names enter the schema in the order in which records would bring them. Cost: about 5 us a row, and what reading
the touched leaves costs; memory: the run in hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from repos.annotations.blocks import LayerBlock, splice
from repos.annotations.codec import attributes_bytes, review_bytes
from repos.annotations.columns import GEOMETRY_BIT, HAS_CONFIDENCE, RELATIVE_BOX
from repos.annotations.derived_columns import Shapes, derived_box_ids
from repos.annotations.draft_of import media_of, sample_draft_of
from repos.annotations.draft_rows import Coded, DraftRows
from repos.annotations.drafts import Record, SampleDraft
from repos.annotations.errors import InvalidValue
from repos.annotations.import_changed import Changed, Outcome
from repos.annotations.import_same import NUMBERS, Names, Same
from repos.annotations.model import Kind, Origin, Review, Sample, Scalar
from repos.annotations.records import RecordBlock
from repos.annotations.samples import sample_bytes

if TYPE_CHECKING:
    from repos.annotations.importing import Batch, Importer

Flags = NDArray[np.bool_]
I64 = NDArray[np.int64]


class RowsImport:
    """The part of one import that goes by columns."""

    def __init__(self, importer: Importer) -> None:
        self.importer = importer
        self._coded: Coded | None = None
        self._kept: dict[int, tuple[Mapping[str, Scalar], bytes]] = {}
        self._records: dict[Any, bytes] = {}

    def plan(self, rows: DraftRows) -> tuple[Batch | None, list[int]]:
        """The batch of those that go by columns, and the samples that go as records, which the caller takes up."""
        samples, odd = self._samples(rows)
        taken = np.ones(len(rows), bool)
        taken[odd] = False
        names = self._names(rows, taken)
        if names is None:
            return None, list(range(len(rows)))
        layer = self.importer.layer(rows.layer)
        there = self.importer.existing.layer_block(layer, rows.keys)
        places = _places(there, rows.keys)
        schema, claimed = self.importer.schema.schema, self.importer.plan.claimed
        compared = Same(rows, names, schema, there, claimed)
        same = compared.entries(places) & ~samples.resized & taken
        other = taken & ~same & ~samples.resized & (places >= 0)
        changed = Changed(rows, names, schema, layer, compared, claimed).entries(places, other)
        new = taken & (places < 0) & self._makes_ids(rows)
        entries = self._entries(rows, names, layer, new)
        done = new | same | changed.done
        self._count(entries.n_rows, int(np.diff(rows.bounds)[same].sum()), changed)
        entries = splice(entries, changed.entries, [])
        return self._batch(rows, layer, samples, entries, done), np.flatnonzero(~done).tolist()

    def _count(self, new: int, same: int, changed: Outcome) -> None:
        changes = self.importer.changes
        changes.added += new + changed.added
        changes.kept += same + changed.kept
        changes.changed += changed.changed
        changes.removed += changed.removed

    def _batch(
        self, rows: DraftRows, layer: str, samples: _SampleRows, entries: LayerBlock, done: Flags
    ) -> Batch | None:
        importer = self.importer
        importer.saw(key for key, mine in zip(rows.keys, done.tolist(), strict=True) if mine)
        if done.any():
            importer.layers.add(layer)
        put = {at: raw for at, raw in samples.put.items() if done[at]}
        importer.changes.samples_added += sum(at in samples.new for at in put)
        importer.changes.samples_changed += sum(at not in samples.new for at in put)
        if not put and not len(entries):
            return None
        batch = importer.batch()
        batch.records = RecordBlock.from_mapping({rows.keys[at].encode(): raw for at, raw in put.items()})
        batch.blocks = {layer: entries} if len(entries) else {}
        return batch

    # ---- samples ----------------------------------------------------------------------------------------------

    def _samples(self, rows: DraftRows) -> tuple[_SampleRows, list[int]]:
        """Records of samples that are new or change, and the samples that are refused."""
        importer, found, odd = self.importer, _SampleRows(len(rows)), list[int]()
        stored = dict(importer.existing.sample_block(rows.keys).items())
        known = [stored.get(key.encode()) for key in rows.keys]
        for at, (draft, before) in enumerate(zip(rows.samples, known, strict=True)):
            try:
                made = self._plain(draft)
                if made is None or (before is not None and made != before):
                    made = self._sample(rows, at, before, found)
            except InvalidValue:
                odd.append(at)
                continue
            if made != before:
                found.put[at] = made
                if before is None:
                    found.new.add(at)
        return found, odd

    def _plain(self, draft: SampleDraft) -> bytes | None:
        """The record of a new sample; None where the media is named and the caller of the import says what it is."""
        media = draft.media
        if media is not None and (media.member is not None or media.sha256 is not None):
            return None
        fields = tuple((n, type(v), v) for n, v in draft.fields.items())
        found = self._records.get((media, draft.text, fields))
        if found is None:
            schema = self.importer.schema
            sample = Sample(
                None if media is None else media_of(media, None), draft.text, schema.fields(draft.fields)
            )
            found = sample_bytes(sample)
            if len(self._records) < 10_000 and draft.text is None:
                self._records[media, None, fields] = found
        return found

    def _sample(self, rows: DraftRows, at: int, before: bytes | None, found: _SampleRows) -> bytes:
        key = rows.keys[at]
        there = None if before is None else self.importer.existing.samples([key])[key]
        if rows.sized and there is not None:
            found.resized[at] = sample_draft_of(there).size != rows.samples[at].size
        record = Record(key, rows.samples[at], {}, rows.holds, rows.places[at][0])
        sample = self.importer.sample(record, there, ())
        return before if before is not None and sample is there else sample_bytes(sample)

    # ---- names ------------------------------------------------------------------------------------------------

    def _names(self, rows: DraftRows, taken: Flags) -> Names | None:
        """Classes and attributes of the rows, made in their order; None where one cannot be made."""
        if self._coded is not rows.coded:
            self._coded, self._kept = rows.coded, {}
        mine = np.flatnonzero(np.repeat(taken, np.diff(rows.bounds)))
        events = [(at, 0, code) for code, at in _first(rows.label, mine)]
        if rows.attribute is not None:
            events += [(at, 1, code) for code, at in _first(rows.attribute, mine) if code not in self._kept]
        classes = [b""] * len(rows.classes)
        self._kept.setdefault(0, ({}, b""))
        try:
            for _, what, code in sorted(events):
                if what:
                    kept = self.importer.schema.attributes(rows.coded.attributes[code])
                    self._kept[code] = (kept, attributes_bytes(kept))
                else:
                    classes[code] = self.importer.schema.class_id(rows.classes[code])
        except InvalidValue:
            return None
        return Names(classes, self._kept)

    def _makes_ids(self, rows: DraftRows) -> Flags:
        """Samples whose rows can be given ids without looking at single ones: all or none bring one, and no two the
        same."""
        fine = np.ones(len(rows), bool)
        if not rows.holds.ids or rows.carried is None:
            return fine
        whole = np.asarray(rows.carried.any(axis=1))
        owner = np.repeat(np.arange(len(rows)), np.diff(rows.bounds))
        halves = np.ascontiguousarray(rows.carried).view(np.uint64).reshape(-1, 2)
        order = np.lexsort((halves[:, 1], halves[:, 0], owner))
        twice: Flags = np.diff(owner[order]) == 0
        twice &= (np.diff(halves[order], axis=0) == 0).all(axis=1)
        brought = np.bincount(owner[whole], minlength=len(rows))
        twice &= whole[order][1:]
        fine[(brought > 0) & (brought < np.diff(rows.bounds))] = False
        fine[owner[order][1:][twice]] = False
        return fine

    # ---- entries ----------------------------------------------------------------------------------------------

    def _entries(self, rows: DraftRows, names: Names, layer: str, new: Flags) -> LayerBlock:
        """Entries of samples that have none yet."""
        counts = np.diff(rows.bounds)
        reviews = self._reviews(rows, new)
        listed = np.flatnonzero(new & ((counts > 0) | np.array([raw != b"" for raw in reviews], bool)))
        if not len(listed):
            return LayerBlock.empty()
        chosen = np.flatnonzero(np.repeat(np.isin(np.arange(len(rows)), listed), counts))
        keys = [rows.keys[e] for e in listed.tolist()]
        bounds = np.concatenate([[0], np.cumsum(counts[listed])]).astype(np.int64)
        label, boxes = rows.label[chosen], rows.boxes[chosen]
        relative = np.zeros(len(chosen), bool) if rows.relative is None else rows.relative[chosen]
        ids = derived_box_ids(
            keys, bounds, layer, names.classes, label, boxes, relative, _shapes(rows, chosen)
        )
        if rows.holds.ids and rows.carried is not None:
            own = rows.carried[chosen]
            ids = np.where(own.any(axis=1, keepdims=True), own, ids)
        columns: dict[str, Any] = {name: boxes[:, n] for n, name in enumerate(NUMBERS)}
        columns |= self._more(rows, names, chosen, relative)
        said = [reviews[e] for e in listed.tolist()]
        return LayerBlock.from_columns(
            keys,
            counts[listed],
            ids=ids,
            kind=rows.kinds()[chosen],
            geometries=rows.bits()[chosen],
            label_class=(label, names.classes),
            review=(np.arange(len(keys)), said) if any(said) else None,
            **columns,
        )

    def _more(self, rows: DraftRows, names: Names, chosen: I64, relative: Flags) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        flags = np.where(relative, RELATIVE_BOX, 0).astype(np.uint8)
        if rows.confidence is not None:
            given = rows.confidence[chosen]
            flags |= np.where(np.isnan(given), 0, HAS_CONFIDENCE).astype(np.uint8)
            columns["confidence"] = np.nan_to_num(given, nan=0.0)
        columns["flags"] = flags
        if rows.attribute is not None:
            used, codes = np.unique(rows.attribute[chosen], return_inverse=True)
            columns["attributes"] = (codes.reshape(-1), [names.kept[code][1] for code in used.tolist()])
        if rows.annotator is not None:
            columns["annotator"] = self._annotators(rows, rows.annotator[chosen])
        if rows.rest is not None and (rest := rows.rest[chosen]).any():
            columns["rest"] = rest
        imported = list(Origin).index(Origin.IMPORT)
        own = rows.origin is not None and rows.holds.origin
        columns["origin"] = (
            rows.origin[chosen] if own and rows.origin is not None else np.full(len(chosen), imported)
        )
        return columns

    def _annotators(self, rows: DraftRows, codes: NDArray[Any]) -> tuple[NDArray[Any], list[bytes]]:
        """Names of labels that are new: whom a name in the file stands for is the caller's to say."""
        used, again = np.unique(codes, return_inverse=True)
        said = [rows.annotators[code] for code in used.tolist()]
        return again.reshape(-1), [
            (self.importer.plan.claimed(name) if name else name).encode() for name in said
        ]

    def _reviews(self, rows: DraftRows, new: Flags) -> list[bytes]:
        """What a new entry of each sample would say."""
        planned = self.importer.plan.review
        given = [None] * len(rows) if rows.reviews is None else rows.reviews
        return [
            self._review(review or planned, mine) for review, mine in zip(given, new.tolist(), strict=True)
        ]

    def _review(self, review: Review | None, new: bool) -> bytes:
        if not new or review is None:
            return b""
        return review_bytes(
            replace(review, by=self.importer.plan.claimed(review.by)) if review.by else review
        )


class _SampleRows:
    """Records to put by number of the sample, which of them are new, and samples there of another size than the file
    says (where that counts)."""

    def __init__(self, n: int) -> None:
        self.put: dict[int, bytes] = {}
        self.new: set[int] = set()
        self.resized: Flags = np.zeros(n, bool)


def _first(codes: NDArray[Any], rows: I64) -> list[tuple[int, int]]:
    """(code, row where it comes first) of the codes of some rows."""
    used, at = np.unique(codes[rows], return_index=True)
    return list(zip(used.tolist(), rows[at].tolist(), strict=True))


def _shapes(rows: DraftRows, chosen: I64) -> Shapes | None:
    """None where all are boxes."""
    if rows.kind is None:
        return None
    rest = np.full(len(chosen), b"", object) if rows.rest is None else rows.rest[chosen]
    return Shapes(rows.kind[chosen], (rows.bits()[chosen] & GEOMETRY_BIT[Kind.BOX]) != 0, rest)


def _places(there: LayerBlock, keys: Sequence[str]) -> I64:
    place = {key: at for at, key in enumerate(there.keys)}
    return np.array([place.get(key.encode(), -1) for key in keys], np.int64)
