"""LayerBlock: a run of one layer's entries as columns.

Invariant: keys ascend; an entry's rows lie together and ascend by id; a column that is not in `columns` is zero (codes:
b"", `rest`: b"") in every row; every dictionary is sorted, distinct and begins with b"". A geometry that a row does not
have is zero in its columns. Two blocks with the same content may differ in unused dictionary entries and in which
all-zero columns are spelt out; their leaves are equal all the same (leaf.py).
Cost: take is O(1) views, pick, concat and splice are array operations over what they give.

Row columns (n rows): `id_hi`, `id_lo` uint64 (big endian halves of the id), `kind` (KIND_CODE), `geometries` (bits,
GEOMETRY_BIT), `flags`, `origin`, `label_class`, `attributes`, `annotator` (codes into `dictionaries`), `span_start`,
`span_length`, `x` `y` `w` `h` `rotation`, `segment_start`, `segment_end`, `value`, `confidence` (0 unless flagged),
`rest` (bytes objects: see rest.py). Entry columns: `review`, `subtree` (codes), `absent` (change sets only).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from repos.annotations.columns import DICTIONARIES, ENTRY_COLUMNS, ROW_BY_NAME, Coding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repos.annotations.model import LayerEntry

Array = NDArray[Any]
I64 = NDArray[np.int64]
NOTHING: tuple[bytes, ...] = (b"",)
_ENTRY = {c.name: c for c in ENTRY_COLUMNS if c.name != "rows"}


def _zeros(n: int, dtype: Any) -> Array:
    """`n` zeros in the memory of one, to be read only."""
    return np.ndarray((n,), dtype, bytes(8), strides=(0,))


class LayerBlock:
    """See the module. `bounds[e]:bounds[e + 1]` are the rows of entry e."""

    __slots__ = ("bounds", "columns", "dictionaries", "entry_columns", "keys")

    def __init__(
        self,
        keys: Sequence[bytes],
        bounds: I64,
        entry_columns: Mapping[str, Array],
        columns: Mapping[str, Array],
        dictionaries: Mapping[str, Sequence[bytes]],
    ) -> None:
        self.keys, self.bounds = keys, bounds
        self.entry_columns, self.columns, self.dictionaries = entry_columns, columns, dictionaries

    # ---- making and reading -----------------------------------------------------------------------------------

    @classmethod
    def empty(cls) -> LayerBlock:
        return cls([], np.zeros(1, np.int64), {}, {}, {})

    @classmethod
    def from_entries(cls, entries: Iterable[tuple[str, LayerEntry]]) -> LayerBlock:
        """Entries in any order of distinct keys. A subtree is no entry: it is made by subtrees.fold."""
        from repos.annotations.rows import block_from_entries

        return block_from_entries(entries)

    @classmethod
    def from_columns(cls, keys: Sequence[bytes | str], counts: Array, **columns: Any) -> LayerBlock:
        """For bulk importers: see bulk.block_from_columns, which says what is checked."""
        from repos.annotations.bulk import block_from_columns

        return block_from_columns(keys, counts, **columns)

    def entries(self) -> Iterator[tuple[str, LayerEntry]]:
        """Objects, entry by entry; entries flagged absent are passed over. Stored-apart parts must be inlined before
        (subtrees.inline), else DetachedPart."""
        from repos.annotations.rows import entries_of

        return entries_of(self)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def n_rows(self) -> int:
        return int(self.bounds[-1] - self.bounds[0])

    def column(self, name: str) -> Array:
        """A row column, zeros where it is absent (codes are 0, `rest` is b""; other names: False)."""
        found = self.columns.get(name)
        if found is not None:
            return found
        if name == "rest":
            return np.full(self.n_rows, b"", dtype=object)
        known = ROW_BY_NAME.get(name)
        return _zeros(self.n_rows, known.dtype if known else bool)

    def entry_column(self, name: str) -> Array:
        """An entry column: `review`, `subtree` or `absent`."""
        found = self.entry_columns.get(name)
        if found is not None:
            return found
        known = _ENTRY.get(name)
        return _zeros(len(self.keys), known.dtype if known else bool)

    def dictionary(self, name: str) -> Sequence[bytes]:
        return self.dictionaries.get(name, NOTHING)

    def entry_of_rows(self) -> I64:
        """Entry number of every row."""
        return np.repeat(np.arange(len(self.keys)), np.diff(self.bounds))

    def ids(self) -> NDArray[np.uint8]:
        """(n, 16) bytes of the ids."""
        halves = np.stack([self.column("id_hi"), self.column("id_lo")], axis=1).astype(">u8")
        return np.ascontiguousarray(halves).view(np.uint8).reshape(-1, 16)

    def find(self, key: bytes) -> int | None:
        """Entry number of a key."""
        at = bisect_left(self.keys, key)
        return at if at < len(self.keys) and self.keys[at] == key else None

    # ---- runs and selections ----------------------------------------------------------------------------------

    def take(self, start: int, stop: int) -> LayerBlock:
        """Entries start..stop, as views."""
        a, b = int(self.bounds[start]), int(self.bounds[stop])
        return LayerBlock(
            self.keys[start:stop],
            self.bounds[start : stop + 1] - a,
            {name: c[start:stop] for name, c in self.entry_columns.items()},
            {name: c[a:b] for name, c in self.columns.items()},
            self.dictionaries,
        )

    def pick(self, entries: Array) -> LayerBlock:
        """Whole entries by number, in the order given (which must ascend by key)."""
        counts = np.diff(self.bounds)[entries]
        bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        rows = np.arange(bounds[-1]) + np.repeat(self.bounds[:-1][entries] - bounds[:-1], counts)
        keys = self.keys
        return LayerBlock(
            [keys[e] for e in entries.tolist()],
            bounds,
            {name: c.take(entries) for name, c in self.entry_columns.items()},
            {name: c.take(rows) for name, c in self.columns.items()},
            self.dictionaries,
        )

    def pick_rows(self, rows: Array, entries: Array | None = None) -> LayerBlock:
        """Some rows by ascending number, within the ascending `entries` (default: those that own a row)."""
        owner = np.searchsorted(self.bounds, rows, side="right") - 1
        if entries is None:
            entries = np.unique(owner)
        counts = np.bincount(np.searchsorted(entries, owner), minlength=len(entries))
        bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        keys = self.keys
        return LayerBlock(
            [keys[e] for e in entries.tolist()],
            bounds,
            {name: c[entries] for name, c in self.entry_columns.items()},
            {name: c[rows] for name, c in self.columns.items()},
            self.dictionaries,
        )

    def with_entry_columns(self, **columns: Array | None) -> LayerBlock:
        """The same rows under other entry columns; None drops one."""
        kept = {n: c for n, c in (dict(self.entry_columns) | columns).items() if c is not None}
        return LayerBlock(self.keys, self.bounds, kept, self.columns, self.dictionaries)

    def with_dictionary(self, name: str, entries: Sequence[bytes]) -> LayerBlock:
        return LayerBlock(
            self.keys,
            self.bounds,
            self.entry_columns,
            self.columns,
            dict(self.dictionaries) | {name: entries},
        )


def concat(blocks: Sequence[LayerBlock]) -> LayerBlock:
    """Blocks one behind the other, as given: ascending keys are the caller's duty."""
    blocks = [b for b in blocks if len(b)]
    if not blocks:
        return LayerBlock.empty()
    if len(blocks) == 1:
        return blocks[0]
    dictionaries, maps = _union_dictionaries(blocks)
    starts = np.cumsum([0, *(b.n_rows for b in blocks)])
    bounds = np.concatenate([[0], *(b.bounds[1:] + s for b, s in zip(blocks, starts[:-1], strict=True))])
    keys: list[bytes] = []
    for block in blocks:
        keys.extend(block.keys)
    return LayerBlock(
        keys,
        bounds.astype(np.int64),
        {n: _joined(blocks, n, maps, entry=True) for n in _names(b.entry_columns for b in blocks)},
        {n: _joined(blocks, n, maps, entry=False) for n in _names(b.columns for b in blocks)},
        dictionaries,
    )


