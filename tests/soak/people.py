"""People who work while services die, each in a thread, each writing down what they asked for and what was answered.

A journal line is one attempt: `asked` before the request, `acknowledged` with the answer, `refused` with a status,
`unreached` when nobody listened, or `unknown` when no answer came: that one may have landed or not, but not by half.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3

from tests.real.api import Api, ApiError, Json

SAMPLES = 3


class Journal:
    """Lines of JSON, on disk before the next step is taken."""

    def __init__(self, path: Path) -> None:
        self.path, self._lock = path, threading.Condition()
        self.counts: dict[str, int] = {}

    def note(self, state: str, sort: str, name: str, **more: object) -> None:
        with self._lock:
            self.counts[f"{sort} {state}"] = self.counts.get(f"{sort} {state}", 0) + 1
            with self.path.open("a") as file:
                file.write(json.dumps({"state": state, "sort": sort, "name": name, **more}) + "\n")
            self._lock.notify_all()

    def landed(self) -> int:
        return sum(count for what, count in self.counts.items() if what.endswith(" acknowledged"))

    def wait_for_more(self, longest: float) -> bool:
        """Until something more is acknowledged."""
        with self._lock:
            before = self.landed()
            return self._lock.wait_for(lambda: self.landed() > before, longest)


class Person(threading.Thread):
    """Does one thing over and over until `stop`."""

    sort = ""

    def __init__(
        self, api: Api, repository: str, number: int, journal: Journal, stop: threading.Event
    ) -> None:
        super().__init__(name=f"{self.sort}-{number}", daemon=True)
        self.api, self.repository, self.journal, self.ending = api, repository, journal, stop
        self.turn = 0

    def run(self) -> None:
        while not self.ending.is_set():
            self.turn += 1
            self.attempt(f"{self.name}-{self.turn}")
            self.ending.wait(0.05)

    def attempt(self, name: str) -> None:
        try:
            found = self.act(name)
        except ApiError as error:
            state = "unknown" if error.status >= 500 and error.status != 503 else "refused"
            self.journal.note(state, self.sort, name, status=error.status, why=error.body[:200])
        except urllib3.exceptions.NewConnectionError as error:
            self.journal.note("unreached", self.sort, name, why=str(error)[:200])
            self.ending.wait(0.5)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            self.journal.note("unknown", self.sort, name, why=str(error)[:200])
        else:
            self.journal.note("acknowledged", self.sort, name, **found)

    def act(self, name: str) -> Json:
        raise NotImplementedError

    def commit(self, name: str, branch: str, head: str | None, keys: list[str]) -> str:
        operations = [{"op": "put_sample", "key": key, "text": f"text of {key}"} for key in keys]
        body = {"branch": branch, "expected_head": head, "operations": operations, "message": name}
        made: Json = self.api.post(f"repos/{self.repository}/commits", body)
        return str(made["id"])

    def head(self, branch: str = "main") -> str:
        page: Json = self.api.get(f"repos/{self.repository}/commits?ref={branch}")
        return str(page["results"][0]["id"])


def keys_of(name: str) -> list[str]:
    return [f"{name}/{n}" for n in range(SAMPLES)]


class Committer(Person):
    """Commits three samples at once to main."""

    sort = "commit"

    def act(self, name: str) -> Json:
        head = self.head()
        self.journal.note("asked", self.sort, name, keys=keys_of(name))
        return {"commit": self.commit(name, "main", head, keys_of(name)), "keys": keys_of(name)}


class Merger(Person):
    """Makes a branch, commits to it, proposes it and merges it."""

    sort = "merge"

    def act(self, name: str) -> Json:
        where = f"repos/{self.repository}"
        head = self.head()
        self.api.post(f"{where}/branches", {"name": name, "at": head})
        self.commit(name, name, head, keys_of(name))
        pull: Json = self.api.post(f"{where}/pulls", {"source": name, "title": name, "target": "main"})
        self.journal.note("asked", self.sort, name, keys=keys_of(name))
        merged: Json = self.api.post(f"{where}/pulls/{pull['number']}/merge", {})
        return {"commit": str(merged["commit"]), "keys": keys_of(name)}


class Importer(Person):
    """Imports a small file; the job is looked at in the end, when everything runs again."""

    sort = "import"

    def act(self, name: str) -> Json:
        rows = [{"id": key, "text": f"text of {key}", "label": "storm"} for key in keys_of(name)]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        self.journal.note("asked", self.sort, name, keys=keys_of(name))
        file = ("files", ("a.jsonl", lines.encode(), "application/jsonl"))
        parts: list[Any] = [file, ("branch", "main"), ("format", "jsonl")]
        job: Json = self.api.call("POST", f"repos/{self.repository}/imports", files=parts)
        self.ending.wait(2)
        return {"job": str(job["id"]), "keys": keys_of(name)}


PEOPLE: list[Callable[..., Person]] = [Committer, Committer, Merger, Importer]
