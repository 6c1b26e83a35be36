"""JSON bodies, with what no text column keeps refused at the door.

NUL and lone surrogates are legal in JSON (as escapes) and in Python, but not in PostgreSQL nor in UTF-8. Found here,
they are a 422 that names the place; found by the database they would be a fault of ours. Cost: one search of the bytes;
only a body that has such an escape is walked.
"""

import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from hub.errors import Invalid

SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
UNFIT = re.compile("[\0\ud800-\udfff]")


class CleanJSONParser(JSONParser):
    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        watched = _Watched(stream)
        try:
            found = super().parse(watched, media_type, parser_context)  # type: ignore[arg-type]
        except RecursionError as error:
            raise ParseError("JSON parse error - too many levels") from error
        if watched.suspect:
            refuse_unfit(found)
        return found


class _Watched:
    """A stream that remembers whether an escape went by that could be unfit; an escape may lie across two reads."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.suspect, self.tail = stream, False, b""

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.suspect = self.suspect or SUSPECT.search(self.tail + data) is not None
        self.tail = data[-5:]
        return data


def refuse_unfit(value: Any) -> None:
    """Invalid for the first text, member names included, that cannot be kept."""
    for path, text in _texts(value, ""):
        bad = UNFIT.search(text)
        if bad is not None:
            where = UNFIT.sub("?", path) or "body"
            raise Invalid(f"{where}: the character U+{ord(bad[0]):04X} cannot be kept", field=where)


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield path, name
            yield from _texts(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _texts(inner, f"{path}.{n}".lstrip("."))
