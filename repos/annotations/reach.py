"""What can be reached from commits: every object by its address, every stored medium by its digest.

Invariant: each (address, what it is read as) comes once, whatever leads to it, and after everything in front of it in
its batch was read; what a parent says of a child (level, last key, counts) is checked. An address is met once for each
thing it is read as, so a file whose bytes happen to be those of a leaf hides nothing behind that leaf.
Cost: one `get_many` for up to BATCH objects; an object that `seen` knows is not read again, so walking the next commit
costs its change. Memory: the open branches of one batch at each level, and what `seen` holds. Objects that name
nothing further (texts, geometries, files, schemas, runs of change sets) are read only when `whole` is asked for.

Parents are not followed: whoever walks a history gives every commit of it (their rows name the change sets, too).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from typing import Any, NamedTuple

from repos.annotations import changeset_codec
from repos.annotations.formats import FILES, LAYER, ODD, SAMPLES
from repos.annotations.records import RecordBlock
from repos.annotations.samples import FileRecord, file_from, media_of
from repos.annotations.snapshot import decode_snapshot
from repos.labelstore.blobkeys import StoreUnavailable
from repos.labelstore.commit import decode_commit
from repos.labelstore.cursor import check_inner, check_keys, check_leaf
from repos.labelstore.digest import Address, first_missing
from repos.labelstore.errors import LabelStoreError
from repos.labelstore.node import BEHIND_ALL_KEYS, Child, decode_inner, decode_leaf
from repos.labelstore.ports import HasReferences, HasSubtrees, LeafFormat, NodeReader
from repos.labelstore.root import TreeRoot
from repos.labelstore.seen import Seen

BATCH = 256


class Sort(StrEnum):
    """What an object is read as."""

    COMMIT = "commit"
    SNAPSHOT = "snapshot"
    CHANGE_SET = "change set"
    NODE = "node"
    OBJECT = "object"


class Step(NamedTuple):
    """An object and how it was come to: `origin` is what the walk started from, `part` the tree it belongs to, `child`
    what the node above says of it, `before` the last key in front of it where that is known."""

    address: Address
    sort: Sort
    origin: str = ""
    part: str = ""
    level: int = 0
    format: LeafFormat[Any] | None = None
    child: Child | None = None
    before: bytes | None = None

    @property
    def name(self) -> bytes:
        """Address and what it is read as."""
        flavour = self.format.flavour if self.format else 0
        return self.address + bytes((_CODES[self.sort], flavour, self.level))

    @property
    def last_key(self) -> str:
        """The last key below a node, where the node above says one; else nothing."""
        known = self.child is not None and self.child.key != BEHIND_ALL_KEYS
        return self.child.key.decode(errors="replace") if known and self.child else ""


class Named(NamedTuple):
    """A stored medium that a sample or a file names: digest, declared size, the key, and in which part."""

    sha256: bytes
    size: int | None
    key: str
    part: str
    origin: str


class Reached(NamedTuple):
    """One batch: objects met for the first time, and the media that those of them which were read name."""

    steps: list[Step]
    media: list[Named]

    @property
    def addresses(self) -> list[Address]:
        return [step.address for step in self.steps]


Damaged = Callable[[Step, LabelStoreError], None]
_CODES = {sort: code for code, sort in enumerate(Sort)}


def commit_step(address: Address, origin: str = "") -> Step:
    """Start at a commit; its parents are not followed."""
    return Step(address, Sort.COMMIT, origin)


def snapshot_step(address: Address, origin: str = "") -> Step:
    """Start at a snapshot that no commit may name: that of a set of predictions."""
    return Step(address, Sort.SNAPSHOT, origin)


def change_set_step(address: Address, origin: str = "") -> Step:
    """Start at the stored change set of a commit."""
    return Step(address, Sort.CHANGE_SET, origin)


def walk(
    nodes: NodeReader,
    starts: Iterable[Step],
    seen: Seen,
    *,
    whole: bool = False,
    damaged: Damaged | None = None,
) -> Iterator[Reached]:
    """Everything below `starts` that `seen` does not know, in batches. With `damaged` an object that is missing or
    broken is told there and the walk goes on without what lies below it; else it raises. StoreUnavailable always does:
    a store that does not answer says nothing about what it holds."""
    source = iter(starts)
    stack: list[Step] = []
    while stack or (stack := list(islice(source, BATCH))[::-1]):
        batch, stack = stack[: -BATCH - 1 : -1], stack[:-BATCH]
        new = [step for step, fresh in zip(batch, seen.fresh([s.name for s in batch]), strict=True) if fresh]
        if not new:
            continue
        found = _opened(nodes, [s for s in new if whole or s.sort is not Sort.OBJECT], damaged)
        yield Reached(new, [media for _, named in found for media in named])
        stack += [step for steps, _ in reversed(found) for step in reversed(steps)]


def _opened(
    nodes: NodeReader, steps: Sequence[Step], damaged: Damaged | None
) -> list[tuple[list[Step], list[Named]]]:
    """For each object what it leads to; one that can not be read leads nowhere."""
    found = []
    raws = _read(nodes, steps, damaged)
    for step in steps:
        if step.address not in raws:
            continue
        try:
            found.append(_behind(step, raws[step.address]))
        except LabelStoreError as error:
            if damaged is None:
                raise
            damaged(step, error)
    return found


def _read(nodes: NodeReader, steps: Sequence[Step], damaged: Damaged | None) -> dict[Address, bytes]:
    wanted = list(dict.fromkeys(step.address for step in steps))
    try:
        return first_missing(wanted, nodes.get_many(wanted))
    except StoreUnavailable:
        raise
    except LabelStoreError:
        if damaged is None:
            raise
    return _read_singly(nodes, steps, damaged)


def _read_singly(nodes: NodeReader, steps: Sequence[Step], damaged: Damaged) -> dict[Address, bytes]:
    """Something of the batch is broken: find out what, and keep the rest."""
    if len(steps) > 1:
        half = len(steps) // 2
        return _read(nodes, steps[:half], damaged) | _read(nodes, steps[half:], damaged)
    try:
        return nodes.get_many([steps[0].address])
    except StoreUnavailable:
        raise
    except LabelStoreError as error:
        damaged(steps[0], error)
        return {}


def _behind(step: Step, raw: bytes) -> tuple[list[Step], list[Named]]:
    """What an object names."""
    if step.sort is Sort.COMMIT:
        return [Step(decode_commit(raw).snapshot, Sort.SNAPSHOT, step.origin)], []
    if step.sort is Sort.SNAPSHOT:
        return _behind_snapshot(step, raw), []
    if step.sort is Sort.CHANGE_SET:
        runs = changeset_codec.references(raw)
        return [Step(address, Sort.OBJECT, step.origin, "change set") for address in runs], []
    if step.sort is Sort.OBJECT or step.format is None or step.child is None:
        return [], []
    if step.level:
        return _behind_inner(step, step.format, step.child, raw), []
    return _behind_leaf(step, step.format, step.child, raw)


def _behind_snapshot(step: Step, raw: bytes) -> list[Step]:
    record = decode_snapshot(raw)
    trees: list[tuple[str, LeafFormat[Any], TreeRoot]] = [
        ("samples", SAMPLES, record.samples),
        ("files", FILES, record.files),
        ("odd keys", ODD, record.odd),
        *((f"layer {name}", LAYER, root) for name, root in record.layers.items()),
    ]
    schema = Step(record.schema, Sort.OBJECT, step.origin, "schema")
    return [schema, *(top for part, fmt, root in trees if (top := _top(step.origin, part, fmt, root)))]


def _top(origin: str, part: str, fmt: LeafFormat[Any], root: TreeRoot) -> Step | None:
    if root.address is None:
        return None
    child = Child(BEHIND_ALL_KEYS, root.address, root.entries, root.rows)
    return Step(root.address, Sort.NODE, origin, part, root.level, fmt, child)


def _behind_inner(step: Step, fmt: LeafFormat[Any], child: Child, raw: bytes) -> list[Step]:
    inner = check_inner(decode_inner(raw, fmt.flavour, step.level, step.address), child)
    befores = [step.before, *inner.keys]
    return [
        Step(one.address, Sort.NODE, step.origin, step.part, step.level - 1, fmt, one, before)
        for one, before in zip(inner.children, befores, strict=False)
    ]


def _behind_leaf(
    step: Step, fmt: LeafFormat[Any], child: Child, raw: bytes
) -> tuple[list[Step], list[Named]]:
    body = check_leaf(decode_leaf(raw, fmt.flavour, step.address), child).body
    block = fmt.decode([body])
    check_keys(fmt.keys(block), [child], step.before)
    steps = []
    if isinstance(fmt, HasReferences):
        objects = dict.fromkeys(fmt.references(block))
        steps = [Step(address, Sort.OBJECT, step.origin, step.part, child=child) for address in objects]
    if isinstance(fmt, HasSubtrees):
        tops = (_top(step.origin, step.part, fmt, root) for root in fmt.subtrees(block))
        steps += [top for top in tops if top is not None]
    return steps, list(_media_in(step, fmt, block)) if isinstance(block, RecordBlock) else []


def _media_in(step: Step, fmt: LeafFormat[Any], block: RecordBlock) -> Iterator[Named]:
    if fmt.flavour not in (SAMPLES.flavour, FILES.flavour):
        return
    look = media_of if fmt.flavour == SAMPLES.flavour else _media_file
    for key, record in block.items():
        found = look(record)
        if found is not None:
            yield Named(*found, key.decode(), step.part, step.origin)


def _media_file(record: bytes) -> tuple[bytes, int | None] | None:
    file: FileRecord = file_from(record)
    return (file.sha256, file.size) if file.media else None
