"""Labels of a revision in a format, streamed: the writer runs in a thread and hands over pieces as they are asked for.

Invariant: what is written is what reading the file gives back (the format's `express`), and what the format cannot
hold is said before the first byte. Small exports are written whole first, so that this is exact; of large ones the
kinds, attributes and layers that the format cannot hold are counted from columns.
Cost: memory of some hundred samples and a few pieces, whatever the size; a reader that goes away stops the writer.
"""

from __future__ import annotations

import io
import queue
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

import numpy as np
from django.db import connection

from repos.access import Revision
from repos.annotations.codec import KINDS
from repos.annotations.draft_of import ClassNames
from repos.annotations.snapshot import SnapshotView
from repos.errors import BadValue
from repos.formats.base import Sink, WriteReport, ZipSink
from repos.formats.bound import Bound
from repos.formats.options import Options
from repos.formats.registry import FORMATS, READ_ONLY
from repos.selectors.people import people
from repos.selectors.snapshots import view_of
from repos.services.export_rows import stored_records, stored_runs

GOLD = "gold"
ALL_LAYERS = ("labelhub", "votes")
MANY_FILES = ("voc", "yolo", "labelme")
EXACT = 20_000
PIECE = 2**17
PIECES_WAITING = 16
SPOOLED = 16 * 2**20
LONGEST_HEADER = 1500


@dataclass
class Export:
    """A file on its way: `pieces` may be read once; `left_out` says in words what is not in it."""

    filename: str
    media_type: str
    pieces: Iterator[bytes]
    left_out: str
    size: int | None = None


@dataclass
class _Plan:
    """What goes into the file. `layer` None: every layer under its name."""

    view: SnapshotView
    bound: Bound
    layer: str | None
    names: ClassNames
    report: WriteReport = field(default_factory=WriteReport)

    @property
    def layers(self) -> Sequence[str]:
        if self.layer is None:
            return self.view.layer_names
        return [self.layer] if self.layer in self.view.layer_names else []

    @property
    def rows(self) -> int:
        return self.view.count() + sum(self.view.annotation_count(name) for name in self.layers)

    @property
    def zipped(self) -> bool:
        return self.bound.format.name in MANY_FILES


def writable_formats() -> dict[str, str]:
    """Name -> title of what can be exported."""
    return {name: found.title for name, found in FORMATS.items() if name not in READ_ONLY}


def export(
    revision: Revision, *, format_name: str, layer: str = "", options: Options | None = None
) -> Export:
    """The labels of a revision. BadValue for a format that is not written or a layer that is not there."""
    if format_name not in writable_formats():
        raise BadValue("format", format_name, f"one of {', '.join(writable_formats())}")
    view = view_of(revision)
    bound = Bound(FORMATS[format_name], options or Options(annotator_name=_name_of(revision)))
    plan = _Plan(view, bound, _layer(view, format_name, layer), ClassNames(view.schema))
    stem = re.sub(r"[^A-Za-z0-9._-]", "-", f"{revision.repository.name}-{revision.text[:40]}")
    name = f"{stem}-{format_name}{'.zip' if plan.zipped else ''}"
    if plan.rows <= EXACT:
        return _whole(plan, name)
    filename, media_type = _called(plan, name, "")
    return Export(filename, media_type, _streamed(plan), _in_words(plan, _kinds_left_out(plan)))


def _layer(view: SnapshotView, format_name: str, wanted: str) -> str | None:
    if wanted and wanted not in view.layer_names:
        raise BadValue("layer", wanted, f"one of {', '.join(view.layer_names) or 'no layers'}")
    if wanted:
        return wanted
    if format_name in ALL_LAYERS:
        return None
    return GOLD if GOLD in view.layer_names or not view.layer_names else view.layer_names[0]


def _name_of(revision: Revision) -> Callable[[str], str]:
    """Opaque id -> what files call the person; looked up once each."""
    known: dict[str, str] = {}

    def name(identifier: str) -> str:
        if identifier not in known:
            found = people([identifier]).get(identifier)
            known[identifier] = (found.username or found.name) if found else identifier
        return known[identifier]

    return name


# ---- writing ----------------------------------------------------------------------------------------------------


class _OneFile:
    """A sink for formats that write one file: its bytes are the stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self.name = stream, ""

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        if self.name:
            raise ValueError(f"a second file {name!r} in a format of one file")
        self.name = name
        yield cast(BinaryIO, _Unclosed(self._stream))


class _Unclosed(io.RawIOBase):
    """The writer may close its file; the stream stays open."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return self._stream.write(bytes(data))  # type: ignore[call-overload]


def _written(plan: _Plan, sink: Sink) -> WriteReport:
    classes = plan.names.infos()
    if plan.layer is None:
        records = stored_records(plan.view, plan.bound, plan.names, plan.layers, plan.layer)
        return plan.bound.write(records, classes, sink)
    return plan.bound.write_runs(stored_runs(plan.view, plan.bound, plan.names, plan.layer), classes, sink)


