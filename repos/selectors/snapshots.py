"""The snapshot of a revision, read through the network's nodes. Decoded records are kept: they never change."""

from __future__ import annotations

from functools import lru_cache

from repos.access import Revision
from repos.annotations.snapshot import Snapshot, SnapshotView, load
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
