"""One replay: import, fork, import onto a branch, pull request, review, merge; and what was seen on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.real.api import Api, Json

GEOMETRIC = {"moved", "resized", "reshaped", "respanned", "retimed"}


@dataclass
class Seen:
    """Figures of one replay, in the words of the data's README."""

    samples: tuple[int, int] = (0, 0)
    taken: tuple[int, int] = (0, 0)
    refused: tuple[int, int] = (0, 0)
    refusals: list[Json] = field(default_factory=list)
    samples_changed: int = 0
    media_changed: int = 0
    same: int = 0
    class_only: int = 0
    geometry_only: int = 0
    class_and_geometry: int = 0
    removed: int = 0
    added: int = 0
    summary: Json = field(default_factory=dict)
    merged: str = ""

    @property
    def total(self) -> tuple[int, int]:
        """Labels in the files: taken and refused."""
        return (self.taken[0] + self.refused[0], self.taken[1] + self.refused[1])


def count(seen: Seen, sample_changes: list[Json]) -> None:
    """Count the changes of a pull request one by one, as its pages list them."""
    facets_seen: Counter[str] = Counter()
    for sample in sample_changes:
        seen.media_changed += "media" in sample["facets"]
        touched = bool(sample["facets"]) or sample["status"] != "modified"
        for change in sample["annotations"]:
            facets = set(change["facets"])
            facets_seen.update(facets)
            touched |= bool(facets & ({"added", "removed", "relabelled", "retyped"} | GEOMETRIC))
            if "added" in facets:
                seen.added += 1
            elif "removed" in facets:
                seen.removed += 1
            elif "relabelled" in facets and facets & GEOMETRIC:
                seen.class_and_geometry += 1
            elif "relabelled" in facets:
                seen.class_only += 1
            elif facets & GEOMETRIC:
                seen.geometry_only += 1
        seen.samples_changed += touched
    stated = {facet: n for facet, n in seen.summary["annotations"].items() if n}
    if stated != dict(facets_seen):
        raise AssertionError(f"the summary says {stated}, its pages list {dict(facets_seen)}")


@dataclass
class Replay:
    """Two users on one server: `owner` publishes, `contributor` forks and proposes."""

    owner: Api
    contributor: Api

    def publish(self, name: str, files: Mapping[str, bytes], **options: Any) -> tuple[str, Json]:
        """Create a repository and import into it; answers its full name and the job."""
        repository = self.owner.post("repos", {"name": name, "visibility": "public"})["full_name"]
        return repository, self.owner.import_files(
            repository, files, branch="main", partial=True, message="Import before", **options
        )

    def propose(
        self, upstream: str, branch: str, files: Mapping[str, bytes], **options: Any
    ) -> tuple[Json, Json]:
        """Fork (once), sync, import onto a branch of the fork, open a pull request; answers it and the job."""
        fork = self.contributor.post(f"repos/{upstream}/forks")["full_name"]
        self.contributor.post(f"repos/{fork}/sync")
        job = self.contributor.import_files(
            fork, files, branch=branch, partial=True, message="Import after", **options
        )
        if job["result"]["unchanged"]:
            return {}, job
        source = f"{fork.split('/')[0]}:{branch}"
        pull = self.contributor.post(
            f"repos/{upstream}/pulls", {"title": f"After: {branch}", "source": source, "target": "main"}
        )
        return self.ready(upstream, pull["number"]), job

    def ready(self, upstream: str, number: int) -> Json:
        return self.owner.wait_for(
            f"repos/{upstream}/pulls/{number}",
            lambda p: p["summary_state"] != "running" and p["mergeable"] != "unknown",
            "the summary of the pull request",
        )

    def run(self, name: str, before: Mapping[str, bytes], after: Mapping[str, bytes], **options: Any) -> Seen:
        upstream, first = self.publish(name, before, **options)
        pull, second = self.propose(upstream, "after", after, **options)
        seen = Seen(
            taken=(first["result"]["annotations"]["taken"], second["result"]["annotations"]["taken"]),
            refused=(first["result"]["annotations"]["refused"], second["result"]["annotations"]["refused"]),
            refusals=first["refusals"] + second["refusals"],
        )
        seen.samples = (first["result"]["samples"]["taken"], second["result"]["samples"]["taken"])
        if not pull:
            seen.same = seen.taken[0]
            return seen
        self.judge(upstream, pull, seen)
        return seen

    def judge(self, upstream: str, pull: Json, seen: Seen) -> None:
        """Read the changes, approve, merge, and check that the merged branch now equals what was proposed."""
        seen.summary = pull["summary"]
        where = f"repos/{upstream}/pulls/{pull['number']}"
        count(seen, list(self.owner.pages(f"{where}/changes")))
        seen.same = (
            seen.taken[0] - seen.removed - seen.class_only - seen.geometry_only - seen.class_and_geometry
        )
        self.owner.post(f"{where}/reviews", {"state": "approve", "body": "Counts agree."})
        seen.merged = self.owner.post(f"{where}/merge", {"expected_head": pull["head"]})["commit"]
        left = self.owner.wait_for(
            f"repos/{upstream}/compare/{seen.merged}..{pull['head']}",
            lambda c: c["state"] != "running",
            "compare",
        )
        if left["summary"]["changed_annotations"] or left["summary"]["samples"]["touched"]:
            raise AssertionError(f"the merge is not what was proposed: {left['summary']}")
