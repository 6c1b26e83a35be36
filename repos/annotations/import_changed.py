"""Entries that a run of drafts changes, by columns, where everything in them is a plain box: in place, in pixels,
upright, with a class, and nothing that lies in `rest`.

Invariant: what becomes of such an entry is what import_entry.EntryMerge makes of it; the same stages (ids of ours,
equal values, the pairing) run over all samples at once. An entry or a sample of the file with anything else is left to
it, and so is one in which a derived id is there already. Cost: about 10 us a row; the run and its entries in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repos.annotations.blocks import LayerBlock
from repos.annotations.box_pairing import Boxes, Left, Pairs, pair_boxes, ranked
from repos.annotations.codec import attributes_bytes, attributes_from
from repos.annotations.columns import HAS_CONFIDENCE
from repos.annotations.derived_columns import derived_box_ids
from repos.annotations.draft_rows import DraftRows
from repos.annotations.drafts import Draft
from repos.annotations.import_fields import merged_attributes
from repos.annotations.import_plain import plain_samples, repeated
from repos.annotations.import_same import NUMBERS, Names, Same
from repos.annotations.model import Annotation, Kind, Origin, Scalar
from repos.annotations.schema import Schema

Array = NDArray[Any]
Flags = NDArray[np.bool_]
I64 = NDArray[np.int64]
IMPORTED = list(Origin).index(Origin.IMPORT)


@dataclass(slots=True)
class Outcome:
    """`done`: samples of the file that are dealt with; `entries`: those of them that change; and annotations."""

    done: Flags
    entries: LayerBlock = field(default_factory=LayerBlock.empty)
    added: int = 0
    changed: int = 0
    removed: int = 0
    kept: int = 0


class Changed:
    """What a run makes of entries that say something else. `same` compared both."""

    def __init__(
        self, rows: DraftRows, names: Names, schema: Schema, layer: str, same: Same, claimed: Callable[[str], str]
    ) -> None:  # fmt: skip
        self.rows, self.names, self.schema, self.layer = rows, names, schema, layer
        self.same, self.there, self.claimed = same, same.there, claimed

    def entries(self, places: I64, wanted: Flags) -> Outcome:
        """Of the samples `wanted`, each with an entry at its place."""
        chosen = wanted & plain_samples(self.rows, self.same, places)
        if not chosen.any():
            return Outcome(chosen)
        work = _Work(self, places, chosen)
        added, ids, doubtful = work.ids_of_added()
        if len(doubtful):
            chosen[doubtful] = False
            return self.entries(places, chosen)
        return work.outcome(added, ids)


class _Work:
    """The chosen samples: rows of both sides, and which is which."""

    def __init__(self, of: Changed, places: I64, chosen: Flags) -> None:
        self.rows, self.names, self.there, self.of, self.done = of.rows, of.names, of.there, of, chosen
        self.places = places
        sample_of = np.full(len(self.there), -1, np.int64)
        sample_of[places[chosen]] = np.flatnonzero(chosen)
        owner = self.there.entry_of_rows()
        old = np.flatnonzero(sample_of[owner] >= 0)
        # by number of the sample, which is not the order of keys
        self.old = old[np.argsort(sample_of[owner[old]], kind="stable")]
        self.old_sample = sample_of[owner[self.old]]
        self.new = np.flatnonzero(np.repeat(chosen, np.diff(self.rows.bounds)))
        self.new_sample = np.repeat(np.arange(len(self.rows)), np.diff(self.rows.bounds))[self.new]
        self.old_ids = self.there.ids()[self.old]
        self._pair()

    def _pair(self) -> None:
        """The stages of import_entry."""
        left = Left(len(self.old), len(self.new))
        carried = self._by_carried()
        left.take(carried)
        self.annotators, self.annotator = self._annotators(carried)
        self.before, self.after = self._values()
        keys = [
            (sample[at], *(values[name][at] for name in self.after))
            for sample, values, at in (
                (self.old_sample, self.before, left.old), (self.new_sample, self.after, left.new),
            )
        ]  # fmt: skip
        left.take(ranked(keys[0], keys[1], left.old, left.new))
        left.take(pair_boxes(*self._boxes(left)))
        self.paired = left.result()
        self.removed, self.added = left.old, left.new

    def _by_carried(self) -> Pairs:
        if self.rows.carried is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        ids = self.rows.carried[self.new]
        given = np.flatnonzero(ids.any(axis=1))
        old, new = (
            np.ascontiguousarray(side).view(np.uint64).reshape(-1, 2) for side in (self.old_ids, ids[given])
        )
        at, found = ranked(
            (self.old_sample, *old.T),
            (self.new_sample[given], *new.T),
            np.arange(len(old)),
            np.arange(len(new)),
        )
        return at, given[found]

    def _annotators(self, carried: Pairs) -> tuple[list[bytes], I64]:
        """Names, and codes of the rows of the file: a label keeps the name it has; every other is what `claimed`
        makes of it."""
        said = list(self.rows.annotators)
        codes = self._code(self.rows.annotator)
        known = self.there.dictionary("annotator")
        stored = self.there.column("annotator")[self.old[carried[0]]].tolist()
        own = [known[a] == said[b].encode() for a, b in zip(stored, codes[carried[1]].tolist(), strict=True)]
        believed = np.zeros(len(codes), bool)
        believed[carried[1]] = own
        used = set(codes[~believed].tolist())
        made = [self.of.claimed(name) if name and n in used else name for n, name in enumerate(said)]
        return [name.encode() for name in (*said, *made)], np.where(believed, codes, codes + len(said))

    def _code(self, codes: Array | None) -> I64:
        return np.zeros(len(self.new), np.int64) if codes is None else codes[self.new].astype(np.int64)

    def _values(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """What the format says of either side: equal values are the same line of the file."""
        same = self.of.same
        before, after = same.stored_values(self.old), same.given_values(self.new)
        if "annotator" in after:
            tokens = np.array([same.token(("annotator", name)) for name in self.annotators], np.int64)
            after["annotator"] = tokens[self.annotator]
        return before, after

    def _boxes(self, left: Left) -> tuple[Boxes, Boxes]:
        """Names of new rows are those that the ordinary import gives them for the time of the pairing."""
        raws = self.there.dictionary("attributes")
        old = self._said(
            self.there.column("attributes")[self.old[left.old]], lambda c: attributes_from(raws[c])
        )
        new = self._said(self._code(self.rows.attribute)[left.new], lambda c: self.names.kept[c][0])
        sample = self.new_sample[left.new]
        count = np.arange(len(sample)) - np.searchsorted(sample, sample)
        table = [
            hashlib.sha256(b"incoming%d" % n).digest()[:16] for n in range(int(count.max(initial=-1)) + 1)
        ]
        names = np.frombuffer(b"".join(table), np.uint8).reshape(-1, 16)[count]
        sides = (self.before, left.old), (self.after, left.new)
        box = [np.stack([values[n][at] for n in NUMBERS], axis=1) for values, at in sides]
        label = [values["class"][at] for values, at in sides]
        return (
            Boxes(self.old_sample[left.old], box[0], label[0], old, self.old_ids[left.old]),
            Boxes(sample, box[1], label[1], new, names),
        )

    def _said(self, codes: Array, of: Callable[[int], Any]) -> I64:
        """Tokens of what the pairing sees of attributes."""
        scope = self.rows.holds.attributes
        used, again = np.unique(codes, return_inverse=True)
        tokens = []
        for code in used.tolist():
            seen = Annotation(bytes(16), Kind.CLASSIFICATION, attributes=scope.part(of(code))).attributes
            tokens.append(self.of.same.token(("seen", *((n, type(v).__name__, v) for n, v in seen.items()))))
        return np.array(tokens, np.int64)[again.reshape(-1)]

    # ---- what comes of it ---------------------------------------------------------------------------------------

    def ids_of_added(self) -> tuple[I64, NDArray[np.uint8], I64]:
        """Rows that nothing is paired with, their ids, and samples in which one of those is there already."""
        at, sample = self.new[self.added], self.new_sample[self.added]
        ids = np.zeros((len(at), 16), np.uint8)
        if self.rows.holds.ids and self.rows.carried is not None:
            ids = self.rows.carried[at].copy()
        without = np.flatnonzero(~ids.any(axis=1))
        ids[without] = self._derived(at[without], sample[without])
        all_samples, all_ids = np.concatenate([self.old_sample, sample]), np.concatenate([self.old_ids, ids])
        return self.added, ids, repeated(all_samples, all_ids)

    def _derived(self, at: I64, sample: I64) -> NDArray[np.uint8]:
        rows = self.rows
        samples, counts = np.unique(sample, return_counts=True)
        return derived_box_ids(
            [rows.keys[s] for s in samples.tolist()], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            self.of.layer, self.names.classes, rows.label[at], rows.boxes[at], np.zeros(len(at), bool),
        )  # fmt: skip

    def outcome(self, added: I64, ids: NDArray[np.uint8]) -> Outcome:
        a, b = self.paired
        differs = np.zeros(len(a), bool)
        for name in self.after:
            differs |= self.before[name][a] != self.after[name][b]
        touched = np.unique(
            np.concatenate(
                [self.old_sample[a[differs]], self.old_sample[self.removed], self.new_sample[added]]
            )
        )
        made = Outcome(self.done, LayerBlock.empty(), len(added), int(differs.sum()), len(self.removed))
        made.kept = len(a) - made.changed
        if len(touched):
            made.entries = self._block(touched, (a[differs], b[differs]), ids)
        return made

    def _block(self, touched: I64, changed: Pairs, ids: NDArray[np.uint8]) -> LayerBlock:
        """The entries as they are now: rows that stay, some of them changed, and rows that are new."""
        stays = np.isin(self.old_sample, touched)
        stays[self.removed] = False
        old = np.flatnonzero(stays)
        columns = self._columns(old, (np.searchsorted(old, changed[0]), changed[1]))
        sample = np.concatenate([self.old_sample[old], self.new_sample[self.added]])
        order = np.argsort(sample, kind="stable")
        for name, column in columns.items():
            columns[name] = (column[0][order], column[1]) if isinstance(column, tuple) else column[order]
        places = self.places[touched]
        reviews = self.there.entry_column("review")[places]
        return LayerBlock.from_columns(
            [self.there.keys[place] for place in places.tolist()],
            np.bincount(np.searchsorted(touched, sample), minlength=len(touched)),
            ids=np.concatenate([self.old_ids[old], ids])[order],
            kind=Kind.BOX,
            review=(reviews, self.there.dictionary("review")) if reviews.any() else None,
            **columns,
        )

    def _columns(self, old: I64, changed: Pairs) -> dict[str, Any]:
        """Of the rows that stay, with what the file says of `changed` ones (places in `old`), then of the new ones."""
        at, said, new = changed[0], changed[1], self.added
        there, holds, columns = self.there, self.rows.holds, dict[str, Any]()
        for n, name in enumerate(NUMBERS):
            given = self.rows.boxes[self.new, n]
            columns[name] = _joined(there.column(name)[self.old[old]], at, given[said], given[new])
        confidence, flags = self._confidence()
        takes = slice(None) if holds.confidence else slice(0)
        for name, given in (("confidence", confidence), ("flags", flags)):
            columns[name] = _joined(
                there.column(name)[self.old[old]], at[takes], given[said][takes], given[new]
            )
        origin = self._origin()
        takes = slice(None) if holds.origin else slice(0)
        fresh = origin[new] if holds.origin and self.rows.origin is not None else np.full(len(new), IMPORTED)
        columns["origin"] = _joined(
            there.column("origin")[self.old[old]], at[takes], origin[said][takes], fresh
        )
        takes = slice(None) if holds.annotator else slice(0)
        columns["annotator"] = self._coded(
            "annotator", old, self.annotators, at[takes], self.annotator[said][takes], self.annotator[new]
        )
        return columns | self._classes(old, at, said) | self._attributes(old, at, said)

    def _confidence(self) -> tuple[Array, Array]:
        given = self.rows.confidence
        values = np.full(len(self.new), np.nan) if given is None else given[self.new]
        return np.nan_to_num(values, nan=0.0), np.where(np.isnan(values), 0, HAS_CONFIDENCE).astype(np.uint8)

    def _origin(self) -> Array:
        given = self.rows.origin
        return np.zeros(len(self.new), np.uint8) if given is None else given[self.new]

    def _coded(
        self, name: str, old: I64, more: Sequence[bytes], at: I64, changed: I64, new: I64
    ) -> tuple[Array, list[bytes]]:
        """A column of codes; those of the file are of `more`."""
        known = list(self.there.dictionary(name))
        stored = self.there.column(name)[self.old[old]].astype(np.int64)
        return _joined(stored, at, changed + len(known), new + len(known)), [*known, *more]

    def _classes(self, old: I64, at: I64, said: I64) -> dict[str, Any]:
        """A class that only reads as the one of the file stays."""
        label = self.rows.label[self.new].astype(np.int64)
        other = self.before["class"][old[at]] != self.after["class"][said]
        found = self._coded(
            "label_class", old, self.names.classes, at[other], label[said][other], label[self.added]
        )
        return {"label_class": found}

    def _attributes(self, old: I64, at: I64, said: I64) -> dict[str, Any]:
        """What was there and what the file says, merged once for each two that meet."""
        stored = self.there.column("attributes")[self.old[old[at]]].astype(np.int64)
        codes = self._code(self.rows.attribute)
        meet, again = np.unique(np.stack([stored, codes[said]], axis=1), axis=0, return_inverse=True)
        raws = self.there.dictionary("attributes")
        made = [self._merged(raws[a], self.names.kept[b][0]) for a, b in meet.tolist()]
        fresh, new = np.unique(codes[self.added], return_inverse=True)
        more = [*made, *(self.names.kept[code][1] for code in fresh.tolist())]
        found = self._coded("attributes", old, more, at, again.reshape(-1), new.reshape(-1) + len(made))
        return {"attributes": found}

    def _merged(self, raw: bytes, said: Any) -> bytes:
        was: dict[str, Scalar] = dict(attributes_from(raw))
        before = Annotation(bytes(16), Kind.CLASSIFICATION, attributes=was)
        drafts = Draft(Kind.BOX, attributes=was), Draft(Kind.BOX, attributes=said)
        return attributes_bytes(merged_attributes(before, *drafts, self.rows.holds.attributes))


def _joined(stored: Array, at: I64, changed: Array, new: Array) -> Array:
    """A column: `stored` with `changed` at its places, then `new`."""
    found = stored.copy()
    found[at] = changed
    return np.concatenate([found, new.astype(found.dtype)])
