"""What the label store needs from outside, as small protocols. Memory adapters are in memory.py, others in storage/.

Invariant: nodes and blobs are immutable once stored, so every adapter may cache them without asking again.
Cost is counted in round trips: everything that reads many things takes many keys at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from repos.labelstore.digest import Address

if TYPE_CHECKING:
    from repos.labelstore.root import TreeRoot

B = TypeVar("B")
B_contra = TypeVar("B_contra", contravariant=True)


class NodeReader(Protocol):
    """Reads objects by address."""

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        """Canonical bytes of every address, in one round trip; MissingNode names the first missing one."""
        ...


class NodeWriter(Protocol):
    """Stores objects under their address; putting one twice is the same as putting it once."""

    def put(self, raw: bytes) -> Address: ...

    def put_many(self, raws: Sequence[bytes]) -> list[Address]:
        """Addresses in the order of `raws`."""
        ...


class NodeStore(NodeReader, NodeWriter, Protocol):
    """Reads see what was put."""


@runtime_checkable
class DeltaWriter(Protocol):
    """A NodeWriter that can make use of what a node stands in place of."""

    def put_over(
        self,
        raws: Sequence[bytes],
        replaced: Sequence[Address | None],
        addresses: Sequence[Address] | None = None,
    ) -> list[Address]:
        """put_many; `replaced[i]` is the node that `raws[i]` was made from, if any. What is stored is the same.
        `addresses`: those of `raws`, from a caller that took them already."""
        ...


@runtime_checkable
class LeafFormat(Protocol[B]):
    """How a run of entries in strictly ascending key order (a *block*) is kept in the leaves of one kind of tree.

    A block of no entries exists: `decode([])` and `concat([])` give it. `ends` are exclusive, ascending entry
    numbers, the last one the number of entries of the block. Blocks are values: nothing here changes one.
    """

    @property
    def flavour(self) -> int:
        """Byte written into each node of such a tree; 1 to 255 (FORMAT.md lists them)."""
        ...

    def keys(self, block: B) -> Sequence[bytes]: ...

    def encode(self, block: B, ends: Sequence[int]) -> list[bytes]:
        """One leaf body for each run of entries; the same entries give the same bytes whatever block holds them."""
        ...

    def decode(self, bodies: Sequence[bytes]) -> B:
        """One block of the entries of all bodies, which come in key order. Strict: MalformedBytes or a subclass."""
        ...

    def rows(self, block: B, ends: Sequence[int]) -> list[int]:
        """Rows (annotations, for a layer) of each run of entries."""
        ...

    def take(self, block: B, start: int, stop: int) -> B: ...

    def concat(self, blocks: Sequence[B]) -> B:
        """Blocks with ascending, disjoint key ranges as one."""
        ...

    def splice(self, block: B, upserts: B, deletes: Sequence[bytes]) -> B:
        """`block` with the entries of `upserts` in place of, or beside, its own, and without those of `deletes`
        (sorted; keys that are not there are passed over)."""
        ...

    def changed(self, a: B, b: B) -> tuple[B, B]:
        """What of `a` is not the same in `b`, and the reverse; two empty blocks when nothing differs."""
        ...


class Respliced(NamedTuple, Generic[B]):
    """Leaves after a splice. `keys`: of all leaves, before it. A leaf whose keys are the same may have its new body and
    how many rows it has more; the entries of all others lie in `block`, in order."""

    keys: Sequence[bytes]
    bodies: list[bytes | None]
    added: list[int]
    block: B


@runtime_checkable
class OpensLeaves(Protocol[B]):
    """A leaf format that need not decode a leaf whole to read or exchange some of its entries. Strict in what it
    reads; what it passes over is taken as it is, under the address that it was verified by."""

    def splice_leaves(self, bodies: Sequence[bytes], upserts: B, deletes: Sequence[bytes]) -> Respliced[B]:
        """LeafFormat.splice of the entries of all bodies, which come in key order."""
        ...

    def pick(self, bodies: Sequence[bytes], wanted: Sequence[bytes]) -> tuple[list[bytes], B]:
        """The keys of all bodies, and the entries of those `wanted` (ascending) that are among them."""
        ...

    def changed_leaves(
        self, a: Sequence[bytes], b: Sequence[bytes], low: bytes, high: bytes | None
    ) -> tuple[Sequence[bytes], Sequence[bytes], tuple[B, B]]:
        """The keys of all bodies of either side, and LeafFormat.changed of those from `low` to before `high`."""
        ...


@runtime_checkable
class HasReferences(Protocol[B_contra]):
    """A leaf format whose entries may name further objects: large geometries and texts."""

    def references(self, block: B_contra) -> Iterable[Address]: ...


@runtime_checkable
class HasSubtrees(Protocol[B_contra]):
    """A leaf format whose entries may stand for trees of the same format: a sample with very many annotations."""

    def subtrees(self, block: B_contra) -> Iterable[TreeRoot]: ...


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A stored blob: size in bytes, entity tag as the store gives it, time of storing."""

    key: str
    size: int
    etag: str
    modified: datetime