def _names(columns: Iterable[Mapping[str, Array]]) -> list[str]:
    return list(dict.fromkeys(name for c in columns for name in c))


def _joined(
    blocks: Sequence[LayerBlock], name: str, maps: Sequence[Mapping[str, Array]], *, entry: bool
) -> Array:
    parts = []
    for block, recode in zip(blocks, maps, strict=True):
        column = block.entry_column(name) if entry else block.column(name)
        parts.append(recode[name][column] if name in recode else column)
    return np.concatenate(parts)


def _union_dictionaries(
    blocks: Sequence[LayerBlock],
) -> tuple[dict[str, Sequence[bytes]], list[dict[str, Array]]]:
    """One dictionary for all blocks, and what turns each block's codes into codes of it (absent: nothing to do)."""
    dictionaries: dict[str, Sequence[bytes]] = {}
    maps: list[dict[str, Array]] = [{} for _ in blocks]
    for name in DICTIONARIES:
        given = [b.dictionary(name) for b in blocks]
        union, codes = union_codes(given)
        if len(union) > 1:
            dictionaries[name] = union
        for recode, found in zip(maps, codes, strict=True):
            if found is not None:
                recode[name] = found
    return dictionaries, maps


def union_codes(given: Sequence[Sequence[bytes]]) -> tuple[Sequence[bytes], list[Array | None]]:
    """Sorted union of sorted dictionaries, and the new code of each old one (None where nothing changes)."""
    distinct = list({id(d): d for d in given}.values())
    if all(d is distinct[0] or d == distinct[0] for d in distinct):
        return distinct[0], [None] * len(given)
    union = sorted(set().union(*distinct))
    place = {entry: code for code, entry in enumerate(union)}
    codes: dict[int, Array | None] = {
        id(d): np.fromiter(map(place.__getitem__, d), np.int32, len(d)) for d in distinct
    }
    return union, [codes[id(d)] for d in given]


