"""A small client of the REST API: only what a user's own script would need."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3

Json = dict[str, Any]


class ApiError(Exception):
    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        super().__init__(f"{method} {path}: HTTP {status}: {body[:800]}")
        self.status, self.body = status, body


@dataclass
class Api:
    """One signed-in user. `base` is the address of the server, without a path."""

    base: str
    token: str
    pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(timeout=120.0, retries=False)
    )

    def call(self, method: str, path: str, body: Json | None = None, files: list[Any] | None = None) -> Any:
        url = path if path.startswith("http") else f"{self.base}/api/v1/{path}"
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        if files is not None:
            answer = self.pool.request(method, url, fields=files, headers=headers)
        elif body is not None:
            headers["Content-Type"] = "application/json"
            answer = self.pool.request(method, url, body=json.dumps(body), headers=headers)
        else:
            answer = self.pool.request(method, url, headers=headers)
        if answer.status >= 400:
            raise ApiError(method, path, answer.status, answer.data.decode(errors="replace"))
        return json.loads(answer.data) if answer.data else None

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def post(self, path: str, body: Json | None = None) -> Any:
        return self.call("POST", path, body or {})

    def pages(self, path: str) -> Iterator[Json]:
        """Every result of a list, over all its pages."""
        following: str | None = path
        while following:
            page = self.get(following)
            yield from page["results"]
            following = page["next"]

    def wait_for(self, path: str, done: Any, what: str, limit: float = 600.0) -> Json:
        """Poll until `done(answer)`; the interval grows to a second."""
        end, pause = time.monotonic() + limit, 0.05
        while True:
            answer: Json = self.get(path)
            if done(answer):
                return answer
            if time.monotonic() > end:
                raise TimeoutError(f"{what} not finished after {limit:g} s: {answer}")
            time.sleep(pause)
            pause = min(1.0, pause * 1.5)

    def import_files(self, repository: str, files: Mapping[str, bytes], **options: Any) -> Json:
        """Import files by their relative paths (sent as one archive); answers the finished job."""
        fields = {
            key: json.dumps(value)
            if isinstance(value, dict)
            else str(value).lower()
            if isinstance(value, bool)
            else str(value)
            for key, value in options.items()
        }
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as out:
            for name, data in files.items():
                out.writestr(name, data)
        parts: list[Any] = [("files", ("import.zip", archive.getvalue(), "application/zip")), *fields.items()]
        job = self.call("POST", f"repos/{repository}/imports", files=parts)
        job = self.wait_for(
            f"jobs/{job['id']}", lambda j: j["state"] in ("succeeded", "failed", "cancelled"), "import"
        )
        if job["state"] != "succeeded":
            raise RuntimeError(f"import {job['state']}: {job['error']} {job['log'][-3:]}")
        job["refusals"] = list(self.pages(f"jobs/{job['id']}/refusals"))
        return job


def tree(folder: Path, *, under: str = "") -> dict[str, bytes]:
    """All files below a folder by their path relative to it."""
    return {
        f"{under}{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def path_of(key: str) -> str:
    return quote(key, safe="/")
