"""Kills at random, seeded instants, one service after the other, each started again at once.

Mostly people get something done between two kills; some kills follow at once, while what was killed before recovers.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.real.api import Api
from tests.soak.people import PEOPLE, Journal, Person
from tests.soak.platform import KEEPER, SoakPlatform

WEIGHTS = {"postgres": 4, "valkey": 3, "s3": 4, "web": 2, "worker": 2, "transfer": 2, KEEPER: 3}
LONGEST_PAUSE = 2.0
LONGEST_WAIT = 20.0
AT_ONCE = 0.25


@dataclass
class Outcome:
    """Figures of one storm, and what the verification found."""

    kills: dict[str, int] = field(default_factory=dict)
    recovery: dict[str, list[float]] = field(default_factory=dict)
    operations: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    verdict: dict[str, Any] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        times = {
            name: {"median": round(statistics.median(seen), 2), "most": round(max(seen), 2)}
            for name, seen in self.recovery.items()
        }
        return {
            "kills": self.kills,
            "kills in all": sum(self.kills.values()),
            "recovery seconds": times,
            "operations": dict(sorted(self.operations.items())),
            "seconds": round(self.seconds, 1),
            "verdict": self.verdict,
        }

    @property
    def is_good(self) -> bool:
        open_jobs = {"queued", "running"} & set(self.verdict["jobs"])
        return (
            not (self.verdict["lost"] or self.verdict["half"] or open_jobs) and self.verdict["fsck"]["clean"]
        )


def storm(
    platform: SoakPlatform, kills: int, seed: int, minutes: float = 600.0, only: tuple[str, ...] = ()
) -> Outcome:
    """People at work, `kills` kills (or as many as `minutes` allow), and the verdict. The keeper is away afterwards."""
    outcome, random, stop = Outcome(), Random(seed), threading.Event()
    journal = Journal(platform.data / "journal.jsonl")
    people = _people(platform, journal, stop)
    began = time.monotonic()
    names = [name for name in platform.names() if not only or name in only]
    weights = [WEIGHTS[name] for name in names]
    while sum(outcome.kills.values()) < kills and time.monotonic() - began < 60 * minutes:
        if random.random() > AT_ONCE:
            journal.wait_for_more(LONGEST_WAIT)
        time.sleep(random.uniform(0, LONGEST_PAUSE))  # the random instant
        _kill(platform, random.choices(names, weights)[0], outcome)
    stop.set()
    platform.revive()
    for person in people:
        person.join(150)
    platform.kill(KEEPER)
    outcome.seconds = time.monotonic() - began
    outcome.operations = journal.counts
    outcome.verdict = platform.judged(journal.path)
    return outcome


def _people(platform: SoakPlatform, journal: Journal, stop: threading.Event) -> list[Person]:
    api = Api(platform.base, platform.token("ann"))
    api.post("repos", {"name": "stormy"})
    first = [{"op": "put_sample", "key": "first", "text": "first"}]
    body = {"branch": "main", "expected_head": None, "operations": first, "message": "first"}
    api.post("repos/ann/stormy/commits", body)
    people = [
        make(Api(platform.base, api.token), "ann/stormy", number, journal, stop)
        for number, make in enumerate(PEOPLE)
    ]
    for person in people:
        person.start()
    return people


def _kill(platform: SoakPlatform, name: str, outcome: Outcome) -> None:
    platform.kill(name)
    outcome.kills[name] = outcome.kills.get(name, 0) + 1
    outcome.recovery.setdefault(name, []).append(platform.restart(name))
    platform.revive()
    print(f"{sum(outcome.kills.values())} {name}", file=sys.stderr, flush=True)
