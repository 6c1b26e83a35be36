"""People who browse while a large import runs: what each kind of page costs them, beside the same people alone.

Each thinks for THINK seconds on average between two pages (exponential), takes the pages in the order of a visit and
begins again with another sample. Goal of each page: p95 at most max(2 x its p95 before the import, 150 ms).
"""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from tests.bench import coco
from tests.bench.clock import cost_of, fetch, percentile

if TYPE_CHECKING:
    from tests.bench.service import Service

THINK = 5.0
FLOOR = 150.0
ALONE = 60.0


@dataclass(frozen=True)
class People:
    """How many, and for how many seconds."""

    count: int
    seconds: float


@dataclass
class Seen:
    """Milliseconds of server time of each answer, by kind of page."""

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str, took: float) -> None:
        with self.lock:
            self.times[what].append(took)


def visit(repo: str, keys: list[str], chance: random.Random) -> Mapping[str, str]:
    """Pages of one visit, in order."""
    key = chance.choice(keys)
    return {
        "gallery": repo,
        "gallery, somewhere": f"{repo}/tree/main?{urlencode({'after': key})}",
        "filter": f"{repo}/tree/main?{urlencode({'q': 'class:person'})}",
        "sample": f"{repo}/sample/main/{quote(key)}",
        "sample, another": f"{repo}/sample/main/{quote(chance.choice(keys))}",
        "commits": f"{repo}/commits",
        "insights": f"{repo}/insights",
        "changes": f"{repo}/pull/1/changes",
    }


def browse(base: str, repo: str, keys: list[str], people: int, stop: threading.Event) -> Seen:
    seen = Seen()

    def work(number: int) -> None:
        chance = random.Random(number)
        if stop.wait(chance.random() * THINK):
            return
        while True:
            for what, path in visit(repo, keys, chance).items():
                seen.add(what, cost_of(fetch("GET", f"{base}/{path}", {}).headers).app)
                if stop.wait(chance.expovariate(1 / THINK)):
                    return

    with ThreadPoolExecutor(people) as pool:
        list(pool.map(work, range(people)))
    return seen


def run(bench: Service, repo: str, base: coco.Table, people: People) -> None:
    """Alone for a minute, then while the same million is imported again and again until the time is over."""
    keys = base.keys[:: max(1, len(base.keys) // 5000)]
    alone = _for(bench, repo, keys, people.count, min(ALONE, people.seconds))
    file, stop, jobs = coco.coco(base), threading.Event(), 0
    with ThreadPoolExecutor(1) as pool:
        browsing = pool.submit(browse, bench.platform.base, repo, keys, people.count, stop)
        try:
            end = time.monotonic() + people.seconds
            while time.monotonic() < end:
                bench.imported(bench.owner, bench.upload(bench.owner, repo, f"crowd-{jobs}", file))
                jobs += 1
        finally:
            stop.set()
        busy = browsing.result()
    bench.fact("imports while people browse", f"{jobs} of {len(base):,} annotations, {people.count} people")
    for what, times in busy.times.items():
        idle, now = percentile(alone.times[what], 95), percentile(times, 95)
        said = f"p95 {now:.0f} ms of {len(times)} (p50 {percentile(times, 50):.0f}); alone {idle:.0f} ms"
        bench.fact(f"crowd: {what}", said, f"{max(2 * idle, FLOOR):.0f} ms")


def _for(bench: Service, repo: str, keys: list[str], people: int, seconds: float) -> Seen:
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    timer.start()
    try:
        return browse(bench.platform.base, repo, keys, people, stop)
    finally:
        timer.cancel()
