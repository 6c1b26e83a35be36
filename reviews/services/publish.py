"""What opening a pull request makes readable in the target: held commits, and the right to name their media.

Cost follows the samples that differ between merge base and head; nothing is read when no sample record changed.
"""

from __future__ import annotations

from dataclasses import replace

from repos.annotations import changeset
from repos.annotations import snapshot as snapshots
from repos.models import CommitRecord
from repos.services.landing import new_digests
from repos.services.media import note_committed
from repos.services.refs import hold
from repos.services.stores import nodes_of
from reviews.models import PullRequest


def publish_head(pull: PullRequest) -> None:
    """Hold the head in the target repository, and let the target name the media that the proposal brings."""
    hold(pull.repository, f"pull/{pull.number}/{pull.head}", pull.head)
    rows = CommitRecord.objects.filter(
        network=pull.repository.network_id, commit_id__in=[pull.merge_base, pull.head]
    )
    found = {row.commit_id: bytes(row.snapshot) for row in rows}
    nodes = nodes_of(pull.repository.network)
    base, head = (snapshots.load(nodes, found[i]) for i in (pull.merge_base, pull.head))
    if base.samples == head.samples:
        return
    records = changeset.direct(nodes, replace(base, layers={}), replace(head, layers={}))
    note_committed(pull.repository, new_digests(records))
