"""After the storm: what was acknowledged is there, nothing is there by half, jobs have ended, fsck finds nothing."""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

WAIT = 420.0
SILENT = 15.0
"""Seconds without a sign of life after which a run is told to be lost, instead of waiting the three minutes for it."""


def main(path: Path) -> dict[str, Any]:
    from repos.models import Repository

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    repository = Repository.objects.select_related("network", "owner").get(name="stormy")
    jobs = _ended_jobs()
    there = _keys(repository)
    return {
        "lost": _lost(repository, lines, there, jobs),
        "half": _half(lines, there),
        "jobs": {state: sum(1 for found in jobs.values() if found[0] == state) for state, _ in jobs.values()},
        "fsck": _fsck(repository),
        "samples": len(there),
    }


def _ended_jobs() -> dict[str, tuple[str, Any]]:
    """Every job by id: state and result, once all have ended or the time is over."""
    from hub.jobs.models import OPEN_STATES, Job

    until = time.monotonic() + WAIT
    while Job.objects.filter(state__in=OPEN_STATES).exists() and time.monotonic() < until:
        _wake()
        time.sleep(1)
    return {
        str(pk): (state, result) for pk, state, result in Job.objects.values_list("pk", "state", "result")
    }


def _wake() -> None:
    """Let what is silent count as lost now, and be sent again as the schedule would. Two workers at one job are no
    harm: it has a lock of its own."""
    from django.utils import timezone

    from hub.jobs.models import Job, State
    from repos.services import import_task

    now = timezone.now()
    quiet, long_ago = now - timedelta(seconds=SILENT), now - timedelta(hours=1)
    Job.objects.filter(state=State.RUNNING, heartbeat_at__lt=quiet).update(heartbeat_at=long_ago)
    Job.objects.filter(state=State.QUEUED, created_at__lt=quiet).update(created_at=long_ago)
    import_task.send_lost()


def _keys(repository: Any) -> set[str]:
    from repos import access
    from repos.selectors.snapshots import view_of

    return set(view_of(access.resolve_revision(repository, "main")).iter_keys())


def _lost(repository: Any, lines: list[Any], there: set[str], jobs: dict[str, tuple[str, Any]]) -> list[str]:
    """Names of acknowledged work that is not there: its commit, or a sample of it."""
    from repos.models import CommitRecord
    from repos.reachability import is_reachable

    lost = []
    for line in (line for line in lines if line["state"] == "acknowledged"):
        commit = line.get("commit")
        if "job" in line:
            state, result = jobs.get(line["job"], ("gone", None))
            if state in ("gone", "queued", "running"):
                lost.append(f"{line['name']}: job {state}")
            commit = (result or {}).get("commit") if state == "succeeded" else None
            if commit is None:
                continue
        record = CommitRecord.objects.filter(network=repository.network, commit_id=commit).first()
        if record is None or not is_reachable(repository, record):
            lost.append(f"{line['name']}: commit {commit}")
        elif missing := [key for key in line["keys"] if key not in there]:
            lost.append(f"{line['name']}: {missing[0]}")
    return lost


def _half(lines: list[Any], there: set[str]) -> list[str]:
    """Attempts of which a part landed."""
    asked = {line["name"]: line["keys"] for line in lines if line["state"] == "asked"}
    counts = {name: sum(key in there for key in keys) for name, keys in asked.items()}
    return [name for name, count in counts.items() if 0 < count < len(asked[name])]


def _fsck(repository: Any) -> dict[str, Any]:
    from repos.upkeep.fsck import check

    told: list[str] = []
    checked = check(repository.network, lambda finding: told.append(str(finding)), deep=True)
    return {**checked.document, "told": told[:20]}


if __name__ == "__main__":
    django.setup()
    print(json.dumps(main(Path(sys.argv[1]))))
