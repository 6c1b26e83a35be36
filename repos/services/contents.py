"""The index by content of a snapshot's samples: found, corrected from an ancestor's, or made anew.

Invariant: it depends on the samples alone and lies with its network; nothing of it is needed to be right, for what is
lost is made again. Cost: an edit of labels reads one value; else see quality/contents.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from repos.annotations.snapshot import Snapshot
from repos.labelstore.derived import DerivedNodes, DerivedStore
from repos.labelstore.digest import Address, MissingNode
from repos.labelstore.ports import NodeReader
from repos.labelstore.root import TreeRoot, encode_root
from repos.labelstore.varint import MalformedBytes
from repos.quality.contents import VERSION, Index, corrected, document, made

KIND, NODES = f"content-{VERSION}", f"content-node-{VERSION}"


def duplicates(
    nodes: NodeReader, store: DerivedStore, snapshot: Snapshot, near: Iterable[Snapshot]
) -> dict[str, Any]:
    """The document of quality/contents.py. `near`: relatives whose index may be known, the nearest first."""
    derived, samples = DerivedNodes(store, NODES), snapshot.samples
    try:
        return document(derived, _index(nodes, store, derived, samples, [one.samples for one in near]))
    except MissingNode:  # a node of the index was swept
        return document(derived, _kept(store, derived, samples, made(nodes, derived, samples)))


def _index(
    nodes: NodeReader, store: DerivedStore, derived: DerivedNodes, samples: TreeRoot, near: list[TreeRoot]
) -> Index:
    known = _known(store, [samples, *near])
    if (own := known.get(samples)) is not None:
        return own
    for root in near:
        if root in known:
            found = corrected(nodes, derived, known[root], root, samples)
            if found is not None:
                return _kept(store, derived, samples, found)
    return _kept(store, derived, samples, made(nodes, derived, samples))


def _known(store: DerivedStore, roots: list[TreeRoot]) -> dict[TreeRoot, Index]:
    kept = store.get_many(KIND, [_address(root) for root in dict.fromkeys(roots)])
    found: dict[TreeRoot, Index] = {}
    for root in roots:
        try:
            found[root] = Index.from_json(json.loads(kept[_address(root)]))
        except (KeyError, ValueError, MalformedBytes):
            continue
    return found


def _kept(store: DerivedStore, derived: DerivedNodes, samples: TreeRoot, index: Index) -> Index:
    """Its nodes first, then what names them."""
    derived.save()
    store.put_many(KIND, {_address(samples): json.dumps(index.to_json()).encode()})
    return index


def _address(samples: TreeRoot) -> Address:
    return sha256(encode_root(samples)).digest()
