"""Reading an upload by ranges equals reading its bytes; what is joined keeps names apart."""

from __future__ import annotations

import io
import random

import pytest

from repos.annotations.blocks import LayerBlock
from repos.annotations.ids import foreign_id
from repos.annotations.model import Annotation, Kind, LayerEntry, Sample
from repos.annotations.records import SampleBlock
from repos.formats.errors import DamagedArchive, DuplicateMember, MissingMember
from repos.formats.source import MemorySource
from repos.labelstore.memory import MemoryBlobs
from repos.services.import_batches import joined_entries, joined_samples
from repos.services.sources import HELD_BLOCKS, Joined, RangedFile, buffered

DATA = random.Random(7).randbytes(10_000)


def ranged(block: int) -> RangedFile:
    blobs = MemoryBlobs()
    blobs.put("k", b"before" + DATA + b"behind")
    return RangedFile(blobs, "k", 6, len(DATA), block)


@pytest.mark.parametrize("block", [1, 7, 999, 10_000, 1 << 20])
def test_any_walk_reads_what_a_file_would_give(block: int) -> None:
    chance = random.Random(block)
    ours, plain = buffered(ranged(block)), io.BytesIO(DATA)
    for _ in range(300):
        size = chance.choice([0, 1, 3, 100, 4000])
        if chance.random() < 0.4:
            where, whence = chance.choice(
                [(chance.randrange(12_000), 0), (-chance.randrange(500), 2), (5, 1)]
            )
            assert ours.seek(where, whence) == plain.seek(where, whence)
        assert ours.read(size) == plain.read(size)
        assert ours.tell() == plain.tell()


def test_few_blocks_are_held_and_a_shorter_object_is_told() -> None:
    file = ranged(100)
    assert file.read() == DATA
    assert len(file._held) == HELD_BLOCKS
    blobs = MemoryBlobs()
    blobs.put("k", b"short")
    with pytest.raises(DamagedArchive, match="ends after 5 of 100 bytes"):
        RangedFile(blobs, "k", 0, 100).read()


def test_sources_are_joined_by_name() -> None:
    both = Joined([MemorySource({"a": b"1"}), MemorySource({"b": b"22"})])
    assert (list(both.names()), both.size("b"), both.open("a").read()) == (["a", "b"], 2, b"1")
    with pytest.raises(MissingMember):
        both.open("c")
    with pytest.raises(DuplicateMember):
        Joined([MemorySource({"a": b"1"}), MemorySource({"a": b"2"})])


def entry(number: int) -> LayerEntry:
    return LayerEntry((Annotation(foreign_id(number), Kind.CLASSIFICATION),))


def test_batches_in_any_order_become_one_block_and_later_ones_win() -> None:
    first = LayerBlock.from_entries([("m", entry(1)), ("z", entry(2))])
    second = LayerBlock.from_entries([("a", entry(3)), ("m", entry(4))])
    made = joined_entries([first, second])
    assert dict(made.entries()) == {"a": entry(3), "m": entry(4), "z": entry(2)}
    assert [key for key, _ in made.entries()] == ["a", "m", "z"]
    samples = joined_samples(
        [
            SampleBlock.from_samples([("b", Sample(text="1"))]),
            SampleBlock.from_samples([("a", Sample()), ("b", Sample())]),
        ]
    )
    assert dict(samples.samples()) == {"a": Sample(), "b": Sample()}
