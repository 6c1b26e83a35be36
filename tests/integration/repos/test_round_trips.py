"""No path asks the store for one object after another: requests with nothing cached, for a small and a large data set.

Against a store 150 ms away each request is what a person waits for. A path that looped over samples, leaves or commits
would ask for many more of the large set; all of these ask for about as many, and for few. (Blame and the history of a
sample read each commit that touched the layer; a time budget bounds them, and the answer says how far it came.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from repos.models import Repository
from repos.services import forks
from repos.storage import configured
from tests.factories import data
from tests.factories import repos as make

pytestmark = pytest.mark.django_db(transaction=True)
SMALL, LARGE = 60, 1_500
BOXES = 4
EDITS = 12


class Asked:
    """A BlobStore that notes what it is asked."""

    def __init__(self, blobs: Any) -> None:
        self._blobs = blobs
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._blobs, name)

        def call(key: str, *given: Any, **named: Any) -> Any:
            self.calls.append(f"{name} {key}")
            return found(key, *given, **named)

        return call


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    store = Asked(configured.blob_store())
    monkeypatch.setattr(configured, "blob_store", lambda: store)
    return store


class Scene(NamedTuple):
    repository: Repository
    middle: str
    first: str
    head: str


def scene(samples: int) -> Scene:
    """An import in one commit, then a branch of edits scattered over all of it, one commit each."""
    repository = make.repository()
    keys = [f"train/{n:05d}.jpg" for n in range(samples)]
    operations: list[dict[str, Any]] = [data.put_schema()]
    for n, key in enumerate(keys):
        operations.append(data.put_sample(key))
        operations += [data.put_box(key, BOXES * n + box, x=float(box)) for box in range(BOXES)]
    first = data.commit(repository, *operations)
    make.branch(repository, "fix", first)
    for turn in range(EDITS):
        n = turn * samples // EDITS
        head = data.commit(repository, data.put_box(keys[n], BOXES * n, x=99.0), branch="fix")
    return Scene(repository, keys[samples // 2], first.commit_id, head.commit_id)


def cold() -> None:
    configured.node_cache.cache_clear()
    cache.clear()


PATHS: dict[str, tuple[int, Callable[[Scene], tuple[str, str]]]] = {
    "gallery": (8, lambda s: ("page", "")),
    "gallery from the middle": (6, lambda s: ("page", f"/tree/main?after={s.middle}")),
    "filter": (8, lambda s: ("page", "/tree/main?q=class:car")),
    "sample": (6, lambda s: ("page", f"/sample/main/{s.middle}")),
    "commits": (2, lambda s: ("page", "/commits")),
    "schema": (2, lambda s: ("page", "/schema")),
    "samples": (6, lambda s: ("api", "/samples")),
    "one sample": (6, lambda s: ("api", f"/samples/{s.middle}")),
    "statistics": (4, lambda s: ("api", "/stats")),
    "compare": (34, lambda s: ("api", f"/compare/{s.first}...{s.head}")),
    "changes": (18, lambda s: ("api", f"/compare/{s.first}...{s.head}/changes")),
}


def ask(made: Scene, kind: str, path: str) -> None:
    client: Any = Client() if kind == "page" else APIClient()
    root = f"/{made.repository}" if kind == "page" else f"/api/v1/repos/{made.repository}"
    answer = client.get(root + path)
    assert answer.status_code == 200, (path, answer.content[:300])
    if answer.streaming:
        list(answer.streaming_content)


def test_reads_ask_for_few_objects_whatever_the_size(asked: Asked) -> None:
    small, large = scene(SMALL), scene(LARGE)
    told = {}
    for name, (_, path_of) in PATHS.items():
        counts = []
        for made in (small, large):
            cold()
            asked.calls.clear()
            ask(made, *path_of(made))
            counts.append(len(asked.calls))
        told[name] = counts
    assert not {name: counts for name, counts in told.items() if max(counts) > PATHS[name][0]}, told


def test_a_commit_and_a_merge_are_few_requests(asked: Asked) -> None:
    told = {}
    for samples in (SMALL, LARGE):
        made = scene(samples)
        cold()
        asked.calls.clear()
        keys = [f"train/{n:05d}.jpg" for n in range(0, samples, samples // 10)]
        data.commit(
            made.repository, *(data.put_box(k, BOXES * int(k[6:11]) + 1, x=77.0) for k in keys), branch="main"
        )
        told[f"commit {samples}"] = len(asked.calls)
        assert len([call for call in asked.calls if call.startswith("put")]) == 1, asked.calls
        cold()
        asked.calls.clear()
        data.merge(made.repository, "main", "fix")
        told[f"merge {samples}"] = len(asked.calls)
        cold()
        asked.calls.clear()
        forks.fork(make.user(), made.repository, name="mine")
        assert not asked.calls
    assert told[f"commit {LARGE}"] <= 8, told
    assert told[f"merge {LARGE}"] <= 26, told
