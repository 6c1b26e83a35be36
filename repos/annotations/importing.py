"""Import of records over existing labels: what a file changes, as batches of whole samples and entries.

Law (tests/property/formats): importing an export gives nothing; an export with one label edited gives exactly
that edit; the same file twice gives nothing the second time. Scope is explicit: `update` leaves samples
absent from the file alone, `replace` also takes away what the format can say of them in the layer. Samples
are never deleted. Memory: one batch; with `replace` also a 64-bit hash of every key. Cost: what reading the
touched samples costs, plus import_entry. Keys may come in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from repos.annotations.blocks import LayerBlock
from repos.annotations.draft_of import ClassNames, draft_of, media_of, sample_draft_of
from repos.annotations.draft_rows import DraftRows
from repos.annotations.drafts import (
    IMPORTED,
    AttributeScope,
    Draft,
    Holds,
    LayerDraft,
    MediaRef,
    Record,
    Refusal,
    SampleDraft,
    Warned,
)
from repos.annotations.edits import SnapshotEdit
from repos.annotations.errors import InvalidValue
from repos.annotations.import_entry import EntryMerge, Merged, Place
from repos.annotations.import_rows import RowsImport
from repos.annotations.import_schema import ImportSchema
from repos.annotations.model import LayerEntry, Media, Review, Sample, Scalar
from repos.annotations.records import RecordBlock
from repos.annotations.schema import Schema

MAX_CROWD = 1000
"""Above this many layers in a file a sample's missing answers are not looked for (they stay)."""


class Scope(StrEnum):
    UPDATE = "update"
    REPLACE = "replace"


class Existing(Protocol):
    """What is there: SnapshotView, or dictionaries. Blocks: columns as they are stored, for imports by columns."""

    @property
    def schema(self) -> Schema: ...
    def samples(self, keys: Sequence[str]) -> Mapping[str, Sample]: ...
    def entries(self, layer: str, keys: Sequence[str]) -> Mapping[str, LayerEntry]: ...
    def scan_entries(self, layer: str) -> Iterable[tuple[str, LayerEntry]]: ...
    def sample_block(self, keys: Sequence[str]) -> RecordBlock: ...
    def layer_block(self, layer: str, keys: Sequence[str]) -> LayerBlock: ...


class Expression(Protocol):
    """A format under its options (repos.formats.bound.Bound): what reading gives back of what is written."""

    def express(
        self, drafts: Sequence[Draft], written: SampleDraft, read: SampleDraft
    ) -> Sequence[Draft | None]: ...
    def express_sample(self, sample: SampleDraft, drafts: Sequence[Draft]) -> SampleDraft: ...
    def holds(self) -> Holds: ...


