"""Which entries of a layer say what a run of drafts says, compared by columns.

Invariant: an entry that is found the same is one that the ordinary import would keep bit for bit; one that is not may
still be. Rows that say more than columns of drafts hold, or of which only some carry an id, are never found the same.
Cost: a sort of the rows of both sides; Python for distinct classes and attribute sets, and for shapes in `rest`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repos.annotations.blocks import LayerBlock
from repos.annotations.codec import KIND_CODE, KINDS, attributes_from, review_bytes
from repos.annotations.columns import GEOMETRY_BIT, HAS_CONFIDENCE, RELATIVE_BOX
from repos.annotations.draft_rows import DraftRows
from repos.annotations.drafts import AttributeScope
from repos.annotations.import_fields import scalars
from repos.annotations.model import Kind, Scalar
from repos.annotations.rest import ALIASES, INLINE_LIMIT, Field, pack, parse
from repos.annotations.schema import Schema
from repos.labelstore.digest import address_of

Flags = NDArray[np.bool_]
I64 = NDArray[np.int64]
BOX_BIT = GEOMETRY_BIT[Kind.BOX]
UNPLACED = GEOMETRY_BIT[Kind.SPAN] | GEOMETRY_BIT[Kind.SEGMENT] | GEOMETRY_BIT[Kind.VALUE]
"""Geometries in columns that drafts do not have."""
NUMBERS = ("x", "y", "w", "h")


class Names:
    """Class ids of the codes that occur, and attributes as rows hold them."""

    def __init__(self, classes: list[bytes], kept: Mapping[int, tuple[Mapping[str, Scalar], bytes]]) -> None:
        self.classes, self.kept = classes, kept


class Same:
    """Which entries say what the file says."""

    def __init__(
        self,
        rows: DraftRows,
        names: Names,
        schema: Schema,
        there: LayerBlock,
        claimed: Callable[[str], str] = str,
    ) -> None:
        self.rows, self.names, self.there, self._claimed = rows, names, there, claimed
        self._schema = schema
        self._tokens: dict[Any, int] = {}

    def entries(self, places: I64) -> Flags:
        """Per sample of the file. `places`: its entry, -1 for none."""
        rows, there = self.rows, self.there
        same = places >= 0
        if not same.any():
            return same
        held, simple = self._held(), self._simple()
        owner = there.entry_of_rows()
        broken = np.bincount(owner[held & ~simple], minlength=len(there)) > 0
        broken |= there.entry_column("subtree") != 0
        mine = np.bincount(owner[held], minlength=len(there))
        same &= ~broken[places] & (mine[places] == np.diff(rows.bounds))
        same &= self.same_reviews(places)
        sample_of = np.full(len(there), -1, np.int64)
        sample_of[places[same]] = np.flatnonzero(same)
        old = np.flatnonzero(held & (sample_of[owner] >= 0))
        new = np.flatnonzero(np.repeat(same, np.diff(rows.bounds)))
        if len(new):
            same[self._different(old, sample_of[owner[old]], new)] = False
        return same

    def _different(self, old: I64, old_sample: I64, new: I64) -> I64:
        """Samples of which some row has no equal. Rows of both sides are put in one order and compared in place."""
        new_sample = np.repeat(np.arange(len(self.rows)), np.diff(self.rows.bounds))[new]
        left, right = self.stored_values(old), self.given_values(new)
        order = ["rest", "y", "x", "class"] if "rest" in left else ["y", "x", "class"]
        differs: Flags = np.zeros(len(new), bool)
        if self.rows.carried is not None:
            order = ["lo", "hi"]
            for values, ids in ((left, self.there.ids()[old]), (right, self.rows.carried[new])):
                halves = np.ascontiguousarray(ids).view(np.uint64).reshape(-1, 2)
                values.update(hi=halves[:, 0], lo=halves[:, 1])
        a = np.lexsort((*(left[name] for name in order), old_sample))
        b = np.lexsort((*(right[name] for name in order), new_sample))
        for name in right:
            differs |= left[name][a] != right[name][b]
        if self.rows.carried is not None:
            with_ids = np.asarray(self.rows.carried[new].any(axis=1))
            differs |= ~with_ids[b]
        found: I64 = np.unique(new_sample[b][differs])
        return found

    def _held(self) -> Flags:
        codes = np.array([KINDS[k] in self.rows.holds.kinds for k in range(len(KINDS))])
        found: Flags = codes[self.there.column("kind")]
        return found

    def _simple(self) -> Flags:
        """Rows with a class and nothing that columns of drafts do not hold."""
        there = self.there
        found: Flags = (there.column("rotation") == 0) & (there.column("label_class") != 0)
        if self.rows.kind is None:
            found &= (there.column("kind") == KIND_CODE[Kind.BOX]) & (there.column("geometries") == BOX_BIT)
        else:
            found &= (there.column("geometries") & UNPLACED) == 0
        if self.rows.rest is None and "rest" in there.columns:
            found &= there.columns["rest"] == b""
        return found

    def same_reviews(self, places: I64) -> Flags:
        rows, there = self.rows, self.there
        if not rows.holds.review:
            return np.ones(len(rows), bool)
        given = [None] * len(rows) if rows.reviews is None else list(rows.reviews)
        codes, entries = there.entry_column("review"), there.dictionary("review")
        pairs = zip(given, places.tolist(), strict=True)
        return np.array([at >= 0 and entries[int(codes[at])] == review_bytes(r) for r, at in pairs], bool)

    def token(self, value: Any) -> int:
        return self._tokens.setdefault(value, len(self._tokens))

    def _coded(self, codes: NDArray[Any], of: Callable[[int], Any]) -> I64:
        """Tokens of codes; only those that occur are looked at."""
        used, inverse = np.unique(codes, return_inverse=True)
        return np.array([self.token(of(code)) for code in used.tolist()], np.int64)[inverse.reshape(-1)]

    def stored_values(self, at: I64) -> dict[str, NDArray[Any]]:
        there, holds, scope = self.there, self.rows.holds, self.rows.holds.attributes
        classes, attributes = there.dictionary("label_class"), there.dictionary("attributes")
        flags = there.column("flags")[at]
        found: dict[str, NDArray[Any]] = {name: there.column(name)[at] for name in NUMBERS}
        found["relative"] = (flags & RELATIVE_BOX) != 0
        found["class"] = self._coded(
            there.column("label_class")[at], lambda c: ("class", self._schema.resolve(classes[c]))
        )
        found["attributes"] = self._coded(
            there.column("attributes")[at], lambda c: _said(scope, attributes_from(attributes[c]))
        )
        if self.rows.kind is not None:
            found |= {name: there.column(name)[at] for name in ("kind", "geometries")}
        if self.rows.rest is not None:
            found["rest"] = self._shapes(there.column("rest")[at])
        if holds.confidence:
            found["scored"] = (flags & HAS_CONFIDENCE) != 0
            found["confidence"] = there.column("confidence")[at]
        if holds.annotator:
            names = there.dictionary("annotator")
            found["annotator"] = self._coded(there.column("annotator")[at], lambda c: ("annotator", names[c]))
        if holds.origin:
            found["origin"] = there.column("origin")[at]
        return found

    def given_values(self, at: I64) -> dict[str, NDArray[Any]]:
        rows, holds, scope = self.rows, self.rows.holds, self.rows.holds.attributes
        n, kept = len(at), self.names.kept
        found: dict[str, NDArray[Any]] = {name: rows.boxes[at, i] for i, name in enumerate(NUMBERS)}
        found["relative"] = np.zeros(n, bool) if rows.relative is None else rows.relative[at]
        found["class"] = self._coded(
            rows.label[at], lambda c: ("class", self._schema.resolve(self.names.classes[c]))
        )
        attribute = np.zeros(n, np.int64) if rows.attribute is None else rows.attribute[at]
        found["attributes"] = self._coded(attribute, lambda c: _said(scope, kept[c][0]))
        if rows.kind is not None:
            found |= {"kind": rows.kind[at], "geometries": rows.bits()[at]}
        if rows.rest is not None:
            found["rest"] = self._shapes(rows.rest[at])
        if holds.confidence:
            given = np.full(n, np.nan) if rows.confidence is None else rows.confidence[at]
            found["scored"] = ~np.isnan(given)
            found["confidence"] = np.nan_to_num(given, nan=0.0)
        if holds.annotator:
            codes = np.zeros(n, np.int64) if rows.annotator is None else rows.annotator[at]
            found["annotator"] = self._coded(
                codes, lambda c: ("annotator", self._annotator(rows.annotators[c]))
            )
        if holds.origin:
            found["origin"] = np.zeros(n, np.uint8) if rows.origin is None else rows.origin[at]
        return found

    def _annotator(self, name: str) -> bytes:
        """A name is believed of a label that says by its id which one it is; another is what the caller makes of it."""
        believed = not name or self.rows.carried is not None
        return (name if believed else self._claimed(name)).encode()

    def _shapes(self, rest: NDArray[np.object_]) -> I64:
        """Tokens of shapes; long ones lie apart on one side only."""
        return np.fromiter((self.token(_apart(raw)) for raw in rest.tolist()), np.int64, len(rest))


def _apart(raw: bytes) -> bytes:
    """As it is stored: long payloads by their address."""
    if len(raw) <= INLINE_LIMIT:
        return raw
    long = (f for f in parse(raw) if not f.detached and f.tag != ALIASES and len(f.payload) > INLINE_LIMIT)
    gone = {f.tag: address_of(f.payload) for f in long}
    return pack([Field(f.tag, gone[f.tag], True) if f.tag in gone else f for f in parse(raw)])


def _said(scope: AttributeScope, attributes: Mapping[str, Scalar]) -> Any:
    return "attributes", scalars(scope, attributes)
