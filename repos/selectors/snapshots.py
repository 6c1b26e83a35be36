"""The snapshot of a revision, read through the network's nodes. Decoded records are kept: they never change."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from repos.access import Revision
from repos.annotations.formats import LAYER
from repos.annotations.snapshot import Snapshot, SnapshotView, decode_snapshot, load
from repos.labelstore.ahead import Ahead
from repos.labelstore.digest import Address
from repos.labelstore.ports import NodeReader
from repos.models import CommitRecord, Network
from repos.services.stores import nodes_of


def view_of(revision: Revision) -> SnapshotView:
    """What a revision holds."""
    return view_at(revision.repository.network, revision.commit)


def view_at(network: Network, commit: CommitRecord) -> SnapshotView:
    """The same for a commit that is known to be readable."""
    nodes = nodes_of(network)
    return SnapshotView(nodes, snapshot_at(nodes, bytes(commit.snapshot)))


def snapshot_at(nodes: NodeReader, address: Address) -> Snapshot:
    return _decoded(_Reader(nodes), address)


class _Reader:
    """A node reader that all compare equal: what an address holds does not depend on who reads it."""

    def __init__(self, nodes: NodeReader) -> None:
        self.nodes = nodes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reader)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=64)
def _decoded(reader: _Reader, address: Address) -> Snapshot:
    return load(reader.nodes, address)


def hold_entries(ahead: Ahead, addresses: Sequence[Address], layer: str, key: str) -> None:
    """Fetch what reading the entry of a sample in several snapshots takes: a round trip for each level, not for each
    snapshot."""
    ahead.hold(addresses)
    records = {address: decode_snapshot(raw) for address, raw in ahead.get_many(addresses).items()}
    ahead.hold((record.schema for record in records.values()), besides=True)
    roots = {record.layers[layer] for record in records.values() if layer in record.layers}
    ahead.hold_paths(LAYER, roots, key.encode())