MediaFor = Callable[[str, MediaRef, Media | None], Media]
"""(key, what the file says, media there) -> media of the sample. The default stores nothing:
draft_of.media_of."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """`create`: make classes, attributes and fields that the schema lacks. `review`: of entries that are new.
    `claimed`: whom a name in the file stands for, where the label does not carry it already."""

    layer: str = "gold"
    scope: Scope = Scope.UPDATE
    create: bool = True
    review: Review | None = None
    batch: int = 500
    claimed: Callable[[str], str] = str


@dataclass(slots=True)
class Changes:
    """What an import did so far. `kept`: annotations the file says as they were."""

    samples_added: int = 0
    samples_changed: int = 0
    samples_seen: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    kept: int = 0
    held_back: int = 0
    refused: int = 0
    samples_refused: int = 0

    @property
    def any(self) -> bool:
        return bool(self.samples_added or self.samples_changed or self.added or self.changed or self.removed)

    def count(self, merged: Merged) -> None:
        self.added += merged.added
        self.changed += merged.changed
        self.removed += merged.removed
        self.kept += merged.kept
        self.held_back += merged.held_back
        self.refused += len(merged.refusals)


@dataclass(slots=True)
class Batch:
    """Whole samples and whole entries that change, keys distinct within the batch; the schema they need.
    `records` and `blocks` are samples and entries as columns (import_rows.py), of keys of their own."""

    schema: Schema
    samples: dict[str, Sample] = field(default_factory=dict)
    entries: dict[str, dict[str, LayerEntry]] = field(default_factory=dict)
    blocks: dict[str, LayerBlock] = field(default_factory=dict)
    records: RecordBlock | None = None

    def add_to(self, edit: SnapshotEdit) -> None:
        """As operations; entries of a layer as one block."""
        edit.put_schema(self.schema)
        for key, sample in self.samples.items():
            edit.put_sample(key, sample)
        for layer, entries in self.entries.items():
            edit.put_entries(layer, LayerBlock.from_entries(entries.items()))
        if self.records is not None and len(self.records):
            edit.put_samples(self.records)
        for layer, block in self.blocks.items():
            edit.put_entries(layer, block)


Out = Batch | Refusal | Warned


class Importer:
    """One import. `run` may be called once; `changes` and `schema` are final when it is exhausted."""

    def __init__(
        self,
        existing: Existing,
        expression: Expression,
        plan: ImportPlan | None = None,
        media: MediaFor | None = None,
    ) -> None:
        self.existing, self.expression, self.plan = existing, expression, plan or ImportPlan()
        self.media: MediaFor = media or (lambda _, given, there: media_of(given, there))
        self.schema = ImportSchema(existing.schema, self.plan.create)
        self.changes = Changes()
        self.layers: set[str] = set()
        self._seen: set[int] = set()
        self._rows = RowsImport(self)
        self._names = ClassNames(existing.schema)
        self._crowd_warned = False

    def run(self, items: Iterable[object]) -> Iterator[Out]:
        """Batches, refusals and warnings. Takes what a reader gives: refusals and warnings pass, progress is
        dropped."""
        waiting: list[Record] = []
        keys: set[str] = set()
        for item in items:
            if isinstance(item, Record):
                if item.key in keys:
                    yield from self._batch(waiting)
                    waiting, keys = [], set()
                waiting.append(item)
                keys.add(item.key)
                if len(waiting) >= self.plan.batch:
                    yield from self._batch(waiting)
                    waiting, keys = [], set()
            elif isinstance(item, DraftRows):
                yield from self._batch(waiting)
                waiting, keys = [], set()
                yield from self._by_columns(item)
            elif isinstance(item, Refusal):
                self.changes.refused += item.annotations
                self.changes.samples_refused += item.whole
                yield item
            elif isinstance(item, Warned):
                yield item
        yield from self._batch(waiting)
        if self.plan.scope is Scope.REPLACE:
            yield from self._replace()

    def batch(self) -> Batch:
        return Batch(self.schema.schema)

    def saw(self, keys: Iterable[str]) -> None:
        """Samples that the file lists."""
        found = [hash(key) for key in keys]
        self.changes.samples_seen += len(found)
        if self.plan.scope is Scope.REPLACE:
            self._seen.update(found)

    def layer(self, name: str) -> str:
        """The layer that a record means."""
        return self.plan.layer if name == IMPORTED else name

    # ---- columns ----------------------------------------------------------------------------------------------

    def _by_columns(self, rows: DraftRows) -> Iterator[Out]:
        batch, others = self._rows.plan(rows)
        if batch is not None:
            yield batch
        for at in range(0, len(others), self.plan.batch):
            yield from self._batch([rows.record(i) for i in others[at : at + self.plan.batch]])

    # ---- records ----------------------------------------------------------------------------------------------

    def _batch(self, records: Sequence[Record]) -> Iterator[Out]:
        if not records:
            return
        keys = [r.key for r in records]
        samples = self.existing.samples(keys)
        layers = {self.layer(n) for r in records for n in self._layers_of(r)}
        entries = {layer: self.existing.entries(layer, keys) for layer in sorted(layers)}
        batch = Batch(self.schema.schema)
        for record in records:
            yield from self._record(record, samples.get(record.key), entries, batch)
        batch.schema = self.schema.schema
        if batch.samples or any(batch.entries.values()):
            yield batch

    def _layers_of(self, record: Record) -> Iterable[str]:
        if len(record.file_layers) > MAX_CROWD:
            return record.layers
        return dict.fromkeys((*record.layers, *sorted(record.file_layers)))

    def _record(
        self,
        record: Record,
        there: Sample | None,
        entries: Mapping[str, Mapping[str, LayerEntry]],
        batch: Batch,
    ) -> Iterator[Out]:
        self.saw((record.key,))
        if len(record.file_layers) > MAX_CROWD and not self._crowd_warned:
            self._crowd_warned = True
            yield Warned(
                record.file,
                f"more than {MAX_CROWD} layers: answers missing from the file stay",
                key=record.key,
            )
        own = {self.layer(n): e for n, e in record.layers.items()}
        try:
            sample = self.sample(record, there, [e for layer in own if (e := entries[layer].get(record.key))])
        except InvalidValue as error:
            count = sum(len(e.annotations) for e in record.layers.values())
            self.changes.samples_refused += 1
            self.changes.refused += count
            yield Refusal(
                record.file,
                f"{error.what}: {error.value!r}",
                error.expected,
                record.line,
                record.key,
                field=error.what,
                whole=True,
                annotations=count,
            )
            return
        if sample != there:
            batch.samples[record.key] = sample
            self.changes.samples_added += there is None
            self.changes.samples_changed += there is not None
        for name in self._layers_of(record):
            layer = self.layer(name)
            given = own.get(layer, LayerDraft())
            if name not in record.layers and record.key not in entries[layer]:
                continue
            yield from self._entry(
                record, layer, given, there or sample, sample, entries[layer].get(record.key), batch
            )

    def _entry(
        self,
        record: Record,
        layer: str,
        given: LayerDraft,
        written: Sample,
        sample: Sample,
        entry: LayerEntry | None,
        batch: Batch,
    ) -> Iterator[Out]:
        self.layers.add(layer)
        if given.review is None and entry is None:
            given = replace(given, review=self.plan.review)
        merge = self._merge(
            record.key, layer, record.file, record.holds, sample_draft_of(written), record.sample, sample.text
        )
        merged = merge.merge(entry, given, record.refused)
        self.changes.count(merged)
        yield from merged.refusals
        if merged.held_back:
            yield Warned(
                record.file,
                f"{merged.held_back} annotations are not in the file but stay, because it has refused ones",
                record.line,
                record.key,
            )
        if merged.entry is not None:
            batch.entries.setdefault(layer, {})[record.key] = merged.entry

    def _merge(
        self,
        key: str,
        layer: str,
        file: str,
        holds: Holds,
        written: SampleDraft,
        read: SampleDraft,
        text: str | None,
    ) -> EntryMerge:
        if self._names.schema is not self.schema.schema:
            self._names = ClassNames(self.schema.schema)
        names = self._names
        place = Place(key, layer, file, None if text is None else len(text))
        return EntryMerge(
            place,
            self.schema,
            holds,
            lambda drafts: self.expression.express(drafts, written, read),
            lambda a: draft_of(a, names),
            self.plan.claimed,
        )

    # ---- the sample itself ------------------------------------------------------------------------------------

    def sample(self, record: Record, there: Sample | None, entries: Sequence[LayerEntry]) -> Sample:
        """What becomes of the sample of a record. InvalidValue when file and commit do not go together."""
        given, holds = record.sample, record.holds
        if there is None:
            media = None if given.media is None else self.media(record.key, given.media, None)
            return Sample(media, given.text, self.schema.fields(given.fields))
        if given.text is not None and there.media is not None:
            raise InvalidValue("sample", "text", "media, as the sample has")
        written = sample_draft_of(there)
        drafts = [draft_of(a, self._names) for e in entries for a in e.annotations]
        base = self.expression.express_sample(written, drafts)
        text = given.text if holds.text and given.text is not None and given.text != base.text else there.text
        media = there.media
        if given.media is not None and there.text is None and text is None:
            media = self.media(record.key, given.media, there.media)
        said = given.fields
        if text == there.text and holds.of_text:
            said = {n: v for n, v in said.items() if n not in holds.of_text} | AttributeScope(
                names=holds.of_text
            ).part(base.fields)
        fields = self._fields(holds, dict(there.fields), base.fields, said)
        return (
            there
            if (media, text, fields) == (there.media, there.text, dict(there.fields))
            else Sample(media, text, fields)
        )

    def _fields(
        self, holds: Holds, result: dict[str, Scalar], base: Mapping[str, Scalar], said: Mapping[str, Scalar]
    ) -> dict[str, Scalar]:
        changed = {
            n: said.get(n) for n in (*base, *said) if holds.fields.covers(n) and said.get(n) != base.get(n)
        }
        kept = self.schema.fields(changed)
        for name in changed:
            if kept.get(name) is None:
                result.pop(name, None)
            else:
                result[name] = kept[name]
        return result

    # ---- replace ----------------------------------------------------------------------------------------------

    def _replace(self) -> Iterator[Out]:
        """Takes away what the format can say of samples that the file does not list."""
        holds = self.expression.holds()
        for layer in sorted(self.layers or {self.plan.layer}):
            waiting: list[tuple[str, LayerEntry]] = []
            for key, entry in self.existing.scan_entries(layer):
                if hash(key) not in self._seen and entry.annotations:
                    waiting.append((key, entry))
                if len(waiting) >= self.plan.batch:
                    yield from self._emptied(layer, waiting, holds)
                    waiting = []
            yield from self._emptied(layer, waiting, holds)

    def _emptied(self, layer: str, entries: Sequence[tuple[str, LayerEntry]], holds: Holds) -> Iterator[Out]:
        samples = self.existing.samples([key for key, _ in entries])
        batch = Batch(self.schema.schema)
        for key, entry in entries:
            written = sample_draft_of(samples[key]) if key in samples else SampleDraft()
            merge = self._merge(key, layer, "", replace(holds, review=False), written, written, written.text)
            merged = merge.merge(entry, LayerDraft(), 0)
            self.changes.count(merged)
            if merged.entry is not None:
                batch.entries.setdefault(layer, {})[key] = merged.entry
        if batch.entries:
            yield batch
