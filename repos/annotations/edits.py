"""SnapshotEdit: operations on a snapshot, gathered in order; apply.py carries them out.

Invariant: applying an edit equals carrying out its operations one after another on plain dictionaries (the test says
so). An operation puts or removes one whole sample, annotation, review, file or schema; bulk operations stay columnar.
Renaming a sample takes its entries of all layers along; deleting it deletes them.
Cost: O(operations); nothing is read before apply_edit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from repos.annotations.blocks import LayerBlock
from repos.annotations.model import Annotation, Review, Sample
from repos.annotations.patch import REPLACE, extra
from repos.annotations.records import SampleBlock
from repos.annotations.samples import FileRecord, sample_from
from repos.annotations.schema import Schema


@dataclass(slots=True)
class EntryPatch:
    """What happens to one entry. `source`: the key whose old entry it starts from, None for an empty start."""

    source: str | None
    rows: dict[bytes, tuple[Annotation | None, int]] = field(default_factory=dict)
    review: Review | None = None
    set_review: bool = False
    operation: int = 0


@dataclass(slots=True)
class SampleState:
    """What happens to one sample. `source`: where its old record and entries lie; `exists` None: as it was there."""

    source: str | None
    sample: Sample | None = None
    exists: bool | None = None
    operation: int = 0


@dataclass(slots=True)
class LayerEdit:
    """What happens to one layer: single entries, and whole blocks that came in bulk (later ones win)."""

    entries: dict[str, EntryPatch] = field(default_factory=dict)
    bulk: list[tuple[int, LayerBlock]] = field(default_factory=list)
    cleared: bool = False
    operation: int = 0


@dataclass(frozen=True, slots=True)
class Expected:
    """An operation needs a sample to be there (or a key to be free): as the edit knows it, or as the base has it."""

    key: str
    there: bool
    known: bool | None
    base_key: str
    operation: int


class SnapshotEdit:
    """See the module. Operations are numbered from 0 in the order given; violations name the number."""

    def __init__(self) -> None:
        self.samples: dict[str, SampleState] = {}
        self.sample_bulk: list[tuple[int, SampleBlock]] = []
        self.layers: dict[str, LayerEdit] = {}
        self.files: dict[str, tuple[FileRecord | bytes | None, int]] = {}
        self.schema: tuple[Schema, int] | None = None
        self.expected: list[Expected] = []
        self.operations = 0

    def _number(self) -> int:
        self.operations += 1
        return self.operations - 1

    # ---- samples ------------------------------------------------------------------------------------------

    def _state(self, key: str) -> SampleState:
        if key not in self.samples:
            self.samples[key] = SampleState(source=key)
            self._unbulk_sample(key)
        return self.samples[key]

    def _unbulk_sample(self, key: str) -> None:
        raw = key.encode(errors="replace")
        for number, block in reversed(self.sample_bulk):
            record = block.get(raw)
            if record is not None:
                state = self.samples[key]
                state.sample, state.exists, state.operation = sample_from(record), True, number
                return

    def put_sample(self, key: str, sample: Sample) -> None:
        """Add a sample or replace its content and fields; its entries stay."""
        number, state = self._number(), self._state(key)
        state.sample, state.exists, state.operation = sample, True, number

    def put_samples(self, block: SampleBlock) -> None:
        """Many samples at once, as put_sample of each."""
        number = self._number()
        for key in [k for k in self.samples if block.get(k.encode()) is not None]:
            state = self._state(key)
            found = SampleBlock([key.encode()], [block.get(key.encode()) or b""])
            state.sample, state.exists, state.operation = next(found.samples())[1], True, number
        self.sample_bulk.append((number, block))

    def delete_sample(self, key: str) -> None:
        """The sample and its entries in every layer."""
        number, state = self._number(), self._state(key)
        self._expect(key, state, True, number)
        self.samples[key] = SampleState(None, None, False, number)
        for layer in self.layers.values():
            self._drop_entry(layer, key, number)

    def rename_sample(self, old: str, new: str) -> None:
        """The sample under another key, its entries in every layer with it; `new` must be free."""
        number = self._number()
        if old == new:
            return
        state, free = self._state(old), self._state(new)
        self._expect(old, state, True, number)
        self._expect(new, free, False, number)
        moved = [(layer, self._entry(layer, old)) for layer in self.layers.values()]
        self.samples[new] = SampleState(state.source, state.sample, state.exists, number)
        self.samples[old] = SampleState(None, None, False, number)
        for layer, patch in moved:
            layer.entries[new] = patch
            self._drop_entry(layer, old, number)

    def _expect(self, key: str, state: SampleState, there: bool, number: int) -> None:
        known = False if state.source is None and state.exists is None else state.exists
        self.expected.append(Expected(key, there, known, state.source or key, number))

    # ---- layers -------------------------------------------------------------------------------------------

    def _layer(self, name: str) -> LayerEdit:
        return self.layers.setdefault(name, LayerEdit())

    def _entry(self, layer: LayerEdit, key: str) -> EntryPatch:
        patch = layer.entries.get(key)
        if patch is None:
            source = self.samples[key].source if key in self.samples else key
            patch = EntryPatch(None if layer.cleared else source)
            self._unbulk(layer, key, patch)
            layer.entries[key] = patch
        return patch

    @staticmethod
    def _unbulk(layer: LayerEdit, key: str, patch: EntryPatch) -> None:
        """Continue from what a bulk operation said about this entry."""
        raw = key.encode(errors="replace")
        for number, block in reversed(layer.bulk):
            at = block.find(raw)
            if at is not None:
                ((_, entry),) = block.take(at, at + 1).entries()
                patch.source, patch.set_review, patch.review = None, True, entry.review
                patch.rows = {a.id: (a, number) for a in entry.annotations}
                patch.operation = number
                return

    @staticmethod
    def _drop_entry(layer: LayerEdit, key: str, number: int) -> None:
        layer.entries[key] = EntryPatch(None, set_review=True, operation=number)

    def put_annotation(self, layer: str, key: str, annotation: Annotation) -> None:
        """Add an annotation, or replace the one with its id."""
        number, patch = self._number(), self._entry(self._layer(layer), key)
        patch.rows[annotation.id] = (annotation, number)
        patch.operation = number

    def delete_annotation(self, layer: str, key: str, annotation_id: bytes) -> None:
        """Remove an annotation; one that is not there is no error."""
        number, patch = self._number(), self._entry(self._layer(layer), key)
        patch.rows[annotation_id] = (None, number)
        patch.operation = number

    def set_review(self, layer: str, key: str, review: Review | None) -> None:
        number, patch = self._number(), self._entry(self._layer(layer), key)
        patch.review, patch.set_review, patch.operation = review, True, number

    def put_entries(self, layer: str, block: LayerBlock) -> None:
        """Whole entries in place of what the layer says about these samples; columns all the way."""
        number, edit = self._number(), self._layer(layer)
        if edit.entries:
            for key in [k for k in edit.entries if block.find(k.encode()) is not None]:
                del edit.entries[key]
        edit.bulk.append((number, block))

    def patch_entries(self, layer: str, patch: LayerBlock) -> None:
        """Rows to put and to remove in many entries at once: a block with the extra columns of patch.py, whose rows
        are put beside those that stay where it has none.

        For keys that no other operation of this edit names: a patch is not a whole entry to continue from.
        """
        told = patch.with_entry_columns(**{REPLACE: extra(patch, REPLACE)})
        self._layer(layer).bulk.append((self._number(), told))

    def delete_layer(self, name: str) -> None:
        """Every entry of a layer."""
        self.layers[name] = LayerEdit(cleared=True, operation=self._number())

    # ---- the rest -----------------------------------------------------------------------------------------

    def put_schema(self, schema: Schema) -> None:
        self.schema = (schema, self._number())

    def put_file(self, path: str, data: bytes) -> None:
        """A file whose bytes lie in the node store: cards, licences, guidelines."""
        self.files[path] = (data, self._number())

    def put_file_record(self, path: str, record: FileRecord) -> None:
        """A file whose bytes were stored before."""
        self.files[path] = (record, self._number())

    def delete_file(self, path: str) -> None:
        self.files[path] = (None, self._number())
