"""UTC seconds <-> RFC 3339 text."""

from __future__ import annotations

from datetime import UTC, datetime

from repos.annotations.errors import InvalidValue


def to_rfc3339(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat() + "Z"


def from_rfc3339(text: str) -> int:
    """InvalidValue when this is no time with an offset."""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidValue("time", text, "an RFC 3339 time such as 2026-01-02T03:04:05Z")
    return int(found.timestamp())
