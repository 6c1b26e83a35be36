"""A format with its options: what importing and exporting take, so that they know neither."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from repos.annotations.blocks import LayerBlock
from repos.annotations.draft_of import ClassNames, layer_draft_of, sample_draft_of
from repos.annotations.draft_rows import DraftRows
from repos.annotations.model import LayerEntry, Sample
from repos.formats.base import Format, Sink, WriteReport
from repos.formats.options import Options
from repos.formats.records import IMPORTED, ClassInfo, Draft, Holds, Item, Record, SampleDraft
from repos.formats.source import Source
from repos.formats.stored import StoredRun


@dataclass(frozen=True)
class Bound:
    format: Format
    options: Options

    def read(self, source: Source) -> Iterator[Item]:
        return self.format.read(source, self.options)

    def read_rows(self, source: Source) -> Iterator[Item | DraftRows]:
        return self.format.read_rows(source, self.options)

    def holds(self) -> Holds:
        return self.format.holds(self.options)

    def express(
        self, drafts: Sequence[Draft], written: SampleDraft, read: SampleDraft
    ) -> Sequence[Draft | None]:
        return self.format.express(drafts, written, read, self.options)

    def express_sample(self, sample: SampleDraft, drafts: Sequence[Draft]) -> SampleDraft:
        return self.format.express_sample(sample, drafts, self.options)

    def write(self, records: Iterable[Record], classes: Sequence[ClassInfo], sink: Sink) -> WriteReport:
        return self.format.write(records, classes, sink, self.options)

    def write_runs(self, runs: Iterable[StoredRun], classes: Sequence[ClassInfo], sink: Sink) -> WriteReport:
        return self.format.write_runs(runs, classes, sink, self.options)

    def run(
        self, samples: Mapping[str, Sample], block: LayerBlock, names: ClassNames, layer: str
    ) -> StoredRun:
        """Samples of a commit and what a layer says of them, for the writer."""
        keys = list(samples)

        def record(at: int) -> Record:
            found = block.find(keys[at].encode())
            said = {} if found is None else {layer: next(block.take(found, found + 1).entries())[1]}
            return self.record(keys[at], samples[keys[at]], said, names, layer)

        return StoredRun(keys, [sample_draft_of(sample) for sample in samples.values()], block, names, record)

    def record(
        self, key: str, sample: Sample, layers: Mapping[str, LayerEntry], names: ClassNames, layer: str | None
    ) -> Record:
        """A sample of a commit for the writer. `layer`: the one that single-layer formats write; None: all by
        name."""
        drafts = {
            IMPORTED if name == layer else name: layer_draft_of(entry, names)
            for name, entry in layers.items()
        }
        return Record(key, sample_draft_of(sample), drafts, self.holds())
