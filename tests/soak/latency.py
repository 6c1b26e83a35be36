"""The way of a correction against an object store that is far away: how long each step takes, and how often it waits.

    python -m tests.soak.latency [--seconds 0.15] [--rows 20000]

Everything is done twice: with the store beside the platform, and with a line (tests/factories/far.py) in front of it
that keeps each request so long. Web and workers have a line each, so that what a page asks is told apart from what goes
on behind it. Before each page the web processes are killed, and nothing is cached on the disk. Ends with 1 when a page
waited more often than it may.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from deploy.supervisor import app, frontend, state
from deploy.supervisor.service import wait_ready
from tests.factories.far import Far
from tests.real.api import Api
from tests.soak.platform import SoakPlatform

EDITS = 10
PAGE = 20
"""Rounds that a page, or a write, of a data set of this size may take."""
ENDED = ("succeeded", "failed", "cancelled")


class FarPlatform(SoakPlatform):
    """Web and workers behind lines of their own; nobody collects."""

    def __enter__(self) -> FarPlatform:
        frontend.build(self._say)
        self.stack.start()
        self.services = app.environment(self.stack, self.options)
        app.migrate(self.services)
        state.tell_services(self.data, self.services)
        self._lines = ExitStack()
        self.web_line, self.work_line = (
            self._lines.enter_context(Far(self.services["S3_ENDPOINT_URL"], 0)) for _ in range(2)
        )
        for service in (app.worker, app.transfer):
            self.stack.add(service(self.stack, self.behind(self.work_line)))
        front = self.stack.add(app.web(self.stack, self.behind(self.web_line), self.options))
        wait_ready(front, lambda: app.answers(self.options), self.stack.stopping)
        return self

    def behind(self, line: Far) -> dict[str, str]:
        return {**self.services, "S3_ENDPOINT_URL": line.base, "NODE_DISK_CACHE_MB": "0"}

    def away(self, seconds: float) -> None:
        self.web_line.seconds = self.work_line.seconds = seconds

    def cold(self) -> None:
        self.kill("web")
        self.restart("web")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._lines.close()


@dataclass(frozen=True)
class Step:
    """`bound`: rounds of the web processes at most."""

    name: str
    work: Callable[[], object]
    bound: int = PAGE
    cold: bool = True


@dataclass(frozen=True)
class Told:
    """What one step took: seconds, rounds and requests of the web processes, rounds of the workers."""

    seconds: float
    rounds: int
    requests: int
    behind: int


class Loop:
    """From an import to an export, of two people, on a data set of their own."""

    def __init__(self, platform: FarPlatform, name: str, rows: int) -> None:
        self.platform, self.rows, self.name = platform, rows, name
        self.ann, self.bob = (Api(platform.base, platform.token(f"{who}-{name}")) for who in ("ann", "bob"))
        self.home, self.fork = f"ann-{name}/words", f"bob-{name}/words"
        self.ann.post("repos", {"name": "words"})

    def steps(self) -> Iterator[Step]:
        last = f"{self.rows // 2:06d}"
        yield Step("import", self.bring, cold=False)
        yield Step("gallery", lambda: self.page(""))
        yield Step("gallery again", lambda: self.page(""), cold=False)
        yield Step("gallery, middle", lambda: self.page(f"/tree/main?after={last}"))
        yield Step("filter", lambda: self.page("/tree/main?q=class:rare"))
        yield Step("sample", lambda: self.page(f"/sample/main/{last}"))
        yield Step("fork", lambda: self.bob.post(f"repos/{self.home}/forks"), 0)
        yield Step("commit of 10", self.commit)
        yield Step("pull request", self.propose)
        yield Step("changes", lambda: self.page("/pull/1/changes"))
        yield Step("merge", lambda: self.ann.post(f"repos/{self.home}/pulls/1/merge"))
        yield Step("history of a sample", lambda: self.page(f"/history/main/{last}"))
        yield Step("export", self.export)

    def bring(self) -> None:
        rows = (
            {"id": f"{n:06d}", "text": f"text {n}", "label": "rare" if n % 997 == 0 else "common"}
            for n in range(self.rows)
        )
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        parts: list[Any] = [
            ("files", ("words.jsonl", lines.encode(), "application/jsonl")), ("branch", "main"), ("format", "jsonl"),
        ]  # fmt: skip
        job = self.ann.call("POST", f"repos/{self.home}/imports", files=parts)
        ended = self.ann.wait_for(f"jobs/{job['id']}", lambda j: j["state"] in ENDED, "import")
        if ended["state"] != "succeeded":
            raise RuntimeError(f"import {ended['state']}: {ended['error']}")

    def page(self, path: str) -> None:
        answer = self.ann.pool.request(
            "GET", f"{self.platform.base}/{self.home}{path}", headers={"Accept": "text/html"}
        )
        if answer.status != 200:
            raise RuntimeError(f"{path}: HTTP {answer.status}")

    def commit(self) -> None:
        head = self.bob.get(f"repos/{self.fork}/commits?limit=1")["results"][0]["id"]
        keys = [f"{n * self.rows // EDITS:06d}" for n in range(EDITS)]
        operations = [{"op": "put_sample", "key": key, "text": f"better {key}"} for key in keys]
        body = {"branch": "main", "expected_head": head, "operations": operations, "message": "Better texts"}
        self.bob.post(f"repos/{self.fork}/commits", body)

    def propose(self) -> None:
        given = {"source": f"bob-{self.name}:main", "title": "Better texts"}
        self.bob.post(f"repos/{self.home}/pulls", given)

    def export(self) -> None:
        url = f"{self.platform.base}/api/v1/repos/{self.home}/exports?format=jsonl"
        answer = self.ann.pool.request("GET", url, headers={"Authorization": f"Bearer {self.ann.token}"})
        lines = answer.data.count(b"\n")
        if answer.status != 200 or lines < self.rows:
            raise RuntimeError(f"export: HTTP {answer.status}, {lines} lines")


def walked(platform: FarPlatform, loop: Loop) -> Iterator[tuple[Step, Told]]:
    for step in loop.steps():
        if step.cold:
            platform.cold()
        for line in (platform.web_line, platform.work_line):
            line.reset()
        began = time.monotonic()
        step.work()
        spent, web = time.monotonic() - began, platform.web_line
        yield step, Told(spent, web.rounds, len(web.asked), platform.work_line.rounds)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=0.15)
    parser.add_argument("--rows", type=int, default=20_000)
    given = parser.parse_args()
    with FarPlatform() as platform:
        near = [told for _, told in walked(platform, Loop(platform, "near", given.rows))]
        platform.away(given.seconds)
        far = list(walked(platform, Loop(platform, "far", given.rows)))
    print(
        f"| step | beside it | {given.seconds * 1000:g} ms away | rounds | requests | at most | rounds of workers |"
    )
    print("|---|---|---|---|---|---|---|")
    for beside, (step, told) in zip(near, far, strict=True):
        print(
            f"| {step.name} | {beside.seconds:.2f} s | {told.seconds:.2f} s | {told.rounds} | {told.requests} "
            f"| {step.bound} | {told.behind} |"
        )
    over = [
        f"{step.name}: {told.rounds} rounds, at most {step.bound}"
        for step, told in far
        if told.rounds > step.bound
    ]
    print("\n".join(over))
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
