"""Every error of the label store says what, where and what was expected, and carries it as data."""

from __future__ import annotations

import pytest

from repos.labelstore.blobkeys import InvalidBlobKey, MissingBlob, StoreUnavailable
from repos.labelstore.boundary import InvalidTarget
from repos.labelstore.commit import InvalidCommit
from repos.labelstore.digest import CorruptNode, MissingNode
from repos.labelstore.edit import ContradictingEdit
from repos.labelstore.errors import LabelStoreError
from repos.labelstore.graph import UnknownCommit
from repos.labelstore.keycolumn import KeyOrder
from repos.labelstore.node import MalformedNode, NodeTooLarge
from repos.labelstore.packs import MalformedPack
from repos.labelstore.read import NoSuchPosition
from repos.labelstore.refs import RefMoved, RefNameTaken
from repos.labelstore.varint import MalformedBytes

A, B = b"\xaa" * 32, b"\xbb" * 32
SENTENCES = [
    (MissingNode(A), f"node {'aa' * 32} is not in the store"),
    (CorruptNode(A, B), f"node {'aa' * 32} is damaged: its bytes hash to {'bb' * 32}"),
    (MalformedBytes("commit", 7, "too short"), "commit is malformed at byte 7: too short"),
    (MalformedNode("node", 3, "no child"), "node is malformed at byte 3: no child"),
    (MalformedPack("pack", 0, "no pack"), "pack is malformed at byte 0: no pack"),
    (NodeTooLarge(2**30), "an object of 1073741824 bytes is above the limit of 33554432"),
    (InvalidTarget(3), "keys per leaf: expected a power of two from 1 to 1024, got 3"),
    (
        KeyOrder(4, b"a", b"b"),
        "keys: expected strictly ascending keys of 1 to 2048 bytes, got b'a' at 4 after b'b'",
    ),
    (ContradictingEdit(b"k"), "one edit both puts and deletes the key b'k'"),
    (NoSuchPosition(9, 3), "entry 9 of a tree of 3 entries"),
    (InvalidCommit("author", "", "an id"), "commit: author: expected an id, got ''"),
    (UnknownCommit("ab"), "commit ab: it is not known here"),
    (
        InvalidBlobKey("../x"),
        (
            "blob key '../x': expected parts of letters, digits, '.', '_' and '-' joined by single slashes, "
            "none '.' or '..', at most 512 bytes"
        ),
    ),
    (MissingBlob("a/b"), "blob 'a/b' is not in the store"),
    (StoreUnavailable("get", "a", "timed out"), "the object store failed to get 'a': timed out"),
    (RefMoved("main", None, "ab"), "ref 'main': expected no such ref, found ab"),
    (RefNameTaken("a/b", "a"), "ref 'a/b' can not exist beside 'a'"),
]


@pytest.mark.parametrize(("error", "sentence"), SENTENCES, ids=lambda value: type(value).__name__)
def test_errors_are_sentences_over_data(error: LabelStoreError, sentence: str) -> None:
    assert str(error) == sentence
    assert isinstance(error, LabelStoreError)
    assert error.data
