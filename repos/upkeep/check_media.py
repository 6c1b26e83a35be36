"""Media that samples and files name: each has its row, its object, its size; deep: its digest.

Invariant: a redacted medium is told as redacted, never as missing. Cost: one query for each batch that the walk gives,
one look at each object, of many side by side (media travel together, so there are fewer); deep reads every byte once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256

from repos.annotations.reach import Named
from repos.labelstore.blobkeys import MissingBlob
from repos.labelstore.ports import BlobStore
from repos.labelstore.seen import SeenSet
from repos.models import Blob, Network
from repos.storage import at_once
from repos.upkeep.findings import Fault, Finding, Places, Tell

KEPT = 10_000


class MediaChecks:
    """Of one network; each digest is looked at once."""

    def __init__(self, network: Network, blobs: BlobStore, places: Places, tell: Tell, deep: bool) -> None:
        self.network, self.places, self.deep = network, places, deep
        self._blobs, self._tell = blobs, tell
        self._seen = SeenSet()
        self._sizes: OrderedDict[str, int | None] = OrderedDict()
        self.count = 0

    def check(self, named: Sequence[Named]) -> None:
        """Media that one batch of the walk names."""
        fresh = self._seen.fresh([one.sha256 for one in named])
        new = [one for one, is_new in zip(named, fresh, strict=True) if is_new]
        self.count += len(new)
        rows = Blob.objects.filter(network=self.network, sha256__in=[one.sha256 for one in new])
        found = {bytes(row.sha256): row for row in rows} if new else {}
        self._look_at({row.object_key for row in found.values() if row.redacted_at is None})
        for one in new:
            self._one(one, found.get(one.sha256))
        self._forget()

    def close(self) -> None:
        self._seen.close()

    def _one(self, one: Named, row: Blob | None) -> None:
        if row is None:
            self._wrong(one, Fault.MISSING_MEDIUM, None, "a stored medium", "no row")
        elif row.redacted_at is not None:
            self._wrong(one, Fault.REDACTED, row, "", f"redacted {row.redacted_at:%Y-%m-%d}")
        elif one.size is not None and one.size != row.size:
            self._wrong(one, Fault.DAMAGED_MEDIUM, row, f"{one.size} bytes", f"{row.size} bytes in its row")
        else:
            self._object(one, row)

    def _object(self, one: Named, row: Blob) -> None:
        size = self._sizes[row.object_key]
        if size is None:
            self._wrong(one, Fault.MISSING_MEDIUM, row, f"{row.size} bytes", "no object")
        elif size < row.offset + row.size:
            expected = f"at least {row.offset + row.size} bytes in the object"
            self._wrong(one, Fault.DAMAGED_MEDIUM, row, expected, f"{size} bytes")
        elif self.deep:
            self._bytes(one, row)

    def _bytes(self, one: Named, row: Blob) -> None:
        digest = sha256()
        try:
            for piece in self._blobs.stream(row.object_key, row.offset, row.size):
                digest.update(piece)
        except MissingBlob:
            self._wrong(one, Fault.MISSING_MEDIUM, row, f"{row.size} bytes", "no object")
            return
        if digest.digest() != one.sha256:
            self._wrong(one, Fault.DAMAGED_MEDIUM, row, one.sha256.hex(), digest.hexdigest())

    def _look_at(self, keys: set[str]) -> None:
        """Sizes of objects, side by side."""
        wanted = sorted(keys - self._sizes.keys())
        for key, info in zip(wanted, at_once.each(self._blobs.head, wanted), strict=True):
            self._sizes[key] = None if info is None else info.size

    def _forget(self) -> None:
        while len(self._sizes) > KEPT:
            self._sizes.popitem(last=False)

    def _wrong(self, one: Named, fault: Fault, row: Blob | None, expected: str, found: str) -> None:
        repository, ref = self.places.of(one.origin)
        self._tell(
            Finding(
                fault,
                self.network.prefix,
                repository,
                ref,
                one.origin,
                one.part,
                one.key,
                one.sha256.hex(),
                row.object_key if row else "",
                row.offset if row else None,
                expected,
                found,
            )
        )
