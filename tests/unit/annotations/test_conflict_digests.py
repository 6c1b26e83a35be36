"""Digests of conflict values are stored with resolutions, so their bytes are pinned."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from repos.annotations.conflicts import Conflict, ConflictKind, Where
from repos.annotations.model import Annotation, Box, Kind
from repos.annotations.resolve import Choice, Resolutions, Rule, resolution
from repos.annotations.value_digest import digest_of

MARK = Annotation(b"a" * 16, Kind.BOX, b"c" * 16, (Box(1, 2, 3, 4.5),), {"dim": True})
GOLDEN = {
    "none": None, "true": True, "one": 1, "one as a double": 1.0, "text": "naïve", "bytes": b"\0\1", "pair": (1, "a"),
    "mapping": {"b": 1, "a": None}, "kind": Kind.BOX, "annotation": MARK,
}  # fmt: skip


def test_golden_vectors() -> None:
    assert {name: digest_of(value).hex()[:16] for name, value in GOLDEN.items()} == PINNED


PINNED: Mapping[str, str] = {
    "none": "7ef97400eaf35b5c",
    "true": "085644fb03d14c2f",
    "one": "f762d03ad1a04d95",
    "one as a double": "ba3e79ab63e9252c",
    "text": "a0c36410ebbc6500",
    "bytes": "4ef31751654ec7f8",
    "pair": "e3c3ef7432a880ea",
    "mapping": "06017ae01de21516",
    "kind": "f5032cba56050107",
    "annotation": "c10114a91f88df51",
}


def test_no_two_values_share_a_digest() -> None:
    values = [
        *GOLDEN.values(),
        (),
        (None,),
        ((),),
        "",
        b"",
        ("a", "b"),
        ("ab",),
        {"a": 1, "b": None},
        0,
        0.0,
        False,
    ]
    assert len({digest_of(value) for value in values}) == len(values)


def test_only_values_of_the_model_have_one() -> None:
    with pytest.raises(TypeError, match="no digest of a set"):
        digest_of(set())


def test_a_stored_resolution_comes_before_rules_and_answers_only_its_conflict() -> None:
    conflict = Conflict(ConflictKind.VALUE, Where("k", "class", "gold", b"a" * 16), b"x", b"y", b"z")
    stored = resolution(conflict, Choice.CUSTOM, b"w", "u1")
    known = Resolutions([stored], [Rule(Choice.OURS)])
    answer = known.answer(conflict)
    assert answer is not None
    assert (answer.of(conflict), answer.author) == (b"w", "u1")
    other = Conflict(ConflictKind.VALUE, conflict.where, b"x", b"y", b"another")
    ruled = known.answer(other)
    assert ruled is not None
    assert ruled.of(other) == b"y"
    assert Resolutions([stored]).answer(other) is None
    assert Resolutions([stored]).answer(conflict.swapped()) is None
