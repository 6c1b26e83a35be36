"""How often each path of the product waits for the object store, with nothing cached. Nothing is timed
(tests/factories/rounds.py counts); docs/design/TESTING.md has the figures of two sizes.

A page may wait as often as its trees are deep. What reads everything may wait once for some megabytes. Nothing may wait
once for each sample, leaf, commit or pack.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
from django.test import Client
from PIL import Image
from rest_framework.test import APIClient

from repos import access
from repos.annotations.draft_of import ClassNames
from repos.backup import taking
from repos.formats.bound import Bound
from repos.formats.options import Options
from repos.formats.registry import FORMATS
from repos.labelstore.memory import MemoryBlobs
from repos.models import Blob, CommitRecord, Repository
from repos.selectors.snapshots import view_of
from repos.services import forks, import_task, imports, statistics, thumbnails, uploads
from repos.services.export_rows import stored_runs
from repos.services.imports import Wanted
from repos.services.uploads import Given
from repos.upkeep.fsck import check
from repos.upkeep.gc import collect
from reviews.models import PullRequest
from reviews.services import checks, pulls
from reviews.services.conflicts import three_of
from reviews.services.merge import merge_pull
from tests.factories import data
from tests.factories import repos as make
from tests.factories.large import Streets, streets
from tests.factories.rounds import Rounds

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
SAMPLES = 4_000
COMMITS, FAR_EDITS = 16, 300


@dataclass
class Scene:
    """`fix` is a few commits ahead of `main`; `far` many, and touches all of the data set."""

    made: Streets
    near: PullRequest
    far: PullRequest
    head: CommitRecord

    @property
    def repository(self) -> Repository:
        return self.made.repository

    @property
    def middle(self) -> str:
        return self.made.keys[len(self.made.keys) // 2]

    def page(self, path: str) -> None:
        client = Client()
        client.force_login(self.repository.owner)
        answer: Any = client.get(f"/{self.repository}{path}")
        assert answer.status_code == 200, (path, answer.content[:300])

    def get(self, path: str) -> None:
        answer = self.api.get(f"/api/v1/repos/{self.repository}{path}")
        assert answer.status_code == 200, (path, answer.content[:300])

    @cached_property
    def api(self) -> APIClient:
        client = APIClient()
        client.force_authenticate(self.repository.owner)
        return client

    def commit(self, many: int, x: float, start: int = 0) -> None:
        body = {
            "branch": "main", "expected_head": data.head(self.repository), "message": "Edit",
            "operations": self.made.edits(many, x, start),
        }  # fmt: skip
        answer = self.api.post(f"/api/v1/repos/{self.repository}/commits", body, format="json")
        assert answer.status_code == 201, answer.content[:300]

    def reread(self, pull: PullRequest) -> PullRequest:
        return PullRequest.objects.select_related("repository__owner", "repository__network", "author").get(
            pk=pull.pk
        )

    def merge_check(self, pull: PullRequest) -> None:
        pull = self.reread(pull)
        inputs = [
            bytes(c.snapshot).hex() for c in (three_of(pull).base, three_of(pull).ours, three_of(pull).theirs)
        ]
        assert checks.run(pull, inputs, checks.decided(pull))["conflicts"] == 0

    def merge(self, pull: PullRequest) -> None:
        assert merge_pull(self.repository.owner, self.reread(pull))

    def export(self) -> None:
        """What a writer is given; writing it asks nothing more."""
        view = view_of(access.resolve_revision(self.repository, "main"))
        bound = Bound(FORMATS["jsonl"], Options())
        runs = stored_runs(view, bound, ClassNames(view.schema), "gold")
        assert sum(len(run.samples) for run in runs) == len(self.made.keys)

    def import_over(self) -> None:
        rows = b"file,label\n" + b"".join(f"{key},car\n".encode() for key in self.made.keys[::10])
        upload = uploads.begin(self.repository.owner, self.repository)
        uploads.add_files(upload, [Given("labels.csv", io.BytesIO(rows), len(rows))])
        wanted = Wanted(str(upload.pk), format="csv", layer="gold")
        job = imports.create_import(self.repository.owner, self.repository, wanted, upload=upload)
        import_task.run(str(job.pk))
        job.refresh_from_db()
        assert job.state == "succeeded", job.error

    def statistics(self) -> None:
        network, address = self.repository.network, bytes(self.head_commit.snapshot)
        statistics.prepare(network, address)
        assert statistics.compute(network, address)

    @property
    def head_commit(self) -> CommitRecord:
        return CommitRecord.objects.get(network=self.repository.network, commit_id=data.head(self.repository))

    def fsck(self) -> None:
        found: list[Any] = []
        check(self.repository.network, found.append)
        assert not found, found[:3]

    def collect(self) -> None:
        assert collect(self.repository.network, dry_run=True).nodes_reached

    def fork(self) -> None:
        forks.fork(make.user(), self.repository, name="mine")

    def open(self) -> None:
        pulls.open_pull(self.repository.owner, self.repository, source="third", title="Third")


def scene(samples: int) -> Scene:
    made = streets(samples)
    owner, repository = made.repository.owner, made.repository
    make.branch(repository, "fix", made.first)
    make.branch(repository, "far", made.first)
    for turn in range(3):
        data.commit(repository, *made.edits(3, 60.0 + turn, start=1), branch="fix")
    data.commit(repository, *made.edits(FAR_EDITS, 70.0), branch="far")
    for turn in range(COMMITS):
        edits = made.edits(COMMITS, 80.0 + turn)
        head = data.commit(
            repository,
            edits[turn],
            data.put_box(made.keys[samples // 2], 10 + turn, x=200.0 + 30 * turn),
            branch="far",
        )
    make.branch(repository, "third", head)
    near = pulls.open_pull(owner, repository, source="fix", title="Near")
    far = pulls.open_pull(owner, repository, source="far", title="Far")
    return Scene(made, near, far, head)


PATHS: dict[str, tuple[int, Callable[[Scene], object]]] = {
    "gallery": (16, lambda s: s.page("")),
    "gallery, middle": (10, lambda s: s.page(f"/tree/main?after={s.middle}")),
    "gallery, folder": (12, lambda s: s.page("/tree/main/part002")),
    "filter, common": (10, lambda s: s.page("/tree/main?q=class:car")),
    "filter, rare": (10, lambda s: s.page("/tree/main?q=class:person")),
    "sample": (10, lambda s: s.page(f"/sample/main/{s.middle}")),
    "history of a sample": (20, lambda s: s.page(f"/history/far/{s.middle}")),
    "blame": (20, lambda s: s.page(f"/blame/far/{s.middle}")),
    "commits": (2, lambda s: s.page("/commits/far")),
    "commit": (13, lambda s: s.page(f"/commit/{s.head.commit_id}")),
    "first commit": (11, lambda s: s.page(f"/commit/{s.made.first.commit_id}")),
    "compare": (15, lambda s: s.get(f"/compare/{s.made.first.commit_id}...{s.head.commit_id}")),
    "compare, changes": (
        8,
        lambda s: s.get(f"/compare/{s.made.first.commit_id}...{s.head.commit_id}/changes"),
    ),
    "pull request": (2, lambda s: s.page(f"/pull/{s.far.number}")),
    "changes of a neighbour": (12, lambda s: s.page(f"/pull/{s.near.number}/changes")),
    "changes from far": (12, lambda s: s.page(f"/pull/{s.far.number}/changes")),
    "changes, filtered": (12, lambda s: s.page(f"/pull/{s.far.number}/changes?kind=moved")),
    "merge check": (11, lambda s: s.merge_check(s.far)),
    "commit of 10": (10, lambda s: s.commit(10, 90.0, start=5)),
    "fork": (0, lambda s: s.fork()),
    "open a pull request": (5, lambda s: s.open()),
    "merge": (15, lambda s: s.merge(s.near)),
    "commit of 1,000": (10, lambda s: s.commit(1000, 91.0)),
    "export": (20, lambda s: s.export()),
    "statistics, all": (20, lambda s: s.statistics()),
    "filter, rare, summed": (10, lambda s: s.page("/tree/main?q=class:person")),
    "commit of 10 again": (10, lambda s: s.commit(10, 95.0)),
    "statistics, new commit": (20, lambda s: s.statistics()),
    "import over it": (26, lambda s: s.import_over()),
    "fsck": (44, lambda s: s.fsck()),
    "gc": (32, lambda s: s.collect()),
    "backup": (12, lambda s: taking.take(MemoryBlobs())),
}


def test_no_path_waits_for_one_object_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds, told, made = Rounds(monkeypatch), dict[str, int](), scene(SAMPLES)
    for name, (_, path) in PATHS.items():
        with rounds.cold():
            path(made)
        told[name] = rounds.rounds
    print(*(f"| {name} | {count} |" for name, count in told.items()), sep="\n")
    over = {
        name: f"{told[name]} rounds, at most {most}" for name, (most, _) in PATHS.items() if told[name] > most
    }
    assert not over, over


def test_a_thumbnail_is_read_made_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (600, 400), "navy").save(picture, "PNG")
    repository = make.repository()
    blob = Blob.objects.get(sha256=bytes.fromhex(data.upload(repository, picture.getvalue())))
    rounds = Rounds(monkeypatch)
    for expected in (3, 1):
        with rounds.cold():
            assert thumbnails.thumbnail_of(repository.network, blob, 128)
        assert rounds.rounds == expected, rounds.requests
