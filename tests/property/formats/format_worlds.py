"""Small commits as dictionaries, and how a test writes them to files, reads those and imports them again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from repos.annotations.blocks import LayerBlock
from repos.annotations.draft_of import ClassNames
from repos.annotations.importing import Batch, Changes, Importer, ImportPlan
from repos.annotations.model import Annotation, LayerEntry, Media, MediaState, Sample
from repos.annotations.records import RecordBlock
from repos.annotations.schema import Schema, ValueType
from repos.annotations.schema_edit import add_class, ensure_attribute, ensure_field
from repos.formats.base import MemorySink
from repos.formats.bound import Bound
from repos.formats.keying import Media as MediaNames
from repos.formats.options import Options
from repos.formats.records import IMPORTED, Draft, LayerDraft, Record, Refusal
from repos.formats.registry import format_named
from repos.formats.source import MemorySource

GOLD = "gold"
NAMES = ("RBC", "white cell", "Würfel", "a-b", "7")


def schema() -> Schema:
    made = Schema()
    for name in NAMES:
        made, _ = add_class(made, name)
    made, parent = add_class(made, "Bottle")
    made, _ = add_class(made, "Glass", parent=parent.id)
    for name, kind in (
        ("occluded", ValueType.BOOLEAN),
        ("note", ValueType.STRING),
        ("score2", ValueType.NUMBER),
    ):
        made, _ = ensure_attribute(made, name, kind)
    for name in ("split", "source.doc"):
        made, _ = ensure_field(made, name)
    return made


@dataclass
class World:
    """A commit as dictionaries; also the `Existing` of an import."""

    schema: Schema = field(default_factory=schema)
    sample: dict[str, Sample] = field(default_factory=dict)
    layers: dict[str, dict[str, LayerEntry]] = field(default_factory=dict)

    def samples(self, keys: Sequence[str]) -> Mapping[str, Sample]:
        return {key: self.sample[key] for key in keys if key in self.sample}

    def entries(self, layer: str, keys: Sequence[str]) -> Mapping[str, LayerEntry]:
        found = self.layers.get(layer, {})
        return {key: found[key] for key in keys if key in found}

    def scan_entries(self, layer: str) -> Iterable[tuple[str, LayerEntry]]:
        return list(self.layers.get(layer, {}).items())

    def sample_block(self, keys: Sequence[str]) -> RecordBlock:
        return RecordBlock.from_samples(self.samples(keys).items())

    def layer_block(self, layer: str, keys: Sequence[str]) -> LayerBlock:
        return LayerBlock.from_entries(self.entries(layer, keys).items())

    def copy(self) -> World:
        return World(
            self.schema, dict(self.sample), {name: dict(entries) for name, entries in self.layers.items()}
        )

    def bound(self, name: str, options: Options) -> Bound:
        """The format, told what is there: sizes of known media, keys for files that name none."""
        names = MediaNames(self.sample, is_media=lambda _: True)
        known = replace(
            options,
            known_size=self.size,
            find_image=lambda reference: (
                reference if reference in self.sample else names.beside(f"{reference}.x")[0]
            ),
        )
        return Bound(format_named(name), known)

    def size(self, key: str) -> tuple[int, int] | None:
        media = self.sample[key].media if key in self.sample else None
        return (media.width, media.height) if media and media.width and media.height else None

    def records(self, bound: Bound, layer: str | None = GOLD) -> list[Record]:
        names = ClassNames(self.schema)
        return [
            bound.record(
                key,
                sample,
                {n: e[key] for n, e in self.layers.items() if key in e and layer in (None, n)},
                names,
                layer,
            )
            for key, sample in self.sample.items()
        ]

    def run(
        self,
        bound: Bound,
        files: Mapping[str, bytes],
        plan: ImportPlan | None = None,
        *,
        columns: bool = False,
    ) -> tuple[Changes, list[Refusal]]:
        """Imports and takes what comes; the refusals. `columns`: by columns where the format gives them."""
        importer = Importer(self, bound, plan)
        refusals: list[Refusal] = []
        source = MemorySource(files)
        for out in importer.run(bound.read_rows(source) if columns else bound.read(source)):
            if isinstance(out, Batch):
                self.sample |= out.samples
                if out.records is not None:
                    self.sample |= dict(out.records.samples())
                for layer, block in out.blocks.items():
                    self.layers.setdefault(layer, {}).update(block.entries())
                for layer, entries in out.entries.items():
                    self.layers.setdefault(layer, {}).update(entries)
            elif isinstance(out, Refusal):
                refusals.append(out)
        self.schema = importer.schema.schema
        return importer.changes, refusals


def files_of(bound: Bound, records: Iterable[Record], classes: Schema) -> dict[str, bytes]:
    sink = MemorySink()
    bound.write(records, ClassNames(classes).infos(), sink)
    return sink.files


def held(bound: Bound, record: Record) -> Record:
    """The record as the format can hold it: what a user with the file sees."""
    layers = {
        name: LayerDraft(
            tuple(
                _carried(entry.annotations, bound.express(entry.annotations, record.sample, record.sample))
            ),
            entry.review,
        )
        for name, entry in record.layers.items()
    }
    return replace(record, layers=layers)


def _carried(drafts: Sequence[Draft], expressed: Sequence[Draft | None]) -> Iterator[Draft]:
    for draft, kept in zip(drafts, expressed, strict=True):
        if kept is not None:
            yield replace(kept, carried_id=draft.carried_id)


def all_annotations(world: World) -> dict[tuple[str, str, bytes], Annotation]:
    return {
        (layer, key, a.id): a
        for layer, entries in world.layers.items()
        for key, e in entries.items()
        for a in e
    }


def differences(
    before: World, after: World
) -> dict[tuple[str, str, bytes], tuple[Annotation | None, Annotation | None]]:
    """Annotations that are not the same on both sides."""
    old, new = all_annotations(before), all_annotations(after)
    return {
        place: (old.get(place), new.get(place))
        for place in old.keys() | new.keys()
        if old.get(place) != new.get(place)
    }


def picture(width: int | None, height: int | None) -> Sample:
    return Sample(Media(MediaState.ABSENT, width=width, height=height))


__all__ = [
    "GOLD",
    "IMPORTED",
    "NAMES",
    "World",
    "annotations",
    "differences",
    "files_of",
    "held",
    "picture",
    "schema",
]
