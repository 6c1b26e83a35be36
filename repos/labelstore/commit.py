"""Commits: who made which snapshot out of which, when and why.

Invariant: a commit that exists is canonical, so equal commits have equal bytes and ids. Authors are opaque ids;
names and addresses of people are looked up elsewhere and never hashed, so that they can be erased.
The id is the first 40 hex digits of the SHA-256 of the canonical bytes; the address under which a node store keeps
those bytes is the whole digest, so the id is its beginning. FORMAT.md, section "Commit", gives the bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from repos.labelstore.digest import ADDRESS_BYTES, Address, address_of
from repos.labelstore.errors import LabelStoreError
from repos.labelstore.varint import Reader, prefixed, varint, zigzag

T = TypeVar("T")

MARK, VERSION = b"LHC", 1
ID_BYTES = 20
ID_DIGITS = 2 * ID_BYTES
MAX_PARENTS = 64
MAX_PERSON = 200
MAX_MESSAGE = 2**20
MAX_TRAILERS = 256
MAX_TRAILER_VALUE = 4096
MAX_SECONDS = 2**40
MAX_OFFSET = 24 * 60 - 1

_ID = re.compile(r"[0-9a-f]{40}\Z")
_PERSON = re.compile(r"[!-~]{1,200}\Z")
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}\Z")


class InvalidCommit(LabelStoreError):
    """A commit that breaks a rule: which part, what it held, what was expected."""

    template = "commit: {part}: expected {expected}, got {value!r}"

    def __init__(self, part: str, value: object, expected: str) -> None:
        super().__init__(part=part, value=value, expected=expected)
        self.part, self.value, self.expected = part, value, expected


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A point in time: seconds since 1970 in UTC, and the minutes by which the writer's clock was ahead of UTC."""

    seconds: int
    offset: int = 0


@dataclass(frozen=True)
class Commit:
    """Parents (40 hex digits each, the first one is what was edited), the snapshot's address, who, when, why.

    Trailers are (token, value) pairs in the order given; a token may come more than once.
    """

    parents: tuple[str, ...]
    snapshot: Address
    author: str
    committer: str
    authored_at: Moment
    committed_at: Moment
    message: str
    trailers: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for part, value, holds, expected in self._rules():
            if not holds:
                raise InvalidCommit(part, value, expected)

    def _rules(self) -> list[tuple[str, object, bool, str]]:
        parents, trailers = self.parents, self.trailers
        distinct = len(set(parents)) == len(parents) <= MAX_PARENTS and all(map(_ID.match, parents))
        return [
            ("parents", parents, distinct, f"at most {MAX_PARENTS} different ids of 40 hex digits"),
            ("snapshot", self.snapshot, len(self.snapshot) == ADDRESS_BYTES, "an address of 32 bytes"),
            (
                "author",
                self.author,
                bool(_PERSON.match(self.author)),
                "an opaque id of 1 to 200 printable ASCII",
            ),
            (
                "committer",
                self.committer,
                bool(_PERSON.match(self.committer)),
                "an opaque id as for the author",
            ),
            (
                "authored_at",
                self.authored_at,
                _is_moment(self.authored_at),
                "UTC seconds and an offset below a day",
            ),
            ("committed_at", self.committed_at, _is_moment(self.committed_at), "the same as for authored_at"),
            (
                "message",
                self.message[:200],
                _is_text(self.message, MAX_MESSAGE),
                "UTF-8 of at most 1 MiB, no NUL",
            ),
            (
                "trailers",
                trailers[:3],
                _are_trailers(trailers),
                "at most 256 tokens with a value of one line each",
            ),
        ]

    @cached_property
    def raw(self) -> bytes:
        """Canonical bytes."""
        return encode_commit(self)

    @cached_property
    def address(self) -> Address:
        return address_of(self.raw)

    @property
    def commit_id(self) -> str:
        """40 hex digits."""
        return commit_id_of(self.address)

    @property
    def title(self) -> str:
        """First line of the message."""
        return self.message.split("\n", 1)[0]


def commit_id_of(address: Address) -> str:
    """The commit id of the commit stored at `address`."""
    return address.hex()[:ID_DIGITS]


def encode_commit(commit: Commit) -> bytes:
    """Canonical bytes of a commit."""
    out = [
        MARK,
        bytes((VERSION,)),
        varint(len(commit.parents)),
        *map(bytes.fromhex, commit.parents),
        commit.snapshot,
    ]
    out += [prefixed(commit.author.encode()), prefixed(commit.committer.encode())]
    for moment in (commit.authored_at, commit.committed_at):
        out += [zigzag(moment.seconds), zigzag(moment.offset)]
    out += [prefixed(commit.message.encode()), varint(len(commit.trailers))]
    for token, value in commit.trailers:
        out += [prefixed(token.encode()), prefixed(value.encode())]
    return b"".join(out)


def decode_commit(raw: bytes) -> Commit:
    """The commit of these canonical bytes; MalformedBytes when they are not those of any commit."""
    reader = Reader(raw, "commit")
    reader.mark(MARK, VERSION)
    parents = _many(reader, MAX_PARENTS, lambda: reader.take(ID_BYTES).hex())
    snapshot = reader.take(ADDRESS_BYTES)
    author, committer = reader.text(MAX_PERSON), reader.text(MAX_PERSON)
    authored, committed = _moment(reader), _moment(reader)
    message = reader.text(MAX_MESSAGE)
    trailers = _many(reader, MAX_TRAILERS, lambda: (reader.text(MAX_PERSON), reader.text(MAX_TRAILER_VALUE)))
    reader.done()
    try:
        return Commit(parents, snapshot, author, committer, authored, committed, message, trailers)
    except InvalidCommit as error:
        raise reader.fail(str(error)) from None


def _many(reader: Reader, limit: int, one: Callable[[], T]) -> tuple[T, ...]:
    return tuple(one() for _ in range(reader.varint(limit)))


def _moment(reader: Reader) -> Moment:
    return Moment(reader.zigzag(), reader.zigzag())


def _is_moment(moment: Moment) -> bool:
    return abs(moment.seconds) <= MAX_SECONDS and abs(moment.offset) <= MAX_OFFSET


def _is_text(text: str, limit: int) -> bool:
    try:
        return len(text.encode()) <= limit and "\0" not in text
    except UnicodeEncodeError:
        return False


def _are_trailers(trailers: tuple[tuple[str, str], ...]) -> bool:
    return len(trailers) <= MAX_TRAILERS and all(_TOKEN.match(t) and _is_line(value) for t, value in trailers)


def _is_line(text: str) -> bool:
    return _is_text(text, MAX_TRAILER_VALUE) and len(text.splitlines()) < 2 and text.strip() == text
