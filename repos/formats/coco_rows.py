"""The annotations of a COCO file as columns, gathered while the file is indexed.

A row that is a classed box, with polygons or without, a confidence and attributes, and nothing else, is plain; others
are marked and left to the ordinary reader, which finds them by their place in the file. Rows are decoded a run at a
time with the members seen so far; a member nobody has seen yet is added. What a row says beyond its shapes is known by
the bytes it says it with, so each distinct text is read once, by the ordinary reader's own rule; an area of its own is
kept as a number. Memory: 45 bytes an annotation, 8 more for areas and 8 more for polygons.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from repos.annotations.draft_rows import Coded
from repos.annotations.numbers import LIMIT, SMALLEST
from repos.formats.coco_shapes import CocoShapes
from repos.formats.coco_values import AREA_ROUNDING, attributes_of, carried_id
from repos.formats.jsonstream import Elements

MANY = 50_000
"""Above so many distinct texts beside boxes the rest goes to the ordinary reader: codes would not pay."""
MAX_MEMBERS = 64
NOTHING = msgspec.Raw(b"")
EMPTY = frozenset((b"", b"[]", b"{}", b"null", b'""', b"0", b"false"))
_UNKNOWN = re.compile(r"unknown field `(.*)` - at `[^`]*`$", re.DOTALL)
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_NO_BOX = (0.0, 0.0, 0.0, 0.0)
_FIELDS: list[Any] = [
    ("image_id", int | str),
    ("caption", Any, None),
    ("category_id", int | str | None, None),
    ("bbox", tuple[float, float, float, float] | None, None),
    ("area", float | None, None),
    ("score", float | None, None),
    ("labelhub_id", str | None, None),
    ("id", Any, None),
    ("num_keypoints", Any, None),
    ("segmentation", msgspec.Raw, NOTHING),
    ("keypoints", msgspec.Raw, NOTHING),
    ("iscrowd", msgspec.Raw, NOTHING),
    ("attributes", msgspec.Raw, NOTHING),
]
Array = NDArray[Any]


class CocoRows:
    """Columns in the order of the file, one value a row that the index keeps; `finish` joins the runs."""

    def __init__(self) -> None:
        self.coded, self.labels, self.shapes = Coded(), dict[Any, int](), CocoShapes()
        self._members: list[str] = []
        self._codes: dict[Any, int] = {}
        self._runs: list[tuple[int, dict[str, Array]]] = []
        self._decoder = self._made()

    def _made(self) -> Any:
        more = [
            (f"x{n}", msgspec.Raw, msgspec.field(default=NOTHING, name=member))
            for n, member in enumerate(self._members)
        ]
        row = msgspec.defstruct("Row", [*_FIELDS, *more], forbid_unknown_fields=True, gc=False)
        return msgspec.json.Decoder(list[row])  # type: ignore[valid-type]

    # ---- decoding ---------------------------------------------------------------------------------------------

    def decode(self, part: Elements) -> list[Any] | None:
        """The rows of a run, or None when one of them is not of the usual types."""
        if not _is_text(part.data):
            return None
        return self._decode(b"[" + part.data + b"]")

    def _decode(self, raw: bytes) -> list[Any] | None:
        while True:
            try:
                found: list[Any] = self._decoder.decode(raw)
                return found
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                unknown = _UNKNOWN.search(str(error))
                if unknown is None or not self._learn(unknown.group(1)):
                    return None

    def _learn(self, member: str) -> bool:
        if member in self._members or len(self._members) == MAX_MEMBERS:
            return False
        self._members.append(member)
        self._decoder = self._made()
        return True

    def one_by_one(self, raws: Sequence[bytes]) -> list[Any]:
        """The rows that are of the usual types, None for others."""
        return [self._one(raw) for raw in raws]

    def _one(self, raw: bytes) -> Any:
        found = self._decode(b"[" + raw + b"]") if _is_text(raw) else None
        return found[0] if found else None

    # ---- gathering --------------------------------------------------------------------------------------------

    def take(self, rows: Sequence[Any], raw: Callable[[int], bytes]) -> None:
        """Columns of decoded rows, None for those that are not plain; `raw` gives the bytes of one."""
        there = np.flatnonzero([row is not None for row in rows])
        columns = self._columns([rows[at] for at in there.tolist()], lambda n: raw(int(there[n])))
        if len(there) < len(rows):
            for name, column in columns.items():
                columns[name] = np.zeros((len(rows), *column.shape[1:]), column.dtype)
                columns[name][there] = column
        self._runs.append((len(rows), columns))

    def _columns(self, rows: list[Any], raw: Callable[[int], bytes]) -> dict[str, Array]:
        n, labels = len(rows), self.labels
        numbers = chain.from_iterable(row.bbox or _NO_BOX for row in rows)
        boxes = np.fromiter(numbers, np.float64, 4 * n).reshape(n, 4) + 0.0
        plain = np.fromiter(map(_is_plain, rows), bool, n)
        plain &= (np.abs(boxes) <= LIMIT).all(axis=1) & (boxes[:, 2:] >= SMALLEST).all(axis=1)
        found: dict[str, Array] = self._shapes(rows, boxes, plain)
        attribute = self._attributes(rows, raw, plain)
        found |= {
            "boxes": boxes,
            "label": np.fromiter((labels.setdefault(r.category_id, len(labels)) for r in rows), np.int32, n),
            "attribute": attribute,
            "says_attributes": np.fromiter((r.attributes is not NOTHING for r in rows), bool, n),
        }
        score = np.fromiter((np.nan if r.score is None else r.score for r in rows), np.float64, n)
        if not np.isnan(score).all():
            found["confidence"] = score
        if any(row.labelhub_id is not None for row in rows):
            found["carried"], wrong = _carried(rows)
            plain &= ~wrong
        return found | {"plain": plain & (attribute >= 0)}

    def _shapes(self, rows: list[Any], boxes: Array, plain: Array) -> dict[str, Array]:
        """Places of polygons and areas that are not ours, where there are any. Rows that only the ordinary reader can
        tell cease to be plain."""
        n, found = len(rows), dict[str, Array]()
        own, doubt = boxes[:, 2] * boxes[:, 3], np.zeros(n)
        shaped = [at for at in np.flatnonzero(plain).tolist() if bytes(rows[at].segmentation) not in EMPTY]
        if shaped:
            found["shape"] = np.full(n, -1, np.int64)
            taken = self.shapes.take([bytes(rows[at].segmentation) for at in shaped])
            found["shape"][shaped], own[shaped], doubt[shaped] = taken
            plain[shaped] &= found["shape"][shaped] >= 0
        area = np.fromiter((np.nan if row.area is None else row.area for row in rows), np.float64, n) + 0.0
        off, allowed = np.abs(area - own), AREA_ROUNDING + 1e-9 * np.abs(own)
        differs = off > allowed
        plain &= ~(np.abs(off - allowed) <= doubt) & ~(differs & (np.abs(area) > 2**53))
        if differs.any():
            found["area"] = np.where(differs, area, np.nan)
        return found

    def _attributes(self, rows: list[Any], raw: Callable[[int], bytes], plain: Array) -> Array:
        """Codes of what rows say beside shapes and area, -1 where it is left to the ordinary reader."""
        names = ("attributes", "iscrowd", *(f"x{n}" for n in range(len(self._members))))
        columns = [[bytes(getattr(row, name, NOTHING)) for row in rows] for name in names]
        codes = self._codes
        found = [codes.get(said, -2) for said in zip(*columns, strict=True)]
        for at in [n for n, code in enumerate(found) if code == -2]:
            said = tuple(column[at] for column in columns)
            if said not in codes and plain[at]:
                codes[said] = self._code(raw(at))
            found[at] = codes.get(said, -1)
        return np.array(found, np.int32)

    def _code(self, raw: bytes) -> int:
        if len(self.coded.attributes) > MANY:
            return -1
        try:
            given: Mapping[str, Any] = _OBJECT.decode(raw)
            return self.coded.add(attributes_of({n: v for n, v in given.items() if n != "area"}, ()))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return -1

    def finish(self) -> dict[str, Array]:
        """Every column whole; `carried`, `confidence`, `area` and `shape` only where some row has one."""
        runs, self._runs = [(0, self._columns([], lambda _: b"")), *self._runs], []
        self._codes.clear()
        names = dict.fromkeys(name for _, columns in runs for name in columns)
        return {name: np.concatenate([_column(name, run) for run in runs]) for name in names}


def _column(name: str, run: tuple[int, dict[str, Array]]) -> Array:
    n, columns = run
    if name in columns:
        return columns.pop(name)
    if name == "shape":
        return np.full(n, -1, np.int64)
    return np.zeros((n, 16), np.uint8) if name == "carried" else np.full(n, np.nan)


def _is_plain(row: Any) -> bool:
    return (
        row.bbox is not None
        and row.caption is None
        and (row.segmentation is NOTHING or _may_be_polygons(bytes(row.segmentation)))
        and (row.keypoints is NOTHING or bytes(row.keypoints) in EMPTY)
    )


def _may_be_polygons(segmentation: bytes) -> bool:
    return segmentation.startswith(b"[") or segmentation in EMPTY


def _is_text(raw: bytes) -> bool:
    """Whether it is UTF-8, which members passed over are not checked for."""
    try:
        return raw.isascii() or bool(raw.decode())
    except UnicodeDecodeError:
        return False


def _carried(rows: list[Any]) -> tuple[Array, Array]:
    """Ids of ours that came back, (n, 16), and the rows whose id is only like one."""
    n = len(rows)
    ids, wrong = np.zeros((n, 16), np.uint8), np.zeros(n, bool)
    for at, row in enumerate(rows):
        if row.labelhub_id is not None:
            found = carried_id(row.labelhub_id)
            wrong[at] = found is not None and len(found) != 16
            if found is not None and not wrong[at]:
                ids[at] = np.frombuffer(found, np.uint8)
    return ids, wrong
