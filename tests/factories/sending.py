"""A client that sends media in parts, as a stranger to the server: over HTTP to the addresses it is given."""

from __future__ import annotations

import hashlib
import http.client
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any
from urllib.parse import urlsplit

from rest_framework.test import APIClient

MIB = 2**20
LEAST = 5 * MIB
Json = dict[str, Any]


def film(size: int, seed: int = 1) -> bytes:
    """Bytes that are known as a film by their beginning."""
    return b"\0\0\0\x18ftypmp42" + Random(seed).randbytes(size - 12)


def announced(data: bytes, media_type: str = "video/mp4") -> Json:
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "media_type": media_type}


def put(url: str, data: bytes) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request("PUT", f"{parts.path}?{parts.query}", data)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def pages(api: APIClient, url: str, limit: int = 100) -> Iterator[Json]:
    """Every part of the upload at `url`."""
    following: str | None = f"{url}/parts?limit={limit}"
    while following:
        answer = api.get(following)
        assert answer.status_code == 200, answer.content
        yield from answer.json()["results"]
        following = answer.json()["next"]


def send(data: bytes, parts: Iterable[Json]) -> list[int]:
    """PUT those that are not there; their numbers."""
    sent = []
    for part in parts:
        if not part["sent"]:
            assert put(part["url"], data[part["offset"] : part["offset"] + part["size"]]) == 200
            sent.append(part["number"])
    return sent
