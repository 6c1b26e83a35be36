"""One service after the other is away for a minute: what people see meanwhile, and that everything goes on afterwards.

    python -m tests.soak.outage [--seconds 60] [--services s3 valkey postgres]

Before each outage an import is begun, so that a worker is in the middle of it. While the service is away pages and
writes are asked for all the time: an answer may be good or say "away" (503, with Retry-After), never anything else.
Afterwards every import that was taken has succeeded, a commit lands, and fsck finds nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import urllib3

from tests.real.api import Api, ApiError, Json
from tests.soak.people import Committer, Importer, Journal
from tests.soak.platform import KEEPER, SoakPlatform

REPOSITORY = "ann/stormy"
SERVICES = ("s3", "valkey", "postgres")
AWAY = 503
ROWS = 20_000


@dataclass
class Seen:
    """Statuses by what was asked for, those that should not be, and whether each 503 said when to come again."""

    pages: Counter[int] = field(default_factory=Counter)
    writes: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0


class Outage:
    """One platform and the imports it was asked for."""

    def __init__(self, platform: SoakPlatform) -> None:
        self.platform = platform
        self.api = Api(platform.base, platform.token("ann"))
        self.api.post("repos", {"name": "stormy"})
        stop, journal = threading.Event(), Journal(platform.data / "journal.jsonl")
        self.importer = Importer(self.api, REPOSITORY, 0, journal, stop)
        self.committer = Committer(self.api, REPOSITORY, 1, journal, stop)
        self.jobs: list[str] = []
        self.number = 0
        body = [{"op": "put_sample", "key": "first", "text": "first"}]
        self.api.post(
            f"repos/{REPOSITORY}/commits",
            {"branch": "main", "expected_head": None, "operations": body, "message": "first"},
        )

    def away(self, name: str, seconds: float) -> Json:
        self.import_large()
        self.platform.kill(name)
        seen, end = Seen(), time.monotonic() + seconds
        while time.monotonic() < end:
            self._page(seen, f"{self.platform.base}/{REPOSITORY}")
            self._write(seen)
        restarted = self.platform.restart(name)
        self.platform.revive()
        return {
            "pages": dict(seen.pages), "writes": dict(seen.writes), "wrong": seen.wrong[:10],
            "slowest answer": round(seen.slowest, 1), "restart": round(restarted, 1), "after": self._after(),
        }  # fmt: skip

    def import_large(self) -> None:
        """One that takes some seconds."""
        self.number += 1
        rows = ({"id": f"{self.number}/{n}", "text": f"text {n}", "label": "a"} for n in range(ROWS))
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        parts: list[Any] = [
            ("files", ("a.jsonl", lines.encode(), "application/jsonl")), ("branch", "main"), ("format", "jsonl"),
        ]  # fmt: skip
        self.jobs.append(str(self.api.call("POST", f"repos/{REPOSITORY}/imports", files=parts)["id"]))

    def _page(self, seen: Seen, url: str) -> None:
        began = time.monotonic()
        with urllib3.PoolManager(timeout=60.0, retries=False) as pool:
            answer = pool.request("GET", url, headers={"Accept": "text/html"})
        seen.slowest = max(seen.slowest, time.monotonic() - began)
        seen.pages[answer.status] += 1
        if answer.status not in (200, 304, AWAY):
            seen.wrong.append(f"page: {answer.status}")
        elif answer.status == AWAY and "Retry-After" not in answer.headers:
            seen.wrong.append("page: 503 without Retry-After")

    def _write(self, seen: Seen) -> None:
        self.number += 1
        try:
            self.committer.act(f"c{self.number}")
            seen.writes[201] += 1
            self.jobs.append(str(self.importer.act(f"i{self.number}")["job"]))
            seen.writes[202] += 1
        except ApiError as error:
            seen.writes[error.status] += 1
            if error.status not in (409, 429, AWAY):
                seen.wrong.append(f"write: {error.status} {error.body[:200]}")

    def _after(self) -> Json:
        """All imports end well, and a commit lands."""
        began = time.monotonic()
        states = Counter(
            str(
                self.api.wait_for(f"jobs/{job}", lambda j: j["state"] not in ("queued", "running"), job)[
                    "state"
                ]
            )
            for job in self.jobs
        )
        self.number += 1
        self.committer.act(f"c{self.number}")
        self.jobs.clear()
        return {"imports": dict(states), "seconds until they ended": round(time.monotonic() - began, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--services", nargs="*", default=SERVICES)
    given = parser.parse_args()
    with SoakPlatform() as platform:
        outage = Outage(platform)
        told: dict[str, Any] = {name: outage.away(name, given.seconds) for name in given.services}
        platform.kill(KEEPER)
        told["verdict"] = platform.judged(platform.data / "journal.jsonl")
    print(json.dumps(told, indent=1))
    services = [told[name] for name in given.services]
    good = all(not one["wrong"] and set(one["after"]["imports"]) == {"succeeded"} for one in services)
    verdict = told["verdict"]
    return 0 if good and verdict["fsck"]["clean"] and not (verdict["lost"] or verdict["half"]) else 1


if __name__ == "__main__":
    sys.exit(main())
