"""Conditional requests: an answer is named by what it was made from, not by hashing what was made."""

import hashlib
from collections.abc import Mapping

from hub.errors import Stale


def etag(*parts: object) -> str:
    """A strong ETag of the values an answer depends on (revision, version of the code, parameters)."""
    joined = "\x00".join(str(part) for part in parts)
    return f'"{hashlib.sha256(joined.encode()).hexdigest()[:32]}"'


def _named(header: str) -> list[str]:
    return [part.strip().removeprefix("W/") for part in header.split(",")]


def not_modified(headers: Mapping[str, str], tag: str) -> bool:
    """Whether the client's copy (If-None-Match) is `tag`: answer 304."""
    given = headers.get("If-None-Match", "")
    return bool(given) and ("*" in _named(given) or tag in _named(given))


def require_match(headers: Mapping[str, str], tag: str) -> None:
    """Stale if the client has read something other than `tag` (If-Match)."""
    given = headers.get("If-Match", "")
    if given and "*" not in _named(given) and tag not in _named(given):
        raise Stale(etag=tag)