def splice(block: LayerBlock, upserts: LayerBlock, deletes: Sequence[bytes]) -> LayerBlock:
    """`block` with the entries of `upserts` in place of or beside its own, without those of `deletes`."""
    if not len(block):
        return upserts
    ours, gone = block.keys, set(deletes)
    gone.update(upserts.keys)
    keep = np.ones(len(ours), bool)
    if len(gone) * 8 < len(ours):
        for key in gone:
            place = bisect_left(ours, key)
            if place < len(ours) and ours[place] == key:
                keep[place] = False
    else:
        keep[:] = [key not in gone for key in ours]
    kept = np.flatnonzero(keep)
    if not len(upserts):
        return block.pick(kept) if len(kept) < len(ours) else block
    at = np.fromiter((bisect_left(ours, key) for key in upserts.keys), np.int64, len(upserts))
    before = np.concatenate([[0], np.cumsum(keep)])[at]
    order = np.insert(kept, before, len(ours) + np.arange(len(upserts)))
    return concat([block, upserts]).pick(order)


def prune(block: LayerBlock) -> LayerBlock:
    """The same block with dictionaries of what its rows use, for blocks picked out of much larger ones."""
    dictionaries = dict(block.dictionaries)
    columns, entry_columns = dict(block.columns), dict(block.entry_columns)
    for name, entries in block.dictionaries.items():
        home = entry_columns if name in ("review", "subtree") else columns
        if name not in home:
            del dictionaries[name]
            continue
        if len(entries) <= max(64, len(home[name])):
            continue
        used, codes = np.unique(np.concatenate([[0], home[name]]), return_inverse=True)
        dictionaries[name] = [entries[c] for c in used.tolist()]
        home[name] = codes.reshape(-1)[1:].astype(np.int32)
    return LayerBlock(block.keys, block.bounds, entry_columns, columns, dictionaries)


def is_bytes(name: str) -> bool:
    """Whether a row column holds bytes objects."""
    return ROW_BY_NAME[name].coding is Coding.BYTES
