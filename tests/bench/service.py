"""The whole service on a generated data set: import, browse, fork, edit, propose, review, merge; what each costs.

    python -m tests.bench.service [--n 1000000] [--save docs/benchmarks.md]

A platform of its own is started and thrown away. Times are what the server says of itself (Server-Timing): from the
first middleware to the last, and the processor's part of it, which does not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from tests.bench import coco, crowd
from tests.bench.clock import HEAD, Cost, Row, cost_of, cpu_seconds, fetch, memory, named, repeated
from tests.real.api import Api, Json
from tests.real.platform import Platform

PAGE, READ, WRITE = 300.0, 100.0, 100.0
FIRST_CHANGES = 1000.0
IMPORT_RATE, SUMMARY_SECONDS = 50_000, 3.0
KEYS = 50_000
LONGEST = 3 * 3600.0


class Service:
    """One run: the rows of its table, and facts that are no requests."""

    def __init__(
        self, platform: Platform, n: int, shares: Sequence[float] = (), people: crowd.People | None = None
    ) -> None:
        self.platform, self.n, self.shares, self.people = platform, n, shares, people
        self.rows: list[Row] = []
        self.facts: list[tuple[str, str, str]] = []
        self.owner, self.guest = platform.users("maker", "helper")

    # ---- asking -------------------------------------------------------------------------------------------------

    def page(self, what: str, path: str, goal: float = PAGE) -> None:
        """A page as anybody sees it."""
        url = f"{self.platform.base}/{path}"
        self._took(repeated(what, goal, lambda: cost_of(fetch("GET", url, {}).headers)))

    def read(self, what: str, path: str, goal: float = READ) -> None:
        url = f"{self.platform.base}/api/v1/{path}"
        self._took(repeated(what, goal, lambda: cost_of(fetch("GET", url, _headers(self.owner)).headers)))

    def send(self, what: str, who: Api, path: str, body: Json, goal: float = WRITE) -> Json:
        """A request that can be made once only."""
        found, cost = self.sent(who, path, body)
        self._took(Row(what, goal, cost))
        return found

    def sent(self, who: Api, path: str, body: Json) -> tuple[Json, Cost]:
        headers = {**_headers(who), "Content-Type": "application/json"}
        answer = fetch("POST", f"{self.platform.base}/api/v1/{path}", headers, json.dumps(body).encode())
        return (json.loads(answer.data) if answer.data else {}), cost_of(answer.headers)

    def _took(self, row: Row) -> None:
        self.rows.append(row)
        print(row.line(), flush=True)

    def fact(self, what: str, value: str, goal: str = "") -> None:
        self.facts.append((what, value, goal))
        print(f"  {what}: {value}", flush=True)

    def until(self, what: str, goal: str, ask: Callable[[], Json], done: Callable[[Json], bool]) -> Json:
        """Wait for a computation; how long it took, and the processor's part in the workers."""
        begun, cpu = time.monotonic(), cpu_seconds(self.workers)
        while not done(found := ask()):
            if time.monotonic() - begun > LONGEST:
                raise TimeoutError(what)
            time.sleep(0.1)
        took, work = time.monotonic() - begun, cpu_seconds(self.workers) - cpu
        self.fact(what, f"{took:.1f} s, {work:.1f} s of processor", goal)
        return found

    @property
    def workers(self) -> list[int]:
        return named(self.platform.process.pid, "celery")

    # ---- the run ------------------------------------------------------------------------------------------------

    def run(self) -> None:
        base = coco.table(self.n)
        repo = self.owner.post("repos", {"name": "bench", "visibility": "public"})["full_name"]
        self.load("import", self.owner, repo, "main", coco.coco(base), len(base))
        self.statistics("statistics of a first import", repo)
        self.browse(repo, base)
        made = self.send("fork", self.guest, f"repos/{repo}/forks", {})
        fork = str(made["full_name"])
        self.commits(fork, base)
        after, changed = coco.edited(base)
        self.fact("annotations that the second file changes", f"{changed:,}")
        self.load("import of the changed file", self.guest, fork, "fix", coco.coco(after), len(after))
        self.review(repo, fork)
        self.lists(repo, base)
        self.export(repo, len(base))
        for share in self.shares:
            self.wide(repo, base, share)
        if self.people:
            crowd.run(self, repo, base, self.people)
        self.memory()

    def load(self, what: str, who: Api, repo: str, branch: str, file: bytes, count: int) -> None:
        self.fact(f"{what}: file", f"{len(file) / 2**20:.0f} MB")
        job = self.upload(who, repo, branch, file)
        cpu, begun = cpu_seconds(self.workers), time.monotonic()
        self.imported(who, job)
        took, work = time.monotonic() - begun, cpu_seconds(self.workers) - cpu
        self.fact(
            f"{what}: {count:,} annotations",
            f"{took:.1f} s, {work:.1f} s of processor",
            f"{IMPORT_RATE:,}/s a worker",
        )
        self.fact(
            f"{what}: rate", f"{count / work:,.0f} annotations a second of processor", f"{IMPORT_RATE:,}"
        )

    def imported(self, who: Api, job: Json) -> None:
        """Wait for an import that must take everything."""
        ended = who.wait_for(
            f"jobs/{job['id']}",
            lambda j: j["state"] in ("succeeded", "failed", "cancelled"),
            "import",
            LONGEST,
        )
        if ended["state"] != "succeeded" or ended["result"]["annotations"]["refused"]:
            raise RuntimeError(f"{ended['state']} {ended['error']} {ended['result']} {ended['log'][-3:]}")

    def upload(self, who: Api, repo: str, branch: str, file: bytes) -> Json:
        parts: list[Any] = [
            ("files", ("annotations.json", file, "application/json")),
            ("branch", branch), ("format", "coco"), ("message", "Import labels"),
        ]  # fmt: skip
        return dict(who.call("POST", f"repos/{repo}/imports", files=parts))

    def statistics(self, what: str, repo: str, goal: str = "") -> None:
        self.until(
            what,
            goal,
            lambda: dict(self.owner.get(f"repos/{repo}/stats")),
            lambda s: s["state"] != "running",
        )

    def browse(self, repo: str, base: coco.Table) -> None:
        keys = base.keys
        middle = keys[len(keys) // 2]
        rare = urlencode({"q": "class:class_79"})
        self.page("home", repo)
        self.page("home, second page", f"{repo}/tree/main?{urlencode({'after': keys[23]})}")
        self.page("home, a page from the middle", f"{repo}/tree/main?{urlencode({'after': middle})}")
        self.page("folder", f"{repo}/tree/main/train")
        self.page("filter class:person", f"{repo}/tree/main?{urlencode({'q': 'class:person'})}")
        self.page("filter of a rare class", f"{repo}/tree/main?{rare}")
        self.page(
            "filter that nothing fits", f"{repo}/tree/main?{urlencode({'q': 'class:person labels:>5000'})}"
        )
        self.page("sample from the middle", f"{repo}/sample/main/{quote(middle)}")
        self.page("commits", f"{repo}/commits")
        self.page("schema", f"{repo}/schema")
        self.page("insights", f"{repo}/insights")
        self.read("API: samples", f"repos/{repo}/samples")
        self.read("API: samples of a rare class", f"repos/{repo}/samples?{rare}")
        self.read("API: one sample", f"repos/{repo}/samples/{quote(middle)}")
        self.read("API: statistics", f"repos/{repo}/stats")

    def commits(self, fork: str, base: coco.Table) -> None:
        """Ten edits each, all over the data set, one commit upon the other."""
        costs = [self.ten_edits(fork, base, turn) for turn in range(6)]
        self._took(Row("API: commit of 10 edits", WRITE, costs[0], costs[1:]))
        self.statistics("statistics after six commits of 10 edits", fork)
        self.ten_edits(fork, base, 6)
        self.statistics("statistics of one more commit of 10 edits", fork, "0.2 s")

    def ten_edits(self, fork: str, base: coco.Table, turn: int) -> Cost:
        head = str(self.guest.get(f"repos/{fork}/commits")["results"][0]["id"])
        operations = [self._moved(fork, key, turn) for key in base.keys[turn :: len(base.keys) // 10][:10]]
        body = {"branch": "main", "expected_head": head, "operations": operations, "message": "Ten edits"}
        return self.sent(self.guest, f"repos/{fork}/commits", body)[1]

    def _moved(self, fork: str, key: str, turn: int) -> Json:
        sample = self.guest.get(f"repos/{fork}/samples/{quote(key)}")
        annotation: Json = sample["layers"]["gold"]["annotations"][0]
        annotation["geometry"]["box"]["x"] += 1 + turn
        return {"op": "put_annotation", "key": key, "annotation": annotation}

    def review(self, repo: str, fork: str) -> None:
        asked = {"title": "A hundredth", "source": f"{fork.split('/')[0]}:fix", "target": "main"}
        pull = self.send("open the pull request", self.guest, f"repos/{repo}/pulls", asked, PAGE)
        where, page = f"repos/{repo}/pulls/{pull['number']}", f"{repo}/pull/{pull['number']}"
        begun = cost_of(fetch("GET", f"{self.platform.base}/{page}", {}).headers)
        self._took(Row("conversation while nothing is counted", PAGE, begun))
        ready = self.until(
            "summary and merge check ready",
            f"{SUMMARY_SECONDS:.0f} s",
            lambda: dict(self.owner.get(where)),
            lambda p: p["summary_state"] != "running" and p["mergeable"] != "unknown",
        )
        if ready["summary_state"] != "ready":
            raise RuntimeError(f"summary {ready['summary_state']}")
        self.fact("changed annotations", f"{ready['summary']['changed_annotations']:,}")
        self.page("conversation", page)
        self.page("changes, first page", f"{page}/changes")
        self.page(
            "changes, a page from the middle", f"{page}/changes?{urlencode({'after': self._middle(where)})}"
        )
        self.page("changes, one sample", f"{page}/changes?{urlencode({'sample': self._middle(where)})}")
        self.page("changes, of one kind", f"{page}/changes?kind=relabelled&class=bird")
        self.page("commits of the pull request", f"{page}/commits")
        self.read("API: changes", f"{where}/changes")
        self.page("compare", f"{repo}/compare?{urlencode({'source': asked['source'], 'target': 'main'})}")
        self.owner.post(f"{where}/reviews", {"state": "approve", "body": "Counts agree."})
        body = {"expected_head": ready["head"]}
        merged = self.send("merge", self.owner, f"{where}/merge", body, PAGE)
        self.page("conversation, merged", page)
        self.page("commit page", f"{repo}/commit/{merged['commit']}")

    def lists(self, repo: str, base: coco.Table) -> None:
        """Keys alone, page by page, as a script that wants them all asks."""
        wanted, found, begun = min(KEYS, len(base.keys)), 0, time.monotonic()
        path: str | None = f"repos/{repo}/samples?fields=key&limit=10000"
        while path and found < wanted:
            page = self.owner.get(path)
            found, path = found + len(page["results"]), page["next"]
        self.fact(f"API: list of {found:,} sample keys", f"{time.monotonic() - begun:.2f} s", "1 s")

    def export(self, repo: str, count: int) -> None:
        """One COCO file, read as it comes."""
        web = named(self.platform.process.pid, "granian")
        before, cpu, begun = memory(web)[1], cpu_seconds(web), time.monotonic()
        size, first = 0, 0.0
        with urllib3.PoolManager(timeout=300.0, retries=False) as pool:
            url = f"{self.platform.base}/api/v1/repos/{repo}/exports?format=coco"
            answer = pool.request("GET", url, headers=_headers(self.owner), preload_content=False)
            for piece in answer.stream(2**20):
                first = first or time.monotonic() - begun
                size += len(piece)
        took, work = time.monotonic() - begun, cpu_seconds(web) - cpu
        said = (
            f"{took:.1f} s, {work:.1f} s of processor, {size / 2**20:.0f} MB, first bytes after {first:.1f} s"
        )
        self.fact(f"export of {count:,} annotations to COCO", said)
        self.fact(
            "export: rate", f"{count / work:,.0f} annotations a second of processor", f"{IMPORT_RATE:,}"
        )
        self.fact(
            "export: memory of a web process", f"{before:.0f} MB before, {memory(web)[1]:.0f} MB the highest"
        )

    def wide(self, repo: str, base: coco.Table, share: float) -> None:
        """A pull request that changes much of the data set: the pages answer at once, the summary is a job."""
        name = f"{share:.0%}"
        after, _ = coco.edited(base, share, seed=3)
        branch = f"wide-{share * 100:.0f}"
        self.load(f"import, {name} changed", self.owner, repo, branch, coco.coco(after), len(after))
        asked = {"title": f"{name} of all", "source": branch, "target": "main"}
        pull = self.send(f"open a pull request of {name}", self.owner, f"repos/{repo}/pulls", asked, PAGE)
        where, page = f"repos/{repo}/pulls/{pull['number']}", f"{repo}/pull/{pull['number']}"
        for what, path in ((f"{name}: conversation", page), (f"{name}: first changes", f"{page}/changes")):
            cost = cost_of(fetch("GET", f"{self.platform.base}/{path}", {}).headers)
            self._took(Row(f"{what}, while it is counted", FIRST_CHANGES, cost))
        ready = self.until(
            f"{name}: summary ready", "a job with progress",
            lambda: dict(self.owner.get(where)), lambda p: p["summary_state"] != "running",
        )  # fmt: skip
        self.fact(f"{name}: changed annotations", f"{ready['summary']['changed_annotations']:,}")
        self.page(f"{name}: conversation", page)
        self.page(f"{name}: changes, first page", f"{page}/changes")
        self.page(f"{name}: changes, of one kind", f"{page}/changes?kind=relabelled&class=bird")
        self.page(
            f"{name}: changes, a page from the middle",
            f"{page}/changes?{urlencode({'after': self._middle(where)})}",
        )

    def _middle(self, where: str) -> str:
        """The key of a changed sample some pages into the diff."""
        path: str | None = f"{where}/changes?limit=100"
        page: Json = {}
        for _ in range(3):
            page = self.owner.get(str(path))
            path = page["next"] or path
        return str(page["results"][-1]["key"])

    def memory(self) -> None:
        for word, name in (("granian", "web"), ("celery", "worker")):
            now, most = memory(named(self.platform.process.pid, word))
            self.fact(
                f"memory of {name}", f"{now:.0f} MB all processes now, {most:.0f} MB the highest of one"
            )

    def report(self) -> str:
        facts = [f"| {what} | {value} | {goal} |" for what, value, goal in self.facts]
        lines = [
            HEAD,
            *(row.line() for row in self.rows),
            "",
            "| what | value | goal |",
            "|---|---|---|",
            *facts,
        ]
        return "\n".join(lines)


def _headers(who: Api) -> dict[str, str]:
    return {"Authorization": f"Bearer {who.token}", "Accept": "application/json"}


def machine() -> Mapping[str, str]:
    """When, how large and how busy."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": str(os.cpu_count()),
        "memory": f"{total:.0f} GB",
        "load": "{:.1f} {:.1f} {:.1f}".format(*os.getloadavg()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1_000_000, help="annotations")
    parser.add_argument("--shares", type=float, nargs="*", default=[0.1, 1.0], help="of wide pull requests")
    parser.add_argument("--people", type=int, default=50, help="who browse while an import runs; 0: nobody")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long they do")
    parser.add_argument("--save", type=Path, help="append the table to this file")
    given = parser.parse_args()
    with Platform() as platform:
        people = crowd.People(given.people, given.minutes * 60) if given.people else None
        run = Service(platform, given.n, given.shares, people)
        run.run()
    facts = machine()
    title = (
        f"## {given.n:,} annotations, {facts['date']}\n\n{facts['cores']} cores, {facts['memory']}; "
        f"load average at the end {facts['load']}. Milliseconds of server time.\n\n"
    )
    text = title + run.report() + "\n"
    print("\n" + text)
    if given.save:
        with given.save.open("a") as out:
            out.write("\n" + text)


if __name__ == "__main__":
    main()
