"""Entries of a pack that hold a node as a zstd frame with another node as its dictionary. FORMAT.md, section 9.

Invariant: a chain ends: an entry says how many bases lie below it (1 to 4), and a reader takes only bases that say
less. A base lies in the same network, and whoever removes objects keeps what an entry that stays is based on.
Cost: about 0.1 ms to write a leaf; reading one reads its chain, at most five entries, in as many round trips; what
caches have is not read. At 1 % of scattered edits an entry has about a twentieth of its node's size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from repos.labelstore.digest import Address
from repos.labelstore.packs import (
    MAX_CHAIN,
    MalformedPack,
    decode_entry,
    delta_head,
    encode_delta,
    encode_entry,
)
from repos.labelstore.threads import mapped

WORTH = 4
"""A delta of a quarter of its node is taken without looking how small the node would get by itself."""


@dataclass(frozen=True, slots=True)
class Base:
    """A node that a delta may be made against: how many bases are below it, and its canonical bytes."""

    address: Address
    depth: int
    raw: bytes


BaseFinder = Callable[[Sequence[Address]], Mapping[Address, Base]]
"""Those of the addresses that the network has stored and that a delta may be based on."""


def encode_over(raw: bytes, base: Base | None) -> bytes:
    """A node as it lies in a pack: as a delta where that is shorter."""
    if base is None or base.depth >= MAX_CHAIN or not base.raw:
        return encode_entry(raw)
    delta = encode_delta(raw, base.address, base.raw, base.depth + 1)
    if len(delta) * WORTH <= len(raw):
        return delta
    return min(delta, encode_entry(raw), key=len)


def unfold(
    entries: Mapping[Address, bytes],
    bases: Callable[[list[Address], int], Mapping[Address, bytes]],
    limit: int = MAX_CHAIN + 1,
) -> tuple[dict[Address, bytes], dict[Address, int]]:
    """The nodes of entries, verified, and how many bases each has. `bases` reads nodes of fewer bases than its second
    argument; an entry that has `limit` or more is MalformedPack, so that no chain is without an end."""
    heads = {address: delta_head(entry, address) for address, entry in entries.items()}
    depths = {address: 0 if head is None else head[0] for address, head in heads.items()}
    for address, depth in depths.items():
        if depth >= limit:
            raise MalformedPack(f"packed node {address.hex()}", 0, f"it has {depth} bases, not under {limit}")
    wanted = list({head[1] for head in heads.values() if head is not None})
    there = bases(wanted, max(depths.values())) if wanted else {}
    parts = [
        (entry, address, None if (head := heads[address]) is None else there[head[1]])
        for address, entry in entries.items()
    ]
    return dict(zip(entries, mapped(lambda part: decode_entry(*part), parts), strict=True)), depths
