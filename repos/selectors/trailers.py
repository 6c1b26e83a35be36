"""Trailers of commits, read from their canonical bytes: one round trip for a page of them."""

from __future__ import annotations

from collections.abc import Iterable

from repos.labelstore.commit import decode_commit
from repos.models import CommitRecord, Network
from repos.services.stores import nodes_of

PULL_REQUEST = "Pull-Request"


def trailers(network: Network, commits: Iterable[CommitRecord]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Commit id -> (name, value) pairs, for commits that may be read."""
    found = {commit.commit_id: bytes(commit.address) for commit in commits}
    raws = nodes_of(network).get_many(list(found.values()))
    return {commit_id: decode_commit(raws[address]).trailers for commit_id, address in found.items()}


def pull_requests(network: Network, commits: Iterable[CommitRecord]) -> dict[str, int]:
    """Commit id -> number of the pull request that it merged. Those of an upstream keep its numbers."""
    numbers: dict[str, int] = {}
    for commit_id, pairs in trailers(network, commits).items():
        for name, value in pairs:
            if name == PULL_REQUEST and value.isdigit():
                numbers[commit_id] = int(value)
    return numbers
