"""A cheap look at a source: its first names, and the first bytes of files on demand. Formats guess from it.

Cost: at most `NAMES` names and 64 KiB of each file asked for, each file once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from posixpath import splitext

from repos.formats.errors import SourceError
from repos.formats.source import Source, is_nested, read_head

NAMES = 20_000
HEAD = 65_536


@dataclass(frozen=True, slots=True)
class Guess:
    """One format a source may be in: confidence 0..1, why, the options to start from, files of the format so
    far."""

    format: str
    confidence: float
    reasons: tuple[str, ...]
    options: Mapping[str, object] = field(default_factory=dict)
    files: int = 0
    estimate: int | None = None


class Look:
    """First names and heads of a source."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.names = list(islice(source.names(), NAMES))
        self._heads: dict[str, bytes] = {}

    @cached_property
    def by_extension(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.names:
            found.setdefault(splitext(name)[1].lower(), []).append(name)
        return found

    def of(self, *extensions: str) -> list[str]:
        """Names with one of these extensions (with the dot), in the source's order."""
        return [name for ext in extensions for name in self.by_extension.get(ext, [])]

    def head(self, name: str) -> bytes:
        """The first 64 KiB; empty when the file cannot be read (the reader will say why)."""
        if name not in self._heads:
            try:
                self._heads[name] = read_head(self.source, name, HEAD)
            except (SourceError, OSError):
                self._heads[name] = b""
        return self._heads[name]

    def text(self, name: str) -> str:
        return self.head(name).decode("utf-8-sig", "replace")

    def lines(self, name: str, count: int = 20) -> list[str]:
        """First whole lines; the last one is left off when the head was cut there."""
        text = self.text(name)
        lines = text.splitlines()
        if len(self.head(name)) >= HEAD and len(lines) > 1:
            lines.pop()
        return lines[:count]

    @cached_property
    def nested(self) -> list[str]:
        """Archives inside: never opened."""
        return [name for name in self.names if is_nested(name)]

    @cached_property
    def extensions(self) -> Counter[str]:
        return Counter({ext: len(names) for ext, names in self.by_extension.items()})
