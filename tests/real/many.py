"""Many clients commit to one branch at once, as impatient scripts do: read the head, commit on it, try again when told
to. Afterwards every acknowledged commit is in the history, and every label that anybody wrote is in the head.

    python -m tests.real.many [--clients 50] [--commits 4]      a platform of its own, granian and PostgreSQL
"""

from __future__ import annotations

import argparse
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.factories import data
from tests.real.api import Api, ApiError

TRIES = 200
AGAIN = (409, 503)


@dataclass
class Outcome:
    """`landed`: commit id -> the box it brought; `answers`: how often each status was met."""

    landed: dict[str, tuple[str, int]] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)


def prepare(owner: Api, name: str, samples: int) -> str:
    """A public repository with text samples; owner/name."""
    made: str = owner.post("repos", {"name": name})["full_name"]
    operations = [data.put_schema(), *(data.put_sample(f"s{n:03d}") for n in range(samples))]
    owner.post(
        f"repos/{made}/commits",
        {"branch": "main", "operations": operations, "message": "First", "expected_head": None},
    )
    return made


def run(clients: Sequence[Api], repository: str, samples: int, commits: int) -> Outcome:
    """Each client writes `commits` boxes of its own; some to one and the same sample as others do."""
    outcome, start = Outcome(), threading.Barrier(len(clients))

    def work(number: int) -> None:
        start.wait(60)
        for turn in range(commits):
            key = "s000" if turn % 2 else f"s{(number * 7 + turn) % samples:03d}"
            _land(clients[number], repository, key, 1000 * (number + 1) + turn, outcome)

    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(work, range(len(clients))))
    return outcome


def _land(client: Api, repository: str, key: str, box: int, outcome: Outcome) -> None:
    """One commit, with as many tries as it takes; every second one with plain compare-and-set."""
    pause = threading.Event()
    for attempt in range(TRIES):
        head = client.get(f"repos/{repository}/commits?limit=1")["results"][0]["id"]
        body = {
            "branch": "main",
            "expected_head": head,
            "operations": [data.put_box(key, box, x=30.0 * box)],  # apart, or they are taken for twins
            "message": f"Box {box}",
            "strict": box % 4 == 0,
        }
        try:
            made = client.post(f"repos/{repository}/commits", body)
        except ApiError as refused:
            with outcome.lock:
                outcome.answers[refused.status] += 1
            if refused.status not in AGAIN:
                raise
            pause.wait(random.uniform(0, 0.05 * min(attempt + 1, 10)))
            continue
        with outcome.lock:
            outcome.answers[201] += 1
            outcome.landed[made["id"]] = (key, box)
        return
    raise AssertionError(f"box {box} did not land in {TRIES} tries")


def check(client: Api, repository: str, outcome: Outcome, expected: int) -> None:
    """Nothing is lost, nothing is there twice, and the history is one line."""
    assert len(outcome.landed) == expected, (len(outcome.landed), expected)
    history = {c["id"]: c for c in client.pages(f"repos/{repository}/commits?limit=100")}
    assert set(outcome.landed) <= set(history), "an acknowledged commit is not in the history"
    assert len(history) == expected + 1, "commits that nobody was told of"
    assert all(len(c["parents"]) <= 1 for c in history.values())
    there: set[tuple[str, str]] = set()
    for sample in client.pages(f"repos/{repository}/samples?limit=200"):
        boxes = sample["layers"].get("gold", {}).get("annotations", [])
        there.update((sample["key"], box["id"]) for box in boxes)
    assert there == {(key, data.box_id(box)) for key, box in outcome.landed.values()}


def main() -> None:
    from tests.real.platform import Platform

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--commits", type=int, default=4)
    given = parser.parse_args()
    with Platform() as platform:
        [owner], samples = platform.users("owner"), 40
        clients = [Api(platform.base, owner.token) for _ in range(given.clients)]
        repository, begun = prepare(owner, "busy", samples), time.monotonic()
        outcome = run(clients, repository, samples, given.commits)
        check(owner, repository, outcome, given.clients * given.commits)
        told: dict[int, int] = dict(sorted(outcome.answers.items()))
        print(
            f"{given.clients} clients, {len(outcome.landed)} commits in {time.monotonic() - begun:.1f} s: {told}"
        )


if __name__ == "__main__":
    main()