def _write(plan: _Plan, stream: BinaryIO) -> str:
    """Everything to `stream`; the name of the one file, "" for an archive."""
    if plan.zipped:
        archive = ZipSink(stream)
        plan.report = _written(plan, cast(Sink, archive))
        archive.close()
        return ""
    sink = _OneFile(stream)
    plan.report = _written(plan, cast(Sink, sink))
    return sink.name


def _whole(plan: _Plan, name: str) -> Export:
    spool = cast(BinaryIO, SpooledTemporaryFile(SPOOLED))  # noqa: SIM115 - closed when it was read
    inner = _write(plan, spool)
    size = spool.tell()
    spool.seek(0)
    filename, media_type = _called(plan, name, inner)
    return Export(filename, media_type, _read(spool), _in_words(plan, _counted(plan.report)), size)


def _read(spool: BinaryIO) -> Iterator[bytes]:
    with spool:
        while piece := spool.read(PIECE):
            yield piece


EXTENSIONS = {
    "coco": ".json",
    "via": ".json",
    "csv": ".csv",
    "votes": ".csv",
    "jsonl": ".jsonl",
    "labelhub": ".jsonl",
    "conll": ".conll",
}
TYPES = {".json": "application/json", ".csv": "text/csv; charset=utf-8", ".jsonl": "application/x-ndjson"}


def _called(plan: _Plan, name: str, inner: str) -> tuple[str, str]:
    if plan.zipped:
        return name, "application/zip"
    extension = (
        f".{inner.rpartition('.')[2]}" if "." in inner else EXTENSIONS.get(plan.bound.format.name, ".txt")
    )
    return name + extension, TYPES.get(extension, "text/plain; charset=utf-8")


class _Pipe(io.RawIOBase):
    """Bytes from the writer's thread to whoever reads pieces; bounded, and closed from either end."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[bytes | BaseException | None] = queue.Queue(PIECES_WAITING)
        self._held = bytearray()
        self._left = threading.Event()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = memoryview(data)  # type: ignore[arg-type]
        self._held += piece
        if len(self._held) >= PIECE:
            self._hand_over(bytes(self._held))
            self._held.clear()
        return piece.nbytes

    def end(self, error: BaseException | None = None) -> None:
        if self._held and error is None:
            self._hand_over(bytes(self._held))
        self._hand_over(error)

    def leave(self) -> None:
        self._left.set()

    def _hand_over(self, item: bytes | BaseException | None) -> None:
        while not self._left.is_set():
            try:
                self._waiting.put(item, timeout=0.5)
            except queue.Full:
                continue
            return
        if not isinstance(item, BaseException) and item is not None:
            raise BrokenPipeError("the reader has gone")

    def pieces(self) -> Iterator[bytes]:
        while (item := self._waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item


def _streamed(plan: _Plan) -> Iterator[bytes]:
    pipe = _Pipe()
    thread = threading.Thread(target=_write_into, args=(plan, pipe), name="export", daemon=True)
    thread.start()
    try:
        yield from pipe.pieces()
    finally:
        pipe.leave()
        thread.join()


def _write_into(plan: _Plan, pipe: _Pipe) -> None:
    try:
        _write(plan, cast(BinaryIO, pipe))
        pipe.end()
    except BrokenPipeError:
        return
    except Exception as error:  # handed to the thread that answers the request, which fails with it
        pipe.end(error)
    finally:
        connection.close()


# ---- what is left out -------------------------------------------------------------------------------------------


def _counted(report: WriteReport) -> list[str]:
    """Exact: of what the writer refused, by kind and reason."""
    counts = Counter((left.kind, left.reason) for left in report.left_out)
    said = [f"{n} {kind} ({reason})" for (kind, reason), n in counts.most_common(5)]
    rest = report.left_out_total - sum(n for _, n in counts.most_common(5))
    return [*said, f"{rest} others"] if rest > 0 else said


def _kinds_left_out(plan: _Plan) -> list[str]:
    """From columns: annotations of kinds the format has no place for."""
    held = plan.bound.holds().kinds
    counts = np.zeros(len(KINDS), np.int64)
    for name in plan.layers:
        for block in plan.view.scan_layer(name):
            counts += np.bincount(block.column("kind"), minlength=len(KINDS))
    return [
        f"{n} {kind} (not a kind of this format)"
        for kind, n in zip(KINDS, counts.tolist(), strict=True)
        if n and kind not in held
    ]


def _in_words(plan: _Plan, labels: Iterable[str]) -> str:
    """For a header: labels, then attributes, fields and layers that the format has no place for."""
    holds, schema = plan.bound.holds(), plan.view.schema
    said = list(labels)
    attributes = [a.name for a in schema.attributes if not holds.attributes.covers(a.name)]
    fields = [f.name for f in schema.fields if not holds.fields.covers(f.name)]
    layers = [name for name in plan.view.layer_names if name not in plan.layers]
    for what, names in (("attributes", attributes), ("fields", fields), ("layers", layers)):
        if names:
            said.append(f"{what} {', '.join(names[:10])}{' and others' if len(names) > 10 else ''}")
    text = "; ".join(said).encode("ascii", "replace").decode().replace("\r", " ").replace("\n", " ")
    return text[:LONGEST_HEADER]
