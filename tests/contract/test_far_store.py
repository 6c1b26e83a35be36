"""The line to a store that is far away (tests/factories/far.py), and that questions really overlap on it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from repos.labelstore.memory import MemoryPackIndex
from repos.storage import at_once
from repos.storage.cache import NodeLru
from repos.storage.packed import PackedNodes
from repos.storage.s3 import S3Blobs
from tests.contract.stores import s3_options
from tests.factories.far import Far

AWAY = 0.3
"""Long beside what a dozen threads need to begin."""
MANY = 12


@pytest.fixture
def line() -> Iterator[Far]:
    s3_options()  # or there is nothing to be far away
    with Far(os.environ["S3_ENDPOINT_URL"], 0) as made:
        yield made


@pytest.fixture
def blobs(line: Far) -> S3Blobs:
    options = s3_options()
    return S3Blobs(
        type(options)(
            line.base, options.bucket, options.access_key, options.secret_key, prefix=options.prefix
        )
    )


def test_what_waits_for_another_is_a_round_of_its_own(line: Far, blobs: S3Blobs) -> None:
    for n in range(3):
        blobs.put(f"{n}", b"%d" % n)
    assert blobs.get("1") == b"1"
    assert ([one.method for one in line.asked], line.rounds) == (["PUT", "PUT", "PUT", "GET"], 4)
    line.reset()
    assert (line.asked, line.rounds) == ([], 0)
    assert blobs.put_if_absent("1", bytes(300_000)) is False
    assert len(line.asked) == 1, "a body that is sent after the answer is no request"
    assert blobs.head("1") is not None
    assert line.rounds == 2


def test_what_is_asked_at_once_is_one_round(line: Far, blobs: S3Blobs) -> None:
    blobs.put("a", b"0123456789ab")
    line.reset()
    line.seconds = AWAY
    found = at_once.each(lambda n: blobs.get_range("a", n, 1), range(MANY))
    assert b"".join(found) == b"0123456789ab"
    assert (len(line.asked), line.rounds) == (MANY, 1)


def test_nodes_of_many_packs_are_read_at_once(line: Far, blobs: S3Blobs) -> None:
    index = MemoryPackIndex()
    writing = PackedNodes(blobs, index, NodeLru(0))
    addresses = [writing.put(b"node %d" % n) for n in range(MANY)]
    line.reset()
    line.seconds = AWAY
    assert len(PackedNodes(blobs, index, NodeLru(0)).get_many(addresses)) == MANY
    assert (len(line.asked), line.rounds) == (MANY, 1)
