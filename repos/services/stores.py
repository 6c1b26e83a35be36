"""The node store of a network, for reading and for one piece of work that ends in a commit.

Invariant: a commit may rely only on packs that are live or its own. A pack of somebody else's work that has not landed
is never counted as stored, because it may be swept; a live pack that a commit relies on anew has its lease renewed
before the commit checks that it is still there (LABEL_MODEL section 8, garbage collection).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from repos.labelstore.packing import PackWriter
from repos.labelstore.ports import BlobStore, NodeReader
from repos.models import Network
from repos.storage import configured, postgres
from repos.storage.derived import PostgresDerived
from repos.storage.packed import PackedNodes
from repos.storage.postgres import PostgresPackIndex


def nodes_of(network: Network) -> NodeReader:
    """Every node that landed in the network."""
    return packed(network, PostgresPackIndex(network.pk))


def blobs_of(network: Network) -> BlobStore:
    """Media, packs and derived objects of the network, under keys relative to its prefix."""
    return configured.network_blobs(network.prefix)


def derived_of(network: Network) -> PostgresDerived:
    """What was computed from nodes of the network."""
    return PostgresDerived(network.pk)


def packed(network: Network, index: PostgresPackIndex) -> PackedNodes:
    return configured.network_nodes(network.prefix, index)


class Workspace:
    """Reads what the network has, gathers what is new. `packs`: those that an earlier part of the same work saved."""

    def __init__(self, network: Network, packs: Iterable[str] = ()) -> None:
        self.network = network
        self._index = PostgresPackIndex(network.pk, packs)
        self._store = packed(network, self._index)
        self.nodes: PackWriter = self._store.writer()

    def save(self) -> None:
        """Store what is gathered, and keep what was stored already from being swept. May be called again later."""
        self._store.save(self.nodes)
        places = self._index.locate(self.nodes.addresses())
        postgres.renew(self.network.pk, {place.pack for place in places.values()})

    def publish(self, commits: Collection[str] = ()) -> bool:
        """Make live what was saved, inside the caller's transaction, and hold what it relies on: nodes that were stored
        already, and everything that `commits` hold. False when some of it was collected meanwhile: begin again."""
        if not postgres.hold_commits(self.network.pk, commits):
            return False
        return postgres.publish(self.network.pk, self._index.own, self.nodes.addresses())


def workspace(network: Network, packs: Iterable[str] = ()) -> Workspace:
    return Workspace(network, packs)