class BlobStore(Protocol):
    """Whole objects under path-like ASCII keys (see blobkeys.check_blob_key)."""

    def put(self, key: str, data: bytes, content_type: str = ...) -> None: ...

    def put_if_absent(self, key: str, data: bytes, content_type: str = ...) -> bool:
        """False, and nothing changed, when the key was there; of several writers at once exactly one gets True."""
        ...

    def upload(self, key: str, file: BinaryIO, content_type: str = ...) -> int:
        """Store what is left of `file`, in parts; the key appears only when all is there. Gives bytes stored."""
        ...

    def get(self, key: str) -> bytes:
        """MissingBlob when it is not there."""
        ...

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`: shorter at the end of the blob, empty behind it."""
        ...

    def stream(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The same in pieces of bounded size. MissingBlob at the call, not at the first piece."""
        ...

    def head(self, key: str) -> BlobInfo | None: ...

    def delete(self, key: str) -> None:
        """Deleting what is not there is no error."""
        ...

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        """Every blob whose key starts with `prefix`, once, in an order of the store's own: not all that speak S3
        sort `a-b` in front of `a/b`."""
        ...

    def presign_get(
        self, key: str, seconds: int, content_type: str | None = None, filename: str | None = None
    ) -> str | None:
        """A URL that reads the blob without credentials for so long; None when the store can not."""
        ...

    def presign_put(self, key: str, seconds: int, content_type: str, size: int) -> str | None:
        """A URL that takes one PUT of exactly this type and size; None when the store can not."""
        ...

    def parts(self) -> PartedStore | None:
        """For blobs that others send in parts, by URLs; None when the store can not."""
        ...


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part that is there: number from 1, size in bytes, entity tag as the store wants it back."""

    number: int
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An upload in parts that was neither finished nor aborted, and when it was begun by the store's clock."""

    key: str
    upload: str
    begun: datetime


class PartedStore(Protocol):
    """Blobs that come in numbered parts. Nothing is at the key before `finish`; MissingBlob when there is no such
    upload: finished, aborted, or never begun."""

    def begin(self, key: str, content_type: str = ...) -> str:
        """The store's name of a new upload."""
        ...

    def presign(self, key: str, upload: str, number: int, seconds: int, size: int) -> str:
        """A URL that takes PUTs of exactly this part and size. Of a part that is sent again the last one counts."""
        ...

    def sent(self, key: str, upload: str, after: int = 0, most: int = ...) -> list[StoredPart]:
        """Parts with numbers above `after`, at least `most` of them if so many are there, by number, each once."""
        ...

    def finish(self, key: str, upload: str, parts: Sequence[StoredPart]) -> None:
        """Make the blob of these parts. WrongParts when one is not there as named, or all but the last are not of the
        least size that the store takes."""
        ...

    def abort(self, key: str, upload: str) -> None:
        """Let go of an upload and its parts. No error when it is not there; a finished blob stays."""
        ...

    def unfinished(self, prefix: str = "") -> Iterator[Unfinished]:
        """Uploads to keys that start with `prefix`, in an order of the store's own."""
        ...


@dataclass(frozen=True, slots=True)
class Location:
    """Where a stored entry lies: key of the pack's blob, offset and length of its bytes in it."""

    pack: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class PackEntry:
    """One line of a pack's index."""

    address: Address
    offset: int
    length: int


class PackIndex(Protocol):
    """Which pack holds which object, within one network's storage prefix."""

    def locate(self, addresses: Sequence[Address]) -> dict[Address, Location]:
        """Those that are known, in one round trip; what is not known is absent from the answer."""
        ...

    def reserve(self, pack: str, size: int) -> str:
        """Say that a pack is about to be stored; the key under which: `pack`, unless an object of that name is just
        being removed."""
        ...

    def add(self, pack: str, size: int, entries: Sequence[PackEntry]) -> None:
        """Note the entries of the pack stored under the key `pack`, of `size` bytes. Idempotent. An address that is
        known already may keep its location; any one that holds is right."""
        ...


class NodeCache(Protocol):
    """A second level of cache for canonical bytes. May forget anything at any time, never answers wrongly on purpose;
    what it gives is verified."""

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, bytes]: ...

    def put_many(self, nodes: dict[Address, bytes]) -> None: ...


class RefStore(Protocol):
    """Names and the commit ids they point at."""

    def get(self, name: str) -> str | None: ...

    def list(self, prefix: str = "") -> dict[str, str]: ...

    def compare_and_set(self, name: str, expected: str | None, new: str | None) -> None:
        """Move a ref from `expected` to `new` at once; None stands for "not there". RefMoved when it is elsewhere,
        with nothing changed; RefNameTaken when another ref is a folder of this one or the reverse."""
        ...
